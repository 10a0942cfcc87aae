#!/bin/sh
# Runs the C examples against a local server, for `make demo`.
set -eu
work=$(mktemp -d)
scratch=$work
trap 'stop_emulator; rm -rf "$work"' EXIT
. scripts/emulator.sh
start_emulator

# show SOURCE [ARGUMENT]...: compiles and runs an example with the commands that it prints.
show() {
    source=$1
    shift
    ${CC:-cc} -std=c99 -Wall -Wextra "examples-c/$source" -o "$work/${source%.c}" -I "$KAL_INCLUDE_DIR" \
        -L "$KAL_LIB_DIR" -lkaleidoscope -Wl,-rpath,"$KAL_LIB_DIR" -pthread
    printf '\n$ cc %s -lkaleidoscope -o %s && ./%s %s\n\n' "$source" "${source%.c}" "${source%.c}" "$*"
    "$work/${source%.c}" "$@"
}

echo "The local server is at $KALEIDOSCOPE_API_URL."
show members_table.c
show events_filter.c --type create --page-size 10
show threads.c
printf '\nMore in examples-c/; the header is include/kaleidoscope.h; `make test` runs the tests.\n'
