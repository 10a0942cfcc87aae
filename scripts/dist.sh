#!/bin/sh
# dist.sh: builds the library for glibc DIST_GLIBC with zig's C library and linker, and packs it with headers and metadata.
#
# All output is below TARGET/dist: the tools (from PyPI, in a venv), the output of cargo, the library, the tarball.
set -eu
machine=$(uname -m)
triple=$machine-unknown-linux-gnu
dist=$TARGET/dist
name=libkaleidoscope-$VERSION-linux-$machine
venv=$dist/venv
mkdir -p "$dist"
dist=$(cd "$dist" && pwd)
venv=$dist/venv

if ! "$venv/bin/python" -c 'import ziglang' 2>/dev/null || [ ! -x "$venv/bin/cargo-zigbuild" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check ziglang cargo-zigbuild
fi
export PATH="$venv/bin:$PATH" KAL_PYTHON="$venv/bin/python" KAL_GLIBC="$DIST_GLIBC"

# gcc links its unwinder by default, zig only on request. Clears the variables of the calling make.
unset MAKEFLAGS MAKEOVERRIDES LIB KAL_LIB_DIR
make --no-print-directory lib TARGET="$dist" PROFILE=release RUST_TARGET="$triple" CC="$PWD/scripts/zig-cc" LDFLAGS=-lunwind \
    CARGO_RUSTC="cargo-zigbuild rustc --target $triple.$DIST_GLIBC"

root=$dist/$name
rm -rf "$root"
LIB=$dist/lib PREFIX=$root LIBDIR=$root/lib INCLUDEDIR=$root/include MANDIR=$root/share/man DESTDIR='' scripts/install.sh install
zig=$("$KAL_PYTHON" -c 'import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).parent)')
# The stack unwinder and a few functions of compiler-rt come from zig; both are part of LLVM.
python3 scripts/licences.py "$triple" "LLVM's libunwind and compiler-rt=$zig/lib/libunwind/LICENSE.TXT" \
    >"$root/THIRD-PARTY-LICENSES.txt"
install -m 644 README.md CHANGELOG.md LICENSE LICENSE-MIT LICENSE-APACHE "$root/"
# Reproducible: the same sources result in the same bytes.
tar --create --directory "$dist" --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX \
    --mtime="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}" "$name" |
    gzip --no-name --best >"$dist/$name.tar.gz.new"
mv "$dist/$name.tar.gz.new" "$dist/$name.tar.gz"
rm -rf "$root"
echo "$dist/$name.tar.gz"
