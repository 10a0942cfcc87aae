/* The host's token provider: what may be called from within it, and that only its own caller's thread blocks in it. */
#include "kit.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TOKEN "iap-token-1"

/* A provider that reports when it is called, and returns when it is released. */
typedef struct provider {
    kal_status status;
    bool waits;
    sem_t entered;
    sem_t release;
    int calls;
    void (*within)(void *context);
    void *context;
} provider;

static void init_provider(provider *host)
{
    *host = (provider){ .status = KAL_OK };
    REQUIRE(sem_init(&host->entered, 0, 0) == 0 && sem_init(&host->release, 0, 0) == 0);
}

static kal_status provide(void *user_data, char *buffer, size_t capacity, size_t *length)
{
    provider *host = user_data;
    host->calls++;
    sem_post(&host->entered);
    if (host->within != NULL)
        host->within(host->context);
    if (host->waits)
        sem_wait(&host->release);
    if (capacity < sizeof TOKEN)
        return -1;
    memcpy(buffer, TOKEN, sizeof TOKEN - 1);
    *length = sizeof TOKEN - 1;
    return host->status;
}

static kal_client client_of(provider *host)
{
    kal_client_options options = options_for(&server);
    options.iap_token_provider = provide;
    options.iap_user_data = host;
    return client_with(options);
}

static kal_queue new_queue(void)
{
    kal_queue queue;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    return queue;
}

static kal_status submit(kal_client client, const char *method, const kal_call_options *options, kal_queue queue)
{
    return kal_submit(client, method, NULL, options, queue, NULL, NULL);
}

/* The next completion's status; a minute is "never". */
static kal_status completed(kal_queue queue)
{
    kal_completion done = KAL_COMPLETION_INIT;
    kal_status status = kal_queue_next(queue, 60000, &done, NULL);
    kal_result_free(done.result);
    kal_error_free(done.error);
    return CHECK_STATUS(status, KAL_OK) ? done.status : status;
}

/* Makes a call on its own thread, which blocks in the provider. */
static void start_caller(caller *caller_thread, provider *host, kal_client client)
{
    host->waits = true;
    caller_start(caller_thread, get_events, client, NULL);
    sem_wait(&host->entered);
}

static void end_caller(caller *caller_thread, provider *host, kal_status expected)
{
    sem_post(&host->release);
    CHECK_STATUS(caller_join(caller_thread), expected);
    kal_result_free(caller_thread->result);
    kal_error_free(caller_thread->error);
    host->waits = false;
}

typedef struct world {
    kal_client client, other, plain;
    kal_stream stream, other_stream, plain_stream;
    kal_queue queue;
} world;

static void check_would_deadlock(kal_client client, kal_stream stream, kal_queue queue)
{
    kal_result result;
    for (size_t i = 0; i < KIT_METHODS; i++)
        CHECK_STATUS(kit_methods[i].call(client, NULL, &result, NULL), KAL_WOULD_DEADLOCK);
    CHECK_STATUS(kal_call(client, "workspace.get_events", NULL, NULL, &result, NULL), KAL_WOULD_DEADLOCK);
    CHECK_STATUS(kal_request(client, "POST", "/echo", NULL, NULL, NULL, &result, NULL), KAL_WOULD_DEADLOCK);
    CHECK_STATUS(kal_stream_next(stream, 0, &result, NULL), KAL_WOULD_DEADLOCK);
    CHECK_STATUS(submit(client, "workspace.get_events", NULL, queue), KAL_WOULD_DEADLOCK);
    CHECK_STATUS(kal_stream_submit_next(stream, 1000, queue, NULL, NULL), KAL_WOULD_DEADLOCK);
}

