/* The log: what is logged at which level, and that no secret is. */
#include "kit.h"
#include "raw_server.h"

#include <stdlib.h>

#define MEMBERS "/workspaces/members"
#define EVENTS "/workspaces/events"
#define TOKEN "/auth/oauth/token"

/* All messages, one per line: `4 GET /...`. */
typedef struct heard {
    pthread_mutex_t lock;
    char text[1 << 18];
    size_t length;
    int lines;
    int worst_level;
} heard;

static heard told = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void hear(void *user_data, int32_t level, const char *message)
{
    heard *to = user_data;
    take_over(to);
    pthread_mutex_lock(&to->lock);
    int length = snprintf(to->text + to->length, sizeof to->text - to->length, "%d %s\n", level, message);
    if (length > 0 && to->length + (size_t)length < sizeof to->text)
        to->length += (size_t)length;
    to->lines++;
    if (strchr(message, '\n') != NULL || level < KAL_LOG_ERROR || level > KAL_LOG_DEBUG)
        to->worst_level = -1;
    else if (to->worst_level >= 0 && level > to->worst_level)
        to->worst_level = level;
    pthread_mutex_unlock(&to->lock);
    hand_over(to);
}

static void stop_listening(void)
{
    CHECK_STATUS(kal_set_log(KAL_LOG_OFF, NULL, NULL), KAL_OK);
    take_over(&told);
}

static void listen_to(int32_t level)
{
    stop_listening();
    told.length = 0;
    told.lines = told.worst_level = 0;
    told.text[0] = '\0';
    hand_over(&told);
    CHECK_STATUS(kal_set_log(level, hear, &told), KAL_OK);
}

static size_t longest;

static void measure(void *user_data, int32_t level, const char *message)
{
    size_t *most = user_data;
    (void)level;
    take_over(most);
    *most = strlen(message) > *most ? strlen(message) : *most;
    hand_over(most);
}

/* Sign-in, a request, a retry, a replay after a 401. */
static void make_events(void)
{
    kal_client_options options = options_for(&server);
    options.max_attempts = 2;
    kal_client client = client_with(options);
    kal_result_free(RESULT_OF(get_members, client));
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":503}");
    kal_result_free(RESULT_OF(get_events, client));
    emulator_admin(&server, "expire-tokens", "");
    kal_result_free(RESULT_OF(get_events, client));
    kal_client_close(client);
}

CLAIM(debug_logs_every_request)
{
    listen_to(KAL_LOG_DEBUG);
    make_events();
    stop_listening();
    CHECK_CONTAINS(told.text, "4 GET " MEMBERS ": 200");
    CHECK_CONTAINS(told.text, "4 GET " EVENTS ": 503");
    CHECK_CONTAINS(told.text, "4 POST " TOKEN ": 200");
    CHECK_CONTAINS(told.text, " attempt=2 duration_ms=");
    CHECK_INT(told.worst_level, KAL_LOG_DEBUG);
}

/* Red when the whole id is redacted and logged: "expected longest <= 400". */
CLAIM(a_warning_about_an_unexpected_value_is_short_even_with_a_long_id)
{
    enum { LONG = 1 << 20 };
    static const char before[] = "[{\"event_type_version\":\"x\",\"id\":\"", after[] = "\"}]";
    static char answer[LONG + 256];
    int head = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                        sizeof before - 1 + LONG + sizeof after - 1, before);
    memset(answer + head, 'i', LONG);
    memcpy(answer + head + LONG, after, sizeof after);
    raw_server raw;
    raw_server_start(&raw, answer, (size_t)head + LONG + sizeof after - 1);
    kal_client_options options = options_for(&server);
    options.base_url = raw.url;
    kal_client client = client_with(options);
    CHECK_STATUS(kal_set_log(KAL_LOG_WARN, measure, &longest), KAL_OK);
    kal_result_free(RESULT_OF(get_events, client));
    stop_listening();
    take_over(&longest);
    CHECK(longest > 0);
    CHECK(longest <= 400);
    kal_client_close(client);
    raw_server_stop(&raw);
}

