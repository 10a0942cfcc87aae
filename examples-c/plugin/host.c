/*
 * A host that loads plugins, lets them work side by side, and unloads them one after another: host ROUNDS PLUGIN...
 * See lab_plugin.c.
 */
#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PLUGINS = 8 };

typedef struct loaded {
    void *library;
    const plugin *plugin;
    char name[32];
} loaded;

static int load(loaded *to, const char *path, int number)
{
    plugin_entry_function *entry;
    void *symbol;
    to->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    symbol = to->library ? dlsym(to->library, "plugin_entry") : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    /* ISO C does not cast an object pointer to a function pointer. */
    memcpy(&entry, &symbol, sizeof symbol);
    to->plugin = entry();
    snprintf(to->name, sizeof to->name, "lab-%d", number);
    return to->plugin->start(to->name);
}

/* 0 if the plugin is no longer mapped. */
static int unload(loaded *from, const char *path)
{
    void *still;
    if (from->plugin->stop() != 0)
        return 1;
    dlclose(from->library);
    still = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (still != NULL)
        fprintf(stderr, "%s: still loaded\n", from->name);
    return still != NULL;
}

static int once(int count, char **paths)
{
    loaded all[MAX_PLUGINS];
    int i, j;
    for (i = 0; i < count; i++)
        if (load(&all[i], paths[i], i + 1) != 0)
            return 1;
    /* Each is unloaded right after it has worked, and the others go on. */
    for (i = 0; i < count; i++) {
        for (j = count - 1; j >= i; j--)
            if (all[j].plugin->work() != 0)
                return 1;
        if (unload(&all[i], paths[i]) != 0)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 0, round;
    if (rounds < 1 || argc < 3 || argc - 2 > MAX_PLUGINS) {
        fprintf(stderr, "usage: %s ROUNDS PLUGIN...\n", argv[0]);
        return 2;
    }
    for (round = 0; round < rounds; round++)
        if (once(argc - 2, argv + 2) != 0)
            return 1;
    printf("%d rounds\n", rounds);
    return 0;
}
