/*
 * Row 8: the library is loaded and unloaded by threads that end soon after, 10,000 times.
 *
 * Each thread loads it, calls it, unloads it, and then ends: the library's thread-local data is destroyed after the dlclose.
 *
 * Seen red when linked without -z nodelete: "memory grows by less than 1 MiB: by 2356 KiB", within 200 cycles.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../c/emulator.h"
#include "torture.h"

enum { WARM_UP_SHORT = 100, WARM_UP_LONG = 2000, GROWTH_MOST_KIB = 1024 };

static emulator server;
static const char *library;
static long cycle, calls;

#define FIND(function)                                                                                   \
    __typeof__(&kal_##function) function = (__typeof__(&kal_##function))dlsym(loaded, "kal_" #function); \
    if (function == NULL)                                                                                \
    torture_give_up("missing symbol kal_" #function)

static void *one_cycle(void *none)
{
    void *loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (loaded == NULL)
        torture_give_up("%s", dlerror());
    FIND(client_open);
    FIND(client_close);
    FIND(workspace_get_workspace);
    FIND(result_json);
    FIND(result_free);
    FIND(error_free);
    FIND(shutdown);
    kal_client_options options = options_to(server.url);
    kal_client client;
    if (client_open(&options, &client, NULL) != KAL_OK)
        torture_fail("cycle %ld: no client", cycle);
    kal_result result;
    kal_error error;
    if (cycle % 4 == 0) {
        calls++;
        kal_status status = workspace_get_workspace(client, NULL, &result, &error);
        if (status != KAL_OK || result_json(result, NULL) == NULL)
            torture_fail("cycle %ld: the call returns %d", cycle, status);
    } else if (workspace_get_workspace((kal_client){ 7 }, NULL, &result, &error) != KAL_INVALID_HANDLE) {
        torture_fail("cycle %ld: a forged handle works", cycle);
    }
    result_free(result);
    error_free(error);
    client_close(client);
    if (cycle % 16 == 0 && shutdown(5000) != KAL_OK)
        torture_fail("cycle %ld: no shutdown", cycle);
    dlclose(loaded);
    return none;
}

static int cycles(void)
{
    long most = torture_long ? 10000 : 300, warm_up = torture_long ? WARM_UP_LONG : WARM_UP_SHORT, before = 0;
    server = emulator_start(NULL);
    for (cycle = 0; cycle < most; cycle++) {
        pthread_t thread;
        if (cycle == warm_up)
            before = resident_kib();
        if (pthread_create(&thread, NULL, one_cycle, NULL) != 0 || pthread_join(thread, NULL) != 0)
            torture_give_up("no thread");
    }
    long growth = resident_kib() - before;
    emulator_stop(&server);
    torture_check(torture_failures() == 0, "the library works after each load");
    torture_check(growth < GROWTH_MOST_KIB, "memory grows by less than 1 MiB: by %ld KiB", growth);
    return torture_end(most, "%ld calls to a server; resident memory grew by %ld KiB after cycle %ld", calls, growth, warm_up);
}

int main(int argc, char **argv)
{
    torture_begin("unload", argc, argv);
    library = getenv("KAL_LIBRARY") ? getenv("KAL_LIBRARY") : KAL_LIBRARY;
    fflush(stdout);
    /* A crash must be reported as a failed claim. */
    pid_t child = fork();
    if (child == 0)
        exit(cycles());
    int status = reap_within(child, 15 * 60 * 1000);
    if (status >= 0 && WIFEXITED(status))
        return WEXITSTATUS(status);
    torture_check(false, "no crash: wait status %#x", (unsigned)status);
    return torture_end(0, "the process died");
}