/* Calls every function of the API from within the provider. */
static void call_everything(void *context)
{
    world *all = context;
    kal_result result;
    kal_completion none = KAL_COMPLETION_INIT;
    kal_call_options only = with_cache(KAL_CACHE_ONLY);
    kal_cancel cancel;
    check_would_deadlock(all->client, all->stream, all->queue);
    check_would_deadlock(all->other, all->other_stream, all->queue);
    CHECK_STATUS(kal_queue_next(all->queue, 1000, &none, NULL), KAL_WOULD_DEADLOCK);
    CHECK_STATUS(kal_shutdown(1000), KAL_WOULD_DEADLOCK);
    CHECK_STATUS(kal_set_log(KAL_LOG_OFF, NULL, NULL), KAL_WOULD_DEADLOCK);
    /* Functions that do not wait still work. */
    CHECK_STATUS(kal_queue_next(all->queue, 0, &none, NULL), KAL_NOT_READY);
    CHECK_STATUS(get_members(all->plain, &only, &result, NULL), KAL_OK);
    kal_result_free(result);
    CHECK_STATUS(submit(all->plain, "workspace.get_members", &only, all->queue), KAL_OK);
    CHECK_STATUS(submit(all->plain, "workspace.get_events", NULL, all->queue), KAL_OK);
    CHECK_STATUS(kal_stream_submit_next(all->plain_stream, 60000, all->queue, NULL, NULL), KAL_OK);
    CHECK(kal_stream_cursor(all->stream) != NULL);
    CHECK_STATUS(kal_cancel_open(&cancel, NULL), KAL_OK);
    kal_cancel_fire(cancel);
    kal_cancel_close(cancel);
    stats_of(all->client);
    kal_client unused = new_client();
    kal_client_close(unused);
}

/* Red when a submission waits for the thread that runs the provider, which is its own: the first `submit` never returned. */
CLAIM(no_function_blocks_within_a_provider)
{
    provider host, other;
    init_provider(&host);
    init_provider(&other);
    world all = { .client = client_of(&host), .other = client_of(&other), .plain = new_client(), .queue = new_queue() };
    REQUIRE(kal_workspace_stream_events(all.client, NULL, NULL, &all.stream, NULL) == KAL_OK);
    REQUIRE(kal_workspace_stream_events(all.other, NULL, NULL, &all.other_stream, NULL) == KAL_OK);
    REQUIRE(kal_workspace_stream_events(all.plain, NULL, NULL, &all.plain_stream, NULL) == KAL_OK);
    kal_result_free(RESULT_OF(get_members, all.plain));
    host.within = call_everything;
    host.context = &all;
    kal_result_free(RESULT_OF(get_events, all.client));
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(completed(all.queue), KAL_OK);
    CHECK_INT(host.calls, 1);
    CHECK_INT(other.calls, 0);
    kal_stream_free(all.stream);
    kal_stream_free(all.other_stream);
    kal_stream_free(all.plain_stream);
    kal_queue_close(all.queue);
    kal_client_close(all.client);
    kal_client_close(all.other);
    kal_client_close(all.plain);
}

typedef struct meeting {
    pthread_barrier_t both;
    kal_client others[2];
} meeting;

typedef struct side {
    meeting *meeting;
    int index;
    kal_queue queue;
} side;

static void call_the_other(void *context)
{
    side *side = context;
    kal_result result;
    kal_client other = side->meeting->others[side->index];
    pthread_barrier_wait(&side->meeting->both);
    CHECK_STATUS(get_events(other, NULL, &result, NULL), KAL_WOULD_DEADLOCK);
    CHECK_STATUS(submit(other, "workspace.get_events", NULL, side->queue), KAL_WOULD_DEADLOCK);
    pthread_barrier_wait(&side->meeting->both);
}

/* Red when a call within a provider waits for another client's provider: both waited for each other. */
CLAIM(two_providers_that_call_each_others_clients_do_not_deadlock)
{
    provider hosts[2];
    meeting meeting;
    side sides[2];
    caller callers[2];
    kal_client clients[2];
    REQUIRE(pthread_barrier_init(&meeting.both, NULL, 2) == 0);
    for (int i = 0; i < 2; i++) {
        init_provider(&hosts[i]);
        clients[i] = client_of(&hosts[i]);
        meeting.others[1 - i] = clients[i];
        sides[i] = (side){ .meeting = &meeting, .index = i, .queue = new_queue() };
        hosts[i].within = call_the_other;
        hosts[i].context = &sides[i];
    }
    for (int i = 0; i < 2; i++)
        caller_start(&callers[i], get_events, clients[i], NULL);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(caller_join(&callers[i]), KAL_OK);
        kal_result_free(callers[i].result);
    }
    for (int i = 0; i < 2; i++) {
        kal_queue_close(sides[i].queue);
        kal_client_close(clients[i]);
    }
    pthread_barrier_destroy(&meeting.both);
}

/* The provider returns only when this claim releases it, so calls that return before that did not wait for it. Red when other
 * calls wait for the thread that runs the provider: the first call below never returned. */
