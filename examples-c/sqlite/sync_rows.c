/* Rows of the local table of kal_sync: adds the events of a page, and compares a page with them. */
#include "sync.h"
SQLITE_EXTENSION_INIT3

#include <time.h>

/* The normal form of a time from its seconds. */
#define NORMAL_DATE "strftime('%%Y-%%m-%%dT%%H:%%M:%%S.000000Z', "
/* A second before and after a time as parameters of a request, which begin with the year 1; NULL: no limit. */
#define DATE "strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', "
#define YEAR_1 "'0001-01-01T00:00:01Z'"
#define AFTER(time) "iif(" time " < " YEAR_1 ", NULL, " DATE time ", '-1 second'))"
#define BEFORE(time) "max(" YEAR_1 ", " DATE time ", '+1 second'))"

static int bind_page(sqlite3_stmt *statement, const kal_result *page)
{
    return sqlite3_bind_pointer(statement, 1, (void *)page, SYNC_PAGE_POINTER, NULL);
}

/* An event that is in the table stays as it is: the stream does not repeat an event, so a change would be seen by luck only. */
static int prepare_insert(sync_table *table, sqlite3_stmt **statement, const kal_result *page)
{
    sqlite3_str *names = sqlite3_str_new(NULL);
    for (int i = 0; i < EVENT_KEY; i++)
        sqlite3_str_appendf(names, "%s%s", i ? ", " : "", sync_columns[i][0]);
    char *text = sqlite3_str_finish(names);
    int code = text ? sync_prepare(table, statement,
                                   "INSERT INTO %s(%s) SELECT %s FROM kal_sync_page(?1) WHERE true ON CONFLICT(id) DO NOTHING",
                                   table->table, text, text)
                    : SQLITE_NOMEM;
    sqlite3_free(text);
    return code == SQLITE_OK ? bind_page(*statement, page) : code;
}

/* Not if another connection has changed the row since it was loaded, or the host has reset the cursor. */
static int prepare_update(sync_table *table, sqlite3_stmt **statement, const char *cursor, bool is_finished)
{
    int code = sync_prepare(table, statement,
                            "UPDATE %s SET cursor = ?1, is_complete = ?2, late_from = ?3, ahead = ?4, version = version + 1,"
                            " synced_at = iif(?5, " NORMAL_DATE "?5, 'unixepoch'), synced_at)"
                            " WHERE table_name = ?6 AND version = ?7 AND cursor IS ?8",
                            table->state);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(*statement, 1, cursor, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(*statement, 2, table->is_complete);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(*statement, 3, table->late_from, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(*statement, 5, is_finished ? (sqlite3_int64)time(NULL) : 0);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(*statement, 6, table->name, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(*statement, 7, table->version);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(*statement, 8, table->cursor, -1, SQLITE_STATIC);
    return code;
}

/* Runs a prepared statement and counts the rows that it changed. */
static int run(sync_table *table, sqlite3_stmt *statement, int64_t *rows)
{
    int code = sync_step(statement);
    *rows = sqlite3_changes64(table->connection->db);
    return code == SQLITE_DONE ? SQLITE_OK : sync_failed(table, code);
}

int sync_save(sync_table *table, const kal_result *page, const char *cursor, bool is_finished, int64_t *added)
{
    sqlite3_stmt *insert = NULL, *update = NULL;
    sync_transaction transaction = { .release = NULL };
    int64_t rows = 0, changed = 0, ahead = cursor ? 0 : table->ahead;
    const char *place = cursor ? cursor : table->cursor;
    int code = page ? prepare_insert(table, &insert, page) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = prepare_update(table, &update, place, is_finished);
    if (code == SQLITE_OK && page)
        code = sync_begin(table, &transaction, update);
    if (code == SQLITE_OK && page)
        code = run(table, insert, &rows);
    if (code == SQLITE_OK && !cursor)
        ahead += rows;
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(update, 4, ahead);
    if (code == SQLITE_OK)
        code = run(table, update, &changed);
    if (code == SQLITE_OK && changed == 0)
        code = SYNC_CHANGED;
    code = sync_end(table, &transaction, code);
    sqlite3_finalize(insert);
    sqlite3_finalize(update);
    if (code == SQLITE_OK && cursor)
        code = sync_set(&table->cursor, cursor);
    if (code != SQLITE_OK)
        return code;
    table->version++;
    table->ahead = ahead;
    table->added += rows;
    if (added)
        *added = rows;
    return SQLITE_OK;
}

int sync_forget_cursor(sync_table *table)
{
    sqlite3_stmt *statement;
    int code =
        sync_prepare(table, &statement, "UPDATE %s SET cursor = NULL, version = version + 1 WHERE table_name = ?1", table->state);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(statement, 1, table->name, -1, SQLITE_STATIC);
    return sync_run(table, statement, code);
}

int sync_compare(sync_table *table, const kal_result *page, const char *newest, sync_facts *facts)
{
    sqlite3_stmt *row;
    int code = sync_prepare(table, &row,
                            "SELECT count(*), count(local.id),"
                            " count(*) FILTER (WHERE local.id IS NULL AND page.created_at < ?2),"
                            " ifnull(max(page.created_at) >= ?2, 0)"
                            " FROM kal_sync_page(?1) AS page LEFT JOIN %s AS local ON local.id = page.id",
                            table->table);
    *facts = (sync_facts){ .events = 0 };
    if (code == SQLITE_OK)
        code = bind_page(row, page);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(row, 2, newest, -1, SQLITE_STATIC);
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        facts->events = sqlite3_column_int64(row, 0);
        facts->known = sqlite3_column_int64(row, 1);
        facts->late = sqlite3_column_int64(row, 2);
        facts->reaches_newest = sqlite3_column_int(row, 3);
    }
    if (code != SQLITE_OK && code != SQLITE_ROW)
        sync_failed(table, code);
    sqlite3_finalize(row);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

int sync_window_find(sync_table *table, const char *from, sync_window *window)
{
    sqlite3_stmt *row;
    char **const texts[] = { &window->newest, &window->start, &window->after_newest, &window->after, &window->before };
    *window = (sync_window){ .newest = NULL };
    int code =
        sync_prepare(table, &row,
                     "WITH newest(at) AS (SELECT max(created_at) FROM %s), start(at) AS"
                     " (SELECT (SELECT created_at FROM %s WHERE created_at < ?1 ORDER BY created_at DESC LIMIT 1 OFFSET %d))"
                     " SELECT newest.at, start.at, " AFTER("newest.at") ", " AFTER("start.at") ", " BEFORE(
                         "?2") ","
                               " EXISTS(SELECT 1 FROM %s WHERE created_at IS NULL) FROM newest, start",
                     table->table, table->table, SYNC_PAGE - 1, table->table);
    /* A time begins with a digit. */
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(row, 1, from ? from : "~", -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(row, 2, from, -1, SQLITE_STATIC);
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        for (int i = 0; i < 5 && code == SQLITE_ROW; i++)
            code = sync_set_column(texts[i], row, i) == SQLITE_OK ? SQLITE_ROW : SQLITE_NOMEM;
        window->has_undated = sqlite3_column_int(row, 5);
    }
    if (code != SQLITE_OK && code != SQLITE_ROW)
        sync_failed(table, code);
    sqlite3_finalize(row);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

void sync_window_clear(sync_window *window)
{
    char *const owned[] = { window->newest, window->start, window->after_newest, window->after, window->before };
    for (int i = 0; i < 5; i++)
        sqlite3_free(owned[i]);
    *window = (sync_window){ .newest = NULL };
}
