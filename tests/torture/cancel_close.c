/*
 * Row 5: 32 threads cancel calls and close their clients at random points, while the library is shut down now and then. Each
 * submitted call completes exactly once.
 *
 * Seen red when a queue drops completions while three wait in it ("933 do not" complete), and when a dropped request does not
 * complete its call ("the next page of a stream that was freed never completes").
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../c/emulator.h"
#include "torture.h"

enum { THREADS = 32, CLIENTS = 6, QUEUES = 4, STATUSES = 1000 };

typedef struct call {
    atomic_int submitted, completions;
} call;

static emulator server;
static call *calls;
/* What a thread submits, and what it submits at most until everything has happened. */
static long calls_each, most_each;
static _Atomic uint64_t clients[CLIENTS];
static kal_queue queues[QUEUES];
static atomic_long submitted, completed, refused, by_status[STATUSES], closed_queues, closed_clients, shutdowns, streams;
static atomic_int submitters;

static const char *const methods[] = { "workspace.get_workspace", "workspace.get_members", "workspace.get_groups",
                                       "workspace.get_events" };

/* Chance decides which calls are interrupted by what, so no number of calls is enough for certain. */
static bool everything_happened(void)
{
    return by_status[KAL_OK] > 0 && by_status[KAL_CANCELLED] > 0 && by_status[KAL_TIMED_OUT] > 0 && shutdowns > 0
           && closed_clients > 0 && closed_queues > 0 && streams > 0;
}

static uint64_t new_client(void)
{
    kal_client_options options = options_to(server.url);
    options.max_attempts = 2;
    kal_client client;
    if (kal_client_open(&options, &client, NULL) != KAL_OK)
        torture_give_up("a client cannot be opened");
    return client.id;
}

/* Takes one completion, if one arrives in time. */
static bool take(kal_queue queue, uint32_t timeout_ms)
{
    kal_completion completion = KAL_COMPLETION_INIT;
    if (kal_queue_next(queue, timeout_ms, &completion, NULL) != KAL_OK)
        return false;
    call *call = completion.user_data;
    atomic_fetch_add(&call->completions, 1);
    atomic_fetch_add(&completed, 1);
    if (is_documented(completion.status))
        atomic_fetch_add(&by_status[completion.status], 1);
    else
        torture_fail("a call completed with %d (%s)", completion.status,
                     completion.error.id ? kal_error_get(completion.error)->message : "");
    if ((completion.status == KAL_OK) != (completion.result.id != 0)
        || (completion.status == KAL_OK) != (completion.error.id == 0))
        torture_fail("a completion with %d has the wrong handles", completion.status);
    kal_result_free(completion.result);
    kal_error_free(completion.error);
    return true;
}

/* Frees a stream while its next page is being fetched. */
static void abandon_a_stream(chance *chance, kal_client client)
{
    kal_stream stream;
    call next = { 0 };
    kal_queue queue;
    if (kal_queue_open(&queue, NULL) != KAL_OK)
        torture_give_up("a queue cannot be opened");
    if (kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) != KAL_OK) {
        kal_queue_close(queue);
        return;
    }
    bool submitted = kal_stream_submit_next(stream, 1 + chance_below(chance, 20), queue, &next, NULL) == KAL_OK;
    sleep_us(chance_below(chance, 2000));
    kal_stream_free(stream);
    kal_completion completion = KAL_COMPLETION_INIT;
    if (submitted && kal_queue_next(queue, 10000, &completion, NULL) != KAL_OK)
        torture_fail("the next page of a stream that was freed never completes");
    kal_result_free(completion.result);
    kal_error_free(completion.error);
    kal_completion again = KAL_COMPLETION_INIT;
    if (submitted && kal_queue_next(queue, 0, &again, NULL) == KAL_OK)
        torture_fail("the next page of a stream completes twice");
    kal_queue_close(queue);
    atomic_fetch_add(&streams, 1);
}

/* Closes a private queue while calls for it are in progress: at most one completion each, and exactly one if it is shut down and
 * drained first. */
