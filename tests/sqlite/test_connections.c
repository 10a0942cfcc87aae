/* The extension in one process: threads, interrupts, unloading. KAL_SQLITE is its path. */
#include <pthread.h>
#include <unistd.h>

#include "program.h"

#define COUNT_MEMBERS "SELECT count(*) FROM kal_members"
#define COUNT_EVENTS "SELECT count(*) FROM kal_events WHERE event_type IN ('create', 'update', 'delete', 'comment', 'assign')"

static void *use(void *unused)
{
    sqlite3 *db = opened();
    (void)unused;
    for (int i = 0; i < 5; i++) {
        CHECK_INT(number(db, COUNT_MEMBERS), 12);
        CHECK_INT(number(db, COUNT_EVENTS), 250);
    }
    closed(db);
    return NULL;
}

static void *use_shared(void *db)
{
    for (int i = 0; i < 5; i++) {
        CHECK_INT(number(db, COUNT_MEMBERS), 12);
        CHECK_INT(number(db, COUNT_EVENTS), 250);
    }
    return NULL;
}

static void eight_threads(void *(*run)(void *), void *argument)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        REQUIRE(pthread_create(&threads[i], NULL, run, argument) == 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

CLAIM(threads_with_separate_connections_do_not_interfere)
{
    eight_threads(use, NULL);
    CHECK_INT(emulator_count(&server, "token_requests"), 8);
}

CLAIM(threads_that_share_a_connection_share_its_client)
{
    sqlite3 *db = opened();
    eight_threads(use_shared, db);
    closed(db);
    CHECK_INT(emulator_count(&server, "token_requests"), 1);
    CHECK_INT(emulator_count(&server, "/workspaces/members"), 1);
}

CLAIM(connections_do_not_share_their_clients)
{
    sqlite3 *refused = opened(), *admitted = opened();
    CHECK_INT(number(refused, "SELECT kal_open('{\"client_secret\": \"wrong\"}')"), 0);
    CHECK_INT(number(refused, COUNT_MEMBERS), -SQLITE_ERROR);
    CHECK_CONTAINS(sqlite3_errmsg(refused), "KAL_AUTH_FAILED");
    CHECK_INT(number(admitted, COUNT_MEMBERS), 12);
    closed(refused);
    CHECK_INT(number(admitted, COUNT_EVENTS), 250);
    closed(admitted);
}

static const char *awaited;

static void *interrupt(void *db)
{
    emulator_wait_for(&server, awaited, 1);
    sqlite3_interrupt(db);
    return NULL;
}

/* Seen red without the check for an interrupt: the statement ended with KAL_TIMED_OUT instead. */
static void interrupted(const char *path, const char *sql)
{
    sqlite3 *db = opened();
    pthread_t thread;
    char fault[100];
    CHECK_INT(number(db, "SELECT kal_open('{\"timeout_ms\": 20000, \"max_attempts\": 1}')"), 0);
    snprintf(fault, sizeof fault, "{\"path\": \"%s\", \"drop\": \"hang\"}", path);
    emulator_fault(&server, fault);
    awaited = path;
    REQUIRE(pthread_create(&thread, NULL, interrupt, db) == 0);
    CHECK_INT(number(db, sql), -SQLITE_INTERRUPT);
    pthread_join(thread, NULL);
    CHECK_INT(number(db, COUNT_MEMBERS), 12);
    CHECK_INT(number(db, COUNT_EVENTS), 250);
    closed(db);
}

CLAIM(an_interrupt_ends_a_statement_that_waits_for_a_list)
{
    interrupted("/workspaces/members", COUNT_MEMBERS);
}

CLAIM(an_interrupt_ends_a_statement_that_waits_for_a_page_of_events)
{
    interrupted("/workspaces/events", COUNT_EVENTS);
}

CLAIM(closing_a_connection_closes_its_connections_to_the_server)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, COUNT_MEMBERS), 12);
    CHECK(emulator_count(&server, "open_connections") > 0);
    closed(db);
    int tries = 0;
    while (emulator_count(&server, "open_connections") > 0 && tries++ < 10000)
        usleep(1000);
    CHECK_INT(emulator_count(&server, "open_connections"), 0);
}

CLAIM(the_extension_can_be_unloaded_and_loaded_again)
{
    for (int i = 0; i < 20; i++) {
        sqlite3 *db = opened();
        CHECK_INT(number(db, COUNT_MEMBERS), 12);
        /* SQLite unloads it, while a thread of it runs. */
        closed(db);
    }
}

CLAIM(a_statement_not_read_to_its_end_leaks_nothing)
{
    sqlite3 *db = opened();
    sqlite3_stmt *statement = NULL;
    CHECK_INT(sqlite3_prepare_v2(db, "SELECT * FROM kal_events, kal_members", -1, &statement, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_finalize(statement);
    closed(db);
}

CLAIM(the_extension_can_be_loaded_twice_into_a_connection)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, COUNT_MEMBERS), 12);
    CHECK_INT(sqlite3_load_extension(db, getenv("KAL_SQLITE"), NULL, NULL), SQLITE_OK);
    CHECK_INT(number(db, COUNT_MEMBERS), 12);
    closed(db);
}

