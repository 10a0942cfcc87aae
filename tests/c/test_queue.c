/* Calls that do not block: each completes exactly once, in every case. */
#include "kit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

static kal_error error;

static kal_queue new_queue(void)
{
    kal_queue queue;
    REQUIRE(kal_queue_open(&queue, &error) == KAL_OK);
    return queue;
}

/* Waits for a completion; a minute is "never". */
static kal_completion next(kal_queue queue)
{
    kal_completion completion = KAL_COMPLETION_INIT;
    REQUIRE(kal_queue_next(queue, 60000, &completion, &error) == KAL_OK);
    return completion;
}

static void free_completion(kal_completion completion)
{
    kal_result_free(completion.result);
    kal_error_free(completion.error);
}

CLAIM(a_submitted_call_completes_with_its_user_data)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    int mine = 0;
    size_t len = 0;
    REQUIRE(kal_submit(client, "workspace.get_members", NULL, NULL, queue, &mine, &error) == KAL_OK);
    CHECK(is_readable(queue, 60000));
    kal_completion done = next(queue);
    CHECK(done.user_data == &mine);
    CHECK_STATUS(done.status, KAL_OK);
    CHECK_INT(done.error.id, 0);
    CHECK(kal_result_workspace_users(done.result, &len) != NULL && len == 12);
    CHECK(!is_readable(queue, 0));
    free_completion(done);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_cached_answer_completes_at_once)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_result_free(RESULT_OF(get_members, client));
    REQUIRE(kal_submit(client, "workspace.get_members", NULL, NULL, queue, NULL, &error) == KAL_OK);
    CHECK(is_readable(queue, 0));
    free_completion(next(queue));
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_failed_call_completes_with_its_error)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"status\":403,\"body\":\"{\\\"code\\\":\\\"no\\\"}\"}");
    REQUIRE(kal_submit(client, "workspace.get_events", "{\"page_size\":5}", NULL, queue, NULL, &error) == KAL_OK);
    kal_completion done = next(queue);
    CHECK_STATUS(done.status, KAL_FORBIDDEN);
    CHECK_INT(done.result.id, 0);
    REQUIRE(kal_error_get(done.error) != NULL);
    CHECK_TEXT(kal_error_get(done.error)->code, "no");
    free_completion(done);
    kal_queue_close(queue);
    kal_client_close(client);
}

/* The JSON of the blocking call and of the submitted one, which must be the same. */
static void same_answer(kal_queue queue, kal_result blocking)
{
    kal_completion done = next(queue);
    CHECK_STATUS(done.status, KAL_OK);
    CHECK_INT(kal_result_kind(done.result), kal_result_kind(blocking));
    CHECK_TEXT(kal_result_json(done.result, NULL), kal_result_json(blocking, NULL));
    free_completion(done);
    kal_result_free(blocking);
}

