# The functions kal_call, kal_refresh and kal_version. Sourced by tests/sqlite/run.sh.
# shellcheck shell=sh disable=SC2154  # scratch is run.sh's

# --- kal_call

claim 'kal_call returns the JSON of a method' same \
    "$(shell "SELECT json_extract(readfile('$scratch/all.json'), '\$.members')")" \
    "$(shell "SELECT json(kal_call('workspace.get_members'))")"
claim 'with parameters, too' same 'events page_size=3&event_types=["create"]' \
    "$(pages "SELECT kal_call('workspace.get_events', '{\"page_size\": 3, \"event_types\": [\"create\"]}')")"
claim 'and returns the page' returns 3 "SELECT json_array_length(kal_call('workspace.get_events', '{\"page_size\": 3}'))"
claim 'NULL parameters are none' returns 4 "SELECT json_array_length(kal_call('workspace.get_groups', NULL))"
claim 'it sends requests to any endpoint' returns 'POST|b' \
    "SELECT j ->> 'verb', j ->> '\$.body.a' FROM (SELECT kal_call('request', json_object('verb', 'POST', 'path', '/echo/x',
        'body', json_object('a', 'b'))) AS j)"
# Seen red without the subtype: the list was a string.
claim 'JSON functions nest its result' returns 'array|array' \
    "SELECT json_type(json_object('groups', kal_call('workspace.get_groups')), '\$.groups'),
        json_type(json_array(kal_call('workspace.get_groups')), '\$[0]')"
claim 'it reads the cache of the tables' sends 'members' \
    "SELECT count(*) FROM kal_members" "SELECT json_array_length(kal_call('workspace.get_members'))"
claim 'an unknown method is an error with its name' \
    fails 'KAL_UNKNOWN_METHOD: ' "SELECT kal_call('workspace.get_nothing')"
claim 'an unknown parameter is an error with its name' \
    fails 'page_sise' "SELECT kal_call('workspace.get_events', '{\"page_sise\": 3}')"
claim 'parameters that are not JSON are an error' fails 'KAL_INVALID_ARGUMENT: ' "SELECT kal_call('workspace.get_events', '{')"
claim 'a NULL method is an error' fails 'kal_call: method: it is NULL' "SELECT kal_call(NULL)" "SELECT kal_call(NULL, '{}')"
claim 'a method that is no text is an error' fails 'kal_call: method: expected a text' "SELECT kal_call(x'61')"
claim 'so are parameters that are no text' fails 'kal_call: params: expected a text' "SELECT kal_call('workspace.get_events', 5)"
# Seen red when it was passed as a C string: the method before the NUL was called.
claim 'a NUL in an argument is an error' fails 'kal_call: method: it contains a NUL' \
    "SELECT kal_call('workspace.get_members' || char(0) || 'x')"
claim 'and in the parameters' fails 'kal_call: params: it contains a NUL' \
    "SELECT kal_call('workspace.get_events', '{}' || char(0) || 'x')"
admin fault '{"path": "/echo", "status": 503, "times": 0, "body": "hush"}'
claim 'an error response is an SQL error with the whole message' fails 'KAL_SERVICE_UNAVAILABLE: GET /echo failed with status 503' \
    "SELECT kal_open('{\"max_attempts\": 1}')" "SELECT kal_call('request', '{\"verb\": \"GET\", \"path\": \"/echo\"}')"
admin sent >/dev/null

# --- kal_refresh

claim 'kal_refresh lets the next statement read the list again' sends 'members
groups
members' 'SELECT count(*) FROM kal_members' 'SELECT count(*) FROM kal_groups' 'SELECT kal_refresh()' 'SELECT count(*) FROM kal_members'
claim 'it returns NULL' returns null "SELECT typeof(kal_refresh())"
claim 'it sends nothing' sends '' 'SELECT kal_refresh()' 'SELECT kal_refresh()'
claim 'before the client is open it opens none' env -u KALEIDOSCOPE_API_CLIENT_ID \
    sqlite3 -batch -bail -cmd ".load $KAL_SQLITE" :memory: 'SELECT kal_refresh()'
claim 'and the options of kal_open stay' same 'members
events page_size=7' "$(pages "SELECT kal_open('{\"page_size\": 7}')" 'SELECT id FROM kal_members' 'SELECT kal_refresh()' \
    'SELECT id FROM kal_events LIMIT 1')"

# --- kal_version

claim 'kal_version returns the version of the library' returns \
    "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" 'SELECT kal_version()'

