# Tables: CREATE VIRTUAL TABLE, and what may read them. Sourced by tests/sqlite/run.sh.
# shellcheck shell=sh disable=SC2154  # scratch is run.sh's

# in_file FILE STATEMENT...: as shell, with a database of its own that stays.
in_file() { file=$1 && shift && sqlite3 -batch -bail -cmd ".load $KAL_SQLITE" "$scratch/$file" "$@" 2>&1; }
without_extension() { file=$1 && shift && sqlite3 -batch -bail "$scratch/$file" "$@" 2>&1; }
refuses() {
    expected=$1 && shift
    if found=$("$@"); then echo "it did not fail: $found" && return 1; fi
    case $found in *"$expected"*) ;; *) same "$expected" "$found" ;; esac
}

# Seen red without xCreate: no such module.
for table in workspace:1 members:12 groups:4 group_members:24 events:250; do
    claim "kal_${table%:*} can be created" same "${table#*:}" \
        "$(in_file created.db "CREATE VIRTUAL TABLE ${table%:*} USING kal_${table%:*}" "SELECT count(*) FROM ${table%:*}")"
done
claim 'created tables are in .tables' same 'events group_members groups members workspace' \
    "$(in_file created.db .tables | tr -s ' \n' '\n' | sort | xargs)"
claim 'and in pragma table_list' same 5 \
    "$(in_file created.db "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'")"
claim 'and in sqlite_schema' same 'CREATE VIRTUAL TABLE members USING kal_members' \
    "$(in_file created.db "SELECT sql FROM sqlite_schema WHERE name = 'members'")"
claim 'another process finds them' same 12 "$(in_file created.db 'SELECT count(*) FROM members')"
claim 'nothing is requested by it' sends '' 'CREATE VIRTUAL TABLE temp.m USING kal_members' 'SELECT * FROM pragma_table_info("m")'
claim 'conditions on a created table are sent to the server' sends 'events resource_type=task' \
    'CREATE VIRTUAL TABLE temp.e USING kal_events' "SELECT * FROM e WHERE resource_type = 'task'"
claim 'IF NOT EXISTS leaves a table of that name' same 12 \
    "$(in_file created.db 'CREATE VIRTUAL TABLE IF NOT EXISTS members USING kal_groups' 'SELECT count(*) FROM members')"
claim 'a table of that name is an error without it' refuses 'table members already exists' \
    in_file created.db 'CREATE VIRTUAL TABLE members USING kal_groups'
claim 'a created table can have the name of the table that is there anyhow' same '12
12' "$(in_file named.db 'CREATE VIRTUAL TABLE kal_members USING kal_members' 'SELECT count(*) FROM kal_members' \
    'DROP TABLE kal_members' 'SELECT count(*) FROM kal_members')"
claim 'a created table can be renamed' same '4
CREATE VIRTUAL TABLE "teams" USING kal_groups' "$(in_file renamed.db 'CREATE VIRTUAL TABLE g USING kal_groups' \
    'ALTER TABLE g RENAME TO teams' 'SELECT count(*) FROM teams' 'SELECT sql FROM sqlite_schema')"
claim 'and dropped' same 0 "$(in_file renamed.db 'DROP TABLE teams' 'SELECT count(*) FROM sqlite_schema')"
claim 'a table that was not created cannot be dropped' fails 'table kal_members may not be dropped' 'DROP TABLE kal_members'
claim 'tables can be created in the temporary database and in attached ones' same '12
4
1' "$(in_file attached.db "ATTACH '$scratch/other.db' AS other" 'CREATE VIRTUAL TABLE temp.m USING kal_members' \
    'CREATE VIRTUAL TABLE other.g USING kal_groups' 'SELECT count(*) FROM m' 'SELECT count(*) FROM other.g' \
    "SELECT count(*) FROM other.sqlite_schema")"
claim 'arguments are an error that shows the statement without them' \
    refuses 'kal_members takes no arguments: CREATE VIRTUAL TABLE m USING kal_members' \
    in_file attached.db "CREATE VIRTUAL TABLE m USING kal_members(id TEXT, 'x')"
