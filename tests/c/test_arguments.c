/* Arguments: invalid ones are rejected by name, before anything is sent. */
#include "kit.h"

#include <stdlib.h>

#define REFUSED(call, says) FAILURE((call), &error, KAL_INVALID_ARGUMENT, (says))

static const char not_utf8[] = "caf\xe9";

static const kal_error_info *open_refused(kal_client_options options, kal_status expected, const char *says)
{
    kal_client client = { 0xBAD };
    kal_error error;
    kal_status status = kal_client_open(&options, &client, &error);
    const kal_error_info *info = FAILURE(status, &error, expected, says);
    CHECK_INT(client.id, 0);
    CHECK_INT(info->attempts, 0);
    CHECK_INT(info->http_status, 0);
    CHECK(!info->retryable);
    CHECK_INT(info->retry_after_ms, -1);
    CHECK(info->method == NULL && info->url == NULL && info->code == NULL && info->request_id == NULL);
    CHECK(info->body == NULL && info->body_len == 0);
    kal_client_close(client);
    return info;
}

static void events_refused(kal_client client, const kal_events_query *query, kal_status expected, const char *says)
{
    kal_result result = { 0xBAD };
    kal_error error;
    FAILURE(kal_workspace_get_events(client, query, NULL, &result, &error), &error, expected, says);
    CHECK_INT(result.id, 0);
}

static kal_events_query any_event(void)
{
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    return query;
}

CLAIM(a_required_pointer_that_is_null_is_named)
{
    kal_client client = new_client();
    kal_client_options options = options_for(&server);
    kal_queue queue;
    kal_error error;
    kal_result result;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    REFUSED(kal_client_open(&options, NULL, &error), "client: NULL is not allowed");
    for (size_t i = 0; i < KIT_METHODS; i++)
        REFUSED(kit_methods[i].call(client, NULL, NULL, &error), "result: NULL is not allowed");
    REFUSED(kal_call(client, "workspace.get_members", NULL, NULL, NULL, &error), "result: NULL is not allowed");
    REFUSED(kal_call(client, NULL, NULL, NULL, &result, &error), "method: NULL is not allowed");
    REFUSED(kal_client_stats(client, NULL, &error), "stats: NULL is not allowed");
    REFUSED(kal_cancel_open(NULL, &error), "cancel: NULL is not allowed");
    REFUSED(kal_queue_open(NULL, &error), "queue: NULL is not allowed");
    REFUSED(kal_queue_next(queue, 0, NULL, &error), "completion: NULL is not allowed");
    REFUSED(kal_submit(client, NULL, NULL, NULL, queue, NULL, &error), "method: NULL is not allowed");
    kal_queue_close(queue);
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(a_null_error_argument_creates_no_error)
{
    kal_client none = KAL_NONE;
    CHECK_STATUS(kal_client_open(NULL, NULL, NULL), KAL_INVALID_ARGUMENT);
    CHECK_STATUS(kal_client_clear_caches(none, NULL), KAL_INVALID_HANDLE);
    for (size_t i = 0; i < KIT_METHODS; i++)
        CHECK_STATUS(kit_methods[i].call(none, NULL, NULL, NULL), KAL_INVALID_ARGUMENT);
}

CLAIM(null_ids_and_too_many_ids_are_rejected)
{
    kal_client client = new_client();
    kal_error error;
    kal_result result;
    const char *ids[] = { "a", NULL, "c" };
    kal_status (*const calls[])(kal_client, const char *const *, size_t, const kal_call_options *, kal_result *, kal_error *) = {
        kal_workspace_get_members_by_ids,
        kal_workspace_get_groups_by_ids,
    };
    for (size_t i = 0; i < 2; i++) {
        REFUSED(calls[i](client, NULL, 1, NULL, &result, &error), "ids: NULL is not allowed when ids_len is 1");
        REFUSED(calls[i](client, ids, 3, NULL, &result, &error), "ids[1]: NULL is not allowed");
        REFUSED(calls[i](client, ids, SIZE_MAX, NULL, &result, &error), "ids_len: ");
        REFUSED(calls[i](client, NULL, SIZE_MAX, NULL, &result, &error), "ids_len: ");
        REFUSED(calls[i](client, ids, SIZE_MAX / sizeof *ids + 1, NULL, &result, &error), "ids_len: ");
        REFUSED(calls[i](client, ids, ((size_t)1 << 20) + 1, NULL, &result, &error), "ids_len: ");
        /* With a length of 0 the pointer is ignored. */
        CHECK_STATUS(calls[i](client, NULL, 0, NULL, &result, NULL), KAL_OK);
        kal_result_free(result);
        CHECK_STATUS(calls[i](client, ids + 1, 0, NULL, &result, NULL), KAL_OK);
        kal_result_free(result);
    }
    kal_client_close(client);
}

CLAIM(null_filters_and_too_many_filters_are_rejected)
{
    kal_client client = new_client();
    const char *texts[] = { "a", NULL };
    kal_events_query query = any_event();
    query.event_types_len = 2;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "event_types: NULL is not allowed when event_types_len is 2");
    query.event_types = texts;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "event_types[1]: NULL");
    query.event_types_len = SIZE_MAX;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "event_types_len: ");
    query = any_event();
    query.event_user_ids_len = 1;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "event_user_ids: NULL is not allowed when event_user_ids_len is 1");
    query.event_user_ids = texts;
    query.event_user_ids_len = SIZE_MAX;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "event_user_ids_len: ");
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(null_headers_and_too_many_headers_are_rejected)
{
    kal_client_options options = options_for(&server);
    kal_header headers[] = { { "X-A", "1" }, { "X-B", NULL }, { NULL, "3" } };
    options.headers_len = 3;
    open_refused(options, KAL_INVALID_ARGUMENT, "headers: NULL is not allowed when headers_len is 3");
    options.headers = headers;
    open_refused(options, KAL_INVALID_ARGUMENT, "headers[1].value: NULL is not allowed");
    headers[1].value = "2";
    open_refused(options, KAL_INVALID_ARGUMENT, "headers[2].name: NULL is not allowed");
    options.headers_len = SIZE_MAX;
    open_refused(options, KAL_INVALID_ARGUMENT, "headers_len: ");
}