CLAIM(deadlines_and_cancels_end_a_wait_for_another_threads_provider)
{
    provider host;
    init_provider(&host);
    kal_client client = client_of(&host);
    kal_queue queue = new_queue();
    kal_call_options soon = with_timeout(50);
    kal_cancel cancel;
    caller caller_thread, cancelled;
    REQUIRE(kal_cancel_open(&cancel, NULL) == KAL_OK);
    kal_call_options options = with_cancel(cancel);
    start_caller(&caller_thread, &host, client);
    const kal_error_info *info =
        FAILURE_WITH(get_events, client, &soon, KAL_TIMED_OUT, "waiting for the token of iap_token_provider");
    CHECK_INT(info->attempts, 0);
    FAILURE_WITH(get_members, client, &soon, KAL_TIMED_OUT, "waiting for the token of iap_token_provider");
    CHECK_STATUS(submit(client, "workspace.get_events", &soon, queue), KAL_OK);
    CHECK_STATUS(completed(queue), KAL_TIMED_OUT);
    CHECK_STATUS(submit(client, "workspace.get_members", &options, queue), KAL_OK);
    caller_start(&cancelled, get_events, client, &options);
    kal_cancel_fire(cancel);
    CHECK_STATUS(completed(queue), KAL_CANCELLED);
    CHECK_STATUS(caller_join(&cancelled), KAL_CANCELLED);
    kal_error_free(cancelled.error);
    CHECK_INT(emulator_count(&server, "total"), 0);
    /* A caller with enough time gets its answer once there is a token. */
    CHECK_STATUS(submit(client, "workspace.get_members", NULL, queue), KAL_OK);
    end_caller(&caller_thread, &host, KAL_OK);
    CHECK_STATUS(completed(queue), KAL_OK);
    CHECK_INT(host.calls, 1);
    kal_cancel_close(cancel);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(closing_the_client_ends_waits_for_another_threads_provider)
{
    provider host;
    init_provider(&host);
    kal_client client = client_of(&host);
    kal_queue queue = new_queue();
    kal_stream stream;
    caller caller_thread;
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) == KAL_OK);
    start_caller(&caller_thread, &host, client);
    CHECK_STATUS(submit(client, "workspace.get_events", NULL, queue), KAL_OK);
    CHECK_STATUS(kal_stream_submit_next(stream, 60000, queue, NULL, NULL), KAL_OK);
    kal_client_close(client);
    CHECK_STATUS(completed(queue), KAL_CANCELLED);
    CHECK_STATUS(completed(queue), KAL_CANCELLED);
    end_caller(&caller_thread, &host, KAL_CANCELLED);
    CHECK_INT(emulator_count(&server, "total"), 0);
    kal_stream_free(stream);
    kal_queue_close(queue);
}

CLAIM(a_stream_has_nothing_yet_while_another_thread_runs_the_provider)
{
    provider host;
    init_provider(&host);
    kal_client client = client_of(&host);
    kal_queue queue = new_queue();
    kal_stream stream;
    kal_result page;
    kal_error error;
    caller caller_thread;
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) == KAL_OK);
    start_caller(&caller_thread, &host, client);
    CHECK_STATUS(kal_stream_next(stream, 20, &page, &error), KAL_NOT_READY);
    CHECK_INT(error.id, 0);
    CHECK_STATUS(kal_stream_submit_next(stream, 20, queue, NULL, NULL), KAL_OK);
    CHECK_STATUS(completed(queue), KAL_NOT_READY);
    CHECK_STATUS(kal_stream_submit_next(stream, 60000, queue, NULL, NULL), KAL_OK);
    end_caller(&caller_thread, &host, KAL_OK);
    CHECK_STATUS(completed(queue), KAL_OK);
    CHECK_STATUS(kal_stream_next(stream, 60000, &page, NULL), KAL_OK);
    kal_result_free(page);
    CHECK_INT(host.calls, 1);
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(waiting_callers_share_a_providers_failure_and_the_next_call_runs_it_again)
{
    enum { OTHERS = 8 };
    provider host;
    init_provider(&host);
    host.status = KAL_AUTH_FAILED;
    kal_client client = client_of(&host);
    kal_queue queue = new_queue();
    kal_stream stream;
    caller caller_thread;
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) == KAL_OK);
    start_caller(&caller_thread, &host, client);
    CHECK_STATUS(kal_stream_submit_next(stream, 60000, queue, NULL, NULL), KAL_OK);
    for (int i = 1; i < OTHERS; i++)
        CHECK_STATUS(submit(client, i % 2 ? "workspace.get_events" : "workspace.get_members", NULL, queue), KAL_OK);
    end_caller(&caller_thread, &host, KAL_AUTH_FAILED);
    for (int i = 0; i < OTHERS; i++) {
        kal_completion done = KAL_COMPLETION_INIT;
        CHECK_STATUS(kal_queue_next(queue, 60000, &done, NULL), KAL_OK);
        FAILURE(done.status, &done.error, KAL_AUTH_FAILED, "iap_token_provider: it returned 300");
    }
    CHECK_INT(host.calls, 1);
    CHECK_INT(emulator_count(&server, "total"), 0);
    host.status = KAL_OK;
    kal_result_free(RESULT_OF(get_events, client));
    CHECK_INT(host.calls, 2);
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
}

