/* The cache: a cached read sends no request, and concurrent misses share one. */
#include "kit.h"

#include <poll.h>

#define MEMBERS "/workspaces/members"
#define GROUPS "/workspaces/groups"
#define ACTIVE "/workspaces/active"
#define EVENTS "/workspaces/events"

static const char *first_id(kal_result members)
{
    size_t len;
    const kal_workspace_user *const *all = kal_result_workspace_users(members, &len);
    return len > 0 ? all[0]->id : "(none)";
}

static void check_first_id(kal_client client, const kal_call_options *options, const char *expected)
{
    kal_result result = RESULT_WITH(get_members, client, options);
    CHECK_TEXT(first_id(result), expected);
    kal_result_free(result);
}

static void check_level(kal_client client, const kal_call_options *options, int32_t expected)
{
    kal_result result = RESULT_WITH(get_members, client, options);
    CHECK_INT(kal_result_workspace_users(result, NULL)[0]->access_level, expected);
    kal_result_free(result);
}

CLAIM(a_second_read_sends_nothing_and_returns_the_same_memory)
{
    kal_client client = new_client();
    kal_result first = RESULT_OF(get_members, client), second = RESULT_OF(get_members, client);
    CHECK_INT(emulator_count(&server, MEMBERS), 1);
    CHECK(first.id != second.id);
    CHECK(kal_result_json(first, NULL) == kal_result_json(second, NULL));
    CHECK(kal_result_workspace_users(first, NULL) == kal_result_workspace_users(second, NULL));
    kal_result_free(first);
    CHECK_TEXT(first_id(second), kal_result_workspace_users(second, NULL)[0]->id);
    kal_result_free(second);
    first = RESULT_OF(get_workspace, client), second = RESULT_OF(get_workspace, client);
    CHECK(kal_result_workspace(first) == kal_result_workspace(second));
    kal_result_free(first);
    kal_result_free(second);
    CHECK_INT(stats_of(client).cache_hits, 2);
    kal_client_close(client);
}

CLAIM(workspace_members_and_groups_are_cached_and_events_are_not)
{
    kal_client client = new_client();
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < KIT_METHODS; i++)
            kal_result_free(RESULT_OF(kit_methods[i].call, client));
    CHECK_INT(emulator_count(&server, ACTIVE), 1);
    CHECK_INT(emulator_count(&server, MEMBERS), 1);
    CHECK_INT(emulator_count(&server, GROUPS), 1);
    CHECK_INT(emulator_count(&server, EVENTS), 3);
    kal_client_close(client);
}

CLAIM(clients_do_not_share_a_cache)
{
    kal_client one = new_client(), other = new_client();
    kal_result_free(RESULT_OF(get_members, one));
    kal_call_options only = with_cache(KAL_CACHE_ONLY);
    FAILURE_WITH(get_members, other, &only, KAL_NOT_FOUND, "nothing is cached");
    kal_result_free(RESULT_OF(get_members, other));
    CHECK_STATUS(kal_client_clear_caches(one, NULL), KAL_OK);
    kal_result_free(RESULT_OF(get_members, other));
    CHECK_INT(emulator_count(&server, MEMBERS), 2);
    kal_client_close(one);
    kal_client_close(other);
}

CLAIM(refresh_sends_a_request_and_caches_the_answer)
{
    kal_client client = new_client();
    kal_call_options refresh = with_cache(KAL_CACHE_REFRESH);
    emulator_answer(&server, MEMBERS, 1, "[{\"id\":\"old\"}]");
    emulator_answer(&server, MEMBERS, 1, "[{\"id\":\"new\"}]");
    kal_result old = RESULT_OF(get_members, client);
    check_first_id(client, &refresh, "new");
    check_first_id(client, NULL, "new");
    CHECK_TEXT(first_id(old), "old");
    kal_result_free(old);
    CHECK_INT(emulator_count(&server, MEMBERS), 2);
    kal_client_close(client);
}