/* Red when the submitted call leaves the query out. */
CLAIM(a_typed_submission_is_the_blocking_call)
{
    static const char *const types[] = { "create", "a \"quoted\" \\ type" };
    static const char *const users[] = { "u-1" };
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_result blocking;
    int mine = 0;
    query.page = 1;
    query.page_size = 3;
    query.event_types = types;
    query.event_types_len = 2;
    query.resource_type = "task";
    query.event_user_ids = users;
    query.event_user_ids_len = 1;
    query.after_date = "2000-01-01";
    query.before_date = "2100-01-01";
    REQUIRE(kal_workspace_submit_get_events(client, &query, NULL, queue, &mine, &error) == KAL_OK);
    kal_completion done = next(queue);
    CHECK_STATUS(done.status, KAL_OK);
    CHECK(done.user_data == &mine);
    free_completion(done);
    char *submitted = emulator_requests(&server);
    emulator_reset(&server);
    REQUIRE(kal_workspace_get_events(client, &query, NULL, &blocking, &error) == KAL_OK);
    kal_result_free(blocking);
    char *sent = emulator_requests(&server);
    /* From its path to its headers. */
    const char *request = strstr(submitted, "/workspaces/events"), *same = strstr(sent, "/workspaces/events");
    REQUIRE(request != NULL && same != NULL && strstr(request, "headers") != NULL);
    CHECK(strncmp(request, same, (size_t)(strstr(request, "headers") - request)) == 0);
    CHECK_CONTAINS(request, "quoted");
    free(submitted);
    free(sent);
    REQUIRE(kal_workspace_submit_get_events(client, NULL, NULL, queue, NULL, NULL) == KAL_OK);
    REQUIRE(kal_workspace_get_events(client, NULL, NULL, &blocking, NULL) == KAL_OK);
    same_answer(queue, blocking);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_typed_submission_by_ids_needs_no_escaping)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_result members = RESULT_OF(get_members, client), groups = RESULT_OF(get_groups, client), some;
    const char *ids[] = { "no \"one\" \\", NULL, NULL };
    ids[1] = kal_result_workspace_users(members, NULL)[3]->id;
    ids[2] = kal_result_workspace_groups(groups, NULL)[1]->id;
    REQUIRE(kal_workspace_submit_get_members_by_ids(client, ids, 3, NULL, queue, NULL, &error) == KAL_OK);
    REQUIRE(kal_workspace_get_members_by_ids(client, &ids[1], 1, NULL, &some, NULL) == KAL_OK);
    same_answer(queue, some);
    REQUIRE(kal_workspace_submit_get_groups_by_ids(client, ids, 3, NULL, queue, NULL, &error) == KAL_OK);
    REQUIRE(kal_workspace_get_groups_by_ids(client, &ids[2], 1, NULL, &some, NULL) == KAL_OK);
    same_answer(queue, some);
    kal_result_free(members);
    kal_result_free(groups);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_rejected_typed_submission_does_not_complete)
{
    static const char *const ids[] = { "u-1", NULL };
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_completion none = KAL_COMPLETION_INIT;
    query.after_date = "yesterday";
    FAILURE(kal_workspace_submit_get_events(client, &query, NULL, queue, NULL, &error), &error, KAL_INVALID_ARGUMENT,
            "after_date: ");
    FAILURE(kal_workspace_submit_get_members_by_ids(client, ids, 2, NULL, queue, NULL, &error), &error, KAL_INVALID_ARGUMENT,
            "ids[1]: ");
    FAILURE(kal_workspace_submit_get_groups_by_ids(client, NULL, 1, NULL, queue, NULL, &error), &error, KAL_INVALID_ARGUMENT,
            "ids: ");
    FAILURE(kal_workspace_submit_get_events(client, NULL, NULL, (kal_queue)KAL_NONE, NULL, &error), &error, KAL_INVALID_HANDLE,
            "kal_queue");
    FAILURE(kal_workspace_submit_get_events((kal_client)KAL_NONE, NULL, NULL, queue, NULL, &error), &error, KAL_INVALID_HANDLE,
            "kal_client");
    CHECK_STATUS(kal_queue_next(queue, 0, &none, &error), KAL_NOT_READY);
    kal_queue_shutdown(queue);
    FAILURE(kal_workspace_submit_get_events(client, NULL, NULL, queue, NULL, &error), &error, KAL_INVALID_STATE, "queue");
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_rejected_submission_does_not_complete)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_completion none = KAL_COMPLETION_INIT;
    FAILURE(kal_submit(client, "workspace.get_nothing", NULL, NULL, queue, NULL, &error), &error, KAL_UNKNOWN_METHOD,
            "workspace.get_nothing");
    FAILURE(kal_submit(client, "workspace.get_events", "{\"page\":\"x\"}", NULL, queue, NULL, &error), &error,
            KAL_INVALID_ARGUMENT, "page: ");
    FAILURE(kal_submit(client, NULL, NULL, NULL, queue, NULL, &error), &error, KAL_INVALID_ARGUMENT, "method: ");
    CHECK_STATUS(kal_queue_next(queue, 0, &none, &error), KAL_NOT_READY);
    CHECK_INT(error.id, 0);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(ten_thousand_submissions_complete_once_each)
{
    int count = check_is_slow() ? 500 : 10000;
    unsigned char *seen = calloc((size_t)count, 1);
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_completion none = KAL_COMPLETION_INIT;
    for (int i = 0; i < count; i++)
        REQUIRE(kal_submit(client, "workspace.get_events", "{\"page_size\":1}", NULL, queue, &seen[i], NULL) == KAL_OK);
    for (int i = 0; i < count; i++) {
        kal_completion done = next(queue);
        CHECK_STATUS(done.status, KAL_OK);
        ++*(unsigned char *)done.user_data;
        free_completion(done);
    }
    int wrong = 0;
    for (int i = 0; i < count; i++)
        wrong += seen[i] != 1;
    CHECK_INT(wrong, 0);
    CHECK_STATUS(kal_queue_next(queue, 0, &none, NULL), KAL_NOT_READY);
    /* One connection for each slot; one that was being opened when another became idle is kept too. */
    CHECK(emulator_count(&server, "connections") < 2 * 64);
    kal_queue_close(queue);
    kal_client_close(client);
    free(seen);
}

