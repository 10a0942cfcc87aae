/* Errors carry full details of a failure, and no secrets. */
#include "kit.h"

#include <stdlib.h>

#include "raw_server.h"

#define MEMBERS "/workspaces/members"
#define EVENTS "/workspaces/events"
#define TOKEN "/auth/oauth/token"

static const kal_error_info *fails_with(const char *fault, kal_status expected, const char *says)
{
    kal_client client = new_client();
    emulator_fault(&server, fault);
    const kal_error_info *info = FAILURE_OF(get_members, client, expected, says);
    kal_client_close(client);
    emulator_reset(&server);
    return info;
}

CLAIM(an_http_status_maps_to_the_status_of_the_call)
{
    static const struct {
        int status;
        bool retryable;
    } statuses[] = {
        { 400, false }, { 403, false }, { 404, false }, { 405, false }, { 408, true }, { 409, false },
        { 410, false }, { 413, false }, { 418, false }, { 422, false }, { 429, true }, { 451, false },
        { 500, true },  { 501, false }, { 502, true },  { 503, true },  { 504, true }, { 599, false },
    };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        for (size_t method = 0; method < KIT_METHODS; method++) {
            char fault[256], says[64];
            kal_client client = new_client();
            snprintf(fault, sizeof fault, "{\"path\":\"%s\",\"status\":%d}", kit_methods[method].path, statuses[i].status);
            snprintf(says, sizeof says, "failed with status %d", statuses[i].status);
            emulator_fault(&server, fault);
            const kal_error_info *info = FAILURE_OF(kit_methods[method].call, client, statuses[i].status, says);
            CHECK_INT(info->http_status, statuses[i].status);
            CHECK_INT(info->attempts, 1);
            CHECK_INT(info->retryable, statuses[i].retryable);
            CHECK_INT(info->retry_after_ms, -1);
            CHECK_TEXT(info->method, "GET");
            CHECK_TEXT(info->url, kit_methods[method].path);
            CHECK_TEXT(info->code, "injected_fault");
            CHECK(info->request_id != NULL);
            kal_client_close(client);
        }
}

CLAIM(a_401_despite_a_new_token_is_unauthorized)
{
    const kal_error_info *info =
        fails_with("{\"path\":\"" MEMBERS "\",\"status\":401,\"times\":0}", KAL_UNAUTHORIZED, "status 401");
    CHECK_INT(info->http_status, 401);
    CHECK_INT(info->attempts, 2);
    CHECK(!info->retryable);
}

CLAIM(an_error_has_the_servers_code_request_id_and_body)
{
    const kal_error_info *info =
        fails_with("{\"path\":\"" MEMBERS
                   "\",\"status\":409,\"body\":\"{\\\"code\\\":\\\"is_locked\\\",\\\"message\\\":\\\"someone is at it\\\"}\","
                   "\"headers\":{\"Retry-After\":\"7\"}}",
                   KAL_CONFLICT, "GET /workspaces/members failed with status 409 Conflict: someone is at it");
    CHECK_TEXT(info->code, "is_locked");
    CHECK_TEXT(info->body, "{\"code\":\"is_locked\",\"message\":\"someone is at it\"}");
    CHECK_INT(info->body_len, strlen(info->body));
    CHECK_INT(info->retry_after_ms, 7000);
}

/* Red when the text ends with its NUL counted in, and when `code` is left out. */
CLAIM(an_error_reads_as_json_with_every_field_by_its_name)
{
    char expected[2048];
    size_t len = 0;
    kal_client client = new_client();
    kal_result result;
    kal_error error;
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":409,\"body\":\"{\\\"code\\\":\\\"is_locked\\\"}\","
                            "\"headers\":{\"Retry-After\":\"7\"}}");
    CHECK_STATUS(get_members(client, NULL, &result, &error), KAL_CONFLICT);
    const kal_error_info *info = kal_error_get(error);
    REQUIRE(info != NULL && info->request_id != NULL);
    snprintf(expected, sizeof expected,
             "{\"status\":409,\"http_status\":409,\"attempts\":1,\"retryable\":false,\"retry_after_ms\":7000,\"message\":\"%s\","
             "\"method\":\"GET\",\"url\":\"" MEMBERS "\",\"code\":\"is_locked\",\"request_id\":\"%s\","
             "\"body\":\"{\\\"code\\\":\\\"is_locked\\\"}\",\"body_len\":20}",
             info->message, info->request_id);
    const char *json = kal_error_json(error, &len);
    CHECK_TEXT(json, expected);
    CHECK_INT(len, strlen(expected));
    CHECK(kal_error_json(error, NULL) == json);
    kal_error_free(error);
    CHECK(kal_error_json(error, &len) == NULL && len == 0);
    /* Nothing was sent. */
    CHECK_STATUS(kal_call(client, "get_nothing", NULL, NULL, &result, &error), KAL_UNKNOWN_METHOD);
    CHECK_CONTAINS(kal_error_json(error, NULL), "{\"status\":107,\"http_status\":0,\"attempts\":0,\"retryable\":false,"
                                                "\"retry_after_ms\":-1,\"message\":\"unknown method \\\"get_nothing\\\"; ");
    CHECK_CONTAINS(kal_error_json(error, NULL), ",\"method\":null,\"url\":null,\"code\":null,\"request_id\":null,\"body\":null,"
                                                "\"body_len\":0}");
    kal_error_free(error);
    kal_client_close(client);
}

