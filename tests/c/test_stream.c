/* Streams in the C API: pages, ends, cursors and ownership. Paging itself is tested in tests/streams.rs. */
#include "kit.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS "/workspaces/events"
enum { ALL = 250, MAX_EVENTS = 1000 }; /* the emulator's initial number of events, and room for more */

static kal_stream stream_of(kal_client client, int32_t page_size)
{
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_stream stream;
    kal_error error;
    query.page_size = page_size;
    REQUIRE(CHECK_STATUS(kal_workspace_stream_events(client, &query, NULL, &stream, &error), KAL_OK));
    CHECK_INT(error.id, 0);
    return stream;
}

static kal_stream following(kal_client client, const char *cursor)
{
    kal_stream stream;
    kal_error error;
    REQUIRE(CHECK_STATUS(kal_workspace_follow_events(client, NULL, cursor, NULL, &stream, &error), KAL_OK));
    CHECK_STATUS(kal_stream_set_backoff(stream, 1, 5, NULL), KAL_OK);
    return stream;
}

/* Ids in order of arrival, each once. */
typedef struct ids {
    char text[MAX_EVENTS][64];
    size_t len;
} ids;

static bool has(const ids *all, const char *id)
{
    for (size_t i = 0; i < all->len; i++)
        if (strcmp(all->text[i], id) == 0)
            return true;
    return false;
}

static void keep(ids *all, kal_result page)
{
    size_t len;
    const kal_workspace_event *const *events = kal_result_workspace_events(page, &len);
    CHECK(len > 0);
    for (size_t i = 0; i < len && all->len < MAX_EVENTS; i++) {
        CHECK(!has(all, events[i]->id));
        snprintf(all->text[all->len++], sizeof all->text[0], "%s", events[i]->id);
    }
    kal_result_free(page);
}

static kal_status next(kal_stream stream, uint32_t timeout_ms, ids *all)
{
    kal_result page = { 0xBAD };
    kal_error error = { 0xBAD };
    kal_status status = kal_stream_next(stream, timeout_ms, &page, &error);
    CHECK((status == KAL_OK) == (page.id != 0));
    /* Below 100 is no failure. */
    CHECK((status < 100) == (error.id == 0));
    if (status == KAL_OK)
        keep(all, page);
    kal_error_free(error);
    return status;
}

static ids seen, resumed;

static void forget(void)
{
    seen.len = resumed.len = 0;
}

CLAIM(a_stream_returns_every_event_once_and_then_kal_done)
{
    forget();
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 40);
    CHECK_INT(emulator_count(&server, "total"), 0);
    while (next(stream, 60000, &seen) == KAL_OK) {
    }
    CHECK_INT(seen.len, ALL);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(next(stream, 60000, &seen), KAL_DONE);
    kal_stream_free(stream);
    kal_client_close(client);
}

CLAIM(waits_without_a_limit_end_with_a_page_a_completion_and_the_end)
{
    kal_client client = new_client();
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    kal_completion done = KAL_COMPLETION_INIT;
    kal_stream stream;
    kal_queue queue;
    kal_result page;
    kal_status status;
    options.timeout_ms = KAL_WAIT_FOREVER;
    CHECK_STATUS(kal_workspace_stream_events(client, NULL, &options, &stream, NULL), KAL_OK);
    while ((status = kal_stream_next(stream, KAL_WAIT_FOREVER, &page, NULL)) == KAL_OK)
        kal_result_free(page);
    CHECK_STATUS(status, KAL_DONE);
    CHECK_STATUS(kal_queue_open(&queue, NULL), KAL_OK);
    CHECK_STATUS(kal_submit(client, "workspace.get_members", NULL, &options, queue, NULL, NULL), KAL_OK);
    CHECK_STATUS(kal_queue_next(queue, KAL_WAIT_FOREVER, &done, NULL), KAL_OK);
    CHECK_STATUS(done.status, KAL_OK);
    kal_result_free(done.result);
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_page_outlives_its_stream_and_its_client)
{
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 10);
    kal_result page;
    CHECK_STATUS(kal_stream_next(stream, 60000, &page, NULL), KAL_OK);
    kal_stream_free(stream);
    kal_client_close(client);
    size_t len;
    CHECK(kal_result_workspace_events(page, &len) != NULL);
    CHECK_INT(len, 10);
    CHECK_CONTAINS(kal_result_json(page, NULL), kal_result_workspace_events(page, NULL)[9]->id);
    kal_result_free(page);
}

