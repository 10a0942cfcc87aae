#!/bin/sh
# Row 14: streams and followers against the model of the server in src/events/model.rs.
#
# model.sh --long [CASES]    this many in total (default: 100,000), with a new seed each time, with an optimised build. `make test-rust`
#                            runs a few cases, with a fixed seed
set -u
cd "$(dirname "$0")/../.." || exit 2
target=${TARGET:-target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cases=100000
case $#-${1:-} in
1---long) ;;
2---long) cases=$2 ;;
*)
    echo "usage: $0 --long [CASES]" >&2
    exit 2
    ;;
esac
unset PROPTEST_RNG_SEED

run() {
    "${CARGO:-cargo}" test --locked --target-dir "$target" --profile torture --package kaleidoscope --lib --quiet -- "$@"
}

# Tests of a fixed case are not run with many.
run --list events::model:: 2>"$work/built" | sed -n 's/: test$//p' >"$work/all"
grep -c . "$work/all" >/dev/null || cat "$work/built" >&2
properties=$(sed -n '/^proptest! {/,/^}/s/^    fn \([a-z_]*\)(.*/\1/p' src/events/model.rs)
count=$(echo "$properties" | grep -c .)
[ "$count" -gt 0 ] || count=1
KAL_PROPTEST_CASES=$(((cases + count - 1) / count))
export KAL_PROPTEST_CASES

tried=0
failed=0
while read -r test; do
    name=${test##*::}
    tries=1
    case " $(echo "$properties" | tr '\n' ' ') " in *" $name "*) tries=$KAL_PROPTEST_CASES ;; esac
    said=$(echo "$name" | tr _ ' ')
    if run --exact "$test" </dev/null >"$work/out" 2>&1; then
        echo "ok - model: $said ($tries)"
    else
        echo "not ok - model: $said"
        sed 's/^/#   /' "$work/out" | head -n 60
        failed=$((failed + 1))
    fi
    tried=$((tried + tries))
done <"$work/all"

if [ "$tried" -lt "$cases" ]; then
    echo "not ok - model: at least $cases cases were tried: only $tried were"
    failed=$((failed + 1))
fi
echo "{\"name\":\"streams-model\",\"tried\":$tried,\"failed\":$failed,\"detail\":\"$KAL_PROPTEST_CASES cases for each of $count properties\"}"
[ "$failed" -eq 0 ]
