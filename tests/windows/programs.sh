# Sourced by run.sh: compiles programs for Windows into $bin, lists them in $bin/list, and runs what is listed on Wine.
# shellcheck shell=sh

# Each needs something that Windows does not have. Of the others, single claims are skipped, and say why.
left_out='test_environment:a set-group-id program
test_process:interposed functions of the C library, and limits of descriptors
test_signals:signals
test_suspend:CLOCK_BOOTTIME, which the test replaces'

c_flags='-D_GNU_SOURCE -D__USE_MINGW_ANSI_STDIO=1 -Wall -Wextra -Wpedantic -Werror -g -O1'
system_libraries='-lws2_32 -lcrypt32 -lbcrypt -ladvapi32 -luserenv -lkernel32 -lntdll'

mingw=/usr/x86_64-w64-mingw32
libgcc=$(x86_64-w64-mingw32-gcc-win32 -print-libgcc-file-name)
in_trixie() { KAL_BIND="$PWD $scratch $mingw /usr/share/mingw-w64 $(dirname "$libgcc")" scripts/inside.sh "$trixie" "$@"; }

# compiled SOURCE OBJECT [FLAG]...
compiled() {
    source=$1 object=$2
    case $source in /*) ;; *) source=$PWD/$source ;; esac
    shift 2
    # shellcheck disable=SC2086
    case $mode in
    mingw) x86_64-w64-mingw32-gcc-win32 -std=c11 $c_flags "$@" -I "$scratch/kal/include" -c "$source" -o "$object" ;;
    msvc)
        in_trixie clang --target=x86_64-pc-windows-msvc -nostdlibinc -isystem $mingw/include -fno-ms-compatibility -Wno-string-concatenation \
            -include "$PWD/tests/windows/msvc.h" -std=c11 $c_flags "$@" -I "$scratch/kal/include" -c "$source" -o "$object"
        ;;
    esac
}

# linked PROGRAM OBJECT...
linked() {
    program=$1
    shift
    # shellcheck disable=SC2086
    case $mode-$library in
    mingw-static) x86_64-w64-mingw32-gcc-win32 -static -o "$program" "$@" "$scratch/kal/lib/libkaleidoscope.a" -lwinpthread $system_libraries ;;
    mingw-dll) x86_64-w64-mingw32-gcc-win32 -static -o "$program" "$@" "$scratch/kal/lib/libkaleidoscope.dll.a" -lwinpthread -lws2_32 ;;
    msvc-dll)
        in_trixie lld-link -nologo -subsystem:console -entry:mainCRTStartup -out:"$program" "$@" "$bin/msvc.c.o" \
            "$scratch/kal/lib/kaleidoscope.lib" -libpath:$mingw/lib libwinpthread.a libmingwex.a libmsvcrt.a libws2_32.a \
            libuser32.a libkernel32.a "$libgcc" -alternatename:__chkstk=___chkstk_ms -alternatename:__image_base__=__ImageBase
        ;;
    esac
}

tests_of() {
    [ "$mode" = mingw ] && library=static || library=dll
    posix="-I $scratch/include -include $PWD/tests/windows/posix.h"
    kit=
    for source in tests/c/check.c tests/c/kit.c tests/c/emulator.c tests/c/raw_server.c tests/windows/posix.c; do
        # shellcheck disable=SC2086
        claim "$mode: $source compiles" compiled "$source" "$bin/$(basename "$source").o" $posix
        kit="$kit $bin/$(basename "$source").o"
    done
    [ "$mode" = mingw ] || compiled tests/windows/msvc.c "$bin/msvc.c.o"
    for source in ${only:-tests/c/test_*.c tests/windows/test_windows.c}; do
        test=$(basename "$source" .c)
        source=tests/c/$test.c
        [ -e "$source" ] || source=tests/windows/$test.c
        why=$(printf '%s\n' "$left_out" | sed -n "s/^$test://p")
        if [ -n "$why" ]; then
            echo "ok - $mode: $test # SKIP it is about $why"
            continue
        fi
        # shellcheck disable=SC2086
        if compiled "$source" "$bin/$test.o" $posix && linked "$bin/$test.exe" "$bin/$test.o" $kit; then
            echo "$test" >>"$bin/list"
        else
            failures=$((failures + 1))
            echo "not ok - $mode: $test compiles"
        fi
    done
}

# The C++ tests, in the oldest standard, and the example that has coroutines. That gcc has std::thread in its variant for POSIX threads only; there is no C++ library for the
# MSVC ABI here.
cpp_tests_of() {
    export scratch bin
    # shellcheck disable=SC2016
    cpp_tests() {
        printf '%s\n' tests/cpp/main.cpp tests/cpp/check.cpp tests/cpp/test_*.cpp examples-c/cpp/*.cpp | xargs -P 2 -I '{}' sh -c \
            'case $1 in */concurrent.cpp) standard=c++20 ;; *) standard=c++17 ;; esac
            exec x86_64-w64-mingw32-g++-posix -std=$standard -Wall -Wextra -Wpedantic -Werror -D_GNU_SOURCE -I "$scratch/include" \
            -include tests/windows/posix.h -I "$scratch/kal/include" -c "$1" -o "$bin/cpp_$(basename "$1").o"' - '{}' &&
            x86_64-w64-mingw32-g++-posix -static -o "$bin/cpp_tests.exe" "$bin"/cpp_main.cpp.o "$bin"/cpp_check.cpp.o "$bin"/cpp_test_*.o \
                "$bin"/check.c.o "$bin"/kit.c.o "$bin"/emulator.c.o "$bin"/posix.c.o "$scratch/kal/lib/libkaleidoscope.a" \
                $system_libraries && echo cpp_tests >>"$bin/list"
    }
    claim "$mode: the C++ tests and examples compile without a warning" cpp_tests
    claim "$mode: examples-c/cpp/c_header.cpp is linked with the DLL" x86_64-w64-mingw32-g++-posix -static -o "$bin/c_header.exe" \
        "$bin/cpp_c_header.cpp.o" "$scratch/kal/lib/libkaleidoscope.dll.a" -lws2_32
    echo 'c_header.txt c_header' >>"$bin/examples"
}

