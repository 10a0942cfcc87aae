/* The shared library loaded as a plugin: dlopen on any thread, dlclose at any time. */
#include "kit.h"

#include <dlfcn.h>
#include <stdlib.h>

typedef struct loaded {
    void *library;
    __typeof__(kal_client_open) *client_open;
    __typeof__(kal_client_close) *client_close;
    __typeof__(kal_workspace_get_members) *get_members;
    __typeof__(kal_result_json) *result_json;
    __typeof__(kal_result_free) *result_free;
    __typeof__(kal_shutdown) *shutdown;
    __typeof__(kal_version) *version;
} loaded;

/* ISO C does not allow casting an object pointer to a function pointer. */
static void find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    if (!CHECK(symbol != NULL))
        printf("#     %s: %s\n", name, dlerror());
    memcpy(function, &symbol, sizeof symbol);
}

static bool load(loaded *kal)
{
    char path[512];
    snprintf(path, sizeof path, "%s/" LIBRARY, getenv("KAL_LIB_DIR"));
    kal->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!CHECK(kal->library != NULL)) {
        printf("#     %s\n", dlerror());
        return false;
    }
    find(kal->library, "kal_client_open", &kal->client_open);
    find(kal->library, "kal_client_close", &kal->client_close);
    find(kal->library, "kal_workspace_get_members", &kal->get_members);
    find(kal->library, "kal_result_json", &kal->result_json);
    find(kal->library, "kal_result_free", &kal->result_free);
    find(kal->library, "kal_shutdown", &kal->shutdown);
    find(kal->library, "kal_version", &kal->version);
    return !check_has_failed();
}

static void *load_call_unload(void *shut_down)
{
    loaded kal;
    kal_client client;
    kal_result result;
    kal_client_options options = options_for(&server);
    if (!load(&kal))
        return NULL;
    CHECK_TEXT(kal.version(), KAL_VERSION);
    CHECK_STATUS(kal.client_open(&options, &client, NULL), KAL_OK);
    CHECK_STATUS(kal.get_members(client, NULL, &result, NULL), KAL_OK);
    CHECK(kal.result_json(result, NULL) != NULL);
    kal.result_free(result);
    kal.client_close(client);
    if (shut_down != NULL)
        CHECK_STATUS(kal.shutdown(10000), KAL_OK);
    CHECK_INT(dlclose(kal.library), 0);
    return NULL;
}

static void on_short_lived_threads(void *shut_down)
{
    for (int cycle = 0; cycle < (check_is_slow() ? 3 : 20) && !check_has_failed(); cycle++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, load_call_unload, shut_down) == 0);
        pthread_join(thread, NULL);
    }
}

CLAIM(a_short_lived_thread_can_load_call_shut_down_and_unload)
{
    static int yes;
    on_short_lived_threads(&yes);
}

/* Red without -z nodelete: thread-local destructors run after their code was unmapped. */
CLAIM(the_library_can_be_unloaded_while_its_thread_runs)
{
    on_short_lived_threads(NULL);
    /* The library is still mapped, and its thread ends properly. */
    loaded kal;
    REQUIRE(load(&kal));
    CHECK_STATUS(kal.shutdown(10000), KAL_OK);
    CHECK_INT(dlclose(kal.library), 0);
}

CLAIM(only_symbols_of_the_header_are_exported)
{
    loaded kal;
    REQUIRE(load(&kal));
    CHECK(dlsym(kal.library, "rust_eh_personality") == NULL);
    CHECK(dlsym(kal.library, "ring_core_0_17_14__OPENSSL_cpuid_setup") == NULL);
    CHECK_INT(dlclose(kal.library), 0);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