static void close_a_queue(chance *chance)
{
    call few[8] = { 0 };
    bool started[8];
    kal_queue queue;
    if (kal_queue_open(&queue, NULL) != KAL_OK)
        torture_give_up("a queue cannot be opened");
    for (int i = 0; i < 8; i++) {
        kal_client client = { atomic_load(&clients[chance_below(chance, CLIENTS)]) };
        started[i] = kal_submit(client, methods[chance_below(chance, 4)], NULL, NULL, queue, &few[i], NULL) == KAL_OK;
    }
    sleep_us(chance_below(chance, 3000));
    for (int i = (int)chance_below(chance, 4); i > 0; i--) {
        kal_completion completion = KAL_COMPLETION_INIT;
        if (kal_queue_next(queue, 0, &completion, NULL) == KAL_OK)
            ((call *)completion.user_data)->completions++;
        kal_result_free(completion.result);
        kal_error_free(completion.error);
    }
    bool drains = chance_below(chance, 2) == 0;
    if (drains)
        kal_queue_shutdown(queue);
    for (kal_status status = KAL_OK; drains && status == KAL_OK;) {
        kal_completion completion = KAL_COMPLETION_INIT;
        status = kal_queue_next(queue, 10000, &completion, NULL);
        if (status == KAL_OK)
            ((call *)completion.user_data)->completions++;
        else if (status != KAL_DONE)
            torture_fail("a queue that was shut down ends with %d", status);
        kal_result_free(completion.result);
        kal_error_free(completion.error);
    }
    kal_queue_close(queue);
    for (int i = 0; i < 8; i++)
        if (few[i].completions > 1 || (drains && few[i].completions != started[i]))
            torture_fail("a call for a queue that was closed completed %d times", few[i].completions);
    atomic_fetch_add(&closed_queues, 1);
}

static void call_and_wait(chance *chance, kal_client client, kal_cancel cancel)
{
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    options.cancel = cancel;
    options.cache = KAL_CACHE_REFRESH;
    options.timeout_ms = 1 + chance_below(chance, 30);
    kal_result result;
    kal_status status = kal_workspace_get_members(client, &options, &result, NULL);
    if (!is_documented(status))
        torture_fail("a waiting call returned %d", status);
    kal_result_free(result);
}

static void submit_some(int index)
{
    chance chance = chance_of((uint64_t)index);
    kal_cancel cancel = KAL_NONE;
    for (long i = 0; i < calls_each || (i < most_each && !everything_happened()); i++) {
        call *call = &calls[index * most_each + i];
        kal_call_options options = KAL_CALL_OPTIONS_INIT;
        options.cache = chance_below(&chance, 4) == 0 ? KAL_CACHE_REFRESH : KAL_CACHE_USE;
        if (chance_below(&chance, 4) == 0)
            options.timeout_ms = 1 + chance_below(&chance, 20);
        if (cancel.id == 0 && kal_cancel_open(&cancel, NULL) != KAL_OK)
            torture_give_up("no cancel");
        if (chance_below(&chance, 3) == 0)
            options.cancel = cancel;
        /* A rejected submission is repeated with another client: each call is submitted once. */
        for (;;) {
            kal_client client = { atomic_load(&clients[chance_below(&chance, CLIENTS)]) };
            kal_queue queue = queues[chance_below(&chance, QUEUES)];
            kal_status status = kal_submit(client, methods[chance_below(&chance, 4)], NULL, &options, queue, call, NULL);
            if (status == KAL_OK)
                break;
            if (status != KAL_INVALID_HANDLE)
                torture_fail("kal_submit returned %d", status);
            atomic_fetch_add(&refused, 1);
        }
        atomic_store(&call->submitted, 1);
        atomic_fetch_add(&submitted, 1);

        if (chance_below(&chance, 2) == 0)
            sleep_us(chance_below(&chance, 500));
        switch (chance_below(&chance, 60)) {
        case 0 ... 9:
            kal_cancel_fire(cancel);
            kal_cancel_close(cancel);
            cancel.id = 0;
            break;
        case 10 ... 14:
            kal_cancel_close(cancel);
            cancel.id = 0;
            break;
        case 15: {
            kal_client old = { atomic_exchange(&clients[chance_below(&chance, CLIENTS)], new_client()) };
            kal_client_close(old);
            atomic_fetch_add(&closed_clients, 1);
            break;
        }
        case 16: close_a_queue(&chance); break;
        case 17: {
            kal_client client = { atomic_load(&clients[chance_below(&chance, CLIENTS)]) };
            (void)!kal_client_clear_caches(client, NULL);
            break;
        }
        case 18:
            if (index % (torture_long ? THREADS : 8) == 0 && kal_shutdown(5000) == KAL_OK)
                atomic_fetch_add(&shutdowns, 1);
            break;
        case 19 ... 20: {
            kal_client client = { atomic_load(&clients[chance_below(&chance, CLIENTS)]) };
            call_and_wait(&chance, client, cancel);
            break;
        }
        case 21: {
            kal_client client = { atomic_load(&clients[chance_below(&chance, CLIENTS)]) };
            abandon_a_stream(&chance, client);
            break;
        }
        default: break;
        }
        for (int n = 0; n < 3; n++)
            if (!take(queues[chance_below(&chance, QUEUES)], chance_below(&chance, 8) == 0))
                break;
    }
    kal_cancel_close(cancel);
    atomic_fetch_sub(&submitters, 1);
    /* All threads take the remaining completions. */
    for (int64_t until = now_ms() + 15000; now_ms() < until;) {
        bool some = false;
        for (int i = 0; i < QUEUES; i++)
            some |= take(queues[i], 0);
        if (atomic_load(&submitters) == 0 && atomic_load(&completed) >= atomic_load(&submitted))
            break;
        if (!some)
            sleep_us(1000);
    }
}

