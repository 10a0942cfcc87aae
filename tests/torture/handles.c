/*
 * Row 6: 8 threads perform random operations on live, null, stale, forged and foreign handles, with the library and this
 * program built with AddressSanitizer.
 *
 * Every function that takes a handle returns KAL_INVALID_HANDLE for one that is not live, or NULL if it returns no status; with
 * a live one, which another thread may free at any moment, it works or does the same. No access to invalid memory.
 *
 * Seen red without the version in the search of a slot ("a handle that is stale gives KAL_OK as 5", "a handle of kind 6 was
 * freed through one that it is not"), without the kind in the check of a handle ("a handle that is forged gives KAL_NOT_FOUND
 * as 1"), and with another status for none ("a handle that is none gives KAL_INVALID_ARGUMENT as 6").
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../c/emulator.h"
#include "torture.h"

enum { THREADS = 8, SHARED = 64, GRAVES = 256, OWN = 16, KINDS = 6 };
enum kind { CLIENT = 1, RESULT, ERROR, CANCEL, STREAM, QUEUE };

/* The layout of a handle, used to forge one: version << 32 | kind << 29 | epoch << 24 | slot. */
enum { KIND_SHIFT = 29, EPOCH_SHIFT = 24 };
#define KIND_OF(id) ((unsigned)((id) >> KIND_SHIFT & 7))

static emulator server;
static long operations_each;
/* Kinds of handles that are not live. */
enum sort { NONE, STALE, FORGED, OTHER, SORTS };
static const char *const sorts[SORTS] = { "none", "stale", "forged", "of another kind" };
/* Live handles that all threads use and free; graves hold handles that were freed or never valid. */
static _Atomic uint64_t shared[SHARED], graves[GRAVES];
static kal_client source;
/* Takes the completions of submissions whose handles turn out to be live. */
static kal_queue ours;
static atomic_long operations, worked, refused[SORTS];

static uint64_t make(chance *chance)
{
    kal_call_options cached = KAL_CALL_OPTIONS_INIT;
    cached.cache = KAL_CACHE_ONLY;
    switch (1 + chance_below(chance, KINDS)) {
    case CLIENT: {
        kal_client_options options = options_to(server.url);
        kal_client client;
        return kal_client_open(&options, &client, NULL) == KAL_OK ? client.id : 0;
    }
    case RESULT: {
        static const char *const ids[] = { "u-1" };
        kal_result result;
        return (chance_below(chance, 2) == 0 ? kal_workspace_get_members(source, &cached, &result, NULL)
                                             : kal_workspace_get_members_by_ids(source, ids, 1, &cached, &result, NULL))
                       == KAL_OK
                   ? result.id
                   : 0;
    }
    case ERROR: {
        kal_error error;
        (void)!kal_client_clear_caches((kal_client){ 1 }, &error);
        return error.id;
    }
    case CANCEL: {
        kal_cancel cancel;
        return kal_cancel_open(&cancel, NULL) == KAL_OK ? cancel.id : 0;
    }
    case STREAM: {
        kal_stream stream;
        return kal_workspace_stream_events(source, NULL, NULL, &stream, NULL) == KAL_OK ? stream.id : 0;
    }
    default: {
        kal_queue queue;
        return kal_queue_open(&queue, NULL) == KAL_OK ? queue.id : 0;
    }
    }
}

static void free_as(enum kind kind, uint64_t id)
{
    switch (kind) {
    case CLIENT: kal_client_close((kal_client){ id }); break;
    case RESULT: kal_result_free((kal_result){ id }); break;
    case ERROR: kal_error_free((kal_error){ id }); break;
    case CANCEL: kal_cancel_close((kal_cancel){ id }); break;
    case STREAM: kal_stream_free((kal_stream){ id }); break;
    case QUEUE: kal_queue_close((kal_queue){ id }); break;
    }
}

