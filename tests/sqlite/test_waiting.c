/* What the host notices of a statement that waits for the server. KAL_SQLITE is the path of the extension. */
#include <pthread.h>
#include <stdatomic.h>

#include "program.h"

#define COUNT_MEMBERS "SELECT count(*) FROM kal_members"
#define READ_ALL "SELECT count(*) FROM kal_workspace, kal_members, kal_groups, kal_group_members"
#define PATIENT "SELECT kal_open('{\"timeout_ms\": 60000, \"max_attempts\": 1}')"

/* --- Progress handlers */

static _Atomic bool has_arrived;
static _Atomic int calls_after_arrival;

/* Sets has_arrived when the server has the request. */
static void *wait_for_request(void *path)
{
    emulator_wait_for(&server, path, 1);
    has_arrived = true;
    return NULL;
}

static int end_after_arrival(void *unused)
{
    (void)unused;
    return has_arrived;
}

/* Without a call of it, the request hangs until its timeout. */
static int release_after_arrival(void *unused)
{
    (void)unused;
    if (has_arrived && calls_after_arrival++ == 0)
        emulator_reset(&server);
    return 0;
}

/* The number of `sql` while a handler is set that is called every `instructions` instructions. */
static int64_t number_with(sqlite3 *db, const char *sql, int (*handler)(void *), int instructions, const char *path)
{
    pthread_t thread;
    has_arrived = false;
    calls_after_arrival = 0;
    sqlite3_progress_handler(db, instructions, handler, NULL);
    REQUIRE(pthread_create(&thread, NULL, wait_for_request, (void *)path) == 0);
    int64_t found = number(db, sql);
    pthread_join(thread, NULL);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    return found;
}

static void ended_by_handler(const char *sql, const char *path)
{
    char fault[100];
    sqlite3 *db = opened();
    CHECK_INT(number(db, PATIENT), 0);
    for (int instructions = 1; instructions <= 100000; instructions *= 10) {
        emulator_reset(&server);
        snprintf(fault, sizeof fault, "{\"path\": \"%s\", \"drop\": \"hang\"}", path);
        emulator_fault(&server, fault);
        CHECK_INT(number_with(db, sql, end_after_arrival, instructions, path), -SQLITE_INTERRUPT);
        CHECK_TEXT(sqlite3_errmsg(db), "interrupted");
    }
    CHECK_INT(number(db, COUNT_MEMBERS), 12);
    closed(db);
}

/* Seen red with "SELECT 1" in place of the endless statement: with 100 instructions and more the request timed out. */
CLAIM(a_progress_handler_ends_a_statement_that_waits_for_a_list)
{
    ended_by_handler(COUNT_MEMBERS, "/workspaces/members");
}

CLAIM(a_progress_handler_ends_a_statement_that_waits_for_a_page_of_events)
{
    ended_by_handler("SELECT count(*) FROM kal_events", "/workspaces/events");
}

CLAIM(a_progress_handler_ends_a_call_of_kal_call)
{
    ended_by_handler("SELECT kal_call('workspace.get_events')", "/workspaces/events");
}

CLAIM(a_progress_handler_that_returns_0_is_called_and_ends_nothing)
{
    sqlite3 *db = opened();
    emulator_fault(&server, "{\"path\": \"/workspaces/members\", \"drop\": \"hang\"}");
    CHECK_INT(number_with(db, COUNT_MEMBERS, release_after_arrival, 1000, "/workspaces/members"), 12);
    CHECK(calls_after_arrival > 0);
    closed(db);
}

/* --- Interrupts */

static void *interrupt_after_arrival(void *db)
{
    emulator_wait_for(&server, "/workspaces/members", 1);
    sqlite3_interrupt(db);
    return NULL;
}

CLAIM(after_an_interrupt_the_next_statement_works)
{
    sqlite3 *db = opened();
    pthread_t thread;
    CHECK_INT(number(db, PATIENT), 0);
    for (int round = 0; round < 3; round++) {
        emulator_reset(&server);
        emulator_fault(&server, "{\"path\": \"/workspaces/members\", \"drop\": \"hang\"}");
        REQUIRE(pthread_create(&thread, NULL, interrupt_after_arrival, db) == 0);
        CHECK_INT(number(db, COUNT_MEMBERS), -SQLITE_INTERRUPT);
        pthread_join(thread, NULL);
        CHECK_INT(number(db, "SELECT 1"), 1);
    }
    CHECK_INT(number(db, COUNT_MEMBERS), 12);
    closed(db);
}

/* --- Traces and authorizers */

static char traced[2000];

static int trace(unsigned event, void *unused, void *statement, void *text)
{
    (void)unused;
    size_t len = strlen(traced);
    if (event == SQLITE_TRACE_STMT)
        snprintf(traced + len, sizeof traced - len, "%s\n", (const char *)text);
    else
        snprintf(traced + len, sizeof traced - len, "profile: %s\n", sqlite3_sql(statement));
    return 0;
}

static void delay_everything(void)
{
    emulator_fault(&server, "{\"path\": \"/workspaces\", \"delay_ms\": 250, \"times\": 0}");
}

