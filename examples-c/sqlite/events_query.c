/* The values of the constraints that go to the server, as a query; as several, for the API takes one resource_type only. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

/* The query travels in the URL: a longer list is left to SQLite. */
#define LIST_MOST 100
#define LIST_MOST_BYTES 20000
#define SECOND INT64_C(1000000)
/* The years that a date can have: from the year 1 to before the year 10000. */
#define EARLIEST (INT64_C(-62135596800))
#define TOO_LATE (INT64_C(253402300800))
#define UNIX_LEAST (INT64_C(1000000000) * SECOND)
/* Before every date; after every date without its sign. */
#define UNBOUNDED (INT64_MIN / 4)

typedef struct text_list {
    char *texts[LIST_MOST];
    size_t len, bytes;
} text_list;

struct events_query {
    text_list types, users, resources;
    size_t begun;          /* streams: one for each resource type, or one in all */
    int64_t after, before; /* microseconds; both are let through */
    bool nothing;          /* no event can match */
};

/* What the text takes in a URL at most, as an element of a JSON list. */
static size_t length_in_url(const char *text)
{
    size_t length = 9;
    for (; *text; text++)
        length += (unsigned char)*text < ' ' || *text == '"' || *text == '\\' ? 8 : 3;
    return length;
}

/* SQLITE_FULL: there is no room for it. */
static int append(text_list *list, const char *text)
{
    list->bytes += length_in_url(text);
    if (list->len == LIST_MOST || list->bytes > LIST_MOST_BYTES)
        return SQLITE_FULL;
    list->texts[list->len] = sqlite3_mprintf("%s", text);
    return list->texts[list->len] ? list->len++, SQLITE_OK : SQLITE_NOMEM;
}

static void forget(text_list *list)
{
    while (list->len > 0)
        sqlite3_free(list->texts[--list->len]);
}

/* A value that the column must equal. SQLITE_FULL: which texts equal it is left to SQLite. */
static int add_value(text_list *list, sqlite3_value *value)
{
    switch (equal_texts(value)) {
    case TEXTS_NONE: return SQLITE_OK;
    case TEXTS_UNKNOWN: return SQLITE_FULL;
    default: return append(list, (const char *)sqlite3_value_text(value));
    }
}

static int add_values(text_list *list, sqlite3_value *values)
{
    sqlite3_value *value;
    int code = sqlite3_vtab_in_first(values, &value);
    while (code == SQLITE_OK && value) {
        code = add_value(list, value);
        if (code == SQLITE_OK)
            code = sqlite3_vtab_in_next(values, &value);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int add_texts(events_query *query, text_list *list, bool is_list, sqlite3_value *value)
{
    int code = is_list ? add_values(list, value) : add_value(list, value);
    if (code == SQLITE_FULL) {
        forget(list);
        return SQLITE_OK;
    }
    query->nothing |= list->len == 0;
    return code;
}

static int add_date(events_query *query, char argument, sqlite3_value *value, char **message)
{
    int64_t at;
    if (sqlite3_value_type(value) == SQLITE_NULL) {
        query->nothing = true;
        return SQLITE_OK;
    }
    /* Any text is less than it, whatever its bytes say. */
    if (sqlite3_value_type(value) == SQLITE_BLOB)
        return SQLITE_OK;
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text)
        return SQLITE_NOMEM;
    size_t length = (size_t)sqlite3_value_bytes(value);
    /* A number less than that of 2001 is taken for a mistake, such as 20260131. */
    if (!timestamp_parse(text, length, &at) && !(timestamp_parse_unix(text, length, &at) && at >= UNIX_LEAST)) {
        *message = sqlite3_mprintf("created_at: %Q is no date; RFC 3339 is expected, such as 2026-01-31T12:00:00Z or "
                                   "2026-01-31",
                                   text);
        return *message ? SQLITE_ERROR : SQLITE_NOMEM;
    }
    if (argument != ARGUMENT_BEFORE && at > query->after)
        query->after = at;
    if (argument != ARGUMENT_AFTER && at < query->before)
        query->before = at;
    return SQLITE_OK;
}

static int add(events_query *query, char argument, sqlite3_value *value, char **message)
{
    switch (argument) {
    case ARGUMENT_TYPE:
    case ARGUMENT_TYPES: return add_texts(query, &query->types, argument == ARGUMENT_TYPES, value);
    case ARGUMENT_USER:
    case ARGUMENT_USERS: return add_texts(query, &query->users, argument == ARGUMENT_USERS, value);
    case ARGUMENT_RESOURCE_TYPE:
    case ARGUMENT_RESOURCE_TYPES: return add_texts(query, &query->resources, argument == ARGUMENT_RESOURCE_TYPES, value);
    default: return add_date(query, argument, value, message);
    }
}

/* The whole second that it is in. */
static int64_t seconds(int64_t micros)
{
    return micros / SECOND - (micros % SECOND < 0);
}

/* Whether the server takes its bounds as inclusive is documented nowhere, nor how fine it reads them: a second more each. */
static void bound(kal_events_query *asked, const events_query *query, char *after, char *before)
{
    int64_t from = seconds(query->after) - 1, to = seconds(query->before + SECOND - 1) + 1;
    if (query->after != UNBOUNDED && from >= EARLIEST) {
        timestamp_format(from, after);
        asked->after_date = after;
    }
    if (query->before != -UNBOUNDED && to < TOO_LATE) {
        timestamp_format(to, before);
        asked->before_date = before;
    }
}

int events_query_stream(events_query *query, connection *connection, kal_stream *stream, char **message)
{
    kal_events_query asked = KAL_EVENTS_QUERY_INIT;
    char after[TIMESTAMP_SIZE], before[TIMESTAMP_SIZE];
    kal_client client;
    kal_error error;
    if (query->nothing || query->begun == (query->resources.len ? query->resources.len : 1))
        return SQLITE_DONE;
    int code = connection_client(connection, &client, message);
    if (code != SQLITE_OK)
        return code;
    asked.page_size = connection->page_size;
    asked.event_types = (const char *const *)query->types.texts;
    asked.event_types_len = query->types.len;
    asked.event_user_ids = (const char *const *)query->users.texts;
    asked.event_user_ids_len = query->users.len;
    asked.resource_type = query->resources.len ? query->resources.texts[query->begun] : NULL;
    bound(&asked, query, after, before);
    kal_status status = kal_workspace_stream_events(client, &asked, NULL, stream, &error);
    query->begun++;
    return status == KAL_OK ? SQLITE_OK : connection_failed(status, error, message);
}

bool events_query_gives(const events_query *query, const kal_workspace_event *event)
{
    return query->resources.len < 2
           || (event->resource_type && strcmp(event->resource_type, query->resources.texts[query->begun - 1]) == 0);
}

int events_query_new(const char *arguments, sqlite3_value **values, events_query **made, char **message)
{
    events_query *query = sqlite3_malloc(sizeof *query);
    int code = query ? SQLITE_OK : SQLITE_NOMEM;
    if (query)
        *query = (events_query){ .after = UNBOUNDED, .before = -UNBOUNDED };
    for (size_t i = 0; code == SQLITE_OK && arguments[i]; i++)
        code = add(query, arguments[i], values[i], message);
    if (code == SQLITE_OK)
        query->nothing |= query->after > query->before;
    *made = query;
    return code;
}

void events_query_free(events_query *query)
{
    if (!query)
        return;
    forget(&query->types);
    forget(&query->users);
    forget(&query->resources);
    sqlite3_free(query);
}