/* Calls a random function that takes a handle of this kind and returns a status. None blocks for long with an invalid handle. */
static kal_status call_with(chance *chance, enum kind kind, uint64_t id, kal_result *result, kal_error *error)
{
    static const char *const ids[] = { "u-1" };
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    kal_stats stats = KAL_STATS_INIT;
    kal_completion completion = KAL_COMPLETION_INIT;
    kal_stream stream = KAL_NONE;
    kal_client client = { id };
    kal_status status = KAL_INVALID_HANDLE;
    options.cache = KAL_CACHE_ONLY;
    switch (kind) {
    case CLIENT:
        switch (chance_below(chance, 19)) {
        case 0: return kal_client_stats(client, &stats, error);
        case 1: return kal_client_clear_caches(client, error);
        case 2: return kal_workspace_get_workspace(client, &options, result, error);
        case 3: return kal_workspace_get_members(client, &options, result, error);
        case 4: return kal_workspace_get_members_by_ids(client, ids, 1, &options, result, error);
        case 5: return kal_workspace_get_groups(client, &options, result, error);
        case 6: return kal_workspace_get_groups_by_ids(client, ids, 1, &options, result, error);
        case 7: return kal_workspace_get_events(client, NULL, &options, result, error);
        case 8: return kal_call(client, "workspace.get_workspace", NULL, &options, result, error);
        case 9: return kal_call(client, "workspace.get_events", "{}", &options, result, error);
        case 10: return kal_submit(client, "workspace.get_groups", NULL, &options, ours, NULL, error);
        case 11: return kal_request(client, "POST", "/echo", NULL, "{}", &options, result, error);
        case 14: return kal_workspace_submit_get_events(client, NULL, &options, ours, NULL, error);
        case 15: return kal_workspace_submit_get_members_by_ids(client, ids, 1, &options, ours, NULL, error);
        case 16: return kal_workspace_submit_get_groups_by_ids(client, ids, 1, &options, ours, NULL, error);
        case 17: status = kal_stream_open(client, "workspace.follow_events", NULL, NULL, &stream, error); break;
        case 18: return kal_client_shutdown(client, 0, error);
        case 12: status = kal_workspace_stream_events(client, NULL, &options, &stream, error); break;
        default: status = kal_workspace_follow_events(client, NULL, NULL, &options, &stream, error); break;
        }
        kal_stream_free(stream);
        return status;
    case CANCEL:
        options.cancel.id = id;
        switch (chance_below(chance, 3)) {
        case 0: return kal_workspace_get_workspace(source, &options, result, error);
        case 1: return kal_submit(source, "workspace.get_groups", NULL, &options, ours, NULL, error);
        default: status = kal_workspace_stream_events(source, NULL, &options, &stream, error); break;
        }
        kal_stream_free(stream);
        return status;
    case STREAM:
        switch (chance_below(chance, 4)) {
        case 0: return kal_stream_set_backoff((kal_stream){ id }, 1, 1000, error);
        case 2: return kal_stream_set_read_ahead((kal_stream){ id }, 1, error);
        case 1: return kal_stream_next((kal_stream){ id }, 0, result, error);
        default: return kal_stream_submit_next((kal_stream){ id }, 0, ours, NULL, error);
        }
    case QUEUE:
        switch (chance_below(chance, 6)) {
        case 0: return kal_submit(source, "workspace.get_groups", NULL, &options, (kal_queue){ id }, NULL, error);
        case 1: return kal_workspace_submit_get_events(source, NULL, &options, (kal_queue){ id }, NULL, error);
        case 2: return kal_workspace_submit_get_members_by_ids(source, ids, 1, &options, (kal_queue){ id }, NULL, error);
        case 3: return kal_workspace_submit_get_groups_by_ids(source, ids, 1, &options, (kal_queue){ id }, NULL, error);
        case 4:
            status = kal_queue_next_values((kal_queue){ id }, 0, NULL, &completion.status, &completion.result, &completion.error,
                                           error);
            kal_result_free(completion.result);
            kal_error_free(completion.error);
            return status;
        default: break;
        }
        status = kal_queue_next((kal_queue){ id }, 0, &completion, error);
        kal_result_free(completion.result);
        kal_error_free(completion.error);
        return status;
    default: return kal_error_get((kal_error){ id }) == NULL ? KAL_INVALID_HANDLE : KAL_OK;
    }
}