CLAIM(max_in_flight_limits_concurrent_requests)
{
    kal_client_options options = options_for(&server);
    options.max_in_flight = 3;
    kal_client client = client_with(options);
    kal_queue queue = new_queue();
    for (int i = 0; i < 30; i++)
        REQUIRE(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL) == KAL_OK);
    for (int i = 0; i < 30; i++)
        free_completion(next(queue));
    CHECK(emulator_count(&server, "connections") <= 3);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_cancelled_submission_completes_as_cancelled)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_cancel cancel;
    REQUIRE(kal_cancel_open(&cancel, NULL) == KAL_OK);
    kal_call_options options = with_cancel(cancel);
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"drop\":\"hang\",\"times\":0}");
    REQUIRE(kal_submit(client, "workspace.get_events", NULL, &options, queue, NULL, NULL) == KAL_OK);
    emulator_wait_for(&server, "/workspaces/events", 1);
    kal_cancel_fire(cancel);
    kal_completion done = next(queue);
    CHECK_STATUS(done.status, KAL_CANCELLED);
    free_completion(done);
    kal_cancel_close(cancel);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(sixty_four_requests_are_in_flight_by_default)
{
    kal_client client = new_client(), other = new_client();
    kal_queue queue = new_queue();
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"drop\":\"hang\",\"times\":0}");
    for (int i = 0; i < 200; i++)
        REQUIRE(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL) == KAL_OK);
    emulator_wait_for(&server, "/workspaces/events", 64);
    kal_result_free(RESULT_OF(get_members, other)); /* by now the I/O thread has handled the others */
    CHECK_INT(emulator_count(&server, "/workspaces/events"), 64);
    kal_queue_close(queue);
    kal_client_close(other);
    kal_client_close(client);
}

CLAIM(cancelling_one_submission_does_not_end_a_shared_request)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_cancel cancel;
    int cancelled = 0, other = 0;
    REQUIRE(kal_cancel_open(&cancel, NULL) == KAL_OK);
    kal_call_options options = with_cancel(cancel);
    emulator_fault(&server, "{\"path\":\"/workspaces/members\",\"delay_ms\":1000}");
    REQUIRE(kal_submit(client, "workspace.get_members", NULL, &options, queue, &cancelled, NULL) == KAL_OK);
    REQUIRE(kal_submit(client, "workspace.get_members", NULL, NULL, queue, &other, NULL) == KAL_OK);
    emulator_wait_for(&server, "/workspaces/members", 1);
    while (stats_of(client).shared_requests < 1)
        sched_yield();
    kal_cancel_fire(cancel);
    /* The order shows that the first did not wait for the response to the second. */
    kal_completion done = next(queue);
    CHECK(done.user_data == &cancelled);
    CHECK_STATUS(done.status, KAL_CANCELLED);
    free_completion(done);
    done = next(queue);
    CHECK(done.user_data == &other);
    CHECK_STATUS(done.status, KAL_OK);
    free_completion(done);
    CHECK_INT(emulator_count(&server, "/workspaces/members"), 1);
    kal_cancel_close(cancel);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(closing_the_client_completes_its_calls_as_cancelled)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"drop\":\"hang\",\"times\":0}");
    for (int i = 0; i < 20; i++)
        REQUIRE(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL) == KAL_OK);
    kal_client_close(client);
    for (int i = 0; i < 20; i++) {
        kal_completion done = next(queue);
        CHECK_STATUS(done.status, KAL_CANCELLED);
        free_completion(done);
    }
    kal_queue_close(queue);
}

