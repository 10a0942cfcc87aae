/*
 * Row 1: every system call of the library fails once, and from then on.
 *
 * A scenario runs once to count how often the library calls each function; then, each time in a new process, with call k
 * failing: it must end in time with a status allowed by the table of faults, leak no descriptor and no thread after shutdown,
 * and the same call must work once the fault is gone.
 *
 * Seen red when the library assumes that its thread can be started: "first call, http: pthread_create: EAGAIN, at call 0: it
 * gives KAL_PANIC".
 */
#include "syscall_faults.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../c/emulator.h"
#include "torture.h"

enum { HANGS_AFTER_MS = 10000, WORKERS = 2, SHORT_EVERY = 23, STATUSES = 4 };

typedef struct fault {
    int function, value;
    const char *name;
    kal_status allowed[STATUSES];
} fault;
#define FAULT(function, value, ...) { FUNCTION_##function, value, #function ": " #value, { __VA_ARGS__ } },
static const fault faults[] = { FAULTS(FAULT) };
enum { FAULT_COUNT = sizeof faults / sizeof *faults };

#define FUNCTION_NAME(function) #function,
static const char *const function_names[] = { FUNCTIONS(FUNCTION_NAME) };

/* State of the running worker. */
static emulator plain, tls;
static char ca_file[64];

static kal_status take(kal_status status, kal_result *result)
{
    kal_result_free(*result);
    return status;
}

static kal_client opened(kal_client_options options)
{
    kal_client client;
    if (kal_client_open(&options, &client, NULL) != KAL_OK)
        torture_give_up("a client cannot be opened");
    return client;
}

#define CALL(call)                           \
    do {                                     \
        kal_result result;                   \
        kal_status status = call;            \
        if (take(status, &result) != KAL_OK) \
            return status;                   \
    } while (0)

static kal_client_options plain_options(void)
{
    return options_to(plain.url);
}

static kal_client_options tls_options(void)
{
    kal_client_options options = options_to(tls.url);
    options.ca_bundle_path = ca_file;
    return options;
}

static kal_client_options named_options(void)
{
    static char url[64];
    snprintf(url, sizeof url, "http://localhost:%u", plain.port);
    return options_to(url);
}

static kal_client_options retrying_options(void)
{
    kal_client_options options = plain_options();
    options.max_attempts = 3;
    return options;
}

static kal_status first_call(kal_client client)
{
    CALL(kal_workspace_get_workspace(client, NULL, &result, NULL));
    return KAL_OK;
}

static kal_status retried(kal_client client)
{
    emulator_fault(&plain, "{\"path\":\"/workspaces\",\"status\":503}");
    CALL(kal_workspace_get_groups(client, NULL, &result, NULL));
    return KAL_OK;
}

static kal_status refreshed(kal_client client)
{
    CALL(kal_workspace_get_workspace(client, NULL, &result, NULL));
    emulator_admin(&plain, "expire-tokens", "");
    CALL(kal_workspace_get_members(client, NULL, &result, NULL));
    return KAL_OK;
}

static kal_status cached(kal_client client)
{
    static const char *const ids[] = { "a", "b" };
    CALL(kal_workspace_get_members(client, NULL, &result, NULL));
    CALL(kal_workspace_get_members(client, NULL, &result, NULL));
    CALL(kal_workspace_get_members_by_ids(client, ids, 2, NULL, &result, NULL));
    return KAL_OK;
}

static kal_status events(kal_client client)
{
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    query.page_size = 200;
    CALL(kal_workspace_get_events(client, &query, NULL, &result, NULL));
    return KAL_OK;
}

static kal_status streamed(kal_client client)
{
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    query.page_size = 150;
    kal_stream stream;
    kal_result page;
    kal_status status = kal_workspace_stream_events(client, &query, NULL, &stream, NULL);
    while (status == KAL_OK) {
        status = kal_stream_next(stream, HANGS_AFTER_MS, &page, NULL);
        kal_result_free(page);
    }
    kal_stream_free(stream);
    return status == KAL_DONE ? KAL_OK : status;
}

static kal_status restarted(kal_client client)
{
    CALL(kal_workspace_get_workspace(client, NULL, &result, NULL));
    kal_status status = kal_shutdown(5000);
    if (status != KAL_OK)
        return status;
    CALL(kal_workspace_get_groups(client, NULL, &result, NULL));
    return KAL_OK;
}

