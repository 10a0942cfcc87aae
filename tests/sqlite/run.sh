#!/bin/sh
# Tests the SQLite extension in the sqlite3 shell, with random queries, and in a threaded program, plain and under valgrind.
#
# KAL_SQLITE      the extension, without .so                    (default: target/sqlite/kal_sqlite)
# KAL_EMULATOR    the program kal-emulator                      (default: target/debug/kal-emulator)
# KAL_LIB_DIR     where libkaleidoscope.a is, for the program   (default: target/lib)
# KAL_INCLUDE_DIR where kaleidoscope.h is                       (default: include)
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
. tests/artefact/optimised.sh
KAL_SQLITE=${KAL_SQLITE:-$PWD/target/sqlite/kal_sqlite}
KAL_EMULATOR=${KAL_EMULATOR:-$PWD/target/debug/kal-emulator}
export KAL_SQLITE KAL_EMULATOR
flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -I ${KAL_INCLUDE_DIR:-include}"
for tool in sqlite3 valgrind; do
    command -v "$tool" >/dev/null || { echo "not ok - $tool is installed"; exit 1; }
done

# admin COMMAND: asks admin.py, which keeps running. The answer is read to its end before it is printed, since a pipe may not take all
# of it.
mkfifo "$scratch/asked" "$scratch/answers"
python3 -B tests/sqlite/admin.py serve <"$scratch/asked" >"$scratch/answers" &
exec 7>"$scratch/asked" 6<"$scratch/answers"
admin() {
    printf '%s\n' "$KALEIDOSCOPE_API_URL" "$@" '' >&7
    answer=''
    while IFS= read -r answered <&6; do
        case $answered in
        +*) answer="$answer${answered#+}
" ;;
        *)
            printf %s "$answer"
            return "$answered"
            ;;
        esac
    done
    echo 'admin.py has ended'
    return 1
}

mkfifo "$scratch/stop" "$scratch/ready"
"$KAL_EMULATOR" --exit-with-stdin --seed 7 <"$scratch/stop" >"$scratch/ready" &
exec 9>"$scratch/stop"
read -r _ _ _ KALEIDOSCOPE_API_URL <"$scratch/ready"
export KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret

# shell STATEMENT...: runs the shell with the extension and a temporary database with user tables.
sqlite3 "$scratch/lab.db" <tests/sqlite/lab.sql
shell() { sqlite3 -batch -bail -cmd ".load $KAL_SQLITE" "$scratch/lab.db" "$@"; }
returns() { expected=$1 && shift && found=$(shell "$@" 2>&1) && same "$expected" "$found"; }
# fails MESSAGE STATEMENT...: the statement fails with this message, ignoring URLs.
fails() {
    expected=$1 && shift
    if found=$(shell "$@" 2>&1); then echo "it did not fail: $found"; return 1; fi
    case $found in *"$expected"*) ;; *) same "$expected" "$found" ;; esac
}
# sends EXPECTED STATEMENT...: the lists that were requested, one per line. A stream goes on by date, within the dates of its list.
sends() {
    expected=$1 && shift
    admin sent >/dev/null
    shell "$@" >"$scratch/rows" && same "$expected" "$(admin lists)"
}
# same_rows TABLE SELECT: the table has the rows that the SELECT returns from the server's JSON, in the same order.
same_rows() {
    same "$(shell "$2")" "$(shell "SELECT * FROM $1")" && [ -n "$(shell "SELECT * FROM $1")" ]
}
of() { echo "FROM json_each(readfile('$scratch/all.json'), '\$.$1') AS each"; }
field() { printf "value ->> '%s'" "$1"; }
fields() { comma='' && for name in "$@"; do printf "%s%s" "$comma" "$(field "$name")" && comma=', '; done; }

run() {
    code=0
    "$@" || code=$?
    [ "$code" -eq 0 ] || failures=$((failures + 1))
    [ "$code" -le 1 ] || echo "not ok - the program exits with 0 or 1: it exits with $code"
}

# --- The extension itself

