/* What the host notices of kal_sync: its error codes, its statements, and interrupts. KAL_SQLITE is the path of the extension. */
#include <pthread.h>
#include <unistd.h>

#include "program.h"

#define SYNC "SELECT kal_sync('events')"
#define COUNT "SELECT count(*) FROM events"
/* 250 events in pages of 50. */
#define SHORT_PAGES "SELECT kal_open('{\"page_size\": 50, \"max_attempts\": 1}')"

/* A database in a file, which two connections can open. */
static char path[] = "/tmp/kal_sync_XXXXXX";

static sqlite3 *opened_anew(void)
{
    char journal[sizeof path + 8];
    snprintf(journal, sizeof journal, "%s-journal", path);
    unlink(path);
    unlink(journal);
    sqlite3 *db = opened_file(path);
    CHECK_INT(number(db, SHORT_PAGES), 0);
    return db;
}

/* The number of events that the server has: earlier claims have added some. */
static int64_t all(sqlite3 *db)
{
    return number(db, "SELECT count(*) FROM kal_events");
}

/* --- Locks */

/* Commits the other connection's transaction when SQLite asks for the third time whether to wait. */
static int commit_at_third(void *other, int times)
{
    if (times == 2)
        CHECK_INT(number(other, "COMMIT"), 0);
    return times < 10;
}

/* Seen red with a savepoint that read before it wrote: SQLITE_BUSY, and the handler was not called. */
CLAIM(a_lock_is_waited_for_as_the_host_says)
{
    sqlite3 *db = opened_anew(), *other = opened_file(path);
    CHECK_INT(number(other, "BEGIN IMMEDIATE"), 0);
    CHECK_INT(number(db, SYNC), -SQLITE_BUSY);
    CHECK_CONTAINS(sqlite3_errmsg(db), "database is locked");
    CHECK_INT(sqlite3_get_autocommit(db), 1);
    sqlite3_busy_handler(db, commit_at_third, other);
    CHECK_INT(number(db, SYNC), all(db));
    CHECK_INT(number(other, COUNT), all(db));
    emulator_admin(&server, "events", "{\"count\": 3}");
    CHECK_INT(number(other, "BEGIN IMMEDIATE"), 0);
    CHECK_INT(number(db, SYNC), 3);
    closed(db);
    closed(other);
}

/* Seen red when only the savepoint was rolled back: the transaction stayed open. */
CLAIM(a_reader_that_does_not_end_is_an_error_and_leaves_no_transaction_open)
{
    sqlite3 *db = opened_anew(), *other = opened_file(path);
    sqlite3_stmt *reader = NULL;
    CHECK_INT(number(db, SYNC), all(db));
    emulator_admin(&server, "events", "{\"count\": 3}");
    REQUIRE(sqlite3_prepare_v2(other, "SELECT * FROM events", -1, &reader, NULL) == SQLITE_OK);
    CHECK_INT(sqlite3_step(reader), SQLITE_ROW);
    /* Without a write-ahead log, a reader keeps others from committing. */
    CHECK_INT(number(db, SYNC), -SQLITE_BUSY);
    CHECK_INT(sqlite3_get_autocommit(db), 1);
    CHECK_INT(sqlite3_txn_state(db, NULL), SQLITE_TXN_NONE);
    sqlite3_finalize(reader);
    CHECK_INT(number(db, SYNC), 3);
    CHECK_INT(number(other, COUNT), number(db, COUNT));
    closed(db);
    closed(other);
}

CLAIM(a_full_database_is_sqlite_full)
{
    sqlite3 *db = opened_anew();
    CHECK_INT(number(db, "PRAGMA page_size = 512"), 0);
    CHECK_INT(number(db, "PRAGMA max_page_count = 100"), 100);
    CHECK_INT(number(db, SYNC), -SQLITE_FULL);
    CHECK_INT(sqlite3_get_autocommit(db), 1);
    CHECK_INT(number(db, "SELECT count(*) % 50 FROM events"), 0);
    closed(db);
}

/* --- Interrupts */

typedef struct trace {
    sqlite3 *db;
    int statements, inserts;
    int interrupt_at; /* interrupts the connection at this statement; 0: never */
    char texts[2000];
} trace;

static int count_statement(unsigned kind, void *data, void *statement, void *text)
{
    trace *trace = data;
    (void)kind, (void)statement;
    trace->inserts += strstr(text, "INSERT INTO \"main\".\"events\"") != NULL;
    size_t used = strlen(trace->texts);
    snprintf(trace->texts + used, sizeof trace->texts - used, "%.30s\n", (const char *)text);
    if (++trace->statements == trace->interrupt_at)
        sqlite3_interrupt(trace->db);
    return 0;
}

static int64_t traced(sqlite3 *db, trace *trace)
{
    trace->db = db;
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_statement, trace);
    int64_t found = number(db, SYNC);
    sqlite3_trace_v2(db, 0, NULL, NULL);
    return found;
}

/* Seen red without `write` in a transaction: the transaction stayed open after some of the statements, and with it the lock. */
CLAIM(an_interrupt_at_any_statement_leaves_no_transaction_open)
{
    trace whole = { .statements = 0 };
    sqlite3 *db = opened_anew();
    CHECK_INT(traced(db, &whole), all(db));
    closed(db);
    for (int at = 2; at <= whole.statements; at += check_is_slow() ? 12 : 1) {
        trace trace = { .interrupt_at = at };
        db = opened_anew();
        /* The last statement may have no place left where SQLite looks. */
        int64_t found = traced(db, &trace);
        CHECK(found == -SQLITE_INTERRUPT || (at == whole.statements && found == all(db)));
        CHECK_INT(sqlite3_get_autocommit(db), 1);
        CHECK_INT(sqlite3_txn_state(db, NULL), SQLITE_TXN_NONE);
        CHECK(number(db, SYNC) >= 0);
        CHECK_INT(number(db, COUNT), all(db));
        closed(db);
    }
}

