/* Signal handlers of the host: one may fire a token whatever it interrupts, and leaves errno alone. */
#include "kit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS "/workspaces/events"

static kal_error error;
static kal_cancel interrupted;
static atomic_long handled;

static void on_signal(int signal)
{
    (void)signal;
    kal_cancel_fire_from_signal(interrupted);
    if (handled >= 0)
        handled++;
}

static void handle(int signal)
{
    struct sigaction action = { .sa_handler = on_signal };
    REQUIRE(sigaction(signal, &action, NULL) == 0);
}

static void open_token(void)
{
    REQUIRE(kal_cancel_open(&interrupted, &error) == KAL_OK);
    handle(SIGUSR1);
}

/* Red when the thread is not woken, or when a thread that starts later does not watch: it hangs. */
CLAIM(a_signal_handler_ends_the_call_that_it_interrupts)
{
    kal_client client = new_client();
    open_token();
    kal_call_options options = with_cancel(interrupted);
    options.timeout_ms = 60000;
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"drop\":\"hang\"}");
    caller caller;
    caller_start(&caller, get_events, client, &options);
    emulator_wait_for(&server, EVENTS, 1);
    REQUIRE(pthread_kill(caller.thread, SIGUSR1) == 0);
    CHECK_STATUS(caller_join(&caller), KAL_CANCELLED);
    kal_error_free(caller.error);
    kal_cancel_close(interrupted);
    kal_client_close(client);
}

/* Red when the library's thread alone looks for fired tokens: it is not running, and a call that the cache answers does not need
 * it. It returned KAL_OK. */
CLAIM(a_call_after_the_handler_is_cancelled_before_it_begins)
{
    kal_client client = new_client();
    open_token();
    kal_call_options options = with_cancel(interrupted);
    kal_result_free(RESULT_WITH(get_members, client, &options));
    CHECK_STATUS(kal_shutdown(60000), KAL_OK);
    errno = 4321;
    REQUIRE(raise(SIGUSR1) == 0);
    CHECK_INT(errno, 4321);
    FAILURE_WITH(get_members, client, &options, KAL_CANCELLED, "before it began");
    kal_result_free(RESULT_OF(get_members, client));
    kal_cancel_close(interrupted);
    kal_client_close(client);
}

/* A stream knows its token from when it was opened. */
CLAIM(a_stream_is_cancelled_by_a_handler_while_the_library_has_no_thread)
{
    kal_client client = new_client();
    kal_stream stream;
    kal_result page;
    open_token();
    kal_call_options options = with_cancel(interrupted);
    REQUIRE(kal_workspace_stream_events(client, NULL, &options, &stream, &error) == KAL_OK);
    CHECK_STATUS(kal_shutdown(60000), KAL_OK);
    REQUIRE(raise(SIGUSR1) == 0);
    FAILURE(kal_stream_next(stream, 60000, &page, &error), &error, KAL_CANCELLED, "");
    CHECK_INT(emulator_count(&server, EVENTS), 0);
    kal_stream_free(stream);
    kal_cancel_close(interrupted);
    kal_client_close(client);
}

/* Interrupts a thread again and again, until `handled` is -1. */
static void *interrupt(void *thread)
{
    for (long seen = 0; seen >= 0; seen = handled) {
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        while (handled == seen)
            sched_yield();
    }
    return NULL;
}

/* Red with kal_cancel_fire in the handler: it hangs, as the handler waits for a lock of the table of handles that its own thread
 * holds. */
CLAIM(a_handler_may_interrupt_any_function)
{
    long count = check_is_slow() ? 100 : 2000;
    pthread_t thread, self = pthread_self();
    kal_client client = new_client();
    kal_queue queue;
    REQUIRE(kal_queue_open(&queue, &error) == KAL_OK);
    open_token();
    handled = 0;
    REQUIRE(pthread_create(&thread, NULL, interrupt, &self) == 0);
    while (handled < count) {
        kal_cancel token;
        kal_completion done = KAL_COMPLETION_INIT;
        kal_call_options options = with_cancel(interrupted);
        CHECK_STATUS(kal_cancel_open(&token, NULL), KAL_OK);
        kal_cancel_fire(token);
        kal_cancel_close(token);
        CHECK_STATUS(kal_submit(client, "workspace.get_members", NULL, &options, queue, NULL, NULL), KAL_OK);
        CHECK_STATUS(kal_queue_next(queue, 60000, &done, NULL), KAL_OK);
        kal_result_free(done.result);
        kal_error_free(done.error);
    }
    handled = -1;
    REQUIRE(pthread_join(thread, NULL) == 0);
    kal_queue_close(queue);
    kal_cancel_close(interrupted);
    kal_client_close(client);
}

CLAIM(a_handler_in_a_forked_child_does_nothing_until_that_has_a_token)
{
    open_token();
    /* Its memory would be lost in the child. */
    CHECK_STATUS(kal_shutdown(60000), KAL_OK);
    fflush(NULL);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        raise(SIGUSR1);
        kal_client client = new_client();
        kal_result result;
        kal_cancel cancel;
        if (kal_cancel_open(&cancel, NULL) != KAL_OK)
            _exit(1);
        kal_call_options options = with_cancel(cancel);
        if (get_members(client, &options, &result, NULL) != KAL_OK)
            _exit(2);
        interrupted = cancel;
        raise(SIGUSR1);
        _exit(get_members(client, &options, &result, NULL) == KAL_CANCELLED ? 0 : 3);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    kal_cancel_close(interrupted);
}

static void *fire_while_cancelled(void *unused)
{
    (void)unused;
    pthread_cancel(pthread_self());
    kal_cancel_fire_from_signal(interrupted);
    return &interrupted;
}

/* Red when the write to the library's thread is a cancellation point: "FATAL: exception not rethrown", and SIGABRT. */
CLAIM(a_thread_that_is_being_cancelled_may_fire)
{
    pthread_t thread;
    void *ended = NULL;
    open_token();
    REQUIRE(pthread_create(&thread, NULL, fire_while_cancelled, NULL) == 0);
    REQUIRE(pthread_join(thread, &ended) == 0);
    CHECK(ended == &interrupted);
    kal_cancel_close(interrupted);
}

static kal_status get_members_with_token(void)
{
    kal_client client = new_client();
    kal_call_options options = with_cancel(interrupted);
    kal_result result;
    kal_status status = kal_workspace_get_members(client, &options, &result, NULL);
    kal_result_free(result);
    kal_client_close(client);
    return status;
}

/* Nothing serves them while the library's thread does not run. Red when a closed token, or a number that is none, keeps its
 * place: KAL_OK. */
CLAIM(tokens_that_were_closed_leave_their_place_to_others)
{
    REQUIRE(kal_shutdown(60000) == KAL_OK);
    for (int i = 0; i < 64; i++) {
        open_token();
        REQUIRE(raise(SIGUSR1) == 0);
        kal_cancel_close(interrupted);
        kal_cancel_fire_from_signal((kal_cancel){ (uint64_t)i });
    }
    open_token();
    REQUIRE(raise(SIGUSR1) == 0);
    CHECK_STATUS(get_members_with_token(), KAL_CANCELLED);
    kal_cancel_close(interrupted);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, (char *)NULL);
}
