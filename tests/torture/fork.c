/*
 * Row 9: fork at random points while other threads are inside the library.
 *
 * In the child, inherited handles return KAL_FORKED and can be freed, and its own client works; the parent is not affected. The
 * first call of a process is tested separately: the fork may happen while another thread initialises the library.
 *
 * Seen red when the child is not counted: "in the child, an inherited handle does not give KAL_FORKED", at every fork.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../c/emulator.h"
#include "torture.h"

enum { HANGS_AFTER_MS = 2000, CALLERS = 4 };

/* Meanings of a child's exit status. */
enum { FINE, NOT_FORKED, STILL_READABLE, NO_CLIENT, NO_CALL, NO_QUEUE, NO_SHUTDOWN, GRANDCHILD };
static const char *const reasons[] = {
    "",
    "an inherited handle does not give KAL_FORKED",
    "an inherited handle returns data",
    "it cannot open a client",
    "its own client's call fails",
    "its own queue fails",
    "it cannot shut down",
    "its own child fails",
};

static emulator server;
static atomic_bool over;
static atomic_long parent_calls, parent_failures;

/* Created before the forks, and inherited. */
static kal_client client;
static kal_queue queue;
static kal_cancel cancel;
static kal_result result;
static kal_error error;
static kal_stream stream;

static kal_client opened_at(const char *url)
{
    kal_client_options options = options_to(url);
    kal_client client;
    if (kal_client_open(&options, &client, NULL) != KAL_OK)
        torture_give_up("a client cannot be opened");
    return client;
}

static kal_client opened(void)
{
    return opened_at(server.url);
}

static int own_client_works(void)
{
    kal_client_options options = options_to(server.url);
    options.timeout_ms = HANGS_AFTER_MS;
    kal_client own;
    kal_result members;
    kal_completion completion = KAL_COMPLETION_INIT;
    if (kal_client_open(&options, &own, NULL) != KAL_OK)
        return NO_CLIENT;
    if (kal_workspace_get_members(own, NULL, &members, NULL) != KAL_OK || kal_result_workspace_users(members, NULL) == NULL
        || kal_result_json(members, NULL) == NULL || strstr(kal_methods(), "get_members") == NULL)
        return NO_CALL;
    kal_result_free(members);
    kal_queue queue;
    if (kal_queue_open(&queue, NULL) != KAL_OK || kal_submit(own, "workspace.get_groups", NULL, NULL, queue, NULL, NULL) != KAL_OK
        || kal_queue_next(queue, HANGS_AFTER_MS, &completion, NULL) != KAL_OK || completion.status != KAL_OK)
        return NO_QUEUE;
    kal_result_free(completion.result);
    kal_queue_close(queue);
    kal_client_close(own);
    return kal_shutdown(HANGS_AFTER_MS) == KAL_OK ? FINE : NO_SHUTDOWN;
}

static int inherited_is_refused(void)
{
    kal_result none;
    kal_completion completion = KAL_COMPLETION_INIT;
    if (kal_workspace_get_workspace(client, NULL, &none, NULL) != KAL_FORKED
        || kal_client_clear_caches(client, NULL) != KAL_FORKED || kal_queue_next(queue, 1000, &completion, NULL) != KAL_FORKED
        || kal_submit(client, "workspace.get_workspace", NULL, NULL, queue, NULL, NULL) != KAL_FORKED
        || kal_stream_next(stream, 1000, &none, NULL) != KAL_FORKED)
        return NOT_FORKED;
    if (kal_result_json(result, NULL) != NULL || kal_result_workspace(result) != NULL || kal_error_get(error) != NULL
        || kal_queue_fd(queue) != -1 || kal_stream_cursor(stream) != NULL)
        return STILL_READABLE;
    kal_cancel_fire(cancel);
    kal_cancel_close(cancel);
    kal_queue_close(queue);
    kal_result_free(result);
    kal_error_free(error);
    kal_stream_free(stream);
    kal_client_close(client);
    return FINE;
}

static int in_the_child(long round)
{
    int outcome = inherited_is_refused();
    if (outcome == FINE)
        outcome = own_client_works();
    if (outcome == FINE && round % 8 == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(own_client_works());
        outcome = reap_within(grandchild, HANGS_AFTER_MS) == 0 ? FINE : GRANDCHILD;
    }
    return outcome;
}

static void judge(const char *when, long round, int status)
{
    if (status == -1)
        torture_fail("%s, fork %ld: the child hangs", when, round);
    else if (!WIFEXITED(status))
        torture_fail("%s, fork %ld: the child dies: wait status %#x", when, round, (unsigned)status);
    else if (WEXITSTATUS(status) != FINE)
        torture_fail("%s, fork %ld: in the child, %s", when, round, reasons[WEXITSTATUS(status) % 8]);
}

