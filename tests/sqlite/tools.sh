#!/bin/sh
# Runs each recipe of docs/sql.md as it is there, with the tool that it is for, against the emulator. Tools that are not installed are
# skipped: scripts/tools.sh sql installs them.
#
# KAL_SQLITE    the extension, without .so    (default: target/sqlite/kal_sqlite)
# KAL_EMULATOR  the program kal-emulator      (default: target/debug/kal-emulator)
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
top=$PWD
KAL_SQLITE=${KAL_SQLITE:-$top/target/sqlite/kal_sqlite}
KAL_EMULATOR=${KAL_EMULATOR:-$top/target/debug/kal-emulator}
packages=${TARGET:-target}/sql-tools
case $packages in /*) ;; *) packages=$top/$packages ;; esac

mkfifo "$scratch/stop" "$scratch/ready"
"$KAL_EMULATOR" --exit-with-stdin --seed 7 <"$scratch/stop" >"$scratch/ready" &
exec 9>"$scratch/stop"
read -r _ _ _ KALEIDOSCOPE_API_URL <"$scratch/ready"
export KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret
admin() { python3 -B "$top/tests/sqlite/admin.py" "$@"; }

# As where the Debian package puts the extension: by its name alone. Nothing of the user's is read or written.
LD_LIBRARY_PATH=$(dirname "$KAL_SQLITE")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
HOME=$scratch/home
export LD_LIBRARY_PATH HOME LC_ALL=C.UTF-8
unset XDG_CONFIG_HOME
mkdir -p "$HOME/run"

# recipe LANGUAGE HEADING: the block in that language below that heading of docs/sql.md.
recipe() {
    awk -v fence="\`\`\`$1" -v heading="$2" '
        inside && /^```$/ { exit }
        inside { print; found = 1 }
        !inside && /^```/ { other = !other }
        !other && /^##/ { sub(/^#+ /, ""); here = $0 == heading }
        here && $0 == fence { inside = 1 }
        END { exit !found }' docs/sql.md
}
# follow HEADING LANGUAGE COMMAND...: the command, run on the recipe in a file of its own beside workspace.db, prints the guests.
follow() {
    recipe "$2" "$1" >"$scratch/recipe" || { echo "docs/sql.md has no $2 below $1"; return 1; }
    shift 2
    same "$guests" "$(cd "$scratch" && "$@" "$scratch/recipe")"
}
# tool PROGRAM HEADING...: whether the program is installed; otherwise its recipe counts as skipped.
tool() {
    tool=$1
    shift
    ! command -v "$tool" >/dev/null || return 0
    echo "ok - the recipe for $* runs # SKIP $tool is not installed: make tools-sql"
    return 1
}
# until_true COMMAND...: repeats it until it succeeds, for a minute at most: a graphical program says nothing when it is ready.
until_true() {
    tries=0
    until "$@" >"$scratch/last" 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || { cat "$scratch/last"; return 1; }
        sleep 0.2
    done
}

# --- The file that the recipes open, and what they print

makes_the_file() { recipe sql 'Tables in a file' | sqlite3 -bail -cmd '.load kal_sqlite' "$scratch/workspace.db"; }
in_file() { (cd "$scratch" && sqlite3 -batch -bail -cmd '.load kal_sqlite' workspace.db "$@"); }
tables='kal_events
kal_group_members
kal_groups
kal_members
kal_workspace'
admin all "$scratch/all.json"
guests=$(sqlite3 -batch :memory: "SELECT format('%s <%s>', value ->> 'full_name', value ->> 'email')
    FROM json_each(readfile('$scratch/all.json'), '\$.members') WHERE value ->> 'access_level' = 'guest'")
claim 'the emulator has guests, with names that are not ASCII' sh -c 'echo "$0" | grep Søren' "$guests"
claim 'the tables are created in a file as docs/sql.md does' makes_the_file
claim 'SQLite lists the tables of the file' same "$tables" "$(in_file "SELECT name FROM pragma_table_list WHERE type = 'virtual' ORDER BY 1")"
without_the_extension() {
    ! sqlite3 -batch "$scratch/workspace.db" 'SELECT * FROM kal_members' >"$scratch/said" 2>&1 &&
        grep -F "$(sed -n 's/.*`\(no such module: .*\)`.*/\1/p' docs/sql.md)" "$scratch/said" &&
        sqlite3 -batch -bail "$scratch/workspace.db" 'CREATE TABLE own AS SELECT 1' 'DROP TABLE own'
}
claim 'without the extension they fail as docs/sql.md says, and other tables do not' without_the_extension

# The columns and types on the page. Red with a column taken out, and with another type.
described() {
    awk '/^### kal_/ { table = $2 } /^## [^#]/ { table = "" } table && /^\| `/ { gsub(/[`| ]+/, " "); print table, $1, $2 }' docs/sql.md
}
declared() {
    for table in $(sed -n 's/^### \(kal_.*\)/\1/p' docs/sql.md); do
        in_file "SELECT '$table ' || name || ' ' || type FROM pragma_table_info('$table')"
    done
}
claim 'docs/sql.md has every column of every table with its type' same "$(declared)" "$(described)"
claim 'docs/sql.md has every table' same "$tables" "$(sed -n 's/^### \(kal_.*\)/\1/p' docs/sql.md | LC_ALL=C sort)"

# --- The sqlite3 shell

with_separator() { sh "$1" | sed 's/\(.*\)|\(.*\)/\1 <\2>/'; }
claim 'the recipe for the sqlite3 shell runs' follow 'sqlite3, the shell' sh with_separator
# The shell takes the home directory from the user database, so that the file is another one.
loads_at_start() {
    sed -n 's/^A line `\(.*\)` in `~\/.sqliterc`.*/\1/p' docs/sql.md >"$scratch/sqliterc"
    same 12 "$(sqlite3 -batch -init "$scratch/sqliterc" :memory: 'SELECT count(*) FROM kal_members' 2>/dev/null)"
}
claim 'the line for ~/.sqliterc loads the extension' loads_at_start

