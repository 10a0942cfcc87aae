/* kal_request: any endpoint of the platform. Retries are tested in tests/requests.rs, too. */
#include "kit.h"

#include <stdlib.h>

static kal_status ask(kal_client client, const char *verb, const char *path, const char *query, const char *body,
                      kal_result *result, kal_error *error)
{
    return kal_request(client, verb, path, query, body, NULL, result, error);
}

/* The JSON of a request that must succeed; freed with the result. */
static const char *json_of(kal_client client, const char *verb, const char *path, const char *query, const char *body,
                           kal_result *result)
{
    kal_error error;
    if (!CHECK_STATUS(ask(client, verb, path, query, body, result, &error), KAL_OK)) {
        printf("#     %s\n", kal_error_get(error)->message);
        check_give_up();
    }
    return kal_result_json(*result, NULL);
}

/* Red when the result's kind is not checked: the accessors return a list. */
CLAIM(a_request_is_sent_unchanged_and_its_answer_is_json)
{
    kal_client client = new_client();
    kal_result result;
    const char *json = json_of(client, "POST", "/echo/a%2Fb", "{\"q\":\"a b\",\"ids\":[\"x\", 1.0]}",
                               "{\"title\": \"caf\xc3\xa9\", \"n\":1.10}", &result);
    CHECK_CONTAINS(json,
                   "{\"verb\":\"POST\",\"path\":\"/echo/a%2Fb\",\"query\":[[\"q\",\"a b\"],[\"ids\",\"[\\\"x\\\", 1.0]\"]],");
    CHECK_CONTAINS(json, "\"body\":{\"title\": \"caf\xc3\xa9\", \"n\":1.10}}");
    CHECK_LACKS(json, "kal-at-");
    size_t len = 7;
    CHECK(kal_result_workspace(result) == NULL);
    CHECK(kal_result_workspace_users(result, &len) == NULL && len == 0);
    len = 7;
    CHECK(kal_result_workspace_groups(result, &len) == NULL && len == 0);
    len = 7;
    CHECK(kal_result_workspace_events(result, &len) == NULL && len == 0);
    CHECK(kal_result_json(result, &len) == json && len == strlen(json));
    kal_result_free(result);
    CHECK(kal_result_json(result, NULL) == NULL);
    kal_client_close(client);
}

CLAIM(query_and_body_are_optional)
{
    static const struct {
        const char *verb, *query, *body;
    } cases[] = {
        { "GET", NULL, "null" }, { "GET", "", "null" },   { "GET", "{}", "null" },  { "POST", NULL, "{}" },
        { "PUT", "", "{}" },     { "PATCH", "{}", "{}" }, { "DELETE", NULL, "{}" },
    };
    kal_client client = new_client();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kal_result result;
        char ends[32];
        const char *json = json_of(client, cases[i].verb, "/echo", cases[i].query, NULL, &result);
        snprintf(ends, sizeof ends, "\"body\":%s}", cases[i].body);
        CHECK_CONTAINS(json, cases[i].verb);
        CHECK_CONTAINS(json, "\"query\":[]");
        CHECK_CONTAINS(json, ends);
        kal_result_free(result);
    }
    kal_client_close(client);
}

CLAIM(an_empty_response_is_null)
{
    kal_client client = new_client();
    kal_result result;
    size_t len;
    CHECK_TEXT(json_of(client, "DELETE", "/echo?status=204", NULL, NULL, &result), "null");
    CHECK(kal_result_json(result, &len) != NULL && len == 4);
    kal_result_free(result);
    kal_client_close(client);
}

