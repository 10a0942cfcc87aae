#include "bridge.h"

#include <fcntl.h>
#include <unistd.h>

#include "_cgo_export.h"

// The submission that runs on this thread: the token provider runs inside it.
static _Thread_local uintptr_t submission;
// How many callbacks of the library this thread is in. Go keeps a goroutine on its thread while it is in one.
static _Thread_local int callbacks;

kal_status kaleidoscope_go_direct(kal_client client, const char *method, const char *params_json, const kal_call_options *options,
                                  int is_cached, kal_result *result, kal_error *error)
{
    if (callbacks > 0 || options->cache == KAL_CACHE_ONLY)
        return kal_call(client, method, params_json, options, result, error);
    if (is_cached && options->cache == KAL_CACHE_USE) {
        kal_call_options only = *options;
        only.cache = KAL_CACHE_ONLY;
        if (kal_call(client, method, params_json, &only, result, NULL) == KAL_OK)
            return KAL_OK;
    }
    return KAL_NOT_READY;
}

kal_status kaleidoscope_go_submit(kal_client client, const char *method, const char *params_json, const kal_call_options *options,
                                  kal_queue queue, uintptr_t number, kal_error *error)
{
    uintptr_t outer = submission;
    submission = number;
    kal_status status = kal_submit(client, method, params_json, options, queue, (void *)number, error);
    submission = outer;
    return status;
}

kal_status kaleidoscope_go_submit_next(kal_stream stream, uint32_t timeout_ms, kal_queue queue, uintptr_t number,
                                       kal_error *error)
{
    if (callbacks > 0) {
        kal_result none = KAL_NONE;
        return kal_stream_next(stream, timeout_ms, &none, error);
    }
    uintptr_t outer = submission;
    submission = number;
    kal_status status = kal_stream_submit_next(stream, timeout_ms, queue, (void *)number, error);
    submission = outer;
    return status;
}

int kaleidoscope_go_in_callback(void)
{
    return callbacks > 0;
}

kal_status kaleidoscope_go_next(kal_queue queue, kaleidoscope_go_completion *completion)
{
    kal_completion next = KAL_COMPLETION_INIT;
    kal_status status = kal_queue_next(queue, 0, &next, NULL);
    completion->number = (uintptr_t)next.user_data;
    completion->status = next.status;
    completion->result = next.result;
    completion->error = next.error;
    return status;
}

int kaleidoscope_go_descriptor(kal_queue queue)
{
    // Not one of the standard descriptors, which a daemon may have closed.
    return fcntl(kal_queue_fd(queue), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static kal_status iap_token(void *number, char *buffer, size_t capacity, size_t *length)
{
    callbacks++;
    kal_status status = kaleidoscopeIAPToken((uintptr_t)number, submission, buffer, capacity, length);
    callbacks--;
    return status;
}

void kaleidoscope_go_set_iap(kal_client_options *options, uintptr_t number)
{
    options->iap_token_provider = iap_token;
    options->iap_user_data = (void *)number;
}

static void log_line(void *user_data, int32_t level, const char *message)
{
    (void)user_data;
    callbacks++;
    kaleidoscopeLog(level, (char *)message);
    callbacks--;
}

kal_status kaleidoscope_go_set_log(int32_t level)
{
    return kal_set_log(level, log_line, NULL);
}
