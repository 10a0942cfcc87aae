#include "kit.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#ifdef __SANITIZE_THREAD__
#define CHECKS_THREADS
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define CHECKS_THREADS
#endif
#endif
#ifdef CHECKS_THREADS
#include <sanitizer/tsan_interface.h>
#endif
#ifdef __APPLE__
#include <mach/mach.h>
#endif

emulator server;

static void reset_server(void)
{
    emulator_reset(&server);
}

int kit_main(int argc, char **argv, const char *option, ...)
{
    const char *options[8] = { option };
    va_list more;
    va_start(more, option);
    for (size_t i = 1; i < 8 && options[i - 1] != NULL; i++)
        options[i] = va_arg(more, const char *);
    va_end(more);
    server = emulator_start("--seed", "1", options[0], options[1], options[2], options[3], options[4], options[5], options[6],
                            options[7], (char *)NULL);
    check_before_each(reset_server);
    int outcome = check_main(argc, argv);
    emulator_stop(&server);
    return outcome;
}

kal_client_options options_for(const emulator *of)
{
    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    options.client_id = "demo-client";
    options.client_secret = SECRET;
    options.base_url = of->url;
    options.max_attempts = 1;
    options.retry_wait_ms = 5;
    return options;
}

kal_client client_with(kal_client_options options)
{
    kal_client client;
    kal_error error;
    if (!CHECK_STATUS(kal_client_open(&options, &client, &error), KAL_OK)) {
        printf("#     %s\n", kal_error_get(error)->message);
        check_give_up();
    }
    return client;
}

kal_client new_client(void)
{
    return client_with(options_for(&server));
}

kal_stats stats_of(kal_client client)
{
    kal_stats stats = KAL_STATS_INIT;
    kal_error error;
    CHECK_STATUS(kal_client_stats(client, &stats, &error), KAL_OK);
    return stats;
}

kal_status get_events(kal_client client, const kal_call_options *options, kal_result *result, kal_error *error)
{
    return kal_workspace_get_events(client, NULL, options, result, error);
}

kal_status get_members_by_no_ids(kal_client client, const kal_call_options *options, kal_result *result, kal_error *error)
{
    return kal_workspace_get_members_by_ids(client, NULL, 0, options, result, error);
}

kal_status get_groups_by_no_ids(kal_client client, const kal_call_options *options, kal_result *result, kal_error *error)
{
    return kal_workspace_get_groups_by_ids(client, NULL, 0, options, result, error);
}

const kit_method kit_methods[KIT_METHODS] = {
    { "workspace.get_workspace", "/workspaces/active", kal_workspace_get_workspace },
    { "workspace.get_members", "/workspaces/members", kal_workspace_get_members },
    { "workspace.get_members_by_ids", "/workspaces/members", get_members_by_no_ids },
    { "workspace.get_groups", "/workspaces/groups", kal_workspace_get_groups },
    { "workspace.get_groups_by_ids", "/workspaces/groups", get_groups_by_no_ids },
    { "workspace.get_events", "/workspaces/events", get_events },
};

kal_result kit_result(const char *file, int line, const char *what, kit_call call, kal_client client,
                      const kal_call_options *options)
{
    kal_result result = { 0xBAD };
    kal_error error = { 0xBAD };
    kal_status status = call(client, options, &result, &error);
    if (!check_status(file, line, what, status, KAL_OK)) {
        const kal_error_info *info = kal_error_get(error);
        printf("#     %s\n", info ? info->message : "(no error)");
        check_give_up();
    }
    check_int(file, line, "error.id", (intmax_t)error.id, 0);
    check_that(file, line, result.id != 0, "result.id != 0");
    return result;
}

/* Used where an expected error is missing, so that the claim can continue. */
static const kal_error_info nothing_known = {
    KAL_OK, -1, -1, false, -2, "(no error)", "(no error)", "(no error)", "(no error)", "(no error)", "(no error)", 0,
};

const kal_error_info *kit_failure(const char *file, int line, const char *what, kal_status actual, const kal_error *error,
                                  kal_status expected, const char *says)
{
    static _Thread_local kal_error last;
    kal_error_free(last);
    last = *error;
    const kal_error_info *info = kal_error_get(*error);
    check_status(file, line, what, actual, expected);
    if (!check_that(file, line, info != NULL, "an error"))
        return &nothing_known;
    check_int(file, line, "the error's status", info->status, actual);
    check_contains(file, line, "the message", info->message, says, true);
    check_contains(file, line, "the message", info->message, SECRET, false);
    return info;
}