CLAIM(an_invalid_argument_is_rejected_by_name)
{
    static const struct {
        const char *verb, *path, *query, *body, *says;
    } cases[] = {
        { NULL, "/echo", NULL, NULL, "verb: NULL is not allowed" },
        { "GET", NULL, NULL, NULL, "path: NULL is not allowed" },
        { "", "/echo", NULL, NULL, "verb: \"\" is not one of GET, POST, PUT, PATCH, DELETE" },
        { "get", "/echo", NULL, NULL, "verb: " },
        { "HEAD", "/echo", NULL, NULL, "verb: " },
        { "POST /x HTTP/1.1\r\nX: y", "/echo", NULL, NULL, "verb: " },
        { "GET", "", NULL, NULL, "path: must begin with '/'" },
        { "GET", "echo", NULL, NULL, "path: must begin with '/'" },
        { "GET", "http://127.0.0.1:9/echo", NULL, NULL, "path: must begin with '/'" },
        { "GET", "//127.0.0.1:9/echo", NULL, NULL, "path: must not begin with \"//\"" },
        { "GET", "/echo\r\nX-Evil: 1", NULL, NULL, "path: the byte 0x0D at offset 5 is not allowed" },
        { "GET", "/echo x", NULL, NULL, "path: " },
        { "GET", "/echo#x", NULL, NULL, "path: " },
        { "GET", "/echo/%zz", NULL, NULL, "path: " },
        { "GET", "/echo/caf\xc3\xa9", NULL, NULL, "path: " },
        { "GET", "/echo/../workspaces/active", NULL, NULL, "path: must not contain the segments" },
        { "GET", "/echo/%2e%2E/workspaces/active", NULL, NULL, "path: must not contain the segments" },
        { "GET", "/echo?a=1", "{\"b\":2}", NULL, "query_json: the path already has a query" },
        { "GET", "/echo", "[]", NULL, "query_json: expected an object" },
        { "GET", "/echo", "{\"a\":1", NULL, "query_json: not valid JSON" },
        { "GET", "/echo", "{\"a\":1,\"a\":2}", NULL, "query_json: " },
        { "GET", "/echo", "a=1", NULL, "query_json: not valid JSON" },
        { "GET", "/echo", NULL, "{}", "body_json: a GET has no body" },
        { "POST", "/echo", NULL, "", "body_json: not valid JSON" },
        { "POST", "/echo", NULL, "{\"a\":1,}", "body_json: not valid JSON" },
        { "POST", "/echo", NULL, "{} {}", "body_json: not valid JSON" },
        { "POST", "/echo", NULL, "NaN", "body_json: not valid JSON" },
    };
    kal_client client = new_client();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kal_result result = { 0xBAD };
        kal_error error;
        kal_status status = ask(client, cases[i].verb, cases[i].path, cases[i].query, cases[i].body, &result, &error);
        const kal_error_info *info = FAILURE(status, &error, KAL_INVALID_ARGUMENT, cases[i].says);
        CHECK_INT(info->attempts, 0);
        CHECK(info->method == NULL && info->url == NULL);
        CHECK_INT(result.id, 0);
        if (check_has_failed())
            printf("#     case %zu\n", i);
    }
    kal_result result;
    kal_error error;
    FAILURE(ask(client, "\xff", "/echo", NULL, NULL, &result, &error), &error, KAL_INVALID_UTF8, "verb: ");
    FAILURE(ask(client, "GET", "/\xff", NULL, NULL, &result, &error), &error, KAL_INVALID_UTF8, "path: ");
    FAILURE(ask(client, "GET", "/echo", "\xff", NULL, &result, &error), &error, KAL_INVALID_UTF8, "query_json: ");
    FAILURE(ask(client, "POST", "/echo", NULL, "\xff", &result, &error), &error, KAL_INVALID_UTF8, "body_json: ");
    FAILURE(kal_request(client, "GET", "/echo", NULL, NULL, NULL, NULL, &error), &error, KAL_INVALID_ARGUMENT, "result: NULL");
    /* Red when the error names the member: "path: too long". */
    static char long_query[70000];
    memset(long_query, 'x', sizeof long_query - 1);
    memcpy(long_query, "{\"path\":\"", 9);
    memcpy(long_query + sizeof long_query - 3, "\"}", 2);
    FAILURE(ask(client, "GET", "/echo", long_query, NULL, &result, &error), &error, KAL_INVALID_ARGUMENT, "query_json: too long");
    kal_client_close(client);
    FAILURE(ask(client, "GET", "/echo", NULL, NULL, &result, &error), &error, KAL_INVALID_HANDLE, "this kal_client is ");
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(an_error_names_the_verb_and_the_path)
{
    kal_client client = new_client();
    kal_result result;
    kal_error error;
    kal_status status = ask(client, "PATCH", "/echo/1", "{\"status\":422,\"s\":\"" SECRET "\"}", NULL, &result, &error);
    const kal_error_info *info = FAILURE(status, &error, KAL_UNPROCESSABLE, "PATCH /echo/1 failed with status 422");
    CHECK_TEXT(info->method, "PATCH");
    CHECK_TEXT(info->url, "/echo/1?status=422&s=[redacted]");
    CHECK_INT(info->attempts, 1);
    CHECK(!info->retryable && info->request_id != NULL);
    CHECK_CONTAINS(info->body, "\"verb\":\"PATCH\"");
    CHECK_LACKS(info->body, SECRET);
    emulator_fault(&server, "{\"path\":\"/echo\",\"status\":200,\"content_type\":\"text/html\",\"body\":\"<html>\"}");
    status = ask(client, "POST", "/echo", NULL, NULL, &result, &error);
    FAILURE(status, &error, KAL_BAD_RESPONSE, "text/html");
    status = ask(client, "DELETE", "/nothing/1", NULL, NULL, &result, &error);
    FAILURE(status, &error, KAL_NOT_FOUND, "DELETE /nothing/1 failed with status 404");
    kal_client_close(client);
}

