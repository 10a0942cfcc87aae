/* SELECT kal_sync('events'): brings a local table up to date with the events of the workspace.
 *
 * The first run reads all events through a stream and stores its cursor with each page, so that a run which ends early is
 * resumed. A later run looks at the newest events first, which takes one request (two of a list with the oldest events first). If
 * too many of them are new, or the run before did not end, the stream goes on from the cursor. If an event has arrived late,
 * dated before others that the table has, older events are read, too, in windows of SYNC_PAGE rows, until a window has nothing
 * new. */
#include "sync.h"
SQLITE_EXTENSION_INIT3

#include <stdlib.h>
#include <string.h>

/* The library's. */
#define DEFAULT_URL "https://api.kaleidoscope.bio"

/* --- Whose events they are */

/* Without a slash at its end. The caller frees it. */
static char *base_url(const sync_table *table)
{
    const char *url = table->connection->base_url;
    if (!url)
        url = getenv("KALEIDOSCOPE_API_URL");
    if (!url || !*url)
        url = DEFAULT_URL;
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    return sqlite3_mprintf("%.*s", (int)length, url);
}

/* `what` is the column of kal_sync_state. */
static int other_source(sync_table *table, const char *what, const char *theirs, const char *ours)
{
    table->message =
        sqlite3_mprintf("kal_sync: table %s has the events of %s %s, and this connection reads %s; sync into another "
                        "table, or if they are the same, change %s in %s",
                        table->table, what, theirs, ours, what, table->state);
    return SQLITE_ERROR;
}

static int check_url(sync_table *table)
{
    char *url = base_url(table);
    int code = !url ? SQLITE_NOMEM : SQLITE_OK;
    if (url && strcmp(url, table->base_url) != 0)
        code = other_source(table, "base_url", table->base_url, url);
    sqlite3_free(url);
    return code;
}

int sync_check_workspace(sync_table *table, bool may_create)
{
    kal_result result = KAL_NONE;
    int code = connection_call(table->connection, "workspace.get_workspace", NULL, &result, &table->message);
    if (code != SQLITE_OK)
        return code;
    const char *id = kal_result_workspace(result)->id;
    if (may_create && !(table->is_known && table->has_rows)) {
        char *url = base_url(table);
        code = url ? sync_table_create(table, url, id) : SQLITE_NOMEM;
        sqlite3_free(url);
        if (code == SQLITE_OK)
            code = sync_table_load(table);
        /* Another connection was faster: it may have read events, or dropped the table. */
        if (code == SQLITE_OK && (!table->is_known || table->cursor))
            code = SYNC_CHANGED;
        if (code == SQLITE_OK)
            code = check_url(table);
    }
    if (code == SQLITE_OK && strcmp(id, table->workspace_id) != 0)
        code = other_source(table, "workspace_id", table->workspace_id, id);
    kal_result_free(result);
    return code;
}

/* --- All events */

static int read_all(sync_table *table)
{
    sync_reader reader = { .stream = KAL_NONE };
    int code = sync_check_workspace(table, true);
    table->is_complete = false;
    if (code == SQLITE_OK)
        code = sync_set(&table->late_from, NULL);
    if (code == SQLITE_OK)
        code = sync_reader_open(table, &reader, NULL, NULL);
    if (code == SQLITE_OK && kal_stream_set_read_ahead(reader.stream, 1, NULL) != KAL_OK)
        code = SQLITE_NOMEM;
    while (code == SQLITE_OK && (code = sync_reader_next(table, &reader)) == SQLITE_OK)
        code = sync_save(table, &reader.page, kal_stream_cursor(reader.stream), false, NULL);
    if (code == SQLITE_DONE) {
        table->is_complete = true;
        code = sync_save(table, NULL, kal_stream_cursor(reader.stream), true, NULL);
    }
    sync_reader_close(&reader);
    return code;
}

/* --- The SQL function */

static int synchronize(sync_table *table)
{
    int code;
    do {
        code = sync_table_load(table);
        if (code == SQLITE_OK && table->is_known && table->has_rows)
            code = check_url(table);
        if (code == SQLITE_OK)
            code = table->is_known && table->cursor && table->has_rows ? sync_read_new(table) : read_all(table);
    } while (code == SYNC_CHANGED);
    return code;
}

/* Sets the names from the argument. */
static int set_names(sync_table *table, sqlite3_value *argument)
{
    bool is_name = sqlite3_value_type(argument) == SQLITE_TEXT;
    const char *text = (const char *)sqlite3_value_text(argument);
    if (is_name && !text)
        return SQLITE_NOMEM;
    is_name = is_name && strlen(text) == (size_t)sqlite3_value_bytes(argument);
    int code = is_name ? sync_name(text, &table->schema, &table->name) : SQLITE_ERROR;
    if (code == SQLITE_NOMEM)
        return code;
    if (code != SQLITE_OK || sqlite3_strnicmp(table->name, "kal_", 4) == 0) {
        table->message =
            sqlite3_mprintf("kal_sync: %Q is not a name for a local table; use 'events' or 'schema.events', and not the "
                            "name of a table of this extension",
                            text);
        return SQLITE_ERROR;
    }
    if (!table->schema && sync_set(&table->schema, "main") != SQLITE_OK)
        return SQLITE_NOMEM;
    table->table = sqlite3_mprintf("\"%w\".\"%w\"", table->schema, table->name);
    table->state = sqlite3_mprintf("\"%w\".kal_sync_state", table->schema);
    return table->table && table->state ? SQLITE_OK : SQLITE_NOMEM;
}

void kal_sync(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    sync_table table = { .connection = sqlite3_user_data(context) };
    sqlite3_int64 last_rowid = sqlite3_last_insert_rowid(table.connection->db);
    (void)count;
    if (!is_direct(context, "kal_sync"))
        return;
    int code = set_names(&table, arguments[0]);
    if (code == SQLITE_OK)
        code = synchronize(&table);
    sqlite3_set_last_insert_rowid(table.connection->db, last_rowid);
    if (code == SQLITE_OK)
        sqlite3_result_int64(context, table.added);
    else if (code == SQLITE_NOMEM)
        sqlite3_result_error_nomem(context);
    else {
        if (table.message)
            sqlite3_result_error(context, table.message, -1);
        sqlite3_result_error_code(context, code);
    }
    sync_table_clear(&table);
}
