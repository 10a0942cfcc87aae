# shellcheck shell=sh disable=SC2154,SC2016,SC2015,SC2119,SC2120  # scratch is run.sh's; an argument of kal_sync may be left out
# kal_sync. Each claim has a server of its own, with 2,500 events in pages of 1,000 unless it says otherwise, and a database lab.db.

lab=$scratch/sync
mkdir "$lab"
# synced OPTIONS COMMAND...: runs a command, with the server's options in one word.
synced() {
    options=$1 && shift
    rm -rf "$lab" && mkdir "$lab" && mkfifo "$lab/stop" "$lab/ready"
    case $options in *--events*) ;; *) options="--events 2500 $options" ;; esac
    # shellcheck disable=SC2086  # several options
    "$KAL_EMULATOR" --exit-with-stdin --seed 7 $options <"$lab/stop" >"$lab/ready" &
    server=$!
    exec 8>"$lab/stop"
    read -r _ _ _ KALEIDOSCOPE_API_URL <"$lab/ready"
    outcome=0
    "$@" || outcome=$?
    exec 8>&-
    wait "$server"
    return "$outcome"
}
sql() { sqlite3 -batch -bail -cmd ".load $KAL_SQLITE" "$lab/lab.db" "$@"; }
kal_sync() { sql "SELECT kal_sync('${1:-events}')"; }
# Pages of 100: a first run takes about 27 requests.
short_pages="SELECT kal_sync('events') WHERE kal_open('{\"page_size\": 100, \"max_attempts\": 1}') IS NULL"
short() { sql "$short_pages"; }
# Without the extension.
plain() { sqlite3 -batch -bail "$lab/lab.db" "$@"; }
arrive() { admin post events "$1"; }
# prints EXPECTED COMMAND...
prints() { wanted=$1 && shift && same "$wanted" "$("$@" 2>&1)"; }
# refused MESSAGE COMMAND...
refused() {
    wanted=$1 && shift
    if found=$("$@" 2>&1); then echo "it did not fail: $found"; return 1; fi
    case $found in *"$wanted"*) ;; *) same "$wanted" "$found" ;; esac
}
# The number of requests since the last time, without those of sign-in.
requests() { admin sent | grep -c . || :; }
no_requests() { admin sent >/dev/null; }
count() { plain 'SELECT count(*) FROM events'; }
# The table has each event of kal_events once, with the same columns, and nothing else.
has_all() {
    prints '0|0|0' sql 'CREATE TEMP TABLE served AS SELECT * FROM kal_events' \
        'SELECT (SELECT count(*) FROM (SELECT * FROM served EXCEPT SELECT * FROM events)),
        (SELECT count(*) FROM (SELECT * FROM events EXCEPT SELECT * FROM served)),
        (SELECT count(*) FROM events) - (SELECT count(*) FROM served)'
}
orders='desc asc'

# --- The table

first_run() { prints 2500 kal_sync && has_all && prints 'events|1|1' plain 'SELECT table_name, is_complete, synced_at > 2026 FROM kal_sync_state'; }
columns() {
    kal_sync >"$lab/out" && same "$(sql "SELECT group_concat(name) FROM pragma_table_info('kal_events')")" \
        "$(plain "SELECT group_concat(name) FROM pragma_table_info('events')")"
}
claim 'kal_sync creates the table and returns the number of its events' synced '' first_run
claim 'the table has the columns of kal_events' synced '' columns
normal_times() {
    kal_sync >"$lab/out"
    prints '2500|27|27' plain "SELECT count(*), min(length(created_at)), max(length(created_at)) FROM events WHERE created_at LIKE '____-__-__T__:__:__.______Z'"
}
claim 'times are in the normal form, and compare as text without the extension' synced '' normal_times
views() {
    kal_sync >"$lab/out"
    plain "CREATE VIEW guests AS SELECT * FROM events WHERE event_type = 'create'"
    prints "$(plain "SELECT count(*) FROM events WHERE event_type = 'create'")" plain 'PRAGMA trusted_schema = OFF' 'SELECT count(*) FROM guests'
}
claim 'a stored view over the table works in a shell with trusted_schema off, without the extension' synced '' views
indexed() { kal_sync >"$lab/out" && plain "EXPLAIN QUERY PLAN SELECT * FROM events WHERE created_at > '2026'" | grep -q 'USING INDEX events_created_at'; }
claim 'created_at is indexed' synced '' indexed
joined() {
    kal_sync >"$lab/out"
    plain 'CREATE TABLE samples(record TEXT, barcode TEXT)' "INSERT INTO samples SELECT resource_id, 'A-17' FROM events LIMIT 1"
    prints 'A-17' plain 'SELECT DISTINCT barcode FROM samples JOIN events ON resource_id = record'
}
claim 'the table joins with others, without the extension' synced '' joined

