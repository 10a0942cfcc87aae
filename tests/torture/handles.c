/*
 * Row 6: 8 threads do random operations on handles that are live, stale, forged and of another kind, with the library and this
 * program built with AddressSanitizer.
 *
 * A handle that is not live gives KAL_INVALID_HANDLE, or nothing; a live one, which another thread may free at any moment,
 * gives what it stands for or the same. No operation touches memory that is not its own.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../c/emulator.h"
#include "torture.h"

enum { THREADS = 8, SHARED = 64, GRAVES = 256, KINDS = 6 };
enum kind { CLIENT = 1, RESULT, ERROR, CANCEL, STREAM, QUEUE };

/* The layout of a handle, which a forger may know: version << 32 | kind << 29 | epoch << 24 | slot. */
enum { KIND_SHIFT = 29, EPOCH_SHIFT = 24 };
#define KIND_OF(id) ((unsigned)((id) >> KIND_SHIFT & 7))

static emulator server;
static long operations_each;
/* Live handles that every thread uses and frees; graves are handles that were freed, or never were. */
static _Atomic uint64_t shared[SHARED], graves[GRAVES];
static kal_client source;
static atomic_long operations, refused, worked;

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
                == KAL_OK ? result.id : 0;
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

/* Uses a handle as if it were of a kind. Gives whether it was taken for one. */
static bool use_as(chance *chance, enum kind kind, uint64_t id)
{
    kal_status status = KAL_OK;
    bool got = true;
    kal_result result = KAL_NONE;
    kal_error error = KAL_NONE;
    kal_call_options cached = KAL_CALL_OPTIONS_INIT;
    kal_stats stats = KAL_STATS_INIT;
    kal_completion completion = KAL_COMPLETION_INIT;
    size_t length = 7;
    uint32_t way = chance_below(chance, 5);
    cached.cache = KAL_CACHE_ONLY;
    switch (kind) {
    case CLIENT:
        if (way == 0)
            status = kal_client_stats((kal_client){ id }, &stats, &error);
        else if (way == 1)
            status = kal_client_clear_caches((kal_client){ id }, &error);
        else if (way == 2)
            status = kal_workspace_get_groups((kal_client){ id }, &cached, &result, &error);
        else if (way == 3)
            status = kal_call((kal_client){ id }, "workspace.get_workspace", NULL, &cached, &result, &error);
        else {
            kal_stream stream;
            status = kal_workspace_follow_events((kal_client){ id }, NULL, NULL, NULL, &stream, &error);
            kal_stream_free(stream);
        }
        /* Nothing was cached. */
        got = status != KAL_INVALID_HANDLE;
        status = status == KAL_NOT_FOUND ? KAL_OK : status;
        break;
    case RESULT: {
        const void *view = way == 0 ? (const void *)kal_result_json((kal_result){ id }, &length)
            : way == 1 ? (const void *)kal_result_workspace_users((kal_result){ id }, &length)
            : way == 2 ? (const void *)kal_result_workspace((kal_result){ id })
            : way == 3 ? (const void *)kal_result_workspace_groups((kal_result){ id }, &length)
                       : (const void *)kal_result_workspace_events((kal_result){ id }, NULL);
        got = view != NULL;
        if (!got && way < 4 && way != 2 && length != 0)
            torture_fail("nothing, but of length %zu", length);
        break;
    }
    case ERROR:
        got = kal_error_get((kal_error){ id }) != NULL;
        break;
    case CANCEL:
        cached.cancel.id = id;
        /* None means in the options: it cannot be cancelled. */
        if (way == 0 || id == 0) {
            kal_cancel_fire((kal_cancel){ id });
            got = false;
            break;
        }
        status = kal_workspace_get_workspace(source, &cached, &result, &error);
        got = status != KAL_INVALID_HANDLE;
        status = status == KAL_CANCELLED || status == KAL_NOT_FOUND ? KAL_OK : status;
        break;
    case STREAM:
        if (way < 3) {
            /* None has asked the server yet: there is nothing to wait for, so this asks nothing either. */
            status = kal_stream_set_backoff((kal_stream){ id }, 1, 1000, &error);
            got = status != KAL_INVALID_HANDLE;
        } else {
            got = kal_stream_cursor((kal_stream){ id }) != NULL;
        }
        break;
    case QUEUE:
        if (way < 3) {
            status = kal_queue_next((kal_queue){ id }, 0, &completion, &error);
            got = status != KAL_INVALID_HANDLE;
            status = status == KAL_TIMED_OUT || status == KAL_CANCELLED ? KAL_OK : status;
        } else {
            got = kal_queue_fd((kal_queue){ id }) >= 0;
        }
        break;
    }
    if (status != KAL_OK && status != KAL_INVALID_HANDLE)
        torture_fail("a handle of kind %u used as %u gives %s (%d)", KIND_OF(id), kind, kal_status_name(status), status);
    if (status == KAL_INVALID_HANDLE && (kal_error_get(error) == NULL || kal_error_get(error)->status != status))
        torture_fail("an invalid handle gives no error");
    kal_error_free(error);
    kal_result_free(result);
    return got;
}

