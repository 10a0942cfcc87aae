# shellcheck shell=sh
# Times: their normal form, kal_time, doubtful dates and what is no time. Sourced by run.sh.

# --- The normal form. Seen red with created_at as sent.

claim 'created_at has one form: 27 bytes, UTC, microseconds' returns '250|250' \
    "SELECT count(*), sum(created_at GLOB '2[0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'
        AND length(created_at) = 27) FROM kal_events"
claim 'created_at_raw is the text of the server, which has several forms' returns '1|1' \
    "SELECT count(DISTINCT length(created_at_raw)) > 1, sum(created_at_raw = created_at) < 250 FROM kal_events"
claim 'created_at_raw is the last column of SELECT *' returns created_at_raw \
    "SELECT name FROM pragma_table_info('kal_events') ORDER BY cid DESC LIMIT 1"

# --- kal_time

# time_of EXPECTED VALUE...: kal_time of each SQL value.
time_of() {
    expected=$1 && shift
    for value in "$@"; do
        found=$(shell "SELECT coalesce(kal_time($value), 'no time')" 2>&1)
        [ "$found" = "$expected" ] || { echo "kal_time($value)"; same "$expected" "$found"; return 1; }
    done
}
noon=2025-10-01T12:00:00.000000Z
claim 'kal_time has one result for all spellings of an instant' time_of $noon \
    "'2025-10-01T12:00:00Z'" "'2025-10-01 12:00'" "'2025-10-01T14:00:00.0000009+02:00'" "'2025-10-01t12:00:00z'" \
    "'2025-10-01 12:00:00  -00:00 '" "'2025-10-01_12:00:00,0Z'" "'2025-10-01T10:00:00−0200'" "'2025-10-0112:00'" "'$noon'" \
    2460950 "'2460950.0'" "' +2.46095e6 '" 1759320000 "'1759320000.0000009'" 1759320000000 1759320000e3 "kal_time('$noon')"
claim 'a day after the end of a month is one of the next month, as in SQLite' time_of 2025-03-02T00:00:00.000000Z \
    "'2025-02-30'" "'2025-03-01T24:00'" "'2025-03-01 24:00:00.000Z'"
claim 'a time of day is one of 2000-01-01' time_of 2000-01-01T12:30:00.000000Z "'12:30'" "'12:30:00'" "'14:30+02:00'"
claim 'a leap second is the second after it' time_of 2017-01-01T00:00:00.500000Z "'2016-12-31T23:59:60.5Z'" "'2017-01-01T00:59:60.5+01:00'"
claim 'the years 0 to 9999 have the normal form' time_of 0000-01-01T00:00:00.000000Z "'0000-01-01'" "'-0001-12-31 24:00'"
claim 'a negative year has a minus sign' time_of -4713-11-24T12:00:00.000000Z 0 "'-4713-11-24 12:00'"
claim 'and is less than the others as text' returns 1 "SELECT kal_time('-0001-12-31') < kal_time('0000-01-01')"
claim 'kal_time of what is no time is NULL' time_of 'no time' \
    NULL "''" "' '" "'yesterday'" 20260131 "'20260131'" 999999999 -1 "'1e'" "'0x10'" "x'323032352d31302d3031'" "' 2025-10-01'" \
    "'2025-13-01'" "'2025-10-32'" "'2025-10-01Z'" "'2025-10-01T'||'12'" "'2025-10-01 24:01'" "'2025-10-01 12:60'" "'2025-10-01 12:00:60'" \
    "'2025-10-01 12:00:00.'" "'2025-10-01 12:00+24:00'" "'10000-01-01'" "'9999-12-31 24:00'" "'-4713-11-24 11:59'" 253402300800000
# SQLite keeps its results in indexes: a clock would make them corrupt.
claim 'kal_time depends on its argument alone: the words of SQLite for the present are no times' time_of 'no time' \
    "'now'" "'NOW'" "'subsec'"