/* Calls a random function that reads a handle of this kind. Returns whether it returned data. */
static bool view_with(chance *chance, enum kind kind, uint64_t id)
{
    size_t length = 7;
    uint32_t way = chance_below(chance, 6);
    kal_result result = { id };
    const void *view = NULL;
    switch (kind) {
    case RESULT:
        switch (way) {
        case 0: view = kal_result_json(result, &length); break;
        case 1: view = kal_result_workspace_users(result, &length); break;
        case 2: view = kal_result_workspace_groups(result, &length); break;
        case 3: view = kal_result_workspace_events(result, &length); break;
        case 4: return kal_result_kind(result) != KAL_RESULT_JSON;
        default:
            view = kal_result_workspace(result);
            length = 0;
            break;
        }
        if (view == NULL && length != 0)
            torture_fail("NULL, but with length %zu", length);
        return view != NULL;
    case STREAM: return kal_stream_cursor((kal_stream){ id }) != NULL;
    case QUEUE: return kal_queue_fd((kal_queue){ id }) >= 0;
    default:
        if (way % 2 == 0)
            return kal_error_get((kal_error){ id }) != NULL;
        view = kal_error_json((kal_error){ id }, &length);
        if (view == NULL && length != 0)
            torture_fail("NULL, but with length %zu", length);
        return view != NULL;
    }
}

static bool has_views(enum kind kind)
{
    return kind == RESULT || kind == ERROR || kind == STREAM || kind == QUEUE;
}

/* Uses a handle that is not live: frees, fires, reads or passes it. */
static void use_dead(chance *chance, enum kind kind, uint64_t id, enum sort sort)
{
    uint32_t way = chance_below(chance, 4);
    if (way == 0) {
        uint32_t other = chance_below(chance, 4);
        if (kind == CANCEL && other == 0)
            kal_cancel_fire((kal_cancel){ id });
        else if (kind == CANCEL && other == 1)
            kal_cancel_fire_from_signal((kal_cancel){ id });
        else if (kind == QUEUE && other == 0)
            kal_queue_shutdown((kal_queue){ id });
        else
            free_as(kind, id);
    } else if (kind == RESULT || kind == ERROR || (way == 1 && has_views(kind))) {
        if (view_with(chance, kind, id))
            torture_fail("a handle that is %s works as %u: %llx", sorts[sort], kind, (unsigned long long)id);
    } else if (kind != CANCEL || id != 0) {
        /* (KAL_NONE in the options means: cannot be cancelled.) */
        kal_result result = KAL_NONE;
        kal_error error = KAL_NONE;
        kal_status status = call_with(chance, kind, id, &result, &error);
        const kal_error_info *info = kal_error_get(error);
        if (status != KAL_INVALID_HANDLE)
            torture_fail("a handle that is %s returns %s as %u: %llx", sorts[sort], kal_status_name(status), kind,
                         (unsigned long long)id);
        else if (info == NULL || info->status != status || result.id != 0)
            torture_fail("an invalid handle returns no error, or a result");
        kal_error_free(error);
        kal_result_free(result);
    }
    atomic_fetch_add(&refused[sort], 1);
}