static void *interrupt(void *db)
{
    emulator_wait_for(&server, "/workspaces/events", 3);
    sqlite3_interrupt(db);
    return NULL;
}

CLAIM(an_interrupt_ends_the_wait_for_a_page)
{
    sqlite3 *db = opened_anew();
    pthread_t thread;
    emulator_fault(&server, "{\"path\": \"/workspaces/events\", \"after\": 2, \"drop\": \"hang\"}");
    REQUIRE(pthread_create(&thread, NULL, interrupt, db) == 0);
    CHECK_INT(number(db, SYNC), -SQLITE_INTERRUPT);
    pthread_join(thread, NULL);
    CHECK_INT(number(db, COUNT) % 50, 0);
    emulator_reset(&server);
    CHECK(number(db, SYNC) > 0);
    CHECK_INT(number(db, COUNT), all(db));
    closed(db);
}

/* --- Other connections */

static sqlite3 *resetting;
static int savepoints;

/* Empties the table, and resets its state, before the third page is added. */
static int reset_before_third(unsigned kind, void *unused, void *statement, void *text)
{
    (void)kind, (void)unused, (void)statement;
    if (strstr(text, "SAVEPOINT kal_sync") && ++savepoints == 3) {
        CHECK_INT(number(resetting, "DELETE FROM events"), 0);
        CHECK_INT(number(resetting, "UPDATE kal_sync_state SET cursor = NULL"), 0);
    }
    return 0;
}

/* Seen red without the comparison of the cursor: the first two pages were missing. */
CLAIM(a_run_notices_that_another_connection_has_reset_the_table)
{
    sqlite3 *db = opened_anew();
    resetting = opened_file(path);
    savepoints = 0;
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, reset_before_third, NULL);
    CHECK(number(db, SYNC) > all(db));
    sqlite3_trace_v2(db, 0, NULL, NULL);
    CHECK(savepoints > 3);
    CHECK_INT(number(db, COUNT), all(db));
    closed(db);
    closed(resetting);
}

/* --- What the host sees */

CLAIM(four_statements_a_page_are_in_the_trace_of_the_host)
{
    sqlite3 *db = opened_anew();
    trace first = { .statements = 0 }, idle = first;
    CHECK_INT(traced(db, &first), all(db));
    if (!CHECK(first.statements <= 10 + 4 * first.inserts))
        printf("# %s\n", first.texts);
    CHECK_INT(traced(db, &idle), 0);
    /* The call, then its state, the newest times, the comparison and the time of the run. */
    if (!CHECK_INT(idle.statements, 5))
        printf("# %s\n", idle.texts);
    CHECK_INT(idle.inserts, 0);
    closed(db);
}

CLAIM(last_insert_rowid_stays)
{
    sqlite3 *db = opened_anew();
    CHECK_INT(number(db, "CREATE TABLE own(id INTEGER PRIMARY KEY)"), 0);
    CHECK_INT(number(db, "INSERT INTO own VALUES (4711)"), 0);
    CHECK_INT(number(db, SYNC), all(db));
    CHECK_INT(sqlite3_last_insert_rowid(db), 4711);
    closed(db);
}

CLAIM(a_statement_that_is_being_read_goes_on)
{
    sqlite3 *db = opened_anew();
    sqlite3_stmt *reader = NULL;
    CHECK_INT(number(db, SYNC), all(db));
    emulator_admin(&server, "events", "{\"count\": 3}");
    REQUIRE(sqlite3_prepare_v2(db, "SELECT id FROM events", -1, &reader, NULL) == SQLITE_OK);
    CHECK_INT(sqlite3_step(reader), SQLITE_ROW);
    CHECK_INT(number(db, SYNC), 3);
    int rows = 1;
    while (sqlite3_step(reader) == SQLITE_ROW)
        rows++;
    CHECK(rows >= all(db) - 3);
    CHECK_INT(sqlite3_finalize(reader), SQLITE_OK);
    closed(db);
}

CLAIM(a_table_that_another_connection_drops_and_creates_is_read_from_the_beginning)
{
    sqlite3 *db = opened_anew(), *other = opened_file(path);
    CHECK_INT(number(db, SYNC), all(db));
    CHECK_INT(number(other, "DROP TABLE events"), 0);
    CHECK_INT(number(other, SHORT_PAGES), 0);
    CHECK_INT(number(other, SYNC), all(db));
    CHECK_INT(number(other, "DELETE FROM events"), 0);
    CHECK_INT(number(db, SYNC), all(db));
    closed(db);
    closed(other);
}

CLAIM(the_page_table_is_empty_for_others)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, "SELECT count(*) FROM kal_sync_page"), 0);
    CHECK_INT(number(db, "SELECT count(*) FROM kal_sync_page('x')"), 0);
    CHECK_INT(number(db, "SELECT count(*) FROM kal_sync_page(4096)"), 0);
    closed(db);
}

int main(int argc, char **argv)
{
    int file = mkstemp(path);
    if (file < 0)
        return 2;
    close(file);
    int outcome = run_with_server(argc, argv);
    unlink(path);
    return outcome;
}
