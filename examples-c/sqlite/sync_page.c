/* kal_sync_page: the events of one page as rows, so that one statement inserts them all. Its hidden column is a pointer to the
 * page, which only C can pass: to others the table is empty. */
#include "sync.h"
SQLITE_EXTENSION_INIT3

#define PAGE_COLUMN EVENT_KEY

/* The normal form of times compares as text, so no collation is needed to read the table without the extension. */
const char *const sync_columns[EVENT_KEY][2] = {
    [EVENT_ID] = { "id", "TEXT NOT NULL PRIMARY KEY" },
    [EVENT_TYPE] = { "event_type", "TEXT" },
    [EVENT_TYPE_VERSION] = { "event_type_version", "INTEGER" },
    [EVENT_CREATED_AT] = { "created_at", "TEXT" },
    [EVENT_USER_ID] = { "event_user_id", "TEXT" },
    [EVENT_FULL_NAME] = { "full_name", "TEXT" },
    [EVENT_PREFERRED_NAME] = { "preferred_name", "TEXT" },
    [EVENT_RESOURCE_ID] = { "resource_id", "TEXT" },
    [EVENT_RESOURCE_TYPE] = { "resource_type", "TEXT" },
    [EVENT_PARENT_BULK_EVENT_ID] = { "parent_bulk_event_id", "TEXT" },
    [EVENT_ATTRS] = { "event_attrs", "TEXT" },
    [EVENT_IS_BOT] = { "is_bot", "INTEGER" },
    [EVENT_IS_BULK] = { "is_bulk", "INTEGER" },
    [EVENT_CREATED_AT_RAW] = { "created_at_raw", "TEXT" },
};

typedef struct cursor {
    sqlite3_vtab_cursor base;
    const kal_workspace_event *const *events;
    size_t count, position;
} cursor;

static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **made, char **message)
{
    sqlite3_str *schema = sqlite3_str_new(db);
    (void)data, (void)count, (void)arguments, (void)message;
    for (int i = 0; i < EVENT_KEY; i++)
        sqlite3_str_appendf(schema, "%s%s", i ? ", " : "CREATE TABLE x(", sync_columns[i][0]);
    sqlite3_str_appendall(schema, ", page HIDDEN)");
    char *text = sqlite3_str_finish(schema);
    int code = text ? sqlite3_declare_vtab(db, text) : SQLITE_NOMEM;
    sqlite3_free(text);
    *made = code == SQLITE_OK ? sqlite3_malloc(sizeof **made) : NULL;
    if (code == SQLITE_OK && !*made)
        return SQLITE_NOMEM;
    if (*made)
        **made = (sqlite3_vtab){ .nRef = 0 };
    return code;
}

static int disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* The page has to be given. */
static int best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    int page = -1;
    (void)table;
    for (int i = 0; i < info->nConstraint; i++)
        if (info->aConstraint[i].iColumn == PAGE_COLUMN && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ) {
            if (!info->aConstraint[i].usable)
                return SQLITE_CONSTRAINT;
            page = i;
        }
    if (page >= 0)
        info->aConstraintUsage[page] = (struct sqlite3_index_constraint_usage){ .argvIndex = 1, .omit = 1 };
    info->estimatedRows = SYNC_PAGE;
    info->estimatedCost = SYNC_PAGE;
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

static int close_cursor(sqlite3_vtab_cursor *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int unused, const char *text, int count, sqlite3_value **values)
{
    cursor *at = (cursor *)base;
    const kal_result *page = count > 0 ? sqlite3_value_pointer(values[0], SYNC_PAGE_POINTER) : NULL;
    (void)unused, (void)text;
    at->count = at->position = 0;
    if (page)
        at->events = kal_result_workspace_events(*page, &at->count);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    ((cursor *)base)->position++;
    return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((cursor *)base)->position >= ((cursor *)base)->count;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const cursor *at = (const cursor *)base;
    if (column != PAGE_COLUMN)
        event_column(context, at->events[at->position], column);
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
    *id = (sqlite3_int64)((cursor *)base)->position;
    return SQLITE_OK;
}

const sqlite3_module sync_page_module = {
    .xConnect = connect,
    .xDisconnect = disconnect,
    .xBestIndex = best_index,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRowid = rowid,
};