CLAIM(a_failed_page_is_fetched_again_and_no_event_is_lost)
{
    forget();
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 60);
    kal_result page;
    kal_error error;
    CHECK_STATUS(next(stream, 60000, &seen), KAL_OK);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":500}");
    FAILURE(kal_stream_next(stream, 60000, &page, &error), &error, KAL_SERVER_ERROR, "status 500");
    CHECK_INT(page.id, 0);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"body\":\"<html>\"}");
    FAILURE(kal_stream_next(stream, 60000, &page, &error), &error, KAL_BAD_RESPONSE, "unusable response");
    while (next(stream, 60000, &seen) == KAL_OK) {
    }
    CHECK_INT(seen.len, ALL);
    kal_stream_free(stream);
    kal_client_close(client);
}

/* Red when the request ahead moves the cursor, and without that request. */
CLAIM(a_stream_that_reads_ahead_requests_one_page_and_keeps_its_cursor)
{
    forget();
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 40), invalid = { 12345 };
    kal_error error;
    CHECK_STATUS(kal_stream_set_read_ahead(stream, 1, &error), KAL_OK);
    CHECK_INT(error.id, 0);
    CHECK_STATUS(next(stream, 60000, &seen), KAL_OK);
    char *cursor = strdup(kal_stream_cursor(stream));
    emulator_wait_for(&server, EVENTS, 2);
    CHECK_TEXT(kal_stream_cursor(stream), cursor);
    while (next(stream, 60000, &seen) == KAL_OK) {
    }
    CHECK_INT(seen.len, ALL);
    FAILURE(kal_stream_set_read_ahead(invalid, 1, &error), &error, KAL_INVALID_HANDLE, "stream");
    FAILURE(kal_stream_set_read_ahead(stream, -1, &error), &error, KAL_INVALID_ARGUMENT, "pages");
    free(cursor);
    kal_stream_free(stream);
    kal_client_close(client);
}

CLAIM(another_client_resumes_from_a_cursor_without_loss_or_repetition)
{
    forget();
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 30);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(next(stream, 60000, &seen), KAL_OK);
    const char *cursor = kal_stream_cursor(stream);
    REQUIRE(cursor != NULL);
    CHECK(strchr(cursor, '\n') == NULL);
    char *kept = strdup(cursor);
    kal_stream_free(stream);
    kal_client_close(client);

    client = new_client();
    stream = following(client, kept);
    while (next(stream, 0, &resumed) == KAL_OK) {
    }
    CHECK_INT(seen.len + resumed.len, ALL);
    for (size_t i = 0; i < resumed.len; i++)
        CHECK(!has(&seen, resumed.text[i]));
    kal_stream_free(stream);
    kal_client_close(client);
    free(kept);
}

CLAIM(a_follower_returns_new_events_and_waits_for_more)
{
    forget();
    emulator growing = emulator_start((char *)NULL);
    kal_client client = client_with(options_for(&growing));
    kal_stream stream = following(client, NULL);
    CHECK_STATUS(next(stream, 0, &seen), KAL_NOT_READY);
    CHECK_STATUS(next(stream, 20, &seen), KAL_NOT_READY);
    CHECK_INT(seen.len, 0);
    emulator_admin(&growing, "events",
                   "{\"events\":[{\"id\":\"new-1\",\"created_at\":\"2090-01-01T00:00:00Z\"},"
                   "{\"id\":\"new-2\",\"created_at\":\"2090-01-01T00:00:01Z\"}]}");
    while (seen.len < 2)
        CHECK_STATUS(next(stream, 60000, &seen), KAL_OK);
    CHECK(has(&seen, "new-1") && has(&seen, "new-2"));
    CHECK_STATUS(next(stream, 0, &seen), KAL_NOT_READY);
    CHECK_INT(seen.len, 2);
    kal_stream_free(stream);
    kal_client_close(client);
    emulator_stop(&growing);
}