CLAIM(refreshing_a_call_by_ids_refreshes_the_whole_list)
{
    kal_client client = new_client();
    kal_call_options refresh = with_cache(KAL_CACHE_REFRESH);
    emulator_answer(&server, MEMBERS, 1, "[{\"id\":\"old\"}]");
    emulator_answer(&server, MEMBERS, 1, "[{\"id\":\"new\"}]");
    check_first_id(client, NULL, "old");
    kal_result_free(RESULT_WITH(get_members_by_no_ids, client, &refresh));
    check_first_id(client, NULL, "new");
    CHECK_INT(emulator_count(&server, MEMBERS), 2);
    kal_client_close(client);
}

CLAIM(cache_only_never_sends_a_request)
{
    kal_client client = new_client();
    kal_call_options only = with_cache(KAL_CACHE_ONLY);
    for (size_t i = 0; i < KIT_METHODS; i++) {
        const kal_error_info *info = FAILURE_WITH(kit_methods[i].call, client, &only, KAL_NOT_FOUND, kit_methods[i].name);
        CHECK_INT(info->attempts, 0);
        CHECK_INT(info->http_status, 0);
        CHECK(info->url == NULL);
    }
    CHECK_INT(emulator_count(&server, "total"), 0);
    for (size_t i = 0; i < KIT_METHODS; i++)
        kal_result_free(RESULT_OF(kit_methods[i].call, client));
    long asked = emulator_count(&server, "total");
    for (size_t i = 0; i < KIT_METHODS; i++)
        if (kit_methods[i].call == get_events)
            FAILURE_WITH(get_events, client, &only, KAL_NOT_FOUND, "never cached");
        else
            kal_result_free(RESULT_WITH(kit_methods[i].call, client, &only));
    CHECK_INT(emulator_count(&server, "total"), asked);
    kal_client_close(client);
}

CLAIM(clearing_drops_all_entries_and_keeps_results_valid)
{
    kal_client client = new_client();
    kal_call_options only = with_cache(KAL_CACHE_ONLY);
    kal_result before = RESULT_OF(get_members, client);
    kal_result_free(RESULT_OF(get_groups, client));
    CHECK_STATUS(kal_client_clear_caches(client, NULL), KAL_OK);
    FAILURE_WITH(get_members, client, &only, KAL_NOT_FOUND, "nothing is cached");
    FAILURE_WITH(get_groups, client, &only, KAL_NOT_FOUND, "nothing is cached");
    kal_result after = RESULT_OF(get_members, client);
    CHECK_INT(emulator_count(&server, MEMBERS), 2);
    CHECK(kal_result_workspace_users(before, NULL) != kal_result_workspace_users(after, NULL));
    CHECK_TEXT(kal_result_json(before, NULL), kal_result_json(after, NULL));
    kal_result_free(before);
    kal_result_free(after);
    kal_client_close(client);
}

CLAIM(a_cached_answer_expires_after_the_ttl)
{
    kal_client_options options = options_for(&server);
    options.cache_ttl_ms = 20;
    kal_client client = client_with(options);
    kal_call_options only = with_cache(KAL_CACHE_ONLY);
    kal_result_free(RESULT_OF(get_members, client));
    poll(NULL, 0, 25); /* longer than the TTL */
    FAILURE_WITH(get_members, client, &only, KAL_NOT_FOUND, "nothing is cached");
    kal_result_free(RESULT_OF(get_members, client));
    CHECK_INT(emulator_count(&server, MEMBERS), 2);
    kal_client_close(client);
    options.cache_ttl_ms = 3600 * 1000;
    client = client_with(options);
    kal_result_free(RESULT_OF(get_members, client));
    kal_result_free(RESULT_OF(get_members, client));
    CHECK_INT(emulator_count(&server, MEMBERS), 3);
    kal_client_close(client);
}