# --- Names

elsewhere() {
    prints 2500 sql "ATTACH '$lab/other.db' AS other" "SELECT kal_sync('other.events')" &&
        prints '2500|events' sqlite3 "$lab/other.db" 'SELECT count(*), table_name FROM events, kal_sync_state' &&
        prints 0 sql "ATTACH '$lab/other.db' AS other" "SELECT kal_sync('OTHER.Events')" && prints '' plain 'SELECT name FROM sqlite_schema'
}
claim 'a table can be in an attached database, with its state beside it' synced '' elsewhere
temporary() { prints "$(printf '2500\n0\n2500')" sql "SELECT kal_sync('temp.events')" "SELECT kal_sync('temp.events')" 'SELECT count(*) FROM temp.events'; }
claim 'a table can be temporary' synced '' temporary
quoted() {
    for name in '"my ""lab"" events"' '`my "lab" events`' '[my "lab" events]' 'main.my "lab" events' '"main"."my ""lab"" events"'; do
        rm -f "$lab/lab.db"
        prints "$(printf '2500\n2500')" sql "SELECT kal_sync('$name')" 'SELECT count(*) FROM "my ""lab"" events"' || return 1
    done
}
claim 'names may be quoted as in SQL' synced '' quoted
for name in "''" "'.events'" "'main.'" "'\"events'" "'\"events\"x'" "'a.b.c'" NULL 1 "x'61'" "'a' || char(0)" "' events'" "'events '" "'lab. events'" "'kal_events'" "'main.KAL_members'"; do
    claim "kal_sync($name) is refused" refused 'is not a name for a local table' shell "SELECT kal_sync($name)"
done
claim 'a schema that does not exist is refused' refused 'kal_sync: there is no database nowhere; ATTACH it first' shell "SELECT kal_sync('nowhere.events')"
own_table() {
    sql "CREATE TABLE events($(sql "SELECT group_concat(name) FROM pragma_table_info('kal_events')" | sed 's/^id,/id PRIMARY KEY,/'), note DEFAULT 'new')"
    prints 2500 kal_sync && prints 2500 plain "SELECT count(*) FROM events WHERE note = 'new'"
}
claim 'a table of your own may have more columns' synced '' own_table
claim 'a table without the columns is an error that names them, and nothing is requested' synced '' refused \
    'kal_sync: table "main"."events" has no column event_type_version, created_at, event_user_id, full_name, preferred_name, resource_type, parent_bulk_event_id, event_attrs, is_bot, is_bulk, created_at_raw; name' \
    sql 'CREATE TABLE events(id, event_type, resource_id)' "SELECT kal_sync('events')"
claim 'so is a view' synced '' refused 'kal_sync: "main"."events" is a view' sql 'CREATE VIEW events AS SELECT 1' "SELECT kal_sync('events')"
claim 'so is a table whose id is not unique' synced '' refused 'ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint' \
    sql 'CREATE TABLE events AS SELECT * FROM kal_events LIMIT 0' "SELECT kal_sync('events')"

# --- Later runs

