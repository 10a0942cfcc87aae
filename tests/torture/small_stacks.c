/*
 * Row 11: every function of the header, on threads whose stacks are 16, 32 and 64 KiB.
 *
 * The calling thread only hands over and waits, so it needs little stack in every call. The depth of each call is measured: the
 * stack is filled with a pattern first. A function without a case here fails the test.
 *
 * Seen red with 12 KiB of locals in the guard of every export: "kal_methods on 16 KiB: crashes, wait status 0xb", and all
 * others.
 */
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../c/emulator.h"
#include "torture.h"

enum { PATTERN = 0xA5 };

static emulator plain, tls;
static char ca_file[64];

/* Created on a thread with enough stack, for use in the cases. */
static kal_client client, tls_client, failing_client;
static kal_result workspace, members, groups, events;
static kal_error error;
static kal_cancel cancel;
static kal_queue queue;

static void expect(const char *what, kal_status actual, kal_status expected)
{
    if (actual != expected)
        torture_fail("%s returns %s (%d)", what, kal_status_name(actual), actual);
}

static void log_line(void *none, int32_t level, const char *message)
{
    (void)none, (void)level, (void)message;
}

static kal_status iap_token(void *none, char *buffer, size_t capacity, size_t *length)
{
    (void)none, (void)capacity;
    memcpy(buffer, "iap-token", *length = 9);
    return KAL_OK;
}

/* Each case makes the call it is named after, and also lets it fail if it can. */
#define CASE(name) static void name##_case(void)
#define EXPECT(call, status) expect(#call, call, status)
#define GIVES_RESULT(...)            \
    do {                             \
        kal_result result;           \
        kal_error error;             \
        EXPECT(__VA_ARGS__, KAL_OK); \
        kal_result_free(result);     \
        kal_error_free(error);       \
    } while (0)
#define GIVES_NOTHING(...)                  \
    do {                                    \
        kal_result result;                  \
        kal_error error;                    \
        EXPECT(__VA_ARGS__, KAL_NOT_READY); \
        kal_error_free(error);              \
    } while (0)
#define FAILS(expected, ...)                                \
    do {                                                    \
        kal_result result;                                  \
        kal_error error;                                    \
        EXPECT(__VA_ARGS__, expected);                      \
        if (kal_error_get(error) == NULL)                   \
            torture_fail("a failed call returns no error"); \
        kal_error_free(error);                              \
    } while (0)

static const kal_call_options *refresh(void)
{
    static kal_call_options options = KAL_CALL_OPTIONS_INIT;
    options.cache = KAL_CACHE_REFRESH;
    return &options;
}

static kal_client opened(const char *url, uint32_t flags)
{
    kal_client_options options = options_to(url);
    kal_header header = { "x-small", "stack" };
    options.headers = &header;
    options.headers_len = 1;
    options.flags = flags;
    options.ca_bundle_path = strncmp(url, "https", 5) == 0 && flags == 0 ? ca_file : NULL;
    options.iap_token_provider = iap_token;
    kal_client client;
    if (kal_client_open(&options, &client, NULL) != KAL_OK)
        torture_give_up("a client cannot be opened");
    return client;
}

