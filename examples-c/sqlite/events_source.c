/* The events of a query, one by one. */
#include "events.h"
SQLITE_EXTENSION_INIT3

struct events_source {
    events_reader reader;
    events_order order; /* unused unless SQLite expects an order */
    events_page *page;  /* of the last event */
    size_t position;    /* in `page` */
    bool keep;
    bool has_failed;
};

int events_source_new(connection *connection, events_query *query, bool keep, events_source **made)
{
    events_source *source = sqlite3_malloc(sizeof *source);
    *made = source;
    if (!source) {
        events_query_free(query);
        return SQLITE_NOMEM;
    }
    *source = (events_source){ .keep = keep };
    events_reader_init(&source->reader, connection, query);
    events_order_init(&source->order, query);
    return SQLITE_OK;
}

void events_source_free(events_source *source)
{
    if (!source)
        return;
    events_order_clear(&source->order);
    events_reader_clear(&source->reader);
    sqlite3_free(source);
}

static int next_in_order(events_source *source, const kal_workspace_event **event, char **message)
{
    struct timed_event next;
    if (source->page && --source->page->pending == 0 && !source->keep)
        events_reader_drop(&source->reader, source->page);
    source->page = NULL;
    int code = events_order_next(&source->order, &source->reader, &next, message);
    if (code == SQLITE_OK && next.event) {
        *event = next.event;
        source->page = next.page;
    }
    return code;
}

/* As the server sends them. */
static int next_in_page(events_source *source, const kal_workspace_event **event, char **message)
{
    if (!source->page || source->position == source->page->count) {
        if (!source->keep)
            events_reader_drop(&source->reader, source->page);
        source->page = NULL;
        source->position = 0;
        int code = events_reader_page(&source->reader, &source->page, message);
        if (code != SQLITE_OK) {
            source->page = NULL;
            return code == SQLITE_DONE ? SQLITE_OK : code;
        }
    }
    *event = source->page->events[source->position++];
    return SQLITE_OK;
}

int events_source_next(events_source *source, const kal_workspace_event **event, char **message)
{
    *event = NULL;
    /* The cursors of another statement may read the same source. */
    if (source->has_failed) {
        sqlite3_free(*message);
        *message = sqlite3_mprintf("kal_events: an earlier request for these events failed; run the statement again");
        return *message ? SQLITE_ERROR : SQLITE_NOMEM;
    }
    bool is_ordered = source->reader.query->newest_first;
    int code = (is_ordered ? next_in_order : next_in_page)(source, event, message);
    source->has_failed = code != SQLITE_OK;
    return code;
}