# shellcheck disable=SC2086
compiles() { ${CC:-gcc} $flags -fPIC -fsyntax-only examples-c/sqlite/*.c; }
exported() { nm -D --defined-only "$KAL_SQLITE.so" | awk '{ print $3 }'; }
claim 'the extension compiles without a warning' compiles
claim 'it exports its entry point and nothing else' same sqlite3_kalsqlite_init "$(exported)"
claim 'link-time optimisation took effect in it' smaller "$KAL_SQLITE.so" "$max_extension"
claim 'it needs no libkaleidoscope.so' sh -c '! ldd "$0.so" | grep libkaleidoscope' "$KAL_SQLITE"

# --- The rows are what the server sent

admin all "$scratch/all.json"
claim 'kal_workspace has the workspace' same_rows kal_workspace \
    "SELECT $(fields id workspace_name) FROM json_each(readfile('$scratch/all.json')) WHERE key = 'workspace'"
claim 'kal_members has every member' same_rows kal_members \
    "SELECT $(fields id full_name preferred_name access_level email) $(of members)"
claim 'kal_groups has every group' same_rows kal_groups \
    "SELECT $(fields id group_name email user_ids program_ids) $(of groups)"
claim 'kal_group_members has a row for each member of each group' same_rows kal_group_members \
    "SELECT each.value ->> 'id', member.value $(of groups), json_each(each.value, '\$.user_ids') AS member"
claim 'kal_events has every event, in the server'"'"'s order' same_rows kal_events \
    "SELECT $(fields id event_type event_type_version), kal_time($(field created_at)), $(fields event_user_id full_name \
        preferred_name resource_id resource_type parent_bulk_event_id), coalesce(value ->> 'event_attrs', '{}'), \
        $(fields is_bot is_bulk created_at) $(of events)"

# --- Requests to the server. Seen red with each of the filters removed from events_plan.c.

day=2025-10-01
claim 'a list that a statement reads repeatedly is requested once' \
    sends 'members' 'SELECT count(*) FROM kal_members a, kal_members b, kal_members c WHERE b.id = a.id'
claim 'nothing is requested before a table is read' sends '' 'SELECT 1'
claim 'event_type = is sent to the server' \
    sends 'events event_types=["create"]' "SELECT * FROM kal_events WHERE event_type = 'create'"
claim 'event_type IN is sent to the server, all values in one request' \
    sends 'events event_types=["create","delete"]' "SELECT * FROM kal_events WHERE event_type IN ('delete', 'create')"
claim 'resource_type IN is one request for each value, as the API accepts only one' \
    sends "$(printf 'events resource_type=record\nevents resource_type=task')" \
    "SELECT * FROM kal_events WHERE resource_type IN ('task', 'record', 'task')"
# Seen red with numbers sent as text: the server does not match '05'.
claim 'a comparison with a number is left to SQLite' sends 'events' "SELECT * FROM kal_events WHERE event_type = CAST('5' AS INTEGER)"
claim 'a comparison that no text can match sends nothing' sends '' "SELECT * FROM kal_events WHERE event_type IN (NULL, x'61')"
claim 'OR of one column is sent like IN' \
    sends 'events event_types=["create","delete"]' "SELECT * FROM kal_events WHERE event_type = 'create' OR event_type = 'delete'"
claim 'resource_type = is sent to the server' \
    sends 'events resource_type=task' "SELECT * FROM kal_events WHERE resource_type = 'task'"
member=$(shell 'SELECT id FROM kal_members LIMIT 1')
claim 'event_user_id is sent to the server' \
    sends "events event_user_ids=[\"$member\"]" "SELECT * FROM kal_events WHERE event_user_id = '$member'"
claim 'the users of a subquery are sent to the server in one request' \
    sends "$(printf 'members\nevents event_user_ids=["%s"]' "$member")" \
    "SELECT * FROM kal_events WHERE event_user_id IN (SELECT id FROM kal_members WHERE id = '$member')"
claim 'dates are sent to the server, a second wider' \
    sends 'events after_date=2025-09-30T23:59:59Z&before_date=2025-11-01T00:00:01Z' \
    "SELECT * FROM kal_events WHERE created_at >= '$day' AND created_at < '2025-11-01T00:00:00Z'"
claim 'BETWEEN and the dates of SQLite'"'"'s functions are sent, too' \
    sends 'events after_date=2025-09-30T23:59:59Z&before_date=2025-10-08T00:00:01Z' \
    "SELECT * FROM kal_events WHERE created_at BETWEEN datetime('$day') AND datetime('$day', '+7 days')"
claim 'all filters are sent at once' \
    sends 'events event_types=["create"]&resource_type=task&after_date=2025-09-30T23:59:59Z' \
    "SELECT * FROM kal_events WHERE created_at > '$day' AND resource_type = 'task' AND event_type = 'create'"
claim 'the rows are the same without filters on the server' same \
    "$(shell "SELECT id FROM kal_events WHERE created_at > '$day' AND resource_type = 'task' AND event_type IN ('create', 'update')")" \
    "$(shell "SELECT id FROM kal_events WHERE +created_at > '$day' AND +resource_type = 'task' AND +event_type IN ('create', 'update')")"
claim 'a case-insensitive comparison is left to SQLite' \
    sends 'events' "SELECT * FROM kal_events WHERE event_type = 'CREATE' COLLATE NOCASE"
claim 'and finds rows that the server would not' test -s "$scratch/rows"
claim 'a contradiction sends nothing' \
    sends '' "SELECT * FROM kal_events WHERE event_type = NULL OR (created_at > '2026-01-01' AND created_at < '2025-01-01')"
# The second page overlaps the first one.
pages() { admin sent >/dev/null && shell "$@" >/dev/null && admin sent | sed 's/&before_date=.*//'; }
claim 'LIMIT stops further requests' same "$(printf 'events page_size=10\nevents page_size=11')" \
    "$(pages "SELECT kal_open('{\"page_size\": 10}')" 'SELECT id FROM kal_events LIMIT 15')"

# --- SQLite identifies rows by their keys. Seen red with a rowid that counted the rows of each scan: 56; 471|250; 261|250|261;
# 35|24; the OR of kal_group_members was right by luck, as its branches met in no number.

claim 'the branches of an OR return each event once' returns 102 \
    "SELECT count(*) FROM kal_events WHERE event_type = 'create' OR resource_type = 'task'"
claim 'the branches of an OR return each row of a list once' returns 5 \
    "SELECT count(*) FROM kal_group_members WHERE user_id = (SELECT id FROM kal_members LIMIT 1 OFFSET 3)
     OR group_id = (SELECT id FROM kal_groups LIMIT 1 OFFSET 1)"
# SQLite has these joins since 3.39.
if [ "$(shell "SELECT 'FULL' IN (SELECT 'FULL' FROM (SELECT 1) FULL JOIN (SELECT 1))" 2>/dev/null)" = 1 ]; then
    claim 'a RIGHT JOIN returns each event once' returns '250|250' \
        'SELECT count(*), count(m.id) FROM kal_members AS m RIGHT JOIN kal_events AS e ON m.id = e.event_user_id'
    claim 'a FULL JOIN returns each row without a match once' returns '250|250|250' \
        'SELECT count(*), count(e.id), count(m.id) FROM kal_events AS e FULL JOIN kal_members AS m ON m.id = e.event_user_id'
    claim 'a RIGHT JOIN returns each member once' returns '25|24' \
        'SELECT count(*), count(user_id) FROM kal_group_members RIGHT JOIN kal_members AS m ON m.id = user_id'
fi
claim 'SELECT * does not include the key' returns 'id|workspace_name' \
    "SELECT group_concat(name, '|') FROM pragma_table_info('kal_workspace')"
claim 'NATURAL JOIN does not use the key' returns 24 'SELECT count(*) FROM kal_group_members NATURAL JOIN kal_group_members AS same'

# --- Joins, and the queries of the example

claim 'members can be joined with a table of the database' returns "Ivan Evans|A-17
Søren Kim|B-02" 'SELECT full_name, barcode FROM samples JOIN kal_members ON email = owner ORDER BY barcode'
claim 'a table of the database can be filled from the workspace' returns 12 \
    'CREATE TEMP TABLE copy AS SELECT * FROM kal_members' 'SELECT count(*) FROM copy'
claim 'equal times in different spellings are equal' returns 1 \
    "SELECT count(*) > 0 FROM kal_events WHERE created_at = '2025-12-27 14:29:11.563+01:00'"

grep -v '^--' examples-c/sqlite/queries.sql >"$scratch/queries.sql"
# One by one, to show which one fails. Seen red with an unknown column.
number=0
while [ "$number" -lt "$(grep -c ';$' "$scratch/queries.sql")" ]; do
    number=$((number + 1))
    query=$(awk -v RS=';\n' -v n="$number" 'NR == n' "$scratch/queries.sql")
    claim "query $number of queries.sql returns the expected rows" \
        returns "$(sed -n "/^-- $number\$/,/^-- /{/^-- /d;p}" tests/sqlite/queries.expected)" "$query"
done
claim 'every query of queries.sql has its expected rows' same "$number" "$(grep -c '^-- [0-9]' tests/sqlite/queries.expected)"

# --- Errors are SQL errors

admin fault '{"path": "/workspaces/members", "status": 503, "times": 0}'
claim 'an error response is an SQL error with its details' \
    fails 'KAL_SERVICE_UNAVAILABLE: GET /workspaces/members failed with status 503' \
    "SELECT kal_open('{\"max_attempts\": 1}')" 'SELECT * FROM kal_members'
admin sent >/dev/null
admin fault '{"path": "/workspaces/events", "after": 2, "status": 500, "times": 0}'
claim 'a failure on a later page of events is an SQL error, too' \
    fails 'KAL_SERVER_ERROR: GET /workspaces/events failed with status 500' "SELECT kal_open('{\"page_size\": 10, \"max_attempts\": 1}')" 'SELECT count(*) FROM kal_events'
admin sent >/dev/null
claim 'wrong credentials are an SQL error' \
    fails 'KAL_AUTH_FAILED: ' "SELECT kal_open('{\"client_secret\": \"wrong\"}')" 'SELECT * FROM kal_members'
claim 'the SQL error contains no secret' \
    sh -c 'case $1 in *hush-hush*) exit 1 ;; *KAL_*) ;; *) exit 1 ;; esac' - \
    "$(shell "SELECT kal_open('{\"client_secret\": \"hush-hush\"}')" 'SELECT * FROM kal_members' 2>&1 || :)"
claim 'missing credentials are an SQL error that says where to set them' \
    env -u KALEIDOSCOPE_API_CLIENT_ID sh -c '! said=$(sqlite3 -batch -cmd ".load $KAL_SQLITE" :memory: "SELECT * FROM kal_members" 2>&1) &&
        case $said in *KALEIDOSCOPE_API_CLIENT_ID*) ;; *) echo "$said"; exit 1 ;; esac'