/* Structs of every size, allocated with exactly that size, so that valgrind reports a read past the end. */
typedef kal_status (*use_sized)(void *sized);

static kal_client sized_client;

static kal_status use_client_options(void *sized)
{
    kal_client client;
    kal_status status = kal_client_open(sized, &client, NULL);
    kal_client_close(client);
    return status;
}

static kal_status use_call_options(void *sized)
{
    kal_result result;
    kal_status status = kal_workspace_get_members(sized_client, sized, &result, NULL);
    kal_result_free(result);
    return status;
}

static kal_status use_events_query(void *sized)
{
    kal_result result;
    kal_status status = kal_workspace_get_events(sized_client, sized, NULL, &result, NULL);
    kal_result_free(result);
    return status;
}

static kal_status use_stats(void *sized)
{
    return kal_client_stats(sized_client, sized, NULL);
}

static kal_status use_completion(void *sized)
{
    kal_queue queue;
    REQUIRE(kal_queue_open(&queue, NULL) == KAL_OK);
    kal_status status = kal_queue_next(queue, 0, sized, NULL);
    kal_queue_close(queue);
    /* An empty queue: the struct was accepted. */
    return status == KAL_NOT_READY ? KAL_OK : status;
}

static const struct {
    const char *name;
    size_t known;
    use_sized use;
    bool filled_by_library;
} sized_structs[] = {
    { "kal_client_options", sizeof(kal_client_options), use_client_options, false },
    { "kal_call_options", sizeof(kal_call_options), use_call_options, false },
    { "kal_events_query", sizeof(kal_events_query), use_events_query, false },
    { "kal_stats", sizeof(kal_stats), use_stats, true },
    { "kal_completion", sizeof(kal_completion), use_completion, true },
};

/* Uses struct `i` with this struct_size, in that much memory; the last byte is `last`. */
static kal_status use_with_size(size_t i, size_t says, char last)
{
    size_t room = says < sizeof(size_t) ? sizeof(size_t) : says > 8192 ? sizeof(size_t) : says;
    char *sized = calloc(1, room);
    REQUIRE(sized != NULL);
    memcpy(sized, &says, sizeof says);
    if (last != 0)
        sized[room - 1] = last;
    kal_status status = sized_structs[i].use(sized);
    free(sized);
    return status;
}

