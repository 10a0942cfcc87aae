#!/bin/sh
# dist.sh [PLATFORM]: builds the library and the emulator for a Linux with zig's C library and linker, and packs them with headers and
# metadata.
#
# PLATFORM is linux-x86_64 or linux-aarch64, for glibc DIST_GLIBC, linux-musl-x86_64 or linux-musl-aarch64; default: the machine's own
# with glibc. All output is below TARGET/dist: the tarball; in a directory for each target, the library and the output of cargo.
set -eu
. scripts/platform.sh
platform "${1:-linux-$(uname -m)}"
# Only the machine's own platform has a standard library already.
case $(rustc -vV) in
*"host: $triple"*) zig_only=--zig ;;
*) zig_only= ;;
esac
# shellcheck disable=SC2086
[ -n "${KAL_DIST_INSIDE:-}" ] || KAL_DIST_INSIDE=yes exec scripts/cross.sh $zig_only "$0" "$platform"
[ -z "$tools" ] || command -v "${tools}objcopy" >/dev/null || {
    echo "dist.sh: ${tools}objcopy not found: scripts/linux-tools.sh arm64" >&2
    exit 1
}

name=libkaleidoscope-$VERSION-$platform
mkdir -p "$TARGET/dist/$triple"
dist=$(cd "$TARGET/dist" && pwd)
built=$dist/$triple
export KAL_ZIG_TARGET="$zig_target"
suffix=
[ "$libc" = musl ] || suffix=.$DIST_GLIBC
build_std=
if [ -n "$zig_only" ]; then
    # Set if the caller runs within cross.sh: the bytes must not depend on that.
    unset RUSTC_BOOTSTRAP
else
    build_std=$KAL_BUILD_STD
    RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=rust"
fi
# Rust assumes that a program for musl is static, as the emulator is; the library is for both kinds.
emulator_rustflags=${RUSTFLAGS:-} emulator_flags=
if [ "$libc" = musl ]; then
    RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=-crt-static"
    # The files that start a static program come from zig: the standard library that cargo builds has none.
    emulator_flags=-Clink-self-contained=no
fi
export RUSTFLAGS="${RUSTFLAGS:-}"

# gcc links its unwinder by default, zig only on request. Clears the variables of the calling make.
unset MAKEFLAGS MAKEOVERRIDES LIB KAL_LIB_DIR
make --no-print-directory lib TARGET="$built" PROFILE=release RUST_TARGET="$triple" CC="$PWD/scripts/zig-cc" LDFLAGS=-lunwind \
    CROSS_COMPILE="$tools" CARGO_RUSTC="cargo-zigbuild rustc $build_std --target $triple$suffix"
# With folders of its own, because the flags for musl are others.
make --no-print-directory "$built/emulator/bin/kal-emulator" TARGET="$built/emulator" PROFILE=release RUST_TARGET="$triple" \
    RUSTFLAGS="$emulator_rustflags" EMULATOR_FLAGS="$emulator_flags" CC="$PWD/scripts/zig-cc" CROSS_COMPILE="$tools" \
    CARGO_RUSTC="cargo-zigbuild rustc $build_std --target $triple$suffix"

# The extension for SQLite, with the headers of this machine's SQLite, which are the same for every architecture: beside them are
# those of its C library.
headers=$built/sqlite-headers
mkdir -p "$headers"
for header in sqlite3.h sqlite3ext.h; do
    found=$(cc -E -include $header -x c /dev/null | sed -n "s|^# 1 \"\(.*/$header\)\".*|\1|p" | head -n 1)
    [ "$found" ] || {
        echo "dist.sh: $header not found: Debian has it in libsqlite3-dev" >&2
        exit 1
    }
    install -p -m 644 "$found" "$headers/"
done
make --no-print-directory sqlite SQLITE=archive CFLAGS="-I $headers" TARGET="$built" PROFILE=release RUST_TARGET="$triple" \
    CC="$PWD/scripts/zig-cc" LDFLAGS=-lunwind CROSS_COMPILE="$tools" CARGO_RUSTC=false

root=$dist/$name
rm -rf "$root"
KAL_SQLITE_SO=$built/sqlite/kal_sqlite.so CROSS_COMPILE=$tools LIB=$built/lib PREFIX=$root LIBDIR=$root/lib \
    INCLUDEDIR=$root/include MANDIR=$root/share/man DESTDIR='' scripts/install.sh archive
zig=$("$KAL_PYTHON" -c 'import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).parent)')
# The stack unwinder and a few functions of compiler-rt come from zig, both part of LLVM, and the functions that every glibc leaves to
# its users to link, such as stat.
set -- "LLVM's libunwind and compiler-rt=$zig/lib/libunwind/LICENSE.TXT"
python3 scripts/licences.py "$triple" "$@" "glibc's libc_nonshared=$zig/lib/libc/glibc/LICENSES" >"$root/THIRD-PARTY-LICENSES.txt"
install -D -m 755 "$built/emulator/bin/kal-emulator" "$root/bin/kal-emulator"
if [ "$libc" = musl ]; then
    # Linked into it, and so into the image that consists of it.
    set -- "$@" "musl=$zig/lib/libc/musl/COPYRIGHT"
    install -m 644 emulator/Dockerfile "$root/"
else
    set -- "$@" "glibc's libc_nonshared=$zig/lib/libc/glibc/LICENSES"
fi
python3 scripts/licences.py --package kal-emulator "$triple" "$@" >"$root/THIRD-PARTY-LICENSES-kal-emulator.txt"
install -m 644 README.md CHANGELOG.md LICENSE LICENSE-MIT LICENSE-APACHE "$root/"
scripts/pack.sh "$dist" "$name" "$dist/$name.tar.gz"
# The names of its functions, for debuggers and profilers: unpacked over the archive, they find it beside the library.
rm -rf "$root"
install -D -m 644 "$built/lib/libkaleidoscope.so.$VERSION.debug" "$root/lib/libkaleidoscope.so.$VERSION.debug"
scripts/pack.sh "$dist" "$name" "$dist/$name-debug.tar.gz"
rm -rf "$root"
echo "$dist/$name.tar.gz"