claim 'an unreachable server is an SQL error' \
    fails 'KAL_' "SELECT kal_open('{\"base_url\": \"http://127.0.0.1:1\", \"max_attempts\": 1}')" 'SELECT * FROM kal_members'
claim 'an unknown option is an SQL error' fails 'kal_open: unknown option colour' "SELECT kal_open('{\"colour\": 1}')"
claim 'an option of the wrong type is an SQL error' fails 'kal_open: timeout_ms: expected a number' "SELECT kal_open('{\"timeout_ms\": \"soon\"}')"
claim 'options that are not valid JSON are an SQL error' fails 'kal_open: malformed JSON' "SELECT kal_open('{')"
# Seen red with an xUpdate that did nothing: none of them failed.
for change in "DELETE FROM kal_members" "DELETE FROM kal_events WHERE id = 'x' OR event_type = 'create'" \
    "UPDATE kal_groups SET group_name = 'x'" "UPDATE kal_group_members SET user_id = 'x' WHERE group_id = 'y'" \
    "INSERT INTO kal_workspace(id) VALUES ('x')" "REPLACE INTO kal_events(id) VALUES ('x')"; do
    claim "the tables are read-only: $change" fails 'may not be modified' "$change"
done
claim 'kal_open cannot be used in views' \
    fails 'unsafe use of kal_open' 'CREATE VIEW bad AS SELECT kal_open()' 'SELECT * FROM bad'
