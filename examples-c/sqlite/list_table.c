/* The virtual tables of lists. The client caches each list; the cursors of a statement share one snapshot of it, so that the
 * position of a row is its key. */
#include "lists.h"
SQLITE_EXTENSION_INIT3

#include <stdlib.h>

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

#define ROWS 10000
#define TEXTS 25

/* idxNum: 0, or which key is looked up, and whether it is an IN. */
static int plan_of(int key, bool is_list)
{
    return 1 + 2 * key + is_list;
}

/* Whether rows can be looked up by the constraint, and by which key. Comparisons with another collation are left to SQLite. */
static bool has_key(const list *list, sqlite3_index_info *info, int constraint, int *key)
{
    if (!info->aConstraint[constraint].usable || info->aConstraint[constraint].op != SQLITE_INDEX_CONSTRAINT_EQ
        || sqlite3_stricmp(sqlite3_vtab_collation(info, constraint), "BINARY") != 0)
        return false;
    for (*key = 0; *key < list->keys_len; ++*key)
        if (list->keys[*key].column == info->aConstraint[constraint].iColumn)
            return true;
    return false;
}

/* Selects the constraint by which rows are looked up. SQLite checks every row again. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const list *list = ((table *)base)->data->list;
    int best = -1, key;
    info->estimatedRows = ROWS;
    for (int i = 0; i < info->nConstraint && i < MAX_CONSTRAINTS; i++) {
        if (!has_key(list, info, i, &key))
            continue;
        bool is_list = sqlite3_vtab_in(info, i, -1);
        int rows = list->keys[key].rows * (is_list ? TEXTS : 1);
        if (rows < info->estimatedRows) {
            best = i;
            info->estimatedRows = rows;
            info->idxNum = plan_of(key, is_list);
        }
    }
    if (best >= 0) {
        sqlite3_vtab_in(info, best, 1);
        info->aConstraintUsage[best].argvIndex = 1;
    }
    info->estimatedCost = 2.0 + (double)info->estimatedRows;
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
    sqlite3_free(at->rows);
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

/* Skips the records without rows. */
static void settle(cursor *at)
{
    while (at->record < at->count && at->inner >= list_rows(list_of(at), at)) {
        at->record++;
        at->inner = 0;
    }
}

/* Moves to the next row that was looked up. */
static void move(cursor *at)
{
    uint32_t row = at->rows ? at->rows[at->rows_read] : at->next;
    lookup_move(at->lookup, at, row);
    if (row == NO_ROW)
        return;
    at->rows_read++;
    at->next = lookup_next(at->lookup, row);
}

/* Returns the hash of a key, which the first cursor of the snapshot makes. */
static const lookup *lookup_of(const cursor *at, int key)
{
    const list *list = list_of(at);
    lookup **made = &at->snapshot->lookups[list->first_lookup + key];
    if (!*made)
        *made = lookup_new(list, at->snapshot, key);
    return *made;
}

/* Selects the rows whose key is equal to the value. */
static int look_up(cursor *at, int key, sqlite3_value *value)
{
    at->next = lookup_first(at->lookup, list_of(at), at, key, (const char *)sqlite3_value_text(value));
    move(at);
    return SQLITE_OK;
}

static int compare_rows(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Selects the rows whose key is equal to one of the values. */
static int look_up_all(cursor *at, int key, sqlite3_value *values)
{
    size_t len = 0, capacity = 0;
    sqlite3_value *value;
    int code = sqlite3_vtab_in_first(values, &value);
    for (; code == SQLITE_OK && value; code = sqlite3_vtab_in_next(values, &value)) {
        uint32_t row = NO_ROW;
        if (equal_texts(value) == TEXTS_ITSELF)
            row = lookup_first(at->lookup, list_of(at), at, key, (const char *)sqlite3_value_text(value));
        for (; row != NO_ROW; row = lookup_next(at->lookup, row)) {
            if (len + 1 >= capacity) {
                capacity = capacity ? 2 * capacity : 16;
                uint32_t *more = sqlite3_realloc64(at->rows, capacity * sizeof *more);
                if (!more)
                    return SQLITE_NOMEM;
                at->rows = more;
            }
            at->rows[len++] = row;
        }
    }
    if (code != SQLITE_OK && code != SQLITE_DONE)
        return code;
    at->next = NO_ROW;
    if (at->rows) {
        /* In the order of the list. Texts that differ have different rows. */
        qsort(at->rows, len, sizeof *at->rows, compare_rows);
        at->rows[len] = NO_ROW;
    }
    move(at);
    return SQLITE_OK;
}

/* What the values are equal to: TEXTS_UNKNOWN if any of them is, which a hash does not find. */
static int equal_to(sqlite3_value *values, bool is_list, enum equal_texts *equal)
{
    sqlite3_value *value = values;
    int code = is_list ? sqlite3_vtab_in_first(values, &value) : SQLITE_OK;
    *equal = TEXTS_NONE;
    while (code == SQLITE_OK && value) {
        enum equal_texts one = equal_texts(value);
        *equal = one > *equal ? one : *equal;
        code = is_list ? sqlite3_vtab_in_next(values, &value) : SQLITE_DONE;
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *unused, int count, sqlite3_value **values)
{
    cursor *at = (cursor *)base;
    const list_table_data *data = data_of(at);
    int key = (plan - 1) / 2;
    bool is_list = plan == plan_of(key, true);
    enum equal_texts equal = TEXTS_UNKNOWN;
    (void)unused, (void)count;
    clear(at);
    int code = plan != 0 ? equal_to(values[0], is_list, &equal) : SQLITE_OK;
    if (code != SQLITE_OK || equal == TEXTS_NONE)
        return code;
    if (!at->snapshot)
        code = snapshot_read(data->connection, data->list->listing, &at->snapshot, &base->pVtab->zErrMsg);
    if (code != SQLITE_OK)
        return code;
    data->list->read(at);
    at->lookup = equal == TEXTS_ITSELF ? lookup_of(at, key) : NULL;
    if (at->lookup)
        return is_list ? look_up_all(at, key, values[0]) : look_up(at, key, values[0]);
    settle(at);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    cursor *at = (cursor *)base;
    if (at->lookup) {
        move(at);
        return SQLITE_OK;
    }
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
