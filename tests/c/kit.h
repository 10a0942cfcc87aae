/* Shared by the C API tests: an emulator, clients connected to it, and calls that must succeed or fail. */
#ifndef KIT_H
#define KIT_H

#include <kaleidoscope.h>
#include <pthread.h>

#include "check.h"
#include "emulator.h"

#define SECRET "demo-secret"

/* The emulator of this test program, reset before each claim. */
extern emulator server;

/* `main` of a test program that uses the emulator, started with these options (NULL last). */
int kit_main(int argc, char **argv, const char *option, ...);

/* Options for an emulator: its URL and credentials. Retries are off, so that a claim sees the fault it injected. */
kal_client_options options_for(const emulator *server);
/* Opens a client with these options; the claim ends if that fails. */
kal_client client_with(kal_client_options options);
/* Opens a client of `server`. */
kal_client new_client(void);
kal_stats stats_of(kal_client client);

/* The methods of the workspace service with one signature: filters and ids are empty. */
typedef kal_status (*kit_call)(kal_client, const kal_call_options *, kal_result *, kal_error *);
kal_status get_events(kal_client client, const kal_call_options *options, kal_result *result, kal_error *error);
kal_status get_members_by_no_ids(kal_client client, const kal_call_options *options, kal_result *result, kal_error *error);
kal_status get_groups_by_no_ids(kal_client client, const kal_call_options *options, kal_result *result, kal_error *error);
#define get_workspace kal_workspace_get_workspace
#define get_members kal_workspace_get_members
#define get_groups kal_workspace_get_groups

typedef struct kit_method {
    const char *name;
    const char *path;
    kit_call call;
} kit_method;
enum { KIT_METHODS = 6 };
extern const kit_method kit_methods[KIT_METHODS];

/* The result of a call that must succeed; the claim ends if it does not. */
#define RESULT_OF(call, client) kit_result(__FILE__, __LINE__, #call, (call), (client), NULL)
#define RESULT_WITH(call, client, options) kit_result(__FILE__, __LINE__, #call, (call), (client), (options))
kal_result kit_result(const char *file, int line, const char *what, kit_call call, kal_client client,
                      const kal_call_options *options);

/* Checks that a call (whose error is stored in `error`) returned this status, that its error has the same status, and that its
 * message contains `says`. Returns the error's details: never NULL, valid until the next use on this thread. */
#define FAILURE(call, error, expected, says) kit_failure(__FILE__, __LINE__, #call, (call), (error), (expected), (says))
const kal_error_info *kit_failure(const char *file, int line, const char *what, kal_status actual, const kal_error *error,
                                  kal_status expected, const char *says);
/* The same for a call of the service, which must leave its result as KAL_NONE. */
#define FAILURE_OF(call, client, expected, says) \
    kit_call_failure(__FILE__, __LINE__, #call, (call), (client), NULL, (expected), (says))
#define FAILURE_WITH(call, client, options, expected, says) \
    kit_call_failure(__FILE__, __LINE__, #call, (call), (client), (options), (expected), (says))
const kal_error_info *kit_call_failure(const char *file, int line, const char *what, kit_call call, kal_client client,
                                       const kal_call_options *options, kal_status expected, const char *says);

/* A call on its own thread. */
typedef struct caller {
    pthread_t thread;
    kit_call call;
    kal_client client;
    kal_call_options options;
    kal_status status;
    kal_result result;
    kal_error error;
} caller;
void caller_start(caller *caller, kit_call call, kal_client client, const kal_call_options *options);
/* Waits for it to return; the caller frees its result and its error. */
kal_status caller_join(caller *caller);

/* Runs `each` on this many threads concurrently and joins them. */
enum { CROWD_MOST = 64 };
void crowd(int threads, void (*each)(int index, void *context), void *context);

/* What the C library calls the lack of descriptors, in an error's message; each has words of its own. */
const char *no_descriptor(void);
/* Whether the queue has something that an event loop can wait for. */
bool is_pollable(kal_queue queue);
/* Whether `kal_queue_next` would return something within this time. */
bool is_readable(kal_queue queue, int timeout_ms);

/* For ThreadSanitizer, which does not see that the library orders these: `hand_over` after the last access before the library
 * gets a pointer, and at the end of a callback; `take_over` at the start of a callback, and before the next access once the
 * library does not call it any more. docs/process.md has the same. */
void hand_over(void *what);
void take_over(void *what);

/* The numbers of threads of this process and of its descriptors; on Windows of its handles. */
int thread_count(void);
int descriptor_count(void);
/* The file of the shared library. */
#ifdef _WIN32
#define LIBRARY "kaleidoscope.dll"
#elif defined __APPLE__
#define LIBRARY "libkaleidoscope.dylib"
#else
#define LIBRARY "libkaleidoscope.so"
#endif

/* Call options with one field changed from the defaults. */
kal_call_options with_cache(int32_t cache);
kal_call_options with_timeout(uint32_t timeout_ms);
kal_call_options with_cancel(kal_cancel cancel);

#endif
