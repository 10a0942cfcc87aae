/* Threads: every function works on any thread at any time, also on a small stack. */
#include "kit.h"

#include <limits.h>
#include <stdlib.h>

typedef struct shared {
    kal_client client;
    kal_result result;
    kal_error error;
} shared;

static void read_all(int index, void *context)
{
    shared *all = context;
    size_t len, members_len;
    const char *json = kal_result_json(all->result, &len);
    const kal_workspace_user *const *members = kal_result_workspace_users(all->result, &members_len);
    CHECK(json != NULL && strlen(json) == len);
    for (size_t i = 0; i < members_len; i++)
        CHECK_CONTAINS(json, members[i]->id);
    CHECK_CONTAINS(kal_error_get(all->error)->message, "result");
    (void)index;
}

CLAIM(many_threads_can_read_one_result_and_one_error)
{
    shared all = { .client = new_client() };
    all.result = RESULT_OF(get_members, all.client);
    CHECK_STATUS(get_members(all.client, NULL, NULL, &all.error), KAL_INVALID_ARGUMENT);
    crowd(16, read_all, &all);
    kal_result_free(all.result);
    kal_error_free(all.error);
    kal_client_close(all.client);
}

/* Each thread has its own result of one answer whose structs and JSON are created on first access. */
static void look_first(int index, void *context)
{
    shared *all = context;
    const char *ids[] = { "u-1" };
    kal_result result, some;
    CHECK_STATUS(get_members(all->client, NULL, &result, NULL), KAL_OK);
    CHECK_STATUS(kal_workspace_get_members_by_ids(all->client, ids, 1, NULL, &some, NULL), KAL_OK);
    const kal_workspace_user *const *members = kal_result_workspace_users(result, NULL);
    CHECK(members != NULL && members[0]->id != NULL);
    CHECK_TEXT(kal_result_json(some, NULL), "[]");
    if (index % 2)
        kal_result_free(result);
    kal_result_free(some);
    if (index % 2 == 0)
        kal_result_free(result);
}

CLAIM(concurrent_first_accesses_to_an_answer_see_it_complete)
{
    for (int round = 0; round < 10; round++) {
        shared all = { .client = new_client() };
        kal_result_free(RESULT_OF(get_members, all.client));
        crowd(8, look_first, &all);
        kal_client_close(all.client);
    }
}

/* One of many threads frees the result; the others see it complete or not at all. */
static void free_or_look(int index, void *context)
{
    shared *all = context;
    size_t len = 7;
    if (index == 0) {
        kal_result_free(all->result);
    } else if (kal_result_json((kal_result){ all->result.id }, &len) == NULL) {
        CHECK_INT(len, 0);
    } else {
        CHECK_INT(len, 2);
    }
}

CLAIM(a_result_freed_by_another_thread_is_valid_or_gone)
{
    shared all = { .client = new_client() };
    emulator_answer(&server, "/workspaces/events", 0, "[]");
    for (int round = 0; round < 20; round++) {
        all.result = RESULT_OF(get_events, all.client);
        crowd(4, free_or_look, &all);
        CHECK(kal_result_json(all.result, NULL) == NULL);
    }
    kal_client_close(all.client);
}

static void call_or_close(int index, void *context)
{
    shared *all = context;
    kal_result result;
    kal_error error;
    if (index == 0) {
        kal_client_close(all->client);
        return;
    }
    kal_status status = kit_methods[index % KIT_METHODS].call(all->client, NULL, &result, &error);
    CHECK(status == KAL_OK || status == KAL_CANCELLED || status == KAL_INVALID_HANDLE);
    CHECK((status == KAL_OK) == (result.id != 0) && (status == KAL_OK) == (error.id == 0));
    kal_result_free(result);
    kal_error_free(error);
}

CLAIM(a_call_on_a_client_closed_by_another_thread_succeeds_or_is_cancelled_or_invalid)
{
    for (int round = 0; round < 20; round++) {
        shared all = { .client = new_client() };
        crowd(8, call_or_close, &all);
        FAILURE_OF(get_members, all.client, KAL_INVALID_HANDLE, "kal_client");
    }
}

static void own_client(int index, void *context)
{
    (void)context;
    kal_client client = new_client();
    for (int i = 0; i < 4; i++)
        kal_result_free(RESULT_OF(kit_methods[(index + i) % KIT_METHODS].call, client));
    CHECK_INT(stats_of(client).token_requests, 1);
    kal_client_close(client);
}

CLAIM(clients_of_many_threads_do_not_interfere)
{
    crowd(16, own_client, NULL);
    CHECK_INT(emulator_count(&server, "token_client_credentials"), 16);
}

static void mixed(int index, void *context)
{
    shared *all = context;
    for (int round = 0; round < 30; round++) {
        kal_call_options options = with_cache((index + round) % 7 == 0 ? KAL_CACHE_REFRESH : KAL_CACHE_USE);
        kal_result result;
        kal_stats stats = KAL_STATS_INIT;
        CHECK_STATUS(kit_methods[(index * 5 + round) % KIT_METHODS].call(all->client, &options, &result, NULL), KAL_OK);
        CHECK(kal_result_json(result, NULL) != NULL);
        kal_result_free(result);
        if (round % 10 == 0)
            CHECK_STATUS(kal_client_clear_caches(all->client, NULL), KAL_OK);
        CHECK_STATUS(kal_client_stats(all->client, &stats, NULL), KAL_OK);
    }
}

