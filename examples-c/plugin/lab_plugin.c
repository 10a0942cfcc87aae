/*
 * A plugin that reads the members of a workspace, and may be unloaded although the library calls functions of it.
 *
 *     cc -shared -fPIC lab_plugin.c -o lab_plugin.so $(pkg-config --cflags --libs kaleidoscope)
 *     cc host.c -o host -ldl
 *     ./host 3 ./lab_plugin.so
 *
 * It neither calls kal_set_log nor kal_shutdown: other plugins of the process share the library.
 */
#include "plugin.h"

#include <kaleidoscope.h>
#include <stdio.h>
#include <string.h>

/* What the callbacks use. It is gone, as their code is, once the plugin is unloaded. */
typedef struct lab {
    const char *name;
    int tokens;
} lab;

static lab this_lab;
static kal_client client;
static kal_queue queue;

static int failed(kal_error error)
{
    const kal_error_info *info = kal_error_get(error);
    fprintf(stderr, "%s: %s\n", this_lab.name, info ? info->message : "no details");
    kal_error_free(error);
    return 1;
}

/* Called on the library's thread and on those that make calls. */
static void log_line(void *user_data, int32_t level, const char *line)
{
    const lab *lab = user_data;
    if (level <= KAL_LOG_WARN)
        fprintf(stderr, "%s: %s\n", lab->name, line);
}

/* Called on a thread that makes a call. A real one would ask Google for the token. */
static kal_status provide_token(void *user_data, char *buffer, size_t capacity, size_t *length)
{
    static const char token[] = "token-of-the-lab";
    lab *lab = user_data;
    if (capacity < sizeof token)
        return KAL_INVALID_ARGUMENT;
    lab->tokens++;
    memcpy(buffer, token, *length = strlen(token));
    return KAL_OK;
}

static int start(const char *name)
{
    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    kal_error error;
    this_lab.name = options.name = name;
    options.log_callback = log_line;
    options.log_level = KAL_LOG_DEBUG;
    options.log_user_data = options.iap_user_data = &this_lab;
    options.iap_token_provider = provide_token;
    if (kal_client_open(&options, &client, &error) != KAL_OK)
        return failed(error);
    if (kal_queue_open(&queue, &error) != KAL_OK) {
        kal_client_close(client);
        return failed(error);
    }
    return 0;
}

static int work(void)
{
    kal_call_options how = KAL_CALL_OPTIONS_INIT;
    kal_result result;
    kal_error error;
    size_t count = 0;
    how.cache = KAL_CACHE_REFRESH;
    if (kal_workspace_get_members(client, &how, &result, &error) != KAL_OK)
        return failed(error);
    (void)kal_result_workspace_users(result, &count);
    printf("%s: %zu members, %d token\n", this_lab.name, count, this_lab.tokens);
    kal_result_free(result);
    /* It is in progress when the plugin is stopped. */
    if (kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, &error) != KAL_OK)
        return failed(error);
    return 0;
}

static int stop(void)
{
    kal_error error;
    /* The request in progress ends, and log_line is not called for it. */
    if (kal_client_shutdown(client, 10000, &error) != KAL_OK)
        return failed(error);
    kal_client_close(client);
    kal_queue_close(queue);
    return 0;
}

plugin_entry_function plugin_entry;

const plugin *plugin_entry(void)
{
    static const plugin entry = { start, work, stop };
    return &entry;
}