idle() {
    kal_sync >"$lab/out" && no_requests && prints 0 kal_sync && prints "$1" requests && has_all
}
claim 'a second run sends one request' synced '' idle 1
claim 'or two of a list with the oldest events first' synced '--order asc' idle 2
for order in $orders; do
    few() {
        kal_sync >"$lab/out" && arrive '{"count": 3}' && no_requests && prints 3 kal_sync && prints "$1" requests && has_all &&
            no_requests && prints 0 kal_sync && prints "$1" requests
    }
    claim "new events cost no more requests ($order)" synced "--order $order" few "$([ "$order" = desc ] && echo 1 || echo 2)"
    many() { kal_sync >"$lab/out" && arrive '{"count": 1700}' && prints 1700 kal_sync && has_all && prints 0 kal_sync; }
    claim "more new events than a page has are read from the cursor on ($order)" synced "--order $order" many
    many_short() { short >"$lab/out" && arrive '{"count": 300}' && prints 300 short && has_all; }
    claim "so they are with shorter pages ($order)" synced "--order $order" many_short
    # Seen red without `ahead`: the cursor stayed.
    moves() {
        kal_sync >"$lab/out" && plain 'SELECT cursor FROM kal_sync_state' >"$lab/before"
        for _ in 1 2 3; do arrive '{"count": 400}' && prints 400 kal_sync || return 1; done
        [ "$(plain 'SELECT cursor FROM kal_sync_state')" != "$(cat "$lab/before")" ] && has_all
    }
    claim "the cursor moves after 1,000 new events ($order)" synced "--order $order" moves
    # Seen red without read_late: the second 1,000 were missing.
    late() { kal_sync >"$lab/out" && arrive '{"count": 2, "created_at": "2025-12-29T00:00:00Z"}' && prints 2 kal_sync && has_all; }
    claim "an event that arrives late, dated before others, is there ($order)" synced "--order $order" late
    very_late() {
        kal_sync >"$lab/out" && arrive '{"count": 1500, "created_at": "2025-03-20T00:00:00Z"}' &&
            arrive '{"count": 1, "created_at": "2025-12-29T00:00:00Z"}' && prints 1501 kal_sync && has_all
    }
    claim "late events lead to those before them, until 1,000 rows have nothing new ($order)" synced "--order $order" very_late
    late_and_new() {
        kal_sync >"$lab/out" && arrive '{"count": 2, "created_at": "2025-12-29T00:00:00Z"}' && arrive '{"count": 2500}' && prints 2502 kal_sync && has_all
    }
    claim "late events are there among many new ones, too ($order)" synced "--order $order" late_and_new
    too_late() {
        kal_sync >"$lab/out" && arrive '{"count": 2, "created_at": "2025-01-03T00:00:00Z"}' && prints 0 kal_sync &&
            plain "UPDATE kal_sync_state SET cursor = NULL WHERE table_name = 'events'" && prints 2 kal_sync && has_all
    }
    claim "an event before the newest 1,000 is found by reading all events again ($order)" synced "--order $order" too_late
    undated() {
        kal_sync >"$lab/out" && arrive '{"events": [{"id": "u1"}, {"id": "u2", "created_at": "soon"}], "unchecked": true}' &&
            plain 'UPDATE kal_sync_state SET cursor = NULL' && prints 2 kal_sync && prints 0 kal_sync && has_all &&
            prints 'u1||
u2||soon' plain "SELECT id, created_at, created_at_raw FROM events WHERE created_at IS NULL ORDER BY id"
    }
    claim "events without a time, or with a text that is none, are rows with NULL ($order)" synced "--order $order" undated
    one_time() {
        kal_sync >"$lab/out" && arrive '{"count": 1200, "created_at": "2026-06-01T00:00:00Z"}' && prints 1200 kal_sync && prints 0 kal_sync &&
            arrive '{"count": 1, "created_at": "2026-06-01T00:00:00Z"}' && prints 1 kal_sync && has_all
    }
    claim "more events of one time than a page has are read ($order)" synced "--order $order" one_time
    short_pages() { kal_sync >"$lab/out" && arrive '{"count": 50}' && prints 50 kal_sync && arrive '{"count": 1, "created_at": "2025-12-31T00:00:00Z"}' && prints 1 kal_sync && has_all; }
    claim "a server with shorter pages loses nothing ($order)" synced "--order $order --max-page-size 100" short_pages
    boundary() { kal_sync >"$lab/out" && for _ in 1 2 3; do arrive '{"count": 1}' && prints 1 kal_sync || return 1; done; prints 0 kal_sync && has_all; }
    claim "nor one whose dates exclude their bounds ($order)" synced "--order $order --dates exclusive" boundary
    claim "nor one with fewer events than a page has ($order)" synced "--order $order --events 5" boundary
    claim "nor one without an event at first ($order)" synced "--order $order --events 0" boundary
done

# --- A run that ends early is resumed

