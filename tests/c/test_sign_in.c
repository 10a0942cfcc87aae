/* Sign-in: one token request per generation, no refresh token sent twice, and the credentials if a refresh fails. */
#include "kit.h"

#include <stdlib.h>

#define MEMBERS "/workspaces/members"
#define EVENTS "/workspaces/events"
#define TOKEN "/auth/oauth/token"

static void get_something(kal_client client)
{
    kal_result_free(RESULT_OF(get_events, client));
}

static void check_tokens(long credentials, long refreshes)
{
    CHECK_INT(emulator_count(&server, "token_client_credentials"), credentials);
    CHECK_INT(emulator_count(&server, "token_refresh"), refreshes);
    CHECK_INT(emulator_count(&server, "reused_refresh_tokens"), 0);
}

static void ask_each(int index, void *context)
{
    kal_result result;
    kal_error error;
    CHECK_STATUS(kit_methods[index % KIT_METHODS].call(*(kal_client *)context, NULL, &result, &error), KAL_OK);
    kal_error_free(error);
    kal_result_free(result);
}

CLAIM(opening_a_client_sends_nothing)
{
    kal_client_close(new_client());
    CHECK_INT(emulator_count(&server, "connections"), 0);
}

CLAIM(many_threads_share_one_token_request)
{
    kal_client client = new_client();
    crowd(32, ask_each, &client);
    check_tokens(1, 0);
    CHECK_INT(stats_of(client).token_requests, 1);
    kal_client_close(client);
}

CLAIM(a_token_is_used_until_it_expires)
{
    kal_client client = new_client();
    for (int i = 0; i < 5; i++)
        get_something(client);
    check_tokens(1, 0);
    kal_client_close(client);
}

CLAIM(a_token_that_expires_early_is_replaced_with_one_replay)
{
    kal_client client = new_client();
    get_something(client);
    emulator_admin(&server, "expire-tokens", "");
    get_something(client);
    check_tokens(1, 1);
    CHECK_INT(emulator_count(&server, EVENTS), 3);
    /* A replay is not a retry: it does not change the quota. */
    CHECK_INT(stats_of(client).retries, 0);
    kal_client_close(client);
}

CLAIM(many_threads_whose_token_expired_share_one_refresh)
{
    kal_client client = new_client();
    get_something(client);
    emulator_admin(&server, "expire-tokens", "");
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"delay_ms\":50}");
    crowd(32, ask_each, &client);
    check_tokens(1, 1);
    kal_client_close(client);
}

CLAIM(a_401_after_the_replay_is_not_replayed_again)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":401,\"times\":0}");
    FAILURE_OF(get_events, client, KAL_UNAUTHORIZED, "status 401");
    CHECK_INT(emulator_count(&server, EVENTS), 2);
    check_tokens(1, 1);
    kal_client_close(client);
}

CLAIM(a_rotated_refresh_token_is_not_sent_twice)
{
    kal_client client = new_client();
    get_something(client);
    for (int i = 0; i < 20; i++) {
        emulator_admin(&server, "expire-tokens", "");
        get_something(client);
    }
    check_tokens(1, 20);
    kal_client_close(client);
}

CLAIM(tokens_with_a_one_second_lifetime_are_replaced_before_they_expire)
{
    emulator brief = emulator_start("--expires-in", "1", (char *)NULL);
    kal_client client = client_with(options_for(&brief));
    long refusals = 0;
    while (emulator_count(&brief, "token_refresh") < 3) {
        kal_stats before = stats_of(client);
        get_something(client);
        kal_stats after = stats_of(client);
        /* One for the events, one for the token when due; a third would be a replay after a 401. */
        refusals += after.requests - before.requests > 2;
    }
    CHECK_INT(refusals, 0);
    CHECK_INT(emulator_count(&brief, "token_client_credentials"), 1);
    CHECK_INT(emulator_count(&brief, "reused_refresh_tokens"), 0);
    kal_client_close(client);
    emulator_stop(&brief);
}

CLAIM(a_revoked_refresh_token_falls_back_to_the_credentials)
{
    kal_client client = new_client();
    get_something(client);
    emulator_admin(&server, "revoke-refresh-tokens", "");
    emulator_admin(&server, "expire-tokens", "");
    get_something(client);
    check_tokens(2, 1);
    kal_client_close(client);
}