/* The client makes up to three attempts. Red when a POST is retried like a GET: 3 requests. */
CLAIM(a_write_is_retried_only_if_it_cannot_have_been_executed)
{
    kal_client_options options = options_for(&server);
    kal_result result;
    kal_error error;
    options.max_attempts = 3;
    options.retry_wait_ms = 1;
    kal_client client = client_with(options);
    emulator_fault(&server, "{\"path\":\"/echo\",\"drop\":\"headers\"}");
    const kal_error_info *info =
        FAILURE(ask(client, "POST", "/echo", NULL, NULL, &result, &error), &error, KAL_CONNECTION_LOST, "POST /echo");
    CHECK(!info->retryable);
    CHECK_INT(info->attempts, 1);
    CHECK_INT(emulator_count(&server, "/echo"), 1);
    emulator_fault(&server, "{\"path\":\"/echo\",\"drop\":\"headers\"}");
    kal_result_free((json_of(client, "GET", "/echo", NULL, NULL, &result), result));
    CHECK_INT(emulator_count(&server, "/echo"), 3);
    emulator_fault(&server, "{\"path\":\"/echo\",\"status\":503,\"headers\":{\"Retry-After\":\"0\"}}");
    kal_result_free((json_of(client, "POST", "/echo", NULL, NULL, &result), result));
    CHECK_INT(emulator_count(&server, "/echo"), 5);
    emulator_admin(&server, "expire-tokens", "");
    CHECK_CONTAINS(json_of(client, "POST", "/echo", NULL, "[1.0]", &result), "\"body\":[1.0]}");
    kal_result_free(result);
    CHECK_INT(emulator_count(&server, "/echo"), 7);
    CHECK_INT(emulator_count(&server, "token_requests"), 2);
    kal_stats stats = stats_of(client);
    CHECK_INT(stats.retries, 2);
    CHECK_INT(stats.requests, 9);
    CHECK_INT(stats.cache_hits, 0);
    kal_client_close(client);
}

CLAIM(a_request_respects_its_deadline_and_its_cancel)
{
    kal_client_options options = options_for(&server);
    kal_call_options brief = with_timeout(1000);
    kal_result result;
    kal_error error;
    options.max_response_bytes = 1 << 20;
    kal_client client = client_with(options);
    emulator_fault(&server, "{\"path\":\"/echo\",\"body_bytes\":104857600}");
    FAILURE(ask(client, "POST", "/echo", NULL, NULL, &result, &error), &error, KAL_RESPONSE_TOO_LARGE, "1048576 bytes");
    emulator_fault(&server, "{\"path\":\"/echo\",\"drop\":\"hang\",\"times\":0}");
    kal_status status = kal_request(client, "POST", "/echo", NULL, NULL, &brief, &result, &error);
    const kal_error_info *info = FAILURE(status, &error, KAL_TIMED_OUT, "POST /echo: timed out after 1000 ms");
    CHECK(!info->retryable);
    CHECK_TEXT(info->method, "POST");
    kal_cancel cancel;
    REQUIRE(kal_cancel_open(&cancel, NULL) == KAL_OK);
    kal_cancel_fire(cancel);
    kal_call_options cancelled = with_cancel(cancel);
    long sent = emulator_count(&server, "/echo");
    status = kal_request(client, "POST", "/echo", NULL, NULL, &cancelled, &result, &error);
    FAILURE(status, &error, KAL_CANCELLED, "cancelled");
    kal_call_options cached = with_cache(KAL_CACHE_ONLY);
    status = kal_request(client, "POST", "/echo", NULL, NULL, &cached, &result, &error);
    FAILURE(status, &error, KAL_NOT_FOUND, "it is never cached");
    CHECK_INT(emulator_count(&server, "/echo"), sent);
    kal_cancel_close(cancel);
    kal_client_close(client);
}