static kal_status submitted(kal_client client)
{
    static const char *const methods[] = { "workspace.get_workspace", "workspace.get_members", "workspace.get_groups",
                                           "workspace.get_events" };
    kal_queue queue;
    kal_status worst = kal_queue_open(&queue, NULL);
    int under_way = 0;
    for (int i = 0; i < 4 && worst == KAL_OK; i++) {
        worst = kal_submit(client, methods[i], NULL, NULL, queue, NULL, NULL);
        under_way += worst == KAL_OK;
    }
    for (; under_way > 0; under_way--) {
        kal_completion completion = KAL_COMPLETION_INIT;
        kal_status status = kal_queue_next(queue, HANGS_AFTER_MS, &completion, NULL);
        kal_result_free(completion.result);
        kal_error_free(completion.error);
        if (status != KAL_OK || completion.status != KAL_OK)
            worst = status != KAL_OK ? status : completion.status;
    }
    kal_queue_close(queue);
    return worst;
}

static const struct scenario {
    const char *name;
    kal_client_options (*options)(void);
    kal_status (*run)(kal_client);
} scenarios[] = {
    { "first call, http", plain_options, first_call },
    { "first call, https", tls_options, first_call },
    { "first call, by name", named_options, first_call },
    { "retry", retrying_options, retried },
    { "refresh", plain_options, refreshed },
    { "cached", plain_options, cached },
    { "events", plain_options, events },
    { "events, https", tls_options, events },
    { "a stream", plain_options, streamed },
    { "shutdown and again", plain_options, restarted },
    { "submit and queue", plain_options, submitted },
};
enum { SCENARIO_COUNT = sizeof scenarios / sizeof *scenarios };

typedef struct report {
    kal_status status, after;
    long failed, calls[FUNCTION_COUNT];
    bool complete, no_shutdown, threads_left, descriptors_left;
    char descriptors[1024];
} report;

static bool is_alone(void *none)
{
    (void)none;
    return threads_now() == 1;
}

static void shut_down(report *report, const char *descriptors_before)
{
    if (kal_shutdown(5000) != KAL_OK)
        report->no_shutdown = true;
    report->threads_left |= !wait_until(is_alone, NULL, 3000);
    descriptors_now(report->descriptors, sizeof report->descriptors);
    report->descriptors_left |= strcmp(descriptors_before, report->descriptors) != 0;
}

/* Runs in a separate process. */
static void inject(const struct scenario *scenario, int function, long call, int value, int lasting, report *report)
{
    char before[1024];
    emulator_reset(&plain);
    descriptors_now(before, sizeof before);
    shim_arm(function, call, value, lasting);
    kal_client client = opened(scenario->options());
    report->status = scenario->run(client);
    report->failed = shim_failed();
    for (int i = 0; i < FUNCTION_COUNT; i++)
        report->calls[i] = shim_calls(i);
    shim_disarm();
    emulator_reset(&plain);

    /* Caches are cleared, so that the call depends on nothing done before. Half of the calls find the thread as the fault left
     * it, the other half find none. */
    if (kal_client_clear_caches(client, NULL) != KAL_OK)
        torture_give_up("the client is gone");
    if (lasting)
        shut_down(report, before);
    report->after = scenario->run(client);
    /* The fault may have hit between calls: then the thread ends during this call. */
    if (function == FUNCTION_epoll_wait && report->status == KAL_OK && report->after != KAL_OK) {
        emulator_reset(&plain);
        report->after = scenario->run(client);
    }
    kal_client_close(client);
    shut_down(report, before);
    report->complete = true;
}

/* Shared by the workers. */
static struct shared {
    atomic_long injections, ran[SCENARIO_COUNT], wrong[SCENARIO_COUNT], by_function[FUNCTION_COUNT];
} * shared;

static bool is_allowed(const fault *fault, kal_status status)
{
    for (int i = 0; i < STATUSES; i++)
        if (status == fault->allowed[i])
            return true;
    return status == KAL_OK;
}

/* Why an injection failed, or NULL. */
static const char *judge(const fault *fault, const report *report, int exit)
{
    static char why[1400];
    if (exit == -1)
        return "it hangs";
    if (exit != 0 || !report->complete) {
        snprintf(why, sizeof why, "the process died: wait status %#x", (unsigned)exit);
        return why;
    }
    if (fault != NULL && !is_allowed(fault, report->status))
        snprintf(why, sizeof why, "it returns %s (%d)", kal_status_name(report->status), report->status);
    else if (report->after != KAL_OK)
        snprintf(why, sizeof why, "the call afterwards fails: %s (%d)", kal_status_name(report->after), report->after);
    else if (report->no_shutdown)
        return "it does not shut down";
    else if (report->threads_left)
        return "a thread is left";
    else if (report->descriptors_left)
        snprintf(why, sizeof why, "a descriptor is leaked: %s", report->descriptors);
    else
        return NULL;
    return why;
}

