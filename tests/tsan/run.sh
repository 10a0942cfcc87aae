#!/bin/sh
# Runs threaded programs under ThreadSanitizer, with the suppressions that are installed: run.sh [c|cpp|examples]. The C tests with gcc
# and those of C++ with clang, unless one of them is asked for; the programs with both.
#
# Environment as in tests/c/run.sh. KAL_CLANG is clang's C compiler (default: clang-19), beside it clang++-19.
#
# Not here: test_process, because children that continue with threads are beyond ThreadSanitizer; test_signals, because it holds
# signals back while a thread waits in code that it does not know; test_lifecycle, which counts threads.
set -u
cd "$(dirname "$0")/../.." || exit 2
root=$(pwd)
KAL_LIB_DIR=${KAL_LIB_DIR:-$root/target/lib}
KAL_INCLUDE_DIR=${KAL_INCLUDE_DIR:-$root/include}
KAL_EMULATOR=${KAL_EMULATOR:-$root/target/debug/kal-emulator}
export KAL_LIB_DIR KAL_INCLUDE_DIR KAL_EMULATOR
only=${1:-}
tests='test_client_log test_dlopen test_leaving test_log test_pages_in_queues test_queue test_shutdown test_sign_in test_stream
    test_threads test_token_provider'
outcome=0

# shellcheck source=../../scripts/claims.sh
. "$root/scripts/claims.sh"
# shellcheck source=../../scripts/emulator.sh
. "$root/scripts/emulator.sh"

with="suppressions=$root/packaging/libkaleidoscope-tsan.supp exitcode=99"
# exits CODE OPTIONS PROGRAM [ARG]...: 99 is a report.
exits() {
    expected=$1 options=$2
    shift 2
    code=0
    TSAN_OPTIONS=$options "$@" >"$scratch/out" 2>&1 </dev/null || code=$?
    [ "$code" = "$expected" ] && return
    echo "it exits with $code, not with $expected"
    cat "$scratch/out"
    return 1
}

# link COMPILER STANDARD NAME SOURCE...
link() {
    by=$1 standard=$2 name=$3
    shift 3
    "$by" "-std=$standard" -Wall -Wextra -Werror -g -O1 -pthread -fsanitize=thread -I "$KAL_INCLUDE_DIR" "$@" -o "$scratch/$name" \
        -L "$KAL_LIB_DIR" -lkaleidoscope -Wl,-rpath,"$KAL_LIB_DIR"
}

programs() {
    claim "$CC: threads.c compiles for ThreadSanitizer" link "$CC" c11 threads examples-c/threads.c
    claim "$CC: event_loop.c compiles for ThreadSanitizer" link "$CC" c11 event_loop examples-c/event_loop.c
    claim "$CC: nothing is reported in threads.c" exits 0 "$with" "$scratch/threads"
    printf 'workspace.get_members\nworkspace.get_groups\n' >"$scratch/lines"
    claim "$CC: nothing is reported in event_loop.c" exits 0 "$with" sh -c "'$scratch/event_loop' <'$scratch/lines'"
    claim "$CC: without the suppressions, races are" exits 99 exitcode=99 "$scratch/threads"
    claim "$CXX: a program with races compiles" link "$CXX" c++17 race tests/tsan/race.cpp
    for race in callback threads user_data; do
        claim "$CXX: a race of the program itself is reported: $race" exits 99 "$with" "$scratch/race" "$race"
    done
}

# The same harness as tests/cpp; with the archive of the C kit's emulator.
handed_over() {
    "$CC" -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=thread -I "$KAL_INCLUDE_DIR" -c tests/c/emulator.c -o "$scratch/emulator.o" &&
        link "$CXX" c++17 handed_over tests/cpp/main.cpp tests/cpp/check.cpp tests/tsan/handed_over.cpp "$scratch/emulator.o"
}

start_emulator --seed 7 --latency 50
for CC in gcc "${KAL_CLANG:-clang-19}"; do
    CXX=$(echo "$CC" | sed 's/gcc/g++/; s/clang/clang++/')
    export CC CXX
    if ! command -v "$CXX" >/dev/null; then
        echo "ok - threaded programs under the ThreadSanitizer of $CC # SKIP $CXX is not installed"
        continue
    fi
    echo "# ThreadSanitizer of $CC"
    case $only in "" | examples) programs ;; esac
    case $CC-$only in gcc- | *-c) suites=c ;; *- | *-cpp) suites=cpp ;; *) suites= ;; esac
    if [ "$suites" = c ]; then
        # shellcheck disable=SC2086
        (unset TSAN_OPTIONS; tests/c/run.sh tsan $tests) || outcome=1
    fi
    if [ "$only" != c ] && [ "$only" != examples ]; then
        claim "$CXX: handed_over.cpp compiles for ThreadSanitizer" handed_over
        TSAN_OPTIONS=$with "$scratch/handed_over" || outcome=1
    fi
    if [ "$suites" = cpp ]; then
        (unset TSAN_OPTIONS; tests/cpp/run.sh tsan) || outcome=1
    fi
done
stop_emulator
[ "$outcome" = 0 ] || failures=$((failures + 1))
finish