/* Together these take every kind of lock in the library. */
static void *keep_calling(void *argument)
{
    chance chance = chance_of((uint64_t)(uintptr_t)argument);
    kal_client own = opened();
    kal_queue queue;
    if (kal_queue_open(&queue, NULL) != KAL_OK)
        torture_give_up("a queue cannot be opened");
    while (!over) {
        kal_result result;
        kal_error error;
        kal_call_options options = KAL_CALL_OPTIONS_INIT;
        kal_completion completion = KAL_COMPLETION_INIT;
        kal_status status = KAL_OK;
        kal_stream pages;
        switch (chance_below(&chance, 9)) {
        case 0: {
            /* By name: a lookup may be in progress. */
            char url[64];
            snprintf(url, sizeof url, "http://localhost:%u", server.port);
            kal_client_close(own);
            own = opened_at(url);
            break;
        }
        case 1:
            options.cache = KAL_CACHE_REFRESH;
            status = kal_workspace_get_members(own, &options, &result, NULL);
            kal_result_free(result);
            break;
        case 2:
            status = kal_submit(own, "workspace.get_events", NULL, NULL, queue, NULL, NULL);
            if (status == KAL_OK)
                status = kal_queue_next(queue, 10000, &completion, NULL);
            if (status == KAL_OK)
                status = completion.status;
            kal_result_free(completion.result);
            kal_error_free(completion.error);
            break;
        case 3:
            status = kal_call(own, "no.such", NULL, NULL, &result, &error) == KAL_UNKNOWN_METHOD ? KAL_OK : KAL_INTERNAL;
            kal_error_free(error);
            break;
        case 4:
            status = kal_workspace_stream_events(own, NULL, NULL, &pages, NULL);
            if (status == KAL_OK)
                status = kal_stream_next(pages, 10000, &result, NULL);
            kal_result_free(result);
            kal_stream_free(pages);
            break;
        default:
            status = kal_workspace_get_groups(own, NULL, &result, NULL);
            kal_result_json(result, NULL);
            kal_result_workspace_groups(result, NULL);
            kal_result_free(result);
            break;
        }
        atomic_fetch_add(&parent_calls, 1);
        if (status != KAL_OK) {
            atomic_fetch_add(&parent_failures, 1);
            torture_fail("a call in the parent returns %d", status);
        }
    }
    kal_client_close(own);
    kal_queue_close(queue);
    return NULL;
}

static void fork_at_random(long rounds)
{
    chance chance = chance_of(99);
    client = opened();
    if (kal_queue_open(&queue, NULL) != KAL_OK || kal_cancel_open(&cancel, NULL) != KAL_OK
        || kal_workspace_get_workspace(client, NULL, &result, NULL) != KAL_OK
        || kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) != KAL_OK
        || kal_call(client, "no.such", NULL, NULL, &(kal_result)KAL_NONE, &error) != KAL_UNKNOWN_METHOD)
        torture_give_up("the handles to inherit cannot be created");
    pthread_t callers[CALLERS];
    for (uintptr_t i = 0; i < CALLERS; i++)
        pthread_create(&callers[i], NULL, keep_calling, (void *)i);
    long before = torture_failures();
    for (long round = 0; round < rounds; round++) {
        sleep_us(chance_below(&chance, 2000));
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            int outcome = in_the_child(round);
            if (round % 2 == 0)
                exit(outcome);
            _exit(outcome);
        }
        judge("at random", round, reap_within(child, HANGS_AFTER_MS));
    }
    long failed = torture_failures() - before;
    over = true;
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    torture_check(failed == 0,
                  "a child's inherited handles are rejected, its own client works, and it exits within 2 s (%ld forks)", rounds);
    torture_check(kal_workspace_get_workspace(client, NULL, &(kal_result)KAL_NONE, NULL) == KAL_OK && parent_failures == 0,
                  "the parent is not affected: %ld calls meanwhile, %ld failed", parent_calls, parent_failures);
}

/* Overrides the C library's function: delays a thread that initialises the library. */
static sem_t registering, go_on;
static atomic_bool hold_up;
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *object);
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *object)
{
    __typeof__(&__register_atfork) real = (__typeof__(&__register_atfork))dlsym(RTLD_NEXT, "__register_atfork");
    if (atomic_exchange(&hold_up, false)) {
        sem_post(&registering);
        sem_wait(&go_on);
    }
    return real(prepare, parent, child, object);
}

static void *first_call(void *none)
{
    kal_client_close(opened());
    return none;
}

/* Runs in a process that has not used the library yet. */
static int fork_in_the_first_call(long round)
{
    pthread_t thread;
    chance chance = chance_of((uint64_t)round);
    bool exactly = round == 0;
    hold_up = exactly;
    pthread_create(&thread, NULL, first_call, NULL);
    if (exactly)
        sem_wait(&registering);
    else
        sleep_us(chance_below(&chance, 200));
    pid_t child = fork();
    if (child == 0)
        _exit(own_client_works());
    int status = reap_within(child, HANGS_AFTER_MS);
    if (exactly)
        sem_post(&go_on);
    pthread_join(thread, NULL);
    if (status != 0)
        return status == -1 ? 20 : WEXITSTATUS(status);
    return own_client_works();
}

int main(int argc, char **argv)
{
    torture_begin("fork", argc, argv);
    long rounds = torture_long ? 1000 : 25, first_rounds = torture_long ? 200 : 10;
    server = emulator_start("--threads", "2", NULL);
    sem_init(&registering, 0, 0);
    sem_init(&go_on, 0, 0);
    long hung = 0;
    for (long round = 0; round < first_rounds; round++) {
        fflush(stdout);
        pid_t process = fork();
        if (process == 0)
            _exit(fork_in_the_first_call(round));
        int status = reap_within(process, 2 * HANGS_AFTER_MS + 1000);
        if (status != 0) {
            hung++;
            printf("# fork in the first call, round %ld: %s\n", round,
                   status == -1 || WEXITSTATUS(status) == 20 ? "the child hangs" : reasons[WEXITSTATUS(status) % 8]);
        }
    }
    torture_check(hung == 0, "a fork while another thread makes the first call leaves a child that works (%ld forks)",
                  first_rounds);
    fork_at_random(rounds);
    emulator_stop(&server);
    return torture_end(rounds + first_rounds,
                       "%ld at random, %ld in the first call of a process; %ld calls in the parent meanwhile", rounds,
                       first_rounds, parent_calls);
}
