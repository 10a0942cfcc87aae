/* SELECT kal_open('{"base_url": ..., "timeout_ms": ...}') opens a client with explicit options, SELECT kal_open('/path') with
 * those of a file. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

typedef struct settings {
    kal_client_options client;
    uint32_t page_size; /* events per page of kal_events */
} settings;

typedef struct field {
    const char *name;
    enum { TEXT, NUMBER_32, NUMBER_64 } kind;
    size_t offset;
} field;

/* The members of kal_client_options that JSON can represent, by the same names. */
static const field fields[] = {
    { "client_id", TEXT, offsetof(settings, client.client_id) },
    { "client_secret", TEXT, offsetof(settings, client.client_secret) },
    { "base_url", TEXT, offsetof(settings, client.base_url) },
    { "ca_bundle_path", TEXT, offsetof(settings, client.ca_bundle_path) },
    { "ca_bundle_pem", TEXT, offsetof(settings, client.ca_bundle_pem) },
    { "client_certificate_path", TEXT, offsetof(settings, client.client_certificate_path) },
    { "client_certificate_pem", TEXT, offsetof(settings, client.client_certificate_pem) },
    { "client_key_path", TEXT, offsetof(settings, client.client_key_path) },
    { "client_key_pem", TEXT, offsetof(settings, client.client_key_pem) },
    { "proxy_url", TEXT, offsetof(settings, client.proxy_url) },
    { "user_agent", TEXT, offsetof(settings, client.user_agent) },
    { "connect_timeout_ms", NUMBER_32, offsetof(settings, client.connect_timeout_ms) },
    { "timeout_ms", NUMBER_32, offsetof(settings, client.timeout_ms) },
    { "max_attempts", NUMBER_32, offsetof(settings, client.max_attempts) },
    { "retry_wait_ms", NUMBER_64, offsetof(settings, client.retry_wait_ms) },
    { "flags", NUMBER_32, offsetof(settings, client.flags) },
    { "max_response_bytes", NUMBER_64, offsetof(settings, client.max_response_bytes) },
    { "cache_ttl_ms", NUMBER_64, offsetof(settings, client.cache_ttl_ms) },
    { "max_in_flight", NUMBER_32, offsetof(settings, client.max_in_flight) },
    { "page_size", NUMBER_32, offsetof(settings, page_size) },
};
#define FIELDS (sizeof fields / sizeof *fields)

static char **text_of(settings *all, const field *field)
{
    return (char **)(void *)((char *)all + field->offset);
}

/* SQLITE_ERROR with the message, or SQLITE_NOMEM. */
static int wrong(char **message, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *message = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    return *message ? SQLITE_ERROR : SQLITE_NOMEM;
}

static int set_text(char **option, sqlite3_stmt *row)
{
    const char *text = (const char *)sqlite3_column_text(row, 2);
    sqlite3_free(*option);
    *option = text ? sqlite3_mprintf("%s", text) : NULL;
    return *option ? SQLITE_OK : SQLITE_NOMEM;
}

/* Sets the option in the row, a member of the JSON object. */
static int set(settings *all, sqlite3_stmt *row, char **message)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const char *type = (const char *)sqlite3_column_text(row, 1);
    int64_t number = sqlite3_column_int64(row, 2);
    const field *field = fields;
    if (!name || !type)
        return SQLITE_NOMEM;
    while (field < fields + FIELDS && strcmp(field->name, name) != 0)
        field++;
    if (field == fields + FIELDS)
        return wrong(message, "kal_open: unknown option %s", name);
    if (strcmp(type, "null") == 0)
        return SQLITE_OK;
    if (field->kind == TEXT && strcmp(type, "text") != 0)
        return wrong(message, "kal_open: %s: expected a string", name);
    if (field->kind == TEXT)
        return set_text(text_of(all, field), row);
    if (strcmp(type, "integer") != 0 || number < 0 || (field->kind == NUMBER_32 && number > INT32_MAX))
        return wrong(message, "kal_open: %s: expected a number from 0 to %s", name,
                     field->kind == NUMBER_32 ? "2147483647" : "9223372036854775807");
    if (field->kind == NUMBER_32)
        *(uint32_t *)(void *)((char *)all + field->offset) = (uint32_t)number;
    else
        *(uint64_t *)(void *)((char *)all + field->offset) = (uint64_t)number;
    return SQLITE_OK;
}

/* Reads the options from a JSON object; sets `message` on failure. JSON5, which some versions of SQLite read, is an error. */
static int read_members(sqlite3 *db, const char *json, settings *all, char **message)
{
    sqlite3_stmt *members = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT key, type, atom FROM json_each(CASE WHEN json_valid(?1) THEN ?1 ELSE '{' END)", -1,
                                  &members, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(members, 1, json, -1, SQLITE_STATIC);
    while (code == SQLITE_OK && (code = sqlite3_step(members)) == SQLITE_ROW)
        code = set(all, members, message);
    if (code == SQLITE_ERROR && !*message)
        code = wrong(message, "kal_open: %s", sqlite3_errmsg(db));
    sqlite3_finalize(members);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* In a database of its own: the host's would trace the statement, with the secret in it, and ask its authorizer. */
static int read_settings(const char *json, settings *all, char **message)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL);
    if (code == SQLITE_OK)
        code = read_members(db, json, all, message);
    sqlite3_close(db);
    return code;
}

bool options_begin(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '{';
}

/* The argument is a JSON object, or the path of a file with one. A text that is neither may be half an object with a secret: it
 * is in no message. */
static int read_argument(sqlite3_value *argument, settings *all, char **message)
{
    bool is_text = sqlite3_value_type(argument) == SQLITE_TEXT;
    const char *text = is_text ? (const char *)sqlite3_value_text(argument) : "";
    char *content = NULL;
    if (!text)
        return SQLITE_NOMEM;
    if (text[0] == 0 || strlen(text) != (size_t)sqlite3_value_bytes(argument)
        || (!options_begin(text) && strpbrk(text, "{}\"\n")))
        return wrong(message, "kal_open: expected a JSON object, which begins with {, or the path of a file with one");
    int code = options_begin(text) ? SQLITE_OK : options_file_read(text, &content, message);
    if (code == SQLITE_OK)
        code = read_settings(content ? content : text, all, message);
    sqlite3_free(content);
    return code;
}

void kal_open(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    connection *connection = sqlite3_user_data(context);
    settings all = { .client = KAL_CLIENT_OPTIONS_INIT };
    kal_client client;
    kal_error error;
    char *message = NULL;
    int code = SQLITE_OK;
    if (!is_direct(context, "kal_open"))
        return;
    if (count == 1 && sqlite3_value_type(arguments[0]) != SQLITE_NULL)
        code = read_argument(arguments[0], &all, &message);
    if (code == SQLITE_OK) {
        kal_status status = kal_client_open(&all.client, &client, &error);
        if (status != KAL_OK)
            code = connection_failed(status, error, &message);
    }
    if (code == SQLITE_OK) {
        sqlite3_free(connection->base_url);
        connection->base_url = (char *)all.client.base_url;
        all.client.base_url = NULL;
    }
    for (const field *field = fields; field < fields + FIELDS; field++)
        if (field->kind == TEXT)
            sqlite3_free(*text_of(&all, field));
    if (code == SQLITE_OK) {
        kal_client_close(connection->client);
        connection->client = client;
        snapshots_reset(connection);
        connection->page_size = (int32_t)all.page_size;
        connection->timeout_ms = all.client.timeout_ms;
    } else {
        result_failure(context, code, message);
    }
    sqlite3_free(message);
}