static void take_too_long(void *context)
{
    struct timespec wait = { .tv_nsec = 60 * 1000 * 1000 };
    (void)context;
    nanosleep(&wait, NULL);
}

/* Red when the deadline is not checked after the provider: a request was sent for a call that had timed out. */
CLAIM(time_in_a_provider_counts_towards_the_calls_deadline)
{
    provider host;
    init_provider(&host);
    host.within = take_too_long;
    kal_client client = client_of(&host);
    kal_call_options soon = with_timeout(50);
    FAILURE_WITH(get_events, client, &soon, KAL_TIMED_OUT, "timed out after 50 ms waiting for iap_token_provider");
    CHECK_INT(emulator_count(&server, "total"), 0);
    kal_result_free(RESULT_OF(get_events, client));
    CHECK_INT(host.calls, 1);
    kal_client_close(client);

    kal_queue queue = new_queue();
    client = client_of(&host);
    CHECK_STATUS(submit(client, "workspace.get_events", &soon, queue), KAL_TIMED_OUT);
    kal_completion none = KAL_COMPLETION_INIT;
    CHECK_STATUS(kal_queue_next(queue, 0, &none, NULL), KAL_NOT_READY);
    kal_queue_close(queue);
    kal_client_close(client);
}

/* A submission cannot call the provider again by itself: the next one does, and the error is retryable. Red when a rejection by
 * the proxy is treated as one by the API: the second submission had the same token, and the provider was called once. */
CLAIM(the_next_submission_replaces_a_token_rejected_by_the_proxy)
{
    static const char refusal[] = "{\"path\":\"/workspaces/events\",\"status\":401,"
                                  "\"headers\":{\"X-Goog-IAP-Generated-Response\":\"true\"}}";
    provider host;
    init_provider(&host);
    kal_client client = client_of(&host);
    kal_queue queue = new_queue();
    kal_stream stream;
    REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) == KAL_OK);
    kal_result_free(RESULT_OF(get_events, client));
    for (int calls = 1; calls < 4; calls++) {
        kal_completion done = KAL_COMPLETION_INIT;
        bool is_stream = calls == 2;
        emulator_fault(&server, refusal);
        for (int i = 0; i < 2; i++) {
            if (is_stream)
                CHECK_STATUS(kal_stream_submit_next(stream, 60000, queue, NULL, NULL), KAL_OK);
            else
                CHECK_STATUS(submit(client, "workspace.get_events", NULL, queue), KAL_OK);
            CHECK_INT(host.calls, calls + i);
            CHECK_STATUS(kal_queue_next(queue, 60000, &done, NULL), KAL_OK);
            if (i == 0)
                CHECK(FAILURE(done.status, &done.error, KAL_UNAUTHORIZED, "status 401")->retryable);
            else
                CHECK_STATUS(done.status, KAL_OK);
            kal_result_free(done.result);
        }
    }
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
}

static void end_queue(void *context)
{
    kal_queue queue = *(kal_queue *)context;
    kal_completion none = KAL_COMPLETION_INIT;
    kal_queue_shutdown(queue);
    CHECK_STATUS(kal_queue_next(queue, 0, &none, NULL), KAL_DONE);
}

static void close_queue(void *context)
{
    kal_queue_close(*(kal_queue *)context);
}

/* Red when the queue counts a submission whose provider is still running: KAL_NOT_READY (2) instead of KAL_DONE, and the
 * submission returned KAL_OK. Red when the queue is not looked at before the provider is called: two calls instead of one. */