CLAIM(an_invalid_struct_size_is_rejected)
{
    const size_t absurd[] = { 0, 1, 7, 5000, (size_t)1 << 20, SIZE_MAX / 2, SIZE_MAX - 7, SIZE_MAX };
    sized_client = new_client();
    for (size_t i = 0; i < sizeof sized_structs / sizeof *sized_structs; i++)
        for (size_t j = 0; j < sizeof absurd / sizeof *absurd; j++)
            if (!CHECK_STATUS(use_with_size(i, absurd[j], 0), KAL_INVALID_ARGUMENT))
                printf("#     %s of size %zu\n", sized_structs[i].name, absurd[j]);
    kal_client_close(sized_client);
}

CLAIM(a_struct_of_an_older_version_is_read_up_to_its_size)
{
    setenv("KALEIDOSCOPE_API_CLIENT_ID", "demo-client", 1);
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", SECRET, 1);
    sized_client = new_client();
    for (size_t i = 0; i < sizeof sized_structs / sizeof *sized_structs; i++)
        for (size_t size = sizeof(size_t); size < sized_structs[i].known; size += 4)
            if (!CHECK_STATUS(use_with_size(i, size, 0), KAL_OK))
                printf("#     %s of size %zu\n", sized_structs[i].name, size);
    kal_client_close(sized_client);
    unsetenv("KALEIDOSCOPE_API_CLIENT_ID");
    unsetenv("KALEIDOSCOPE_API_CLIENT_SECRET");
}

CLAIM(a_struct_of_a_newer_version_is_accepted_if_its_unknown_fields_are_zero)
{
    setenv("KALEIDOSCOPE_API_CLIENT_ID", "demo-client", 1);
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", SECRET, 1);
    sized_client = new_client();
    for (size_t i = 0; i < sizeof sized_structs / sizeof *sized_structs; i++)
        for (size_t more = 1; more <= 64; more = more * 2 + 1) {
            size_t size = sized_structs[i].known + more;
            CHECK_STATUS(use_with_size(i, size, 0), KAL_OK);
            /* In output structs, unknown fields request nothing. */
            CHECK_STATUS(use_with_size(i, size, 1), sized_structs[i].filled_by_library ? KAL_OK : KAL_INVALID_ARGUMENT);
        }
    kal_client_close(sized_client);
    unsetenv("KALEIDOSCOPE_API_CLIENT_ID");
    unsetenv("KALEIDOSCOPE_API_CLIENT_SECRET");
}

CLAIM(statistics_are_written_up_to_the_callers_struct_size)
{
    kal_client client = new_client();
    kal_result_free(RESULT_OF(get_members, client));
    struct {
        kal_stats stats;
        uint64_t later;
    } longer;
    memset(&longer, 0xAA, sizeof longer);
    longer.stats.struct_size = sizeof longer;
    CHECK_STATUS(kal_client_stats(client, &longer.stats, NULL), KAL_OK);
    CHECK_INT(longer.stats.struct_size, sizeof longer);
    CHECK_INT(longer.stats.requests, 2);
    CHECK_INT(longer.later, 0);
    kal_stats shorter;
    memset(&shorter, 0xAA, sizeof shorter);
    shorter.struct_size = offsetof(kal_stats, retries);
    CHECK_STATUS(kal_client_stats(client, &shorter, NULL), KAL_OK);
    CHECK_INT(shorter.requests, 2);
    CHECK_INT(shorter.retries, (intmax_t)UINT64_C(0xAAAAAAAAAAAAAAAA));
    kal_client_close(client);
}

CLAIM(a_non_utf8_option_is_rejected_by_name)
{
    kal_header header = { "X-A", "1" };
    static const size_t fields[] = {
        offsetof(kal_client_options, client_id), offsetof(kal_client_options, client_secret),
        offsetof(kal_client_options, base_url),  offsetof(kal_client_options, ca_bundle_path),
        offsetof(kal_client_options, proxy_url), offsetof(kal_client_options, user_agent),
    };
    static const char *const names[] = { "client_id", "client_secret", "base_url", "ca_bundle_path", "proxy_url", "user_agent" };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        kal_client_options options = options_for(&server);
        const char *text = not_utf8;
        memcpy((char *)&options + fields[i], &text, sizeof text);
        const kal_error_info *info = open_refused(options, KAL_INVALID_UTF8, names[i]);
        CHECK_CONTAINS(info->message, "at byte 3");
        CHECK_LACKS(info->message, "caf");
    }
    kal_client_options options = options_for(&server);
    options.headers = &header;
    options.headers_len = 1;
    header.name = not_utf8;
    open_refused(options, KAL_INVALID_UTF8, "headers[0].name: ");
    header.name = "X-A";
    header.value = not_utf8;
    open_refused(options, KAL_INVALID_UTF8, "headers[0].value: ");
}

