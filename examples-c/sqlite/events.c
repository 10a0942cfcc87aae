/* kal_events: a stream of events. A page is requested when its first row is read, so that LIMIT limits the requests. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

typedef struct table {
    sqlite3_vtab base;
    connection *connection;
} table;

typedef struct cursor {
    sqlite3_vtab_cursor base;
    events_query *query;
    kal_stream stream;
    kal_result page;
    const kal_workspace_event *const *events;
    size_t count, position; /* in the page */
} cursor;

/* In the order of enum event_column. The key is the id: a stream returns each event once, and SQLite recognizes an event by its
 * key in another stream with other filters. It is a separate column, so that SQLite does not plan with id as a unique key. */
static const char schema[] =
    "CREATE TABLE x(id TEXT, event_type TEXT, event_type_version INTEGER, created_at TEXT COLLATE " TIMESTAMP_COLLATION ","
    " event_user_id TEXT, full_name TEXT, preferred_name TEXT, resource_id TEXT, resource_type TEXT,"
    " parent_bulk_event_id TEXT, event_attrs TEXT, is_bot INTEGER, is_bulk INTEGER, created_at_raw TEXT,"
    " " KEY_COLUMN " TEXT HIDDEN NOT NULL PRIMARY KEY) WITHOUT ROWID";

static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **made, char **message)
{
    int code = virtual_table_declare(db, schema, count, arguments, message);
    table *table = code == SQLITE_OK ? sqlite3_malloc(sizeof *table) : NULL;
    if (!table)
        return code == SQLITE_OK ? SQLITE_NOMEM : code;
    *table = (struct table){ .connection = data };
    *made = &table->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **made)
{
    cursor *at = sqlite3_malloc(sizeof *at);
    (void)table;
    if (!at)
        return SQLITE_NOMEM;
    *at = (cursor){ .count = 0 };
    *made = &at->base;
    return SQLITE_OK;
}

static void clear(cursor *at)
{
    sqlite3_vtab_cursor base = at->base;
    kal_result_free(at->page);
    kal_stream_free(at->stream);
    events_query_free(at->query);
    *at = (cursor){ .base = base };
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    clear((cursor *)base);
    sqlite3_free(base);
    return SQLITE_OK;
}

/* Reads the next page of the stream, or the first one of the next stream. `count` is 0 at the end. */
static int fetch(cursor *at)
{
    connection *connection = ((table *)at->base.pVtab)->connection;
    char **message = &at->base.pVtab->zErrMsg;
    int code = SQLITE_DONE;
    kal_result_free(at->page);
    at->page = (kal_result)KAL_NONE;
    at->count = at->position = 0;
    if (at->stream.id != 0)
        code = connection_next_page(connection, at->stream, &at->page, message);
    while (code == SQLITE_DONE) {
        kal_stream_free(at->stream);
        at->stream = (kal_stream)KAL_NONE;
        code = events_query_stream(at->query, connection, &at->stream, message);
        if (code == SQLITE_DONE)
            return SQLITE_OK;
        if (code == SQLITE_OK)
            code = connection_next_page(connection, at->stream, &at->page, message);
    }
    if (code == SQLITE_OK)
        at->events = kal_result_workspace_events(at->page, &at->count);
    return code;
}

/* Advances to the next event that belongs to the stream, starting at the current position. */
static int settle(cursor *at)
{
    for (;; at->position++) {
        if (at->position >= at->count) {
            int code = fetch(at);
            if (code != SQLITE_OK || at->count == 0)
                return code;
        }
        if (events_query_matches(at->query, at->events[at->position]))
            return SQLITE_OK;
    }
}

static int filter(sqlite3_vtab_cursor *base, int unused, const char *arguments, int count, sqlite3_value **values)
{
    cursor *at = (cursor *)base;
    (void)unused, (void)count;
    clear(at);
    int code = events_query_new(arguments, values, &at->query);
    return code == SQLITE_OK ? settle(at) : code;
}

static int next(sqlite3_vtab_cursor *base)
{
    ((cursor *)base)->position++;
    return settle((cursor *)base);
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((cursor *)base)->position >= ((cursor *)base)->count;
}

/* -1 means absent. */
static void number(sqlite3_context *context, int64_t value)
{
    if (value == -1)
        sqlite3_result_null(context);
    else
        sqlite3_result_int64(context, value);
}

void event_column(sqlite3_context *context, const kal_workspace_event *event, int column)
{
    const char *const texts[] = {
        [EVENT_ID] = event->id,
        [EVENT_TYPE] = event->event_type,
        [EVENT_CREATED_AT_RAW] = event->created_at,
        [EVENT_USER_ID] = event->event_user_id,
        [EVENT_FULL_NAME] = event->full_name,
        [EVENT_PREFERRED_NAME] = event->preferred_name,
        [EVENT_RESOURCE_ID] = event->resource_id,
        [EVENT_RESOURCE_TYPE] = event->resource_type,
        [EVENT_PARENT_BULK_EVENT_ID] = event->parent_bulk_event_id,
        [EVENT_ATTRS] = event->event_attrs,
        [EVENT_KEY] = event->id,
    };
    if (column == EVENT_TYPE_VERSION)
        number(context, event->event_type_version);
    else if (column == EVENT_IS_BOT)
        number(context, event->is_bot);
    else if (column == EVENT_IS_BULK)
        number(context, event->is_bulk);
    else if (column == EVENT_CREATED_AT)
        timestamp_result(context, event->created_at_us);
    else
        sqlite3_result_text(context, texts[column], -1, SQLITE_TRANSIENT);
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    event_column(context, ((cursor *)base)->events[((cursor *)base)->position], column);
    return SQLITE_OK;
}

/* xCreate is xConnect: the table also exists without CREATE VIRTUAL TABLE. No xUpdate: read-only. */
const sqlite3_module events_module = {
    .xCreate = connect,
    .xConnect = connect,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xBestIndex = events_best_index,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRename = virtual_table_rename,
};
