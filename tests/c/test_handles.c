/* Handles: any value may be passed as one; an invalid one results in KAL_INVALID_HANDLE at worst. */
#include "kit.h"

#define INVALID(call, says) FAILURE((call), &error, KAL_INVALID_HANDLE, (says))

static kal_client none_client = KAL_NONE;
static kal_result none_result = KAL_NONE;
static kal_error none_error = KAL_NONE;
static kal_cancel none_cancel = KAL_NONE;
static kal_queue none_queue = KAL_NONE;

/* Uses an invalid client handle in every function that takes one. */
static void check_no_client(kal_client client)
{
    kal_error error;
    kal_result result;
    kal_queue queue;
    kal_stats stats = KAL_STATS_INIT;
    for (size_t i = 0; i < KIT_METHODS; i++)
        FAILURE_OF(kit_methods[i].call, client, KAL_INVALID_HANDLE, "this kal_client is ");
    result.id = 0xBAD;
    INVALID(kal_call(client, "workspace.get_members", NULL, NULL, &result, &error), "this kal_client is ");
    CHECK_INT(result.id, 0);
    result.id = 0xBAD;
    INVALID(kal_request(client, "GET", "/echo", NULL, NULL, NULL, &result, &error), "this kal_client is ");
    CHECK_INT(result.id, 0);
    INVALID(kal_client_stats(client, &stats, &error), "this kal_client is ");
    INVALID(kal_client_clear_caches(client, &error), "this kal_client is ");
    REQUIRE(kal_queue_open(&queue, &error) == KAL_OK);
    INVALID(kal_submit(client, "workspace.get_members", NULL, NULL, queue, NULL, &error), "this kal_client is ");
    kal_queue_close(queue);
    kal_client_close(client);
}

static void check_no_result(kal_result result)
{
    size_t len = 7;
    CHECK(kal_result_json(result, &len) == NULL);
    CHECK_INT(len, 0);
    len = 7;
    CHECK(kal_result_workspace_users(result, &len) == NULL);
    CHECK_INT(len, 0);
    len = 7;
    CHECK(kal_result_workspace_groups(result, &len) == NULL);
    CHECK_INT(len, 0);
    len = 7;
    CHECK(kal_result_workspace_events(result, &len) == NULL);
    CHECK_INT(len, 0);
    CHECK(kal_result_workspace(result) == NULL);
    CHECK(kal_result_json(result, NULL) == NULL);
    CHECK(kal_result_workspace_users(result, NULL) == NULL);
    kal_result_free(result);
}

static void check_no_cancel(kal_client client, kal_cancel cancel)
{
    kal_call_options options = with_cancel(cancel);
    FAILURE_WITH(get_members, client, &options, KAL_INVALID_HANDLE, "this kal_cancel is ");
    kal_cancel_fire(cancel);
    kal_cancel_close(cancel);
}

static void check_no_queue(kal_client client, kal_queue queue)
{
    kal_error error;
    kal_completion completion = KAL_COMPLETION_INIT;
    INVALID(kal_queue_next(queue, 0, &completion, &error), "this kal_queue is ");
    INVALID(kal_submit(client, "workspace.get_members", NULL, NULL, queue, NULL, &error), "this kal_queue is ");
    CHECK_INT(kal_queue_fd(queue), -1);
    CHECK(kal_queue_handle(queue) == NULL);
    kal_queue_close(queue);
}

