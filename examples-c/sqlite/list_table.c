/* The virtual tables of lists. The client caches each list; the cursors of a statement share one snapshot of it, so that the
 * position of a row is its key. */
#include "lists.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

typedef list_cursor cursor;

typedef struct table {
    sqlite3_vtab base;
    list_table_data *data;
} table;

static int connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **made, char **message)
{
    list_table_data *of = data;
    char *schema = sqlite3_mprintf("CREATE TABLE x(%s, " KEY_COLUMN " INTEGER HIDDEN NOT NULL PRIMARY KEY) WITHOUT ROWID",
                                   of->list->columns);
    table *table = sqlite3_malloc(sizeof *table);
    int code = schema && table ? virtual_table_declare(db, schema, count, arguments, message) : SQLITE_NOMEM;
    sqlite3_free(schema);
    if (code != SQLITE_OK) {
        sqlite3_free(table);
        return code;
    }
    *table = (struct table){ .data = of };
    *made = &table->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* Looks up rows by id. SQLite checks every row again. Comparisons with another collation are left to SQLite, and so is IN: one at
 * a time, its values would be compared with the wrong affinity, because SQLite does not apply that of the IN. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const list *list = ((table *)base)->data->list;
    int arguments = 0;
    info->idxNum = 0;
    info->estimatedRows = 1000;
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (info->aConstraint[i].usable && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ && column >= 0
            && column < list->ids && !(info->idxNum & 1 << (2 * column + 1)) && !sqlite3_vtab_in(info, i, -1)
            && sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") == 0) {
            /* Two bits per column: whether it is constrained, and the index of the argument. */
            info->idxNum |= (2 | arguments) << 2 * column;
            info->aConstraintUsage[i].argvIndex = ++arguments;
            info->estimatedRows = info->estimatedRows > 100 ? info->estimatedRows / 100 : 1;
        }
    }
    info->estimatedCost = 100.0 + (double)info->estimatedRows;
    return SQLITE_OK;
}

static const list_table_data *data_of(const cursor *at)
{
    return ((table *)at->base.pVtab)->data;
}

static const list *list_of(const cursor *at)
{
    return data_of(at)->list;
}

/* SQLite opens the cursor of the next scan before it closes the previous one: the new cursor keeps the snapshot alive. */
static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **made)
{
    const list_table_data *data = ((table *)base)->data;
    cursor *at = sqlite3_malloc(sizeof *at);
    if (!at)
        return SQLITE_NOMEM;
    *at = (cursor){ .snapshot = snapshot_current(data->connection, data->list->listing) };
    *made = &at->base;
    return SQLITE_OK;
}

static void clear(cursor *at)
{
    sqlite3_free(at->wanted[0]);
    sqlite3_free(at->wanted[1]);
    *at = (cursor){ .base = at->base, .snapshot = at->snapshot };
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    cursor *at = (cursor *)base;
    clear(at);
    snapshot_release(data_of(at)->connection, at->snapshot);
    sqlite3_free(at);
    return SQLITE_OK;
}

static bool matches(const cursor *at)
{
    for (int column = 0; column < list_of(at)->ids; column++)
        if (at->wanted[column] && strcmp(at->wanted[column], list_of(at)->id(at, column)) != 0)
            return false;
    return true;
}

/* Advances to the next matching row, starting at the current position. */
static void settle(cursor *at)
{
    for (; at->record < at->count; at->record++, at->inner = 0) {
        size_t rows = list_of(at)->inner ? list_of(at)->inner(at) : 1;
        for (; at->inner < rows; at->inner++, at->position++)
            if (matches(at))
                return;
    }
}

static int filter(sqlite3_vtab_cursor *base, int wanted, const char *unused, int count, sqlite3_value **values)
{
    cursor *at = (cursor *)base;
    const list_table_data *data = data_of(at);
    (void)unused, (void)count;
    clear(at);
    for (int column = 0; column < data->list->ids; column++) {
        int bits = wanted >> 2 * column & 3;
        if (bits == 0)
            continue;
        enum equal_texts equal = equal_texts(values[bits & 1]);
        if (equal == TEXTS_NONE)
            return SQLITE_OK;
        if (equal == TEXTS_UNKNOWN)
            continue;
        at->wanted[column] = sqlite3_mprintf("%s", sqlite3_value_text(values[bits & 1]));
        if (!at->wanted[column])
            return SQLITE_NOMEM;
    }
    if (!at->snapshot) {
        int code = snapshot_read(data->connection, data->list->listing, &at->snapshot, &base->pVtab->zErrMsg);
        if (code != SQLITE_OK)
            return code;
    }
    data->list->read(at);
    settle(at);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    cursor *at = (cursor *)base;
    at->inner++;
    at->position++;
    settle(at);
    return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((cursor *)base)->record >= ((cursor *)base)->count;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const cursor *at = (const cursor *)base;
    if (column < list_of(at)->width)
        list_of(at)->column(at, context, column);
    else
        /* No list has 2^32 rows. The number differs after kal_open within a statement, because the rows do, too. */
        sqlite3_result_int64(context, at->snapshot->number << 32 | at->position);
    return SQLITE_OK;
}

/* xCreate is xConnect: the table also exists without CREATE VIRTUAL TABLE. No xUpdate: read-only. */
const sqlite3_module list_module = {
    .xCreate = connect,
    .xConnect = connect,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xBestIndex = best_index,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRename = virtual_table_rename,
};