CLAIM(retry_after_in_either_form_is_reported_in_milliseconds)
{
    static const struct {
        const char *value;
        int64_t ms;
    } values[] = {
        { "0", 0 }, { "120", 120000 }, { "Wed, 21 Oct 2015 07:28:00 GMT", 0 }, { "soon", -1 }, { "-5", -1 }, { "1.5", -1 },
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char fault[256];
        snprintf(fault, sizeof fault, "{\"path\":\"" MEMBERS "\",\"status\":429,\"headers\":{\"Retry-After\":\"%s\"}}",
                 values[i].value);
        CHECK_INT(fails_with(fault, KAL_RATE_LIMITED, "status 429")->retry_after_ms, values[i].ms);
    }
    const kal_error_info *info =
        fails_with("{\"path\":\"" MEMBERS "\",\"status\":503,\"headers\":{\"Retry-After\":\"Fri, 31 Dec 2100 23:59:59 GMT\"}}",
                   KAL_SERVICE_UNAVAILABLE, "status 503");
    CHECK(info->retry_after_ms > INT64_C(1000) * 3600 * 24 * 365);
}

CLAIM(an_error_body_may_contain_nul)
{
    const kal_error_info *info =
        fails_with("{\"path\":\"" MEMBERS "\",\"status\":500,\"body\":\"a\\u0000b\"}", KAL_SERVER_ERROR, "500");
    CHECK_INT(info->body_len, 3);
    CHECK(info->body != NULL && memcmp(info->body, "a\0b", 4) == 0);
}

CLAIM(a_missing_error_body_is_empty)
{
    const kal_error_info *info = fails_with("{\"path\":\"" MEMBERS "\",\"status\":500,\"body\":\"\"}", KAL_SERVER_ERROR, "500");
    CHECK_TEXT(info->body, "");
    CHECK_INT(info->body_len, 0);
    CHECK(info->code == NULL);
}

CLAIM(a_long_error_body_is_truncated_to_64_kib)
{
    const kal_error_info *info =
        fails_with("{\"path\":\"" MEMBERS "\",\"status\":502,\"body_bytes\":1000000}", KAL_BAD_GATEWAY, "502");
    CHECK_INT(info->body_len, 65536);
    CHECK_INT(strlen(info->body), 65536);
}

/* max_response_bytes limits answers; a proxy's error page above it must not hide the 502. */
CLAIM(an_error_body_over_max_response_bytes_does_not_hide_the_status)
{
    kal_client_options options = options_for(&server);
    options.max_response_bytes = 100;
    kal_client client = client_with(options);
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":502,\"body_bytes\":1000000}");
    const kal_error_info *info = FAILURE_OF(get_members, client, KAL_BAD_GATEWAY, "status 502");
    CHECK(info->retryable);
    CHECK(info->body_len >= 100);
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":500,\"body_bytes\":100000000,\"gzip\":true}");
    FAILURE_OF(get_members, client, KAL_SERVER_ERROR, "status 500");
    kal_client_close(client);
    client = new_client();
    emulator_fault(&server, "{\"path\":\"" TOKEN "\",\"status\":403,\"body_bytes\":1000000}");
    FAILURE_OF(get_members, client, KAL_AUTH_FAILED, "status 403");
    kal_client_close(client);
}

