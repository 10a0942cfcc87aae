/* Statements and transactions of kal_sync, on the host's connection. */
#include "sync.h"
SQLITE_EXTENSION_INIT3

#include <stdarg.h>

int sync_failed(sync_table *table, int code)
{
    if (!table->message && code != SQLITE_NOMEM)
        table->message = sqlite3_mprintf("kal_sync: table %s: %s", table->table, sqlite3_errmsg(table->connection->db));
    return code;
}

int sync_prepare(sync_table *table, sqlite3_stmt **statement, const char *format, ...)
{
    va_list arguments;
    *statement = NULL;
    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    int code = sql ? sqlite3_prepare_v2(table->connection->db, sql, -1, statement, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return code == SQLITE_OK ? code : sync_failed(table, code);
}

int sync_step(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    return code == SQLITE_ROW ? sqlite3_step(statement) : code;
}

int sync_run(sync_table *table, sqlite3_stmt *statement, int code)
{
    if (code == SQLITE_OK && (code = sync_step(statement)) != SQLITE_DONE)
        sync_failed(table, code);
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int sync_set(char **field, const char *text)
{
    char *copy = text ? sqlite3_mprintf("%s", text) : NULL;
    sqlite3_free(*field);
    *field = copy;
    return text && !copy ? SQLITE_NOMEM : SQLITE_OK;
}

int sync_set_column(char **field, sqlite3_stmt *row, int column)
{
    /* First, because a text that cannot be converted to UTF-8 for lack of memory becomes NULL. */
    bool is_null = sqlite3_column_type(row, column) == SQLITE_NULL;
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text || is_null ? sync_set(field, text) : SQLITE_NOMEM;
}

bool sync_is_writing(sqlite3 *db)
{
    for (sqlite3_stmt *statement = sqlite3_next_stmt(db, NULL); statement; statement = sqlite3_next_stmt(db, statement))
        if (sqlite3_stmt_busy(statement) && !sqlite3_stmt_readonly(statement))
            return true;
    return false;
}

int sync_begin(sync_table *table, sync_transaction *transaction, sqlite3_stmt *write)
{
    sqlite3 *db = table->connection->db;
    sqlite3_stmt *savepoint;
    *transaction = (sync_transaction){ .is_nested = !sqlite3_get_autocommit(db), .write = write };
    int code = sync_prepare(table, &savepoint, "SAVEPOINT kal_sync");
    /* Once the host has interrupted the connection, nothing can be prepared. */
    if (code == SQLITE_OK)
        code = sync_prepare(table, &transaction->release, "RELEASE kal_sync");
    if (code == SQLITE_OK)
        code = sync_prepare(table, &transaction->undo, transaction->is_nested ? "ROLLBACK TO kal_sync" : "ROLLBACK");
    code = sync_run(table, savepoint, code);
    if (code != SQLITE_OK) {
        sqlite3_finalize(transaction->release);
        sqlite3_finalize(transaction->undo);
        transaction->release = transaction->undo = NULL;
    }
    return code;
}

/* The failure may have ended the transaction already; then these fail. */
static void roll_back(sync_transaction *transaction)
{
    int code = sqlite3_step(transaction->undo);
    if (code == SQLITE_DONE && transaction->is_nested) {
        sqlite3_reset(transaction->release);
        code = sqlite3_step(transaction->release);
    }
    /* An interrupted connection does not run them. When it interrupts a statement that writes, SQLite rolls back the transaction,
     * the host's too. */
    if (code == SQLITE_INTERRUPT) {
        sqlite3_reset(transaction->write);
        sqlite3_step(transaction->write);
    }
}

int sync_end(sync_table *table, sync_transaction *transaction, int code)
{
    if (!transaction->release)
        return code;
    if (code == SQLITE_OK) {
        code = sqlite3_step(transaction->release);
        code = code == SQLITE_DONE ? SQLITE_OK : sync_failed(table, code);
    }
    if (code != SQLITE_OK)
        roll_back(transaction);
    sqlite3_finalize(transaction->release);
    sqlite3_finalize(transaction->undo);
    return code;
}
