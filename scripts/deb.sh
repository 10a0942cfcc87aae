#!/bin/sh
# deb.sh: builds the Debian packages in TARGET/deb, from a copy of the sources with packaging/debian as debian/ and the crates in
# vendor/, so that the build itself needs no network, as in a distribution; for this machine's architecture, the source package of that
# copy, too. ARCH is Debian's name of the architecture, default: this
# machine's; for another one, Debian's cross compiler and scripts/cross.sh are used.
set -eu
architecture=${ARCH:-$(dpkg --print-architecture)}
cross=
if [ "$architecture" != "$(dpkg --print-architecture)" ]; then
    cross=yes
    scripts/linux-tools.sh --has "$architecture" || {
        echo "what compiles for $architecture is missing: scripts/linux-tools.sh $architecture" >&2
        exit 1
    }
    [ -n "${KAL_BUILD_STD:-}" ] || exec scripts/cross.sh "$0"
    LINUX_TOOLS=$(cd "${LINUX_TOOLS:-$TARGET/linux-tools}" && pwd)
    export LINUX_TOOLS
fi
mkdir -p "$TARGET/deb"
deb=$(cd "$TARGET/deb" && pwd)
source=$deb/libkaleidoscope-$VERSION

for tool in dpkg-buildpackage dh; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing: apt-get install dpkg-dev debhelper" >&2
        exit 1
    }
done
packaged=$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' packaging/debian/changelog)
[ "$packaged" = "$VERSION" ] || {
    echo "packaging/debian/changelog is for $packaged, this is $VERSION" >&2
    exit 1
}

# Build output is kept and sources keep their timestamps, so that cargo rebuilds only what has changed.
mkdir -p "$source"
find "$source" -mindepth 1 -maxdepth 1 ! -name target ! -name vendor -exec rm -rf {} +
# Without git, every file outside the build directory.
sources() {
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard 2>/dev/null ||
        find . \( -path ./.git -o -path ./target -o -path "./$TARGET" \) -prune -o -type f -print0
}
# git lists deleted files until the deletion is committed.
sources | xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
    xargs -0 cp --parents --preserve=mode,timestamps -t "$source"
cp -R "$source/packaging/debian" "$source/debian"
# The standard library is compiled too, where there is none for the architecture.
library=
[ -z "$cross" ] || library=$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.toml
if ! cmp -s Cargo.lock "$source/vendor/Cargo.lock" || { [ "$library" ] && [ ! -e "$source/vendor/.library" ]; }; then
    rm -rf "$source/vendor"
    (cd "$source" && "${CARGO:-cargo}" vendor --locked --versioned-dirs ${library:+--sync "$library"} vendor >/dev/null 2>"$deb/vendor.log")
    cp Cargo.lock "$source/vendor/Cargo.lock"
    [ -z "$library" ] || touch "$source/vendor/.library"
    rm -f "$deb"/libkaleidoscope_*.orig-vendor.tar.gz
fi

# The source package: the sources, the crates as a component of it, and debian/.
if [ -z "$cross" ]; then
    rm -f "$deb"/libkaleidoscope_*.dsc "$deb"/libkaleidoscope_*.debian.tar.* "$deb"/libkaleidoscope_*.orig.tar.gz
    top=libkaleidoscope-$VERSION
    TAR_OPTIONS="--exclude=$top/target --exclude=$top/vendor --exclude=$top/debian" \
        scripts/pack.sh "$deb" "$top" "$deb/libkaleidoscope_$VERSION.orig.tar.gz"
    crates=$deb/libkaleidoscope_$VERSION.orig-vendor.tar.gz
    [ -e "$crates" ] || TAR_OPTIONS='--exclude=vendor/.library' scripts/pack.sh "$source" vendor "$crates"
    (cd "$deb" && dpkg-source --build "$top" >"$deb/source.log" 2>&1) || {
        tail -n 40 "$deb/source.log" >&2
        exit 1
    }
    rm -f "$deb"/*_all.deb
fi

rm -f "$deb"/*_"$architecture".*deb "$deb"/*_"$architecture".changes "$deb"/*_"$architecture".buildinfo
# Clears the variables of the calling make. On Debian 12, everything except Rust is from Debian.
unset MAKEFLAGS MAKEOVERRIDES MAKELEVEL MAKE_TERMOUT MAKE_TERMERR PROFILE VERSION ABI LIB PREFIX LIBDIR INCLUDEDIR MANDIR DESTDIR \
    TARGET STATIC_LIBS CC KAL_LIB_DIR KAL_INCLUDE_DIR KAL_EMULATOR KAL_ASAN_LIB KAL_STATIC_LIBS KAL_TORTURE_BIN DIST_GLIBC \
    SQLITE KEEP_SYMBOLS ARCH CROSS_COMPILE RUST_TARGET CARGO_RUSTC
# The package for all architectures is that of the machine's own build.
build=any
[ "$cross" ] || build=binary
(cd "$source" && dpkg-buildpackage --build=$build --no-sign --no-pre-clean --build-profiles=pkg.kaleidoscope.rustup \
    --host-arch="$architecture" >"$deb/build-$architecture.log" 2>&1) || {
    tail -n 40 "$deb/build-$architecture.log" >&2
    exit 1
}
set -- "$deb"/*_"$architecture".deb
[ "$cross" ] || set -- "$@" "$deb"/*_all.deb "$deb"/*.dsc
printf '%s\n' "$@"
