/* The SQL functions kal_call, kal_refresh and kal_version. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

/* What SQLite's JSON functions return, so that one is not quoted as a text by another. */
#define JSON_SUBTYPE 'J'

/* Sets `text` to an argument, NULL for NULL. Returns whether it is one of those or a text without NUL; otherwise fails. */
static bool get_text(sqlite3_context *context, const char *function, const char *name, sqlite3_value *value, const char **text)
{
    int type = sqlite3_value_type(value);
    *text = type == SQLITE_TEXT ? (const char *)sqlite3_value_text(value) : NULL;
    if (type == SQLITE_NULL || (*text && strlen(*text) == (size_t)sqlite3_value_bytes(value)))
        return true;
    char *message = sqlite3_mprintf("%s: %s: %s", function, name, *text ? "it contains a NUL" : "expected a text");
    result_failure(context, message ? SQLITE_ERROR : SQLITE_NOMEM, message);
    sqlite3_free(message);
    return false;
}

void kal_call_function(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    connection *connection = sqlite3_user_data(context);
    const char *method, *params = NULL;
    char *message = NULL;
    kal_result result;
    size_t len;
    if (!is_direct(context, "kal_call") || !get_text(context, "kal_call", "method", arguments[0], &method)
        || (count == 2 && !get_text(context, "kal_call", "params", arguments[1], &params)))
        return;
    if (!method) {
        result_failure(context, SQLITE_ERROR, "kal_call: method: it is NULL; use a name such as workspace.get_members");
        return;
    }
    int code = connection_call(connection, method, params, &result, &message);
    if (code == SQLITE_OK) {
        const char *json = kal_result_json(result, &len);
        sqlite3_result_text64(context, json, len, SQLITE_TRANSIENT, SQLITE_UTF8);
        sqlite3_result_subtype(context, JSON_SUBTYPE);
        kal_result_free(result);
    } else {
        result_failure(context, code, message);
    }
    sqlite3_free(message);
}

void kal_refresh_function(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    connection *connection = sqlite3_user_data(context);
    char *message = NULL;
    kal_error error;
    (void)count, (void)arguments;
    if (!is_direct(context, "kal_refresh"))
        return;
    snapshots_reset(connection);
    if (connection->client.id == 0)
        return;
    kal_status status = kal_client_clear_caches(connection->client, &error);
    if (status != KAL_OK)
        result_failure(context, connection_failed(status, error, &message), message);
    sqlite3_free(message);
}

void kal_version_function(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    (void)count, (void)arguments;
    sqlite3_result_text(context, kal_version(), -1, SQLITE_STATIC);
}
