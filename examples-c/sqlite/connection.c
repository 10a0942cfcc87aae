/* One client per database connection. Its calls poll for interrupts while they wait. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

/* Interval at which waiting calls check for an interrupt. */
#define INTERRUPT_POLL_MS 100

connection *connection_new(sqlite3 *db)
{
    connection *made = sqlite3_malloc(sizeof *made);
    if (made)
        *made = (connection){ .db = db };
    return made;
}

void connection_release(void *data)
{
    connection *connection = data;
    if (--connection->owners > 0)
        return;
    snapshots_reset(connection);
    kal_client_close(connection->client);
    sqlite3_free(connection->base_url);
    sqlite3_free(connection);
}

int connection_failed(kal_status status, kal_error error, char **message)
{
    const kal_error_info *info = kal_error_get(error);
    sqlite3_free(*message);
    *message = sqlite3_mprintf("%s: %s", kal_status_name(status), info ? info->message : "error details are unavailable");
    kal_error_free(error);
    return *message ? SQLITE_ERROR : SQLITE_NOMEM;
}

void result_failure(sqlite3_context *context, int code, const char *message)
{
    if (message)
        sqlite3_result_error(context, message, -1);
    if (code != SQLITE_ERROR)
        sqlite3_result_error_code(context, code);
}

int connection_client(connection *connection, kal_client *client, char **message)
{
    kal_error error;
    if (connection->client.id == 0) {
        kal_status status = kal_client_open(NULL, &connection->client, &error);
        if (status != KAL_OK)
            return connection_failed(status, error, message);
    }
    *client = connection->client;
    return SQLITE_OK;
}

/* Waits for the one call submitted to the queue, then closes the queue, which cancels the call if it is still in progress. */
static int finish(const connection *connection, kal_queue queue, kal_completion *done, char **message)
{
    kal_error error;
    kal_status status;
    int code = SQLITE_OK;
    interrupt interrupt = { .db = connection->db };
    while (code == SQLITE_OK && (status = kal_queue_next(queue, INTERRUPT_POLL_MS, done, &error)) == KAL_NOT_READY)
        if (interrupt_check(&interrupt))
            code = SQLITE_INTERRUPT;
    interrupt_end(&interrupt);
    if (code == SQLITE_OK && status != KAL_OK)
        code = connection_failed(status, error, message);
    else if (code == SQLITE_OK && done->status != KAL_OK && done->status != KAL_DONE && done->status != KAL_NOT_READY)
        code = connection_failed(done->status, done->error, message);
    kal_queue_close(queue);
    return code;
}

int connection_call(connection *connection, const char *method, const char *params, kal_result *result, char **message)
{
    kal_call_options cached = KAL_CALL_OPTIONS_INIT;
    kal_completion done = KAL_COMPLETION_INIT;
    kal_client client;
    kal_queue queue;
    kal_error error;
    int code = connection_client(connection, &client, message);
    if (code != SQLITE_OK)
        return code;
    /* Fast path for a cached answer. */
    cached.cache = KAL_CACHE_ONLY;
    if (kal_call(client, method, params, &cached, result, NULL) == KAL_OK)
        return SQLITE_OK;
    kal_status status = kal_queue_open(&queue, &error);
    if (status == KAL_OK && (status = kal_submit(client, method, params, NULL, queue, NULL, &error)) != KAL_OK)
        kal_queue_close(queue);
    if (status != KAL_OK)
        return connection_failed(status, error, message);
    code = finish(connection, queue, &done, message);
    *result = done.result;
    return code;
}

/* SQLITE_DONE: the completion has the status `end`. */
static int next_page(connection *connection, kal_stream stream, uint32_t timeout_ms, kal_status end, kal_result *page,
                     char **message)
{
    kal_completion done = KAL_COMPLETION_INIT;
    kal_queue queue;
    kal_error error;
    kal_status status = kal_queue_open(&queue, &error);
    if (status == KAL_OK && (status = kal_stream_submit_next(stream, timeout_ms, queue, NULL, &error)) != KAL_OK)
        kal_queue_close(queue);
    if (status != KAL_OK)
        return connection_failed(status, error, message);
    int code = finish(connection, queue, &done, message);
    *page = done.result;
    return code == SQLITE_OK && done.status == end ? SQLITE_DONE : code;
}

int connection_next_page(connection *connection, kal_stream stream, kal_result *page, char **message)
{
    /* The client's own timeout limits each request. */
    return next_page(connection, stream, KAL_WAIT_FOREVER, KAL_DONE, page, message);
}

int connection_poll_page(connection *connection, kal_stream stream, kal_result *page, char **message)
{
    return next_page(connection, stream, 0, KAL_NOT_READY, page, message);
}
