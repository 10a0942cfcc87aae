/* Builds a query from the values of the constraints. What cannot be sent is left out: SQLite checks every row. */
#include "events.h"
SQLITE_EXTENSION_INIT3

/* The most streams for one scan. */
#define MAX_STREAMS 100

/* Adds a value that the column must be equal to. SQLITE_FULL: the constraint is left to SQLite. */
static int add_value(text_list *list, sqlite3_value *value)
{
    switch (equal_texts(value)) {
    case TEXTS_NONE: return SQLITE_OK;
    case TEXTS_UNKNOWN: return SQLITE_FULL;
    default: return text_list_append(list, (const char *)sqlite3_value_text(value));
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
        text_list_clear(list);
        return SQLITE_OK;
    }
    query->is_empty |= list->len == 0;
    text_list_sort(list);
    return code;
}

static int add_lookup(events_query *query, sqlite3_value *value)
{
    text_list one = { .len = 0 };
    int code = add_texts(query, &one, false, value);
    if (code == SQLITE_OK && one.len == 1) {
        query->lookup = one.texts[0];
        one.len = 0;
    }
    text_list_clear(&one);
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

/* LIMIT and OFFSET, of which the sum is used. A negative LIMIT is none. */
static void add_rows(events_query *query, char argument, sqlite3_value *value)
{
    int64_t rows = sqlite3_value_int64(value);
    if (argument == ARGUMENT_LIMIT && rows < 0)
        rows = INT32_MAX;
    if (rows > 0)
        query->rows += rows < INT32_MAX ? rows : INT32_MAX;
}

static int add(events_query *query, char argument, sqlite3_value *value)
{
    switch (argument) {
    case ARGUMENT_TYPE:
    case ARGUMENT_TYPES: return add_texts(query, &query->types, argument == ARGUMENT_TYPES, value);
    case ARGUMENT_USER:
    case ARGUMENT_USERS: return add_texts(query, &query->users, argument == ARGUMENT_USERS, value);
    case ARGUMENT_LOOKUP: return add_lookup(query, value);
    case ARGUMENT_RESOURCE_TYPE:
    case ARGUMENT_RESOURCE_TYPES: return add_texts(query, &query->resources, argument == ARGUMENT_RESOURCE_TYPES, value);
    case ARGUMENT_LIMIT:
    case ARGUMENT_OFFSET: return add_rows(query, argument, value), SQLITE_OK;
    default: return add_date(query, argument, value);
    }
}

/* Without the longest lists, the query returns more rows, in fewer streams. */
static void limit_streams(events_query *query)
{
    text_list *lists[] = { &query->users, &query->types, &query->resources };
    while (events_batches_count(query) > MAX_STREAMS) {
        text_list *longest = lists[0];
        for (size_t i = 1; i < sizeof lists / sizeof *lists; i++)
            if (lists[i]->len > longest->len)
                longest = lists[i];
        text_list_clear(longest);
    }
}

int events_query_new(int order, const char *arguments, sqlite3_value **values, events_query **made)
{
    events_query *query = sqlite3_malloc(sizeof *query);
    int code = query ? SQLITE_OK : SQLITE_NOMEM;
    if (query)
        *query = (events_query){ .after = UNBOUNDED, .before = -UNBOUNDED, .newest_first = order == EVENTS_NEWEST_FIRST };
    for (size_t i = 0; code == SQLITE_OK && arguments[i]; i++)
        code = add(query, arguments[i], values[i]);
    if (code == SQLITE_OK) {
        query->is_empty |= query->after > query->before;
        limit_streams(query);
    }
    *made = query;
    return code;
}

int events_query_copy(const events_query *query, const text_list *users, events_query **made)
{
    events_query *copy = sqlite3_malloc(sizeof *copy);
    *made = NULL;
    if (!copy)
        return SQLITE_NOMEM;
    *copy = (events_query){ .after = query->after, .before = query->before, .newest_first = query->newest_first };
    int code = text_list_copy(&copy->types, &query->types);
    if (code == SQLITE_OK)
        code = text_list_copy(&copy->resources, &query->resources);
    if (code == SQLITE_OK)
        code = text_list_copy(&copy->users, users ? users : &query->users);
    if (code == SQLITE_OK)
        *made = copy;
    else
        events_query_free(copy);
    return code;
}

void events_query_free(events_query *query)
{
    if (!query)
        return;
    text_list_clear(&query->types);
    text_list_clear(&query->users);
    text_list_clear(&query->resources);
    sqlite3_free(query->lookup);
    sqlite3_free(query);
}

char *events_query_key(const events_query *query)
{
    const text_list *lists[] = { &query->types, &query->users, &query->resources };
    sqlite3_str *key = sqlite3_str_new(NULL);
    sqlite3_str_appendf(key, "%d %lld %lld", query->newest_first, (sqlite3_int64)query->after, (sqlite3_int64)query->before);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        sqlite3_str_appendchar(key, 1, '|');
        for (size_t text = 0; text < lists[i]->len; text++)
            sqlite3_str_appendf(key, "%Q", lists[i]->texts[text]);
    }
    return sqlite3_str_finish(key);
}
