#!/bin/sh
# tools.sh DIRECTORY: checks that the tools for the benchmark are installed, in addition to scripts/tools.sh. On Debian, as root, it
# installs missing packages; elsewhere it lists them. It downloads yyjson's source, the csv extension of SQLite's source and the Python
# client with its Python interpreter into DIRECTORY; they are not committed.
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
printf '#include <simdjson.h>\n' | ${CXX:-c++} -std=c++17 -E -x c++ - >/dev/null 2>&1 || missing="$missing libsimdjson-dev"
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
        echo "missing Debian packages:$missing" >&2
        exit 1
    fi
fi

# yyjson is included in the source package of its Python binding.
yyjson=$directory/yyjson
if [ ! -e "$yyjson/yyjson.c" ]; then
    rm -rf "$yyjson" "$directory/download"
    python3 -m pip download --quiet --disable-pip-version-check --no-binary :all: --no-deps --dest "$directory/download" \
        yyjson==4.0.6 || {
        echo "could not download yyjson's source package" >&2
        exit 1
    }
    mkdir -p "$yyjson"
    tar -xzf "$directory"/download/yyjson-*.tar.gz -C "$yyjson" --strip-components=2 --wildcards '*/yyjson/yyjson.[ch]'
    rm -r "$directory/download"
fi

# The csv extension is in SQLite's source only, which Debian has. Elsewhere the SQL figure is left out.
if [ ! -e "$directory/csv.c" ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; then
    scratch=$(mktemp -d)
    mkdir -p "$scratch/lists/partial"
    cat /etc/apt/sources.list.d/debian.sources 2>/dev/null | sed 's/^Types: .*/Types: deb-src/' >"$scratch/debian.sources"
    sed -n 's/^deb /deb-src /p' /etc/apt/sources.list 2>/dev/null >"$scratch/debian.list" || :
    list=$scratch/debian.sources
    [ -s "$list" ] || list=$scratch/debian.list
    options="-o Dir::Etc::SourceList=$list -o Dir::Etc::SourceParts=- -o Dir::State::Lists=$scratch/lists -o APT::Sandbox::User=root"
    # shellcheck disable=SC2086
    (cd "$scratch" && apt-get -qq $options update && apt-get -qq $options source --download-only sqlite3 &&
        tar -xJf sqlite3_*.orig.tar.xz --strip-components=3 -C "$directory" --wildcards '*/ext/misc/csv.c') >/dev/null 2>&1 ||
        echo "could not download SQLite's source: the SQL figure is left out" >&2
    rm -rf "$scratch"
fi

requirements=tests/compat/requirements.txt
python=$(tests/compat/python.sh "$directory")
wanted="$("$python" -c 'import sys; print(sys.version)') $(cksum <$requirements)"
packages=$directory/packages
if [ "$(cat "$packages/.wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$packages"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --root-user-action ignore \
        --target "$packages" --requirement $requirements
    # Compiled in advance, as an installed package is.
    "$python" -m compileall -q "$packages"
    echo "$wanted" >"$packages/.wanted"
fi
# The interpreter itself rather than a version manager's wrapper, because its start is measured.
case $python in
"$directory"/*) interpreter=$python ;;
*) interpreter=$("$python" -c 'import sys; print(sys.executable)') ;;
esac
ln -sf "$interpreter" "$directory/interpreter"