/* Unless the response is valid, the server may already have consumed the refresh token. */
CLAIM(a_failed_refresh_falls_back_to_the_credentials_and_is_not_retried)
{
    static const char *const faults[] = {
        "\"status\":400",       "\"status\":401",    "\"status\":403",    "\"status\":408",
        "\"status\":429",       "\"status\":500",    "\"status\":503",    "\"status\":302,\"redirect\":\"http://example.com/\"",
        "\"body\":\"no JSON\"", "\"body\":\"{}\"",   "\"status\":204",    "\"drop\":\"before\"",
        "\"drop\":\"headers\"", "\"drop\":\"body\"", "\"drop\":\"hang\"", "\"body_bytes\":1000000",
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char fault[160];
        kal_client_options options = options_for(&server);
        options.max_attempts = 3;
        options.timeout_ms = check_is_slow() ? 20000 : 1000;
        kal_client client = client_with(options);
        emulator_reset(&server);
        get_something(client);
        emulator_admin(&server, "expire-tokens", "");
        snprintf(fault, sizeof fault, "{\"path\":\"" TOKEN "\",%s}", faults[i]);
        emulator_fault(&server, fault);
        get_something(client);
        check_tokens(2, 1);
        if (check_has_failed())
            printf("#     %s\n", faults[i]);
        kal_client_close(client);
    }
}

CLAIM(a_failed_sign_in_is_repeated_by_the_next_call)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"status\":403,\"times\":2}");
    FAILURE_OF(get_events, client, KAL_AUTH_FAILED, "sign-in failed");
    FAILURE_OF(get_members, client, KAL_AUTH_FAILED, "sign-in failed");
    get_something(client);
    check_tokens(3, 0);
    kal_client_close(client);
}

static void ask_in_vain(int index, void *context)
{
    kal_result result;
    CHECK_STATUS(kit_methods[index % KIT_METHODS].call(*(kal_client *)context, NULL, &result, NULL), KAL_AUTH_FAILED);
}

CLAIM(threads_that_share_a_sign_in_share_its_failure)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"status\":403,\"delay_ms\":100,\"times\":0}");
    crowd(16, ask_in_vain, &client);
    CHECK(emulator_count(&server, "token_requests") < 16);
    kal_client_close(client);
}

/* Checks the details of a token request that failed, as a call for the events reports it. */
static void check_token_request(const kal_error_info *info, int attempts)
{
    CHECK_TEXT(info->method, "POST");
    CHECK_TEXT(info->url, TOKEN);
    CHECK_INT(info->attempts, attempts);
    CHECK_CONTAINS(info->message, "GET " EVENTS ": ");
}

/* Red when the attempts of a call begin with its sign-in: "GET", 1 attempt. */
CLAIM(a_call_without_a_token_reports_the_token_request)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"status\":403}");
    check_token_request(FAILURE_OF(get_events, client, KAL_AUTH_FAILED, "sign-in failed: POST " TOKEN), 1);
    kal_call_options soon = with_timeout(300);
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"drop\":\"hang\"}");
    check_token_request(FAILURE_WITH(get_events, client, &soon, KAL_TIMED_OUT, "waiting for a token: "), 1);
    kal_client_close(client);
}

CLAIM(a_submitted_call_without_a_token_reports_the_token_request)
{
    kal_client client = new_client();
    kal_queue queue;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"status\":403,\"times\":0}");
    REQUIRE(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL) == KAL_OK);
    kal_completion done = KAL_COMPLETION_INIT;
    REQUIRE(kal_queue_next(queue, 60000, &done, NULL) == KAL_OK);
    CHECK_STATUS(done.status, KAL_AUTH_FAILED);
    check_token_request(kal_error_get(done.error), 1);
    kal_error_free(done.error);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_caller_that_times_out_does_not_end_the_shared_sign_in)
{
    kal_client client = new_client();
    kal_call_options soon = with_timeout(50);
    caller patient;
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"delay_ms\":400}");
    caller_start(&patient, get_members, client, NULL);
    emulator_wait_for(&server, TOKEN, 1);
    FAILURE_WITH(get_events, client, &soon, KAL_TIMED_OUT, "timed out after ");
    CHECK_STATUS(caller_join(&patient), KAL_OK);
    kal_result_free(patient.result);
    check_tokens(1, 0);
    kal_client_close(client);
}

CLAIM(the_token_is_sent_in_a_header_and_the_secret_in_the_form)
{
    kal_client client = new_client();
    get_something(client);
    char *requests = emulator_requests(&server);
    CHECK_CONTAINS(requests, "grant_type=client_credentials&client_id=demo-client&client_secret=" SECRET);
    CHECK_CONTAINS(requests, "[\"x-kal-authorization\",\"Bearer kal-at-");
    CHECK_LACKS(requests, "[\"authorization\"");
    CHECK_LACKS(requests, "[\"referer\"");
    free(requests);
    kal_client_close(client);
}

/* The host's token provider and a record of its calls. */
typedef struct provider {
    kal_status status;
    const char *token;
    size_t length;
    size_t capacity;
    pthread_t thread;
    int calls;
    kal_client client;
    kal_status from_within;
} provider;

