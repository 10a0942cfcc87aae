/* A query as requests: lists of users and types are sent in batches, resource types one by one, because the API accepts only
 * one. */
#include "events.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

#define SECOND INT64_C(1000000)
/* The range of a date: the years 1 to 9999, the end exclusive. */
#define MIN_SECONDS (INT64_C(-62135596800))
#define END_SECONDS (INT64_C(253402300800))

/* Without values there is one batch, which is empty. */
static size_t count(const text_list *list)
{
    size_t batches = 0;
    for (size_t first = 0; first < list->len; first = text_list_batch(list, first))
        batches++;
    return batches ? batches : 1;
}

size_t events_batches_count(const events_query *query)
{
    return count(&query->users) * count(&query->types) * (query->resources.len ? query->resources.len : 1);
}

static size_t end_of_one(const text_list *list, size_t first)
{
    return first < list->len ? first + 1 : first;
}

/* Advances to the next batch; false and the first one again after the last. */
static bool advance(struct batch_range *range, const text_list *list, size_t (*end)(const text_list *, size_t))
{
    bool is_next = range->end < list->len;
    range->first = is_next ? range->end : 0;
    range->end = end(list, range->first);
    return is_next;
}

bool events_batches_next(events_batches *batches)
{
    const events_query *query = batches->query;
    if (!batches->is_started) {
        batches->is_started = true;
        batches->users = (struct batch_range){ 0, text_list_batch(&query->users, 0) };
        batches->types = (struct batch_range){ 0, text_list_batch(&query->types, 0) };
        batches->resources = (struct batch_range){ 0, end_of_one(&query->resources, 0) };
        return !query->is_empty;
    }
    return advance(&batches->resources, &query->resources, end_of_one) || advance(&batches->types, &query->types, text_list_batch)
           || advance(&batches->users, &query->users, text_list_batch);
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

static void set_texts(const char *const **texts, size_t *len, const text_list *list, const struct batch_range *range)
{
    *len = range->end - range->first;
    *texts = *len ? (const char *const *)list->texts + range->first : NULL;
}

int events_batches_stream(const events_batches *batches, connection *connection, int32_t page_size, kal_stream *stream,
                          char **message)
{
    const events_query *query = batches->query;
    kal_events_query c_query = KAL_EVENTS_QUERY_INIT;
    char after[TIMESTAMP_SIZE], before[TIMESTAMP_SIZE];
    kal_client client;
    kal_error error;
    int code = connection_client(connection, &client, message);
    if (code != SQLITE_OK)
        return code;
    c_query.page_size = page_size;
    set_texts(&c_query.event_types, &c_query.event_types_len, &query->types, &batches->types);
    set_texts(&c_query.event_user_ids, &c_query.event_user_ids_len, &query->users, &batches->users);
    c_query.resource_type = query->resources.len ? query->resources.texts[batches->resources.first] : NULL;
    set_bounds(&c_query, query, after, before);
    kal_status status = kal_workspace_stream_events(client, &c_query, NULL, stream, &error);
    return status == KAL_OK ? SQLITE_OK : connection_failed(status, error, message);
}

/* With one batch there is no other stream that could return the event, whatever the server compares. */
static bool is_in(const text_list *list, const struct batch_range *range, const char *text)
{
    return range->end - range->first == list->len || text_list_contains(list, range->first, range->end, text);
}

bool events_batches_match(const events_batches *batches, const kal_workspace_event *event)
{
    const events_query *query = batches->query;
    return is_in(&query->users, &batches->users, event->event_user_id) && is_in(&query->types, &batches->types, event->event_type)
           && is_in(&query->resources, &batches->resources, event->resource_type);
}
