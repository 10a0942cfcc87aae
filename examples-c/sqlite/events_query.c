/* The values of the constraints that go to the server, as a query. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

/* The query travels in the URL: a longer list is left to SQLite. */
#define LIST_MOST 100
#define SECOND INT64_C(1000000)
/* The years that a date can have: from the year 1 to before the year 10000. */
#define EARLIEST (INT64_C(-62135596800))
#define TOO_LATE (INT64_C(253402300800))
/* Before every date. */
#define UNBOUNDED (2 * EARLIEST * SECOND)

typedef struct text_list {
    char *texts[LIST_MOST];
    size_t len;
} text_list;

typedef struct filters {
    text_list types, users;
    const char *resource_type;
    int64_t after, before; /* microseconds; both are let through */
    bool nothing;          /* no event can match */
} filters;

/* NULL equals nothing, and no text equals a blob. */
static bool can_match(sqlite3_value *value)
{
    int type = sqlite3_value_type(value);
    return type != SQLITE_NULL && type != SQLITE_BLOB;
}

/* SQLITE_FULL: there is no room for it. */
static int append(text_list *list, sqlite3_value *value)
{
    if (list->len == LIST_MOST)
        return SQLITE_FULL;
    list->texts[list->len] = sqlite3_mprintf("%s", sqlite3_value_text(value));
    return list->texts[list->len++] ? SQLITE_OK : SQLITE_NOMEM;
}

static void forget(text_list *list)
{
    while (list->len > 0)
        sqlite3_free(list->texts[--list->len]);
}

static int add_one(filters *filters, text_list *list, sqlite3_value *value)
{
    filters->nothing |= !can_match(value);
    return filters->nothing ? SQLITE_OK : append(list, value);
}

static int add_many(filters *filters, text_list *list, sqlite3_value *values)
{
    sqlite3_value *value;
    int code = sqlite3_vtab_in_first(values, &value);
    for (; code == SQLITE_OK && value; code = sqlite3_vtab_in_next(values, &value)) {
        int appended = can_match(value) ? append(list, value) : SQLITE_OK;
        if (appended == SQLITE_FULL) {
            forget(list);
            return SQLITE_OK;
        }
        if (appended != SQLITE_OK)
            return appended;
    }
    filters->nothing |= list->len == 0;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int add_date(filters *filters, char argument, sqlite3_value *value, char **message)
{
    int64_t at;
    if (sqlite3_value_type(value) == SQLITE_NULL) {
        filters->nothing = true;
        return SQLITE_OK;
    }
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text)
        return SQLITE_NOMEM;
    if (!timestamp_parse(text, (size_t)sqlite3_value_bytes(value), &at)) {
        *message = sqlite3_mprintf("created_at: %Q is no date; RFC 3339 is expected, such as 2026-01-31T12:00:00Z or "
                                   "2026-01-31", text);
        return *message ? SQLITE_ERROR : SQLITE_NOMEM;
    }
    if (argument != ARGUMENT_BEFORE && at > filters->after)
        filters->after = at;
    if (argument != ARGUMENT_AFTER && at < filters->before)
        filters->before = at;
    return SQLITE_OK;
}

static int add(filters *filters, char argument, sqlite3_value *value, char **message)
{
    switch (argument) {
    case ARGUMENT_TYPE:
        return add_one(filters, &filters->types, value);
    case ARGUMENT_TYPES:
        return add_many(filters, &filters->types, value);
    case ARGUMENT_USER:
        return add_one(filters, &filters->users, value);
    case ARGUMENT_USERS:
        return add_many(filters, &filters->users, value);
    case ARGUMENT_RESOURCE_TYPE:
        filters->nothing |= !can_match(value);
        filters->resource_type = (const char *)sqlite3_value_text(value);
        return SQLITE_OK;
    default:
        return add_date(filters, argument, value, message);
    }
}

/* The whole second that it is in. */
static int64_t seconds(int64_t micros)
{
    return micros / SECOND - (micros % SECOND < 0);
}

/* Whether the server takes its bounds as inclusive is documented nowhere, nor how fine it reads them: a second more each. */
static void bound(kal_events_query *query, const filters *filters, char *after, char *before)
{
    int64_t from = seconds(filters->after) - 1, to = seconds(filters->before + SECOND - 1) + 1;
    if (filters->after != UNBOUNDED && from >= EARLIEST) {
        timestamp_format(from, after);
        query->after_date = after;
    }
    if (filters->before != -UNBOUNDED && to < TOO_LATE) {
        timestamp_format(to, before);
        query->before_date = before;
    }
}

static int open_stream(connection *connection, const filters *filters, kal_stream *stream, char **message)
{
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    char after[TIMESTAMP_SIZE], before[TIMESTAMP_SIZE];
    kal_client client;
    kal_error error;
    int code = connection_client(connection, &client, message);
    if (code != SQLITE_OK)
        return code;
    query.page_size = connection->page_size;
    query.event_types = (const char *const *)filters->types.texts;
    query.event_types_len = filters->types.len;
    query.event_user_ids = (const char *const *)filters->users.texts;
    query.event_user_ids_len = filters->users.len;
    query.resource_type = filters->resource_type;
    bound(&query, filters, after, before);
    kal_status status = kal_workspace_stream_events(client, &query, NULL, stream, &error);
    return status == KAL_OK ? SQLITE_OK : connection_failed(status, error, message);
}

int events_query_open(connection *connection, const char *arguments, sqlite3_value **values, kal_stream *stream,
                      char **message)
{
    filters filters = { .after = UNBOUNDED, .before = -UNBOUNDED };
    int code = SQLITE_OK;
    *stream = (kal_stream)KAL_NONE;
    for (size_t i = 0; code == SQLITE_OK && arguments[i]; i++)
        code = add(&filters, arguments[i], values[i], message);
    filters.nothing |= filters.after > filters.before;
    if (code == SQLITE_OK && !filters.nothing)
        code = open_stream(connection, &filters, stream, message);
    forget(&filters.types);
    forget(&filters.users);
    return code;
}
