/* What languages call that know integers and text alone: a client, a stream and a completion without a struct. */
#include "kit.h"

#include <stdlib.h>

enum { ALL = 250 }; /* the emulator's initial number of events */

static kal_error error;

/* Options as JSON, with the emulator's URL and the credentials; `more` begins with a comma. */
static const char *options_json(const char *more)
{
    static char text[512];
    snprintf(text, sizeof text, "{\"client_id\":\"demo-client\",\"client_secret\":\"" SECRET "\",\"base_url\":\"%s\"%s}",
             server.url, more);
    return text;
}

static kal_client json_client(const char *more)
{
    kal_client client;
    REQUIRE(CHECK_STATUS(kal_client_open_json(options_json(more), &client, &error), KAL_OK));
    CHECK_INT(error.id, 0);
    return client;
}

CLAIM(a_client_opened_with_json_has_those_options)
{
    kal_result result;
    kal_client client =
        json_client(",\"headers\":{\"X-Team\":\"a \\\"b\\\" \\u00e9\"},\"max_attempts\":1,\"user_agent\":\"bench/2\"");
    emulator_fault(&server, "{\"path\":\"/workspaces/members\",\"status\":503}");
    CHECK_STATUS(kal_workspace_get_members(client, NULL, &result, &error), KAL_SERVICE_UNAVAILABLE);
    CHECK_INT(kal_error_get(error)->attempts, 1);
    kal_error_free(error);
    char *requests = emulator_requests(&server);
    CHECK_CONTAINS(requests, "[\"user-agent\",\"bench/2 libkaleidoscope/");
    CHECK_CONTAINS(requests, "[\"x-team\",\"a \\\"b\\\" ");
    free(requests);
    kal_client_close(client);
}

CLAIM(options_that_are_null_or_empty_come_from_the_environment)
{
    static const char *const none[] = { NULL, "", "{}", "{\"client_id\":null}" };
    kal_client client;
    kal_result result;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        FAILURE(kal_client_open_json(none[i], &client, &error), &error, KAL_NO_CREDENTIALS, "KALEIDOSCOPE_API_CLIENT_");
    setenv("KALEIDOSCOPE_API_CLIENT_ID", "demo-client", 1);
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", SECRET, 1);
    setenv("KALEIDOSCOPE_API_URL", server.url, 1);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        REQUIRE(kal_client_open_json(none[i], &client, NULL) == KAL_OK);
        CHECK_STATUS(kal_workspace_get_members(client, NULL, &result, NULL), KAL_OK);
        kal_result_free(result);
        kal_client_close(client);
    }
    unsetenv("KALEIDOSCOPE_API_CLIENT_ID");
    unsetenv("KALEIDOSCOPE_API_CLIENT_SECRET");
    unsetenv("KALEIDOSCOPE_API_URL");
}

/* The keys and types are tested in src/ffi/options_json.rs. */
CLAIM(an_option_that_cannot_be_used_is_named_and_no_value_is_quoted)
{
    static const struct {
        const char *more;
        const char *says;
    } wrong[] = {
        { ",\"timeout\":1", "timeout: unknown option; the options are client_id, client_secret, base_url, headers, " },
        { ",\"timeout_ms\":\"" SECRET "\"", "timeout_ms: must be an integer from 0 to 4294967295" },
        { ",\"client_secret\":1", "options_json: not a valid JSON object: duplicate member client_secret" },
        { ",\"proxy_url\":\"http://u:" SECRET "@[\"", "proxy_url: " },
        { ",\"headers\":{\"X-A\":\"" SECRET "\\r\\n\"}", "headers[0].value: " },
        { ",\"flags\":" SECRET, "options_json: not a valid JSON object: " },
        { ",\"iap_token_provider\":1", "iap_token_provider: a callback cannot be given in JSON; use kal_client_open" },
    };
    kal_client client;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const kal_error_info *info = FAILURE(kal_client_open_json(options_json(wrong[i].more), &client, &error), &error,
                                             KAL_INVALID_ARGUMENT, wrong[i].says);
        CHECK_LACKS(info->message, SECRET);
        CHECK_INT(client.id, 0);
    }
    FAILURE(kal_client_open_json("{\"client_id\":\"caf\xe9\"}", &client, &error), &error, KAL_INVALID_UTF8, "options_json: ");
    FAILURE(kal_client_open_json("{}", NULL, &error), &error, KAL_INVALID_ARGUMENT, "client: ");
}

static size_t count_events(kal_stream stream)
{
    kal_result page;
    kal_status status;
    size_t all = 0, len = 0;
    while ((status = kal_stream_next(stream, 60000, &page, &error)) == KAL_OK) {
        CHECK_INT(kal_result_kind(page), KAL_RESULT_WORKSPACE_EVENTS);
        kal_result_workspace_events(page, &len);
        all += len;
        kal_result_free(page);
    }
    CHECK_STATUS(status, KAL_DONE);
    return all;
}

