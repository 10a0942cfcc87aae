#!/bin/sh
# fuzz.sh --long [TARGET...]: row 12. Builds the fuzz targets with AddressSanitizer and runs each for KAL_FUZZ_SECONDS (60),
# two in parallel, starting from fuzz/corpus. New inputs are kept in target/fuzz/corpus for the next run, failing ones in
# target/fuzz/artifacts: add those to fuzz/corpus with the fix.
#
# `cargo test` replays fuzz/corpus, so there is no short form.
set -eu
cd "$(dirname "$0")/../.."
[ "${1:-}" = --long ] || {
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
}
shift
[ $# -gt 0 ] || set -- records retry_after query cursor params token redaction calls
seconds=${KAL_FUZZ_SECONDS:-60}
work=$(mkdir -p "${TARGET:-target}/fuzz" && cd "${TARGET:-target}/fuzz" && pwd)
cargo_fuzz=0.13.2

give_up() {
    echo "not ok - fuzz: $1"
    echo "{\"name\": \"fuzz\", \"tried\": 0, \"failed\": 1, \"detail\": \"$1\"}"
    exit 1
}

rustup toolchain list 2>/dev/null | grep -q '^nightly' ||
    give_up 'the nightly toolchain is missing: rustup toolchain install nightly'
if ! PATH=$work/tools/bin:$PATH cargo fuzz --version >/dev/null 2>&1; then
    cargo install --quiet --locked --version "$cargo_fuzz" --root "$work/tools" cargo-fuzz >"$work/install.log" 2>&1 ||
        give_up "cargo-fuzz is missing: cargo install --locked --version $cargo_fuzz cargo-fuzz"
fi
PATH=$work/tools/bin:$PATH

platform=$(rustc -vV | sed -n 's/^host: //p')
cargo +nightly fuzz build --target "$platform" --target-dir "$work" >"$work/build.log" 2>&1 || {
    tail -n 40 "$work/build.log" | sed 's/^/#   /'
    give_up 'the targets cannot be built'
}

# Runs one target; its log ends with the number of inputs tried.
run() {
    mkdir -p "$work/corpus/$1" "$work/artifacts/$1"
    status=0
    "$work/$platform/release/$1" "$work/corpus/$1" "fuzz/corpus/$1" "-artifact_prefix=$work/artifacts/$1/" \
        "-max_total_time=$seconds" -max_len=4096 -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
        >"$work/$1.log" 2>&1 || status=$?
    echo "$status" >"$work/$1.status"
}

tell() {
    tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1.log")
    # The progress lines give the count if it ends before printing its totals.
    tried=${tried:-$(sed -n 's/^#\([0-9]*\).*/\1/p' "$work/$1.log" | tail -n 1)}
    all=$((all + ${tried:-0}))
    detail="$detail${detail:+, }$1 ${tried:-0}"
    if [ "$(cat "$work/$1.status")" = 0 ] && [ "${tried:-0}" -gt 0 ]; then
        echo "ok - fuzz: $1 keeps its promises, tried ${tried:-0} times"
    else
        failed=$((failed + 1))
        echo "not ok - fuzz: $1 keeps its promises, tried ${tried:-0} times"
        tail -n 60 "$work/$1.log" | cut -c 1-400 | sed 's/^/#   /'
    fi
}

all=0 failed=0 detail=
while [ $# -gt 0 ]; do
    run "$1" &
    [ $# -lt 2 ] || run "$2"
    wait
    tell "$1"
    shift
    [ $# -eq 0 ] || {
        tell "$1"
        shift
    }
done
echo "{\"name\": \"fuzz\", \"tried\": $all, \"failed\": $failed, \"detail\": \"$seconds s each: $detail\"}"
[ "$failed" -eq 0 ]
