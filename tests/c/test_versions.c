/* Versions and names: the header and the library agree. */
#include "kit.h"

#include <stdlib.h>

CLAIM(the_library_has_the_version_of_its_header)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", KAL_VERSION_MAJOR, KAL_VERSION_MINOR, KAL_VERSION_PATCH);
    CHECK_TEXT(KAL_VERSION, text);
    CHECK_TEXT(kal_version(), KAL_VERSION);
    CHECK_INT(kal_version_number(), KAL_VERSION_NUMBER);
    CHECK_INT(kal_version_number() >> 16, KAL_VERSION_MAJOR);
    CHECK_INT(kal_version_number() >> 8 & 0xFF, KAL_VERSION_MINOR);
    CHECK_INT(kal_version_number() & 0xFF, KAL_VERSION_PATCH);
    CHECK(kal_version() == kal_version());
}

/* Part of the ABI: programs are compiled with these numbers. */
CLAIM(status_codes_are_fixed)
{
    static const struct {
        kal_status status;
        int32_t number;
        const char *name;
    } fixed[] = {
#define FIXED(name, number) { name, number, #name }
        FIXED(KAL_OK, 0),
        FIXED(KAL_DONE, 1),
        FIXED(KAL_NOT_READY, 2),
        FIXED(KAL_INVALID_ARGUMENT, 100),
        FIXED(KAL_INVALID_HANDLE, 101),
        FIXED(KAL_INVALID_UTF8, 102),
        FIXED(KAL_INVALID_STATE, 103),
        FIXED(KAL_NO_CREDENTIALS, 104),
        FIXED(KAL_WOULD_DEADLOCK, 105),
        FIXED(KAL_FORKED, 106),
        FIXED(KAL_UNKNOWN_METHOD, 107),
        FIXED(KAL_RESOLVE_FAILED, 200),
        FIXED(KAL_CONNECT_FAILED, 201),
        FIXED(KAL_TLS_FAILED, 202),
        FIXED(KAL_TIMED_OUT, 203),
        FIXED(KAL_CANCELLED, 204),
        FIXED(KAL_CONNECTION_LOST, 205),
        FIXED(KAL_RESPONSE_TOO_LARGE, 206),
        FIXED(KAL_BAD_HTTP, 207),
        FIXED(KAL_OUT_OF_RESOURCES, 208),
        FIXED(KAL_AUTH_FAILED, 300),
        FIXED(KAL_UNAUTHORIZED, 401),
        FIXED(KAL_FORBIDDEN, 403),
        FIXED(KAL_NOT_FOUND, 404),
        FIXED(KAL_RATE_LIMITED, 429),
        FIXED(KAL_BAD_RESPONSE, 600),
        FIXED(KAL_INTERNAL, 900),
        FIXED(KAL_PANIC, 901),
#undef FIXED
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        CHECK_INT(fixed[i].status, fixed[i].number);
        CHECK_TEXT(kal_status_name(fixed[i].number), fixed[i].name);
    }
    CHECK_INT(KAL_CACHE_USE, 0);
    CHECK_INT(KAL_CACHE_REFRESH, 1);
    CHECK_INT(KAL_CACHE_ONLY, 2);
    CHECK_INT(KAL_ACCESS_DEACTIVATED, 5);
}

/* Read from the header, so that no new status is missed. */
CLAIM(every_status_of_the_header_has_its_own_name)
{
    static const char *const others[] = { "VERSION_", "CLIENT_", "CACHE_", "ACCESS_", "LOG_", "PAGE_", "WAIT_", "RESULT_" };
    char path[512], line[512], name[128];
    int number, found = 0;
    snprintf(path, sizeof path, "%s/kaleidoscope.h", getenv("KAL_INCLUDE_DIR"));
    FILE *header = fopen(path, "r");
    REQUIRE(header != NULL);
    while (fgets(line, sizeof line, header) != NULL) {
        if (sscanf(line, "#define %127s %d", name, &number) != 2 || strncmp(name, "KAL_", 4) != 0)
            continue;
        bool is_status = true;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            is_status = is_status && strncmp(name + 4, others[i], strlen(others[i])) != 0;
        if (is_status && ++found)
            CHECK_TEXT(kal_status_name(number), name);
    }
    fclose(header);
    CHECK(found >= 38);
}

CLAIM(a_status_without_a_name_has_the_name_of_its_class)
{
    CHECK_TEXT(kal_status_name(418), "KAL_HTTP_4XX");
    CHECK_TEXT(kal_status_name(599), "KAL_HTTP_5XX");
    CHECK_TEXT(kal_status_name(-1), "KAL_UNKNOWN_STATUS");
    CHECK_TEXT(kal_status_name(3), "KAL_UNKNOWN_STATUS");
    CHECK_TEXT(kal_status_name(399), "KAL_UNKNOWN_STATUS");
    CHECK_TEXT(kal_status_name(601), "KAL_UNKNOWN_STATUS");
    CHECK_TEXT(kal_status_name(INT32_MIN), "KAL_UNKNOWN_STATUS");
    CHECK_TEXT(kal_status_name(INT32_MAX), "KAL_UNKNOWN_STATUS");
}