claim 'kal_time can be in an index, a generated column and a view that trusts nothing' returns '1|B|0' \
    'PRAGMA trusted_schema = OFF' \
    'CREATE TEMP TABLE dated(name, taken_on, at AS (kal_time(taken_on)))' \
    'CREATE INDEX dated_at ON dated(kal_time(taken_on))' \
    "INSERT INTO dated VALUES ('A', '2025-10-01'), ('B', '2025-10-01T14:00:00+02:00'), ('C', '')" \
    'CREATE TEMP VIEW latest AS SELECT name, max(kal_time(taken_on)) FROM dated' \
    "SELECT (SELECT count(*) FROM dated INDEXED BY dated_at WHERE kal_time(taken_on) = kal_time('2025-10-01 12:00')), name,
        (SELECT count(*) FROM dated WHERE at IS NULL) = 0 FROM latest"
run python3 -B tests/sqlite/dates.py --texts 5000 --seed 20261127

# --- Doubtful dates. Seen red with the parser of RFC 3339 that there was: they were SQL errors.

claim 'a doubtful date is sent to the server as the instant that SQLite takes it for' \
    sends 'events after_date=2025-11-30T23:59:59Z&before_date=2025-12-02T00:00:01Z' \
    "SELECT * FROM kal_events WHERE created_at BETWEEN '2025-11-31' AND '2025-11-31 24:00'"
claim 'and returns the rows of that instant' same \
    "$(shell "SELECT id FROM kal_events WHERE created_at >= '2025-12-01'")" \
    "$(shell "SELECT id FROM kal_events WHERE created_at >= '2025-11-31'")"
claim 'so do a Julian day and Unix times' returns 1 \
    "SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM kal_events WHERE created_at < julianday('2025-12-02')
        UNION ALL SELECT count(*) FROM kal_events WHERE created_at < strftime('%s', '2025-12-02')
        UNION ALL SELECT count(*) FROM kal_events WHERE created_at < strftime('%s', '2025-12-02') || '000'
        UNION ALL SELECT count(*) FROM kal_events WHERE created_at < '2025-12-02')"
# Seen red: before_date was in a year that no server has.
claim 'nothing is before a year that the server does not have' \
    sends 'events before_date=0001-01-01T00:00:00Z' "SELECT * FROM kal_events WHERE created_at < '-0001-06-01'"
claim 'and everything is after it' sends 'events' "SELECT * FROM kal_events WHERE created_at > '-0001-06-01'"

# --- What is no time. Seen red with the errors that there were.

for value in "''" "'yesterday'" 20260131 "x'323032352d31302d3031'" "'now'" NULL "'2025-10-01T'||'12'"; do
    for comparison in "= $value" "< $value" "<= $value" "> $value" ">= $value" "BETWEEN '2025-01-01' AND $value"; do
        claim "created_at $comparison matches nothing and sends nothing" \
            sends '' "SELECT * FROM kal_events WHERE created_at $comparison"
    done
done
drafts="CREATE TEMP TABLE drafts(name, due TEXT)"
of_drafts="INSERT INTO drafts VALUES ('A', '2025-12-02'), ('B', ''), ('C', 'soon'), ('D', NULL), ('E', x'30'), ('F', '2025-11-31 24:00')"
# CROSS JOIN and LEFT JOIN: kal_events is the inner table.
claim 'a row without a time matches nothing in a join, the others do' returns 'A|1
B|0
C|0
D|0
E|0
F|1' "$drafts" "$of_drafts" 'SELECT name, count(id) > 0 FROM drafts LEFT JOIN kal_events ON created_at < due GROUP BY name'
claim 'nor does it in a join by =' returns G "$drafts" "$of_drafts" \
    "INSERT INTO drafts SELECT 'G', created_at_raw FROM kal_events LIMIT 1" \
    'SELECT DISTINCT name FROM drafts CROSS JOIN kal_events ON created_at = due'

# Where SQLite compares, the collation decides.
claim 'under NOT, what is no time is after every time' returns '0|250' \
    "SELECT (SELECT count(*) FROM kal_events WHERE NOT created_at < 'soon'), (SELECT count(*) FROM kal_events WHERE NOT created_at > 'soon')"
