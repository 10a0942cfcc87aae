#!/bin/sh
# Checks the minimum Rust version in Cargo.toml (rust-version): run.sh [declared].
#
# Compiles with Debian 13's own Rust, which is that version, in the root that scripts/trixie.sh installs; must be run as root. With
# `declared`, only the versions that the crates declare are checked. Clippy checks that the project's own code uses no newer
# function of the standard library (incompatible_msrv).
#
# KAL_EMULATOR   path of kal-emulator   (default: target/debug/kal-emulator)
# TARGET         build directory        (default: target)
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
. tests/artefact/optimised.sh
promised=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
compiled="Rust $promised compiles the library, the emulator, the tools and the tests"

# Red with wide 1.7: "safe_arch 1.2.0 needs Rust 1.89", "wide 1.7.1 needs Rust 1.89".
claim "no crate declares a newer rust-version than $promised" python3 tests/msrv/declared.py "$promised"
if [ "${1:-}" = declared ]; then
    echo "ok - $compiled # SKIP Debian 13's Rust is not installed: make test-msrv (root, 1 GB, three minutes)"
    finish
fi

target=$(mkdir -p "${TARGET:-target}" && cd "${TARGET:-target}" && pwd)
root=${TRIXIE:-$target/trixie}
emulator=${KAL_EMULATOR:-$target/debug/kal-emulator}
cargo=${CARGO_HOME:-$HOME/.cargo}
claim 'a Debian trixie root with Rust is installed' scripts/trixie.sh rust
[ "$failures" -eq 0 ] || finish

# inside COMMAND...: runs a command in the project's folder, in the root, with the crates that cargo has fetched, without network.
inside() {
    KAL_BIND="$PWD $target $cargo/registry" scripts/inside.sh "$root" env CARGO_HOME="$cargo" CARGO_NET_OFFLINE=true \
        LD_LIBRARY_PATH="$target/msrv/lib" ${RUSTFLAGS_INSIDE:+RUSTFLAGS="$RUSTFLAGS_INSIDE"} \
        KALEIDOSCOPE_API_URL="${url:-}" KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret \
        sh -c 'cd "$1" && shift && exec "$@"' sh "$PWD" "$@"
}

# --- Compiling

fetched() { cargo fetch --locked --quiet --target "$(rustc -vV | sed -n 's/^host: //p')"; }
is_that_version() {
    found=$(inside rustc --version) && case $found in
    "rustc $promised."*) ;;
    *) echo "Debian 13 has $found" && false ;;
    esac
}
compiles() {
    RUSTFLAGS_INSIDE='-D warnings' inside cargo check --locked --workspace --all-targets --quiet --target-dir "$target/msrv"
}
claim 'the crates are here' fetched
# Red with rust-version = "1.86": "Debian 13 has rustc 1.85.1".
claim "Debian 13's Rust is $promised" is_that_version
# Red with Duration::from_mins: "use of unstable library feature `duration_constructors`".
claim "$compiled, without a warning" compiles

# --- With Debian's packages alone

builds() { inside make --no-print-directory lib TARGET="$target/msrv"; }
# compiled_with NAME LIBRARY...: the quickstart.
compiled_with() {
    program=$target/msrv/$1
    shift
    inside cc -Wall -Werror -I include examples-c/quickstart.c -o "$program" "$@"
}
prints_the_members() {
    found=$(inside "$@") && same "$(cat tests/c/expected/quickstart.txt)" "$found"
}
shared() {
    compiled_with quickstart -L "$target/msrv/lib" -lkaleidoscope && prints_the_members "$target/msrv/quickstart"
}
archive() {
    compiled_with static "$target/msrv/lib/libkaleidoscope.a" -lpthread -lm -ldl && prints_the_members "$target/msrv/static"
}
claim "\`make lib\` builds the library with Debian 13's packages alone" builds
optimised() {
    limits "rustc $promised."
    one_object "$target/msrv/lib/rustc/libkaleidoscope.a" && smaller "$target/msrv/lib/libkaleidoscope.so" "$max_shared" &&
        smaller "$target/msrv/lib/libkaleidoscope.a" "$max_archive"
}
# Red with the limits of a newer Rust: "libkaleidoscope.so has 3500616 bytes, the limit is 3500000".
claim 'link-time optimisation took effect in it' optimised
mkfifo "$scratch/stop" "$scratch/ready"
"$emulator" --exit-with-stdin --seed 7 <"$scratch/stop" >"$scratch/ready" &
exec 9>"$scratch/stop"
read -r _ _ _ url <"$scratch/ready"
claim 'the quickstart prints the members with that library' shared
claim 'the quickstart prints the members with that archive' archive
finish