CLAIM(requests_have_the_librarys_user_agent)
{
    char agent[128];
    kal_client client = new_client();
    kal_result_free(RESULT_OF(get_workspace, client));
    char *requests = emulator_requests(&server);
    snprintf(agent, sizeof agent, "[\"user-agent\",\"libkaleidoscope/%s\"]", KAL_VERSION);
    CHECK_CONTAINS(requests, agent);
    free(requests);
    kal_client_close(client);
}

CLAIM(initialisers_set_all_defaults)
{
    /* Fields that an initialiser omits are zero, so that a zeroed struct differs in its size only. */
    kal_client_options client = KAL_CLIENT_OPTIONS_INIT;
    kal_call_options call = KAL_CALL_OPTIONS_INIT;
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_stats stats = KAL_STATS_INIT;
    kal_completion completion = KAL_COMPLETION_INIT;
    CHECK_INT(client.struct_size, sizeof client);
    CHECK_INT(call.struct_size, sizeof call);
    CHECK_INT(query.struct_size, sizeof query);
    CHECK_INT(stats.struct_size, sizeof stats);
    CHECK_INT(completion.struct_size, sizeof completion);
    client.struct_size = call.struct_size = query.struct_size = stats.struct_size = completion.struct_size = 0;
    static const char zeros[256];
    CHECK(memcmp(&client, zeros, sizeof client) == 0);
    CHECK(memcmp(&call, zeros, sizeof call) == 0);
    CHECK(memcmp(&query, zeros, sizeof query) == 0);
    CHECK(memcmp(&stats, zeros, sizeof stats) == 0);
    CHECK_INT(completion.status, KAL_OK);
}

/* A struct at the end of a page, as a program compiled with an older header may have it: nothing beyond it may be written. */
typedef struct framed {
    unsigned char before[8];
    unsigned char struct_bytes[256];
} framed;

static framed *garbage(void)
{
    static framed frame;
    memset(&frame, 0xA5, sizeof frame);
    return &frame;
}

/* `initial` is static, so that its padding is zero. */
static bool is_initialised(const framed *frame, const void *initial, size_t size)
{
    framed untouched;
    memset(&untouched, 0xA5, sizeof untouched);
    return memcmp(frame->before, untouched.before, sizeof frame->before) == 0 && memcmp(frame->struct_bytes, initial, size) == 0
           && memcmp(frame->struct_bytes + size, untouched.struct_bytes + size, sizeof frame->struct_bytes - size) == 0;
}

/* Red when a function leaves out the last field ("is_initialised" of that struct), and when it writes 8 bytes more. */
CLAIM(initialiser_functions_write_the_bytes_of_the_initialisers_and_no_others)
{
#define WRITES_THE_BYTES_OF(type, initialiser)                \
    do {                                                      \
        static const type initial = initialiser;              \
        framed *frame = garbage();                            \
        type##_init((type *)(void *)frame->struct_bytes);     \
        CHECK(is_initialised(frame, &initial, sizeof(type))); \
        type##_init(NULL);                                    \
    } while (0)
    WRITES_THE_BYTES_OF(kal_client_options, KAL_CLIENT_OPTIONS_INIT);
    WRITES_THE_BYTES_OF(kal_call_options, KAL_CALL_OPTIONS_INIT);
    WRITES_THE_BYTES_OF(kal_events_query, KAL_EVENTS_QUERY_INIT);
    WRITES_THE_BYTES_OF(kal_stats, KAL_STATS_INIT);
    WRITES_THE_BYTES_OF(kal_completion, KAL_COMPLETION_INIT);
}

CLAIM(structs_from_initialiser_functions_work_in_calls)
{
    kal_client_options client_options;
    kal_call_options call_options;
    kal_events_query query;
    kal_stats stats;
    kal_client client;
    kal_result result;
    kal_error error;
    size_t len = 0;
    memset(&client_options, 0xA5, sizeof client_options);
    memset(&query, 0xA5, sizeof query);
    kal_client_options_init(&client_options);
    kal_call_options_init(&call_options);
    kal_events_query_init(&query);
    kal_stats_init(&stats);
    client_options.base_url = server.url;
    client_options.client_id = "demo-client";
    client_options.client_secret = SECRET;
    query.page_size = 3;
    REQUIRE(kal_client_open(&client_options, &client, &error) == KAL_OK);
    REQUIRE(kal_workspace_get_events(client, &query, &call_options, &result, &error) == KAL_OK);
    CHECK(kal_result_workspace_events(result, &len) != NULL && len == 3);
    CHECK_STATUS(kal_client_stats(client, &stats, &error), KAL_OK);
    CHECK_INT(stats.requests, 2);
    kal_result_free(result);
    kal_client_close(client);
}

CLAIM(statistics_count_requests_tokens_cache_hits_and_bytes)
{
    kal_client client = new_client();
    kal_stats none = stats_of(client);
    CHECK_INT(none.requests + none.retries + none.token_requests + none.cache_hits + none.shared_requests + none.bytes_received,
              0);
    size_t len;
    kal_result members = RESULT_OF(get_members, client);
    kal_result_json(members, &len);
    kal_result_free(members);
    kal_result_free(RESULT_OF(get_members, client));
    kal_stats some = stats_of(client);
    CHECK_INT(some.requests, 2);
    CHECK_INT(some.token_requests, 1);
    CHECK_INT(some.cache_hits, 1);
    CHECK_INT(some.retries, 0);
    CHECK(some.bytes_received > len && some.bytes_received < len + 1000);
    CHECK_INT(emulator_count(&server, "total"), 2);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