claim 'so it is in CASE, in a result column and in an OR of other columns' returns '250|250|250' \
    "SELECT sum(CASE WHEN created_at < 'soon' THEN 1 END), sum(created_at < 'soon'),
        (SELECT count(*) FROM kal_events WHERE created_at < 'soon' OR length(id) = 0) FROM kal_events"
claim 'and where kal_events is the outer table' returns 250 "$drafts" "INSERT INTO drafts VALUES ('B', '')" \
    'SELECT count(*) FROM kal_events CROSS JOIN drafts ON created_at < due'
claim 'kal_time makes it NULL everywhere' returns '0|0|0|0' "$drafts" "INSERT INTO drafts VALUES ('B', '')" \
    "SELECT (SELECT count(*) FROM kal_events WHERE NOT created_at < kal_time('soon')),
        (SELECT count(*) FROM kal_events WHERE NOT created_at > kal_time('soon')), sum(coalesce(created_at < kal_time('soon'), 0)),
        (SELECT count(*) FROM kal_events CROSS JOIN drafts ON created_at < kal_time(due)) FROM kal_events"
# SQLite 3.40 loses the rows of a join by = with the column itself: its Bloom filter has no collation.
claim 'a join with kal_time of a column returns every row' returns 250 \
    'CREATE TEMP TABLE spelt AS SELECT id, created_at_raw AS raw FROM kal_events' \
    "SELECT count(DISTINCT spelt.id) FROM kal_events JOIN spelt ON created_at = kal_time(raw)"

# --- A copy compares as text. Seen red with created_at as sent.

# copies CONDITION...: what a SELECT returns from kal_events and from a copy without a collation.
copies() {
    for query in "$@"; do
        found=$(shell 'CREATE TEMP TABLE copy AS SELECT * FROM kal_events' "$(echo "$query" | sed 's/EVENTS/copy/g')" 2>&1)
        if ! [ "$found" ] || ! same "$(shell "$(echo "$query" | sed 's/EVENTS/kal_events/g')" 2>&1)" "$found"; then
            echo "$query" && return 1
        fi
    done
}
claim 'a copy has no collation' returns BINARY 'CREATE TEMP TABLE copy AS SELECT * FROM kal_events' \
    'CREATE INDEX copied ON copy(created_at)' "SELECT coll FROM pragma_index_xinfo('copied') WHERE name = 'created_at'"
claim 'a copy by CREATE TABLE AS SELECT has the same order, groups and joins' copies \
    'SELECT id FROM EVENTS ORDER BY created_at, id' 'SELECT id FROM EVENTS ORDER BY created_at DESC LIMIT 3' \
    'SELECT created_at, count(*) FROM EVENTS GROUP BY created_at' 'SELECT count(DISTINCT created_at) FROM EVENTS' \
    'SELECT min(created_at), max(created_at) FROM EVENTS' \
    'SELECT a.id, b.id FROM EVENTS AS a JOIN EVENTS AS b ON a.created_at = b.created_at ORDER BY 1, 2' \
    'SELECT count(*) FROM EVENTS AS a JOIN EVENTS AS b ON a.created_at < b.created_at'
claim 'and the same comparisons with kal_time' copies \
    "SELECT id FROM EVENTS WHERE created_at < kal_time('2025-11-31')" "SELECT id FROM EVENTS WHERE created_at >= kal_time(2461012)" \
    "SELECT id FROM EVENTS WHERE created_at BETWEEN kal_time('2025-12-01') AND kal_time('2025-12-08T02:00+02:00')" \
    "SELECT count(*) FROM EVENTS WHERE created_at = kal_time('2025-12-27 14:29:11.563+01:00')" \
    "SELECT id FROM EVENTS WHERE created_at IN (SELECT kal_time(created_at_raw) FROM EVENTS WHERE event_type = 'create') ORDER BY id" \
    "SELECT count(*) FROM EVENTS WHERE created_at < kal_time('soon') OR NOT created_at < kal_time('soon')"