const kal_error_info *kit_call_failure(const char *file, int line, const char *what, kit_call call, kal_client client,
                                       const kal_call_options *options, kal_status expected, const char *says)
{
    kal_result result = { 0xBAD };
    kal_error error = { 0xBAD };
    kal_status status = call(client, options, &result, &error);
    check_int(file, line, "result.id", (intmax_t)result.id, 0);
    kal_result_free(result);
    return kit_failure(file, line, what, status, &error, expected, says);
}

static void *make_call(void *argument)
{
    caller *caller = argument;
    caller->status = caller->call(caller->client, &caller->options, &caller->result, &caller->error);
    return NULL;
}

void caller_start(caller *caller, kit_call call, kal_client client, const kal_call_options *options)
{
    static const kal_call_options defaults = KAL_CALL_OPTIONS_INIT;
    caller->call = call;
    caller->client = client;
    caller->options = options ? *options : defaults;
    REQUIRE(pthread_create(&caller->thread, NULL, make_call, caller) == 0);
}

kal_status caller_join(caller *caller)
{
    pthread_join(caller->thread, NULL);
    return caller->status;
}

typedef struct crowd_member {
    pthread_t thread;
    pthread_barrier_t *start;
    void (*each)(int index, void *context);
    void *context;
    int index;
} crowd_member;

static void *join_crowd(void *argument)
{
    crowd_member *member = argument;
    pthread_barrier_wait(member->start);
    member->each(member->index, member->context);
    return NULL;
}

void crowd(int threads, void (*each)(int index, void *context), void *context)
{
    crowd_member members[CROWD_MOST];
    pthread_barrier_t start;
    REQUIRE(threads <= CROWD_MOST && pthread_barrier_init(&start, NULL, (unsigned)threads) == 0);
    for (int i = 0; i < threads; i++) {
        members[i] = (crowd_member){ .start = &start, .each = each, .context = context, .index = i };
        if (pthread_create(&members[i].thread, NULL, join_crowd, &members[i]) != 0)
            abort(); /* the others would wait forever */
    }
    for (int i = 0; i < threads; i++)
        pthread_join(members[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

void hand_over(void *what)
{
#ifdef CHECKS_THREADS
    __tsan_release(what);
#endif
    (void)what;
}

void take_over(void *what)
{
#ifdef CHECKS_THREADS
    __tsan_acquire(what);
#endif
    (void)what;
}

const char *no_descriptor(void)
{
    static char text[64];
    snprintf(text, sizeof text, "%s", strerror(EMFILE));
    text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

#ifdef _WIN32

bool is_pollable(kal_queue queue)
{
    return kal_queue_handle(queue) != NULL && kal_queue_fd(queue) == -1;
}

bool is_readable(kal_queue queue, int timeout_ms)
{
    return WaitForSingleObject(kal_queue_handle(queue), (DWORD)timeout_ms) == WAIT_OBJECT_0;
}

#else

bool is_pollable(kal_queue queue)
{
    return kal_queue_fd(queue) >= 0;
}

bool is_readable(kal_queue queue, int timeout_ms)
{
    struct pollfd wait = { .fd = kal_queue_fd(queue), .events = POLLIN };
    return poll(&wait, 1, timeout_ms) == 1;
}

#ifdef __APPLE__

int thread_count(void)
{
    thread_act_array_t threads;
    mach_msg_type_number_t count;
    REQUIRE(task_threads(mach_task_self(), &threads, &count) == KERN_SUCCESS);
    for (mach_msg_type_number_t i = 0; i < count; i++)
        mach_port_deallocate(mach_task_self(), threads[i]);
    vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof *threads);
    return (int)count;
}

#else

int thread_count(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    REQUIRE(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

#endif

int descriptor_count(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

#endif

kal_call_options with_cache(int32_t cache)
{
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    options.cache = cache;
    return options;
}

kal_call_options with_timeout(uint32_t timeout_ms)
{
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    options.timeout_ms = timeout_ms;
    return options;
}

kal_call_options with_cancel(kal_cancel cancel)
{
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    options.cancel = cancel;
    return options;
}
