/* Threads that leave where they should not: cancelled within a call, or out of a callback. */
#include "kit.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS "/workspaces/events"

static kal_error error;

typedef struct calls {
    kal_client client;
    kal_queue queue;
    kal_status status, submitted, next, cached;
} calls;

__attribute__((noinline)) static void call_all(calls *made)
{
    kal_result result;
    kal_completion done = KAL_COMPLETION_INIT;
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    made->status = kal_workspace_get_events(made->client, NULL, NULL, &result, NULL);
    kal_result_free(result);
    made->submitted = kal_submit(made->client, "workspace.get_events", NULL, NULL, made->queue, NULL, NULL);
    made->next = kal_queue_next(made->queue, 60000, &done, NULL);
    kal_result_free(done.result);
    kal_queue_close(made->queue);
    (void)!kal_workspace_get_members(made->client, NULL, &result, NULL);
    kal_result_free(result);
    options.cache = KAL_CACHE_ONLY;
    made->cached = kal_workspace_get_members(made->client, &options, &result, NULL);
    kal_result_free(result);
    kal_client_close(made->client);
}

/* Makes calls of each kind with a cancellation pending, and then offers a cancellation point. It has no variables of its own:
 * AddressSanitizer does not clear the stack of a thread that is cancelled. */
static void *call_while_cancelled(void *made)
{
    pthread_cancel(pthread_self());
    call_all(made);
    pthread_testcancel();
    return NULL;
}

/* Red when cancellation is not deferred: "FATAL: exception not rethrown", and the program is aborted. */
CLAIM(a_cancelled_thread_ends_after_its_calls)
{
    pthread_t thread;
    void *ended = NULL;
    calls made = {
        .client = new_client(), .status = KAL_INTERNAL, .submitted = KAL_INTERNAL, .next = KAL_INTERNAL, .cached = KAL_INTERNAL
    };
    REQUIRE(kal_queue_open(&made.queue, &error) == KAL_OK);
    REQUIRE(pthread_create(&thread, NULL, call_while_cancelled, &made) == 0);
    REQUIRE(pthread_join(thread, &ended) == 0);
    CHECK(ended == PTHREAD_CANCELED);
    CHECK_STATUS(made.status, KAL_OK);
    CHECK_STATUS(made.submitted, KAL_OK);
    CHECK_STATUS(made.next, KAL_OK);
    CHECK_STATUS(made.cached, KAL_OK);
}

static enum { RETURN, JUMP, EXIT } leaves_by;
static jmp_buf outside;
static int provided;

static kal_status provide(void *user_data, char *buffer, size_t capacity, size_t *length)
{
    (void)user_data;
    (void)capacity;
    provided++;
    if (leaves_by == JUMP)
        longjmp(outside, 1);
    if (leaves_by == EXIT)
        pthread_exit(NULL);
    memcpy(buffer, "iap-token", *length = 9);
    return KAL_OK;
}

static kal_client client_with_provider(void)
{
    kal_client_options options = options_for(&server);
    options.iap_token_provider = provide;
    return client_with(options);
}

/* Red when the thread counts as inside the callback until that returns: KAL_WOULD_DEADLOCK (105). Red when the provider counts as
 * running: KAL_TIMED_OUT for the client. */
CLAIM(a_thread_that_jumped_out_of_a_provider_may_call)
{
    if (!check_mode_is("plain"))
        check_skip("what the jump skips is a leak");
    kal_client client = client_with_provider(), other = new_client();
    kal_result result;
    provided = 0;
    leaves_by = JUMP;
    if (setjmp(outside) == 0) {
        (void)!kal_workspace_get_events(client, NULL, NULL, &result, &error);
        CHECK(!"the call returned");
    }
    leaves_by = RETURN;
    kal_result_free(RESULT_OF(get_events, other));
    kal_result_free(RESULT_OF(get_events, client));
    CHECK_INT(provided, 2);
    kal_client_close(other);
    kal_client_close(client);
}

static kal_status start(kal_client client, kal_stream stream, kal_queue queue)
{
    return stream.id == 0 ? kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL)
                          : kal_stream_submit_next(stream, 60000, queue, NULL, NULL);
}

/* Red when the queue counts a submission before its provider has returned: KAL_NOT_READY (2) for ever instead of KAL_DONE. */
CLAIM(a_queue_is_drained_after_a_thread_jumped_out_of_a_submission)
{
    if (!check_mode_is("plain"))
        check_skip("what the jump skips is a leak");
    for (volatile int of_stream = 0; of_stream < 2; of_stream++) {
        kal_client client = client_with_provider();
        kal_queue queue;
        kal_stream stream = { 0 };
        kal_completion done = KAL_COMPLETION_INIT;
        REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
        if (of_stream)
            REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) == KAL_OK);
        leaves_by = JUMP;
        if (setjmp(outside) == 0) {
            (void)!start(client, stream, queue);
            CHECK(!"the submission returned");
        }
        leaves_by = RETURN;
        CHECK_STATUS(start(client, stream, queue), KAL_OK);
        CHECK_STATUS(kal_queue_next(queue, 60000, &done, NULL), KAL_OK);
        CHECK_STATUS(done.status, KAL_OK);
        kal_result_free(done.result);
        kal_queue_shutdown(queue);
        CHECK_STATUS(kal_queue_next(queue, 0, &done, NULL), KAL_DONE);
        kal_stream_free(stream);
        kal_queue_close(queue);
        kal_client_close(client);
    }
}

static void *call_and_exit(void *client)
{
    kal_result result;
    (void)!kal_workspace_get_events(*(kal_client *)client, NULL, NULL, &result, NULL);
    return NULL;
}

/* What the header says. A thread that ended in silence would leave the calls that wait for the token waiting. */
CLAIM(a_thread_that_exits_in_a_provider_ends_the_process)
{
    if (!check_mode_is("plain"))
        check_skip("the process is aborted");
    fflush(NULL);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        pthread_t thread;
        kal_client client = client_with_provider();
        leaves_by = EXIT;
        if (freopen("/dev/null", "w", stderr) == NULL || pthread_create(&thread, NULL, call_and_exit, &client) != 0)
            _exit(1);
        pthread_join(thread, NULL);
        _exit(2);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
#ifdef __GLIBC__
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#else
    /* With musl, pthread_exit runs no destructors, so the library cannot notice it. */
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
#endif
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, (char *)NULL);
}
