#!/bin/sh
# Builds the library for another Linux and tests it there: run.sh PLATFORM... (of scripts/platform.sh). The tarball; the C tests; with
# glibc, the examples and the C++ tests too. Programs of another machine run under qemu-user; KAL_EMULATOR runs natively.
set -eu
cd "$(dirname "$0")/../.."
. scripts/platform.sh
outcome=0

# named COMMAND...: runs tests and names their claims after the platform.
named() {
    { "$@" 2>&1 || echo "not ok - $* ends with 0: it ends with $?"; } | sed -u "s/^\(not \)\{0,1\}ok - /&$platform: /" |
        awk '{ print; fflush() } /^not ok/ { failed = 1 } END { exit failed }' || outcome=1
}
for each in "$@"; do
    platform "$each"
    if [ -n "$runner" ] && ! scripts/linux-tools.sh --has arm64; then
        echo "ok - $platform: the tests pass # SKIP scripts/linux-tools.sh arm64 installs what runs them"
        continue
    fi
    echo "# $platform"
    if ! scripts/claim "$platform: the tarball is built" scripts/dist.sh "$platform"; then
        outcome=1
        continue
    fi
    tests/dist/run.sh "$platform" || outcome=1
    (
        test_compilers
        KAL_LIB_DIR=$(cd "${TARGET:-target}/dist/$triple/lib" && pwd)
        export KAL_LIB_DIR KAL_INCLUDE_DIR="$PWD/include" KAL_STATIC_LIBS="$static_libs $unwinder" CC="$cc" KAL_RUNNER="$runner"
        export PROFILE=release
        named tests/c/run.sh plain
        [ "$libc" = glibc ] || exit "$outcome"
        # The standards between them compile alike on every machine.
        export CXX="$cxx" KAL_STANDARDS='17 23'
        named tests/c/examples.sh
        named tests/cpp/run.sh plain
        exit "$outcome"
    ) || outcome=1
done
exit "$outcome"
