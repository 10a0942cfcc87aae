#!/bin/sh
# Compares the library with the official Python client, against the same emulator: run.sh [part]...
# The parts are the modules listed in main.py (default: all).
#
# KAL_LIB_DIR   where libkaleidoscope.so is                (default: target/lib)
# KAL_EMULATOR  the program kal-emulator                   (default: the newest below target/)
# PYTHON        a Python of 3.12 or newer                  (default: what python.sh finds)
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
newest=$(ls -t "$root"/target/*/kal-emulator 2>/dev/null | head -n 1 || true)
KAL_LIB_DIR=${KAL_LIB_DIR:-$root/target/lib}
KAL_EMULATOR=${KAL_EMULATOR:-$newest}
export KAL_LIB_DIR KAL_EMULATOR

fail() {
    echo "not ok - the library can be compared with the Python client"
    echo "  # $1"
    exit 1
}

[ -e "$KAL_LIB_DIR/libkaleidoscope.so" ] || fail "there is no $KAL_LIB_DIR/libkaleidoscope.so: make lib"
[ -x "$KAL_EMULATOR" ] || fail "there is no emulator: make emulator"

directory=$root/target/compat
mkdir -p "$directory"
python=$(./python.sh "$directory" 2>"$directory/python.log") || fail "$(tail -n 1 "$directory/python.log")"
packages=$directory/packages
wanted="$("$python" -c 'import sys; print(sys.version)') $(cksum <requirements.txt)"
if [ "$(cat "$packages/.wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$packages"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --root-user-action ignore \
        --target "$packages" --requirement requirements.txt || fail "pip could not install requirements.txt"
    echo "$wanted" >"$packages/.wanted"
fi
# -S: ignore other installed packages, so that it is certain which client is compared.
PYTHONPATH=$packages PYTHONDONTWRITEBYTECODE=1 exec "$python" -S main.py "$@"