admin fault '{"path": "/workspaces/members", "status": 503, "times": 1}'
goes_on() {
    printf '%s;\n' "SELECT kal_open('{\"max_attempts\": 1}') IS NULL" 'SELECT * FROM kal_members' 'SELECT count(*) FROM kal_members' |
        sqlite3 -batch -cmd ".load $KAL_SQLITE" :memory: 2>"$scratch/errors" || [ -s "$scratch/errors" ]
}
claim 'a statement after a failure works' same "$(printf '1\n12')" "$(goes_on)"

# --- Shells

# On Ctrl-C the shell calls sqlite3_interrupt; the statement waits for a server that never responds.
interrupted() {
    admin sent >/dev/null
    admin fault '{"path": "/workspaces/members", "drop": "hang"}'
    # A shell starts background jobs with SIGINT ignored.
    python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])' \
        sqlite3 -batch -cmd ".load $KAL_SQLITE" :memory: "SELECT kal_open('{\"timeout_ms\": 60000, \"max_attempts\": 1}')" \
        'SELECT count(*) FROM kal_members' >"$scratch/interrupted" 2>&1 &
    until admin seen /workspaces/members; do kill -0 $! && sleep 0.05 || return 1; done
    kill -INT $!
    wait $! && return 1
    grep -q interrupted "$scratch/interrupted" || { cat "$scratch/interrupted"; return 1; }
}
claim 'Ctrl-C ends a statement that waits for the server' interrupted
two_shells() {
    shell 'SELECT count(*) FROM kal_members, kal_groups' >"$scratch/one" &
    shell 'SELECT count(*) FROM kal_events' >"$scratch/two" || return 1
    wait $! && same 48 "$(cat "$scratch/one")" && same 250 "$(cat "$scratch/two")"
}
claim 'two shells do not interfere' two_shells

