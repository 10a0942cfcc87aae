#!/bin/sh
# Compiles the C tests, the C++ tests and the examples for Windows against what is in the zip, and runs them on Wine against the
# emulator: run.sh [mingw|msvc] [test_name]...
#
# mingw: gcc, with the static library for the tests and the DLL for the examples. msvc: clang in its MSVC mode and lld-link, with
# kaleidoscope.lib for everything; its headers and C library are those of mingw, as Microsoft's cannot be had here.
#
# TARGET, VERSION   as in the Makefile
# KAL_EMULATOR      the program kal-emulator, of this system
# TRIXIE            the root of `scripts/trixie.sh windows`
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
. tests/windows/programs.sh
target=$(cd "${TARGET:-target}" && pwd)
trixie=$(cd "${TRIXIE:-$target/trixie}" && pwd)
name=libkaleidoscope-$VERSION-windows-x86_64
zip=$target/dist/$name.zip
wine=$target/dist/x86_64-pc-windows-gnu/wine
modes='mingw msvc'
case ${1:-} in mingw | msvc) modes=$1 && shift ;; esac
only=$*

# A folder that a user may have: with a space, and characters of no code page.
prefix="$scratch/Geräte für 日本/$name"
mkdir -p "$scratch/Geräte für 日本" "$scratch/include/sys" "$scratch/include/netinet" "$scratch/include/arpa" "$scratch/out"
python3 -m zipfile -e "$zip" "$scratch/Geräte für 日本"
[ -n "$only" ] || . tests/windows/contents.sh

# Without these headers: tests/windows/posix.h has what the tests need of them.
for header in poll.h dlfcn.h netdb.h sys/socket.h sys/wait.h sys/resource.h netinet/in.h arpa/inet.h; do : >"$scratch/include/$header"; done
# clang needs paths without spaces in one place, and gcc in another.
ln -s "$prefix" "$scratch/kal"

mkfifo "$scratch/stop"
python3 -B tests/windows/emulators.py "${KAL_EMULATOR:-target/debug/kal-emulator}" "$scratch/port" <"$scratch/stop" &
exec 9>"$scratch/stop"
mkfifo "$scratch/stop_examples"
"${KAL_EMULATOR:-target/debug/kal-emulator}" --exit-with-stdin --seed 7 --url-file "$scratch/url" <"$scratch/stop_examples" >/dev/null &
exec 8>"$scratch/stop_examples"
until [ -s "$scratch/port" ] && [ -s "$scratch/url" ]; do sleep 0.05; done

for mode in $modes; do
    bin=$scratch/$mode
    mkdir -p "$bin"
    : >"$bin/list"
    tests_of
    [ -n "$only" ] || examples_of
    [ -n "$only" ] || [ "$mode" = msvc ] || cpp_tests_of
    run_on_wine
done
exec 8>&- 9>&-
finish
