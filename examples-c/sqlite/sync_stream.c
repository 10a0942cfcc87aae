/* The streams that kal_sync reads. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "sync.h"
SQLITE_EXTENSION_INIT3

#include <time.h>

/* The library's. */
#define DEFAULT_TIMEOUT_MS 60000

void sync_reader_close(sync_reader *reader)
{
    kal_result_free(reader->page);
    kal_stream_free(reader->stream);
}

static kal_events_query page_query(const sync_table *table)
{
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    query.page_size = table->connection->page_size ? table->connection->page_size : SYNC_PAGE;
    return query;
}

int sync_reader_open(sync_table *table, sync_reader *reader, const char *after, const char *before)
{
    kal_events_query query = page_query(table);
    kal_client client;
    kal_error error;
    *reader = (sync_reader){ .stream = KAL_NONE };
    query.after_date = after;
    query.before_date = before;
    int code = connection_client(table->connection, &client, &table->message);
    if (code != SQLITE_OK)
        return code;
    kal_status status = kal_workspace_stream_events(client, &query, NULL, &reader->stream, &error);
    return status == KAL_OK ? SQLITE_OK : connection_failed(status, error, &table->message);
}

int sync_reader_next(sync_table *table, sync_reader *reader)
{
    kal_result_free(reader->page);
    reader->page = (kal_result)KAL_NONE;
    return connection_next_page(table->connection, reader->stream, &reader->page, &table->message);
}

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The time of one request. */
static uint32_t timeout(const sync_table *table)
{
    return table->connection->timeout_ms ? table->connection->timeout_ms : DEFAULT_TIMEOUT_MS;
}

int sync_reader_follow(sync_table *table, sync_reader *reader)
{
    kal_events_query query = page_query(table);
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    kal_client client;
    kal_error error;
    *reader = (sync_reader){ .stream = KAL_NONE };
    options.timeout_ms = timeout(table);
    int code = connection_client(table->connection, &client, &table->message);
    if (code != SQLITE_OK)
        return code;
    kal_status status = kal_workspace_follow_events(client, &query, table->cursor, &options, &reader->stream, &error);
    if (status == KAL_OK)
        return SQLITE_OK;
    code = connection_failed(status, error, &table->message);
    if (status != KAL_INVALID_ARGUMENT || code == SQLITE_NOMEM)
        return code;
    sqlite3_free(table->message);
    table->message = NULL;
    code = sync_forget_cursor(table);
    return code == SQLITE_OK ? SYNC_CHANGED : code;
}

int sync_reader_poll(sync_table *table, sync_reader *reader)
{
    kal_result_free(reader->page);
    for (;;) {
        int64_t start = milliseconds();
        reader->page = (kal_result)KAL_NONE;
        int code = connection_poll_page(table->connection, reader->stream, &reader->page, &table->message);
        /* After the time of one request the answer may be on its way: the next call gets it, or the failure. */
        if (code != SQLITE_DONE || milliseconds() - start < timeout(table))
            return code;
    }
}
