#!/bin/sh
# The crates that this project is built of: run.sh.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh

# --- Written down

# Red with a row of hashbrown taken out: "hashbrown is in Cargo.toml without a row in CONTRIBUTING.md".
claim 'every direct dependency of the library has its row in CONTRIBUTING.md, and no other' \
    python3 tests/deny/table.py

# --- Left out

tree=$(cargo tree --locked --package kaleidoscope --edges normal --prefix none --no-dedupe | sort -u)
lacks() { ! printf '%s\n' "$tree" | grep -E "^$1 v"; }
is_a_tree() { printf '%s\n' "$tree" | grep -q '^serde_json v'; }
claim 'cargo lists what is linked into the library' is_a_tree
# Red with parking_lot in [dependencies]: "parking_lot v0.12.5", "parking_lot_core v0.9.12".
claim 'parking_lot is not in the library: a forked child would inherit its table of parked threads locked' \
    lacks 'parking_lot(_core)?'

finish