CLAIM(a_non_utf8_call_argument_is_rejected_by_name)
{
    kal_client client = new_client();
    kal_error error;
    kal_result result;
    const char *texts[] = { "fine", not_utf8 };
    FAILURE(kal_workspace_get_members_by_ids(client, texts, 2, NULL, &result, &error), &error, KAL_INVALID_UTF8, "ids[1]: ");
    FAILURE(kal_workspace_get_groups_by_ids(client, texts, 2, NULL, &result, &error), &error, KAL_INVALID_UTF8, "ids[1]: ");
    FAILURE(kal_call(client, not_utf8, NULL, NULL, &result, &error), &error, KAL_INVALID_UTF8, "method: ");
    FAILURE(kal_call(client, "workspace.get_events", not_utf8, NULL, &result, &error), &error, KAL_INVALID_UTF8, "params_json: ");
    kal_events_query query = any_event();
    query.resource_type = not_utf8;
    events_refused(client, &query, KAL_INVALID_UTF8, "resource_type: ");
    query = any_event();
    query.after_date = not_utf8;
    events_refused(client, &query, KAL_INVALID_UTF8, "after_date: ");
    query = any_event();
    query.before_date = not_utf8;
    events_refused(client, &query, KAL_INVALID_UTF8, "before_date: ");
    query = any_event();
    query.event_types = texts;
    query.event_types_len = 2;
    events_refused(client, &query, KAL_INVALID_UTF8, "event_types[1]: ");
    query = any_event();
    query.event_user_ids = texts;
    query.event_user_ids_len = 2;
    events_refused(client, &query, KAL_INVALID_UTF8, "event_user_ids[1]: ");
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(headers_with_line_breaks_are_rejected)
{
    static const char *const values[] = { "a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "\x01", "a\x7f" };
    static const char *const names[] = { "",         "X Evil",         "X-Evil:",          "X-Evil\r\nX-More",
                                         "\xc3\xa9", "Content-Length", "transfer-encoding" };
    kal_header header = { "X-Fine", "fine" };
    kal_client_options options = options_for(&server);
    options.headers = &header;
    options.headers_len = 1;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        header.value = values[i];
        const kal_error_info *info = open_refused(options, KAL_INVALID_ARGUMENT, "headers[0].value: ");
        CHECK_LACKS(info->message, "Evil");
    }
    header.value = "fine";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        header.name = names[i];
        open_refused(options, KAL_INVALID_ARGUMENT, "headers[0].name: ");
    }
    options.headers_len = 0;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        options.user_agent = values[i];
        open_refused(options, KAL_INVALID_ARGUMENT, "user_agent: ");
    }
}

CLAIM(an_invalid_base_url_is_rejected)
{
    static const char *const urls[] = {
        "",
        " ",
        "/",
        "api.kaleidoscope.bio",
        "//host",
        "https://",
        "http://",
        "https:///path",
        "ftp://host",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user@host",
        "https://user:password@host",
        "https://host?query=1",
        "https://host#part",
        "https://host:99999",
        "https://ho st",
        "https://[::1",
        "https://exa\x01mple",
        "https:host",
        "https:/host",
        "https:\\\\host",
        "https://ho\nst",
        "https://host\n",
    };
    kal_client_options options = options_for(&server);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        options.base_url = urls[i];
        const kal_error_info *info = open_refused(options, KAL_INVALID_ARGUMENT, "base_url: ");
        CHECK_LACKS(info->message, "password@");
    }
}

CLAIM(plain_http_to_another_host_is_rejected_unless_allowed)
{
    static const char *const urls[] = { "http://api.kaleidoscope.bio",  "http://10.0.0.1",    "http://localhost.example.com",
                                        "http://127.0.0.1.example.com", "HTTP://example.com", "http://[2001:db8::1]" };
    kal_client_options options = options_for(&server);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        options.base_url = urls[i];
        options.flags = 0;
        open_refused(options, KAL_INVALID_ARGUMENT, "base_url: plain http");
        options.flags = KAL_CLIENT_ALLOW_HTTP;
        kal_client_close(client_with(options));
    }
}