# --- Languages

for python in /usr/bin/python3 python3; do
    ! "$python" -c 'import sqlite3; sqlite3.Connection.enable_load_extension' 2>/dev/null || break
    python=no-python3-with-enable_load_extension
done
if tool "$python" Python; then claim 'the recipe for Python runs' follow Python python "$python" -B; fi

# With the newest SQLite, which apsw has in it.
apsw=$packages/bin/python
if [ -x "$apsw" ] || tool apsw 'Python with apsw'; then
    echo "#   SQLite of apsw: $("$apsw" -c 'import apsw; print(apsw.sqlite_lib_version())')"
    claim 'the recipe for Python with apsw runs' follow 'Python with apsw' python "$apsw" -B
fi

# R prints the tables first.
in_r() { Rscript --vanilla "$1" >"$scratch/printed" 2>&1 || cat "$scratch/printed"; grep -v '^\[[0-9]*\]' "$scratch/printed"; }
r_lists() { same "$tables" "$(grep -o 'kal_[a-z_]*' "$scratch/printed")"; }
has_rsqlite() { command -v Rscript >/dev/null && Rscript --vanilla -e 'library(RSQLite)' >/dev/null 2>&1; }
if has_rsqlite || tool RSQLite 'R with RSQLite'; then
    claim 'the recipe for R runs' follow 'R with RSQLite' r in_r
    claim 'dbListTables of R lists the tables' r_lists
fi

has_dbd() { perl -MDBD::SQLite -e 1 2>/dev/null; }
if has_dbd || tool DBD::SQLite 'Perl with DBD::SQLite'; then
    claim 'the recipe for Perl runs' follow 'Perl with DBD::SQLite' perl perl
fi
has_tcl() { echo 'exit [catch {package require sqlite3}]' | tclsh >/dev/null 2>&1; }
if has_tcl || tool libsqlite3-tcl Tcl; then claim 'the recipe for Tcl runs' follow Tcl tcl tclsh; fi

# --- ODBC

odbc() { isql -b "-d|" kaleidoscope | tr -d '\0'; }
# unixODBC takes the home directory from the user database, too.
export ODBCINI="$HOME/.odbc.ini"
reads_odbc_ini() { recipe ini ODBC | sed "s|/home/me/|$scratch/|" >"$ODBCINI" && [ -s "$ODBCINI" ]; }
has_odbc() { command -v isql >/dev/null && odbcinst -q -d -n SQLite3 >/dev/null 2>&1; }
if has_odbc || tool libsqliteodbc ODBC; then
    claim 'docs/sql.md has an ODBC data source' reads_odbc_ini
    isql_prints() { sh "$1" | sed -n 's/^| \(.*[^ ]\) *| \(.*@[^ ]*\) *|$/\1 <\2>/p'; }
    claim 'the recipe for ODBC runs: isql prints the guests' follow ODBC sh isql_prints
    odbc_lists() { same "$tables" "$(echo help | odbc | awk -F'|' '$4 == "TABLE" { print $3 }' | LC_ALL=C sort)"; }
    claim 'ODBC lists the tables (SQLTables)' odbc_lists
    odbc_columns() {
        for table in $tables; do
            same "$(in_file "SELECT name, type FROM pragma_table_info('$table')")" \
                "$(echo "help $table" | odbc | awk -F'|' '{ print $4 "|" $6 }')" || return 1
        done
    }
    claim 'ODBC lists the columns of each table with their types (SQLColumns)' odbc_columns
    query='SELECT full_name, preferred_name, email FROM kal_members WHERE full_name IS NOT NULL'
    # A line break in a name is printed as it is.
    odbc_rows() { same "$(in_file "$query")" "$(echo "$query" | odbc)"; }
    claim 'ODBC reads every row: names that are not ASCII, and NULL' odbc_rows
fi

# --- DB Browser: without a display. It says nothing on standard output; its script copies a table, and the emulator sees its requests.

with_browser() {
    database=$1
    shift
    cp "$scratch/workspace.db" "$scratch/$database"
    # shellcheck disable=SC2086  # several words
    (cd "$scratch" && QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=$HOME/run exec sqlitebrowser "$@" "$database") >"$scratch/browser" 2>&1 &
    browser=$!
}
copied() { [ "$(sqlite3 -batch "$scratch/copied.db" 'SELECT count(*) FROM copy')" = 12 ]; }
# The options in the recipe, with this extension.
browser_option() { recipe sh 'DB Browser for SQLite' | sed -n 's/^sqlitebrowser -O \([^=]*\)=.* workspace.db$/\1/p'; }
saves_the_option() {
    [ -n "$(browser_option)" ] || { echo 'docs/sql.md has no option'; return 1; }
    echo 'CREATE TABLE copy AS SELECT * FROM kal_members;' >"$scratch/copy.sql"
    with_browser copied.db -O "$(browser_option)=$KAL_SQLITE.so" -s "$scratch/copy.sql"
    until_true copied || { kill "$browser"; return 1; }
    kill "$browser"
    wait "$browser" || :
}
browses() {
    admin sent >/dev/null
    with_browser browsed.db -t kal_groups
    until_true admin seen /workspaces/groups || { kill "$browser"; return 1; }
    kill "$browser"
    wait "$browser" || :
}
if tool sqlitebrowser 'DB Browser'; then
    claim 'the recipe for DB Browser runs: its script copies the members' saves_the_option
    claim 'DB Browser shows a table with the option that it has saved' browses
fi
exec 9>&-
finish
