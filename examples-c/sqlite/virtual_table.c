/* What all tables have in common: they are there without CREATE VIRTUAL TABLE, and can be created by it under any name, without
 * arguments. Nothing that is stored in a database file may read them: see SQLITE_VTAB_DIRECTONLY. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

/* The module, the database and the table. */
#define NO_ARGUMENTS 3

int virtual_table_declare(sqlite3 *db, const char *schema, int count, const char *const *arguments, char **message)
{
    if (count > NO_ARGUMENTS) {
        *message =
            sqlite3_mprintf("%s takes no arguments: CREATE VIRTUAL TABLE %s USING %s", arguments[0], arguments[2], arguments[0]);
        return *message ? SQLITE_ERROR : SQLITE_NOMEM;
    }
    int code = sqlite3_declare_vtab(db, schema);
    /* A view or trigger of a file that somebody else wrote must not send requests with the user's credentials, nor copy what they
     * return into the file. */
    return code == SQLITE_OK ? sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY) : code;
}

int virtual_table_rename(sqlite3_vtab *table, const char *name)
{
    (void)table, (void)name;
    return SQLITE_OK;
}