/* What was never given out: versions that are even belong to empty slots, and so high a one takes two thousand million frees. */
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

static void operate(int index)
{
    chance chance = chance_of((uint64_t)index);
    long done = 0, no = 0, yes = 0;
    for (; done < operations_each && torture_failures() < 100; done++) {
        uint32_t slot = chance_below(&chance, SHARED);
        uint64_t live = atomic_load(&shared[slot]);
        enum kind kind = (enum kind)(1 + chance_below(&chance, KINDS));
        switch (chance_below(&chance, 16)) {
        case 0:
            /* Freed by one, used by others at the same time; from then on it is in a grave. */
            if (live != 0 && atomic_compare_exchange_strong(&shared[slot], &live, 0)) {
                free_as((enum kind)KIND_OF(live), live);
                atomic_store(&graves[chance_below(&chance, GRAVES)], live);
            }
            break;
        case 1:
        case 2:
            if (live == 0 && (live = make(&chance)) != 0) {
                uint64_t none = 0;
                if (!atomic_compare_exchange_strong(&shared[slot], &none, live))
                    free_as((enum kind)KIND_OF(live), live);
            }
            break;
        case 3: {
            uint64_t stale = atomic_load(&graves[chance_below(&chance, GRAVES)]);
            free_as(chance_below(&chance, 2) == 0 ? kind : (enum kind)KIND_OF(stale), stale);
            no++;
            break;
        }
        case 4:
        case 5:
        case 6: {
            uint64_t stale = atomic_load(&graves[chance_below(&chance, GRAVES)]);
            if (KIND_OF(stale) != 0 && KIND_OF(stale) != 7)
                kind = (enum kind)KIND_OF(stale);
            if (use_as(&chance, kind, stale))
                torture_fail("a stale handle of kind %u works", KIND_OF(stale));
            no++;
            break;
        }
        case 7:
        case 8:
        case 9: {
            uint64_t forged = forge(&chance, live);
            if (KIND_OF(forged) >= 1 && KIND_OF(forged) <= KINDS && chance_below(&chance, 4) != 0)
                kind = (enum kind)KIND_OF(forged);
            if (chance_below(&chance, 4) == 0)
                free_as(kind, forged);
            else if (use_as(&chance, kind, forged))
                torture_fail("a forged handle works as %u: %llx of %llx", kind, (unsigned long long)forged, (unsigned long long)live);
            no++;
            break;
        }
        case 10:
        case 11:
            /* Another kind: a compiler lets a cast or a foreign function pass it. */
            if (live == 0 || KIND_OF(live) == kind)
                break;
            if (chance_below(&chance, 2) == 0)
                free_as(kind, live);
            else if (use_as(&chance, kind, live))
                torture_fail("a handle of kind %u works as %u", KIND_OF(live), kind);
            no++;
            break;
        default:
            if (live != 0)
                yes += use_as(&chance, (enum kind)KIND_OF(live), live);
            break;
        }
    }
    atomic_fetch_add(&operations, done);
    atomic_fetch_add(&refused, no);
    atomic_fetch_add(&worked, yes);
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
    run_threads(THREADS, operate);
    torture_check(torture_failures() == 0, "a handle that is not live gives KAL_INVALID_HANDLE or nothing, whoever frees what meanwhile");
    torture_check(worked > operations / 50 && refused > operations / 10, "%ld operations on live handles work, %ld on others are refused", worked, refused);
    for (int i = 0; i < SHARED; i++)
        if (shared[i] != 0)
            free_as((enum kind)KIND_OF(shared[i]), shared[i]);
    kal_client_close(source);
    torture_check(kal_shutdown(10000) == KAL_OK, "the library shuts down");
    emulator_stop(&server);
#ifdef __SANITIZE_ADDRESS__
    const char *built = "with AddressSanitizer";
#else
    const char *built = "without AddressSanitizer";
    torture_check(!torture_long, "the program is built with AddressSanitizer");
#endif
    return torture_end(operations, "%ld refused, %ld on live handles, %d threads, %s", refused, worked, (int)THREADS, built);
}