CASE(kal_client_open)
{
    kal_client_close(opened(plain.url, KAL_CLIENT_PROXY_FROM_ENV));
    kal_client_options options = options_to("no URL");
    kal_client client;
    kal_error error;
    EXPECT(kal_client_open(&options, &client, &error), KAL_INVALID_ARGUMENT);
    kal_error_free(error);
}
CASE(kal_client_close)
{
    kal_client_close(opened(plain.url, 0));
    kal_client_close((kal_client){ 12345 });
}
CASE(kal_client_shutdown)
{
    kal_client fresh = opened(plain.url, 0);
    GIVES_RESULT(kal_workspace_get_workspace(fresh, NULL, &result, &error));
    EXPECT(kal_client_shutdown(fresh, KAL_WAIT_FOREVER, NULL), KAL_OK);
    kal_client_close(fresh);
}
CASE(kal_client_clear_caches)
{
    EXPECT(kal_client_clear_caches(failing_client, NULL), KAL_OK);
}
CASE(kal_client_stats)
{
    kal_stats stats = KAL_STATS_INIT;
    EXPECT(kal_client_stats(client, &stats, NULL), KAL_OK);
}
CASE(kal_workspace_get_workspace)
{
    GIVES_RESULT(kal_workspace_get_workspace(client, refresh(), &result, &error));
    GIVES_RESULT(kal_workspace_get_workspace(tls_client, refresh(), &result, &error));
    /* The first call of a client signs in and reads the certificates, on the library's thread. */
    kal_client fresh = opened(tls.url, 0);
    GIVES_RESULT(kal_workspace_get_workspace(fresh, NULL, &result, &error));
    kal_client_close(fresh);
    FAILS(KAL_CONNECT_FAILED, kal_workspace_get_workspace(failing_client, NULL, &result, &error));
}
CASE(kal_workspace_get_members)
{
    GIVES_RESULT(kal_workspace_get_members(tls_client, refresh(), &result, &error));
}
CASE(kal_workspace_get_members_by_ids)
{
    static const char *const ids[] = { "a", "b", "\xC3\xA9" };
    GIVES_RESULT(kal_workspace_get_members_by_ids(client, ids, 3, refresh(), &result, &error));
}
CASE(kal_workspace_get_groups)
{
    GIVES_RESULT(kal_workspace_get_groups(client, refresh(), &result, &error));
}
CASE(kal_workspace_get_groups_by_ids)
{
    GIVES_RESULT(kal_workspace_get_groups_by_ids(client, NULL, 0, refresh(), &result, &error));
}

static kal_events_query everything(void)
{
    static const char *const types[] = { "create", "update" };
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    query.event_types = types;
    query.event_types_len = 2;
    query.page_size = 100;
    query.after_date = "2000-01-01";
    query.before_date = "2100-01-01T00:00:00.123456+01:00";
    return query;
}