CLAIM(a_queue_that_ends_while_the_provider_runs_refuses_the_submission)
{
    for (int i = 0; i < 4; i++) {
        bool of_stream = i % 2 != 0, closed = i >= 2;
        provider host;
        init_provider(&host);
        host.within = closed ? close_queue : end_queue;
        kal_client client = client_of(&host);
        kal_queue queue = new_queue();
        kal_stream stream;
        kal_result page;
        kal_error error;
        host.context = &queue;
        REQUIRE(kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) == KAL_OK);
        FAILURE(of_stream ? kal_stream_submit_next(stream, 60000, queue, NULL, &error)
                          : kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, &error),
                &error, KAL_INVALID_STATE, "the queue was shut down or closed");
        CHECK_INT(emulator_count(&server, "total"), 0);
        host.within = NULL;
        /* Nothing of it is left in the stream. */
        CHECK_STATUS(kal_stream_next(stream, 60000, &page, NULL), KAL_OK);
        kal_result_free(page);
        CHECK_INT(host.calls, 1);
        kal_client_close(client);
        client = client_of(&host);
        if (!closed)
            CHECK_STATUS(submit(client, "workspace.get_events", NULL, queue), KAL_INVALID_STATE);
        CHECK_INT(host.calls, 1);
        kal_stream_free(stream);
        kal_queue_close(queue);
        kal_client_close(client);
        emulator_reset(&server);
    }
}

static void close_client(void *client)
{
    kal_client_close(*(kal_client *)client);
}

CLAIM(a_provider_may_close_its_client)
{
    provider host;
    init_provider(&host);
    kal_client client = client_of(&host);
    host.within = close_client;
    host.context = &client;
    FAILURE_OF(get_events, client, KAL_CANCELLED, "the client was closed");
    CHECK_INT(emulator_count(&server, "total"), 0);
}

static void fork_here(void *child)
{
    fflush(stdout);
    *(pid_t *)child = fork();
}

/* Red when the process is not checked again after the provider: the call continued in the child with the parent's sign-in:
 * "expected ended to be 0, it is 256". */
CLAIM(a_call_whose_provider_forks_continues_in_the_parent_only)
{
#ifdef _WIN32
    check_skip("Windows has no fork");
#endif
    if (check_mode_is("asan"))
        check_skip("AddressSanitizer itself cannot be forked with threads");
    if (check_mode_is("valgrind"))
        check_skip("to valgrind, what the parent's threads hold is lost in the child");
    provider host;
    init_provider(&host);
    kal_client client = client_of(&host);
    pid_t child = -1;
    host.within = fork_here;
    host.context = &child;
    kal_result result;
    kal_status status = get_events(client, NULL, &result, NULL);
    if (child == 0)
        _exit(status == KAL_FORKED ? 0 : 1);
    int ended = -1;
    CHECK(child > 0);
    CHECK_STATUS(status, KAL_OK);
    CHECK_INT(waitpid(child, &ended, 0), child);
    CHECK_INT(ended, 0);
    kal_result_free(result);
    kal_client_close(client);
}

/* Action of the log callback, run once. */
typedef struct logger {
    pthread_mutex_t lock;
    bool done;
    kal_client needs_a_token, plain;
    kal_queue queue;
} logger;

static void log_once(void *user_data, int32_t level, const char *message)
{
    logger *logger = user_data;
    kal_result result;
    (void)level;
    (void)message;
    take_over(logger);
    pthread_mutex_lock(&logger->lock);
    if (!logger->done) {
        logger->done = true;
        CHECK_STATUS(get_events(logger->plain, NULL, &result, NULL), KAL_WOULD_DEADLOCK);
        CHECK_STATUS(submit(logger->needs_a_token, "workspace.get_events", NULL, logger->queue), KAL_WOULD_DEADLOCK);
        CHECK_STATUS(submit(logger->plain, "workspace.get_events", NULL, logger->queue), KAL_OK);
    }
    pthread_mutex_unlock(&logger->lock);
}

/* Red when the I/O thread runs the provider: it was called there, while every call of the process waited. */
CLAIM(a_log_callback_can_submit_when_no_new_token_is_needed)
{
    provider host;
    init_provider(&host);
    logger logger = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .needs_a_token = client_of(&host), .plain = new_client(), .queue = new_queue()
    };
    hand_over(&logger);
    REQUIRE(kal_set_log(KAL_LOG_DEBUG, log_once, &logger) == KAL_OK);
    kal_result_free(RESULT_OF(get_members, logger.plain));
    CHECK_STATUS(completed(logger.queue), KAL_OK);
    CHECK_INT(host.calls, 0);
    CHECK_STATUS(kal_set_log(KAL_LOG_OFF, NULL, NULL), KAL_OK);
    kal_queue_close(logger.queue);
    kal_client_close(logger.needs_a_token);
    kal_client_close(logger.plain);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
