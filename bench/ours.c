/* The client on libkaleidoscope. Credentials and URL come from the environment, and with BENCH_READ_AHEAD a stream reads ahead;
 * see harness.c for the arguments. */
#include <kaleidoscope.h>

#include "harness.h"

#include <stdlib.h>

static kal_client client;
static kal_stream stream;

static void check(kal_status status, kal_error error)
{
    if (status != KAL_OK)
        bench_fail("libkaleidoscope: %s", error.id ? kal_error_get(error)->message : kal_status_name(status));
}

void *bench_open(void)
{
    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    kal_error error;
    /* A million members exceed the default limit. */
    options.max_response_bytes = 1u << 30;
    check(kal_client_open(&options, &client, &error), error);
    return &client;
}

/* All threads share the client. */
void *bench_join(void *opened)
{
    return opened;
}

void bench_leave(void *opened, void *joined)
{
    (void)opened;
    (void)joined;
}

static bench_read read_members(kal_result result)
{
    bench_read read = { 0 };
    size_t count;
    const kal_workspace_user *const *members = kal_result_workspace_users(result, &count);
    for (size_t i = 0; i < count; i++) {
        const kal_workspace_user *member = members[i];
        read.checksum += bench_touch(member->id) + bench_touch(member->full_name) + bench_touch(member->preferred_name)
                         + bench_touch(member->email) + (uint64_t)member->access_level;
    }
    read.records = count;
    return read;
}

static bench_read read_events(kal_result result)
{
    bench_read read = { 0 };
    size_t count;
    const kal_workspace_event *const *events = kal_result_workspace_events(result, &count);
    for (size_t i = 0; i < count; i++) {
        const kal_workspace_event *event = events[i];
        read.checksum += bench_touch(event->id) + bench_touch(event->event_type) + bench_touch(event->full_name)
                         + bench_touch(event->resource_id) + bench_touch(event->created_at) + (event->event_attrs[1] != '}')
                         + (uint64_t)event->event_type_version + (uint64_t)event->is_bulk;
    }
    read.records = count;
    return read;
}

static void follow(kal_result result)
{
    size_t count;
    const kal_workspace_event *const *events = kal_result_workspace_events(result, &count);
    for (size_t i = 0; i < count; i++)
        bench_next(events[i]->id);
}

bench_read bench_make(void *joined, bench_call call)
{
    kal_client shared = *(kal_client *)joined;
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_result result = KAL_NONE;
    kal_error error = KAL_NONE;
    kal_status status = KAL_INVALID_ARGUMENT;
    bench_read read = { 0 };

    options.cache = KAL_CACHE_REFRESH;
    query.page = 1;
    switch (call) {
    case CALL_WORKSPACE:
        check(kal_workspace_get_workspace(shared, &options, &result, &error), error);
        read.records = 1;
        read.checksum = bench_touch(kal_result_workspace(result)->id) + bench_touch(kal_result_workspace(result)->workspace_name);
        break;
    case CALL_MEMBERS:
        check(kal_workspace_get_members(shared, &options, &result, &error), error);
        read = read_members(result);
        break;
    case CALL_EVENTS:
    case CALL_SMALL:
        query.page_size = call == CALL_EVENTS ? 1000 : 1;
        check(kal_workspace_get_events(shared, &query, NULL, &result, &error), error);
        read = read_events(result);
        break;
    case CALL_CACHED: check(kal_workspace_get_members(shared, NULL, &result, &error), error); break;
    case CALL_STREAM:
        query.page = 0;
        query.page_size = 1000;
        if (stream.id == 0) {
            check(kal_workspace_stream_events(shared, &query, NULL, &stream, &error), error);
            if (getenv("BENCH_READ_AHEAD"))
                check(kal_stream_set_read_ahead(stream, 12, &error), error);
        }
        status = kal_stream_next(stream, 60000, &result, &error);
        if (status == KAL_DONE)
            break;
        check(status, error);
        read = read_events(result);
        follow(result);
        break;
    }
    kal_result_free(result);
    return read;
}
