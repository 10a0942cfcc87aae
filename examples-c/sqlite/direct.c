/* Functions that use the client are direct-only: what is stored in a database file must not call them. Before 3.50, SQLite lets
 * CHECK constraints do it all the same. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

/* CHECK constraints are evaluated by statements that write, and by PRAGMA integrity_check and quick_check. */
static bool evaluates_checks(sqlite3_stmt *statement, const char *text)
{
    return !sqlite3_stmt_readonly(statement) || sqlite3_strlike("%pragma%", text, 0) == 0;
}

/* Whether any statement that runs may have called the function other than by its own text. */
static bool may_be_called_by_check(sqlite3 *db, const char *pattern)
{
    bool checks = false;
    for (sqlite3_stmt *statement = NULL; (statement = sqlite3_next_stmt(db, statement));) {
        const char *text = sqlite3_stmt_busy(statement) ? sqlite3_sql(statement) : NULL;
        if (text && sqlite3_strlike(pattern, text, 0) == 0)
            return false;
        checks |= text && evaluates_checks(statement, text);
    }
    return checks;
}

bool is_direct(sqlite3_context *context, const char *function)
{
    char pattern[50], message[50];
    sqlite3_snprintf(sizeof pattern, pattern, "%%%s%%", function);
    if (sqlite3_libversion_number() >= 3050000 || !may_be_called_by_check(sqlite3_context_db_handle(context), pattern))
        return true;
    /* As SQLite says it. */
    sqlite3_snprintf(sizeof message, message, "unsafe use of %s()", function);
    sqlite3_result_error(context, message, -1);
    return false;
}