# The examples, as they are: `prints` compares what each prints with what it prints elsewhere.
examples='quickstart members_table events_filter json_door request errors windows_event_loop'
examples_of() {
    library=dll
    for example in $examples; do
        claim "$mode: examples-c/$example.c compiles without a warning" eval \
            'compiled "examples-c/$example.c" "$bin/$example.o" -std=c99 -U_GNU_SOURCE && linked "$bin/$example.exe" "$bin/$example.o"'
    done
    [ "$mode" = msvc ] || packaged
    [ "$mode" = msvc ] || claim "$mode: examples-c/threads.c compiles without a warning" eval \
        'compiled examples-c/threads.c "$bin/threads.o" && linked "$bin/threads.exe" "$bin/threads.o"'
    # The programs of docs/windows.md.
    awk -v out="$bin/docs_" '/^```c$/ { on = 1; n++; next } /^```/ { on = 0 } on { print >(out n ".c") }' docs/windows.md
    for number in 1 2; do
        claim "$mode: program $number of docs/windows.md compiles without a warning" eval \
            'compiled "$bin/docs_$number.c" "$bin/docs_$number.o" -U_GNU_SOURCE && linked "$bin/docs_$number.exe" "$bin/docs_$number.o"'
    done
    cat >>"$bin/examples" <<'PROGRAMS'
quickstart.txt quickstart
members_table.txt members_table
events_first.txt events_filter
events_filtered.txt events_filter --type create --type update --resource-type task --after 2020-01-01 --before 2035-01-01T00:00:00Z --page 1 --page-size 5
events_bad_date.txt events_filter --after yesterday
json_methods.txt json_door
json_groups.txt json_door workspace.get_groups
json_events.txt json_door workspace.get_events {"page_size":2}
json_bad.txt json_door workspace.get_events {"page_size":"two"}
request.txt request POST /echo/programs {"page":2} {"title":"Solubility"}
request_refused.txt request PUT /echo?status=409
errors.txt errors
windows_event_loop.txt windows_event_loop
windows_docs_1.txt docs_1
windows_docs_2.txt docs_2
PROGRAMS
}