int main(int argc, char **argv)
{
    torture_begin("cancel-close", argc, argv);
    calls_each = (torture_long ? 100000 : 3200) / THREADS;
    most_each = calls_each * (torture_long ? 2 : 20);
    calls = calloc((size_t)(most_each * THREADS), sizeof *calls);
    server = emulator_start("--latency", "1", "--events", "300", "--threads", "2", NULL);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = new_client();
    for (int i = 0; i < QUEUES; i++)
        if (kal_queue_open(&queues[i], NULL) != KAL_OK)
            torture_give_up("a queue cannot be opened");
    submitters = THREADS;
    run_threads(THREADS, submit_some);

    /* No call can complete after this: one that has not is lost. */
    torture_check(kal_shutdown(10000) == KAL_OK, "the library shuts down");
    while (take(queues[0], 0) || take(queues[1], 0) || take(queues[2], 0) || take(queues[3], 0))
        ;
    long lost = 0, twice = 0;
    for (long i = 0; i < most_each * THREADS; i++) {
        lost += calls[i].completions < calls[i].submitted;
        twice += calls[i].completions > calls[i].submitted;
    }
    torture_check(lost == 0, "every call that was submitted completes: %ld do not", lost);
    torture_check(twice == 0, "none completes twice: %ld do", twice);
    torture_check(submitted >= calls_each * THREADS && completed == submitted, "%ld submitted, %ld completed", submitted,
                  completed);
    torture_check(by_status[KAL_OK] > 0 && by_status[KAL_CANCELLED] > 0 && by_status[KAL_TIMED_OUT] > 0,
                  "calls succeed, are cancelled and time out: %ld, %ld, %ld", by_status[KAL_OK], by_status[KAL_CANCELLED],
                  by_status[KAL_TIMED_OUT]);
    torture_check(
        shutdowns > 0 && closed_clients > 0 && closed_queues > 0 && streams > 0,
        "meanwhile the library is shut down, clients and queues are closed, streams are freed: %ld, %ld, %ld, %ld times",
        shutdowns, closed_clients, closed_queues, streams);
    for (int i = 0; i < QUEUES; i++)
        kal_queue_close(queues[i]);
    for (int i = 0; i < CLIENTS; i++)
        kal_client_close((kal_client){ clients[i] });
    emulator_stop(&server);
    return torture_end(submitted,
                       "%ld completed: %ld done, %ld cancelled, %ld timed out; %ld clients closed, %ld queues closed "
                       "with calls in progress, %ld streams freed, %ld shutdowns",
                       completed, by_status[KAL_OK], by_status[KAL_CANCELLED], by_status[KAL_TIMED_OUT], closed_clients,
                       closed_queues, streams, shutdowns);
}