CLAIM(the_url_of_an_error_has_its_query)
{
    kal_client client = new_client();
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_result result;
    kal_error error;
    const char *types[] = { "create" };
    query.page = 3;
    query.event_types = types;
    query.event_types_len = 1;
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":422}");
    const kal_error_info *info = FAILURE(kal_workspace_get_events(client, &query, NULL, &result, &error), &error,
                                         KAL_UNPROCESSABLE, "GET /workspaces/events failed");
    CHECK_TEXT(info->url, EVENTS "?page=3&event_types=%5B%22create%22%5D");
    kal_client_close(client);
}

CLAIM(a_404_is_not_found_for_events_too)
{
    kal_client_options options = options_for(&server);
    char url[128];
    snprintf(url, sizeof url, "%s/no/such/prefix", server.url);
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":404}");
    FAILURE_OF(get_events, client, KAL_NOT_FOUND, "status 404");
    kal_client_close(client);
    /* A wrong base URL already fails at the sign-in. */
    options.base_url = url;
    client = client_with(options);
    const kal_error_info *info = FAILURE_OF(get_events, client, KAL_AUTH_FAILED, "sign-in failed");
    CHECK_INT(info->http_status, 404);
    CHECK_TEXT(info->url, TOKEN);
    kal_client_close(client);
}

CLAIM(a_redirect_is_an_error_that_names_its_target)
{
    static const int statuses[] = { 301, 302, 303, 307, 308 };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char fault[256];
        kal_client client = new_client();
        snprintf(fault, sizeof fault, "{\"path\":\"" MEMBERS "\",\"status\":%d,\"redirect\":\"%s/workspaces/groups\"}",
                 statuses[i], server.url);
        emulator_fault(&server, fault);
        const kal_error_info *info = FAILURE_OF(get_members, client, KAL_BAD_RESPONSE, "/workspaces/groups");
        CHECK_INT(info->http_status, statuses[i]);
        CHECK(!info->retryable);
        CHECK_TEXT(info->url, MEMBERS);
        snprintf(fault, sizeof fault, "{\"path\":\"" TOKEN "\",\"status\":%d,\"redirect\":\"%s/workspaces/groups\"}", statuses[i],
                 server.url);
        emulator_fault(&server, fault);
        kal_client_close(client);
        client = new_client();
        info = FAILURE_OF(get_members, client, KAL_BAD_RESPONSE, "/workspaces/groups");
        CHECK_TEXT(info->url, TOKEN);
        CHECK_INT(emulator_count(&server, "/workspaces/groups"), 0);
        kal_client_close(client);
    }
}

CLAIM(a_redirect_without_a_location_is_an_error)
{
    fails_with("{\"path\":\"" MEMBERS "\",\"status\":302}", KAL_BAD_RESPONSE, "without a Location header");
    fails_with("{\"path\":\"" MEMBERS "\",\"status\":304}", KAL_BAD_RESPONSE, "304");
}

CLAIM(a_port_without_a_listener_is_connect_failed)
{
    kal_client_options options = options_for(&server);
    options.base_url = "http://127.0.0.1:1";
    kal_client client = client_with(options);
    const kal_error_info *info = FAILURE_OF(get_members, client, KAL_CONNECT_FAILED, "cannot connect to 127.0.0.1:");
    CHECK_INT(info->http_status, 0);
    CHECK_INT(info->attempts, 1);
    CHECK(info->retryable);
    CHECK(info->body == NULL && info->body_len == 0);
    CHECK_TEXT(info->method, "POST");
    CHECK_TEXT(info->url, TOKEN);
    kal_client_close(client);
}

CLAIM(an_unknown_host_name_is_resolve_failed)
{
    kal_client_options options = options_for(&server);
    options.base_url = "https://nonexistent.invalid";
    kal_client client = client_with(options);
    const kal_error_info *info = FAILURE_OF(get_members, client, KAL_RESOLVE_FAILED, " was not found: ");
    CHECK_INT(info->http_status, 0);
    CHECK(info->retryable);
    kal_client_close(client);
}

CLAIM(a_connection_dropped_at_any_point_is_connection_lost)
{
    static const char *const points[] = { "before", "headers", "body" };
    static const char *const paths[] = { MEMBERS, TOKEN };
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 2; j++) {
            char fault[128];
            snprintf(fault, sizeof fault, "{\"path\":\"%s\",\"drop\":\"%s\"}", paths[j], points[i]);
            const kal_error_info *info = fails_with(fault, KAL_CONNECTION_LOST, " was lost ");
            CHECK(info->retryable);
            CHECK_INT(info->attempts, 1);
            CHECK_TEXT(info->url, paths[j]);
        }
}