# A program that is built with what the zip has for CMake and for pkg-config.
packaged() {
    pkg_config() { PKG_CONFIG_LIBDIR=$scratch/kal/lib/pkgconfig pkg-config "$@" kaleidoscope; }
    # shellcheck disable=SC2046
    by_pkg_config() {
        x86_64-w64-mingw32-gcc-win32 examples-c/quickstart.c -o "$bin/by_pkg_config.exe" $(pkg_config --cflags --libs) &&
            x86_64-w64-mingw32-gcc-win32 examples-c/quickstart.c -o "$bin/by_pkg_config_static.exe" $(pkg_config --cflags) \
                $(pkg_config --variable=static)
    }
    by_cmake() {
        cmake -S tests/install/cmake -B "$scratch/cmake-$1" -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_C_COMPILER=x86_64-w64-mingw32-gcc-win32 \
            -DCMAKE_PREFIX_PATH="$prefix" -DLINK="$1" -DPROGRAM="$PWD/examples-c/quickstart.c" -DWANTED="$VERSION" &&
            cmake --build "$scratch/cmake-$1" && cp "$scratch/cmake-$1/consumer.exe" "$bin/by_cmake_$1.exe"
    }
    # Only what is found: to compile something, CMake asks for the libraries of MSVC.
    msvc_by_cmake() {
        cmake -S tests/windows/cmake -B "$scratch/cmake-msvc" -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/printed" 2>&1 &&
            same "kaleidoscope.lib, KAL_DLL, no static library" "$(sed -n 's/^-- found: //p' "$scratch/printed")"
    }
    not_a_newer_version() {
        ! cmake -S tests/install/cmake -B "$scratch/cmake-newer" -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_C_COMPILER=x86_64-w64-mingw32-gcc-win32 \
            -DCMAKE_PREFIX_PATH="$prefix" -DLINK=static -DPROGRAM="$PWD/examples-c/quickstart.c" -DWANTED=0.99
    }
    # Red: 'No rule to make target bin/kaleidoscope.dll' of make.
    lacks() {
        rm -rf "$scratch/lacking" && cp -R "$prefix" "$scratch/lacking" && rm "$scratch/lacking/$1" &&
            ! printed=$(cmake -S tests/install/cmake -B "$scratch/cmake-lacking" -DCMAKE_SYSTEM_NAME=Windows \
                -DCMAKE_C_COMPILER=x86_64-w64-mingw32-gcc-win32 -DCMAKE_PREFIX_PATH="$scratch/lacking" -DLINK=static \
                -DPROGRAM="$PWD/examples-c/quickstart.c" 2>&1) &&
            echo "$printed" | tr -s ' \n' ' ' | grep -F "$scratch/lacking/$1 does not exist, though" || { echo "$printed" && false; }
    }
    not_for_linux() {
        ! printed=$(cmake -S tests/install/cmake -B "$scratch/cmake-linux" -DCMAKE_PREFIX_PATH="$prefix" -DLINK=static \
            -DPROGRAM="$PWD/examples-c/quickstart.c" 2>&1) && echo "$printed" | grep -F "which is for Windows x86_64 and not for Linux"
    }
    claim 'mingw: a program is built with pkg-config, with the DLL and with the static library' by_pkg_config
    claim 'mingw: a program is built with CMake and Kaleidoscope::kaleidoscope' by_cmake kaleidoscope
    claim 'mingw: a program is built with CMake and Kaleidoscope::static' by_cmake static
    claim 'mingw: CMake does not find a newer version' not_a_newer_version
    for file in include/kaleidoscope.h bin/kaleidoscope.dll lib/libkaleidoscope.dll.a lib/libkaleidoscope.a; do
        claim "mingw: without $file, CMake does not find the package, and names the file" lacks "$file"
    done
    claim 'CMake does not find the package for a program for Linux' not_for_linux
    claim 'msvc: CMake finds kaleidoscope.lib' msvc_by_cmake
    for program in by_pkg_config by_pkg_config_static by_cmake_kaleidoscope by_cmake_static; do
        [ ! -e "$bin/$program.exe" ] || echo "quickstart.txt $program" >>"$bin/examples"
    done
}

prints_what_it_prints_elsewhere() {
    url=$(cat "$scratch/url")
    tr -d '\r' <"$scratch/out/$mode/example.$1" | sed -e "s|$url|URL|g" -e 's/request id:  .*/request id:  ID/' \
        -e 's|libkaleidoscope/[0-9.]*|libkaleidoscope/VERSION|' -e 's/was not found: .*/was not found: WHY/' >"$scratch/printed"
    # Why a name was not found, the system says in its own words.
    same "$(sed 's/was not found: .*/was not found: WHY/' "tests/c/expected/$2")" "$(cat "$scratch/printed")"
}

# Runs what is listed in one root; the output of each program is in out/MODE.
run_on_wine() {
    mkdir -p "$scratch/out/$mode" "$scratch/data/$mode" "$wine"
    KAL_BIND="$PWD $scratch $wine" scripts/inside.sh "$trixie" env WINEPREFIX="$wine" XDG_RUNTIME_DIR="$scratch/data" WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winedbg.exe=' \
        KAL_EMULATOR="$(cat "$scratch/port")" KAL_LIB_DIR="Z:$scratch/kal/bin" KAL_UNICODE_DIR="Z:$prefix/bin" WINEPATH="Z:$prefix/bin" KAL_INCLUDE_DIR="Z:$scratch/kal/include" CHECK_MODE=plain PROFILE=release \
        CHECK_DIR="$scratch/data/$mode" sh "$PWD/tests/windows/on_wine.sh" "$bin" "$scratch/out/$mode" "$(cat "$scratch/url")" || :
    while read -r test; do
        echo "# $mode: $test"
        tr -d '\r' <"$scratch/out/$mode/$test" >"$scratch/printed" || :
        sed "s/^\(not \)\{0,1\}ok - /&$mode: /" "$scratch/printed"
        ended=$(cat "$scratch/out/$mode/$test.status" 2>/dev/null || echo 'nothing')
        grep -q '^\(not \)*ok - ' "$scratch/printed" || ended="$ended, and it claims nothing"
        [ "$ended" = 0 ] || {
            failures=$((failures + 1))
            echo "not ok - $mode: $test exits with 0: $ended"
            head -n 5 "$scratch/out/$mode/$test.stderr" | sed 's/^/#   /'
        }
    done <"$bin/list"
    number=0
    [ ! -s "$bin/examples" ] || while read -r expected program arguments; do
        number=$((number + 1))
        claim "$mode: $program $arguments prints what it prints elsewhere" prints_what_it_prints_elsewhere "$number" "$expected"
    done <"$bin/examples"
}
