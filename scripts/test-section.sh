#!/bin/sh
# test-section.sh LOG SECTIONS: runs sections of `make test` one after the other, beside others: what each prints is shown and added
# to the log when it has ended. SECTIONS: `KIND|HEADING|TARGET`, separated by semicolons.
set -u
log=$1
printed=$(mktemp)
lock=$log.lock
trap 'rm -f "$printed"' EXIT

printf '%s\n' "$2" | tr ';' '\n' | while IFS='|' read -r kind heading target; do
    started=$(date +%s)
    "${MAKE:-make}" --no-print-directory "$target" >"$printed" 2>&1 </dev/null
    status=$?
    # Not for ever: whoever has the lock may have been killed.
    tries=0
    until mkdir "$lock" 2>/dev/null || [ "$tries" -ge 300 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    printf '\n=== %s\n' "$heading"
    cat "$printed"
    printf '    (%d s)\n' $(($(date +%s) - started))
    { printf '@section %s\n' "$kind"; cat "$printed"; printf '\n@ended %d %s\n' "$status" "$heading"; } >>"$log"
    rmdir "$lock" 2>/dev/null
done