/* Seen red when the wait ran "SELECT 1", and kal_open json_each: the trace had both. */
CLAIM(the_trace_and_the_profile_show_the_statements_of_the_program_only)
{
    static const char *const statements[] = { PATIENT, READ_ALL, "SELECT count(*) FROM kal_events",
                                              "SELECT json_array_length(kal_call('workspace.get_events'))" };
    char expected[sizeof traced] = "";
    sqlite3 *db = opened();
    delay_everything();
    traced[0] = 0;
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, trace, NULL);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        CHECK(number(db, statements[i]) >= 0);
        size_t len = strlen(expected);
        snprintf(expected + len, sizeof expected - len, "%s\nprofile: %s\n", statements[i], statements[i]);
    }
    CHECK_TEXT(traced, expected);
    closed(db);
}

static bool is_preparing;
static int questions_while_running;

static int authorize(void *unused, int action, const char *a, const char *b, const char *c, const char *d)
{
    (void)unused, (void)action, (void)a, (void)b, (void)c, (void)d;
    questions_while_running += !is_preparing;
    return is_preparing ? SQLITE_OK : SQLITE_DENY;
}

CLAIM(the_authorizer_is_asked_about_the_statements_of_the_program_only)
{
    sqlite3 *db = opened();
    sqlite3_stmt *statement = NULL;
    delay_everything();
    questions_while_running = 0;
    sqlite3_set_authorizer(db, authorize, NULL);
    is_preparing = true;
    REQUIRE(sqlite3_prepare_v2(db, READ_ALL, -1, &statement, NULL) == SQLITE_OK);
    is_preparing = false;
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    CHECK_INT(questions_while_running, 0);
    sqlite3_finalize(statement);
    closed(db);
}

/* An authorizer that permits nothing else must not keep a statement from being interrupted. Seen red with "SELECT 1". */
CLAIM(a_progress_handler_ends_a_statement_whatever_the_authorizer_permits)
{
    sqlite3 *db = opened();
    sqlite3_stmt *statement = NULL;
    pthread_t thread;
    CHECK_INT(number(db, PATIENT), 0);
    emulator_fault(&server, "{\"path\": \"/workspaces/members\", \"drop\": \"hang\"}");
    has_arrived = false;
    sqlite3_set_authorizer(db, authorize, NULL);
    is_preparing = true;
    REQUIRE(sqlite3_prepare_v2(db, COUNT_MEMBERS, -1, &statement, NULL) == SQLITE_OK);
    is_preparing = false;
    sqlite3_progress_handler(db, 10000, end_after_arrival, NULL);
    REQUIRE(pthread_create(&thread, NULL, wait_for_request, (void *)"/workspaces/members") == 0);
    CHECK_INT(sqlite3_step(statement), SQLITE_INTERRUPT);
    pthread_join(thread, NULL);
    sqlite3_finalize(statement);
    closed(db);
}

CLAIM(what_the_connection_reports_of_earlier_statements_stays)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, "CREATE TABLE t(a)"), 0);
    CHECK_INT(number(db, "INSERT INTO t(rowid, a) VALUES (41, 1), (42, 2)"), 0);
    delay_everything();
    CHECK(number(db, READ_ALL) > 0);
    CHECK_INT(sqlite3_changes(db), 2);
    CHECK_INT(sqlite3_total_changes(db), 2);
    CHECK_INT(sqlite3_last_insert_rowid(db), 42);
    CHECK_INT(sqlite3_errcode(db), SQLITE_OK);
    CHECK(sqlite3_get_autocommit(db));
    CHECK(sqlite3_next_stmt(db, NULL) == NULL);
    closed(db);
}

/* The wait leaves SQLite's state for reading the schema: what is created then would be missing from the file. */
CLAIM(a_transaction_around_a_wait_is_the_program_s_own)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, "BEGIN"), 0);
    delay_everything();
    CHECK_INT(number(db, "CREATE TABLE copy AS SELECT * FROM kal_members"), 0);
    CHECK(!sqlite3_get_autocommit(db));
    CHECK_INT(number(db, "CREATE TABLE other AS SELECT * FROM copy"), 0);
    CHECK_INT(number(db, "SELECT count(*) FROM other"), 12);
    CHECK_INT(number(db, "SELECT count(*) FROM sqlite_schema"), 2);
    CHECK_INT(number(db, "ROLLBACK"), 0);
    CHECK_INT(number(db, "SELECT count(*) FROM sqlite_schema"), 0);
    closed(db);
}

/* --- Threads */

static int continues(void *unused)
{
    (void)unused;
    return 0;
}

static void *read_with_handler(void *unused)
{
    sqlite3 *db = opened();
    (void)unused;
    sqlite3_progress_handler(db, 100, continues, NULL);
    CHECK_INT(number(db, COUNT_MEMBERS), 12);
    CHECK_INT(number(db, "SELECT count(*) FROM kal_events"), 250);
    closed(db);
    return NULL;
}

CLAIM(sixty_four_threads_wait_at_once)
{
    pthread_t threads[64];
    int count = check_is_slow() ? 8 : 64;
    delay_everything();
    for (int i = 0; i < count; i++)
        REQUIRE(pthread_create(&threads[i], NULL, read_with_handler, NULL) == 0);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    return run_with_server(argc, argv);
}
