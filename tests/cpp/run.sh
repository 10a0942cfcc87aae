#!/bin/sh
# Compiles and runs the tests of the C++ header: run.sh [plain|asan|tsan] [claim]...
#
# plain: in every standard from C++17 to C++23, under g++ and clang++, and as C++23 under clang++-19 with libc++, which has what those
# lack; also without exceptions, and with two standards in one program. asan: under AddressSanitizer, in the oldest and the newest
# standard. tsan: under ThreadSanitizer, in the oldest, with the shared library.
#
# KAL_LIB_DIR        where libkaleidoscope.a is                 (default: target/lib)
# KAL_INCLUDE_DIR    where kaleidoscope.h and .hpp are          (default: include)
# KAL_EMULATOR       the program kal-emulator                   (default: the newest below target/)
# KAL_ASAN_LIB       asan: the archive made with -Zsanitizer    (default: the ordinary archive)
# KAL_ASAN_CFLAGS    asan: what else the compiler needs
# KAL_STATIC_LIBS    what the archive needs                     (default: -lpthread -ldl -lm)
# KAL_REQUIRE_CLANG  1: a missing clang++ is a failure          (default: it is skipped)
# CC, CXX            the C compiler; the C++ compiler, instead of both
# KAL_STANDARDS      of C++                                     (default: 17 20 23)
# KAL_BRIEF          set by make test: fewer rounds, which still have each standard and each compiler; asan: at -O0
# KAL_RUNNER         what runs programs of another machine, such as `qemu-aarch64 -L DIRECTORY`
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
mode=${1:-plain}
[ $# -gt 0 ] && shift

lib_dir=${KAL_LIB_DIR:-$root/target/lib}
include_dir=${KAL_INCLUDE_DIR:-$root/include}
newest=$(ls -t "$root"/target/*/kal-emulator 2>/dev/null | head -n 1 || true)
KAL_EMULATOR=${KAL_EMULATOR:-$newest}
export KAL_EMULATOR
# Tests set the environment variables that they need.
unset KALEIDOSCOPE_API_CLIENT_ID KALEIDOSCOPE_API_CLIENT_SECRET KALEIDOSCOPE_API_URL

archive=$lib_dir/libkaleidoscope.a
flags="-Wall -Wextra -Wpedantic -Werror -pthread"
standards=${KAL_STANDARDS:-17 20 23}
case $mode in
plain) ;;
asan)
    archive=${KAL_ASAN_LIB:-$archive}
    # Compiling at -O1 takes more than twice as long.
    optimised=-O1
    if [ -n "${KAL_BRIEF:-}" ]; then
        optimised=-O0
        echo 'ok - the tests are compiled with optimisation for AddressSanitizer # SKIP it takes minutes: make test-cpp-asan does it'
    fi
    flags="$flags -g1 $optimised -fsanitize=address -fno-omit-frame-pointer ${KAL_ASAN_CFLAGS:-}"
    ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99}
    export ASAN_OPTIONS
    standards="17 23"
    CXX=${CXX:-g++}
    ;;
tsan)
    # The suppressions name the shared library.
    archive="-L $lib_dir -lkaleidoscope -Wl,-rpath,$lib_dir"
    flags="$flags -g1 -O1 -fsanitize=thread"
    TSAN_OPTIONS=${TSAN_OPTIONS-"suppressions=$root/packaging/libkaleidoscope-tsan.supp exitcode=99"}
    export TSAN_OPTIONS
    standards=17
    CXX=${CXX:-g++}
    ;;
*)
    echo "run.sh: unknown mode $mode; use plain, asan or tsan" >&2
    exit 2
    ;;
esac

compilers=${CXX:-g++ clang++}
if [ -z "${CXX:-}" ] && ! command -v clang++ >/dev/null; then
    if [ "${KAL_REQUIRE_CLANG:-0}" = 1 ]; then
        echo "run.sh: clang++ is missing (Debian: apt-get install clang)" >&2
        exit 1
    fi
    echo "ok - the header compiles under clang++ # SKIP clang++ is not installed"
    compilers=g++
fi

if [ -z "${CXX:-}" ]; then
    if command -v clang++-19 >/dev/null && [ -e /usr/lib/llvm-19/include/c++/v1/version ]; then
        compilers="$compilers clang++-19:-stdlib=libc++"
    else
        echo "ok - the header compiles with libc++ # SKIP clang++-19 or its libc++ is not installed"
    fi
fi

# shellcheck source=../../scripts/claims.sh
. "$root/scripts/claims.sh"
# shellcheck source=../../scripts/emulator.sh
. "$root/scripts/emulator.sh"

# object SOURCE [FLAG]...: compiles one file.
object() {
    source=$1
    shift
    # shellcheck disable=SC2086
    "$compiler" -std="$standard" $flags "$@" -I "$include_dir" -c "$source" -o "$scratch/$(basename "$source").o"
}

# linked PROGRAM SOURCE...: links a program from compiled objects.
linked() {
    program=$scratch/$1
    shift
    objects=
    for source in "$@"; do objects="$objects $scratch/$(basename "$source").o"; done
    # shellcheck disable=SC2086
    "$compiler" $flags -o "$program" $objects "$scratch/emulator.o" $archive ${KAL_STATIC_LIBS:--lpthread -ldl -lm}
}

# Two at a time: this takes most of the time. kit.hpp, which each test includes first, is compiled once.
tests() {
    case $compiler in
    *clang*) compiled=pch ;;
    *) compiled=gch ;;
    esac
    rm -f "$scratch"/kit.hpp.?ch
    printf '#include "%s/kit.hpp"\n' "$PWD" >"$scratch/kit.hpp"
    # shellcheck disable=SC2086
    "$compiler" -std="$standard" $flags -I "$include_dir" -x c++-header "$scratch/kit.hpp" -o "$scratch/kit.hpp.$compiled" || return
    export compiler standard flags include_dir scratch
    # shellcheck disable=SC2016
    printf '%s\n' main.cpp test_*.cpp | xargs -P 2 -I '{}' sh -c \
        'exec "$compiler" -std="$standard" $flags -Winvalid-pch -include "$scratch/kit.hpp" -I "$include_dir" -c "$1" -o "$scratch/$1.o"' \
        - '{}' && object check.cpp && linked tests main.cpp check.cpp test_*.cpp
}

example() {
    object "$1" && linked "$(basename "$1" .cpp)" "$1"
}
has_coroutines() { echo | "$compiler" -std="$standard" -dM -E -x c++ - | grep -q __cpp_impl_coroutine; }
# What coroutines print in the order in which the server answers.
concurrent() {
    start_emulator --seed 7
    code=0
    # shellcheck disable=SC2086
    ${KAL_RUNNER:-} "$scratch/concurrent" >"$scratch/printed" 2>&1 || code=$?
    stop_emulator
    [ "$code" = 0 ] || echo "it exits with $code"
    same "$(printf '12 members, 4 groups\n250 events\nKAL_NOT_FOUND\n')" "$(LC_ALL=C sort "$scratch/printed")" && [ "$code" = 0 ]
}

# What a program that asks for more warnings includes. At -O2, as gcc looks for null pointers in optimised code; clang does not.
strict() {
    case $compiler in
    *clang*) how=-fsyntax-only ;;
    *) how=-O2 ;;
    esac
    for source in test_queue.cpp test_vocabulary.cpp test_coroutines.cpp no_exceptions.cpp "$root/examples-c/cpp/events_since.cpp" \
        "$root/examples-c/cpp/memberships.cpp"; do
        case $compiler-$source in
        *no_exceptions.cpp) option=-fno-exceptions ;;
        g++*coroutines.cpp) option=-Wno-zero-as-null-pointer-constant ;; # of what gcc 12 itself adds to a coroutine
        *) option=-fexceptions ;;
        esac
        object "$source" $how -Weffc++ -Wnull-dereference -Wzero-as-null-pointer-constant -Wshadow -Wconversion -Wsign-conversion \
            -Wold-style-cast $option || return
    done
}

no_exceptions() {
    object no_exceptions.cpp -fno-exceptions && linked no_exceptions main.cpp check.cpp no_exceptions.cpp
}

# The newer half and the harness have been compiled by now, in the last round's standard.
mixed() {
    object mixed_newer.cpp && standard=c++17 && object mixed_older.cpp &&
        linked mixed main.cpp check.cpp mixed_newer.cpp mixed_older.cpp
}

# Whether the symbols of the tests that begin with kal:: go on with the version of the headers.
versioned() {
    version=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/v\1/p' "$include_dir/kaleidoscope.h" | tr . _)
    nm -C "$scratch"/test_*.o "$scratch/no_exceptions.cpp.o" >"$scratch/symbols" &&
        grep -qw "kal::$version" "$scratch/symbols" && ! grep -P "(?<![\w:])kal::(?!$version::)" "$scratch/symbols"
}

# refused SOURCE: whether the compiler refuses each line that it has to.
refused() {
    case $compiler in
    *clang*) all=-ferror-limit=0 ;;
    *) all=-fmax-errors=0 ;;
    esac
    python3 -B temporaries/refused.py "temporaries/$1" "$compiler" -std="$standard" $all -fsyntax-only -I "$include_dir"
}

# headers_of_two_releases PATCH: compiles with a kaleidoscope.h whose version is another.
headers_of_two_releases() {
    rm -rf "$scratch/releases"
    cp -r "$include_dir" "$scratch/releases" || return
    sed -i "s/^#define KAL_VERSION_PATCH .*/#define KAL_VERSION_PATCH $1/" "$scratch/releases/kaleidoscope.h" || return
    echo '#include <kaleidoscope.hpp>' | "$compiler" -std="$standard" -I "$scratch/releases" -fsyntax-only -x c++ - 2>&1
}
different_releases() { headers_of_two_releases 99 | grep 'error: .*are of different releases'; }

# Whether the headers look at MSVC's own macro, and include what its macros of features say that there is.
standard_of_msvc() {
    rm -rf "$scratch/library" && mkdir "$scratch/library" || return
    for name in compare expected format ranges; do echo "included_$name" >"$scratch/library/$name"; done
    printf '#include "kaleidoscope/config.hpp"\n' | "$compiler" -E -U__cplusplus -D__cplusplus=199711L -D_MSVC_LANG=202302L \
        -isystem "$scratch/library" -I "$include_dir" -x c++ - 2>/dev/null >"$scratch/preprocessed"
    for name in compare expected ranges; do grep -q "included_$name" "$scratch/preprocessed" || return; done
    grep -q 'KAL_CPP_STANDARD >= 202002L && __has_include(<format>)' "$include_dir/kaleidoscope/format.hpp" &&
        [ "$(grep -rlw __cplusplus "$include_dir/kaleidoscope")" = "$include_dir/kaleidoscope/config.hpp" ]
}

# plugin NAME STANDARD INCLUDE [FLAG]: a shared object with the headers of a folder.
plugin() {
    # shellcheck disable=SC2086
    "$compiler" -std="$2" $library ${4:-} -pthread -fPIC -shared -I "$3" plugins/plugin.cpp -o "$scratch/$1.so" -L "$lib_dir" -lkaleidoscope \
        -Wl,-rpath,"$lib_dir"
}

# Two plugins and their host, with one shared library. -rdynamic: the symbols of the host are those that the plugins use first.
# -fvisibility=hidden: without KAL_CPP_SHARED, libc++ does not know the error of the newer one.
plugins() {
    python3 -B plugins/older.py "$include_dir" "$scratch/older" && plugin older c++17 "$scratch/older" &&
        plugin newer "$standard" "$include_dir" -fvisibility=hidden && object plugins/host.cpp &&
        "$compiler" $library -pthread -rdynamic -o "$scratch/host" "$scratch/host.cpp.o" "$scratch/main.cpp.o" "$scratch/check.cpp.o" \
            "$scratch/emulator.o" -L "$lib_dir" -lkaleidoscope -Wl,-rpath,"$lib_dir" -ldl
}

# run PROGRAM CLAIM...: runs a program that prints its own claims.
run() {
    program=$1
    shift
    code=0
    # shellcheck disable=SC2086
    ${KAL_RUNNER:-} "$scratch/$program" "$@" || code=$?
    if [ "$code" -ne 0 ]; then
        failures=$((failures + 1))
        [ "$code" -eq 1 ] || echo "not ok - $program exits with 0 or 1: it exits with $code"
    fi
}

# shellcheck disable=SC2086
${CC:-gcc} -std=c11 -D_GNU_SOURCE ${KAL_ASAN_CFLAGS:-} -I "$include_dir" -c ../c/emulator.c -o "$scratch/emulator.o"

common=$flags
for compiler in $compilers; do
    # A compiler, or NAME:FLAG.
    library=$(echo "$compiler:" | cut -d: -f2)
    flags="$common $library"
    compiler=${compiler%%:*}
    # libc++ for what only it has in the newest standard.
    numbers=$standards
    [ -z "$library" ] || numbers=${standards##* }
    if [ -n "${KAL_BRIEF:-}" ] && [ -z "${KAL_STANDARDS:-}" ]; then
        case $mode-$compiler in
        plain-g++) numbers='17 23' ;;
        plain-clang++) numbers=20 ;;
        *) numbers=${standards##* } ;;
        esac
        [ "$numbers" = "$standards" ] ||
            echo "ok - $compiler compiles the tests in every standard # SKIP it takes minutes: make test-cpp test-cpp-asan do it"
    fi
    for number in $numbers; do
        # The name that the compilers of Debian 12 accept, too.
        standard=c++$(echo "$number" | sed 's/23/2b/')
        echo "# $compiler, C++$number, $mode"
        claim "$compiler compiles the tests as C++$number without a warning" tests
        run tests "$@"
        for source in "$root"/examples-c/cpp/*.cpp; do
            case $source in */concurrent.cpp) has_coroutines || continue ;; esac
            claim "$compiler compiles $(basename "$source") as C++$number without a warning" example "$source"
        done
        if has_coroutines; then claim "$compiler, C++$number: concurrent.cpp prints what its calls return and ends" concurrent; fi
        claim "$compiler compiles the header as C++$number without exceptions" no_exceptions
        run no_exceptions "$@"
        # Red with std::optional and std::expected in place of kal::optional and kal::result: 20 lines compile.
        claim "$compiler refuses each use of a temporary in refused.cpp as C++$number" refused refused.cpp
        case $compiler-$number in
        *clang*-* | *-17) ;; # clang 14 has no ranges
        *) claim "$compiler refuses each use of a temporary in refused_ranges.cpp as C++$number" refused refused_ranges.cpp ;;
        esac
        # Red with kal::view outside: "W kal::view<kal::v0_2_0::event, ...>::view()".
        claim "$compiler: every symbol of the header carries its version, as C++$number" versioned
    done
    # Red without the comparison in config.hpp.
    claim "$compiler refuses a kaleidoscope.h of another release" different_releases
    [ "$mode" = plain ] || continue
    # Red with __cplusplus in place of KAL_CPP_STANDARD.
    claim "$compiler: the headers include what MSVC has without /Zc:__cplusplus" standard_of_msvc
    claim "$compiler links objects of C++17 and C++$number" mixed
    run mixed "$@"
    rm -rf "$scratch/older"
    claim "$compiler compiles plugins with two versions of the headers" plugins
    # Red when both were in plain kal: the host ends with SIGSEGV in either order.
    for order in older:newer newer:older; do
        echo "# ${order%:*}.so is loaded before ${order#*:}.so"
        export KAL_PLUGINS="$scratch/${order%:*}.so:$scratch/${order#*:}.so"
        run host "$@"
    done
    # Red with std::variant in result: "potential null pointer dereference"; without initialisers of members: -Weffc++.
    case ${KAL_BRIEF:-}-$compiler in
    [!-]*clang*) # -Weffc++ and -Wnull-dereference are gcc's; the others it has, too.
        echo "ok - $compiler: no warning of -Weffc++, -Wnull-dereference and others # SKIP it takes a minute: make test-cpp does it" ;;
    *) claim "$compiler: no warning of -Weffc++, -Wnull-dereference and others, as C++$number" strict ;;
    esac
done
finish
