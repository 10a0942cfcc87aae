/* Prints a page of events, optionally filtered: events_filter [--type T]... [--user ID]... [--resource-type T] [--after DATE]
 * [--before DATE] [--page N] [--page-size N] */
#include <kaleidoscope.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 16 };

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--type T]... [--user ID]... [--resource-type T] [--after DATE] [--before DATE]\n"
            "       [--page N] [--page-size N]\n",
            program);
    return 2;
}

int main(int argc, char **argv)
{
    const char *types[MAX_VALUES], *users[MAX_VALUES];
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    kal_client client;
    kal_result result;
    kal_error error;
    size_t count, i;
    int arg;

    query.event_types = types;
    query.event_user_ids = users;
    for (arg = 1; arg + 1 < argc; arg += 2) {
        const char *name = argv[arg], *value = argv[arg + 1];
        if (strcmp(name, "--type") == 0 && query.event_types_len < MAX_VALUES)
            types[query.event_types_len++] = value;
        else if (strcmp(name, "--user") == 0 && query.event_user_ids_len < MAX_VALUES)
            users[query.event_user_ids_len++] = value;
        else if (strcmp(name, "--resource-type") == 0)
            query.resource_type = value;
        else if (strcmp(name, "--after") == 0)
            query.after_date = value; /* validated by the library */
        else if (strcmp(name, "--before") == 0)
            query.before_date = value;
        else if (strcmp(name, "--page") == 0)
            query.page = atoi(value);
        else if (strcmp(name, "--page-size") == 0)
            query.page_size = atoi(value);
        else
            return usage(argv[0]);
    }
    if (arg < argc)
        return usage(argv[0]);

    if (kal_client_open(NULL, &client, &error) != KAL_OK)
        goto failed;
    if (kal_workspace_get_events(client, &query, NULL, &result, &error) != KAL_OK)
        goto failed_open;
    const kal_workspace_event *const *events = kal_result_workspace_events(result, &count);
    for (i = 0; i < count; i++)
        printf("%s  %-8s %-10s %s\n", events[i]->created_at ? events[i]->created_at : "-",
               events[i]->event_type ? events[i]->event_type : "-", events[i]->resource_type ? events[i]->resource_type : "-",
               events[i]->event_attrs);
    printf("%zu events\n", count);
    kal_result_free(result);
    kal_client_close(client);
    return 0;
failed_open:
    kal_client_close(client);
failed:
    fprintf(stderr, "%s\n", kal_error_get(error)->message);
    kal_error_free(error);
    return 1;
}