static int run_child(const struct scenario *scenario, int function, long call, int value, int lasting, report *report)
{
    memset(report, 0, sizeof *report);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        inject(scenario, function, call, value, lasting, report);
        _exit(0);
    }
    return reap_within(child, HANGS_AFTER_MS + 5000);
}

static void work(int worker, long every)
{
    report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(ca_file, sizeof ca_file, "/tmp/kal-syscall-faults-%d.pem", (int)getpid());
    plain = emulator_start("--events", "300", NULL);
    tls = emulator_start("--tls", "--ca-out", ca_file, "--events", "300", NULL);
    long number = 0;
    for (int i = 0; i < SCENARIO_COUNT; i++) {
        long calls[FUNCTION_COUNT];
        int exit = run_child(&scenarios[i], 0, -1, 0, 0, report);
        const char *why = judge(NULL, report, exit);
        if (why != NULL || report->status != KAL_OK)
            torture_give_up("%s fails without a fault: %s, %s", scenarios[i].name, kal_status_name(report->status),
                            why != NULL ? why : "");
        memcpy(calls, report->calls, sizeof calls);
        for (int f = 0; f < FAULT_COUNT; f++)
            for (long call = 0; call < calls[faults[f].function]; call++)
                for (int lasting = 0; lasting < 2; lasting++) {
                    /* A call that is interrupted forever never ends, and need not. */
                    if (lasting && (faults[f].value == EINTR || faults[f].function == FUNCTION_epoll_wait))
                        continue;
                    if (number++ % WORKERS != worker || (number / WORKERS) % every != 0)
                        continue;
                    exit = run_child(&scenarios[i], faults[f].function, call, faults[f].value, lasting, report);
                    /* The number of reads depends on timing: if the call did not happen this time, it is not an injection. */
                    if (exit == 0 && report->failed == 0)
                        continue;
                    atomic_fetch_add(&shared->injections, 1);
                    atomic_fetch_add(&shared->ran[i], 1);
                    atomic_fetch_add(&shared->by_function[faults[f].function], 1);
                    why = judge(&faults[f], report, exit);
                    if (why != NULL) {
                        atomic_fetch_add(&shared->wrong[i], 1);
                        printf("# %s: %s, %s call %ld: %s\n", scenarios[i].name, faults[f].name, lasting ? "from" : "at", call,
                               why);
                    }
                }
    }
    emulator_stop(&plain);
    emulator_stop(&tls);
    unlink(ca_file);
    exit(0);
}

/* Loads the shim, which is beside this program, by re-executing itself; child programs run without it. */
static void load_shim(char **argv)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "_shim.so");
    if (length <= 0 || getenv("LD_PRELOAD") != NULL)
        torture_give_up("the shim is not loaded");
    strcpy(path + length, "_shim.so");
    setenv("LD_PRELOAD", path, 1);
    execv("/proc/self/exe", argv);
    torture_give_up("it cannot re-execute itself");
}

int main(int argc, char **argv)
{
    torture_begin("syscall-faults", argc, argv);
    if (shim_arm == NULL)
        load_shim(argv);
    unsetenv("LD_PRELOAD");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t workers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        if (workers[i] == 0)
            work(i, torture_long ? 1 : SHORT_EVERY);
    }
    int status;
    for (int i = 0; i < WORKERS; i++)
        if (waitpid(workers[i], &status, 0) < 0 || status != 0)
            torture_check(false, "worker %d ends by itself", i);
    long wrong = 0, functions = 0;
    for (int i = 0; i < SCENARIO_COUNT; i++) {
        wrong += shared->wrong[i];
        torture_check(shared->ran[i] > 0 && shared->wrong[i] == 0,
                      "%s: no crash, no hang, an allowed status, no leak, and the next call works", scenarios[i].name);
    }
    char detail[400] = "";
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        functions += shared->by_function[i] > 0;
        snprintf(detail + strlen(detail), sizeof detail - strlen(detail), " %s %ld", function_names[i],
                 (long)shared->by_function[i]);
    }
    long injections = shared->injections;
    if (torture_long)
        torture_check(injections >= 1000, "at least 1,000 injections: %ld", injections);
    return torture_end(injections, "%d scenarios, %ld wrong; injections by function:%s", (int)SCENARIO_COUNT, wrong, detail);
}
