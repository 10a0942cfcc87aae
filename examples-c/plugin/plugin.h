/* What the host program and its plugins agree on. */
#ifndef PLUGIN_H
#define PLUGIN_H

typedef struct plugin {
    /* Each returns 0, or another number after a message on standard error. */
    int (*start)(const char *name);
    int (*work)(void);
    int (*stop)(void); /* after it, the plugin may be unloaded; otherwise it must stay */
} plugin;

/* The one function that a plugin exports. */
typedef const plugin *plugin_entry_function(void);

#endif
