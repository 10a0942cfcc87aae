#!/bin/sh
# Checks the builds for Apple's systems, without one: run.sh [TRIPLE]... (default: macOS on arm64 and x86-64, iOS on arm64).
#
# Builds them (scripts/apple/build.sh), links programs with them and reads the Mach-O files. Nothing runs.
#
# TARGET   build directory              (default: target)
# TRIXIE   the root with LLVM and lld   (default: TARGET/trixie)
# CROSS    zig and a Rust toolchain     (default: TARGET/cross)
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/claims.sh
. scripts/claims.sh
# shellcheck source=scripts/apple/targets.sh
. scripts/apple/targets.sh
llvm() { "$root/scripts/apple/llvm" "$@"; }
[ $# -gt 0 ] || set -- aarch64-apple-darwin x86_64-apple-darwin aarch64-apple-ios
all="$*"

# --- The tools

# Red when symbols got new numbers and relocations did not: the program called kal_version at the address of another function.
keeps_the_listed_symbols() {
    printf 'int zero(void) { return 0; }\nint other(void);\nint used(void) { return zero() + other(); }\n' >"$scratch/one.c"
    printf 'int lost(void) { return 3; }\nint other(void) { return lost(); }\n' >"$scratch/two.c"
    for name in one two; do llvm clang -target arm64-apple-macos11.0 -c "$scratch/$name.c" -o "$scratch/$name.o"; done
    relocations() { llvm llvm-objdump --macho --reloc "$scratch/one.o" | awk '/BR26/ { print $NF }'; }
    # An object without a table of symbols, as ring has some for x86-64. Red: "KeyError: 2".
    : >"$scratch/empty.c"
    llvm clang -target x86_64-apple-macos11.0 -c "$scratch/empty.c" -o "$scratch/empty.o" && llvm llvm-objcopy --strip-debug "$scratch/empty.o"
    before=$(relocations)
    echo _used >"$scratch/list"
    python3 -B scripts/apple/keep_global.py "$scratch/list" "$scratch/one.o" "$scratch/two.o" "$scratch/empty.o" &&
        same '_used _other' "$(llvm llvm-nm -g --defined-only "$scratch/one.o" "$scratch/two.o" | awk 'NF == 3 { print $3 }' | xargs)" &&
        same "$before" "$(relocations)"
}
claim 'keep_global.py leaves the listed symbols global, and those that another object needs' keeps_the_listed_symbols
names_what_is_missing() {
    echo _absent >"$scratch/list"
    ! python3 -B scripts/apple/keep_global.py "$scratch/list" "$scratch/one.o" 2>"$scratch/message" && grep -q 'not defined: _absent' "$scratch/message"
}
claim 'keep_global.py names a listed function that no object defines' names_what_is_missing

# --- The library

exported() { llvm llvm-nm -g --defined-only "$1" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort; }
listed() { scripts/symbols names | sed 's/^/_/' | LC_ALL=C sort; }
# imports FRAMEWORK: what is bound to that library. The column after the address is the library, and the last the symbol.
imports() {
    llvm llvm-nm -m -u "$dylib" | sed -n "s/.*external \([^ ]*\) (from $1)/\1/p" | LC_ALL=C sort -u
}
list_of_imports() { awk -v of="$1" '$1 == of { print $2 }' packaging/apple/imports.txt | LC_ALL=C sort; }
headers='CommonCrypto/CommonRandom.h dirent.h dispatch/dispatch.h dlfcn.h errno.h fcntl.h mach-o/dyld.h netdb.h pthread.h signal.h stdlib.h
    string.h strings.h sys/event.h sys/ioctl.h sys/mman.h sys/random.h sys/socket.h sys/stat.h sys/sysctl.h sys/uio.h time.h unistd.h unwind.h'
# Declared nowhere: compiler and linker refer to them. unwind.h of clang has not the last two for Apple, whose unwinder has them since 10.6.
undeclared='dyld_stub_binder __bzero __stack_chk_fail __stack_chk_guard _Unwind_GetDataRelBase _Unwind_GetTextRelBase'
# Compiles a file that uses each imported function of the C library, for a version of the system.
available() {
    {
        for header in $headers; do echo "#include <$header>"; done
        echo 'void use(void) {'
        # shellcheck disable=SC2086  # several words
        imports libSystem | sed -e 's/\$.*//' -e 's/^_//' | grep -vxF "$(printf '%s\n' $undeclared)" | sed 's/.*/    (void)\&&;/'
        echo '}'
    } >"$scratch/imports.c"
    llvm clang -target "$1" -isysroot "$sdk" -fsyntax-only -ferror-limit=0 -Werror=unguarded-availability -Wno-deprecated-declarations \
        "$scratch/imports.c"
}
too_new() { available "$1" 2>&1 | grep -q "'clock_gettime' is only available on macOS 10.12"; }
header_says() { printf '%s\n' "$headers_of_the_file" | grep -qE "$1" || { printf '%s\n' "$headers_of_the_file" && false; }; }
load_commands() { llvm llvm-objdump --macho --private-headers "$1" | tr -s ' \n' ' '; }
id_is() { headers_of_the_file=$(load_commands "$dylib") && header_says "LC_ID_DYLIB .*name $1 \(.*current version $version compatibility version 1\.0\.0"; }
minimum_is() { headers_of_the_file=$(load_commands "$dylib") && header_says "LC_BUILD_VERSION cmdsize [0-9]+ platform $1 sdk $2 minos $2 "; }
# ld64 names the platform of the simulator differently in its options and here.
platform_name() { echo "$linker_platform" | sed 's/^ios-simulator$/iossimulator/'; }
loads() { llvm llvm-otool -L "$dylib" | sed -n 's/^\t\([^ ]*\) .*/\1/p' | tail -n +2 | LC_ALL=C sort | xargs -n 1 basename | sed 's/\..*//' | xargs; }
signed() { load_commands "$1" | grep -c LC_CODE_SIGNATURE; }
no_path_of_this_machine() {
    same '' "$(strings -a "$1" | grep -oF -e "$PWD/" -e "${CARGO_HOME:-$HOME/.cargo}/" -e "$(cd "${CROSS:-$TARGET/cross}" && pwd)/" | sort | uniq -c)"
}
smaller_than() { [ "$(stat -c %s "$2")" -lt "$1" ]; }
has_exception_tables() { llvm llvm-objdump --macho --section-headers "$1" | grep -q __gcc_except_tab; }
link_optimised() { [ "$(llvm llvm-ar t "$out/cargo/$triple/release/libkaleidoscope.a" | grep -cE '^(kaleidoscope|hyper|rustls|tokio|std|core)-')" = 1 ]; }
members() { llvm llvm-nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }'; }
# Beside the functions of the header only those of ring, whose names have its version, and of the compiler's runtime library.
archive_exports() {
    members "$archive" | LC_ALL=C sort -u >"$scratch/global"
    listed | LC_ALL=C comm -13 - "$scratch/global" | grep -vE '^_ring_core_[0-9]+_|^___|compiler_builtins' >"$scratch/more" || :
    same '' "$(cat "$scratch/more")" && same '' "$(listed | LC_ALL=C comm -23 - "$scratch/global")"
}

# --- Programs

compile() { llvm clang -target "$clang_target" -isysroot "$sdk" "$@"; }
# link OUTPUT FILE...: a program, with the frameworks that the archive needs.
link() {
    output=$1
    shift
    # shellcheck disable=SC2086
    llvm ld64.lld -arch "$arch" -platform_version "$linker_platform" "$minimum" "$minimum" -syslibroot "$sdk" -o "$output" "$@" \
        -lSystem $apple_frameworks
}
# compiles FILE OPTIONS...
compiles() {
    source=$1
    shift
    compile "$@" -Wall -Wextra -Wpedantic -Werror -I include -c "$source" -o "$scratch/program.o"
}
with_the_dylib() {
    compile -std=c11 -Wall -Werror -I include -c tests/install/consumer.c -o "$scratch/consumer.o" &&
        link "$scratch/consumer" "$scratch/consumer.o" "$dylib" && llvm llvm-otool -L "$scratch/consumer" | grep -q "@rpath/libkaleidoscope.0.dylib"
}
with_the_archive() {
    compile -std=c11 -Wall -Werror -I include -c tests/artefact/together.c -o "$scratch/together.o" &&
        link "$scratch/together" "$scratch/together.o" "$archive" && ! llvm llvm-otool -L "$scratch/together" | grep -q libkaleidoscope
}
# Another Rust library: cargo's own archive with one function of another name instead of kal_*. It defines all else a second time.
# Red with cargo's archive in place of ours: "duplicate symbol: _rust_eh_personality".
with_another_rust_library() {
    rm -rf "$scratch/other" && mkdir "$scratch/other"
    (
        cd "$scratch/other" && llvm llvm-ar x "$out/cargo/$triple/release/libkaleidoscope.a" &&
            for object in *.o; do
                llvm llvm-objcopy --remove-section=__LLVM,__bitcode --remove-section=__LLVM,__cmdline --redefine-sym _kal_version=_other_version \
                    "$object" || return 1
            done &&
            llvm llvm-nm -g --defined-only ./*.o | awk 'NF == 3 && $3 !~ /^_kal_/ { print $3 }' >list &&
            python3 -B "$root/scripts/apple/keep_global.py" list ./*.o &&
            llvm llvm-ar rcsD libother.a ./*.o
    ) && link "$scratch/both" "$scratch/together.o" "$archive" -u _other_version "$scratch/other/libother.a" &&
        llvm llvm-nm "$scratch/both" | grep -q ' T _other_version'
}

for each in $all; do
    apple_target "$each"
    # Built before the claims that read it; a build takes minutes.
    claim "$each: the library is built and linked" scripts/apple/build.sh "$each"
    out=$(cd "$TARGET/apple" && pwd)
    lib=$out/lib/$triple
    sdk=$out/sdk/$linker_platform
    dylib=$lib/libkaleidoscope.$version.dylib
    archive=$lib/libkaleidoscope.a
    if [ ! -e "$dylib" ] || [ ! -e "$archive" ]; then continue; fi
    claim "$each: it exports exactly the functions of packaging/symbols.txt" same "$(listed)" "$(exported "$dylib")"
    claim "$each: it is for $arch" test "$(llvm llvm-lipo "$dylib" -archs | xargs)" = "$arch"
    claim "$each: its install name is @rpath/libkaleidoscope.0.dylib, its version $version" id_is @rpath/libkaleidoscope.0.dylib
    claim "$each: it is for $platform $minimum or later" minimum_is "$(platform_name)" "$minimum"
    claim "$each: it needs the C library, CoreFoundation and Security only" same 'CoreFoundation Security libSystem' "$(loads)"
    for framework in CoreFoundation Security; do
        claim "$each: it imports of $framework exactly what packaging/apple/imports.txt lists" same "$(list_of_imports "$framework")" "$(imports "$framework")"
    done
    claim "$each: every function of the C library that it imports is in $platform $minimum, by the system's headers" available "$clang_target"
    # So that the claim before is one that can fail.
    [ "$platform" != macos ] || claim "$each: the headers know that clock_gettime is not in macOS 10.11" too_new "$arch-apple-macos10.11"
    # arm64 runs nothing that is not signed; what Xcode builds an app of, it signs itself.
    signatures=0
    [ "$arch-$linker_platform" != arm64-macos ] || signatures=1
    claim "$each: it is $([ $signatures = 1 ] && echo signed ad hoc || echo not signed)" test "$(signed "$dylib")" = "$signatures"
    claim "$each: it has the tables with which a panic is caught" has_exception_tables "$dylib"
    claim "$each: link-time optimisation took effect: one object of Rust" link_optimised
    claim "$each: the shared library contains no path of the build machine" no_path_of_this_machine "$dylib"
    claim "$each: the archive contains no path of the build machine" no_path_of_this_machine "$archive"
    claim "$each: the shared library is smaller than 3.5 MB" smaller_than 3500000 "$dylib"
    claim "$each: of the archive only the functions of the header are visible, and those of ring and the compiler" archive_exports
    claim "$each: a program is linked with the shared library" with_the_dylib
    claim "$each: a program is linked with the archive" with_the_archive
    claim "$each: a program is linked with the archive and another Rust library" with_another_rust_library
    echo "#   $each: $(stat -c %s "$dylib") bytes, archive $(stat -c %s "$archive") bytes, $(imports libSystem | wc -l) functions of libSystem"
done

# --- The tests and examples in C and C++, for macOS on arm64

apple_target aarch64-apple-darwin
sdk=$(cd "$TARGET/apple/sdk/macos" && pwd)
archive=$(cd "$TARGET/apple" && pwd)/lib/$triple/libkaleidoscope.a
kit() {
    for part in check emulator kit raw_server; do
        compiles "tests/c/$part.c" -std=c11 -D_GNU_SOURCE -include tests/apple/posix.h && mv "$scratch/program.o" "$scratch/$part.o" || return 1
    done
}
test_program() {
    compiles "$1" -std=c11 -D_GNU_SOURCE -include tests/apple/posix.h &&
        link "$scratch/program" "$scratch/program.o" "$scratch/check.o" "$scratch/emulator.o" "$scratch/kit.o" "$scratch/raw_server.o" "$archive"
}
claim 'the kit of the C tests compiles for macOS' kit
for file in tests/c/test_*.c; do
    claim "$file compiles and links for macOS" test_program "$file"
done
example() { compiles "$1" -std=c99 && link "$scratch/program" "$scratch/program.o" "$lib/libkaleidoscope.dylib"; }
lib=${archive%/*}
for file in examples-c/*.c; do
    case $file in */windows_*) continue ;; esac
    claim "$file compiles and links for macOS" example "$file"
done
plugin() {
    compiles examples-c/plugin/host.c -std=c99 && link "$scratch/host" "$scratch/program.o" && compiles examples-c/plugin/lab_plugin.c -std=c99 &&
        link "$scratch/lab_plugin.so" -bundle "$scratch/program.o" "$lib/libkaleidoscope.dylib"
}
claim 'the plugin and its host compile and link for macOS' plugin
# zig has the headers of the C++ library.
# shellcheck disable=SC2016  # expanded by the inner shell
cpp_compiles() {
    scripts/cross.sh sh -c '"$KAL_PYTHON" -m ziglang c++ "$@"' sh -target "aarch64-macos.$apple_macos" -std=c++17 ${2:+"$2"} -Wall -Wextra \
        -Wpedantic -Werror -I include -c "$1" -o "$scratch/program.o"
}
for file in examples-c/cpp/*.cpp tests/cpp/*.cpp; do
    case $file in
    */no_exceptions.cpp) option=-fno-exceptions ;;
    *) option= ;;
    esac
    claim "$file compiles for macOS" cpp_compiles "$file" $option
done
universal() {
    llvm llvm-lipo -create "$archive" "$(dirname "$lib")/x86_64-apple-darwin/libkaleidoscope.a" -output "$scratch/universal.a" &&
        same 'x86_64 arm64' "$(llvm llvm-lipo "$scratch/universal.a" -archs | xargs)"
}
case $all in
*x86_64-apple-darwin*) claim 'the archives of both architectures become one for macOS' universal ;;
esac
claim 'clippy reports nothing for macOS on arm64' scripts/apple/cargo.sh aarch64-apple-darwin clippy --lib --package kaleidoscope -- -D warnings
claim 'clippy reports nothing for iOS' scripts/apple/cargo.sh aarch64-apple-ios clippy --lib --package kaleidoscope -- -D warnings
finish
