#!/bin/sh
# dist.sh TRIPLE...: packs the library for macOS in TARGET/dist/libkaleidoscope-VERSION-macos-MACHINE.tar.gz.
#
# The layout is that of the tarballs for Linux. README-macos.md in it says what was checked and what was not.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/apple/targets.sh
. scripts/apple/targets.sh
abi=${ABI:-0}
mkdir -p "$TARGET/dist"
dist=$(cd "$TARGET/dist" && pwd)

# fill TEMPLATE FILE INCLUDEDIR: expands a template of packaging/ for a file of the tarball, with the names that libraries have on macOS.
# Paths are relative, so that the folder can be moved.
fill() {
    sed -e "s|libkaleidoscope\.so\.@VERSION@|libkaleidoscope.@VERSION@.dylib|g" \
        -e "s|\"libkaleidoscope\.so\.@ABI@\"|\"@rpath/libkaleidoscope.@ABI@.dylib\"|g" \
        -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" -e "s|@POINTER@|8|g" -e 's|@SYSTEM@|Darwin|g' \
        -e "s|@MACHINE@|${triple%%-*}|g" -e "s|@PREFIX@|\${pcfiledir}/../..|g" \
        -e "s|@LIBDIR@|\${prefix}/lib|g" -e "s|@INCLUDEDIR@|$3|g" -e "s|@STATIC_LIBS@|$apple_frameworks|g" "packaging/$1.in" >"$2"
    chmod 644 "$2"
}

for each in "$@"; do
    apple_target "$each"
    [ "$linker_platform" = macos ] || {
        echo "dist.sh: $triple is not macOS; scripts/xcframework.sh is for the others" >&2
        exit 2
    }
    scripts/apple/build.sh "$triple"
    built=$TARGET/apple/lib/$triple
    name=libkaleidoscope-$version-macos-${triple%%-*}
    root=$dist/$name
    rm -rf "$root"
    install -d "$root/lib/pkgconfig" "$root/lib/cmake/kaleidoscope"
    install -m 755 "$built/libkaleidoscope.$version.dylib" "$root/lib/"
    ln -s "libkaleidoscope.$version.dylib" "$root/lib/libkaleidoscope.$abi.dylib"
    ln -s "libkaleidoscope.$abi.dylib" "$root/lib/libkaleidoscope.dylib"
    install -m 644 "$built/libkaleidoscope.a" "$root/lib/"
    (cd include && find . -name '*.h' -o -name '*.hpp') | while read -r header; do
        install -D -m 644 "include/$header" "$root/include/$header"
    done
    fill kaleidoscope.pc "$root/lib/pkgconfig/kaleidoscope.pc" '${prefix}/include'
    for file in kaleidoscope-config.cmake kaleidoscope-config-version.cmake; do
        fill "$file" "$root/lib/cmake/kaleidoscope/$file" ../../../include
    done
    python3 -B scripts/man.py "$TARGET/apple/man"
    for page in $(python3 -B scripts/man.py --list); do
        install -D -m 644 "$TARGET/apple/man/$page" "$root/share/man/$page"
    done
    python3 -B scripts/licences.py "$triple" >"$root/THIRD-PARTY-LICENSES.txt"
    install -m 644 README.md CHANGELOG.md LICENSE LICENSE-MIT LICENSE-APACHE "$root/"
    install -m 644 packaging/archive/CMakeLists.txt "$root/"
    install -m 644 docs/macos.md "$root/README-macos.md"
    scripts/pack.sh "$dist" "$name" "$dist/$name.tar.gz"
    rm -rf "$root"
    echo "$dist/$name.tar.gz"
done