/* Uses a handle that is live, or was until recently. Returns whether it was. */
static bool use_live(chance *chance, enum kind kind, uint64_t id)
{
    if (kind == RESULT || kind == ERROR || (has_views(kind) && chance_below(chance, 2) == 0))
        return view_with(chance, kind, id);
    kal_result result = KAL_NONE;
    kal_error error = KAL_NONE;
    kal_status status = KAL_OK;
    uint32_t way = chance_below(chance, 8);
    if (kind == CANCEL && way == 0)
        kal_cancel_fire((kal_cancel){ id });
    else if (kind == CANCEL && way == 1)
        kal_cancel_fire_from_signal((kal_cancel){ id });
    else if (kind == QUEUE && way == 0)
        kal_queue_shutdown((kal_queue){ id });
    else if (kind == STREAM)
        /* The other functions send requests. */
        status = kal_stream_set_backoff((kal_stream){ id }, 1, 1000, &error);
    else
        status = call_with(chance, kind, id, &result, &error);
    bool expected = status == KAL_OK
                    || status == KAL_INVALID_HANDLE
                    /* Nothing is cached. */
                    || (status == KAL_NOT_FOUND && (kind == CLIENT || kind == CANCEL))
                    || (status == KAL_CANCELLED && kind != STREAM)
                    || (status == KAL_NOT_READY && kind == QUEUE)
                    /* The queue was shut down. */
                    || ((status == KAL_DONE || status == KAL_INVALID_STATE) && kind == QUEUE);
    if (!expected)
        torture_fail("a live handle of kind %u returns %s", kind, kal_status_name(status));
    if (status == KAL_INVALID_HANDLE && (kal_error_get(error) == NULL || kal_error_get(error)->status != status))
        torture_fail("an invalid handle returns no error");
    kal_error_free(error);
    kal_result_free(result);
    return status != KAL_INVALID_HANDLE;
}

/* Handles never issued: even versions belong to empty slots, and so high an odd one takes two billion frees. */
static uint64_t forge(chance *chance, uint64_t live)
{
    uint64_t noise = chance_next(chance);
    switch (chance_below(chance, 6)) {
    case 0: return live + ((uint64_t)1 << 32);
    case 1: return noise | (uint64_t)1 << 63;
    case 2: return live ^ (uint64_t)(1 + noise % 7) << KIND_SHIFT;
    case 3: return live ^ (uint64_t)(1 + noise % 31) << EPOCH_SHIFT;
    case 4: return noise & 0xFFFFFFFF;
    default: return chance_below(chance, 16) == 0 ? 0 : (live & 0xFFFFFFFF) | (noise << 33 & 0xFFFFFFFF00000000u);
    }
}

/* Frees handles that differ slightly from one that only this thread has, which must stay valid. */
static void free_beside(chance *chance, uint64_t own)
{
    enum kind mine = (enum kind)KIND_OF(own), kind = (enum kind)(1 + chance_below(chance, KINDS));
    if (kind == mine || chance_below(chance, 2) == 0)
        free_as(kind, forge(chance, own));
    else
        free_as(kind, own);
    /* The other accessors are for results of other kinds. */
    if (!(mine == RESULT ? kal_result_json((kal_result){ own }, NULL) != NULL : use_live(chance, mine, own)))
        torture_fail("a handle of kind %u was freed through one that it is not: %llx", mine, (unsigned long long)own);
}