# --- One subject a file; each may use the functions above.

for part in tests/sqlite/claims/*.sh; do
    [ -e "$part" ] || continue
    admin sent >/dev/null
    # shellcheck disable=SC1090  # several files
    . "$part"
done
exec 9>&-

# --- Random queries, and those that once returned wrong rows, on the tables and on copies of them

unset KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID KALEIDOSCOPE_API_CLIENT_SECRET
run python3 -B tests/sqlite/random_sql.py --seed 20261126

# --- In programs

# shellcheck disable=SC2086
compiled() { ${CC:-gcc} $flags -g -O1 -pthread -I tests/c -c "$1" -o "$scratch/$(basename "$1" .c).o"; }
# shellcheck disable=SC2086
linked() {
    compiled "tests/sqlite/$1.c" && ${CC:-gcc} -pthread "$scratch/$1.o" "$scratch/check.o" "$scratch/emulator.o" \
        "${KAL_LIB_DIR:-target/lib}/libkaleidoscope.a" -o "$scratch/$1" -lsqlite3 ${KAL_STATIC_LIBS:--lpthread -ldl -lm}
}
for kit in check emulator; do claim "$kit.c compiles" compiled "tests/c/$kit.c"; done
for program in tests/sqlite/test_*.c; do
    program=$(basename "$program" .c)
    claim "$program.c compiles" linked "$program"
    run "$scratch/$program"
    echo "# $program under valgrind"
    run env CHECK_MODE=valgrind valgrind --quiet --leak-check=full --error-exitcode=99 --errors-for-leak-kinds=definite \
        --show-leak-kinds=definite --fair-sched=yes --num-callers=40 --suppressions=tests/c/valgrind.supp "$scratch/$program"
done
finish