CASE(kal_workspace_get_events)
{
    kal_events_query query = everything();
    GIVES_RESULT(kal_workspace_get_events(tls_client, &query, NULL, &result, &error));
    query.after_date = "2000-02-30";
    FAILS(KAL_INVALID_ARGUMENT, kal_workspace_get_events(client, &query, NULL, &result, &error));
}
CASE(kal_call)
{
    GIVES_RESULT(
        kal_call(client, "workspace.get_events", "{\"page_size\":3,\"event_types\":[\"create\"]}", NULL, &result, &error));
    FAILS(KAL_UNKNOWN_METHOD, kal_call(client, "workspace.forget_events", NULL, NULL, &result, &error));
    /* Parameters nested deeper than any stack could hold. */
    size_t depth = 200000;
    char *deep = malloc(2 * depth + 32);
    size_t length = (size_t)sprintf(deep, "{\"event_types\":");
    memset(deep + length, '[', depth);
    memset(deep + length + depth, ']', depth);
    strcpy(deep + length + 2 * depth, "}");
    FAILS(KAL_INVALID_ARGUMENT, kal_call(client, "workspace.get_events", deep, NULL, &result, &error));
    free(deep);
}
CASE(kal_request)
{
    GIVES_RESULT(kal_request(tls_client, "POST", "/echo/a", "{\"q\":[1,{\"x\":null}]}", "{\"n\":1.0}", NULL, &result, &error));
    FAILS(KAL_NOT_FOUND, kal_request(client, "DELETE", "/nothing", NULL, NULL, NULL, &result, &error));
    FAILS(KAL_INVALID_ARGUMENT, kal_request(client, "GET", "/echo/..", NULL, NULL, NULL, &result, &error));
    /* A body and a query nested deeper than any stack could hold, and echoed in the answer. */
    size_t depth = 200000;
    char *deep = malloc(2 * depth + 1);
    memset(deep, '[', depth);
    memset(deep + depth, ']', depth);
    deep[2 * depth] = '\0';
    GIVES_RESULT(kal_request(client, "POST", "/echo", NULL, deep, NULL, &result, &error));
    FAILS(KAL_INVALID_ARGUMENT, kal_request(client, "GET", "/echo", deep, NULL, NULL, &result, &error));
    free(deep);
}
CASE(kal_methods)
{
    if (strstr(kal_methods(), "workspace.get_events") == NULL)
        torture_fail("kal_methods lacks a method");
}
CASE(kal_submit)
{
    kal_completion completion = KAL_COMPLETION_INIT;
    EXPECT(kal_submit(tls_client, "workspace.get_events", "{\"page_size\":1}", NULL, queue, NULL, NULL), KAL_OK);
    EXPECT(kal_queue_next(queue, 10000, &completion, NULL), KAL_OK);
    EXPECT(completion.status, KAL_OK);
    kal_result_free(completion.result);
}
CASE(kal_queue_next)
{
    kal_completion completion = KAL_COMPLETION_INIT;
    EXPECT(kal_submit(failing_client, "workspace.get_events", NULL, NULL, queue, NULL, NULL), KAL_OK);
    EXPECT(kal_queue_next(queue, 10000, &completion, NULL), KAL_OK);
    EXPECT(completion.status, KAL_CONNECT_FAILED);
    kal_error_free(completion.error);
    EXPECT(kal_queue_next(queue, 0, &completion, NULL), KAL_NOT_READY);
}
static void completes(kal_status status)
{
    kal_completion completion = KAL_COMPLETION_INIT;
    EXPECT(kal_queue_next(queue, 10000, &completion, NULL), KAL_OK);
    EXPECT(completion.status, status);
    kal_result_free(completion.result);
    kal_error_free(completion.error);
}
CASE(kal_workspace_submit_get_events)
{
    kal_events_query query = everything();
    EXPECT(kal_workspace_submit_get_events(tls_client, &query, NULL, queue, NULL, NULL), KAL_OK);
    completes(KAL_OK);
}
CASE(kal_workspace_submit_get_members_by_ids)
{
    static const char *const ids[] = { "a" };
    EXPECT(kal_workspace_submit_get_members_by_ids(tls_client, ids, 1, NULL, queue, NULL, NULL), KAL_OK);
    completes(KAL_OK);
}
CASE(kal_workspace_submit_get_groups_by_ids)
{
    static const char *const ids[] = { "a" };
    EXPECT(kal_workspace_submit_get_groups_by_ids(failing_client, ids, 1, NULL, queue, NULL, NULL), KAL_OK);
    completes(KAL_CONNECT_FAILED);
}
CASE(kal_queue_next_values)
{
    kal_status status;
    kal_result result;
    kal_error failure;
    EXPECT(kal_submit(failing_client, "workspace.get_events", NULL, NULL, queue, NULL, NULL), KAL_OK);
    EXPECT(kal_queue_next_values(queue, 10000, NULL, &status, &result, &failure, NULL), KAL_OK);
    EXPECT(status, KAL_CONNECT_FAILED);
    kal_error_free(failure);
}
CASE(kal_client_open_json)
{
    kal_client made;
    kal_error error;
    EXPECT(kal_client_open_json("{\"client_id\":\"a\",\"client_secret\":\"b\",\"headers\":[{\"name\":\"X-A\",\"value\":\"b\"}]}",
                                &made, NULL),
           KAL_OK);
    kal_client_close(made);
    EXPECT(kal_client_open_json("{\"a\":1}", &made, &error), KAL_INVALID_ARGUMENT);
    kal_error_free(error);
}
CASE(kal_stream_open)
{
    kal_stream stream;
    kal_error error;
    EXPECT(kal_stream_open(client, "workspace.follow_events", "{\"page_size\":2}", NULL, &stream, NULL), KAL_OK);
    kal_stream_free(stream);
    EXPECT(kal_stream_open(client, "workspace.stream_events", "{\"page\":1}", NULL, &stream, &error), KAL_INVALID_ARGUMENT);
    kal_error_free(error);
}
CASE(kal_queue_fd)
{
    if (kal_queue_fd(queue) < 0)
        torture_fail("a queue has no descriptor");
}
CASE(kal_queue_handle)
{
    if (kal_queue_handle(queue))
        torture_fail("a queue has a handle, which is for Windows only");
}
CASE(kal_queue_open)
{
    kal_queue queue;
    EXPECT(kal_queue_open(&queue, NULL), KAL_OK);
    kal_queue_close(queue);
}
CASE(kal_queue_close)
{
    kal_queue queue;
    EXPECT(kal_queue_open(&queue, NULL), KAL_OK);
    EXPECT(kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL), KAL_OK);
    kal_queue_close(queue);
}
CASE(kal_queue_shutdown)
{
    kal_queue queue;
    kal_completion done = KAL_COMPLETION_INIT;
    EXPECT(kal_queue_open(&queue, NULL), KAL_OK);
    kal_queue_shutdown(queue);
    EXPECT(kal_queue_next(queue, 0, &done, NULL), KAL_DONE);
    kal_queue_close(queue);
}
CASE(kal_cancel_open)
{
    kal_cancel cancel;
    EXPECT(kal_cancel_open(&cancel, NULL), KAL_OK);
    kal_cancel_close(cancel);
}
CASE(kal_cancel_fire)
{
    kal_cancel_fire(cancel);
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    options.cancel = cancel;
    options.cache = KAL_CACHE_REFRESH;
    FAILS(KAL_CANCELLED, kal_workspace_get_groups(client, &options, &result, &error));
}
CASE(kal_cancel_fire_from_signal)
{
    kal_cancel token;
    EXPECT(kal_cancel_open(&token, NULL), KAL_OK);
    kal_cancel_fire_from_signal(token);
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    options.cancel = token;
    options.cache = KAL_CACHE_REFRESH;
    FAILS(KAL_CANCELLED, kal_workspace_get_groups(client, &options, &result, &error));
    kal_cancel_close(token);
}
CASE(kal_cancel_close)
{
    kal_cancel_close((kal_cancel){ 99 });
}
CASE(kal_result_json)
{
    kal_result some;
    static const char *const ids[] = { "a" };
    EXPECT(kal_workspace_get_members_by_ids(client, ids, 1, NULL, &some, NULL), KAL_OK);
    if (kal_result_json(some, NULL) == NULL || kal_result_json(events, NULL) == NULL)
        torture_fail("a result has no JSON");
    kal_result_free(some);
}
#define VIEW(view, ...)            \
    if (view(__VA_ARGS__) == NULL) \
    torture_fail(#view " returns NULL")
/* The C structs are created on first access, on the host's thread. */
CASE(kal_result_workspace)
{
    VIEW(kal_result_workspace, workspace);
}
CASE(kal_result_workspace_users)
{
    VIEW(kal_result_workspace_users, members, NULL);
}
CASE(kal_result_workspace_groups)
{
    VIEW(kal_result_workspace_groups, groups, NULL);
}
CASE(kal_result_workspace_events)
{
    VIEW(kal_result_workspace_events, events, NULL);
}
CASE(kal_result_free)
{
    kal_result result;
    EXPECT(kal_workspace_get_events(client, NULL, NULL, &result, NULL), KAL_OK);
    VIEW(kal_result_workspace_events, result, NULL);
    kal_result_free(result);
}
CASE(kal_error_get)
{
    VIEW(kal_error_get, error);
}
CASE(kal_error_json)
{
    VIEW(kal_error_json, error, NULL);
}
CASE(kal_result_kind)
{
    EXPECT((kal_status)kal_result_kind(events), KAL_RESULT_WORKSPACE_EVENTS);
}
CASE(kal_error_free)
{
    kal_error error;
    kal_client client;
    kal_client_options options = options_to("");
    EXPECT(kal_client_open(&options, &client, &error), KAL_INVALID_ARGUMENT);
    kal_error_free(error);
}

static kal_stream streaming(const char *after_date)
{
    kal_events_query query = everything();
    query.after_date = after_date;
    kal_stream stream;
    EXPECT(kal_workspace_stream_events(tls_client, &query, NULL, &stream, NULL), KAL_OK);
    return stream;
}

CASE(kal_workspace_stream_events)
{
    kal_events_query query = everything();
    query.page = 1;
    kal_stream stream;
    kal_error error;
    EXPECT(kal_workspace_stream_events(client, &query, NULL, &stream, &error), KAL_INVALID_ARGUMENT);
    kal_error_free(error);
    kal_stream_free(streaming("2000-01-01"));
}
CASE(kal_workspace_follow_events)
{
    kal_stream stream, resumed;
    EXPECT(kal_workspace_follow_events(client, NULL, NULL, NULL, &stream, NULL), KAL_OK);
    EXPECT(kal_workspace_follow_events(client, NULL, kal_stream_cursor(stream), NULL, &resumed, NULL), KAL_OK);
    EXPECT(kal_workspace_follow_events(client, NULL, "no cursor", NULL, &(kal_stream)KAL_NONE, NULL), KAL_INVALID_ARGUMENT);
    GIVES_NOTHING(kal_stream_next(resumed, 0, &result, &error));
    kal_stream_free(stream);
    kal_stream_free(resumed);
}
CASE(kal_stream_next)
{
    kal_stream stream = streaming("2000-01-01");
    kal_result page;
    kal_status status;
    int pages = 0;
    while ((status = kal_stream_next(stream, 10000, &page, NULL)) == KAL_OK) {
        pages++;
        kal_result_free(page);
    }
    EXPECT(status, KAL_DONE);
    if (pages < 2)
        torture_fail("a stream has %d pages", pages);
    kal_stream_free(stream);
}
CASE(kal_stream_submit_next)
{
    kal_stream stream = streaming("2000-01-01");
    kal_completion completion = KAL_COMPLETION_INIT;
    EXPECT(kal_stream_submit_next(stream, 10000, queue, NULL, NULL), KAL_OK);
    EXPECT(kal_queue_next(queue, 10000, &completion, NULL), KAL_OK);
    EXPECT(completion.status, KAL_OK);
    kal_result_free(completion.result);
    kal_stream_free(stream);
}
CASE(kal_stream_cursor)
{
    kal_stream stream = streaming("2000-01-01");
    GIVES_RESULT(kal_stream_next(stream, 10000, &result, &error));
    VIEW(kal_stream_cursor, stream);
    kal_stream_free(stream);
}
CASE(kal_stream_set_backoff)
{
    kal_stream stream = streaming(NULL);
    EXPECT(kal_stream_set_backoff(stream, 1, 2, NULL), KAL_OK);
    EXPECT(kal_stream_set_backoff(stream, 2, 1, NULL), KAL_INVALID_ARGUMENT);
    kal_stream_free(stream);
}
CASE(kal_stream_set_read_ahead)
{
    kal_stream stream = streaming(NULL);
    EXPECT(kal_stream_set_read_ahead(stream, 1, NULL), KAL_OK);
    kal_stream_free(stream);
}
CASE(kal_stream_free)
{
    kal_stream stream = streaming("2000-01-01");
    GIVES_RESULT(kal_stream_next(stream, 10000, &result, &error));
    kal_stream_free(stream);
    kal_stream_free(stream);
}
#define INITIALISES(type)                                              \
    do {                                                               \
        type made;                                                     \
        type##_init(&made);                                            \
        EXPECT((kal_status)made.struct_size, (kal_status)sizeof made); \
    } while (0)
CASE(kal_client_options_init)
{
    INITIALISES(kal_client_options);
}
CASE(kal_call_options_init)
{
    INITIALISES(kal_call_options);
}
CASE(kal_events_query_init)
{
    INITIALISES(kal_events_query);
}
CASE(kal_stats_init)
{
    INITIALISES(kal_stats);
}
CASE(kal_completion_init)
{
    INITIALISES(kal_completion);
}
CASE(kal_set_log)
{
    EXPECT(kal_set_log(KAL_LOG_DEBUG, log_line, NULL), KAL_OK);
    kal_client insecure = opened(tls.url, KAL_CLIENT_INSECURE_TLS);
    GIVES_RESULT(kal_workspace_get_workspace(insecure, NULL, &result, &error));
    kal_client_close(insecure);
    EXPECT(kal_set_log(KAL_LOG_OFF, NULL, NULL), KAL_OK);
}
CASE(kal_status_name)
{
    if (strcmp(kal_status_name(404), "KAL_NOT_FOUND") != 0)
        torture_fail("kal_status_name is wrong");
}
CASE(kal_version)
{
    if (strcmp(kal_version(), KAL_VERSION) != 0)
        torture_fail("kal_version is wrong");
}
CASE(kal_version_number)
{
    EXPECT((kal_status)kal_version_number(), KAL_VERSION_NUMBER);
}
CASE(kal_shutdown)
{
    EXPECT(kal_shutdown(10000), KAL_OK);
    /* The next call starts the thread again, from this one. */
    GIVES_RESULT(kal_workspace_get_workspace(tls_client, refresh(), &result, &error));
}

#define ROW(name) { #name, name##_case, 0 },
static struct case_of {
    const char *name;
    void (*run)(void);
    size_t deepest;
} cases[] = {
    ROW(kal_client_open) ROW(kal_client_close) ROW(kal_client_shutdown) ROW(kal_client_clear_caches) ROW(kal_client_stats)
        ROW(kal_workspace_get_workspace) ROW(kal_workspace_get_members) ROW(kal_workspace_get_members_by_ids)
            ROW(kal_workspace_get_groups) ROW(kal_workspace_get_groups_by_ids) ROW(kal_workspace_get_events) ROW(kal_call)
                ROW(kal_request) ROW(kal_methods) ROW(kal_submit) ROW(kal_queue_next) ROW(kal_queue_fd) ROW(kal_queue_handle)
                    ROW(kal_queue_open) ROW(kal_queue_close) ROW(kal_queue_shutdown) ROW(kal_cancel_open) ROW(kal_cancel_fire)
                        ROW(kal_cancel_fire_from_signal) ROW(kal_cancel_close) ROW(kal_result_json) ROW(kal_result_workspace)
                            ROW(kal_result_workspace_users) ROW(kal_result_workspace_groups) ROW(kal_result_workspace_events)
                                ROW(kal_result_free) ROW(kal_error_get) ROW(kal_error_json) ROW(kal_result_kind)
                                    ROW(kal_workspace_submit_get_events) ROW(kal_workspace_submit_get_members_by_ids)
                                        ROW(kal_workspace_submit_get_groups_by_ids) ROW(kal_queue_next_values)
                                            ROW(kal_client_open_json) ROW(kal_stream_open) ROW(kal_error_free)
                                                ROW(kal_workspace_stream_events) ROW(kal_workspace_follow_events)
                                                    ROW(kal_stream_next) ROW(kal_stream_submit_next) ROW(kal_stream_cursor)
                                                        ROW(kal_stream_set_backoff) ROW(kal_stream_set_read_ahead)
                                                            ROW(kal_stream_free) ROW(kal_client_options_init)
                                                                ROW(kal_call_options_init) ROW(kal_events_query_init)
                                                                    ROW(kal_stats_init) ROW(kal_completion_init) ROW(kal_set_log)
                                                                        ROW(kal_status_name) ROW(kal_version)
                                                                            ROW(kal_version_number) ROW(kal_shutdown)
};
enum { CASE_COUNT = sizeof cases / sizeof *cases };

/* Counts functions of the header without a case of that name. */
static int without_case(void)
{
    int missing = 0;
    char line[512], name[64];
    const char *path = getenv("KAL_INCLUDE_DIR") ? getenv("KAL_INCLUDE_DIR") : KAL_INCLUDE;
    snprintf(line, sizeof line, "%s/kaleidoscope.h", path);
    FILE *header = fopen(line, "r");
    if (header == NULL)
        torture_give_up("%s cannot be read", line);
    while (fgets(line, sizeof line, header) != NULL) {
        char *found = strstr(line, "kal_"), *bracket = strchr(line, '(');
        if (line[0] == ' ' || line[0] == '/' || line[0] == '#' || strncmp(line, "typedef", 7) == 0 || found == NULL
            || bracket == NULL)
            continue;
        /* The name is the text before the bracket. */
        for (found = bracket; found > line && (isalnum((unsigned char)found[-1]) || found[-1] == '_');)
            found--;
        snprintf(name, sizeof name, "%.*s", (int)(bracket - found), found);
        bool has_case = false;
        for (int i = 0; i < CASE_COUNT; i++)
            has_case |= strcmp(cases[i].name, name) == 0;
        if (!has_case && strncmp(name, "kal_", 4) == 0) {
            printf("# %s has no case\n", name);
            missing++;
        }
    }
    fclose(header);
    return missing;
}

static void *run_case(void *argument)
{
    ((struct case_of *)argument)->run();
    return NULL;
}

static void on_stack(struct case_of *one, size_t size)
{
    pthread_attr_t attributes;
    pthread_t thread;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *stack = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    mprotect(stack, page, PROT_NONE);
    memset(stack + page, PATTERN, size);
    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, stack + page, size) != 0 || pthread_create(&thread, &attributes, run_case, one) != 0)
        torture_give_up("no thread with a stack of %zu bytes", size);
    pthread_join(thread, NULL);
    size_t untouched = 0;
    while (untouched < size && stack[page + untouched] == PATTERN)
        untouched++;
    if (size - untouched > one->deepest)
        one->deepest = size - untouched;
    pthread_attr_destroy(&attributes);
    munmap(stack, size + page);
}