static kal_status post_echo(kal_client client, const kal_call_options *options, kal_result *result, kal_error *error)
{
    return kal_request(client, "POST", "/echo", NULL, NULL, options, result, error);
}

/* Red when a task that is dropped reports nothing: 0 attempts, which means that nothing was sent. */
CLAIM(a_shutdown_reports_the_request_that_it_interrupts)
{
    kal_client client = new_client();
    emulator_fault(&server, "{\"path\":\"/echo\",\"drop\":\"hang\"}");
    caller caller;
    caller_start(&caller, post_echo, client, NULL);
    emulator_wait_for(&server, "/echo", 1);
    CHECK_STATUS(kal_shutdown(10000), KAL_OK);
    CHECK_STATUS(caller_join(&caller), KAL_CANCELLED);
    const kal_error_info *info = kal_error_get(caller.error);
    REQUIRE(info != NULL);
    CHECK_INT(info->attempts, 1);
    CHECK_TEXT(info->method, "POST");
    CHECK_TEXT(info->url, "/echo");
    CHECK(!info->retryable);
    CHECK_CONTAINS(info->message, "the library was shut down before the response arrived");
    kal_error_free(caller.error);
    kal_client_close(client);
}

CLAIM(kal_call_and_kal_submit_send_requests_too)
{
    static const char params[] = "{\"verb\":\"PUT\",\"path\":\"/echo\",\"query\":{\"a\":null},\"body\":{\"n\":1.10}}";
    kal_client client = new_client();
    kal_result result;
    kal_error error;
    kal_queue queue;
    kal_completion completion = KAL_COMPLETION_INIT;
    CHECK_STATUS(kal_call(client, "request", params, NULL, &result, NULL), KAL_OK);
    CHECK_CONTAINS(kal_result_json(result, NULL), "\"verb\":\"PUT\",\"path\":\"/echo\",\"query\":[[\"a\",\"null\"]]");
    CHECK_CONTAINS(kal_result_json(result, NULL), "\"body\":{\"n\":1.10}}");
    kal_result_free(result);
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    CHECK_STATUS(kal_submit(client, "request", params, NULL, queue, &client, NULL), KAL_OK);
    CHECK_STATUS(kal_queue_next(queue, 60000, &completion, NULL), KAL_OK);
    CHECK_STATUS(completion.status, KAL_OK);
    CHECK(completion.user_data == &client);
    CHECK_CONTAINS(kal_result_json(completion.result, NULL), "\"body\":{\"n\":1.10}}");
    kal_result_free(completion.result);
    FAILURE(kal_call(client, "request", "{\"path\":\"/echo\"}", NULL, &result, &error), &error, KAL_INVALID_ARGUMENT,
            "verb: missing; request requires it");
    FAILURE(kal_call(client, "request", "{\"verb\":\"GET\",\"path\":\"/..\"}", NULL, &result, &error), &error,
            KAL_INVALID_ARGUMENT, "path: ");
    FAILURE(kal_submit(client, "request", "{\"verb\":\"GET\",\"path\":\"x\"}", NULL, queue, NULL, &error), &error,
            KAL_INVALID_ARGUMENT, "path: ");
    CHECK_CONTAINS(kal_methods(), "{\"cached\":false,\"gives\":null,\"name\":\"request\",\"params\":[{\"name\":\"verb\"");
    CHECK_INT(emulator_count(&server, "/echo"), 2);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(a_write_invalidates_the_cached_reads_that_it_may_change)
{
    kal_client client = new_client();
    kal_call_options cached = with_cache(KAL_CACHE_ONLY);
    kal_result result;
    kal_result_free(RESULT_OF(get_members, client));
    kal_result_free((json_of(client, "POST", "/echo", NULL, NULL, &result), result));
    kal_result_free(RESULT_WITH(get_members, client, &cached));
    emulator_answer(&server, "/workspaces/groups/1", 1, "{}");
    kal_result_free((json_of(client, "PUT", "/workspaces/groups/1", NULL, NULL, &result), result));
    FAILURE_WITH(get_members, client, &cached, KAL_NOT_FOUND, "nothing is cached");
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