CLAIM(an_invalid_proxy_url_is_rejected_without_showing_its_password)
{
    kal_client_options options = options_for(&server);
    options.proxy_url = "http://user:canary word@";
    const kal_error_info *info = open_refused(options, KAL_INVALID_ARGUMENT, "proxy_url: ");
    CHECK_LACKS(info->message, "canary");
}

CLAIM(an_unknown_flag_is_rejected)
{
    kal_client_options options = options_for(&server);
    const uint32_t known = KAL_CLIENT_PROXY_FROM_ENV | KAL_CLIENT_INSECURE_TLS | KAL_CLIENT_ALLOW_HTTP;
    for (int bit = 0; bit < 32; bit++) {
        options.flags = UINT32_C(1) << bit;
        if (options.flags & known)
            kal_client_close(client_with(options));
        else
            open_refused(options, KAL_INVALID_ARGUMENT, "flags: ");
    }
    options.flags = 0;
    options.reserved = 1;
    open_refused(options, KAL_INVALID_ARGUMENT, "reserved: ");
}

CLAIM(out_of_range_numbers_are_rejected_and_large_ones_accepted)
{
    kal_client_options options = options_for(&server);
    options.max_response_bytes = UINT64_C(1) << 32;
    open_refused(options, KAL_INVALID_ARGUMENT, "max_response_bytes: ");
    options.max_response_bytes = UINT64_MAX;
    open_refused(options, KAL_INVALID_ARGUMENT, "max_response_bytes: ");
    options.max_response_bytes = UINT32_MAX;
    options.connect_timeout_ms = options.timeout_ms = options.max_attempts = options.max_in_flight = UINT32_MAX;
    options.cache_ttl_ms = UINT64_MAX;
    kal_client client = client_with(options);
    kal_call_options call = with_timeout(UINT32_MAX);
    kal_result_free(RESULT_WITH(get_members, client, &call));
    kal_result_free(RESULT_WITH(get_members, client, &call));
    CHECK_INT(emulator_count(&server, "/workspaces/members"), 1);
    kal_client_close(client);
}

CLAIM(an_unknown_cache_mode_is_rejected)
{
    static const int32_t modes[] = { -1, 3, INT32_MIN, INT32_MAX };
    kal_client client = new_client();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        kal_call_options options = with_cache(modes[i]);
        for (size_t method = 0; method < KIT_METHODS; method++)
            FAILURE_WITH(kit_methods[method].call, client, &options, KAL_INVALID_ARGUMENT, "options.cache: ");
    }
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

/* The texts that only answers may have were sent. */
CLAIM(invalid_dates_are_rejected_before_anything_is_sent)
{
    static const char *const dates[] = { "",
                                         " ",
                                         "yesterday",
                                         "2026",
                                         "2026-13-01",
                                         "2026-02-30",
                                         "2026-01-01T25:00:00Z",
                                         "2026-01-01T00:00:00+00",
                                         "2026-01-01_00:00:00Z",
                                         "2026-01-01T00:00Z",
                                         "2026-01-01T00:00:00,5Z",
                                         "2026-01-01T00:00:00+0100",
                                         ("2026-01-01T00:00:00\xe2\x88\x92"
                                          "01:00"),
                                         "2026-01-30T23:59:60Z",
                                         "1767323045",
                                         "2026-01-01T00:00:00Z\r\nX: 1",
                                         "2026-01-01&page=2" };
    kal_client client = new_client();
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        kal_events_query query = any_event();
        query.after_date = dates[i];
        events_refused(client, &query, KAL_INVALID_ARGUMENT, "after_date: ");
        query = any_event();
        query.before_date = dates[i];
        events_refused(client, &query, KAL_INVALID_ARGUMENT, "before_date: ");
    }
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(valid_dates_are_sent_unchanged)
{
    static const char *const dates[] = { "2026-01-31",
                                         "2026-01-31T12:00:00Z",
                                         "2026-01-31t12:00:00z",
                                         "2026-01-31 12:00:00+00:00",
                                         "2026-01-31T12:00:00.678901-07:00",
                                         "2016-12-31T23:59:60Z",
                                         "0000-01-01T00:00:00Z" };
    kal_client client = new_client();
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        kal_events_query query = any_event();
        kal_result result;
        query.after_date = dates[i];
        emulator_answer(&server, "/workspaces/events", 1, "[]");
        CHECK_STATUS(kal_workspace_get_events(client, &query, NULL, &result, NULL), KAL_OK);
        kal_result_free(result);
    }
    char *requests = emulator_requests(&server);
    CHECK_CONTAINS(requests, "\"after_date=2026-01-31\"");
    CHECK_CONTAINS(requests, "\"after_date=2026-01-31T12%3A00%3A00Z\"");
    CHECK_CONTAINS(requests, "\"after_date=2026-01-31+12%3A00%3A00%2B00%3A00\"");
    CHECK_CONTAINS(requests, "\"after_date=2016-12-31T23%3A59%3A60Z\"");
    CHECK_CONTAINS(requests, "\"after_date=0000-01-01T00%3A00%3A00Z\"");
    free(requests);
    kal_client_close(client);
}