/* What CACHE in the header says of a program that runs for long. Red without the TTL: "expected 5, it is 1". */
CLAIM(a_deactivated_member_is_seen_after_a_refresh_or_with_a_ttl_and_never_without)
{
    static const char active[] = "[{\"id\":\"u\",\"access_level\":\"admin\"}]";
    static const char deactivated[] = "[{\"id\":\"u\",\"access_level\":\"deactivated\"}]";
    kal_call_options refresh = with_cache(KAL_CACHE_REFRESH);
    kal_client_options expiring = options_for(&server);
    expiring.cache_ttl_ms = 1;
    kal_client forever = new_client(), short_lived = client_with(expiring);
    emulator_answer(&server, MEMBERS, 2, active);
    kal_result_free(RESULT_OF(get_members, forever));
    kal_result_free(RESULT_OF(get_members, short_lived));
    emulator_answer(&server, MEMBERS, 2, deactivated);
    check_level(forever, NULL, KAL_ACCESS_ADMIN);
    poll(NULL, 0, 5); /* longer than the TTL */
    check_level(short_lived, NULL, KAL_ACCESS_DEACTIVATED);
    check_level(forever, NULL, KAL_ACCESS_ADMIN);
    check_level(forever, &refresh, KAL_ACCESS_DEACTIVATED);
    check_level(forever, NULL, KAL_ACCESS_DEACTIVATED);
    kal_client_close(forever);
    kal_client_close(short_lived);
}

CLAIM(an_error_is_not_cached)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":500}");
    FAILURE_OF(get_members, client, KAL_SERVER_ERROR, "500");
    kal_result_free(RESULT_OF(get_members, client));
    emulator_answer(&server, GROUPS, 1, "no JSON");
    FAILURE_OF(get_groups, client, KAL_BAD_RESPONSE, "unusable response");
    kal_result_free(RESULT_OF(get_groups, client));
    kal_client_close(client);
}

CLAIM(a_missing_workspace_is_not_cached)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" ACTIVE "\",\"status\":204}");
    FAILURE_OF(get_workspace, client, KAL_NOT_FOUND, "no body");
    kal_result_free(RESULT_OF(get_workspace, client));
    CHECK_INT(emulator_count(&server, ACTIVE), 2);
    kal_client_close(client);
}

CLAIM(a_failed_refresh_drops_the_cached_entry)
{
    kal_client client = new_client();
    kal_call_options refresh = with_cache(KAL_CACHE_REFRESH), only = with_cache(KAL_CACHE_ONLY);
    kal_result before = RESULT_OF(get_members, client);
    kal_result_free(RESULT_OF(get_groups, client));
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":500}");
    FAILURE_WITH(get_members, client, &refresh, KAL_SERVER_ERROR, "500");
    FAILURE_WITH(get_members, client, &only, KAL_NOT_FOUND, "nothing is cached");
    /* Other entries stay. */
    kal_result_free(RESULT_WITH(get_groups, client, &only));
    CHECK(kal_result_json(before, NULL) != NULL);
    kal_result_free(before);
    kal_result_free(RESULT_OF(get_members, client));
    CHECK_INT(emulator_count(&server, MEMBERS), 3);
    kal_client_close(client);
}

/* Red when an abandoned request keeps the entry: the last call returns KAL_OK where KAL_NOT_FOUND is expected. */
CLAIM(a_refresh_that_times_out_drops_the_cached_entry)
{
    kal_client client = new_client();
    kal_call_options refresh = with_cache(KAL_CACHE_REFRESH), only = with_cache(KAL_CACHE_ONLY);
    refresh.timeout_ms = check_is_slow() ? 2000 : 100;
    kal_result before = RESULT_OF(get_members, client);
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"drop\":\"hang\"}");
    FAILURE_WITH(get_members, client, &refresh, KAL_TIMED_OUT, "timed out after ");
    FAILURE_WITH(get_members, client, &only, KAL_NOT_FOUND, "nothing is cached");
    CHECK(kal_result_json(before, NULL) != NULL);
    kal_result_free(before);
    kal_client_close(client);
}

CLAIM(a_call_by_ids_filters_the_cached_list)
{
    kal_client client = new_client();
    kal_result all = RESULT_OF(get_groups, client), some;
    const kal_workspace_group *const *groups = kal_result_workspace_groups(all, NULL);
    /* Requested in reverse order, one twice, and an unknown one: returned in the server's order, each once. */
    const char *ids[] = { groups[3]->id, "unknown", groups[1]->id, groups[3]->id, "" };
    CHECK_STATUS(kal_workspace_get_groups_by_ids(client, ids, 5, NULL, &some, NULL), KAL_OK);
    size_t len;
    const kal_workspace_group *const *found = kal_result_workspace_groups(some, &len);
    CHECK_INT(len, 2);
    CHECK_TEXT(found[0]->id, groups[1]->id);
    CHECK_TEXT(found[1]->id, groups[3]->id);
    CHECK_INT(found[1]->user_ids_len, groups[3]->user_ids_len);
    CHECK_INT(emulator_count(&server, GROUPS), 1);
    kal_result_free(all);
    CHECK_CONTAINS(kal_result_json(some, NULL), found[0]->id);
    kal_result_free(some);
    kal_client_close(client);
}

