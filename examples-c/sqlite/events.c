/* kal_events: a stream of events. */
#include "events.h"
SQLITE_EXTENSION_INIT3

typedef struct table {
    sqlite3_vtab base;
    connection *connection;
} table;

typedef struct cursor {
    sqlite3_vtab_cursor base;
    events_store *store; /* NULL until the first scan, unless another cursor is open */
    events_scan scan;
    const kal_workspace_event *event; /* NULL at the end */
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

/* SQLite opens the cursor of the next scan before it closes the previous one: the new cursor keeps the store alive. */
static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **made)
{
    cursor *at = sqlite3_malloc(sizeof *at);
    if (!at)
        return SQLITE_NOMEM;
    *at = (cursor){ .store = events_store_current(((table *)base)->connection) };
    *made = &at->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    cursor *at = (cursor *)base;
    events_scan_end(&at->scan);
    events_store_release(at->store);
    sqlite3_free(at);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    cursor *at = (cursor *)base;
    at->event = NULL;
    return events_scan_next(&at->scan, &at->event, &base->pVtab->zErrMsg);
}

static int filter(sqlite3_vtab_cursor *base, int order, const char *arguments, int count, sqlite3_value **values)
{
    cursor *at = (cursor *)base;
    connection *connection = ((table *)base->pVtab)->connection;
    events_query *query;
    (void)count;
    events_scan_end(&at->scan);
    at->event = NULL;
    int code = events_query_new(order, arguments, values, &query);
    if (code == SQLITE_OK && !at->store && !(at->store = events_store_get(connection)))
        code = SQLITE_NOMEM;
    if (code != SQLITE_OK || query->is_empty) {
        events_query_free(query);
        return code;
    }
    code = events_store_scan(at->store, query, &at->scan, &base->pVtab->zErrMsg);
    return code == SQLITE_OK ? next(base) : code;
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((cursor *)base)->event == NULL;
}

/* -1 means absent. */
static void number(sqlite3_context *context, int64_t value)
{
    if (value == -1)
        sqlite3_result_null(context);
    else
        sqlite3_result_int64(context, value);
}

/* SQLite may use the text when the page is freed, such as in max(): it copies it. */
static void text(sqlite3_context *context, const char *text)
{
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

void event_column(sqlite3_context *context, const kal_workspace_event *event, int column)
{
    switch (column) {
    case EVENT_ID:
    case EVENT_KEY: text(context, event->id); break;
    case EVENT_TYPE: text(context, event->event_type); break;
    case EVENT_TYPE_VERSION: number(context, event->event_type_version); break;
    case EVENT_CREATED_AT: timestamp_result(context, event->created_at_us); break;
    case EVENT_CREATED_AT_RAW: text(context, event->created_at); break;
    case EVENT_USER_ID: text(context, event->event_user_id); break;
    case EVENT_FULL_NAME: text(context, event->full_name); break;
    case EVENT_PREFERRED_NAME: text(context, event->preferred_name); break;
    case EVENT_RESOURCE_ID: text(context, event->resource_id); break;
    case EVENT_RESOURCE_TYPE: text(context, event->resource_type); break;
    case EVENT_PARENT_BULK_EVENT_ID: text(context, event->parent_bulk_event_id); break;
    case EVENT_ATTRS: text(context, event->event_attrs); break;
    case EVENT_IS_BOT: number(context, event->is_bot); break;
    case EVENT_IS_BULK: number(context, event->is_bulk); break;
    default: break;
    }
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    event_column(context, ((cursor *)base)->event, column);
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
