#!/bin/sh
# python.sh DIRECTORY: prints the path of a Python 3.12 or newer with pip, or one line that says what is missing.
#
# Debian 12 has 3.11 at most. There, the interpreter of Debian 13 is unpacked below DIRECTORY, with its own C library, and
# nothing of the system is changed.
set -eu
directory=$1

fits() {
    # The command found may be only a version manager's shim.
    "$1" -c 'import sys, ctypes, ssl, pip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

own=$directory/python/python3
for candidate in ${PYTHON:-} python3 python3.12 python3.13 python3.14 \
    "$HOME"/.pyenv/versions/3.12*/bin/python "$HOME"/.pyenv/versions/3.1[3-9]*/bin/python "$own"; do
    if fits "$candidate"; then
        command -v "$candidate"
        exit
    fi
done

fail() {
    echo "Python 3.12 or newer is missing, which the Python client needs: $1" >&2
    exit 1
}

keys=/usr/share/keyrings/debian-archive-keyring.gpg
{ command -v apt-get && command -v dpkg-deb && [ -e $keys ]; } >/dev/null || fail "install it, or name it in PYTHON"
suite=trixie
package=python3.13
# The machine's configured mirror has the newer release, too.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | sed -n 's/ bookworm$//p' | head -n 1)
[ -n "$mirror" ] || fail "apt's sources name no mirror of Debian 12"

root=$directory/python
rm -rf "$root"
mkdir -p "$root/apt/lists/partial" "$root/apt/cache/archives/partial"
apt=$(cd "$root/apt" && pwd)
echo "deb [signed-by=$keys] $mirror $suite main" >"$apt/sources.list"
: >"$apt/status"
from_suite() {
    apt-get -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State="$apt" \
        -o Dir::State::status="$apt/status" -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" \
        -o Debug::NoLocking=1 "$@" >&2
}
from_suite update || fail "$suite cannot be reached"
# Nothing counts as installed, so that all dependencies are downloaded.
from_suite install --download-only -y --no-install-recommends $package python3-pip-whl || fail "$package cannot be had from $suite"
for archive in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$archive" "$root"
done
rm -r "$apt"

root=$(cd "$root" && pwd)
loader=$(find "$root/usr/lib" -name 'ld-linux*' -type f | head -n 1)
cat >"$own" <<EOF
#!/bin/sh
PYTHONHOME=$root/usr exec $loader --library-path $(dirname "$loader") $root/usr/bin/$package "\$@"
EOF
chmod +x "$own"
"$own" -m zipfile -e "$root"/usr/share/python-wheels/pip-*.whl "$root/usr/lib/python3/dist-packages"
fits "$own" || fail "that of $suite does not run here"
echo "$own"
