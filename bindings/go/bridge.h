#include <kaleidoscope.h>

// What Go needs between itself and the library. User data are numbers, never pointers.

typedef struct kaleidoscope_go_completion {
    uintptr_t number;
    kal_status status;
    kal_result result;
    kal_error error;
} kaleidoscope_go_completion;

// Makes a call that does not wait: one that the cache answers or may not send a request, and any call from a callback of the
// library, where waiting is refused. KAL_NOT_READY: it has to be submitted.
kal_status kaleidoscope_go_direct(kal_client client, const char *method, const char *params_json, const kal_call_options *options,
                                  int is_cached, kal_result *result, kal_error *error);

kal_status kaleidoscope_go_submit(kal_client client, const char *method, const char *params_json, const kal_call_options *options,
                                  kal_queue queue, uintptr_t number, kal_error *error);

// In a callback of the library it returns KAL_WOULD_DEADLOCK, as kal_stream_next does.
kal_status kaleidoscope_go_submit_next(kal_stream stream, uint32_t timeout_ms, kal_queue queue, uintptr_t number,
                                       kal_error *error);

// Whether this thread is in a callback of the library.
int kaleidoscope_go_in_callback(void);

// Without waiting.
kal_status kaleidoscope_go_next(kal_queue queue, kaleidoscope_go_completion *completion);

// A descriptor of the caller's own.
int kaleidoscope_go_descriptor(kal_queue queue);

void kaleidoscope_go_set_iap(kal_client_options *options, uintptr_t number);
kal_status kaleidoscope_go_set_log(int32_t level);
