/* The local table of kal_sync and its row in kal_sync_state, which is in the same schema so that both change in one transaction.
 */
#include "sync.h"
SQLITE_EXTENSION_INIT3

static const char state_columns[] =
    "table_name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, base_url TEXT NOT NULL, workspace_id TEXT NOT NULL, cursor TEXT,"
    " is_complete INTEGER NOT NULL DEFAULT 0, late_from TEXT, ahead INTEGER NOT NULL DEFAULT 0,"
    " version INTEGER NOT NULL DEFAULT 0, synced_at TEXT";

void sync_table_clear(sync_table *table)
{
    char **const owned[] = { &table->schema,       &table->name,   &table->table,     &table->state,  &table->base_url,
                             &table->workspace_id, &table->cursor, &table->late_from, &table->message };
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        sqlite3_free(*owned[i]);
        *owned[i] = NULL;
    }
}

static bool has_column(const sync_table *table, const char *name, const char *column)
{
    return sqlite3_table_column_metadata(table->connection->db, table->schema, name, column, NULL, NULL, NULL, NULL, NULL)
           == SQLITE_OK;
}

/* Returns an error that names the columns that the table does not have. */
static int check_columns(sync_table *table)
{
    sqlite3_str *missing = sqlite3_str_new(NULL);
    for (int i = 0; i < EVENT_KEY; i++)
        if (!has_column(table, table->name, sync_columns[i][0]))
            sqlite3_str_appendf(missing, "%s%s", sqlite3_str_length(missing) ? ", " : "", sync_columns[i][0]);
    char *names = sqlite3_str_finish(missing);
    if (!names)
        return SQLITE_OK;
    table->message = sqlite3_mprintf("kal_sync: table %s has no column %s; name a table that does not exist, and it is created",
                                     table->table, names);
    sqlite3_free(names);
    return SQLITE_ERROR;
}

static int load_row(sync_table *table, sqlite3_stmt *row)
{
    int code = sqlite3_step(row);
    table->is_known = code == SQLITE_ROW;
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_OK : sync_failed(table, code);
    char **const texts[] = { &table->base_url, &table->workspace_id, &table->cursor, &table->late_from };
    for (int i = 0; i < 4; i++)
        if (sync_set_column(texts[i], row, i) != SQLITE_OK)
            return SQLITE_NOMEM;
    table->is_complete = sqlite3_column_int(row, 4);
    table->ahead = sqlite3_column_int64(row, 5);
    table->version = sqlite3_column_int64(row, 6);
    table->has_rows = sqlite3_column_int(row, 7);
    return SQLITE_OK;
}

static int load_state(sync_table *table)
{
    sqlite3_stmt *row;
    int code =
        sync_prepare(table, &row,
                     "SELECT ifnull(base_url, ''), ifnull(workspace_id, ''), cursor, late_from, is_complete, ahead, version,"
                     " EXISTS(SELECT 1 FROM %s) FROM %s WHERE table_name = ?1",
                     table->table, table->state);
    if (code == SQLITE_OK && (code = sqlite3_bind_text(row, 1, table->name, -1, SQLITE_STATIC)) == SQLITE_OK)
        code = load_row(table, row);
    sqlite3_finalize(row);
    return code;
}