static kal_status provide(void *user_data, char *buffer, size_t capacity, size_t *length)
{
    provider *host = user_data;
    host->calls++;
    host->capacity = capacity;
    host->thread = pthread_self();
    if (host->client.id != 0) {
        kal_result result;
        host->from_within = get_events(host->client, NULL, &result, NULL);
    }
    if (host->token != NULL && strlen(host->token) <= capacity)
        memcpy(buffer, host->token, strlen(host->token));
    *length = host->length;
    return host->status;
}

static kal_client client_behind_proxy(const emulator *of, provider *host)
{
    kal_client_options options = options_for(of);
    options.iap_token_provider = provide;
    options.iap_user_data = host;
    return client_with(options);
}

CLAIM(the_iap_token_provider_is_called_once_on_the_callers_thread)
{
    emulator proxied = emulator_start("--iap-token", "iap-canary-1", (char *)NULL);
    provider host = { .token = "iap-canary-1", .length = 12 };
    kal_client client = client_behind_proxy(&proxied, &host);
    CHECK_INT(host.calls, 0);
    caller other;
    caller_start(&other, get_members, client, NULL);
    CHECK_STATUS(caller_join(&other), KAL_OK);
    kal_result_free(other.result);
    CHECK_INT(host.calls, 1);
    CHECK(!pthread_equal(host.thread, pthread_self()));
    CHECK(host.capacity >= 4096);
    get_something(client);
    crowd(8, ask_each, &client);
    CHECK_INT(host.calls, 1);
    char *requests = emulator_requests(&proxied);
    CHECK_CONTAINS(requests, "[\"authorization\",\"Bearer iap-canary-1\"]");
    free(requests);
    kal_client_close(client);

    host = (provider){ .token = "iap-canary-1", .length = 12 };
    client = client_behind_proxy(&proxied, &host);
    get_something(client);
    CHECK(pthread_equal(host.thread, pthread_self()));
    kal_client_close(client);
    emulator_stop(&proxied);
}

CLAIM(threads_that_need_an_iap_token_call_the_provider_once)
{
    emulator proxied = emulator_start("--iap-token", "iap-canary-1", (char *)NULL);
    provider host = { .token = "iap-canary-1", .length = 12 };
    kal_client client = client_behind_proxy(&proxied, &host);
    crowd(16, ask_each, &client);
    CHECK_INT(host.calls, 1);
    kal_client_close(client);
    emulator_stop(&proxied);
}

CLAIM(a_provider_that_returns_no_token_fails_the_call)
{
    static char long_token[1 << 17];
    memset(long_token, 'x', sizeof long_token - 1);
    const struct {
        provider host;
        const char *says;
    } cases[] = {
        { { .status = KAL_TIMED_OUT, .token = "canary", .length = 6 }, "it returned 203" },
        { { .status = -1, .token = "canary", .length = 6 }, "it returned -1" },
        { { .token = "canary", .length = 0 }, "empty token" },
        { { .token = long_token, .length = sizeof long_token }, "over the capacity" },
        { { .token = "canary", .length = SIZE_MAX }, "over the capacity" },
        { { .token = "canar\xff", .length = 6 }, "not valid UTF-8" },
        { { .token = "cana\r\nX: 1", .length = 10 }, "characters" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        provider host = cases[i].host;
        kal_client client = client_behind_proxy(&server, &host);
        const kal_error_info *info = FAILURE_OF(get_events, client, KAL_AUTH_FAILED, cases[i].says);
        CHECK_CONTAINS(info->message, "iap_token_provider");
        CHECK_LACKS(info->message, "cana");
        CHECK_INT(info->http_status, 0);
        CHECK_INT(info->attempts, 0);
        /* After a failure the provider is called again. */
        host.status = KAL_OK;
        host.token = "fine";
        host.length = 4;
        get_something(client);
        CHECK_INT(host.calls, 2);
        kal_client_close(client);
    }
    CHECK_INT(emulator_count(&server, EVENTS), sizeof cases / sizeof *cases);
}

CLAIM(a_call_from_within_a_provider_returns_would_deadlock)
{
    provider host = { .token = "fine", .length = 4 };
    kal_client client = client_behind_proxy(&server, &host);
    host.client = client;
    get_something(client);
    CHECK_STATUS(host.from_within, KAL_WOULD_DEADLOCK);
    kal_client_close(client);
}

CLAIM(a_rejected_iap_token_is_reported_and_not_shown)
{
    emulator proxied = emulator_start("--iap-token", "another", (char *)NULL);
    provider host = { .token = "iap-canary-1", .length = 12 };
    kal_client client = client_behind_proxy(&proxied, &host);
    const kal_error_info *info = FAILURE_OF(get_events, client, KAL_AUTH_FAILED, "sign-in failed");
    CHECK_INT(info->http_status, 401);
    CHECK_LACKS(info->message, "canary");
    CHECK_LACKS(info->body, "canary");
    kal_client_close(client);
    emulator_stop(&proxied);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