/* Red when only responses are logged: nothing about a request that got none, or was aborted. */
CLAIM(debug_logs_every_failed_request)
{
    listen_to(KAL_LOG_DEBUG);
    kal_client_options options = options_for(&server);
    options.max_attempts = 2;
    kal_client client = client_with(options);
    kal_result_free(RESULT_OF(get_members, client));
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"times\":2,\"drop\":\"before\"}");
    FAILURE_OF(get_events, client, KAL_CONNECTION_LOST, "");
    kal_call_options soon = KAL_CALL_OPTIONS_INIT;
    soon.timeout_ms = 300;
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"drop\":\"hang\"}");
    FAILURE_WITH(get_events, client, &soon, KAL_TIMED_OUT, "timed out after 300 ms");
    kal_client_close(client);
    stop_listening();
    CHECK_CONTAINS(told.text, "4 GET " EVENTS ": no response: GET " EVENTS ": the connection to 127.0.0.1:");
    CHECK_CONTAINS(told.text, " attempt=1 duration_ms=");
    CHECK_CONTAINS(told.text, " attempt=2 duration_ms=");
    CHECK_CONTAINS(told.text, "4 GET " EVENTS ": abandoned while waiting for the response from 127.0.0.1:");
}

CLAIM(info_logs_retries_and_replays_and_no_requests)
{
    listen_to(KAL_LOG_INFO);
    make_events();
    stop_listening();
    CHECK_CONTAINS(told.text, "3 GET " EVENTS " failed with status 503");
    CHECK_CONTAINS(told.text, "trying again in ");
    CHECK_CONTAINS(told.text, "trying once with a new token");
    CHECK_CONTAINS(told.text, "3 signed in at 127.0.0.1:");
    CHECK_INT(told.worst_level, KAL_LOG_INFO);
}

CLAIM(retries_and_replays_log_no_warnings_or_errors)
{
    listen_to(KAL_LOG_WARN);
    make_events();
    stop_listening();
    CHECK_INT(told.lines, 0);
    listen_to(KAL_LOG_ERROR);
    make_events();
    stop_listening();
    CHECK_INT(told.lines, 0);
}

CLAIM(nothing_is_logged_after_the_callback_is_removed)
{
    static const struct {
        int32_t level;
        kal_log_callback callback;
    } ends[] = { { KAL_LOG_OFF, hear }, { KAL_LOG_DEBUG, NULL }, { KAL_LOG_OFF, NULL } };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        listen_to(KAL_LOG_DEBUG);
        make_events();
        CHECK_STATUS(kal_set_log(ends[i].level, ends[i].callback, &told), KAL_OK);
        take_over(&told);
        int lines = told.lines;
        CHECK(lines > 0);
        make_events();
        CHECK_INT(told.lines, lines);
    }
}

CLAIM(an_invalid_level_is_rejected_and_the_callback_stays_set)
{
    listen_to(KAL_LOG_DEBUG);
    static const int32_t levels[] = { -1, 5, INT32_MIN, INT32_MAX };
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        CHECK_STATUS(kal_set_log(levels[i], hear, &told), KAL_INVALID_ARGUMENT);
    make_events();
    stop_listening();
    CHECK(told.lines > 0);
}