/* A view is not found as a table. */
static int check_is_no_view(sync_table *table)
{
    sqlite3_stmt *row;
    int code = sync_prepare(table, &row, "SELECT 1 FROM \"%w\".sqlite_master WHERE name = ?1 COLLATE NOCASE AND type = 'view'",
                            table->schema);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(row, 1, table->name, -1, SQLITE_STATIC);
    if (code == SQLITE_OK && (code = sqlite3_step(row)) != SQLITE_DONE) {
        if (code == SQLITE_ROW)
            table->message =
                sqlite3_mprintf("kal_sync: %s is a view; name a table, which is created if it does not exist", table->table);
        code = code == SQLITE_ROW ? SQLITE_ERROR : sync_failed(table, code);
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int sync_table_load(sync_table *table)
{
    sqlite3 *db = table->connection->db;
    int is_read_only = sqlite3_db_readonly(db, table->schema);
    /* There is no temporary database before its first table. */
    if (is_read_only < 0 && sqlite3_stricmp(table->schema, "temp") == 0)
        is_read_only = 0;
    if (is_read_only != 0) {
        table->message = is_read_only < 0 ? sqlite3_mprintf("kal_sync: there is no database %s; ATTACH it first", table->schema)
                                          : sqlite3_mprintf("kal_sync: database %s is read-only", table->schema);
        return is_read_only < 0 ? SQLITE_ERROR : SQLITE_READONLY;
    }
    if (sync_is_writing(db)) {
        table->message =
            sqlite3_mprintf("kal_sync: another statement of this connection is writing; call kal_sync outside of it, "
                            "as SELECT kal_sync(%Q)",
                            table->name);
        return SQLITE_BUSY;
    }
    table->is_known = table->has_rows = false;
    table->exists = has_column(table, table->name, NULL);
    int code = table->exists ? check_columns(table) : check_is_no_view(table);
    if (code == SQLITE_OK && table->exists && has_column(table, "kal_sync_state", NULL))
        code = load_state(table);
    return code;
}

static int create_table(sync_table *table)
{
    sqlite3_str *columns = sqlite3_str_new(NULL);
    sqlite3_stmt *statement = NULL;
    for (int i = 0; i < EVENT_KEY; i++)
        sqlite3_str_appendf(columns, "%s%s %s", i ? ", " : "", sync_columns[i][0], sync_columns[i][1]);
    char *text = sqlite3_str_finish(columns);
    int code = text ? sync_prepare(table, &statement, "CREATE TABLE IF NOT EXISTS %s(%s)", table->table, text) : SQLITE_NOMEM;
    code = sync_run(table, statement, code);
    sqlite3_free(text);
    return code;
}

/* Every run reads the newest times. */
static int create_index(sync_table *table)
{
    sqlite3_stmt *statement = NULL;
    int code = sync_prepare(table, &statement, "CREATE INDEX IF NOT EXISTS \"%w\".\"%w_created_at\" ON \"%w\"(created_at)",
                            table->schema, table->name, table->name);
    return sync_run(table, statement, code);
}

/* Adds the row of the table. That of an empty table, which another may have left, is begun anew. */
static int create_row(sync_table *table, const char *base_url, const char *workspace_id)
{
    sqlite3_stmt *statement = NULL;
    int code = sync_prepare(table, &statement,
                            "INSERT INTO %s(table_name, base_url, workspace_id) VALUES (?1, ?2, ?3)"
                            " ON CONFLICT(table_name) DO UPDATE SET base_url = ?2, workspace_id = ?3, cursor = NULL,"
                            " is_complete = 0, late_from = NULL, ahead = 0, version = version + 1, synced_at = NULL"
                            " WHERE NOT EXISTS (SELECT 1 FROM %s)",
                            table->state, table->table);
    const char *const texts[] = { table->name, base_url, workspace_id };
    for (int i = 0; i < 3 && code == SQLITE_OK; i++)
        code = sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
    return sync_run(table, statement, code);
}

/* Not in one transaction: a run that ends between these statements is repeated. */
int sync_table_create(sync_table *table, const char *base_url, const char *workspace_id)
{
    sqlite3_stmt *statement = NULL;
    int code = sync_prepare(table, &statement, "CREATE TABLE IF NOT EXISTS %s(%s)", table->state, state_columns);
    code = sync_run(table, statement, code);
    if (code == SQLITE_OK && !table->exists)
        code = create_table(table);
    if (code == SQLITE_OK)
        code = create_index(table);
    return code == SQLITE_OK ? create_row(table, base_url, workspace_id) : code;
}
