#!/bin/sh
# tools.sh DIRECTORY: sees to it that this machine has what the benchmark needs besides scripts/tools.sh. On Debian, as root, it
# installs what is missing; elsewhere it says in one line what that is. Into DIRECTORY come yyjson's source, and the Python client
# with the Python that runs it; nothing of them is committed.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "$1"
directory=$(cd "$1" && pwd)

missing=
need() {
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need valgrind valgrind
need taskset util-linux
need chrt util-linux
need python3 python3
python3 -m pip --version >/dev/null 2>&1 || missing="$missing python3-pip"
printf '#include <curl/curl.h>\n' | ${CC:-cc} -E -x c - >/dev/null 2>&1 || missing="$missing libcurl4-openssl-dev"
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing:$missing"
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086
        { apt-get -qq update && apt-get -qq install -y --no-install-recommends $missing; } >/dev/null || {
            echo "could not install:$missing" >&2
            exit 1
        }
    else
        echo "missing (Debian's names):$missing" >&2
        exit 1
    fi
fi

# The C library comes inside the source package of its Python binding.
yyjson=$directory/yyjson
if [ ! -e "$yyjson/yyjson.c" ]; then
    rm -rf "$yyjson" "$directory/download"
    python3 -m pip download --quiet --disable-pip-version-check --no-binary :all: --no-deps --dest "$directory/download" \
        yyjson==4.0.6 || {
        echo "yyjson's source package could not be had" >&2
        exit 1
    }
    mkdir -p "$yyjson"
    tar -xzf "$directory"/download/yyjson-*.tar.gz -C "$yyjson" --strip-components=2 --wildcards '*/yyjson/yyjson.[ch]'
    rm -r "$directory/download"
fi

requirements=tests/compat/requirements.txt
python=$(tests/compat/python.sh "$directory")
wanted="$("$python" -c 'import sys; print(sys.version)') $(cksum <$requirements)"
packages=$directory/packages
if [ "$(cat "$packages/.wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$packages"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --root-user-action ignore \
        --target "$packages" --requirement $requirements
    # What a program imports is compiled before, as an installed package is.
    "$python" -m compileall -q "$packages"
    echo "$wanted" >"$packages/.wanted"
fi
# The interpreter itself where that can be named, not a chooser of versions: its start is measured.
case $python in
"$directory"/*) interpreter=$python ;;
*) interpreter=$("$python" -c 'import sys; print(sys.executable)') ;;
esac
ln -sf "$interpreter" "$directory/interpreter"
