/* copies PLUGIN: two copies of the library in one process, each with clients of its own. Prints "ok". */
#include <dlfcn.h>
#include <stdio.h>

#include "copy.h"

#define CLIENTS 8

static int failed(const char *what, kal_status status)
{
    printf("%s: %s\n", what, kal_status_name(status));
    return 1;
}

int main(int argc, char **argv)
{
    kal_client ours[CLIENTS], theirs[CLIENTS];
    kal_status status;
    void *plugin = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    copy_use *use = NULL;
    copy_open *open = NULL;
    if (plugin) {
        *(void **)&use = dlsym(plugin, "plugin_use");
        *(void **)&open = dlsym(plugin, "plugin_open");
    }
    if (!use || !open)
        return failed(dlerror(), KAL_OK);
    if ((status = open_clients(ours, CLIENTS)) != KAL_OK || (status = open(theirs, CLIENTS)) != KAL_OK)
        return failed("open", status);
    for (int i = 0; i < CLIENTS; i++) {
        if ((status = use_client(ours[i])) != KAL_CONNECT_FAILED || (status = use(theirs[i])) != KAL_CONNECT_FAILED)
            return failed("a client in its own copy", status);
        if ((status = use_client(theirs[i])) != KAL_INVALID_HANDLE)
            return failed("the plugin's client in the program", status);
        if ((status = use(ours[i])) != KAL_INVALID_HANDLE)
            return failed("the program's client in the plugin", status);
        /* Closing another copy's client has no effect. */
        kal_client_close(theirs[i]);
        if ((status = use(theirs[i])) != KAL_CONNECT_FAILED)
            return failed("after the program closed the plugin's client", status);
    }
    puts("ok");
    return 0;
}
