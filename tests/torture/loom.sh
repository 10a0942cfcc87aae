#!/bin/sh
# Row 13: all thread interleavings of the loom models: single flight, the token store, the handle table, and exactly-once
# completion of calls and delivery of pages.
set -u
cd "$(dirname "$0")/../.." || exit 2
target=${TARGET:-target}/loom
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# These would cut the search short.
unset LOOM_MAX_PREEMPTIONS LOOM_MAX_PERMUTATIONS LOOM_MAX_DURATION LOOM_MAX_BRANCHES

run() {
    RUSTFLAGS="${RUSTFLAGS:-} --cfg kal_loom" \
        "${CARGO:-cargo}" test --locked --target-dir "$target" --package kaleidoscope --lib --quiet -- "$@"
}

run --list loom_ 2>"$work/built" | sed -n 's/: test$//p' >"$work/all"
[ -s "$work/all" ] || cat "$work/built" >&2
tried=0
failed=0
while read -r test; do
    said=$(echo "${test##*::loom_}" | tr _ ' ')
    if run --exact "$test" </dev/null >"$work/out" 2>&1; then
        echo "ok - loom: $said"
    else
        echo "not ok - loom: $said"
        sed 's/^/#   /' "$work/out" | head -n 60
        failed=$((failed + 1))
    fi
    tried=$((tried + 1))
done <"$work/all"

for part in cache::single_flight auth::token_store events::claim ffi::kit::slots queue runtime::gate runtime::oneshot; do
    if ! grep -q "^$part::" "$work/all"; then
        echo "not ok - loom: there is a model of $part"
        failed=$((failed + 1))
    fi
done
echo "{\"name\":\"loom\",\"tried\":$tried,\"failed\":$failed,\"detail\":\"models, every interleaving of up to 3 threads\"}"
[ "$failed" -eq 0 ]
