#!/bin/sh
# xcframework.sh: builds the library for macOS, iOS and iOS's simulator, on a Mac, and packs it for SwiftPM and Xcode.
#
# Needs Xcode and Rust with the targets (rustup target add TRIPLE). Writes
#   TARGET/xcframework/CKaleidoscope.xcframework       for KALEIDOSCOPE_XCFRAMEWORK
#   TARGET/xcframework/CKaleidoscope.xcframework.zip   for a release
# and prints the checksum that Package.swift needs of the latter.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/apple/targets.sh
. scripts/apple/targets.sh
[ "$(uname -s)" = Darwin ] || {
    echo "xcframework.sh: only Xcode can make an xcframework: run this on a Mac; 'make check-apple' checks the builds elsewhere" >&2
    exit 1
}
out=$TARGET/xcframework
rm -rf "$out"
mkdir -p "$out"
export MACOSX_DEPLOYMENT_TARGET="$apple_macos" IPHONEOS_DEPLOYMENT_TARGET="$apple_ios"
remap="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=kaleidoscope"
scripts/symbols names | sed 's/^/_/' >"$out/exported"

# archive TRIPLE: one object in which only kal_* is global, so that it cannot clash with another Rust library of the app.
archive() {
    apple_target "$1"
    case $linker_platform in
    macos) sdk=macosx ;;
    ios) sdk=iphoneos ;;
    ios-simulator) sdk=iphonesimulator ;;
    esac
    RUSTFLAGS="${RUSTFLAGS:-} $remap" cargo rustc --locked --release --lib --package kaleidoscope --crate-type staticlib \
        --target "$triple" --target-dir "$TARGET"
    mkdir -p "$out/$triple"
    xcrun --sdk "$sdk" ld -r -arch "$arch" -platform_version "$linker_platform" "$minimum" "$(xcrun --sdk "$sdk" --show-sdk-version)" \
        -exported_symbols_list "$out/exported" -force_load "$TARGET/$triple/release/libkaleidoscope.a" -o "$out/$triple/kaleidoscope.o"
    xcrun --sdk "$sdk" strip -S "$out/$triple/kaleidoscope.o"
    xcrun --sdk "$sdk" libtool -static -D "$out/$triple/kaleidoscope.o" -o "$out/$triple/libkaleidoscope.a"
    rm "$out/$triple/kaleidoscope.o"
}

# universal NAME TRIPLE...: one archive of several architectures of one system.
universal() {
    name=$1
    shift
    mkdir "$out/$name"
    for each in "$@"; do set -- "$@" "$out/$each/libkaleidoscope.a" && shift; done
    lipo -create "$@" -output "$out/$name/libkaleidoscope.a"
}

for each in $apple_triples; do archive "$each"; done
universal macos aarch64-apple-darwin x86_64-apple-darwin
universal ios-simulator aarch64-apple-ios-sim x86_64-apple-ios

# In a folder with the module's name, so that two xcframeworks of one app do not both bring a module.modulemap.
headers=$out/headers/CKaleidoscope
mkdir -p "$headers"
cp include/kaleidoscope.h packaging/apple/module.modulemap "$headers/"
set --
for library in macos aarch64-apple-ios ios-simulator; do
    set -- "$@" -library "$out/$library/libkaleidoscope.a" -headers "$out/headers"
done
xcodebuild -create-xcframework "$@" -output "$out/CKaleidoscope.xcframework"
cp LICENSE LICENSE-MIT LICENSE-APACHE "$out/CKaleidoscope.xcframework/"
python3 -B scripts/licences.py aarch64-apple-darwin >"$out/CKaleidoscope.xcframework/THIRD-PARTY-LICENSES.txt"
(cd "$out" && zip --quiet --recurse-paths --symlinks -X CKaleidoscope.xcframework.zip CKaleidoscope.xcframework)
echo "$out/CKaleidoscope.xcframework.zip"
echo "checksum: $(swift package compute-checksum "$out/CKaleidoscope.xcframework.zip")"
