#!/bin/sh
# asan-lib.sh FILE: builds the archive FILE with AddressSanitizer in its Rust code, which requires the nightly compiler.
set -eu
target=$(dirname "$1")
platform=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer -Cforce-frame-pointers=yes' CARGO_PROFILE_DEV_OPT_LEVEL=1 \
    cargo +nightly build --locked --lib --package kaleidoscope --quiet --target "$platform" --target-dir "$target"
ln -f "$target/$platform/debug/libkaleidoscope.a" "$1"
