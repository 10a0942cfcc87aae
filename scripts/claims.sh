# Sourced by the shell tests. A claim is one line, "ok - it holds" or "not ok - it holds"; what a failed one printed follows it.
# `claim TEXT COMMAND...` tries one; `finish` ends the test with the right status.
# shellcheck shell=sh

failures=0

claim() {
    claimed=$1
    shift
    if printed=$("$@" 2>&1); then
        echo "ok - $claimed"
    else
        failures=$((failures + 1))
        echo "not ok - $claimed"
        printf '%s\n' "$printed" | head -n 60 | sed 's/^/#   /'
    fi
}

finish() {
    [ "$failures" -eq 0 ]
    exit
}

# Two texts are the same; their difference is what a failed claim prints.
same() {
    [ "$1" = "$2" ] && return
    printf '%s\n' "$1" >"$scratch/expected"
    printf '%s\n' "$2" >"$scratch/found"
    diff -u "$scratch/expected" "$scratch/found" | tail -n +3
    return 1
}

# A folder of the test's own, gone when it ends.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