/* Red when both are KAL_TIMED_OUT, as in 0.1.0: "it returned KAL_TIMED_OUT (203)". */
CLAIM(nothing_yet_is_no_failure_but_a_request_that_times_out_is)
{
    forget();
    kal_client_options options = options_for(&server);
    options.timeout_ms = 300;
    options.max_attempts = 1;
    kal_client client = client_with(options);
    kal_stream stream = stream_of(client, 60);
    kal_result page = { 0xBAD };
    kal_error error = { 0xBAD };
    kal_status status;
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"drop\":\"hang\"}");
    CHECK_STATUS(kal_stream_next(stream, 1, &page, &error), KAL_NOT_READY);
    CHECK_INT(page.id, 0);
    CHECK_INT(error.id, 0);
    FAILURE(kal_stream_next(stream, 60000, &page, &error), &error, KAL_TIMED_OUT, "timed out after 300 ms");
    CHECK_INT(page.id, 0);
    while ((status = next(stream, 60000, &seen)) == KAL_OK) {
    }
    CHECK_STATUS(status, KAL_DONE);
    CHECK_INT(seen.len, ALL);
    kal_stream_free(stream);
    kal_client_close(client);
}

/* Waits for the next page on its own thread. */
typedef struct waiting {
    pthread_t thread;
    kal_stream stream;
    kal_status status;
    kal_result page;
} waiting;

static void *wait_for_page(void *argument)
{
    waiting *call = argument;
    call->status = kal_stream_next(call->stream, 3600 * 1000, &call->page, NULL);
    return NULL;
}

static void start_waiting(waiting *call, kal_stream stream)
{
    call->stream = stream;
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"drop\":\"hang\"}");
    long before = emulator_count(&server, EVENTS);
    REQUIRE(pthread_create(&call->thread, NULL, wait_for_page, call) == 0);
    emulator_wait_for(&server, EVENTS, before + 1);
}

static void check_cancelled(waiting *call)
{
    pthread_join(call->thread, NULL);
    CHECK_STATUS(call->status, KAL_CANCELLED);
    CHECK_INT(call->page.id, 0);
}

CLAIM(freeing_a_stream_ends_the_wait_for_its_page)
{
    kal_client client = new_client();
    waiting call;
    start_waiting(&call, stream_of(client, 10));
    kal_stream_free(call.stream);
    check_cancelled(&call);
    kal_client_close(client);
}

CLAIM(closing_the_client_ends_the_wait_for_a_page)
{
    forget();
    kal_client client = new_client();
    waiting call;
    start_waiting(&call, stream_of(client, 10));
    kal_client_close(client);
    check_cancelled(&call);
    CHECK_STATUS(next(call.stream, 0, &seen), KAL_CANCELLED);
    kal_stream_free(call.stream);
}

CLAIM(firing_a_streams_cancel_ends_the_stream)
{
    forget();
    kal_client client = new_client();
    kal_cancel cancel;
    kal_stream stream;
    waiting call;
    REQUIRE(kal_cancel_open(&cancel, NULL) == KAL_OK);
    kal_call_options options = with_cancel(cancel);
    REQUIRE(kal_workspace_stream_events(client, NULL, &options, &stream, NULL) == KAL_OK);
    start_waiting(&call, stream);
    kal_cancel_fire(cancel);
    check_cancelled(&call);
    CHECK_STATUS(next(stream, 0, &seen), KAL_CANCELLED);
    kal_stream_free(stream);
    kal_cancel_close(cancel);
    kal_client_close(client);
}

CLAIM(a_second_concurrent_wait_for_a_page_is_rejected)
{
    kal_client client = new_client();
    kal_result page;
    kal_error error;
    waiting call;
    start_waiting(&call, stream_of(client, 10));
    FAILURE(kal_stream_next(call.stream, 0, &page, &error), &error, KAL_INVALID_STATE, "");
    kal_stream_free(call.stream);
    check_cancelled(&call);
    kal_client_close(client);
}

static void check_no_stream(kal_stream stream)
{
    kal_result page = { 0xBAD };
    kal_error error;
    kal_queue queue;
    FAILURE(kal_stream_next(stream, 0, &page, &error), &error, KAL_INVALID_HANDLE, "this kal_stream is ");
    CHECK_INT(page.id, 0);
    FAILURE(kal_stream_set_backoff(stream, 1, 2, &error), &error, KAL_INVALID_HANDLE, "this kal_stream is ");
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    FAILURE(kal_stream_submit_next(stream, 0, queue, NULL, &error), &error, KAL_INVALID_HANDLE, "this kal_stream is ");
    kal_queue_close(queue);
    CHECK(kal_stream_cursor(stream) == NULL);
    kal_stream_free(stream);
}

