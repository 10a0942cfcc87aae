#!/bin/sh
# Checks that library, emulator and tools compile with the minimum Rust version in Cargo.toml (rust-version): run.sh.
#
# KAL_MSRV_TOOLCHAIN   the rustup name of a toolchain of that version, if it has another
#
# Clippy checks that the project's own code uses no newer standard library API (incompatible_msrv).
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
promised=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Red with rust-version = "1.87": "rcgen 0.14.10 needs Rust 1.88", and twelve more.
claim "no crate declares a newer rust-version than $promised" python3 tests/msrv/declared.py "$promised"

toolchain=${KAL_MSRV_TOOLCHAIN:-$(rustup toolchain list 2>/dev/null | grep -oE "^$promised(\.[0-9]+)?(-[^ ]*)?" | head -n 1)}
compiles() { RUSTFLAGS='' cargo "+$toolchain" check --locked --workspace --lib --bins --quiet --target-dir "${TARGET:-target}/msrv"; }
is_that_version() {
    found=$(rustc "+$toolchain" --version) && case $found in
    "rustc $promised."*) ;;
    *) echo "$toolchain is $found" && false ;;
    esac
}
if [ -n "$toolchain" ]; then
    claim "$toolchain is Rust $promised" is_that_version
    claim "Rust $promised compiles the library, the emulator and the tools" compiles
else
    echo "ok - Rust $promised compiles the library, the emulator and the tools # SKIP it is not installed: rustup toolchain install $promised"
fi

finish