CLAIM(closing_the_queue_ends_its_calls_and_leaks_no_descriptor)
{
    kal_client client = new_client();
    kal_result_free(RESULT_OF(get_members, client)); /* opens the connection that stays in the pool */
    int before = descriptor_count();
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"drop\":\"hang\",\"times\":0}");
    kal_queue queue = new_queue();
    for (int i = 0; i < 10; i++)
        REQUIRE(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL) == KAL_OK);
    emulator_wait_for(&server, "/workspaces/events", 10);
    kal_queue_close(queue);
    CHECK_INT(kal_queue_fd(queue), -1);
    kal_completion none = KAL_COMPLETION_INIT;
    CHECK_STATUS(kal_queue_next(queue, 0, &none, NULL), KAL_INVALID_HANDLE);
    CHECK_STATUS(kal_shutdown(60000), KAL_OK); /* cancelled calls are gone once the thread has ended */
    CHECK(descriptor_count() <= before);
    kal_client_close(client);
}

/* Red with kal_queue_close alone, after which no completion comes: the 100 of them leaked (valgrind), and KAL_INVALID_HANDLE. */
CLAIM(a_queue_that_is_shut_down_returns_every_user_data_and_then_ends)
{
    enum { CALLS = 100 };
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_stream stream;
    kal_completion done = KAL_COMPLETION_INIT;
    kal_status status;
    int returned = 0, cancelled = 0;
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"drop\":\"hang\",\"times\":0}");
    for (int i = 0; i < CALLS; i++)
        REQUIRE(kal_submit(client, "workspace.get_events", NULL, NULL, queue, malloc(1), NULL) == KAL_OK);
    REQUIRE(kal_submit(client, "workspace.get_members", NULL, NULL, queue, malloc(1), NULL) == KAL_OK);
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, &error) == KAL_OK);
    REQUIRE(kal_stream_submit_next(stream, UINT32_MAX, queue, malloc(1), &error) == KAL_OK);
    emulator_wait_for(&server, "/workspaces/events", 1);
    kal_queue_shutdown(queue);
    FAILURE(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, &error), &error, KAL_INVALID_STATE, "shut down");
    FAILURE(kal_stream_submit_next(stream, 0, queue, NULL, &error), &error, KAL_INVALID_STATE, "shut down");
    while ((status = kal_queue_next(queue, 60000, &done, &error)) == KAL_OK) {
        returned++;
        cancelled += done.status == KAL_CANCELLED;
        free(done.user_data);
        free_completion(done);
    }
    CHECK_STATUS(status, KAL_DONE);
    CHECK_INT(error.id, 0);
    CHECK(done.user_data == NULL);
    CHECK_INT(returned, CALLS + 2);
    CHECK(cancelled >= CALLS + 1); /* the members may have come before */
    CHECK(is_readable(queue, 0));
    CHECK_STATUS(kal_queue_next(queue, 60000, &done, NULL), KAL_DONE);
    kal_queue_shutdown(queue);
    kal_queue_close(queue);
    kal_queue_shutdown(queue);
    kal_stream_free(stream);
    kal_client_close(client);
}