hang() { admin fault "{\"path\": \"/workspaces/events\", \"after\": $1, \"drop\": \"hang\"}"; }
# killed N: starts a run and kills it with SIGKILL when its request N hangs. Fails if it ends before.
killed() {
    no_requests && hang $(($1 - 1))
    sqlite3 -batch -bail -cmd ".load $KAL_SQLITE" "$lab/lab.db" "$short_pages" >"$lab/out" 2>&1 &
    run=$!
    while [ "$(admin count /workspaces/events)" -lt "$1" ]; do
        kill -0 $run 2>/dev/null || { no_requests && return 1; }
        sleep 0.05
    done
    kill -KILL $run
    wait $run 2>/dev/null || :
    no_requests
}
for order in $orders; do
    often() {
        kills=0 before=-1 after=0
        while [ "$after" -lt 2500 ] && killed 7; do
            kills=$((kills + 1)) after=$(count)
            [ "$after" -gt "$before" ] || return 1
            before=$after
        done
        [ $kills -ge 3 ] && short >"$lab/out" && has_all && prints 1 plain 'SELECT is_complete FROM kal_sync_state'
    }
    claim "a first run that is killed again and again goes on each time ($order)" synced "--order $order" often
    # Seen red without is_complete: the newest events were there, and those between were not.
    in_burst() { short >"$lab/out" && arrive '{"count": 1000}' && killed 5 && short >"$lab/out" && has_all; }
    claim "so does one that reads many new events ($order)" synced "--order $order" in_burst
    # Seen red without late_from.
    in_late() {
        kal_sync >"$lab/out" && arrive '{"count": 1500, "created_at": "2025-03-20T00:00:00Z"}' && arrive '{"count": 1, "created_at": "2025-12-31T06:00:00Z"}'
        no_requests && admin fault '{"path": "/workspaces/events", "after": 4, "status": 500, "times": 0}'
        refused 'KAL_SERVER_ERROR' sql "SELECT kal_open('{\"max_attempts\": 1}')" "SELECT kal_sync('events')" || return 1
        no_requests && kal_sync >"$lab/out" && has_all
    }
    claim "and one that reads late events ($order)" synced "--order $order" in_late
done
failed() {
    admin fault '{"path": "/workspaces/events", "after": 20, "status": 500, "times": 0}'
    refused 'KAL_SERVER_ERROR: GET /workspaces/events failed with status 500' short || return 1
    prints '2000|0|1' plain 'SELECT count(*), is_complete, synced_at IS NULL FROM events, kal_sync_state' && no_requests &&
        prints 500 short && [ "$(requests)" -lt 16 ] && has_all
}
claim 'after an error the pages before it are there, and the next run reads the rest' synced '' failed
# Seen red when the end of the wait was taken for the end of the events.
times_out() {
    kal_sync >"$lab/out" && arrive '{"count": 1700}' && no_requests && hang 1
    refused 'KAL_TIMED_OUT' sql "SELECT kal_open('{\"timeout_ms\": 300, \"max_attempts\": 1}')" "SELECT kal_sync('events')" && no_requests &&
        kal_sync >"$lab/out" && has_all
}
claim 'a server that does not answer is an error, not the end of the events' synced '' times_out
for cursor in "'x'" "substr(cursor, 2)" "replace(cursor, 'a', 'b')" "''" NULL; do
    damaged() {
        kal_sync >"$lab/out" && plain "UPDATE kal_sync_state SET cursor = $cursor, is_complete = 0" && arrive '{"count": 1700}' &&
            prints 1700 kal_sync && prints 0 kal_sync && has_all
    }
    claim "with the cursor $cursor all events are read again, and each is there once" synced '' damaged
done

# --- What happens to the table

