#!/bin/sh
# clang-format.sh check|write: the layout of C and C++, as .clang-format has it.
#
# Versions differ in where they break some lines: another one than that of the file says so, and checks nothing.
set -eu
cd "$(dirname "$0")/.."
version=14
claim='the C and C++ code is formatted'

tool=
for candidate in clang-format-$version clang-format; do
    if "$candidate" --version 2>/dev/null | grep -q "version $version\."; then
        tool=$candidate
        break
    fi
done
if [ -z "$tool" ]; then
    [ "$1" = write ] || { echo "ok - $claim # SKIP clang-format $version is not here" && exit; }
    echo "clang-format $version is missing: Debian 12 has it, and PyPI as clang-format==$version.0.6" >&2
    exit 1
fi

# kaleidoscope.h is cbindgen's.
files() {
    find bench bindings examples-c include tests -name '*.[ch]' -o -name '*.cpp' -o -name '*.hpp' | grep -vx 'include/kaleidoscope.h' | sort
}
case $1 in
# Red with one space more in bench/ours.c: "bench/ours.c: run `make format`".
check)
    wrong=$(files | xargs "$tool" --dry-run 2>&1 | sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: .*/\1: run `make format`/p' | sort -u)
    if [ -z "$wrong" ]; then
        echo "ok - $claim"
    else
        echo "not ok - $claim"
        echo "$wrong" | sed 's/^/#   /'
        exit 1
    fi
    ;;
write) files | xargs "$tool" -i ;;
*)
    echo 'clang-format.sh: check or write' >&2
    exit 2
    ;;
esac