CLAIM(a_null_stale_forged_or_foreign_stream_handle_is_invalid)
{
    forget();
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 10), none = KAL_NONE;
    check_no_stream(none);
    check_no_stream((kal_stream){ client.id });
    for (int bit = 0; bit < 64; bit++)
        check_no_stream((kal_stream){ stream.id ^ UINT64_C(1) << bit });
    FAILURE_OF(get_events, ((kal_client){ stream.id }), KAL_INVALID_HANDLE, "this kal_client is ");
    kal_client_close((kal_client){ stream.id });
    kal_result_free((kal_result){ stream.id });
    CHECK_STATUS(next(stream, 60000, &seen), KAL_OK);
    kal_stream_free(stream);
    check_no_stream(stream);
    kal_client_close(client);
}

static kal_status open_stream(kal_client client, const kal_events_query *query, const char *cursor, bool follow, kal_error *error)
{
    kal_stream stream = { 0xBAD };
    kal_status status = follow ? kal_workspace_follow_events(client, query, cursor, NULL, &stream, error)
                               : kal_workspace_stream_events(client, query, NULL, &stream, error);
    CHECK_INT(stream.id, 0);
    return status;
}

CLAIM(an_invalid_argument_of_a_stream_is_named)
{
    kal_client client = new_client(), none = KAL_NONE;
    kal_error error;
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    for (int follow = 0; follow < 2; follow++) {
        query.page = 1;
        FAILURE(open_stream(client, &query, NULL, follow, &error), &error, KAL_INVALID_ARGUMENT, "page");
        query.page = 0;
        query.after_date = "soon";
        FAILURE(open_stream(client, &query, NULL, follow, &error), &error, KAL_INVALID_ARGUMENT, "after_date: ");
        query.after_date = NULL;
        query.resource_type = "caf\xe9";
        FAILURE(open_stream(client, &query, NULL, follow, &error), &error, KAL_INVALID_UTF8, "resource_type: ");
        query.resource_type = NULL;
        query.struct_size = 0;
        FAILURE(open_stream(client, &query, NULL, follow, &error), &error, KAL_INVALID_ARGUMENT, "query.struct_size: ");
        query.struct_size = sizeof query;
        FAILURE(open_stream(none, &query, NULL, follow, &error), &error, KAL_INVALID_HANDLE, "kal_client");
    }
    query.before_date = "2030-01-01";
    FAILURE(open_stream(client, &query, NULL, true, &error), &error, KAL_INVALID_ARGUMENT, "before_date");
    FAILURE(kal_workspace_stream_events(client, NULL, NULL, NULL, &error), &error, KAL_INVALID_ARGUMENT, "stream: NULL");
    FAILURE(kal_workspace_follow_events(client, NULL, NULL, NULL, NULL, &error), &error, KAL_INVALID_ARGUMENT, "stream: NULL");
    kal_stream stream = stream_of(client, 10);
    FAILURE(kal_stream_next(stream, 0, NULL, &error), &error, KAL_INVALID_ARGUMENT, "result: NULL");
    FAILURE(kal_stream_set_backoff(stream, 5, 4, &error), &error, KAL_INVALID_ARGUMENT, "min_ms");
    CHECK_STATUS(kal_stream_set_backoff(stream, 0, 0, &error), KAL_OK);
    kal_stream_free(stream);
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(an_invalid_cursor_is_rejected)
{
    forget();
    kal_client client = new_client();
    kal_error error;
    kal_stream stream = stream_of(client, 10);
    CHECK_STATUS(next(stream, 60000, &seen), KAL_OK);
    char *cursor = strdup(kal_stream_cursor(stream));
    static const char *const texts[] = { "", " ", "x", "{}", "null", "[1,2,3]", "\n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        FAILURE(open_stream(client, NULL, texts[i], true, &error), &error, KAL_INVALID_ARGUMENT, "cursor: ");
    FAILURE(open_stream(client, NULL, "\xff", true, &error), &error, KAL_INVALID_UTF8, "cursor: ");
    /* Resuming with other filters would lose events that only they match. */
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    query.resource_type = "task";
    FAILURE(open_stream(client, &query, cursor, true, &error), &error, KAL_INVALID_ARGUMENT, "cursor: ");
    cursor[strlen(cursor) / 2] = '\0';
    FAILURE(open_stream(client, NULL, cursor, true, &error), &error, KAL_INVALID_ARGUMENT, "cursor: ");
    free(cursor);
    kal_stream_free(stream);
    kal_client_close(client);
}

CLAIM(pages_are_delivered_through_a_queue_too)
{
    forget();
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 100);
    kal_queue queue;
    kal_error error;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    for (;;) {
        kal_completion completion = KAL_COMPLETION_INIT;
        CHECK_STATUS(kal_stream_submit_next(stream, 60000, queue, &seen, &error), KAL_OK);
        CHECK_STATUS(kal_queue_next(queue, 60000, &completion, &error), KAL_OK);
        CHECK(completion.user_data == &seen);
        if (completion.status != KAL_OK) {
            CHECK_STATUS(completion.status, KAL_DONE);
            CHECK_INT(completion.result.id, 0);
            CHECK_INT(completion.error.id, 0);
            break;
        }
        keep(&seen, completion.result);
    }
    CHECK_INT(seen.len, ALL);
    kal_queue_close(queue);
    kal_stream_free(stream);
    kal_client_close(client);
}

/* A stream whose first page was taken from the queue and whose second page is still in it. */
typedef struct waiting_page {
    kal_client client;
    kal_stream stream;
    kal_queue queue;
    const char *cursor; /* taken while the page was being fetched */
    char *copy;
} waiting_page;

static void wait_for_completion(kal_queue queue)
{
    REQUIRE(is_readable(queue, 60000));
}

static kal_status pick_up(kal_queue queue, ids *all)
{
    kal_completion completion = KAL_COMPLETION_INIT;
    REQUIRE(CHECK_STATUS(kal_queue_next(queue, 60000, &completion, NULL), KAL_OK));
    CHECK_INT(completion.error.id, 0);
    if (completion.status == KAL_OK)
        keep(all, completion.result);
    return completion.status;
}

static waiting_page have_a_page_wait(void)
{
    forget();
    waiting_page page = { .client = new_client() };
    page.stream = stream_of(page.client, 40);
    REQUIRE(kal_queue_open(&page.queue, NULL) == KAL_OK);
    REQUIRE(kal_stream_submit_next(page.stream, 60000, page.queue, NULL, NULL) == KAL_OK);
    CHECK_STATUS(pick_up(page.queue, &seen), KAL_OK);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"delay_ms\":200}");
    REQUIRE(kal_stream_submit_next(page.stream, 60000, page.queue, NULL, NULL) == KAL_OK);
    page.cursor = kal_stream_cursor(page.stream);
    REQUIRE(page.cursor != NULL);
    page.copy = strdup(page.cursor);
    wait_for_completion(page.queue);
    return page;
}