dropped() { kal_sync >"$lab/out" && plain 'DROP TABLE events' && prints 2500 kal_sync && has_all; }
claim 'a table that was dropped is created anew' synced '' dropped
emptied() { kal_sync >"$lab/out" && plain 'DELETE FROM events' && prints 2500 kal_sync && has_all; }
claim 'a table that was emptied is filled again' synced '' emptied
renamed() { kal_sync >"$lab/out" && plain 'ALTER TABLE events RENAME TO log' && prints 0 kal_sync log && prints 2500 kal_sync && has_all; }
claim 'a table that was renamed goes on under its new name' synced '' renamed
adopted() { kal_sync >"$lab/out" && plain 'DROP TABLE kal_sync_state' && arrive '{"count": 2}' && prints 2 kal_sync && has_all; }
claim 'without its state, all events are read again, and each is there once' synced '' adopted
changed() {
    kal_sync >"$lab/out" && arrive '{"events": [{"id": "x", "event_type": "first", "created_at": "2026-02-01T00:00:00Z"}]}' && prints 1 kal_sync &&
        arrive '{"events": [{"id": "x", "event_type": "second", "created_at": "2026-02-01T00:00:00Z"}], "unchecked": true}' && prints 0 kal_sync &&
        prints first plain "SELECT event_type FROM events WHERE id = 'x'"
}
claim 'an event that is there stays as it is' synced '' changed
deleted() {
    admin fault '{"path": "/workspaces/events", "times": 0, "body": "[{\"id\": \"x\", \"created_at\": \"2026-02-01T00:00:00Z\"}]"}'
    prints 1 kal_sync && no_requests && prints 2500 kal_sync && prints 2501 count
}
claim 'an event that the server does not have any more stays' synced '' deleted
# The fields that say where the events come from.
other_server() {
    kal_sync >"$lab/out" && from=$KALEIDOSCOPE_API_URL
    KALEIDOSCOPE_API_URL=http://127.0.0.1:1 refused "kal_sync: table \"main\".\"events\" has the events of base_url $from, and this connection reads http://127.0.0.1:1; sync into another table" kal_sync || return 1
    refused "of base_url $from, and this connection reads http://127.0.0.1:2;" sql "SELECT kal_open('{\"base_url\": \"http://127.0.0.1:2\"}')" "SELECT kal_sync('events')" || return 1
    KALEIDOSCOPE_API_URL=$from/ prints 0 kal_sync
}
claim 'events of another server are an error, not a mixture' synced '' other_server
other_workspace() {
    admin fault '{"path": "/workspaces/events", "times": 0, "body": "[{\"id\": \"x\"}]"}'
    plain 'CREATE TABLE one(x)' && prints 1 kal_sync && plain "UPDATE kal_sync_state SET workspace_id = 'theirs'" && no_requests
    ours=$(sql 'SELECT id FROM kal_workspace')
    refused "kal_sync: table \"main\".\"events\" has the events of workspace_id theirs, and this connection reads $ours; sync into another table" kal_sync && prints 1 count
}
claim 'so are those of another workspace' synced '' other_workspace
# Seen red: a crash, in a file that somebody else wrote.
damaged_state() {
    kal_sync >"$lab/out"
    plain 'CREATE TABLE state AS SELECT * FROM kal_sync_state' 'DROP TABLE kal_sync_state' 'ALTER TABLE state RENAME TO kal_sync_state'
    for column in base_url workspace_id; do
        plain "UPDATE kal_sync_state SET $column = NULL, cursor = NULL"
        refused "has the events of $column , and this connection reads" kal_sync || return 1
        plain "UPDATE kal_sync_state SET base_url = '$KALEIDOSCOPE_API_URL'"
    done
}
claim 'so are those of none' synced '' damaged_state
# Seen red: after_date=0000-12-31T23:59:59Z, which is no date for many servers.
first_year() {
    arrive '{"count": 1100, "created_at": "0001-01-01T00:00:00Z"}' && prints 1150 kal_sync && arrive '{"count": 2}' && no_requests &&
        prints 2 kal_sync && prints '' sh -c "printf '%s' '$(admin sent)' | grep date=0000" && has_all
}
for order in $orders; do
    claim "times of the year 1, as some programs have for none, are sent as they are ($order)" synced "--events 50 --order $order" first_year
done
# Seen red: it "failed" with SQLITE_ROW, which a program takes for rows without end.
counted() { sql 'PRAGMA count_changes = ON' "SELECT kal_sync('events')" "SELECT kal_sync('events')" 2>&1 | head -n 9; }
claim 'PRAGMA count_changes does no harm' synced '--events 60' prints "$(printf '60\n0')" counted
triggers() {
    kal_sync >"$lab/out" && plain 'CREATE TABLE seen(id)' 'CREATE TRIGGER new AFTER INSERT ON events BEGIN INSERT INTO seen VALUES (new.id); END' &&
        arrive '{"count": 3}' && prints 3 kal_sync && prints 3 plain 'SELECT count(*) FROM seen'
}
claim 'triggers of yours see each new event once' synced '' triggers
refusing() {
    kal_sync >"$lab/out" && plain "CREATE TRIGGER no BEFORE INSERT ON events WHEN new.event_type = 'bad' BEGIN SELECT RAISE(ABORT, 'a bad event'); END" &&
        arrive '{"count": 3}' && arrive '{"count": 1, "event_type": "bad"}' && refused 'a bad event' kal_sync && prints 2500 count &&
        plain 'DROP TRIGGER no' && prints 4 kal_sync && has_all
}
claim 'a trigger that fails is an error, and the page is not there' synced '' refusing

