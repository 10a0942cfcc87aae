/* A loadable extension for SQLite 3.38 or later that provides the workspace as tables.
 *
 *     sqlite> .load ./kal_sqlite
 *     sqlite> SELECT full_name, email FROM kal_members WHERE access_level = 'guest';
 *
 * Tables, read-only, with or without CREATE VIRTUAL TABLE: kal_workspace, kal_members, kal_groups, kal_group_members,
 * kal_events. kal_events sends constraints on event_type, event_user_id, resource_type (= and IN) and created_at (=, <, <=, >,
 * >=, BETWEEN) to the server, and requests no more pages than LIMIT needs, also with ORDER BY created_at DESC. created_at
 * compares by instant, including datetime('now', '-7 days') and Unix times; what is not a time matches nothing there. kal_time(X)
 * is any time in the form of created_at, for copies of the table. SQLite checks every row again, so a query returns the same rows
 * as on ordinary tables. There are two exceptions, which are due to SQLite: in a row value comparison such as (event_type, id) IN
 * (SELECT ...), numbers are compared as strings; and in 3.40 a join of created_at with a column of an ordinary table loses rows,
 * because the Bloom filter of the automatic index does not use the collation (workaround: kal_time(column), or PRAGMA
 * automatic_index = OFF).
 *
 * A statement reads each list once, however often it scans it. Scans of kal_events that are not repeated are separate streams: an
 * event that arrives during the statement may be in later scans only. There is no rowid; the hidden column kal_row is for
 * SQLite's internal use.
 *
 * Credentials and URL come from the environment, as for kal_client_open, or from SELECT kal_open('{"base_url": ...}') with the
 * fields of kal_client_options and page_size for kal_events, or kal_open('/path') of a file with that. Everything except events
 * is cached: SELECT kal_refresh() clears the cache, and SELECT kal_open() opens a new client. kal_call(METHOD, PARAMS) returns
 * the JSON of any method of kal_call, kal_version() the version of the library. kal_sync(TABLE) keeps a local table of events up
 * to date.
 */
#include "lists.h"
#include "sync.h"
SQLITE_EXTENSION_INIT1

static void release_list(void *data)
{
    connection_release(((list_table_data *)data)->connection);
    sqlite3_free(data);
}

static int create_list(connection *connection, const list *list)
{
    list_table_data *data = sqlite3_malloc(sizeof *data);
    if (!data)
        return SQLITE_NOMEM;
    *data = (list_table_data){ connection, list };
    connection->owners++;
    /* SQLite calls the destructor on failure, too. */
    return sqlite3_create_module_v2(connection->db, list->name, &list_module, data, release_list);
}

/* SQLite 3.45 has it; earlier versions ignore it. */
#ifndef SQLITE_RESULT_SUBTYPE
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

typedef struct function {
    const char *name;
    int arguments, flags;
    void (*run)(sqlite3_context *context, int count, sqlite3_value **arguments);
} function;

/* Direct-only is what uses the client: what is stored in a file must not send requests, nor the credentials to another server. */
static const function functions[] = {
    { "kal_open", 0, SQLITE_DIRECTONLY, kal_open },
    { "kal_open", 1, SQLITE_DIRECTONLY, kal_open },
    { "kal_call", 1, SQLITE_DIRECTONLY | SQLITE_RESULT_SUBTYPE, kal_call_function },
    { "kal_call", 2, SQLITE_DIRECTONLY | SQLITE_RESULT_SUBTYPE, kal_call_function },
    { "kal_refresh", 0, SQLITE_DIRECTONLY, kal_refresh_function },
    { "kal_sync", 1, SQLITE_DIRECTONLY, kal_sync },
    { "kal_version", 0, SQLITE_INNOCUOUS, kal_version_function },
};

static int create_function(connection *connection, const function *function)
{
    connection->owners++;
    return sqlite3_create_function_v2(connection->db, function->name, function->arguments, SQLITE_UTF8 | function->flags,
                                      connection, function->run, NULL, NULL, connection_release);
}

static int create_all(connection *connection)
{
    int code = timestamp_register(connection->db);
    for (const list *const *list = all_lists; code == SQLITE_OK && *list; list++)
        code = create_list(connection, *list);
    if (code == SQLITE_OK) {
        connection->owners++;
        code = sqlite3_create_module_v2(connection->db, "kal_events", &events_module, connection, connection_release);
    }
    for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof *functions; i++)
        code = create_function(connection, &functions[i]);
    if (code == SQLITE_OK)
        code = sqlite3_create_module_v2(connection->db, "kal_sync_page", &sync_page_module, NULL, NULL);
    return code;
}

__attribute__((visibility("default"))) int sqlite3_kalsqlite_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    /* Older versions lack sqlite3_vtab_in. */
    if (sqlite3_libversion_number() < 3038000) {
        *message = sqlite3_mprintf("kal_sqlite requires SQLite 3.38 or later, this is %s", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    connection *connection = connection_new(db);
    if (!connection)
        return SQLITE_NOMEM;
    connection->owners = 1;
    int code = create_all(connection);
    connection_release(connection);
    return code;
}