CLAIM(pages_of_a_stream_are_delivered_through_the_queue)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_stream stream;
    int mine = 0;
    size_t given = 0;
    kal_completion done;
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, &error) == KAL_OK);
    for (;;) {
        size_t len = 0;
        REQUIRE(kal_stream_submit_next(stream, 60000, queue, &mine, &error) == KAL_OK);
        done = next(queue);
        CHECK(done.user_data == &mine);
        if (done.status != KAL_OK)
            break;
        kal_result_workspace_events(done.result, &len);
        given += len;
        free_completion(done);
    }
    CHECK_STATUS(done.status, KAL_DONE);
    CHECK_INT(done.result.id, 0);
    CHECK_INT(done.error.id, 0);
    CHECK_INT(given, 250);
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
}

/* Red when it completes with KAL_TIMED_OUT, as in 0.1.0: "it returned KAL_TIMED_OUT (203)". */
CLAIM(a_page_that_is_not_ready_completes_without_an_error)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_stream stream;
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"drop\":\"hang\"}");
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, &error) == KAL_OK);
    REQUIRE(kal_stream_submit_next(stream, 1, queue, NULL, &error) == KAL_OK);
    kal_completion done = next(queue);
    CHECK_STATUS(done.status, KAL_NOT_READY);
    CHECK_INT(done.result.id, 0);
    CHECK_INT(done.error.id, 0);
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_second_wait_on_a_stream_is_rejected_and_does_not_complete)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_stream stream;
    kal_result result;
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"drop\":\"hang\"}");
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, &error) == KAL_OK);
    REQUIRE(kal_stream_submit_next(stream, 60000, queue, NULL, &error) == KAL_OK);
    FAILURE(kal_stream_submit_next(stream, 60000, queue, NULL, &error), &error, KAL_INVALID_STATE, "another call waits");
    FAILURE(kal_stream_next(stream, 60000, &result, &error), &error, KAL_INVALID_STATE, "another call waits");
    emulator_wait_for(&server, "/workspaces/events", 1);
    kal_stream_free(stream);
    kal_completion done = next(queue);
    CHECK_STATUS(done.status, KAL_CANCELLED);
    free_completion(done);
    CHECK_STATUS(kal_queue_next(queue, 0, &done, NULL), KAL_NOT_READY);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(closing_the_queue_releases_the_stream)
{
    kal_client client = new_client();
    kal_queue queue = new_queue();
    kal_stream stream;
    kal_result result;
    size_t len = 0;
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"drop\":\"hang\"}");
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, &error) == KAL_OK);
    REQUIRE(kal_stream_submit_next(stream, UINT32_MAX, queue, NULL, &error) == KAL_OK);
    emulator_wait_for(&server, "/workspaces/events", 1);
    kal_queue_close(queue);
    REQUIRE(kal_stream_next(stream, 60000, &result, NULL) == KAL_OK);
    CHECK(kal_result_workspace_events(result, &len) != NULL && len == 100);
    kal_result_free(result);
    kal_stream_free(stream);
    kal_client_close(client);
}

typedef struct block {
    sem_t entered, release;
} block;

/* A log callback that holds up the library's thread. */
static void hold_up(void *user_data, int32_t level, const char *message)
{
    block *block = user_data;
    (void)level;
    (void)message;
    sem_post(&block->entered);
    sem_wait(&block->release);
}

/* The library's thread learns of the end of the first queue when another call has the stream. Red when a call that was taken over
 * ends as if its time had passed: KAL_NOT_READY (2) with `stream`, KAL_TIMED_OUT (203) with `follow`. */