CLAIM(kal_none_is_invalid_as_every_kind_of_handle)
{
    kal_client client = new_client();
    check_no_client(none_client);
    check_no_result(none_result);
    check_no_queue(client, none_queue);
    CHECK(kal_error_get(none_error) == NULL);
    kal_error_free(none_error);
    kal_cancel_fire(none_cancel);
    kal_cancel_close(none_cancel);
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(a_stale_client_handle_is_invalid_in_every_call)
{
    kal_client client = new_client();
    kal_client_close(client);
    check_no_client(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(accessors_of_a_stale_result_return_null)
{
    kal_client client = new_client();
    kal_result result = RESULT_OF(get_members, client);
    kal_result_free(result);
    check_no_result(result);
    kal_client_close(client);
}

CLAIM(accessors_of_a_stale_error_return_null)
{
    kal_error error;
    CHECK_STATUS(kal_client_clear_caches(none_client, &error), KAL_INVALID_HANDLE);
    CHECK(kal_error_get(error) != NULL);
    kal_error_free(error);
    CHECK(kal_error_get(error) == NULL);
    kal_error_free(error);
}

CLAIM(a_stale_cancel_handle_is_rejected_before_anything_is_sent)
{
    kal_client client = new_client();
    kal_cancel cancel;
    REQUIRE(kal_cancel_open(&cancel, NULL) == KAL_OK);
    kal_cancel_close(cancel);
    check_no_cancel(client, cancel);
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(a_stale_queue_handle_is_invalid)
{
    kal_client client = new_client();
    kal_queue queue;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    kal_queue_close(queue);
    check_no_queue(client, queue);
    kal_client_close(client);
}

/* The second handle reuses the slot of the first: without a generation the first would refer to it. */
CLAIM(a_stale_handle_never_refers_to_the_slots_next_occupant)
{
    kal_client client = new_client();
    kal_result first = RESULT_OF(get_members, client);
    kal_result_free(first);
    kal_result second = RESULT_OF(get_members, client);
    CHECK(first.id != second.id);
    check_no_result(first);
    CHECK(kal_result_json(second, NULL) != NULL);
    kal_result_free(second);
    kal_client_close(client);
}

CLAIM(a_double_free_does_not_affect_the_slots_next_occupant)
{
    kal_client client = new_client();
    kal_result first = RESULT_OF(get_members, client);
    kal_result_free(first);
    kal_result second = RESULT_OF(get_members, client);
    kal_result_free(first);
    kal_result_free(first);
    CHECK(kal_result_json(second, NULL) != NULL);
    kal_result_free(second);
    kal_client_close(client);
}

CLAIM(a_handle_of_another_kind_is_detected)
{
    kal_client client = new_client();
    kal_result result = RESULT_OF(get_members, client);
    kal_cancel cancel;
    kal_queue queue;
    kal_error error;
    REQUIRE(kal_cancel_open(&cancel, NULL) == KAL_OK);
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    CHECK_STATUS(kal_client_clear_caches(none_client, &error), KAL_INVALID_HANDLE);
    const uint64_t ids[] = { client.id, result.id, cancel.id, queue.id, error.id };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (ids[i] != client.id)
            check_no_client((kal_client){ ids[i] });
        if (ids[i] != result.id)
            check_no_result((kal_result){ ids[i] });
        if (ids[i] != cancel.id)
            check_no_cancel(client, (kal_cancel){ ids[i] });
        if (ids[i] != queue.id)
            check_no_queue(client, (kal_queue){ ids[i] });
        if (ids[i] != error.id) {
            CHECK(kal_error_get((kal_error){ ids[i] }) == NULL);
            kal_error_free((kal_error){ ids[i] });
        }
    }
    /* None of that freed anything. */
    CHECK(kal_result_json(result, NULL) != NULL);
    CHECK(kal_error_get(error) != NULL);
    CHECK(is_pollable(queue));
    kal_call_options options = with_cancel(cancel);
    kal_result_free(RESULT_WITH(get_members, client, &options));
    kal_error_free(error);
    kal_queue_close(queue);
    kal_cancel_close(cancel);
    kal_result_free(result);
    kal_client_close(client);
}

CLAIM(a_forged_handle_is_detected_whichever_bit_differs)
{
    kal_client client = new_client();
    kal_result result = RESULT_OF(get_members, client);
    for (int bit = 0; bit < 64; bit++) {
        check_no_result((kal_result){ result.id ^ UINT64_C(1) << bit });
        FAILURE_OF(get_members, ((kal_client){ client.id ^ UINT64_C(1) << bit }), KAL_INVALID_HANDLE, "kal_client");
    }
    const uint64_t forged[] = { 1, 42, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(0xDEADBEEFDEADBEEF), UINT64_MAX };
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        check_no_client((kal_client){ forged[i] });
        check_no_result((kal_result){ forged[i] });
    }
    CHECK(kal_result_json(result, NULL) != NULL);
    kal_result_free(result);
    kal_client_close(client);
}

CLAIM(a_result_outlives_its_client_and_the_io_thread)
{
    kal_client client = new_client();
    kal_result members = RESULT_OF(get_members, client), events = RESULT_OF(get_events, client);
    kal_client_close(client);
    CHECK_STATUS(kal_shutdown(10000), KAL_OK);
    size_t len;
    CHECK(kal_result_workspace_users(members, &len) != NULL);
    CHECK_INT(len, 12);
    kal_result_free(members);
    CHECK(kal_result_workspace_events(events, &len) != NULL);
    CHECK_INT(len, 100);
    CHECK_INT(strlen(kal_result_workspace_events(events, &len)[99]->id), 36);
    kal_result_free(events);
}

/* All orders of freeing a client, a result that shares the client's cached answer, and a filtered view of it. */
CLAIM(handles_can_be_freed_in_any_order)
{
    static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    for (size_t order = 0; order < 6; order++) {
        kal_client client = new_client();
        kal_result all = RESULT_OF(get_members, client), some;
        const char *id = kal_result_workspace_users(all, NULL)[3]->id;
        CHECK_STATUS(kal_workspace_get_members_by_ids(client, &id, 1, NULL, &some, NULL), KAL_OK);
        bool have_all = true, have_some = true;
        for (int step = 0; step < 3; step++) {
            if (have_all)
                CHECK_CONTAINS(kal_result_workspace_users(all, NULL)[11]->id, "-");
            if (have_some)
                CHECK_CONTAINS(kal_result_workspace_users(some, NULL)[0]->id, "-");
            switch (orders[order][step]) {
            case 0: kal_client_close(client); break;
            case 1:
                kal_result_free(all);
                have_all = false;
                break;
            default: kal_result_free(some); have_some = false;
            }
        }
    }
}

CLAIM(out_parameters_are_set_after_a_failure)
{
    kal_client_options options = options_for(&server);
    kal_client client = { 0xBAD };
    options.base_url = "no URL";
    CHECK_STATUS(kal_client_open(&options, &client, NULL), KAL_INVALID_ARGUMENT);
    CHECK_INT(client.id, 0);
    for (size_t i = 0; i < KIT_METHODS; i++) {
        kal_result result = { 0xBAD };
        CHECK_STATUS(kit_methods[i].call(none_client, NULL, &result, NULL), KAL_INVALID_HANDLE);
        CHECK_INT(result.id, 0);
    }
    kal_result result = { 0xBAD };
    CHECK_STATUS(kal_call(none_client, "nothing", NULL, NULL, &result, NULL), KAL_INVALID_HANDLE);
    CHECK_INT(result.id, 0);
}

CLAIM(the_error_is_kal_none_after_a_success)
{
    kal_error error = { 0xBAD };
    kal_client_options options = options_for(&server);
    kal_client client;
    kal_cancel cancel;
    kal_queue queue;
    kal_stats stats = KAL_STATS_INIT;
    kal_result result;
    CHECK_STATUS(kal_client_open(&options, &client, &error), KAL_OK);
    CHECK_INT(error.id, 0);
    error.id = 0xBAD;
    CHECK_STATUS(kal_client_clear_caches(client, &error), KAL_OK);
    CHECK_INT(error.id, 0);
    error.id = 0xBAD;
    CHECK_STATUS(kal_client_stats(client, &stats, &error), KAL_OK);
    CHECK_INT(error.id, 0);
    error.id = 0xBAD;
    CHECK_STATUS(kal_cancel_open(&cancel, &error), KAL_OK);
    CHECK_INT(error.id, 0);
    error.id = 0xBAD;
    CHECK_STATUS(kal_queue_open(&queue, &error), KAL_OK);
    CHECK_INT(error.id, 0);
    error.id = 0xBAD;
    CHECK_STATUS(kal_call(client, "workspace.get_groups", "", NULL, &result, &error), KAL_OK);
    CHECK_INT(error.id, 0);
    kal_result_free(result);
    for (size_t i = 0; i < KIT_METHODS; i++)
        kal_result_free(RESULT_OF(kit_methods[i].call, client));
    kal_queue_close(queue);
    kal_cancel_close(cancel);
    kal_client_close(client);
}

/* The accessors of a result, by the kind of result they are for. */
static const void *view(kal_result result, size_t kind, size_t *len)
{
    *len = 7;
    switch (kind) {
    case 0: *len = 0; return kal_result_workspace(result);
    case 1: return kal_result_workspace_users(result, len);
    case 2: return kal_result_workspace_groups(result, len);
    default: return kal_result_workspace_events(result, len);
    }
}

CLAIM(an_accessor_for_another_kind_returns_null_and_length_0)
{
    static const kit_call calls[] = { get_workspace, get_members, get_groups, get_events };
    kal_client client = new_client();
    for (size_t kind = 0; kind < 4; kind++) {
        kal_result result = RESULT_OF(calls[kind], client);
        for (size_t other = 0; other < 4; other++) {
            size_t len;
            const void *records = view(result, other, &len);
            CHECK((records != NULL) == (kind == other));
            if (kind != other)
                CHECK_INT(len, 0);
        }
        kal_result_free(result);
    }
    kal_client_close(client);
}

CLAIM(an_empty_list_is_not_null_and_has_length_0)
{
    kal_client client = new_client();
    emulator_answer(&server, "/workspaces/members", 1, "[]");
    emulator_answer(&server, "/workspaces/groups", 1, " [ ] ");
    emulator_answer(&server, "/workspaces/events", 1, "[]");
    for (size_t i = 1; i < KIT_METHODS; i++) {
        size_t len;
        kal_result result = RESULT_OF(kit_methods[i].call, client);
        CHECK(view(result, (i + 1) / 2, &len) != NULL);
        CHECK_INT(len, 0);
        kal_result_free(result);
    }
    kal_client_close(client);
}

CLAIM(a_result_does_not_change)
{
    kal_client client = new_client();
    kal_result result = RESULT_OF(get_members, client);
    size_t len, again;
    const char *json = kal_result_json(result, &len);
    const kal_workspace_user *const *members = kal_result_workspace_users(result, NULL);
    CHECK_STATUS(kal_client_clear_caches(client, NULL), KAL_OK);
    kal_result_free(RESULT_OF(get_members, client));
    CHECK(kal_result_json(result, &again) == json);
    CHECK_INT(again, len);
    CHECK_INT(strlen(json), len);
    CHECK(kal_result_workspace_users(result, NULL) == members);
    kal_result_free(result);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