CLAIM(a_call_without_a_response_in_time_times_out)
{
    static const char *const paths[] = { MEMBERS, TOKEN };
    for (size_t i = 0; i < 2; i++) {
        char fault[128];
        kal_client client = new_client();
        kal_call_options options = with_timeout(150);
        snprintf(fault, sizeof fault, "{\"path\":\"%s\",\"drop\":\"hang\"}", paths[i]);
        emulator_fault(&server, fault);
        const kal_error_info *info = FAILURE_WITH(get_members, client, &options, KAL_TIMED_OUT, "timed out after ");
        CHECK_INT(info->http_status, 0);
        CHECK_INT(info->attempts, 1);
        CHECK(info->retryable);
        CHECK_TEXT(info->method, i == 0 ? "GET" : "POST");
        CHECK_TEXT(info->url, paths[i]);
        CHECK_CONTAINS(info->message, "GET " MEMBERS ": timed out after ");
        kal_client_close(client);
    }
}

CLAIM(the_clients_timeout_applies_unless_the_call_has_one)
{
    kal_client_options options = options_for(&server);
    options.timeout_ms = 150;
    kal_client client = client_with(options);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"drop\":\"hang\"}");
    FAILURE_OF(get_events, client, KAL_TIMED_OUT, "timed out after ");
    kal_client_close(client);
}

CLAIM(wrong_credentials_are_auth_failed_with_the_servers_message)
{
    kal_client_options options = options_for(&server);
    options.client_secret = "wrong-canary-4711";
    kal_client client = client_with(options);
    for (size_t i = 0; i < KIT_METHODS; i++) {
        const kal_error_info *info =
            FAILURE_OF(kit_methods[i].call, client, KAL_AUTH_FAILED, "client id or client secret is wrong");
        CHECK_INT(info->http_status, 401);
        CHECK_INT(info->attempts, 1);
        CHECK(!info->retryable);
        CHECK_TEXT(info->code, "invalid_client");
        CHECK_TEXT(info->method, "POST");
        CHECK_TEXT(info->url, TOKEN);
        CHECK_CONTAINS(info->body, "invalid_client");
        CHECK_LACKS(info->message, "canary");
    }
    CHECK_INT(emulator_count(&server, MEMBERS), 0);
    kal_client_close(client);
}

CLAIM(an_invalid_token_response_is_an_error_that_does_not_show_it)
{
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "<html>canary</html>",
        "{\\\"access_token\\\":\\\"canary-1\\\"",
        "{\\\"access_token\\\":\\\"canary-1\\\",\\\"expires_in\\\":1}",
        "{\\\"access_token\\\":7,\\\"refresh_token\\\":\\\"canary\\\",\\\"expires_in\\\":1}",
        "{\\\"access_token\\\":\\\"canary\\\",\\\"refresh_token\\\":\\\"canary\\\",\\\"expires_in\\\":\\\"canary\\\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char fault[256];
        snprintf(fault, sizeof fault, "{\"path\":\"" TOKEN "\",\"body\":\"%s\"}", bodies[i]);
        const kal_error_info *info = fails_with(fault, KAL_BAD_RESPONSE, "the token endpoint's answer cannot be used");
        CHECK_INT(info->http_status, 200);
        CHECK_TEXT(info->url, TOKEN);
        CHECK_LACKS(info->message, "canary");
        CHECK(info->body == NULL);
    }
}

/* Every field that can hold text from a server. */
static void check_no_secret(const kal_error_info *info, const char *secret)
{
    const char *const texts[] = { info->message, info->method, info->url, info->code, info->request_id, info->body };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK_LACKS(texts[i], secret);
}