claim 'empty parentheses are no arguments' same 12 \
    "$(in_file attached.db 'CREATE VIRTUAL TABLE m USING kal_members()' 'SELECT count(*) FROM m')"
claim 'ROLLBACK takes a created table back' same 0 "$(in_file back.db 'BEGIN' 'CREATE VIRTUAL TABLE m USING kal_members' \
    'SELECT id FROM m LIMIT 0' 'ROLLBACK' 'SELECT count(*) FROM sqlite_schema')"
claim 'VACUUM and a dump keep created tables' same '12
12' "$(in_file created.db 'VACUUM' 'SELECT count(*) FROM members'
    in_file created.db .dump >"$scratch/dump.sql"
    in_file restored.db ".read $scratch/dump.sql" && in_file restored.db 'SELECT count(*) FROM members')"
claim 'without the extension a created table is an error that names its module' \
    refuses 'no such module: kal_members' without_extension created.db 'SELECT * FROM members'
claim 'and the tables beside it can be used' same 'x' \
    "$(in_file created.db "CREATE TABLE beside AS SELECT 'x' AS a" && without_extension created.db 'SELECT a FROM beside')"

# --- What may read them. Seen red without SQLITE_VTAB_DIRECTONLY: with trusted_schema the views and triggers ran.

for trust in ON OFF; do
    file=views_$trust.db
    in_file "$file" 'CREATE VIRTUAL TABLE m USING kal_members' 'CREATE VIEW bad AS SELECT * FROM kal_members' \
        'CREATE VIEW bad_m AS SELECT * FROM m' 'CREATE TABLE t(a)' 'CREATE TABLE copied(id, email)' \
        'CREATE TRIGGER stored AFTER INSERT ON t BEGIN INSERT INTO copied SELECT id, email FROM kal_members; END' >/dev/null
    claim "a stored view does not read a table, trusted_schema $trust" refuses 'unsafe use of virtual table "kal_members"' \
        in_file "$file" "PRAGMA trusted_schema = $trust" 'SELECT * FROM bad'
    claim "nor does one over a created table, trusted_schema $trust" refuses 'unsafe use of virtual table "m"' \
        in_file "$file" "PRAGMA trusted_schema = $trust" 'SELECT * FROM bad_m'
    claim "nor does a stored trigger, trusted_schema $trust" refuses 'unsafe use of virtual table "kal_members"' \
        in_file "$file" "PRAGMA trusted_schema = $trust" 'INSERT INTO t VALUES (1)'
    claim "and sends nothing, trusted_schema $trust" same '' "$(admin sent >/dev/null
        in_file "$file" "PRAGMA trusted_schema = $trust" 'INSERT INTO t VALUES (1)' >/dev/null
        admin lists)"
    claim "a TEMP view reads both, trusted_schema $trust" same '12
12' "$(in_file "$file" "PRAGMA trusted_schema = $trust" 'CREATE TEMP VIEW a AS SELECT * FROM kal_members' \
        'CREATE TEMP VIEW b AS SELECT * FROM m' 'SELECT count(*) FROM a' 'SELECT count(*) FROM b')"
    claim "so does a TEMP trigger, trusted_schema $trust" same 12 "$(in_file "$file" "PRAGMA trusted_schema = $trust" \
        'DROP TRIGGER stored' \
        'CREATE TEMP TRIGGER own AFTER INSERT ON t BEGIN INSERT INTO copied SELECT id, email FROM kal_members; END' \
        'INSERT INTO t VALUES (1)' 'SELECT count(*) FROM copied')"
    claim "a stored view reads a copy, trusted_schema $trust" same 12 "$(in_file "$file" "PRAGMA trusted_schema = $trust" \
        'CREATE TABLE members AS SELECT * FROM kal_members' 'CREATE VIEW good AS SELECT * FROM members' \
        'SELECT count(*) FROM good')"
    claim "without the extension, too, trusted_schema $trust" same 12 "$(without_extension "$file" 'SELECT count(*) FROM good')"
done
