/* Reads pages when they are needed, so that LIMIT limits the requests; from the second page of a stream on, one page ahead. */
#include "events.h"
SQLITE_EXTENSION_INIT3

/* Events per page: as many as the server allows, or as LIMIT needs. A page of MIN_PAGE_SIZE costs hardly more than a smaller one,
 * and shows the order of the list. Where rows are sorted, the last one of a page is known only from what follows it. */
#define PAGE_SIZE 1000
#define MIN_PAGE_SIZE 100
#define FOLLOWING 50

void events_reader_init(events_reader *reader, connection *connection, events_query *query)
{
    *reader = (events_reader){ .connection = connection, .query = query, .batches.query = query };
}

static int32_t page_size(const events_reader *reader)
{
    int64_t rows = reader->query->rows;
    if (reader->connection->page_size > 0)
        return reader->connection->page_size;
    if (rows > 0 && reader->query->newest_first)
        rows += FOLLOWING;
    if (rows == 0 || rows > PAGE_SIZE)
        return PAGE_SIZE;
    return rows < MIN_PAGE_SIZE ? MIN_PAGE_SIZE : (int32_t)rows;
}

/* Whether SQLite is expected to read more than the page that is about to be requested. */
static bool is_more_needed(const events_reader *reader)
{
    return reader->query->rows == 0 || reader->rows + page_size(reader) < reader->query->rows;
}

static int next_page(events_reader *reader, kal_result *result, char **message)
{
    kal_error error;
    if (reader->stream_pages++ > 0) {
        kal_status status = kal_stream_set_read_ahead(reader->stream, is_more_needed(reader), &error);
        if (status != KAL_OK)
            return connection_failed(status, error, message);
    }
    return connection_next_page(reader->connection, reader->stream, result, message);
}

static int next_stream(events_reader *reader, char **message)
{
    kal_stream_free(reader->stream);
    reader->stream = (kal_stream)KAL_NONE;
    reader->stream_pages = 0;
    if (reader->is_done || !events_batches_next(&reader->batches)) {
        reader->is_done = true;
        return SQLITE_DONE;
    }
    return events_batches_stream(&reader->batches, reader->connection, page_size(reader), &reader->stream, message);
}

/* Removes the events that another stream of the query returns. */
static int select_matching(events_reader *reader, events_page *page)
{
    size_t matching = 0;
    while (matching < page->count && events_batches_match(&reader->batches, page->events[matching]))
        matching++;
    if (matching == page->count)
        return SQLITE_OK;
    page->filtered = sqlite3_malloc64(page->count * sizeof *page->filtered);
    if (!page->filtered)
        return SQLITE_NOMEM;
    matching = 0;
    for (size_t i = 0; i < page->count; i++)
        if (events_batches_match(&reader->batches, page->events[i]))
            page->filtered[matching++] = page->events[i];
    page->events = page->filtered;
    page->count = matching;
    return SQLITE_OK;
}

static int add_page(events_reader *reader, kal_result result, events_page **made)
{
    events_page *page = sqlite3_malloc(sizeof *page);
    *made = page;
    if (!page) {
        kal_result_free(result);
        return SQLITE_NOMEM;
    }
    *page = (events_page){ .next = reader->pages, .result = result };
    page->events = kal_result_workspace_events(result, &page->count);
    reader->pages = page;
    return select_matching(reader, page);
}

int events_reader_page(events_reader *reader, events_page **page, char **message)
{
    for (;;) {
        kal_result result;
        int code = reader->stream.id != 0 ? next_page(reader, &result, message) : SQLITE_DONE;
        if (code == SQLITE_DONE) {
            code = next_stream(reader, message);
            if (code != SQLITE_OK)
                return code;
            continue;
        }
        if (code == SQLITE_OK)
            code = add_page(reader, result, page);
        if (code != SQLITE_OK)
            return code;
        reader->rows += (int64_t)(*page)->count;
        if ((*page)->count > 0)
            return SQLITE_OK;
        events_reader_drop(reader, *page);
    }
}

void events_reader_drop(events_reader *reader, events_page *page)
{
    if (!page)
        return;
    events_page **at = &reader->pages;
    while (*at != page)
        at = &(*at)->next;
    *at = page->next;
    kal_result_free(page->result);
    sqlite3_free(page->filtered);
    sqlite3_free(page);
}

bool events_reader_enlarge(events_reader *reader)
{
    bool is_larger = reader->query->rows > 0 && page_size(reader) < PAGE_SIZE && reader->rows >= page_size(reader)
                     && reader->connection->page_size == 0;
    reader->query->rows = 0;
    if (!is_larger)
        return false;
    while (reader->pages)
        events_reader_drop(reader, reader->pages);
    kal_stream_free(reader->stream);
    events_reader_init(reader, reader->connection, reader->query);
    return true;
}

void events_reader_clear(events_reader *reader)
{
    while (reader->pages)
        events_reader_drop(reader, reader->pages);
    kal_stream_free(reader->stream);
    events_query_free(reader->query);
    *reader = (events_reader){ .rows = 0 };
}
