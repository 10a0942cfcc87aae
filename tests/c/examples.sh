#!/bin/sh
# Compiles the examples as users would, runs each against a fresh emulator, and compares its output.
# `examples.sh --bless` regenerates the expected files. Environment as in run.sh.
set -u
cd "$(dirname "$0")/../.." || exit 2
root=$(pwd)
lib_dir=${KAL_LIB_DIR:-$root/target/lib}
include_dir=${KAL_INCLUDE_DIR:-$root/include}
emulator=${KAL_EMULATOR:-$root/target/debug/kal-emulator}
expected=$root/tests/c/expected
work=$(mktemp -d)
outcome=0
bless=${1:-}

trap 'stop_emulator; rm -rf "$work"' EXIT

scratch=$work
KAL_EMULATOR=$emulator
# shellcheck source=../../scripts/emulator.sh
. "$root/scripts/emulator.sh"

claim() {
    if [ "$2" = 0 ]; then echo "ok - $1"; else echo "not ok - $1${3:+: $3}"; outcome=1; fi
}

# runnable NAME: a program of another machine becomes a script that runs it.
runnable() {
    [ -n "${KAL_RUNNER:-}" ] && [ -e "$work/$1" ] || return 0
    mv "$work/$1" "$work/$1.bin"
    printf '#!/bin/sh\nexec %s "$0.bin" "$@"\n' "$KAL_RUNNER" >"$work/$1"
    chmod +x "$work/$1"
}

compile() {
    name=$1
    source=examples-c/$2
    shift 2
    case $source in
    *.cpp) compiler="${CXX:-g++} -std=c++17" ;;
    *) compiler="${CC:-gcc} -std=c99" ;;
    esac
    # shellcheck disable=SC2086
    $compiler -Wall -Wextra -Wpedantic -Werror -I "$include_dir" "$source" -o "$work/$name" \
        -L "$lib_dir" -lkaleidoscope -Wl,-rpath,"$lib_dir" -pthread
    claim "$source compiles without a warning" $?
    runnable "$name"
}

# prints CLAIM FILE PROGRAM [ARG]...: its output is as expected, except for parts that vary between runs.
prints() {
    claim_text=$1
    file=$expected/$2
    program=$work/$3
    shift 3
    "$program" "$@" >"$work/out" 2>&1 </dev/null
    sed -e "s|$KALEIDOSCOPE_API_URL|URL|g" -e 's/request id:  .*/request id:  ID/' \
        -e 's|libkaleidoscope/[0-9.]*|libkaleidoscope/VERSION|' "$work/out" >"$work/plain"
    [ "$bless" != --bless ] || cp "$work/plain" "$file"
    diff "$file" "$work/plain" >"$work/diff"
    claim "$claim_text" $? "$(head -n 3 "$work/diff" | tr '\n' '|')"
}

start_emulator --seed 7
for source in quickstart.c members_table.c events_filter.c json_door.c request.c threads.c errors.c cpp/c_header.cpp event_loop.c \
    follow.c export_events.c; do
    name=${source##*/}
    compile "${name%.*}_${name##*.}" "$source"
done

prints 'quickstart prints every member' quickstart.txt quickstart_c
prints 'members_table prints the workspace, its members with their levels, and its groups' members_table.txt members_table_c
prints 'events_filter prints the first page' events_first.txt events_filter_c
prints 'events_filter takes every filter' events_filtered.txt events_filter_c --type create --type update \
    --resource-type task --after 2020-01-01 --before 2035-01-01T00:00:00Z --page 1 --page-size 5
prints 'events_filter says which date is none' events_bad_date.txt events_filter_c --after yesterday
prints 'json_door lists the methods' json_methods.txt json_door_c
prints 'json_door prints what the server sent' json_groups.txt json_door_c workspace.get_groups
prints 'json_door passes parameters on' json_events.txt json_door_c workspace.get_events '{"page_size":2}'
prints 'json_door says which parameter is wrong' json_bad.txt json_door_c workspace.get_events '{"page_size":"two"}'
prints 'c_header.cpp prints every member' c_header.txt c_header_cpp
prints 'request prints the answer of any endpoint' request.txt request_c POST /echo/programs '{"page":2}' '{"title":"Solubility"}'
prints 'request says what an endpoint refuses' request_refused.txt request_c PUT '/echo?status=409'
prints 'errors shows what each kind of failure looks like' errors.txt errors_c
printf 'workspace.get_members\nworkspace.get_nothing\n' >"$work/lines"
"$work/event_loop_c" <"$work/lines" >"$work/out" 2>&1
grep -q '^workspace.get_members: [0-9]* bytes of JSON$' "$work/out" && grep -q '^workspace.get_nothing: unknown method' "$work/out"
claim 'event_loop prints the result of each call when it completes, and rejects an unknown method' $? "$(tr '\n' '|' <"$work/out")"
stop_emulator

# These start their own emulators and print their own claims.
for example in follow export_events; do
    KAL_EMULATOR=$emulator PYTHONPATH=tests/compat python3 -B "tests/c/$example.py" "$work/${example}_c" || outcome=1
done

KAL_EMULATOR=$emulator PYTHONPATH=tests/compat:tests/docs:tests/header python3 -B tests/c/samples.py "$include_dir" "$lib_dir" || outcome=1

# Slow responses, so that the threads overlap.
start_emulator --seed 7 --latency 200
prints 'threads: sixteen threads send one request for each thing they want' threads.txt threads_c

# Two plugins, each with a request in progress when it is unloaded. Red when a plugin only dlcloses, valgrind: "Jump to the invalid
# address"; when the library does not keep callbacks from running after a shutdown: a segmentation fault.
# shellcheck disable=SC2086
${CC:-gcc} -std=c99 -Wall -Wextra -Wpedantic -Werror -g examples-c/plugin/host.c -o "$work/plugin_host" -ldl &&
    ${CC:-gcc} -std=c99 -Wall -Wextra -Wpedantic -Werror -g -shared -fPIC -I "$include_dir" examples-c/plugin/lab_plugin.c \
        -o "$work/lab_plugin.so" -L "$lib_dir" -lkaleidoscope -Wl,-rpath,"$lib_dir" &&
    cp "$work/lab_plugin.so" "$work/other_plugin.so"
claim 'examples-c/plugin compiles without a warning' $?
runnable plugin_host
prints 'two plugins are loaded, used and unloaded again and again' plugin.txt plugin_host 3 "$work/lab_plugin.so" "$work/other_plugin.so"
if [ -n "${KAL_RUNNER:-}" ]; then
    echo 'ok - two plugins are loaded, used and unloaded again and again, under valgrind # SKIP valgrind runs no programs of another machine'
elif command -v valgrind >/dev/null; then
    valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,possible --error-exitcode=99 \
        --suppressions=packaging/libkaleidoscope.supp "$work/plugin_host" 2 "$work/lab_plugin.so" "$work/other_plugin.so" >"$work/out" 2>&1
    claim 'two plugins are loaded, used and unloaded again and again, under valgrind' $? "$(head -n 5 "$work/out" | tr '\n' '|')"
else
    echo 'ok - two plugins are loaded, used and unloaded again and again, under valgrind # SKIP valgrind is not here'
fi
unset KALEIDOSCOPE_API_CLIENT_ID
prints 'quickstart without credentials says where to put them' quickstart_bare.txt quickstart_c
exit $outcome