CLAIM(a_stream_opened_by_name_has_every_event_that_matches)
{
    kal_client client = json_client("");
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_stream stream, typed;
    query.resource_type = "task";
    REQUIRE(kal_stream_open(client, "workspace.stream_events", NULL, NULL, &stream, &error) == KAL_OK);
    CHECK_INT(error.id, 0);
    CHECK_INT(count_events(stream), ALL);
    kal_stream_free(stream);
    REQUIRE(kal_stream_open(client, "workspace.stream_events", "{\"resource_type\":\"task\",\"page_size\":7}", "", &stream, NULL)
            == KAL_OK);
    REQUIRE(kal_workspace_stream_events(client, &query, NULL, &typed, NULL) == KAL_OK);
    size_t tasks = count_events(stream);
    CHECK(tasks > 0 && tasks < ALL);
    CHECK_INT(tasks, count_events(typed));
    kal_stream_free(stream);
    kal_stream_free(typed);
    kal_client_close(client);
}

CLAIM(a_stream_opened_by_name_follows_from_a_cursor)
{
    kal_client client = json_client("");
    kal_stream stream, resumed;
    kal_result page;
    size_t first = 0, len = 0, rest = 0;
    kal_status status;
    REQUIRE(kal_stream_open(client, "workspace.stream_events", "{\"page_size\":100}", NULL, &stream, NULL) == KAL_OK);
    REQUIRE(kal_stream_next(stream, 60000, &page, NULL) == KAL_OK);
    kal_result_workspace_events(page, &first);
    kal_result_free(page);
    REQUIRE(kal_stream_open(client, "workspace.follow_events", "", kal_stream_cursor(stream), &resumed, &error) == KAL_OK);
    while ((status = kal_stream_next(resumed, 0, &page, &error)) == KAL_OK) {
        kal_result_workspace_events(page, &len);
        rest += len;
        kal_result_free(page);
    }
    CHECK_STATUS(status, KAL_NOT_READY);
    CHECK_INT(first + rest, ALL);
    kal_stream_free(resumed);
    /* Without a cursor, from now on. */
    REQUIRE(kal_stream_open(client, "workspace.follow_events", NULL, "", &resumed, &error) == KAL_OK);
    CHECK_STATUS(kal_stream_next(resumed, 0, &page, &error), KAL_NOT_READY);
    kal_stream_free(resumed);
    kal_stream_free(stream);
    kal_client_close(client);
}

CLAIM(a_stream_that_cannot_be_opened_says_why)
{
    kal_client client = json_client("");
    kal_stream stream = { 7 };
    static const struct {
        const char *method;
        const char *params;
        const char *cursor;
        kal_status status;
        const char *says;
    } wrong[] = {
        { "workspace.get_events", NULL, NULL, KAL_UNKNOWN_METHOD,
          "no stream has the method \"workspace.get_events\"; the methods are workspace.stream_events, workspace.follow_events" },
        { NULL, NULL, NULL, KAL_INVALID_ARGUMENT, "method: " },
        { "workspace.stream_events", "{\"page\":1}", NULL, KAL_INVALID_ARGUMENT, "page: not allowed" },
        { "workspace.stream_events", "{\"pages\":1}", NULL, KAL_INVALID_ARGUMENT, "pages: unknown parameter" },
        { "workspace.stream_events", "{\"page_size\":\"1\"}", NULL, KAL_INVALID_ARGUMENT, "page_size: expected an integer" },
        { "workspace.stream_events", "[]", NULL, KAL_INVALID_ARGUMENT, "params_json: not a valid JSON object" },
        { "workspace.stream_events", NULL, "c", KAL_INVALID_ARGUMENT, "cursor: workspace.stream_events takes none" },
        { "workspace.follow_events", NULL, "c", KAL_INVALID_ARGUMENT, "cursor: " },
        { "workspace.follow_events", "{\"before_date\":\"2026-01-31\"}", NULL, KAL_INVALID_ARGUMENT, "before_date: " },
        { "caf\xe9", NULL, NULL, KAL_INVALID_UTF8, "method: " },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FAILURE(kal_stream_open(client, wrong[i].method, wrong[i].params, wrong[i].cursor, &stream, &error), &error,
                wrong[i].status, wrong[i].says);
        CHECK_INT(stream.id, 0);
    }
    FAILURE(kal_stream_open((kal_client){ 1 }, "workspace.stream_events", NULL, NULL, &stream, &error), &error,
            KAL_INVALID_HANDLE, "kal_client");
    kal_client_close(client);
}

/* A completion as kal_queue_next_values returns it, from variables that hold garbage. */
typedef struct values {
    void *user_data;
    kal_status status;
    kal_result result;
    kal_error failure;
} values;

