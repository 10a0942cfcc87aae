/* The extension when SQLite's allocations fail: SQLITE_NOMEM, nothing is lost, and the next statement works. */
#include "program.h"

static sqlite3_mem_methods allocator;
/* The allocations of this thread until one fails; negative: none fails. */
static _Thread_local long remaining = -1;
static _Thread_local bool has_failed;

static bool fails(void)
{
    if (remaining < 0 || remaining-- > 0)
        return false;
    return has_failed = true;
}

static void *allocate(int size)
{
    return fails() ? NULL : allocator.xMalloc(size);
}

static void *reallocate(void *memory, int size)
{
    return fails() ? NULL : allocator.xRealloc(memory, size);
}

/* Runs the statement, and reads its values as texts. */
static int run(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        for (int i = 0; code == SQLITE_ROW && i < sqlite3_column_count(statement); i++)
            if (!sqlite3_column_text(statement, i) && sqlite3_errcode(db) == SQLITE_NOMEM)
                code = SQLITE_NOMEM;
    }
    sqlite3_finalize(statement);
    return code;
}

/* Every allocation fails once; of the many of a long statement, some. SQLite itself reports an `other` error for a few of its
 * own, 0: none. SQLite may do without some, such as those of a cache. */
static void survives(const char *encoding, const char *setup, const char *sql, const char *other)
{
    int nomem = 0;
    for (long n = 0; !check_has_failed(); n += check_is_slow() ? (n < 60 ? 7 : 331) : n < 100 ? 1 : n < 600 ? 4 : 29) {
        sqlite3 *db = opened();
        CHECK_INT(run(db, encoding), SQLITE_DONE);
        CHECK_INT(run(db, setup), SQLITE_DONE);
        remaining = n;
        has_failed = false;
        int code = run(db, sql);
        remaining = -1;
        if (code == SQLITE_ERROR && other)
            CHECK_CONTAINS(sqlite3_errmsg(db), other);
        else if (code != SQLITE_DONE)
            CHECK_INT(code, SQLITE_NOMEM);
        nomem += code == SQLITE_NOMEM;
        CHECK_INT(run(db, sql), SQLITE_DONE);
        closed(db);
        if (!has_failed)
            break;
    }
    CHECK(nomem > 1);
    CHECK_INT(sqlite3_memory_used(), 0);
}

static void survives_in_both(const char *setup, const char *sql)
{
    survives("PRAGMA encoding = 'UTF-8'", setup, sql, NULL);
    survives("PRAGMA encoding = 'UTF-16'", setup, sql, NULL);
}

CLAIM(a_failed_allocation_ends_a_scan_of_a_list)
{
    survives_in_both("SELECT 1", "SELECT id, user_ids FROM kal_groups WHERE id IN (SELECT group_id FROM kal_group_members)");
}

CLAIM(a_failed_allocation_ends_a_scan_of_events)
{
    survives_in_both("SELECT 1", "SELECT id, created_at FROM kal_events WHERE event_type IN ('create', 'update')"
                                 " AND created_at > '2025-10-01' ORDER BY created_at DESC LIMIT 9");
}

CLAIM(a_failed_allocation_ends_a_join_of_events)
{
    survives_in_both(
        "SELECT count(*) FROM kal_members",
        "SELECT m.id, count(e.id) FROM kal_members AS m LEFT JOIN kal_events AS e ON e.event_user_id = m.id GROUP BY m.id");
}

CLAIM(a_failed_allocation_ends_a_function)
{
    survives_in_both("SELECT 1", "SELECT kal_call('workspace.get_workspace', '{}'), kal_time('2025-10-01'), kal_refresh()");
}

/* Seen red: an option that could not be copied was ignored, so that credentials came from the environment. */
CLAIM(a_failed_allocation_ends_kal_open)
{
    survives("SELECT 1", "SELECT 1", "SELECT kal_open('{\"client_id\": \"demo-client\", \"timeout_ms\": 5000}')",
             "malformed JSON");
    sqlite3 *db = opened();
    unsetenv("KALEIDOSCOPE_API_CLIENT_SECRET");
    for (long n = 0; n < 400; n++) {
        remaining = n;
        has_failed = false;
        int code = run(db, "SELECT kal_open('{\"client_secret\": \"demo-secret\"}')");
        remaining = -1;
        if (code == SQLITE_DONE)
            CHECK_INT(number(db, "SELECT length(kal_call('workspace.get_workspace')) > 0"), 1);
        if (!has_failed)
            break;
    }
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", "demo-secret", 1);
    closed(db);
}

/* Seen red: 'events' was "not a name"; in UTF-16, the base_url that could not be converted was NULL, a crash. */
CLAIM(a_failed_allocation_ends_kal_sync)
{
    survives_in_both("SELECT 1", "SELECT kal_sync('main.\"events\"')");
}

CLAIM(a_failed_allocation_ends_a_later_run_of_kal_sync)
{
    survives_in_both("SELECT kal_sync('events')", "SELECT kal_sync('events')");
}

int main(int argc, char **argv)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &allocator);
    sqlite3_mem_methods failing = allocator;
    failing.xMalloc = allocate;
    failing.xRealloc = reallocate;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    /* Lookaside memory would hide allocations. */
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    return run_with_server(argc, argv);
}