static void make_the_world(void)
{
    plain = emulator_start("--iap-token", "iap-token", "--events", "1000", NULL);
    tls = emulator_start("--tls", "--ca-out", ca_file, "--iap-token", "iap-token", "--events", "1000", NULL);
    client = opened(plain.url, 0);
    tls_client = opened(tls.url, 0);
    failing_client = opened("http://127.0.0.1:1", 0);
    if (kal_workspace_get_workspace(client, NULL, &workspace, NULL) != KAL_OK
        || kal_workspace_get_members(client, NULL, &members, NULL) != KAL_OK
        || kal_workspace_get_groups(client, NULL, &groups, NULL) != KAL_OK
        || kal_workspace_get_events(client, NULL, NULL, &events, NULL) != KAL_OK || kal_cancel_open(&cancel, NULL) != KAL_OK
        || kal_queue_open(&queue, NULL) != KAL_OK || kal_call(client, "no", NULL, NULL, &(kal_result)KAL_NONE, &error) == KAL_OK)
        torture_give_up("the handles cannot be created");
}

static const size_t sizes[] = { 16, 32, 64 };

/* In a separate process: nothing was initialised before, and a crash is reported with the function's name. */
static int one_case(int index, size_t kib)
{
    make_the_world();
    on_stack(&cases[index], kib * 1024);
    for (int round = 0; torture_long && round < 20; round++)
        on_stack(&cases[index], kib * 1024);
    printf("# %s on %zu KiB: %zu bytes deep\n", cases[index].name, kib, cases[index].deepest);
    emulator_stop(&plain);
    emulator_stop(&tls);
    unlink(ca_file);
    fflush(stdout);
    return torture_failures() != 0;
}

int main(int argc, char **argv)
{
    torture_begin("small-stacks", argc, argv);
    torture_check(without_case() == 0, "every function of the header has a case");
    long tried = 0;
    for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++) {
        if (!torture_long && sizes[size] != 16)
            continue;
        int wrong = 0;
        for (int i = 0; i < CASE_COUNT; i++) {
            snprintf(ca_file, sizeof ca_file, "/tmp/kal-small-stacks-%d.pem", (int)getpid());
            fflush(stdout);
            pid_t child = fork();
            if (child == 0)
                _exit(one_case(i, sizes[size]));
            int status = reap_within(child, 60000);
            tried++;
            wrong += status != 0;
            if (status == -1 || !WIFEXITED(status))
                printf("# %s on %zu KiB: %s, wait status %#x\n", cases[i].name, sizes[size], status == -1 ? "hangs" : "crashes",
                       (unsigned)status);
        }
        torture_check(wrong == 0, "every call works on a stack of %zu KiB (%d calls)", sizes[size], (int)CASE_COUNT);
    }
    return torture_end(tried, "%d functions", (int)CASE_COUNT);
}
