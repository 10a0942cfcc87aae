/* What the cursors of kal_events share and keep, in one process. The server has 250 events by 12 members. */
#include "program.h"

#define TEN_A_PAGE "SELECT kal_open('{\"page_size\": 10, \"max_attempts\": 1}')"
#define EVENTS "/workspaces/events"
#define JOIN "SELECT m.id, e.id FROM kal_members AS m LEFT JOIN kal_events AS e ON e.event_user_id = m.id"

static sqlite3_stmt *statement_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    REQUIRE(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

/* Steps `count` times; fewer if the statement ends. Returns the last code. */
static int step(sqlite3_stmt *statement, int count)
{
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW && count-- > 0)
        code = sqlite3_step(statement);
    return code;
}

/* Without kal_stream_set_read_ahead the third request does not come. */
CLAIM(one_page_is_requested_ahead_from_the_second_page_on)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, TEN_A_PAGE), 0);
    sqlite3_stmt *statement = statement_of(db, "SELECT id FROM kal_events");
    CHECK_INT(step(statement, 10), SQLITE_ROW);
    CHECK_INT(emulator_count(&server, EVENTS), 1);
    CHECK_INT(step(statement, 1), SQLITE_ROW);
    emulator_wait_for(&server, EVENTS, 3);
    CHECK_INT(step(statement, 9), SQLITE_ROW);
    CHECK_INT(emulator_count(&server, EVENTS), 3);
    sqlite3_finalize(statement);
    closed(db);
}

/* Red under valgrind with SQLITE_STATIC in column(): the values outlive their page. */
CLAIM(values_outlive_their_page)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, TEN_A_PAGE), 0);
    CHECK_INT(number(db, "SELECT length(max(full_name)) + length(min(event_type)) + length(id) > 0 FROM kal_events"), 1);
    CHECK_INT(number(db, "SELECT sum(n) FROM (SELECT count(*) AS n, full_name FROM kal_events GROUP BY event_type, full_name)"),
              250);
    CHECK_INT(number(db, "SELECT count(DISTINCT a || b) FROM (SELECT event_type AS a, lag(id) OVER () AS b FROM kal_events)"),
              249);
    CHECK_INT(number(db, "SELECT count(*) FROM (SELECT * FROM kal_events ORDER BY created_at DESC LIMIT 40)"), 40);
    closed(db);
}

CLAIM(a_join_that_is_not_read_to_its_end_leaks_nothing)
{
    sqlite3 *db = opened();
    for (int rows = 1; rows < 200; rows += 40) {
        sqlite3_stmt *statement = statement_of(db, JOIN);
        CHECK_INT(step(statement, rows), SQLITE_ROW);
        sqlite3_reset(statement);
        CHECK_INT(step(statement, 1), SQLITE_ROW);
        sqlite3_finalize(statement);
    }
    closed(db);
}

/* Seen red without the reference of open_cursor: each member was requested alone. */
CLAIM(the_cursors_of_a_correlated_subquery_hand_over_what_they_read)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, "SELECT sum(n) FROM (SELECT (SELECT count(*) FROM kal_events WHERE event_user_id = m.id) AS n"
                         " FROM kal_members AS m)"),
              250);
    CHECK(emulator_count(&server, EVENTS) <= 6);
    closed(db);
}

CLAIM(after_a_failure_nothing_that_was_kept_is_used)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, TEN_A_PAGE), 0);
    sqlite3_stmt *other = statement_of(db, JOIN);
    CHECK_INT(step(other, 60), SQLITE_ROW);
    emulator_fault(&server, "{\"path\": \"/workspaces/events\", \"status\": 500, \"times\": 0}");
    CHECK_INT(number(db, "SELECT count(*) FROM (" JOIN ")"), -SQLITE_ERROR);
    CHECK_CONTAINS(sqlite3_errmsg(db), "KAL_SERVER_ERROR");
    emulator_reset(&server);
    CHECK_INT(number(db, "SELECT count(*) FROM (" JOIN ")"), 250);
    /* Either it needs nothing of what failed, or it says so. */
    int rows = 60, code;
    while ((code = sqlite3_step(other)) == SQLITE_ROW)
        rows++;
    if (code == SQLITE_DONE)
        CHECK_INT(rows, 250);
    else
        CHECK_CONTAINS(sqlite3_errmsg(db), "run the statement again");
    sqlite3_finalize(other);
    closed(db);
}

CLAIM(a_failure_on_a_later_page_of_a_sorted_list_is_an_error)
{
    sqlite3 *db = opened();
    CHECK_INT(number(db, TEN_A_PAGE), 0);
    sqlite3_stmt *statement = statement_of(db, "SELECT id FROM kal_events ORDER BY created_at DESC");
    CHECK_INT(step(statement, 1), SQLITE_ROW);
    emulator_fault(&server, "{\"path\": \"/workspaces/events\", \"status\": 500, \"times\": 0}");
    CHECK_INT(step(statement, 250), SQLITE_ERROR);
    CHECK_CONTAINS(sqlite3_errmsg(db), "KAL_SERVER_ERROR");
    sqlite3_finalize(statement);
    closed(db);
}

CLAIM(kal_open_makes_later_statements_read_anew)
{
    sqlite3 *db = opened();
    sqlite3_stmt *statement = statement_of(db, JOIN);
    CHECK_INT(step(statement, 60), SQLITE_ROW);
    CHECK_INT(number(db, "SELECT kal_open()"), 0);
    emulator_reset(&server);
    CHECK_INT(number(db, "SELECT count(*) FROM (" JOIN ")"), 250);
    CHECK(emulator_count(&server, EVENTS) > 0);
    sqlite3_finalize(statement);
    closed(db);
}

/* Adds an event, which is why it is the last claim. */
CLAIM(the_next_statement_reads_events_anew)
{
    sqlite3 *db = opened();
    char event[200];
    CHECK_INT(number(db, "SELECT count(*) FROM (" JOIN ")"), 250);
    sqlite3_stmt *member = statement_of(db, "SELECT id FROM kal_members");
    CHECK_INT(step(member, 1), SQLITE_ROW);
    snprintf(event, sizeof event, "{\"events\":[{\"id\":\"new\",\"event_user_id\":\"%s\"}]}", sqlite3_column_text(member, 0));
    sqlite3_finalize(member);
    emulator_admin(&server, "events", event);
    CHECK_INT(number(db, "SELECT count(*) FROM (" JOIN ")"), 251);
    closed(db);
}

int main(int argc, char **argv)
{
    return run_with_server(argc, argv);
}
