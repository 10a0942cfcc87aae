/* Retries: transient failures are retried within the call's deadline and the client's quota; permanent ones are not. */
#include "kit.h"

#define MEMBERS "/workspaces/members"
#define EVENTS "/workspaces/events"
#define TOKEN "/auth/oauth/token"

static kal_client patient_client(uint32_t max_attempts)
{
    kal_client_options options = options_for(&server);
    options.max_attempts = max_attempts;
    return client_with(options);
}

CLAIM(a_transient_failure_is_retried)
{
    static const char *const faults[] = {
        "\"status\":408", "\"status\":500",      "\"status\":502",       "\"status\":503",
        "\"status\":504", "\"drop\":\"before\"", "\"drop\":\"headers\"", "\"drop\":\"body\"",
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char fault[128];
        kal_client client = patient_client(0);
        emulator_reset(&server);
        snprintf(fault, sizeof fault, "{\"path\":\"" MEMBERS "\",\"times\":2,%s}", faults[i]);
        emulator_fault(&server, fault);
        kal_result_free(RESULT_OF(get_members, client));
        CHECK_INT(emulator_count(&server, MEMBERS), 3);
        kal_stats stats = stats_of(client);
        CHECK_INT(stats.retries, 2);
        CHECK_INT(stats.requests, 4);
        kal_client_close(client);
    }
}

CLAIM(a_429_is_retried)
{
    kal_client client = patient_client(2);
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":429,\"headers\":{\"Retry-After\":\"0\"}}");
    kal_result_free(RESULT_OF(get_members, client));
    CHECK_INT(emulator_count(&server, MEMBERS), 2);
    kal_client_close(client);
}

CLAIM(the_last_failure_reports_the_number_of_attempts)
{
    for (uint32_t most = 1; most <= 3; most++) {
        kal_client client = patient_client(most);
        emulator_reset(&server);
        emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":503,\"times\":0}");
        const kal_error_info *info = FAILURE_OF(get_members, client, KAL_SERVICE_UNAVAILABLE, "status 503");
        CHECK_INT(info->attempts, most);
        CHECK(info->retryable);
        CHECK_INT(emulator_count(&server, MEMBERS), most);
        kal_client_close(client);
    }
}

CLAIM(a_permanent_failure_is_not_retried)
{
    static const int statuses[] = { 400, 403, 404, 405, 409, 410, 422, 501, 302 };
    kal_client client = patient_client(0);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char fault[128];
        kal_result result;
        emulator_reset(&server);
        snprintf(fault, sizeof fault, "{\"path\":\"" EVENTS "\",\"status\":%d,\"times\":0}", statuses[i]);
        emulator_fault(&server, fault);
        CHECK_STATUS(get_events(client, NULL, &result, NULL), statuses[i] == 302 ? KAL_BAD_RESPONSE : statuses[i]);
        CHECK_INT(emulator_count(&server, EVENTS), 1);
    }
    emulator_reset(&server);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"body\":\"no JSON\",\"times\":0}");
    FAILURE_OF(get_events, client, KAL_BAD_RESPONSE, "unusable response");
    CHECK_INT(emulator_count(&server, EVENTS), 1);
    CHECK_INT(stats_of(client).retries, 0);
    kal_client_close(client);
}

CLAIM(a_failed_connection_attempt_is_retried)
{
    kal_client_options options = options_for(&server);
    options.max_attempts = 3;
    options.base_url = "http://127.0.0.1:1";
    kal_client client = client_with(options);
    CHECK_INT(FAILURE_OF(get_members, client, KAL_CONNECT_FAILED, "cannot connect to 127.0.0.1:")->attempts, 3);
    kal_client_close(client);
}

CLAIM(a_sign_in_with_credentials_is_retried)
{
    kal_client client = patient_client(3);
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"status\":503,\"times\":2}");
    kal_result_free(RESULT_OF(get_members, client));
    CHECK_INT(emulator_count(&server, "token_client_credentials"), 3);
    CHECK_INT(emulator_count(&server, MEMBERS), 1);
    CHECK_INT(stats_of(client).token_requests, 3);
    kal_client_close(client);
}

/* Retry-After is longer than the call has left: the failure is reported at once, and no request is sent early. */
CLAIM(a_retry_that_cannot_start_before_the_deadline_fails_at_once)
{
    static const char *const values[] = { "3600", "99999999999999999999", "Fri, 31 Dec 2100 23:59:59 GMT" };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char fault[192];
        kal_client client = patient_client(5);
        emulator_reset(&server);
        snprintf(fault, sizeof fault, "{\"path\":\"" MEMBERS "\",\"status\":503,\"headers\":{\"Retry-After\":\"%s\"}}",
                 values[i]);
        emulator_fault(&server, fault);
        const kal_error_info *info = FAILURE_OF(get_members, client, KAL_SERVICE_UNAVAILABLE, "status 503");
        CHECK_INT(info->attempts, 1);
        CHECK(info->retryable);
        CHECK(info->retry_after_ms >= 3600 * 1000);
        CHECK_INT(emulator_count(&server, MEMBERS), 1);
        kal_client_close(client);
    }
}