/* Red without redaction: secrets of every kind, through every path that logs. */
CLAIM(no_secret_is_logged)
{
    listen_to(KAL_LOG_DEBUG);
    kal_header header = { "X-Api-Key", "canary-header" };
    kal_client_options options = options_for(&server);
    options.headers = &header;
    options.headers_len = 1;
    options.max_attempts = 2;
    kal_client client = client_with(options);
    kal_result result;
    kal_result_free(RESULT_OF(get_members, client));
    emulator_admin(&server, "expire-tokens", "");
    kal_result_free(RESULT_OF(get_events, client));
    emulator_fault(&server,
                   "[{\"path\":\"" EVENTS "\",\"status\":503,\"body\":\"{\\\"message\\\":\\\"" SECRET " canary-header\\\"}\"},"
                   "{\"path\":\"" EVENTS "\",\"drop\":\"body\"}]");
    CHECK_STATUS(get_events(client, NULL, &result, NULL), KAL_CONNECTION_LOST);
    emulator_fault(&server, "[{\"path\":\"" TOKEN "\",\"status\":500,\"body\":\"" SECRET "\"},"
                            "{\"path\":\"" TOKEN "\",\"status\":401,\"body\":\"{\\\"error\\\":\\\"" SECRET "\\\"}\"}]");
    emulator_admin(&server, "expire-tokens", "");
    CHECK_STATUS(get_events(client, NULL, &result, NULL), KAL_AUTH_FAILED);
    const char *as_type[] = { SECRET };
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    query.event_types = as_type;
    query.event_types_len = 1;
    query.resource_type = "canary-header";
    CHECK_STATUS(kal_workspace_get_events(client, &query, NULL, &result, NULL), KAL_OK);
    kal_result_free(result);
    kal_client_close(client);
    stop_listening();
    CHECK(told.lines > 5);
    CHECK_LACKS(told.text, SECRET);
    CHECK_LACKS(told.text, "canary");
    /* The prefixes of the emulator's tokens. */
    CHECK_LACKS(told.text, "kal-at-");
    CHECK_LACKS(told.text, "kal-rt-");
}

/* A callback that calls the library. */
typedef struct caller_back {
    kal_client client;
    int calls;
    kal_status blocking, shutdown, set_log, cached;
    bool non_blocking_works;
} caller_back;

static void call_back(void *user_data, int32_t level, const char *message)
{
    caller_back *back = user_data;
    kal_result result;
    kal_stats stats = KAL_STATS_INIT;
    (void)level, (void)message;
    take_over(back);
    back->calls++;
    back->blocking = get_events(back->client, NULL, &result, NULL);
    back->shutdown = kal_shutdown(1000);
    back->set_log = kal_set_log(KAL_LOG_OFF, NULL, NULL);
    back->cached = get_members(back->client, NULL, &result, NULL);
    kal_result_free(result);
    back->non_blocking_works = kal_client_stats(back->client, &stats, NULL) == KAL_OK && stats.requests > 0;
    hand_over(back);
}

CLAIM(blocking_calls_within_a_callback_return_would_deadlock_and_others_work)
{
    caller_back back = { .client = new_client() };
    kal_result_free(RESULT_OF(get_members, back.client));
    hand_over(&back);
    CHECK_STATUS(kal_set_log(KAL_LOG_DEBUG, call_back, &back), KAL_OK);
    kal_result_free(RESULT_OF(get_events, back.client));
    stop_listening();
    take_over(&back);
    CHECK(back.calls > 0);
    CHECK_STATUS(back.blocking, KAL_WOULD_DEADLOCK);
    CHECK_STATUS(back.shutdown, KAL_WOULD_DEADLOCK);
    CHECK_STATUS(back.set_log, KAL_WOULD_DEADLOCK);
    CHECK_STATUS(back.cached, KAL_OK);
    CHECK(back.non_blocking_works);
    kal_client_close(back.client);
}

static void set_or_call(int index, void *context)
{
    for (int round = 0; round < 20; round++) {
        if (index == 0) {
            CHECK_STATUS(kal_set_log(round % 2 ? KAL_LOG_DEBUG : KAL_LOG_OFF, hear, &told), KAL_OK);
        } else {
            kal_result result;
            CHECK_STATUS(get_events(*(kal_client *)context, NULL, &result, NULL), KAL_OK);
            kal_result_free(result);
        }
    }
}

CLAIM(the_log_can_be_set_while_other_threads_call)
{
    kal_client client = new_client();
    crowd(4, set_or_call, &client);
    stop_listening();
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