/* Two groups with two users each; then others, with other members. */
#define GROUPS "[{\"id\":\"g\",\"user_ids\":[\"u\",\"v\"]},{\"id\":\"h\",\"user_ids\":[\"v\"]}]"
#define OTHER_GROUPS "[{\"id\":\"i\",\"user_ids\":[\"w\",\"v\",\"v\",\"v\"]}]"
#define MEMBERS_BY_OR "SELECT group_id, user_id FROM kal_group_members WHERE group_id = 'g' OR user_id = 'v'"

/* Steps to the next row and checks it: "g u"; "" is the end. */
static void next_is(sqlite3_stmt *statement, const char *expected)
{
    char found[20] = "";
    if (sqlite3_step(statement) == SQLITE_ROW)
        snprintf(found, sizeof found, "%s %s", (const char *)sqlite3_column_text(statement, 0),
                 (const char *)sqlite3_column_text(statement, 1));
    CHECK_TEXT(found, expected);
}

static sqlite3_stmt *statement_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    REQUIRE(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

static void answer_groups(const char *groups)
{
    emulator_reset(&server);
    emulator_answer(&server, "/workspaces/groups", 0, groups);
}

/* Seen red when each scan fetched its own answer: "i v" came, three times. */
CLAIM(a_statement_reads_one_answer_though_the_cached_one_expires)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, "SELECT kal_open('{\"cache_ttl_ms\": 1}')"), 0);
    answer_groups(GROUPS);
    sqlite3_stmt *statement = statement_of(db, MEMBERS_BY_OR);
    next_is(statement, "g u");
    answer_groups(OTHER_GROUPS);
    usleep(5000);
    /* Another statement starts while the first is in progress. */
    CHECK_INT(number(db, "SELECT count(*) FROM kal_group_members"), 3);
    next_is(statement, "g v");
    next_is(statement, "h v");
    next_is(statement, "");
    CHECK_INT(emulator_count(&server, "/workspaces/groups"), 0);
    sqlite3_reset(statement);
    CHECK_INT(number(db, "SELECT count(*) FROM kal_group_members"), 4);
    next_is(statement, "i v");
    sqlite3_finalize(statement);
    closed(db);
}

/* Seen red with keys that were only positions: one of the three rows of the new answer was taken for one already returned. */
CLAIM(kal_open_in_the_middle_of_a_statement_mixes_no_rows)
{
    sqlite3 *db = opened();
    answer_groups(GROUPS);
    sqlite3_stmt *statement = statement_of(db, MEMBERS_BY_OR);
    next_is(statement, "g u");
    answer_groups(OTHER_GROUPS);
    CHECK_INT(number(db, "SELECT kal_open()"), 0);
    /* kal_open takes effect at once. */
    CHECK_INT(number(db, "SELECT count(*) FROM kal_group_members"), 4);
    next_is(statement, "g v");
    /* The other branch continues with the old answer if SQLite (about 3.41) opens no cursor for it, otherwise with the new one.
     */
    CHECK_INT(sqlite3_step(statement), SQLITE_ROW);
    bool is_old = strcmp((const char *)sqlite3_column_text(statement, 0), "h") == 0;
    for (int i = 0; i < 2 && !is_old; i++)
        next_is(statement, "i v");
    next_is(statement, "");
    sqlite3_finalize(statement);
    closed(db);
}

/* Seen red with rowids that counted the rows of each scan: x3 was missing. */
CLAIM(an_event_is_returned_once_even_if_another_arrives_between_two_scans)
{
    sqlite3 *db = opened();
    emulator_admin(&server, "events",
                   "{\"events\":[{\"id\":\"x1\",\"event_type\":\"odd\"},"
                   "{\"id\":\"x2\",\"event_type\":\"odd\",\"resource_type\":\"odd\"},"
                   "{\"id\":\"x3\",\"resource_type\":\"odd\"}]}");
    sqlite3_stmt *statement =
        statement_of(db, "SELECT id, 'odd' FROM kal_events WHERE event_type = 'odd' OR resource_type = 'odd'");
    next_is(statement, "x2 odd");
    emulator_admin(&server, "events", "{\"events\":[{\"id\":\"x4\",\"event_type\":\"odd\",\"resource_type\":\"odd\"}]}");
    next_is(statement, "x1 odd");
    next_is(statement, "x4 odd");
    next_is(statement, "x3 odd");
    next_is(statement, "");
    sqlite3_finalize(statement);
    closed(db);
}

int main(int argc, char **argv)
{
    return run_with_server(argc, argv);
}