/* What each thread of a crowd saw: its own result handle, all for the same memory. */
typedef struct seen {
    kal_client client;
    const void *records[CROWD_MOST];
    kal_result results[CROWD_MOST];
} seen;

static void look(int index, void *context)
{
    seen *seen = context;
    kal_error error;
    CHECK_STATUS(get_members(seen->client, NULL, &seen->results[index], &error), KAL_OK);
    kal_error_free(error);
    seen->records[index] = kal_result_workspace_users(seen->results[index], NULL);
}

CLAIM(concurrent_misses_share_one_request)
{
    enum { THREADS = 32 };
    seen seen = { .client = new_client() };
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"delay_ms\":100}");
    crowd(THREADS, look, &seen);
    CHECK_INT(emulator_count(&server, MEMBERS), 1);
    for (int i = 0; i < THREADS; i++) {
        CHECK(seen.records[i] != NULL && seen.records[i] == seen.records[0]);
        kal_result_free(seen.results[i]);
    }
    kal_stats stats = stats_of(seen.client);
    CHECK_INT(stats.requests, 2);
    CHECK_INT(stats.shared_requests + stats.cache_hits, THREADS - 1);
    kal_client_close(seen.client);
}

static void look_in_vain(int index, void *context)
{
    seen *seen = context;
    kal_error error;
    CHECK_STATUS(get_members(seen->client, NULL, &seen->results[index], &error), KAL_CONFLICT);
    CHECK_CONTAINS(kal_error_get(error)->message, "409");
    kal_error_free(error);
}

CLAIM(concurrent_misses_share_one_failure)
{
    enum { THREADS = 16 };
    seen seen = { .client = new_client() };
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":409,\"times\":0,\"delay_ms\":50}");
    crowd(THREADS, look_in_vain, &seen);
    CHECK_INT(stats_of(seen.client).shared_requests + (uint64_t)emulator_count(&server, MEMBERS), THREADS);
    kal_client_close(seen.client);
}

CLAIM(a_refresh_during_a_request_sends_its_own_and_its_answer_stays_cached)
{
    kal_client client = new_client();
    kal_call_options refresh = with_cache(KAL_CACHE_REFRESH);
    caller slow;
    emulator_fault(&server, "[{\"path\":\"" MEMBERS "\",\"body\":\"[{\\\"id\\\":\\\"early\\\"}]\",\"delay_ms\":300},"
                            "{\"path\":\"" MEMBERS "\",\"body\":\"[{\\\"id\\\":\\\"late\\\"}]\"}]");
    caller_start(&slow, get_members, client, NULL);
    emulator_wait_for(&server, MEMBERS, 1);
    check_first_id(client, &refresh, "late");
    CHECK_STATUS(caller_join(&slow), KAL_OK);
    CHECK_TEXT(first_id(slow.result), "early");
    kal_result_free(slow.result);
    check_first_id(client, NULL, "late");
    CHECK_INT(emulator_count(&server, MEMBERS), 2);
    kal_client_close(client);
}

CLAIM(an_answer_requested_before_clearing_is_not_cached)
{
    kal_client client = new_client();
    kal_call_options only = with_cache(KAL_CACHE_ONLY);
    caller slow;
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"delay_ms\":200}");
    caller_start(&slow, get_members, client, NULL);
    emulator_wait_for(&server, MEMBERS, 1);
    CHECK_STATUS(kal_client_clear_caches(client, NULL), KAL_OK);
    CHECK_STATUS(caller_join(&slow), KAL_OK);
    kal_result_free(slow.result);
    FAILURE_WITH(get_members, client, &only, KAL_NOT_FOUND, "nothing is cached");
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