static kal_status next_values(kal_queue queue, uint32_t timeout_ms, values *next)
{
    next->user_data = &error;
    next->status = 77;
    next->result.id = next->failure.id = 77;
    return kal_queue_next_values(queue, timeout_ms, &next->user_data, &next->status, &next->result, &next->failure, &error);
}

static void check_none(const values *next)
{
    CHECK(next->user_data == NULL && next->status == 0 && next->result.id == 0 && next->failure.id == 0);
}

/* Red when the error of the call is not written. */
CLAIM(a_completion_is_returned_in_variables)
{
    kal_client client = json_client(",\"max_attempts\":1");
    kal_queue queue;
    values next;
    int mine = 0;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    CHECK_STATUS(next_values(queue, 0, &next), KAL_NOT_READY);
    check_none(&next);
    REQUIRE(kal_submit(client, "workspace.get_members", NULL, NULL, queue, &mine, NULL) == KAL_OK);
    REQUIRE(CHECK_STATUS(next_values(queue, 60000, &next), KAL_OK));
    CHECK(next.user_data == &mine);
    CHECK_STATUS(next.status, KAL_OK);
    CHECK_INT(kal_result_kind(next.result), KAL_RESULT_WORKSPACE_USERS);
    CHECK_INT(next.failure.id, 0);
    CHECK_INT(error.id, 0);
    kal_result_free(next.result);
    emulator_fault(&server, "{\"path\":\"/workspaces/events\",\"status\":403}");
    REQUIRE(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL) == KAL_OK);
    CHECK_STATUS(next_values(queue, 60000, &next), KAL_OK);
    CHECK_STATUS(next.status, KAL_FORBIDDEN);
    CHECK(next.user_data == NULL && next.result.id == 0);
    CHECK_CONTAINS(kal_error_json(next.failure, NULL), "{\"status\":403,");
    CHECK_INT(error.id, 0);
    kal_error_free(next.failure);
    kal_queue_shutdown(queue);
    CHECK_STATUS(next_values(queue, 60000, &next), KAL_DONE);
    check_none(&next);
    kal_queue_close(queue);
    FAILURE(next_values(queue, 0, &next), &error, KAL_INVALID_HANDLE, "kal_queue");
    check_none(&next);
    kal_client_close(client);
}

CLAIM(variables_that_are_missing_are_named_and_the_completion_stays)
{
    kal_client client = json_client("");
    kal_queue queue;
    values next;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    REQUIRE(kal_submit(client, "workspace.get_members", NULL, NULL, queue, NULL, NULL) == KAL_OK);
    FAILURE(kal_queue_next_values(queue, 60000, NULL, NULL, &next.result, &next.failure, &error), &error, KAL_INVALID_ARGUMENT,
            "status: ");
    FAILURE(kal_queue_next_values(queue, 60000, NULL, &next.status, NULL, &next.failure, &error), &error, KAL_INVALID_ARGUMENT,
            "result: ");
    FAILURE(kal_queue_next_values(queue, 60000, NULL, &next.status, &next.result, NULL, &error), &error, KAL_INVALID_ARGUMENT,
            "failure: ");
    /* The others are written. */
    next.status = 7;
    next.result.id = next.failure.id = 7;
    CHECK_STATUS(kal_queue_next_values(queue, 60000, NULL, NULL, &next.result, &next.failure, NULL), KAL_INVALID_ARGUMENT);
    CHECK_STATUS(kal_queue_next_values(queue, 60000, NULL, &next.status, NULL, NULL, NULL), KAL_INVALID_ARGUMENT);
    CHECK(next.status == 0 && next.result.id == 0 && next.failure.id == 0);
    CHECK_STATUS(kal_queue_next_values(queue, 60000, NULL, &next.status, &next.result, &next.failure, NULL), KAL_OK);
    CHECK_INT(kal_result_kind(next.result), KAL_RESULT_WORKSPACE_USERS);
    kal_result_free(next.result);
    kal_queue_close(queue);
    kal_client_close(client);
}

CLAIM(the_cursor_moves_with_a_page_returned_in_variables)
{
    kal_client client = json_client("");
    kal_queue queue;
    kal_stream stream;
    values next;
    char before[512];
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    REQUIRE(kal_stream_open(client, "workspace.stream_events", "{\"page_size\":10}", NULL, &stream, NULL) == KAL_OK);
    snprintf(before, sizeof before, "%s", kal_stream_cursor(stream));
    REQUIRE(kal_stream_submit_next(stream, 60000, queue, NULL, NULL) == KAL_OK);
    REQUIRE(CHECK_STATUS(next_values(queue, 60000, &next), KAL_OK));
    CHECK_STATUS(next.status, KAL_OK);
    CHECK(strcmp(before, kal_stream_cursor(stream)) != 0);
    kal_result_free(next.result);
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