CLAIM(a_page_submitted_to_a_queue_that_is_shut_down_is_cancelled_though_another_call_has_taken_over)
{
    for (int follows = 0; follows < 2; follows++) {
        block block;
        REQUIRE(sem_init(&block.entered, 0, 0) == 0 && sem_init(&block.release, 0, 0) == 0);
        kal_client_options options = options_for(&server);
        options.log_callback = hold_up;
        options.log_user_data = &block;
        options.log_level = KAL_LOG_INFO;
        kal_client client = new_client(), blocker = client_with(options);
        kal_queue first = new_queue(), second = new_queue(), other = new_queue();
        kal_stream stream;
        kal_completion done;
        emulator_fault(&server, "[{\"path\":\"/workspaces/events\",\"drop\":\"hang\"},"
                                "{\"path\":\"/workspaces/members\",\"status\":404}]");
        if (follows)
            REQUIRE(kal_workspace_follow_events(client, NULL, NULL, NULL, &stream, &error) == KAL_OK);
        else
            REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, &error) == KAL_OK);
        REQUIRE(kal_stream_submit_next(stream, KAL_WAIT_FOREVER, first, NULL, &error) == KAL_OK);
        emulator_wait_for(&server, "/workspaces/events", 1);
        REQUIRE(kal_submit(blocker, "workspace.get_members", NULL, NULL, other, NULL, &error) == KAL_OK);
        sem_wait(&block.entered);
        kal_queue_shutdown(first);
        REQUIRE(kal_stream_submit_next(stream, follows ? 0 : 60000, second, NULL, &error) == KAL_OK);
        for (int i = 0; i < 100; i++)
            sem_post(&block.release);
        done = next(first);
        CHECK_STATUS(done.status, KAL_CANCELLED);
        free_completion(done);
        CHECK_STATUS(kal_queue_next(first, 0, &done, NULL), KAL_DONE);
        done = next(second);
        CHECK_STATUS(done.status, follows ? KAL_NOT_READY : KAL_OK);
        free_completion(done);
        free_completion(next(other));
        kal_stream_free(stream);
        kal_queue_close(first);
        kal_queue_close(second);
        kal_queue_close(other);
        CHECK_STATUS(kal_client_shutdown(blocker, 60000, NULL), KAL_OK);
        kal_client_close(client);
        emulator_reset(&server);
    }
}

static void *wait_forever(void *queue)
{
    kal_completion completion = KAL_COMPLETION_INIT;
    return (void *)(intptr_t)kal_queue_next(*(kal_queue *)queue, UINT32_MAX, &completion, NULL);
}

/* Red without the second wake-up: the threads that wait for a queue without calls hang. */
CLAIM(shutting_the_queue_down_ends_the_waits_of_all_threads)
{
    pthread_t threads[4];
    kal_queue queue = new_queue();
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, wait_forever, &queue) == 0);
    kal_queue_shutdown(queue);
    for (int i = 0; i < 4; i++) {
        void *status = NULL;
        REQUIRE(pthread_join(threads[i], &status) == 0);
        CHECK_INT((intptr_t)status, KAL_DONE);
    }
    kal_queue_close(queue);
}

/* Red when the last user of the queue closes it, a thread that waits included: open in some of the rounds. */
CLAIM(the_descriptor_is_closed_when_the_queue_is)
{
#ifdef _WIN32
    check_skip("Windows has no fcntl");
#endif
    int still_open = 0;
    for (int round = 0; round < 50; round++) {
        pthread_t threads[4];
        kal_queue queue = new_queue();
        int descriptor = kal_queue_fd(queue);
        for (int i = 0; i < 4; i++)
            REQUIRE(pthread_create(&threads[i], NULL, wait_forever, &queue) == 0);
        for (int i = 0; i < 100; i++)
            sched_yield();
        kal_queue_close(queue);
        still_open += fcntl(descriptor, F_GETFD) != -1;
        for (int i = 0; i < 4; i++)
            REQUIRE(pthread_join(threads[i], NULL) == 0);
    }
    CHECK_INT(still_open, 0);
}

CLAIM(closing_the_queue_ends_a_threads_wait)
{
    pthread_t thread;
    void *status = NULL;
    kal_queue queue = new_queue();
    REQUIRE(pthread_create(&thread, NULL, wait_forever, &queue) == 0);
    kal_queue_close(queue);
    REQUIRE(pthread_join(thread, &status) == 0);
    /* It may complete before or after that. */
    CHECK((intptr_t)status == KAL_CANCELLED || (intptr_t)status == KAL_INVALID_HANDLE);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