CLAIM(concurrent_calls_refreshes_and_clearing_work)
{
    shared all = { .client = new_client() };
    crowd(check_is_slow() ? 4 : 12, mixed, &all);
    CHECK_INT(emulator_count(&server, "token_requests"), 1);
    kal_client_close(all.client);
}

/* Every call, failures included, on a thread with a minimal stack. */
static void *every_call(void *argument)
{
    emulator *of = argument;
    kal_client_options options = options_for(of);
    const char *ids[] = { "a", "b" };
    kal_client client;
    kal_error error;
    kal_result result;
    kal_queue queue;
    kal_cancel cancel;
    kal_completion completion = KAL_COMPLETION_INIT;
    kal_stats stats = KAL_STATS_INIT;
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    size_t len;
    CHECK_STATUS(kal_client_open(&options, &client, &error), KAL_OK);
    for (size_t i = 0; i < KIT_METHODS; i++) {
        CHECK_STATUS(kit_methods[i].call(client, NULL, &result, &error), KAL_OK);
        CHECK(kal_result_json(result, &len) != NULL);
        kal_result_workspace(result);
        kal_result_workspace_users(result, &len);
        kal_result_workspace_groups(result, &len);
        kal_result_workspace_events(result, &len);
        kal_result_free(result);
    }
    CHECK_STATUS(kal_workspace_get_members_by_ids(client, ids, 2, NULL, &result, &error), KAL_OK);
    CHECK_TEXT(kal_result_json(result, NULL), "[]");
    kal_result_free(result);
    CHECK_STATUS(kal_workspace_get_groups_by_ids(client, ids, 2, NULL, &result, &error), KAL_OK);
    kal_result_free(result);
    query.event_types = ids;
    query.event_types_len = 2;
    query.after_date = "2020-01-01";
    CHECK_STATUS(kal_workspace_get_events(client, &query, NULL, &result, &error), KAL_OK);
    kal_result_free(result);
    CHECK_STATUS(kal_call(client, "workspace.get_events", "{\"page\":1,\"event_types\":[\"x\"]}", NULL, &result, &error), KAL_OK);
    kal_result_free(result);
    CHECK_STATUS(kal_call(client, "workspace.get_events", "{\"page\":[[[[1]]]]}", NULL, &result, &error), KAL_INVALID_ARGUMENT);
    CHECK_CONTAINS(kal_error_get(error)->message, "page");
    kal_error_free(error);
    CHECK_STATUS(kal_call(client, "no.such", NULL, NULL, &result, &error), KAL_UNKNOWN_METHOD);
    kal_error_free(error);
    CHECK_STATUS(kal_workspace_get_members(client, NULL, NULL, &error), KAL_INVALID_ARGUMENT);
    kal_error_free(error);
    CHECK(kal_methods()[0] == '[');
    CHECK_STATUS(kal_client_stats(client, &stats, &error), KAL_OK);
    CHECK_STATUS(kal_cancel_open(&cancel, &error), KAL_OK);
    kal_cancel_fire(cancel);
    kal_call_options call = with_cancel(cancel);
    CHECK_STATUS(kal_workspace_get_members(client, &call, &result, &error), KAL_CANCELLED);
    kal_error_free(error);
    kal_cancel_close(cancel);
    CHECK_STATUS(kal_queue_open(&queue, &error), KAL_OK);
    CHECK(is_pollable(queue));
    CHECK_STATUS(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, &error), KAL_OK);
    CHECK_STATUS(kal_queue_next(queue, 60000, &completion, &error), KAL_OK);
    CHECK_STATUS(completion.status, KAL_OK);
    kal_result_free(completion.result);
    kal_queue_close(queue);
    CHECK_STATUS(kal_client_clear_caches(client, &error), KAL_OK);
    CHECK_STATUS(kal_set_log(KAL_LOG_OFF, NULL, NULL), KAL_OK);
    /* Drops the last reference to answers and connections. */
    kal_client_close(client);
    CHECK_STATUS(kal_shutdown(10000), KAL_OK);
    return NULL;
}

static void on_a_stack_of(size_t bytes)
{
    pthread_attr_t attributes;
    pthread_t thread;
    REQUIRE(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, bytes) == 0);
    REQUIRE(pthread_create(&thread, &attributes, every_call, &server) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

CLAIM(every_call_works_on_a_small_stack)
{
    /* The system's least is 16 KiB with glibc on x86-64, 128 KiB on arm64, 2 KiB with musl. */
    const size_t small = 16384, least = (size_t)PTHREAD_STACK_MIN;
    const char *profile = getenv("PROFILE");
    if (check_mode_is("asan"))
        on_a_stack_of(256 * 1024); /* red zones around everything */
    else if (profile != NULL && strcmp(profile, "dev") == 0)
        on_a_stack_of(64 * 1024); /* nothing is inlined */
    else
        on_a_stack_of(least > small ? least : small);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
