/* Events in the order of time, newest first. A server that sends them so is read no further than needed; all events of another
 * one are read and sorted. The API does not document its order, so the first events show it. */
#include "events.h"
SQLITE_EXTENSION_INIT3

#include <stdlib.h>
#include <string.h>

/* How far a sorted list may be out of order, in microseconds, as in the library: a server that sorts by the time of storage
 * sends events slightly out of the order of their creation. */
#define SLACK INT64_C(10000000)
/* The events that show the order. */
#define MIN_EVENTS 100
#define NO_TIME INT64_MIN
/* The years 0000 to 9999, the end exclusive. */
#define MIN_TIME INT64_C(-62167219200000000)
#define END_TIME INT64_C(253402300800000000)

void events_order_init(events_order *order, const events_query *query)
{
    *order = (events_order){ .newest = NO_TIME, .oldest = INT64_MAX, .first = NO_TIME, .returned = INT64_MAX };
    order->is_unsorted = events_batches_count(query) > 1;
}

void events_order_clear(events_order *order)
{
    sqlite3_free(order->dated);
    sqlite3_free(order->undated);
}

/* The time of kal_events.created_at, which is NULL outside of the years 0000 to 9999. */
static int64_t time_of(const kal_workspace_event *event)
{
    bool is_year = event->created_at_us >= MIN_TIME && event->created_at_us < END_TIME;
    return is_year ? event->created_at_us : NO_TIME;
}

static int push(struct timed_event **events, size_t *len, size_t *capacity, struct timed_event event)
{
    if (*len == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 256;
        struct timed_event *larger = sqlite3_realloc64(*events, more * sizeof *larger);
        if (!larger)
            return SQLITE_NOMEM;
        *events = larger;
        *capacity = more;
    }
    (*events)[(*len)++] = event;
    return SQLITE_OK;
}

/* Newest first; at the same time in the order of arrival. */
static int compare(const void *one, const void *other)
{
    const struct timed_event *left = one, *right = other;
    if (left->time != right->time)
        return left->time > right->time ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static int out_of_order(const struct timed_event *event, char **message)
{
    sqlite3_free(*message);
    *message = sqlite3_mprintf("kal_events: the server does not send the newest events first: event %s of %s came after older "
                               "ones that were already returned; write ORDER BY +created_at to let SQLite sort them",
                               event->event->id, event->event->created_at);
    return *message ? SQLITE_ERROR : SQLITE_NOMEM;
}

/* Adds an event, which shows whether the list is sorted. */
static int add(events_order *order, struct timed_event event, char **message)
{
    order->events++;
    event.page->pending++;
    if (event.time == NO_TIME)
        return push(&order->undated, &order->undated_len, &order->undated_capacity, event);
    if (order->is_sorted && event.time > order->returned)
        return out_of_order(&event, message);
    if (!order->is_sorted && order->oldest != INT64_MAX && event.time > order->oldest + SLACK)
        order->is_unsorted = true;
    if (event.time > order->newest)
        order->newest = event.time;
    if (event.time < order->oldest)
        order->oldest = event.time;
    if (event.time > order->first)
        order->first = event.time;
    return push(&order->dated, &order->dated_len, &order->dated_capacity, event);
}

/* Reads one page. */
static int load(events_order *order, events_reader *reader, char **message)
{
    events_page *page;
    int code = events_reader_page(reader, &page, message);
    if (code == SQLITE_DONE) {
        order->is_complete = true;
        code = SQLITE_OK;
    } else if (code == SQLITE_OK) {
        for (size_t i = 0; code == SQLITE_OK && i < page->count; i++)
            code = add(order, (struct timed_event){ time_of(page->events[i]), order->events, page->events[i], page }, message);
    }
    if (!order->is_unsorted && order->events >= MIN_EVENTS && order->newest > order->oldest
        && order->newest - order->oldest > SLACK)
        order->is_sorted = true;
    return code;
}

/* Whether no later event can come before the first one. */
static bool is_first_known(const events_order *order)
{
    return order->is_complete || (order->is_sorted && order->first != NO_TIME && order->first >= order->oldest + SLACK);
}

/* Reads until the first event is known. */
static int refill(events_order *order, events_reader *reader, char **message)
{
    bool is_first = order->events == 0;
    order->dated_len -= order->dated_next;
    if (order->dated_next > 0)
        memmove(order->dated, order->dated + order->dated_next, order->dated_len * sizeof *order->dated);
    order->dated_next = 0;
    while (!is_first_known(order)) {
        int code = load(order, reader, message);
        if (code != SQLITE_OK)
            return code;
        if (is_first && !is_first_known(order) && events_reader_enlarge(reader)) {
            events_order_clear(order);
            events_order_init(order, reader->query);
        }
        is_first = false;
    }
    if (order->dated_len > 0)
        qsort(order->dated, order->dated_len, sizeof *order->dated, compare);
    return SQLITE_OK;
}

int events_order_next(events_order *order, events_reader *reader, struct timed_event *event, char **message)
{
    int code = is_first_known(order) ? SQLITE_OK : refill(order, reader, message);
    if (code != SQLITE_OK)
        return code;
    *event = (struct timed_event){ .event = NULL };
    if (order->dated_next < order->dated_len) {
        *event = order->dated[order->dated_next++];
        order->returned = event->time;
        order->first = order->dated_next < order->dated_len ? order->dated[order->dated_next].time : NO_TIME;
    } else if (order->undated_next < order->undated_len) {
        *event = order->undated[order->undated_next++];
    }
    return SQLITE_OK;
}