/* The text of the header's section about dates, up to `end`. The test frees it. */
static char *dates_section(const char *end)
{
    char path[4096];
    size_t len;
    char *header = malloc(1 << 20);
    snprintf(path, sizeof path, "%s/kaleidoscope.h", getenv("KAL_INCLUDE_DIR"));
    FILE *file = fopen(path, "r");
    REQUIRE(header != NULL && file != NULL);
    len = fread(header, 1, (1 << 20) - 1, file);
    header[len] = '\0';
    fclose(file);
    char *begin = strstr(header, " * DATES\n");
    REQUIRE(begin != NULL && strstr(begin, end) != NULL);
    *strstr(begin, end) = '\0';
    memmove(header, begin, strlen(begin) + 1);
    return header;
}

/* Red with a space for the T: KAL_UNPROCESSABLE (422). */
CLAIM(the_emulator_accepts_the_dates_that_the_header_shows)
{
    kal_client client = new_client();
    char *section = dates_section("They are sent");
    int shown = 0;
    for (char *date = section; (date = strstr(date, "2026-")) != NULL; shown++) {
        static const char *const ends[] = { ",", "\n", " or ", ". " };
        char copy[64];
        size_t len = sizeof copy;
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            const char *end = strstr(date, ends[i]);
            if (end != NULL && (size_t)(end - date) < len)
                len = (size_t)(end - date);
        }
        REQUIRE(len < sizeof copy);
        snprintf(copy, sizeof copy, "%.*s", (int)len, date);
        date += len;
        kal_events_query query = any_event();
        kal_result result = { 0 };
        query.after_date = copy;
        CHECK_STATUS(kal_workspace_get_events(client, &query, NULL, &result, NULL), KAL_OK);
        kal_result_free(result);
    }
    CHECK_INT(shown, 3);
    free(section);
    kal_client_close(client);
}

/* Red before KAL_PAGE_ZERO: no struct could say what {"page":0} says. */
CLAIM(page_zero_is_sent_by_a_struct_as_by_json)
{
    kal_client client = new_client();
    kal_events_query query = any_event();
    kal_result result;
    kal_stream stream;
    query.page = KAL_PAGE_ZERO;
    emulator_answer(&server, "/workspaces/events", 2, "[]");
    CHECK_STATUS(kal_workspace_get_events(client, &query, NULL, &result, NULL), KAL_OK);
    kal_result_free(result);
    CHECK_STATUS(kal_call(client, "workspace.get_events", "{\"page\":0}", NULL, &result, NULL), KAL_OK);
    kal_result_free(result);
    char *requests = emulator_requests(&server);
    const char *first = strstr(requests, "\"page=0\"");
    CHECK(first != NULL && strstr(first + 1, "\"page=0\"") != NULL);
    free(requests);
    CHECK_STATUS(kal_workspace_stream_events(client, &query, NULL, &stream, NULL), KAL_INVALID_ARGUMENT);
    query.page = 0;
    query.page_size = KAL_PAGE_ZERO;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "page_size: ");
    kal_client_close(client);
}

CLAIM(a_negative_page_is_rejected)
{
    kal_client client = new_client();
    kal_events_query query = any_event();
    query.page = -1;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "page: ");
    query = any_event();
    query.page_size = INT32_MIN;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "page_size: ");
    kal_client_close(client);
    CHECK_INT(emulator_count(&server, "total"), 0);
}