# --- Where they can be used: what the client does is for statements of one's own. Seen red without SQLITE_DIRECTONLY.

for call in "kal_open()" "kal_call('workspace.get_members')" "kal_call('workspace.get_members', '{}')" "kal_refresh()" "kal_sync('unasked')"; do
    name=${call%%(*}
    claim "$call cannot be used in a stored view" fails "unsafe use of $name" \
        'PRAGMA trusted_schema = ON' "CREATE VIEW v AS SELECT $call" 'SELECT * FROM v'
    shell 'DROP VIEW IF EXISTS v' >/dev/null
    claim "$call cannot be used in a stored trigger" fails "unsafe use of $name" 'PRAGMA trusted_schema = ON' 'CREATE TABLE t(a)' \
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO t SELECT $call; END" 'INSERT INTO t VALUES (1)'
    shell 'DROP TABLE IF EXISTS t' >/dev/null
    claim "$call can be used in a TEMP view" shell "CREATE TEMP VIEW v AS SELECT $call AS a" 'SELECT a IS NULL FROM v'
    for place in 'CREATE TABLE t(a, b AS (CALL))' 'CREATE TABLE t(a, b DEFAULT (CALL))' 'CREATE TABLE t(a); CREATE INDEX i ON t(CALL)'; do
        claim "$call cannot be used in ${place#*(a}" fails "$name" 'PRAGMA trusted_schema = ON' \
            "$(printf '%s' "$place" | sed "s/CALL/$call/")" 'INSERT INTO t(a) VALUES (1)'
        shell 'DROP TABLE IF EXISTS t' >/dev/null
    done
    # Seen red with SQLite 3.40, which lets CHECK constraints call functions that are SQLITE_DIRECTONLY.
    claim "$call cannot be used in a CHECK constraint" fails "unsafe use of $name" 'PRAGMA trusted_schema = ON' \
        "CREATE TABLE t(a CHECK ($call IS NULL OR a))" 'INSERT INTO t(a) VALUES (1)'
    shell 'PRAGMA ignore_check_constraints = ON' "CREATE TABLE IF NOT EXISTS t(a CHECK ($call IS NULL OR a))" \
        'INSERT INTO t VALUES (1)' >/dev/null 2>&1
    claim "nor is it called by PRAGMA integrity_check" same '' "$(admin sent >/dev/null
        shell 'PRAGMA integrity_check' >/dev/null 2>&1
        admin lists)"
    shell 'DROP TABLE IF EXISTS t' >/dev/null
done
claim 'a statement that writes can call kal_call itself' returns 12 \
    "CREATE TEMP TABLE m AS SELECT value ->> 'id' AS id FROM json_each(kal_call('workspace.get_members'))" 'SELECT count(*) FROM m'
claim 'and so can a TEMP view' returns 12 \
    "CREATE TEMP VIEW v AS SELECT value ->> 'id' AS id FROM json_each(kal_call('workspace.get_members'))" 'SELECT count(*) FROM v'
# Where SQLite cannot tell a CHECK constraint from them, these are refused, too.
called_by_temp() {
    expected=$1 && shift
    if [ "$(shell "SELECT sqlite_version() >= '3.5'")" = 1 ]; then
        returns "$expected" "$@"
    else
        fails 'unsafe use of kal_call()' "$@"
    fi
}
claim 'a TEMP trigger can call kal_call, since SQLite 3.50' called_by_temp 203 'CREATE TEMP TABLE t(a)' \
    "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET a = length(kal_call('workspace.get_workspace')); END" \
    'INSERT INTO t VALUES (1)' 'SELECT a FROM t'
claim 'and so can a TEMP view that is copied' called_by_temp 203 \
    "CREATE TEMP VIEW v AS SELECT length(kal_call('workspace.get_workspace')) AS a" 'CREATE TEMP TABLE t AS SELECT * FROM v' 'SELECT a FROM t'
claim 'kal_version can be used in a stored view, also one that is not trusted' same 1 "$(shell 'PRAGMA trusted_schema = OFF' \
    'CREATE VIEW v AS SELECT kal_version() AS a' 'SELECT a IS NOT NULL FROM v' 'DROP VIEW v')"
claim 'and as a default' same 1 "$(shell 'CREATE TABLE t(a, b DEFAULT (kal_version()))' \
    'INSERT INTO t(a) VALUES (1)' 'SELECT b = kal_version() FROM t' 'DROP TABLE t')"