# --- Transactions

rolled_back() {
    prints "$(printf '2500\n0')" sql 'BEGIN' "SELECT kal_sync('events')" 'ROLLBACK' "SELECT count(*) FROM sqlite_schema" &&
        prints "$(printf '2500\n2500')" sql 'BEGIN' "SELECT kal_sync('events')" 'COMMIT' 'SELECT count(*) FROM events' && has_all &&
        arrive '{"count": 3}' && prints "$(printf '3\n2500')" sql 'SAVEPOINT mine' "SELECT kal_sync('events')" 'ROLLBACK TO mine' 'RELEASE mine' 'SELECT count(*) FROM events' &&
        prints 3 kal_sync && has_all
}
claim 'within a transaction of yours nothing is committed before it' synced '' rolled_back
writing() {
    for statement in "INSERT INTO runs SELECT kal_sync('events')" "UPDATE runs SET added = kal_sync('events')" "DELETE FROM runs WHERE kal_sync('events')" \
        "CREATE TABLE runs2 AS SELECT kal_sync('events')"; do
        refused "kal_sync: another statement of this connection is writing; call kal_sync outside of it, as SELECT kal_sync('events')" \
            sql 'CREATE TABLE IF NOT EXISTS runs(added)' 'INSERT INTO runs VALUES (1)' "$statement" || return 1
    done
    prints 0 requests
}
claim 'within a statement that writes it is an error, and nothing is requested' synced '' writing
claim 'kal_sync cannot be used in views' synced '' refused 'unsafe use of kal_sync' sql "CREATE VIEW bad AS SELECT kal_sync('events')" 'SELECT * FROM bad'
not_in_triggers() {
    refused 'unsafe use of kal_sync' sql 'CREATE TABLE t(x)' "CREATE TRIGGER bad AFTER INSERT ON t BEGIN SELECT kal_sync('events'); END" 'INSERT INTO t VALUES (1)'
}
claim 'nor in triggers' synced '' not_in_triggers
read_only() {
    kal_sync >"$lab/out" && no_requests
    refused 'kal_sync: database main is read-only' sqlite3 -batch -readonly -cmd ".load $KAL_SQLITE" "$lab/lab.db" "SELECT kal_sync('events')" && prints 0 requests
}
claim 'a read-only database is an error, and nothing is requested' synced '' read_only
full() {
    refused 'database or disk is full' sql 'PRAGMA max_page_count = 120' "$short_pages" || return 1
    stored=$(count)
    [ "$stored" -gt 0 ] && prints '0|0' plain "SELECT count(*) % 100, (SELECT is_complete FROM kal_sync_state) FROM events" &&
        prints ok plain 'PRAGMA integrity_check' && prints $((2500 - stored)) short && has_all
}
claim 'a full disk is an error, the pages before it are there, and the next run goes on' synced '' full
for mode in delete wal; do
    at_once() {
        plain "PRAGMA journal_mode = $mode" >"$lab/out"
        for run in 1 2 3; do
            sqlite3 -batch -bail -cmd '.timeout 60000' -cmd ".load $KAL_SQLITE" "$lab/lab.db" "$short_pages" >"$lab/out$run" 2>&1 &
            eval "run$run=\$!"
        done
        # shellcheck disable=SC2154  # set by eval
        wait "$run1" && wait "$run2" && wait "$run3" || { cat "$lab"/out?; return 1; }
        same 2500 $(($(tail -n 1 "$lab/out1") + $(tail -n 1 "$lab/out2") + $(tail -n 1 "$lab/out3"))) && has_all
    }
    claim "three processes at once add each event once (journal_mode = $mode)" synced '' at_once
done
