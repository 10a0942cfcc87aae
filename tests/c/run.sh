#!/bin/sh
# Compiles and runs the tests of the C API: run.sh [plain|valgrind|asan|tsan] [test_name]...
#
# KAL_LIB_DIR      where libkaleidoscope.so and .a are        (default: target/lib)
# KAL_INCLUDE_DIR  where kaleidoscope.h is                    (default: include)
# KAL_EMULATOR     the program kal-emulator                   (default: the newest below target/)
# KAL_ASAN_LIB     asan: the archive made with -Zsanitizer    (default: the ordinary archive)
# KAL_ASAN_CFLAGS  asan: what else the compiler needs
# KAL_STATIC_LIBS  what the archive needs                     (default: -lpthread -ldl -lm)
# PROFILE          dev, when the archive is not optimised     (default: release)
# CC               the compiler                               (default: gcc)
# KAL_RUNNER       plain: what runs programs of another machine, such as `qemu-aarch64 -L DIRECTORY`
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
mode=${1:-plain}
[ $# -gt 0 ] && shift

lib_dir=${KAL_LIB_DIR:-$root/target/lib}
include_dir=${KAL_INCLUDE_DIR:-$root/include}
newest=$(ls -t "$root"/target/*/kal-emulator 2>/dev/null | head -n 1 || true)
KAL_EMULATOR=${KAL_EMULATOR:-$newest}
KAL_LIB_DIR=$lib_dir
KAL_INCLUDE_DIR=$include_dir
CHECK_MODE=$mode
export KAL_EMULATOR KAL_LIB_DIR KAL_INCLUDE_DIR CHECK_MODE
# Tests set the environment variables that they need.
unset KALEIDOSCOPE_API_CLIENT_ID KALEIDOSCOPE_API_CLIENT_SECRET KALEIDOSCOPE_API_URL

archive=$lib_dir/libkaleidoscope.a
flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -g -O1 -pthread"
# What the tests use and the system lacks.
[ "$(uname -s)" != Darwin ] || flags="$flags -include $root/tests/apple/posix.h"
before=
case $mode in
plain)
    before=${KAL_RUNNER:-}
    [ -z "$before" ] || CHECK_MODE=emulated
    ;;
valgrind)
    before="valgrind --quiet --leak-check=full --error-exitcode=99 --errors-for-leak-kinds=definite
            --show-leak-kinds=definite --fair-sched=yes --num-callers=40 --suppressions=valgrind.supp"
    ;;
asan)
    archive=${KAL_ASAN_LIB:-$archive}
    flags="$flags -fsanitize=address -fno-omit-frame-pointer ${KAL_ASAN_CFLAGS:-}"
    ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99}
    export ASAN_OPTIONS
    ;;
tsan)
    # The suppressions name the shared library.
    archive="-L $lib_dir -lkaleidoscope -Wl,-rpath,$lib_dir"
    flags="$flags -fsanitize=thread"
    TSAN_OPTIONS=${TSAN_OPTIONS-"suppressions=$root/packaging/libkaleidoscope-tsan.supp die_after_fork=0 exitcode=99"}
    export TSAN_OPTIONS
    ;;
*)
    echo "run.sh: unknown mode $mode; use plain, valgrind, asan or tsan" >&2
    exit 2
    ;;
esac

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
export CHECK_DIR="$built"
for kit in check emulator kit raw_server; do
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags -I "$include_dir" -c "$kit.c" -o "$built/$kit.o"
done

[ $# -gt 0 ] || set -- test_*.c
outcome=0
for test in "$@"; do
    name=$(basename "${test%.c}")
    echo "# $name"
    # shellcheck disable=SC2086
    if ! ${CC:-gcc} $flags -I "$include_dir" -o "$built/$name" "$name.c" "$built/check.o" "$built/emulator.o" \
        "$built/kit.o" "$built/raw_server.o" $archive ${KAL_STATIC_LIBS:--lpthread -ldl -lm}; then
        echo "not ok - $name compiles"
        outcome=1
        continue
    fi
    code=0
    # shellcheck disable=SC2086
    $before "$built/$name" || code=$?
    if [ "$code" -ne 0 ]; then
        echo "not ok - $name exits with 0: it exits with $code"
        outcome=1
    fi
done
exit "$outcome"
