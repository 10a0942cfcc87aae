#!/bin/sh
# Checks the tarballs for macOS: packs them, unpacks them elsewhere, and links programs with what is in them. Nothing runs.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/claims.sh
. scripts/claims.sh
# shellcheck source=scripts/apple/targets.sh
. scripts/apple/targets.sh
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH

expected() {
    (cd include && find . -name '*.h' -o -name '*.hpp') | sed 's|^\.|./include|'
    printf './lib/%s\n' libkaleidoscope.a libkaleidoscope.dylib libkaleidoscope.0.dylib "libkaleidoscope.$version.dylib" \
        pkgconfig/kaleidoscope.pc cmake/kaleidoscope/kaleidoscope-config.cmake cmake/kaleidoscope/kaleidoscope-config-version.cmake
    python3 -B scripts/man.py --list | sed 's|^|./share/man/|'
    printf './%s\n' CMakeLists.txt README.md README-macos.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENSES.txt
}
points_to() { [ "$(readlink "$1")" = "$2" ]; }
every_crate_is_named() {
    cargo tree --locked --package kaleidoscope --edges normal,no-proc-macro --target "$triple" --prefix none --format '{p}' |
        sed -n 's/^\([^ ]*\) v\([^ ]*\).*/  \1 \2:/p' | grep -v '^  kaleidoscope ' | sort -u >"$scratch/crates"
    grep -q security-framework "$scratch/crates" &&
        sed -n 's/^\(  [^ ]* [^ ]*:\).*/\1/p' "$prefix/THIRD-PARTY-LICENSES.txt" | sort -u >"$scratch/named" &&
        same '' "$(comm -23 "$scratch/crates" "$scratch/named")"
}
same_bytes() { before=$(sha256sum "$tarball") && scripts/apple/dist.sh "$triple" >/dev/null && same "$before" "$(sha256sum "$tarball")"; }
pkg_config() { PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig pkg-config "$@" kaleidoscope; }
# shellcheck disable=SC2046
object() { scripts/apple/clang -target "$clang_target" -isysroot "$sdk" -Wall -Werror $(pkg_config --cflags) -c examples-c/quickstart.c -o "$scratch/quickstart.o"; }
link() { scripts/apple/llvm ld64.lld -arch "$arch" -platform_version macos "$minimum" "$minimum" -syslibroot "$sdk" -lSystem -o "$scratch/quickstart" "$scratch/quickstart.o" "$@"; }
needs() { scripts/apple/llvm llvm-otool -L "$scratch/quickstart" | sed -n 's/^\t\([^ ]*\) .*/\1/p' | grep kaleidoscope; }
# shellcheck disable=SC2046
with_the_shared_library() { object && link $(pkg_config --libs) && same @rpath/libkaleidoscope.0.dylib "$(needs)"; }
# shellcheck disable=SC2046
with_the_archive() { object && link $(pkg_config --variable=static) && same '' "$(needs)"; }
cmake_finds_it() {
    mkdir -p "$scratch/cmake"
    cat >"$scratch/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.13)
project(consumer NONE)
find_package(Kaleidoscope 0.1 REQUIRED)
foreach(target kaleidoscope static)
    get_target_property(file Kaleidoscope::${target} IMPORTED_LOCATION)
    get_target_property(include Kaleidoscope::${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT EXISTS "${file}" OR NOT EXISTS "${include}/kaleidoscope.h")
        message(FATAL_ERROR "${target}: ${file} or ${include}/kaleidoscope.h does not exist")
    endif()
endforeach()
get_target_property(name Kaleidoscope::kaleidoscope IMPORTED_SONAME)
get_target_property(libraries Kaleidoscope::static INTERFACE_LINK_LIBRARIES)
message(STATUS "found ${Kaleidoscope_VERSION}, ${name}, ${libraries}")
CMAKE
    cmake -S "$scratch/cmake" -B "$scratch/cmake/$triple" -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/found" 2>&1 || { cat "$scratch/found" && return 1; }
    grep -qF "found $version, @rpath/libkaleidoscope.0.dylib, $apple_frameworks" "$scratch/found" || { cat "$scratch/found" && return 1; }
}

for each in aarch64-apple-darwin x86_64-apple-darwin; do
    apple_target "$each"
    name=libkaleidoscope-$version-macos-${triple%%-*}
    claim "$name.tar.gz is packed" scripts/apple/dist.sh "$triple"
    tarball=$TARGET/dist/$name.tar.gz
    [ -e "$tarball" ] || continue
    sdk=$(cd "$TARGET/apple/sdk/$linker_platform" && pwd)
    tar -xzf "$tarball" -C "$scratch"
    prefix=$scratch/$name
    claim "$name: contains exactly the library, the headers, the pkg-config file, the CMake package, the manual pages and the licences" \
        same "$(expected | LC_ALL=C sort)" "$(cd "$prefix" && find . ! -type d | LC_ALL=C sort)"
    claim "$name: everything is in one folder and owned by root" \
        same "$name 0/0" "$(tar -tvzf "$tarball" --numeric-owner | awk '{ split($6, path, "/"); print path[1], $2 }' | sort -u)"
    claim "$name: libkaleidoscope.dylib points to libkaleidoscope.0.dylib" points_to "$prefix/lib/libkaleidoscope.dylib" libkaleidoscope.0.dylib
    claim "$name: libkaleidoscope.0.dylib points to the library" points_to "$prefix/lib/libkaleidoscope.0.dylib" "libkaleidoscope.$version.dylib"
    claim "$name: its README says that it was never run" grep -q 'were never run' "$prefix/README-macos.md"
    claim "$name: the licences include every linked crate" every_crate_is_named
    claim "$name: no file contains the build path" same '' "$(grep -rlF -e "$root" "$prefix")"
    claim "$name: pkg-config links a program with the shared library" with_the_shared_library
    claim "$name: pkg-config links a program with the archive" with_the_archive
    claim "$name: CMake finds both, by the names that they have on macOS" cmake_finds_it
    claim "$name: packed again, it has the same bytes" same_bytes
    echo "#   $name: $(stat -c %s "$tarball") bytes packed, $(du -sb "$prefix" | cut -f1) unpacked"
done
finish
