/* What the tests of the boundary share: an emulator, clients that talk to it, calls that must succeed or fail. */
#ifndef KIT_H
#define KIT_H

#include <kaleidoscope.h>
#include <pthread.h>

#include "check.h"
#include "emulator.h"

#define SECRET "demo-secret"

/* The emulator of this test program, reset before each claim. */
extern emulator server;

/* `main` of a test program that talks to the emulator, which is started with these options (NULL last). */
int kit_main(int argc, char **argv, const char *option, ...);

/* Options that lead to an emulator: its URL and credentials. No retries, so that a claim sees the failure it asked for. */
kal_client_options options_for(const emulator *server);
/* A client with these options; the claim ends when it cannot be opened. */
kal_client client_with(kal_client_options options);
/* A client of `server`. */
kal_client new_client(void);
kal_stats stats_of(kal_client client);

/* The methods of the workspace service with one signature: filters and ids of those that have some are empty. */
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

/* What a call gives that must succeed; the claim ends when it does not. */
#define RESULT_OF(call, client) kit_result(__FILE__, __LINE__, #call, (call), (client), NULL)
#define RESULT_WITH(call, client, options) kit_result(__FILE__, __LINE__, #call, (call), (client), (options))
kal_result kit_result(const char *file, int line, const char *what, kit_call call, kal_client client,
                      const kal_call_options *options);

/* Checks that a call (whose error goes to `error`) gave this status, that its error says the same, and that its message
   contains `says`. Gives what is known of the failure: never NULL, valid until the next use on this thread. */
#define FAILURE(call, error, expected, says) kit_failure(__FILE__, __LINE__, #call, (call), (error), (expected), (says))
const kal_error_info *kit_failure(const char *file, int line, const char *what, kal_status actual, const kal_error *error,
                                  kal_status expected, const char *says);
/* The same for a call of the service, which must leave its result none. */
#define FAILURE_OF(call, client, expected, says) \
    kit_call_failure(__FILE__, __LINE__, #call, (call), (client), NULL, (expected), (says))
#define FAILURE_WITH(call, client, options, expected, says) \
    kit_call_failure(__FILE__, __LINE__, #call, (call), (client), (options), (expected), (says))
const kal_error_info *kit_call_failure(const char *file, int line, const char *what, kit_call call, kal_client client,
                                       const kal_call_options *options, kal_status expected, const char *says);

/* A call on a thread of its own. */
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
/* Waits for its end; its result and its error are then to be freed. */
kal_status caller_join(caller *caller);

/* Runs `each` on so many threads at once, and waits for them. */
enum { CROWD_MOST = 64 };
void crowd(int threads, void (*each)(int index, void *context), void *context);

/* Call options that differ from the defaults in one field. */
kal_call_options with_cache(int32_t cache);
kal_call_options with_timeout(uint32_t timeout_ms);
kal_call_options with_cancel(kal_cancel cancel);

#endif