static void free_waiting_page(waiting_page *page)
{
    kal_stream_free(page->stream);
    kal_client_close(page->client);
    free(page->copy);
}

/* Red when the arriving page replaces the text: "expected kal_stream_cursor(page.stream) == page.cursor", and under valgrind
   "Invalid read of size 1 ... 16 bytes inside a block of size 224 free'd". */
CLAIM(a_cursors_text_stays_valid_when_a_page_arrives_and_when_it_is_taken)
{
    waiting_page page = have_a_page_wait();
    CHECK_TEXT(page.cursor, page.copy);
    CHECK(kal_stream_cursor(page.stream) == page.cursor);
    CHECK_STATUS(pick_up(page.queue, &seen), KAL_OK);
    CHECK_TEXT(page.cursor, page.copy);
    const char *behind = kal_stream_cursor(page.stream);
    CHECK(strcmp(behind, page.copy) != 0);
    CHECK(kal_stream_cursor(page.stream) == behind);
    /* Another thread may still be reading the previous one. */
    CHECK_TEXT(page.cursor, page.copy);
    kal_queue_close(page.queue);
    free_waiting_page(&page);
}

/* Checks that the events after `cursor` and those in `seen` are all events, each once. */
static void check_nothing_lost_after(const char *cursor)
{
    kal_client client = new_client();
    kal_stream stream = following(client, cursor);
    while (next(stream, 0, &resumed) == KAL_OK) {
    }
    CHECK_INT(seen.len + resumed.len, ALL);
    for (size_t i = 0; i < resumed.len; i++)
        CHECK(!has(&seen, resumed.text[i]));
    kal_stream_free(stream);
    kal_client_close(client);
}