/* Cancels the call that waits for its retry. */
static void cancel_the_wait(void *cancel, int32_t level, const char *message)
{
    (void)level;
    if (strstr(message, "trying again in ") != NULL)
        kal_cancel_fire(*(kal_cancel *)cancel);
}

/* Red when the wait ends after every deadline, KAL_WAIT_FOREVER included: the retry was not made, and the call failed at once
 * with KAL_SERVICE_UNAVAILABLE (503). */
CLAIM(a_call_without_a_deadline_waits_for_its_retry_however_long_that_is)
{
    static const uint64_t waits[] = { 1000000000, (uint64_t)1 << 63, UINT64_MAX };
    for (size_t i = 0; i < 2 * (sizeof waits / sizeof *waits); i++) {
        kal_cancel cancel;
        REQUIRE(kal_cancel_open(&cancel, NULL) == KAL_OK);
        kal_client_options options = options_for(&server);
        options.max_attempts = 2;
        options.retry_wait_ms = waits[i / 2];
        options.log_callback = cancel_the_wait;
        options.log_user_data = &cancel;
        options.log_level = KAL_LOG_INFO;
        kal_client client = client_with(options);
        kal_call_options call = with_cancel(cancel);
        call.timeout_ms = KAL_WAIT_FOREVER;
        emulator_reset(&server);
        /* After a 429 it is four times as long. */
        emulator_fault(&server,
                       i % 2 ? "{\"path\":\"" MEMBERS "\",\"status\":429}" : "{\"path\":\"" MEMBERS "\",\"status\":503}");
        FAILURE_WITH(get_members, client, &call, KAL_CANCELLED, "cancelled");
        CHECK_INT(emulator_count(&server, MEMBERS), 1);
        CHECK_STATUS(kal_client_shutdown(client, 60000, NULL), KAL_OK);
        kal_cancel_close(cancel);
    }
}

CLAIM(retries_end_at_the_calls_deadline)
{
    kal_client client = patient_client(1000000);
    kal_call_options options = with_timeout(300);
    kal_result result;
    kal_error error;
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":503,\"times\":0}");
    kal_status status = get_members(client, &options, &result, &error);
    CHECK(status == KAL_SERVICE_UNAVAILABLE || status == KAL_TIMED_OUT);
    const kal_error_info *info = FAILURE(status, &error, status, "503");
    CHECK_INT(info->http_status, 503);
    /* The deadline may end the last one before it arrives. */
    long arrived = emulator_count(&server, MEMBERS);
    CHECK(info->attempts == arrived || info->attempts == arrived + 1);
    kal_client_close(client);
}

/* 500 tokens at first, 14 for each retry: 35 retries, however many calls there are. */
CLAIM(the_quota_stops_a_retry_storm)
{
    enum { CALLS = 50, RETRIES = 500 / 14 };
    kal_client client = patient_client(2);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":503,\"times\":0}");
    for (int i = 0; i < CALLS; i++)
        CHECK_INT(FAILURE_OF(get_events, client, KAL_SERVICE_UNAVAILABLE, "503")->attempts, i < RETRIES ? 2 : 1);
    CHECK_INT(emulator_count(&server, EVENTS), CALLS + RETRIES);
    CHECK_INT(stats_of(client).retries, RETRIES);
    /* Each client has its own quota, and successes refill it. */
    kal_client other = patient_client(2);
    CHECK_INT(FAILURE_OF(get_events, other, KAL_SERVICE_UNAVAILABLE, "503")->attempts, 2);
    kal_client_close(other);
    emulator_reset(&server);
    for (int i = 0; i < 14; i++)
        kal_result_free(RESULT_OF(get_events, client));
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":503,\"times\":0}");
    CHECK_INT(FAILURE_OF(get_events, client, KAL_SERVICE_UNAVAILABLE, "503")->attempts, 2);
    kal_client_close(client);
}

CLAIM(sequential_calls_share_a_connection)
{
    kal_client client = new_client();
    for (int i = 0; i < 10; i++)
        kal_result_free(RESULT_OF(get_events, client));
    CHECK_INT(emulator_count(&server, "connections"), 1);
    kal_client_close(client);
}

static void ask_for_events(int index, void *context)
{
    kal_result result;
    (void)index;
    CHECK_STATUS(get_events(*(kal_client *)context, NULL, &result, NULL), KAL_OK);
    kal_result_free(result);
}

CLAIM(max_in_flight_limits_concurrent_requests)
{
    kal_client_options options = options_for(&server);
    options.max_in_flight = 2;
    kal_client client = client_with(options);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"times\":0,\"delay_ms\":10}");
    crowd(16, ask_for_events, &client);
    CHECK(emulator_count(&server, "connections") <= 2);
    CHECK_INT(emulator_count(&server, EVENTS), 16);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