/* Performs one operation, unless there is no handle for it. `own` are handles of this thread only. */
static bool operation(chance *chance, const uint64_t *own)
{
    uint32_t slot = chance_below(chance, SHARED);
    uint64_t live = atomic_load(&shared[slot]), id;
    enum kind kind = (enum kind)(1 + chance_below(chance, KINDS));
    switch (chance_below(chance, 16)) {
    case 0:
        /* Freed by one thread while others use it; afterwards it is in a grave. */
        if (live == 0 || !atomic_compare_exchange_strong(&shared[slot], &live, 0))
            return false;
        free_as((enum kind)KIND_OF(live), live);
        atomic_store(&graves[chance_below(chance, GRAVES)], live);
        return true;
    case 1:
    case 2: {
        uint64_t none = 0;
        if (live != 0 || (live = make(chance)) == 0)
            return false;
        if (!atomic_compare_exchange_strong(&shared[slot], &none, live))
            free_as((enum kind)KIND_OF(live), live);
        return true;
    }
    case 3: use_dead(chance, kind, 0, NONE); return true;
    case 4:
    case 5:
    case 6:
        id = atomic_load(&graves[chance_below(chance, GRAVES)]);
        if (id == 0)
            return false;
        use_dead(chance, chance_below(chance, 8) == 0 ? kind : (enum kind)KIND_OF(id), id, STALE);
        return true;
    case 7:
    case 8:
    case 9:
        id = forge(chance, live);
        if (KIND_OF(id) >= 1 && KIND_OF(id) <= KINDS && chance_below(chance, 4) != 0)
            kind = (enum kind)KIND_OF(id);
        use_dead(chance, kind, id, id == 0 ? NONE : FORGED);
        return true;
    case 10:
    case 11:
        /* Another kind: possible in C with a cast, or through a foreign function interface. */
        if (live == 0 || KIND_OF(live) == kind)
            return false;
        use_dead(chance, kind, live, OTHER);
        return true;
    case 12: free_beside(chance, own[chance_below(chance, OWN)]); return true;
    default:
        if (live == 0)
            return false;
        if (use_live(chance, (enum kind)KIND_OF(live), live))
            atomic_fetch_add(&worked, 1);
        return true;
    }
}

static void operate(int index)
{
    chance chance = chance_of((uint64_t)index);
    long done = 0;
    uint64_t own[OWN];
    for (int i = 0; i < OWN; i++)
        if ((own[i] = make(&chance)) == 0)
            torture_give_up("a thread has no handles of its own");
    while (done < operations_each && torture_failures() < 100) {
        done += operation(&chance, own);
        /* Random submissions complete at once: nothing is cached, and no request is sent. */
        kal_completion completion = KAL_COMPLETION_INIT;
        while (done % 64 == 0 && kal_queue_next(ours, 0, &completion, NULL) == KAL_OK) {
            kal_result_free(completion.result);
            kal_error_free(completion.error);
        }
    }
    for (int i = 0; i < OWN; i++)
        free_as((enum kind)KIND_OF(own[i]), own[i]);
    atomic_fetch_add(&operations, done);
}

int main(int argc, char **argv)
{
    torture_begin("handles", argc, argv);
    operations_each = (torture_long ? 10000000 : 200000) / THREADS;
    server = emulator_start(NULL);
    kal_client_options options = options_to(server.url);
    kal_result members;
    if (kal_client_open(&options, &source, NULL) != KAL_OK || kal_workspace_get_members(source, NULL, &members, NULL) != KAL_OK)
        torture_give_up("nothing can be cached");
    kal_result_free(members);
    if (kal_queue_open(&ours, NULL) != KAL_OK)
        torture_give_up("a queue cannot be opened");
    run_threads(THREADS, operate);
    torture_check(torture_failures() == 0,
                  "a handle that is not live returns KAL_INVALID_HANDLE or NULL, with handles being freed concurrently");
    for (int i = 0; i < SORTS; i++)
        torture_check(refused[i] > operations / 50, "%ld uses of handles that are %s", refused[i], sorts[i]);
    torture_check(worked > operations / 50, "%ld uses of live handles", worked);
    for (int i = 0; i < SHARED; i++)
        if (shared[i] != 0)
            free_as((enum kind)KIND_OF(shared[i]), shared[i]);
    kal_queue_close(ours);
    kal_client_close(source);
    torture_check(kal_shutdown(10000) == KAL_OK, "the library shuts down");
    emulator_stop(&server);
#ifdef __SANITIZE_ADDRESS__
    const char *built = "with AddressSanitizer";
#else
    const char *built = "without AddressSanitizer";
    torture_check(!torture_long, "the program is built with AddressSanitizer");
#endif
    return torture_end(operations, "%ld none, %ld stale, %ld forged, %ld of another kind, %ld live; %d threads, %s",
                       refused[NONE], refused[STALE], refused[FORGED], refused[OTHER], worked, (int)THREADS, built);
}
