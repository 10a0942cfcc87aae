#!/bin/sh
# build.sh TRIPLE...: builds the library for Apple's systems on Linux, linked with stubs of their libraries.
#
# All output is below TARGET/apple: cargo's, the SDK of stubs in sdk/, and for each triple, in lib/TRIPLE, the shared library with its
# links and the archive.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/apple/targets.sh
. scripts/apple/targets.sh
out=$TARGET/apple
mkdir -p "$out"
out=$(cd "$out" && pwd)
llvm=$PWD/scripts/apple/llvm
abi=${ABI:-0}
shared=libkaleidoscope.$version.dylib

# link: the shared library, without debug information, local symbols and what no exported function reaches.
link() {
    scripts/symbols names | sed 's/^/_/' >"$lib/exported"
    # Every listed function must be defined: ld64 reports one that is not, by -u.
    sed 's/^/-u /' "$lib/exported" >"$lib/required"
    # shellcheck disable=SC2046,SC2086  # several words
    "$llvm" ld64.lld -dylib -arch "$arch" -platform_version "$linker_platform" "$minimum" "$minimum" -syslibroot "$sdk" \
        $(cat "$lib/required") "$out/cargo/$triple/release/libkaleidoscope.a" \
        -lSystem $apple_frameworks \
        -dead_strip -dead_strip_dylibs -exported_symbols_list "$lib/exported" -S -x \
        -install_name "@rpath/libkaleidoscope.$abi.dylib" -compatibility_version 1.0 -current_version "$version" \
        -o "$lib/$shared"
    ln -sf "$shared" "$lib/libkaleidoscope.$abi.dylib"
    ln -sf "libkaleidoscope.$abi.dylib" "$lib/libkaleidoscope.dylib"
}

# archive: cargo's archive with only kal_* visible, so that it cannot clash with another Rust library in the same program. The linker
# of LLVM 19 cannot join objects (-r), and zig's loses the tables of exceptions, so it stays several, and what they need of each
# other stays global: the functions of ring and of the compiler, whose names have a version or are the same everywhere.
archive() {
    rm -rf "$lib/objects" "$lib/libkaleidoscope.a"
    mkdir "$lib/objects"
    (
        cd "$lib/objects"
        "$llvm" llvm-ar x "$out/cargo/$triple/release/libkaleidoscope.a"
        for object in *.o; do
            # Bitcode of another version of LLVM, which the tools here cannot read; nobody else needs it.
            "$llvm" llvm-objcopy --remove-section=__LLVM,__bitcode --remove-section=__LLVM,__cmdline --strip-debug "$object"
        done
        python3 -B "$root/scripts/apple/keep_global.py" "$lib/exported" ./*.o
        "$llvm" llvm-ar rcsD ../libkaleidoscope.a ./*.o
    )
    rm -r "$lib/objects"
}

for each in "$@"; do
    apple_target "$each"
    lib=$out/lib/$triple
    sdk=$out/sdk/$linker_platform
    mkdir -p "$lib"
    scripts/apple/cargo.sh "$triple" rustc --release --lib --package kaleidoscope --crate-type staticlib
    link
    archive
done
