/* Builds a query from the values of the constraints that are sent to the server; several if there is more than one resource type,
 * because the API accepts only one. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

/* The query is part of the URL: longer lists are not sent, and left to SQLite. */
#define MAX_LIST 100
#define MAX_LIST_BYTES 20000
#define SECOND INT64_C(1000000)
/* The range of a date: the years 1 to 9999, the end exclusive. */
#define MIN_SECONDS (INT64_C(-62135596800))
#define END_SECONDS (INT64_C(253402300800))
/* Before every date; its negation is after every date. */
#define UNBOUNDED (INT64_MIN / 4)

typedef struct text_list {
    char *texts[MAX_LIST];
    size_t len, bytes;
} text_list;

struct events_query {
    text_list types, users, resources;
    size_t opened;         /* streams opened: one for each resource type, or one in total */
    int64_t after, before; /* microseconds, inclusive */
    bool is_empty;         /* no event can match */
};

/* The maximum length of a string in a URL, as an element of a JSON array. */
static size_t length_in_url(const char *text)
{
    size_t length = 9;
    for (; *text; text++)
        length += (unsigned char)*text < ' ' || *text == '"' || *text == '\\' ? 8 : 3;
    return length;
}

/* SQLITE_FULL: the list is full. */
static int append(text_list *list, const char *text)
{
    list->bytes += length_in_url(text);
    if (list->len == MAX_LIST || list->bytes > MAX_LIST_BYTES)
        return SQLITE_FULL;
    list->texts[list->len] = sqlite3_mprintf("%s", text);
    return list->texts[list->len] ? list->len++, SQLITE_OK : SQLITE_NOMEM;
}

static void clear(text_list *list)
{
    while (list->len > 0)
        sqlite3_free(list->texts[--list->len]);
}

/* Adds a value that the column must be equal to. SQLITE_FULL: the constraint is left to SQLite. */
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
        clear(list);
        return SQLITE_OK;
    }
    query->is_empty |= list->len == 0;
    return code;
}

/* What is not a time matches nothing. */
static int add_date(events_query *query, char argument, sqlite3_value *value)
{
    int type = sqlite3_value_type(value);
    bool may_be_time = type != SQLITE_NULL && type != SQLITE_BLOB;
    const char *text = may_be_time ? (const char *)sqlite3_value_text(value) : NULL;
    int64_t at;
    if (may_be_time && !text)
        return SQLITE_NOMEM;
    if (!text || !timestamp_parse(text, (size_t)sqlite3_value_bytes(value), &at)) {
        query->is_empty = true;
        return SQLITE_OK;
    }
    if (argument != ARGUMENT_BEFORE && at > query->after)
        query->after = at;
    if (argument != ARGUMENT_AFTER && at < query->before)
        query->before = at;
    return SQLITE_OK;
}

static int add(events_query *query, char argument, sqlite3_value *value)
{
    switch (argument) {
    case ARGUMENT_TYPE:
    case ARGUMENT_TYPES: return add_texts(query, &query->types, argument == ARGUMENT_TYPES, value);
    case ARGUMENT_USER:
    case ARGUMENT_USERS: return add_texts(query, &query->users, argument == ARGUMENT_USERS, value);
    case ARGUMENT_RESOURCE_TYPE:
    case ARGUMENT_RESOURCE_TYPES: return add_texts(query, &query->resources, argument == ARGUMENT_RESOURCE_TYPES, value);
    default: return add_date(query, argument, value);
    }
}

/* Rounds down to whole seconds. */
static int64_t seconds(int64_t micros)
{
    return micros / SECOND - (micros % SECOND < 0);
}

/* The normal form without its fraction. */
static void format_second(int64_t second, char *text)
{
    strcpy(text + timestamp_format(second * SECOND, text) - strlen(".000000Z"), "Z");
}

/* The API does not document whether its bounds are inclusive, nor their precision: widen each by a second. */
static void set_bounds(kal_events_query *c_query, const events_query *query, char *after, char *before)
{
    int64_t from = seconds(query->after) - 1, to = seconds(query->before + SECOND - 1) + 1;
    if (query->after != UNBOUNDED && from >= MIN_SECONDS) {
        format_second(from, after);
        c_query->after_date = after;
    }
    if (query->before != -UNBOUNDED && to < END_SECONDS) {
        format_second(to > MIN_SECONDS ? to : MIN_SECONDS, before);
        c_query->before_date = before;
    }
}

int events_query_stream(events_query *query, connection *connection, kal_stream *stream, char **message)
{
    kal_events_query c_query = KAL_EVENTS_QUERY_INIT;
    char after[TIMESTAMP_SIZE], before[TIMESTAMP_SIZE];
    kal_client client;
    kal_error error;
    if (query->is_empty || query->opened == (query->resources.len ? query->resources.len : 1))
        return SQLITE_DONE;
    int code = connection_client(connection, &client, message);
    if (code != SQLITE_OK)
        return code;
    c_query.page_size = connection->page_size;
    c_query.event_types = (const char *const *)query->types.texts;
    c_query.event_types_len = query->types.len;
    c_query.event_user_ids = (const char *const *)query->users.texts;
    c_query.event_user_ids_len = query->users.len;
    c_query.resource_type = query->resources.len ? query->resources.texts[query->opened] : NULL;
    set_bounds(&c_query, query, after, before);
    kal_status status = kal_workspace_stream_events(client, &c_query, NULL, stream, &error);
    query->opened++;
    return status == KAL_OK ? SQLITE_OK : connection_failed(status, error, message);
}

bool events_query_matches(const events_query *query, const kal_workspace_event *event)
{
    return query->resources.len < 2
           || (event->resource_type && strcmp(event->resource_type, query->resources.texts[query->opened - 1]) == 0);
}

int events_query_new(const char *arguments, sqlite3_value **values, events_query **made)
{
    events_query *query = sqlite3_malloc(sizeof *query);
    int code = query ? SQLITE_OK : SQLITE_NOMEM;
    if (query)
        *query = (events_query){ .after = UNBOUNDED, .before = -UNBOUNDED };
    for (size_t i = 0; code == SQLITE_OK && arguments[i]; i++)
        code = add(query, arguments[i], values[i]);
    if (code == SQLITE_OK)
        query->is_empty |= query->after > query->before;
    *made = query;
    return code;
}

void events_query_free(events_query *query)
{
    if (!query)
        return;
    clear(&query->types);
    clear(&query->users);
    clear(&query->resources);
    sqlite3_free(query);
}
