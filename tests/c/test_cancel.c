/* Once calls are cancelled, none of them sends another request, whatever they wait for and however they are cancelled. */
#include "kit.h"

#define EVENTS "/workspaces/events"
#define MEMBERS "/workspaces/members"

enum { SLOTS = 16 };

/* What cancels the calls. */
typedef enum { FIRE, CLOSE_QUEUE, CLOSE_CLIENT, WAYS } way;

/* The calls of a claim. */
typedef struct calls {
    kal_client client;
    kal_queue queue;
    kal_cancel cancel;
    int count;
} calls;

static kal_error error;

/* Submits calls of `method` to a new client. */
static calls submit(kal_client_options options, const char *method, int count)
{
    calls made = { .count = count };
    options.max_in_flight = SLOTS;
    options.timeout_ms = 600000;
    made.client = client_with(options);
    REQUIRE(kal_queue_open(&made.queue, &error) == KAL_OK);
    REQUIRE(kal_cancel_open(&made.cancel, &error) == KAL_OK);
    kal_call_options call = KAL_CALL_OPTIONS_INIT;
    call.cancel = made.cancel;
    call.cache = KAL_CACHE_REFRESH; /* each has a request of its own */
    for (int i = 0; i < count; i++)
        REQUIRE(kal_submit(made.client, method, NULL, &call, made.queue, NULL, &error) == KAL_OK);
    return made;
}

/* Cancels the calls, and waits until they have ended and the server has read whatever they sent. */
static void cancel(calls made, way how)
{
    switch (how) {
    case FIRE: kal_cancel_fire(made.cancel); break;
    case CLOSE_QUEUE: kal_queue_close(made.queue); break;
    default: kal_client_close(made.client); break;
    }
    for (int i = 0; i < made.count && how != CLOSE_QUEUE; i++) {
        kal_completion done = KAL_COMPLETION_INIT;
        REQUIRE(kal_queue_next(made.queue, 60000, &done, &error) == KAL_OK);
        CHECK_STATUS(done.status, KAL_CANCELLED);
        kal_error_free(done.error);
    }
    /* Requests behind those of the calls, on the same threads. */
    for (int i = 0; i < 3; i++) {
        kal_client other = new_client();
        kal_result_free(RESULT_OF(get_workspace, other));
        kal_client_close(other);
    }
}

static void release(calls made)
{
    kal_queue_close(made.queue);
    kal_cancel_close(made.cancel);
    kal_client_close(made.client);
}

/* Red when a call looks at its token only once it is woken by it: up to 18 of the waiting calls were sent, in the slots of those
 * that had ended. The members' requests run on tasks of their own, which did not look at all. */
CLAIM(calls_cancelled_while_they_wait_for_a_slot_send_nothing)
{
    int count = check_is_slow() ? 200 : 2000;
    for (way how = 0; how < WAYS; how++) {
        for (int cached = 0; cached < 2; cached++) {
            const char *path = cached ? MEMBERS : EVENTS;
            emulator_reset(&server);
            emulator_fault(&server, cached ? "{\"path\":\"" MEMBERS "\",\"drop\":\"hang\",\"times\":0}"
                                           : "{\"path\":\"" EVENTS "\",\"drop\":\"hang\",\"times\":0}");
            calls made = submit(options_for(&server), cached ? "workspace.get_members" : "workspace.get_events", count);
            emulator_wait_for(&server, path, SLOTS);
            cancel(made, how);
            CHECK_INT(emulator_count(&server, path), SLOTS);
            release(made);
        }
    }
}

CLAIM(calls_cancelled_while_they_wait_for_the_sign_in_send_nothing)
{
    for (way how = 0; how < WAYS; how++) {
        emulator_reset(&server);
        emulator_fault(&server, "{\"path\":\"/auth/oauth/token\",\"drop\":\"hang\"}");
        calls made = submit(options_for(&server), "workspace.get_events", 200);
        emulator_wait_for(&server, "token_requests", 1);
        cancel(made, how);
        CHECK_INT(emulator_count(&server, EVENTS), 0);
        release(made);
    }
}

/* Some of them wait for a slot with their second attempt. Red as above. */
CLAIM(calls_cancelled_while_they_try_again_send_nothing)
{
    enum { COUNT = 30 }; /* the client's budget has 35 retries */
    for (way how = 0; how < WAYS; how++) {
        emulator_reset(&server);
        emulator_fault(&server, "[{\"path\":\"" EVENTS "\",\"status\":503,\"times\":30},"
                                "{\"path\":\"" EVENTS "\",\"drop\":\"hang\",\"times\":0}]");
        kal_client_options options = options_for(&server);
        options.max_attempts = 30;
        options.retry_wait_ms = 1;
        calls made = submit(options, "workspace.get_events", COUNT);
        emulator_wait_for(&server, EVENTS, COUNT + SLOTS);
        cancel(made, how);
        CHECK_INT(emulator_count(&server, EVENTS), COUNT + SLOTS);
        release(made);
    }
}

CLAIM(calls_cancelled_before_a_retry_send_nothing)
{
    for (way how = 0; how < WAYS; how++) {
        emulator_reset(&server);
        emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":503,\"times\":0}");
        kal_client_options options = options_for(&server);
        options.max_attempts = 2;
        options.retry_wait_ms = 60000;
        calls made = submit(options, "workspace.get_events", 20);
        emulator_wait_for(&server, EVENTS, 20);
        cancel(made, how);
        CHECK_INT(emulator_count(&server, EVENTS), 20);
        release(made);
    }
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, (char *)NULL);
}
