# Sourced by the shell tests. A claim prints one line, "ok - TEXT" or "not ok - TEXT", followed by the output of a failed command.
# `claim TEXT COMMAND...` checks one; `finish` exits with status 1 if any failed.
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

# Succeeds if two texts are equal; otherwise prints their difference.
same() {
    [ "$1" = "$2" ] && return
    printf '%s\n' "$1" >"$scratch/expected"
    printf '%s\n' "$2" >"$scratch/found"
    diff -u "$scratch/expected" "$scratch/found" | tail -n +3
    return 1
}

# A temporary directory, removed on exit.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