/* Red when the cursor advances as the page arrives: "expected seen.len + resumed.len to be 250, it is 210". */
CLAIM(a_page_still_in_a_queue_is_after_the_cursor)
{
    waiting_page page = have_a_page_wait();
    check_nothing_lost_after(kal_stream_cursor(page.stream));
    kal_queue_close(page.queue);
    free_waiting_page(&page);
}

/* Red when a closed queue drops its pages: "expected seen.len to be 250, it is 210". */
CLAIM(a_page_in_a_closed_queue_is_returned_again)
{
    waiting_page page = have_a_page_wait();
    kal_queue_close(page.queue);
    CHECK_TEXT(kal_stream_cursor(page.stream), page.copy);
    while (next(page.stream, 60000, &seen) == KAL_OK) {
    }
    CHECK_INT(seen.len, ALL);
    check_nothing_lost_after(kal_stream_cursor(page.stream));
    free_waiting_page(&page);
}

/* The queue of the first page is closed after the second page was taken. Red as the two above. */
CLAIM(a_cursor_never_advances_past_a_page_not_taken)
{
    waiting_page page = have_a_page_wait();
    kal_queue other;
    REQUIRE(kal_queue_open(&other, NULL) == KAL_OK);
    REQUIRE(kal_stream_submit_next(page.stream, 60000, other, NULL, NULL) == KAL_OK);
    CHECK_STATUS(pick_up(other, &seen), KAL_OK);
    CHECK_TEXT(kal_stream_cursor(page.stream), page.copy);
    kal_queue_close(page.queue);
    CHECK_TEXT(kal_stream_cursor(page.stream), page.copy);
    while (next(page.stream, 60000, &seen) == KAL_OK) {
    }
    CHECK_INT(seen.len, ALL);
    check_nothing_lost_after(kal_stream_cursor(page.stream));
    kal_queue_close(other);
    free_waiting_page(&page);
}

/* Red when the waiting thread's page replaces the text: "Invalid read of size 1" under valgrind. */
CLAIM(a_cursor_taken_during_another_threads_wait_outlives_that_threads_page)
{
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 10);
    waiting call = { .stream = stream };
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"delay_ms\":300}");
    REQUIRE(pthread_create(&call.thread, NULL, wait_for_page, &call) == 0);
    emulator_wait_for(&server, EVENTS, 1);
    const char *cursor = kal_stream_cursor(stream);
    char *copy = strdup(cursor);
    pthread_join(call.thread, NULL);
    CHECK_STATUS(call.status, KAL_OK);
    CHECK_TEXT(cursor, copy);
    CHECK(strcmp(kal_stream_cursor(stream), copy) != 0);
    kal_result_free(call.page);
    free(copy);
    kal_stream_free(stream);
    kal_client_close(client);
}

CLAIM(a_forked_child_cannot_use_the_streams_of_its_parent)
{
    if (check_mode_is("asan"))
        check_skip("AddressSanitizer itself cannot be forked with threads");
    forget();
    kal_client client = new_client();
    kal_stream stream = stream_of(client, 10);
    CHECK_STATUS(next(stream, 60000, &seen), KAL_OK);
    CHECK_STATUS(kal_shutdown(10000), KAL_OK);
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        kal_result page;
        kal_error error;
        alarm(60);
        FAILURE(kal_stream_next(stream, 0, &page, &error), &error, KAL_FORKED, "before fork");
        CHECK(kal_stream_cursor(stream) == NULL);
        kal_stream_free(stream);
        fflush(stdout);
        _exit(check_has_failed());
    }
    int status = -1;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    CHECK_STATUS(next(stream, 60000, &seen), KAL_OK);
    kal_stream_free(stream);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, "--events", "250", NULL);
}