CLAIM(filters_are_escaped_in_the_query)
{
    static const char *const evil[] = { "a&page=9\r\nX-Evil: 1", "#\"]", "" };
    kal_client client = new_client();
    kal_events_query query = any_event();
    kal_result result;
    query.event_types = query.event_user_ids = evil;
    query.event_types_len = query.event_user_ids_len = 3;
    query.resource_type = evil[0];
    CHECK_STATUS(kal_workspace_get_events(client, &query, NULL, &result, NULL), KAL_OK);
    size_t len = 7;
    CHECK(kal_result_workspace_events(result, &len) != NULL);
    CHECK_INT(len, 0);
    kal_result_free(result);
    char *requests = emulator_requests(&server);
    CHECK_CONTAINS(requests, "resource_type=a%26page%3D9%0D%0AX-Evil%3A+1&");
    CHECK_LACKS(requests, "x-evil");
    free(requests);
    kal_client_close(client);
}

/* The request target would be too long; the error names the longest parameter. */
CLAIM(a_filter_too_long_for_a_url_is_rejected)
{
    static char text[1 << 17];
    memset(text, 'x', sizeof text - 1);
    kal_client client = new_client();
    kal_events_query query = any_event();
    query.page = 7;
    query.resource_type = text;
    events_refused(client, &query, KAL_INVALID_ARGUMENT, "resource_type: ");
    kal_client_close(client);
}

CLAIM(missing_credentials_are_named)
{
    kal_client_options options = options_for(&server);
    options.client_id = NULL;
    open_refused(options, KAL_NO_CREDENTIALS, "KALEIDOSCOPE_API_CLIENT_ID");
    options.client_id = "";
    open_refused(options, KAL_NO_CREDENTIALS, "client_id");
    options = options_for(&server);
    options.client_secret = NULL;
    open_refused(options, KAL_NO_CREDENTIALS, "KALEIDOSCOPE_API_CLIENT_SECRET");
    options.client_secret = "";
    open_refused(options, KAL_NO_CREDENTIALS, "client_secret");
    kal_client client;
    CHECK_STATUS(kal_client_open(NULL, &client, NULL), KAL_NO_CREDENTIALS);
}

CLAIM(null_options_are_read_from_the_environment)
{
    kal_client client;
    kal_error error;
    setenv("KALEIDOSCOPE_API_CLIENT_ID", "demo-client", 1);
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", SECRET, 1);
    setenv("KALEIDOSCOPE_API_URL", server.url, 1);
    CHECK_STATUS(kal_client_open(NULL, &client, &error), KAL_OK);
    kal_result_free(RESULT_OF(get_workspace, client));
    kal_client_close(client);
#ifndef _WIN32 /* the environment is UTF-16: see test_windows.c */
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", not_utf8, 1);
    FAILURE(kal_client_open(NULL, &client, &error), &error, KAL_INVALID_UTF8, "KALEIDOSCOPE_API_CLIENT_SECRET: ");
#endif
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", "", 1);
    FAILURE(kal_client_open(NULL, &client, &error), &error, KAL_NO_CREDENTIALS, "KALEIDOSCOPE_API_CLIENT_SECRET");
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", SECRET, 1);
    setenv("KALEIDOSCOPE_API_URL", "http://example.com", 1);
    REFUSED(kal_client_open(NULL, &client, &error), "KALEIDOSCOPE_API_URL: plain http");
    unsetenv("KALEIDOSCOPE_API_CLIENT_ID");
    unsetenv("KALEIDOSCOPE_API_CLIENT_SECRET");
    unsetenv("KALEIDOSCOPE_API_URL");
}

CLAIM(options_are_copied_by_kal_client_open)
{
    char id[] = "demo-client", secret[] = SECRET, url[64], name[] = "X-Test", value[] = "value-1", agent[] = "agent/1";
    strcpy(url, server.url);
    kal_header header = { name, value };
    kal_client_options options = options_for(&server);
    options.client_id = id;
    options.client_secret = secret;
    options.base_url = url;
    options.headers = &header;
    options.headers_len = 1;
    options.user_agent = agent;
    kal_client client = client_with(options);
    memset(id, 'x', sizeof id);
    memset(secret, 'x', sizeof secret);
    memset(url, 'x', sizeof url);
    memset(name, 'x', sizeof name);
    memset(value, 'x', sizeof value);
    memset(agent, 'x', sizeof agent);
    memset(&header, 0, sizeof header);
    memset(&options, 0xAA, sizeof options);
    kal_result_free(RESULT_OF(get_workspace, client));
    char *requests = emulator_requests(&server);
    CHECK_CONTAINS(requests, "[\"x-test\",\"value-1\"]");
    CHECK_CONTAINS(requests, "agent/1 libkaleidoscope/");
    free(requests);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