/* Red without redaction of what a server echoes. */
CLAIM(secrets_echoed_by_a_server_are_redacted_in_errors)
{
    kal_client_options options = options_for(&server);
    kal_header header = { "X-Api-Key", "canary-header-value" };
    options.headers = &header;
    options.headers_len = 1;
    kal_client client = client_with(options);
    kal_result_free(RESULT_OF(get_workspace, client));
    char *requests = emulator_requests(&server), token[256] = "";
    const char *sent = strstr(requests, "Bearer ");
    REQUIRE(sent != NULL && sscanf(sent, "Bearer %255[^\"]", token) == 1);
    free(requests);
    const char *const secrets[] = { SECRET, token, "canary-header-value" };
    static const char *const forms[] = {
        "\"status\":400,\"body\":\"{\\\"code\\\":\\\"%s\\\",\\\"message\\\":\\\"%s\\\"}\"",
        "\"status\":500,\"body\":\"%s %s\"",
        "\"body\":\"[\\\"%s\\\",\\\"%s\\\"]\"",
        "\"body\":\"<html>%s %s\"",
        "\"redirect\":\"http://example.com/%s/%s\"",
    };
    for (size_t i = 0; i < 3; i++)
        for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
            char fault[2048];
            int length = snprintf(fault, sizeof fault, "{\"path\":\"" MEMBERS "\",");
            const char *s = secrets[i];
            length += snprintf(fault + length, sizeof fault - (size_t)length, forms[form], s, s);
            snprintf(fault + length, sizeof fault - (size_t)length, "}");
            emulator_fault(&server, fault);
            kal_result result;
            kal_error error;
            kal_status status = get_members(client, NULL, &result, &error);
            CHECK(status >= 400);
            REQUIRE(kal_error_get(error) != NULL);
            check_no_secret(kal_error_get(error), s);
            kal_error_free(error);
        }
    kal_client_close(client);
}

CLAIM(a_request_id_that_is_a_secret_is_redacted)
{
    static const char *const answers[] = {
        "HTTP/1.1 500 Oh\r\nX-Request-Id: demo-secret\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Oh\r\nX-Request-Id: demo-secret\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 Oh\r\nX-Request-Id: demo-secret\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 204 Oh\r\nX-Request-Id: demo-secret\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        raw_server raw;
        raw_server_start(&raw, answers[i], strlen(answers[i]));
        kal_client_options options = options_for(&server);
        options.base_url = raw.url;
        kal_client client = client_with(options);
        kal_result result;
        kal_error error;
        CHECK(get_members(client, NULL, &result, &error) >= 500);
        REQUIRE(kal_error_get(error) != NULL);
        CHECK_TEXT(kal_error_get(error)->request_id, "[redacted]");
        kal_error_free(error);
        kal_client_close(client);
        raw_server_stop(&raw);
    }
}

CLAIM(a_secret_split_at_64_kib_is_redacted)
{
    enum { CUT = 65536, BEFORE = 6 };
    kal_client client = new_client();
    char *fault = malloc(CUT + 256);
    REQUIRE(fault != NULL);
    int length = sprintf(fault, "{\"path\":\"" MEMBERS "\",\"status\":500,\"body\":\"");
    memset(fault + length, '.', CUT - BEFORE);
    strcpy(fault + length + CUT - BEFORE, SECRET "\"}");
    emulator_fault(&server, fault);
    free(fault);
    const kal_error_info *info = FAILURE_OF(get_members, client, KAL_SERVER_ERROR, "500");
    CHECK_LACKS(info->body, "demo");
    kal_client_close(client);
}

CLAIM(an_invalid_http_response_is_bad_http)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: banana\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip!",
        "HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        raw_server raw;
        raw_server_start(&raw, answers[i], strlen(answers[i]));
        kal_client_options options = options_for(&server);
        options.base_url = raw.url;
        kal_client client = client_with(options);
        const kal_error_info *info = FAILURE_OF(get_members, client, KAL_BAD_HTTP, "GET /workspaces/members: ");
        CHECK_TEXT(info->url, MEMBERS);
        if (check_has_failed())
            printf("#     answer %zu\n", i);
        kal_client_close(client);
        raw_server_stop(&raw);
    }
}

CLAIM(a_truncated_response_is_connection_lost)
{
    static const char *const answers[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        raw_server raw;
        raw_server_start(&raw, answers[i], strlen(answers[i]));
        kal_client_options options = options_for(&server);
        options.base_url = raw.url;
        kal_client client = client_with(options);
        CHECK(FAILURE_OF(get_members, client, KAL_CONNECTION_LOST, "GET /workspaces/members: ")->retryable);
        kal_client_close(client);
        raw_server_stop(&raw);
    }
}

CLAIM(an_error_outlives_its_client_unchanged)
{
    kal_client client = new_client();
    kal_result result;
    kal_error error;
    emulator_fault(&server, "{\"path\":\"" MEMBERS "\",\"status\":418}");
    CHECK_STATUS(get_members(client, NULL, &result, &error), 418);
    const kal_error_info *info = kal_error_get(error);
    kal_client_close(client);
    CHECK_STATUS(kal_shutdown(10000), KAL_OK);
    CHECK(kal_error_get(error) == info);
    CHECK_CONTAINS(info->message, "status 418");
    CHECK_CONTAINS(info->body, "injected_fault");
    kal_error_free(error);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
