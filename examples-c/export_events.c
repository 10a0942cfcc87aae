/* Exports all events of a period to a file or to standard output:
 *
 *     export_events [--after DATE] [--before DATE] [--format ndjson|csv] [--output FILE]
 *
 * NDJSON is the JSON as the server sent it, one event per line. CSV is as in RFC 4180: strings are quoted, null is empty, and the
 * last column is the JSON text of the event's attributes. Progress is printed to standard error if that is a terminal. */
#define _POSIX_C_SOURCE 200809L
#include <kaleidoscope.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--after DATE] [--before DATE] [--format ndjson|csv] [--output FILE]\n", program);
    return 2;
}

/* Writes each element of the array on a line. Removes whitespace between JSON tokens; strings contain no line breaks. */
static void write_ndjson(FILE *out, kal_result page)
{
    const char *json = kal_result_json(page, NULL);
    int depth = 0, in_string = 0;
    for (; *json != '\0'; json++) {
        if (in_string) {
            putc(*json, out);
            if (*json == '\\')
                putc(*++json, out);
            else if (*json == '"')
                in_string = 0;
            continue;
        }
        if (strchr(" \t\r\n", *json) != NULL)
            continue;
        if (*json == ']' || *json == '}')
            depth--;
        if (depth > 0)
            putc(depth == 1 && *json == ',' ? '\n' : *json, out);
        if (*json == '[' || *json == '{')
            depth++;
        in_string = *json == '"';
    }
    putc('\n', out);
}

static void write_text(FILE *out, const char *text, const char *end)
{
    if (text != NULL) {
        putc('"', out);
        for (; *text != '\0'; text++) {
            if (*text == '"')
                putc('"', out);
            putc(*text, out);
        }
        putc('"', out);
    }
    fputs(end, out);
}

static const char *truth(int8_t value)
{
    return value < 0 ? "" : value ? "true" : "false";
}

static void write_csv(FILE *out, kal_result page)
{
    size_t count, i;
    const kal_workspace_event *const *events = kal_result_workspace_events(page, &count);
    for (i = 0; i < count; i++) {
        const kal_workspace_event *event = events[i];
        write_text(out, event->id, ",");
        write_text(out, event->created_at, ",");
        write_text(out, event->event_type, ",");
        if (event->event_type_version >= 0)
            fprintf(out, "%lld", (long long)event->event_type_version);
        putc(',', out);
        write_text(out, event->event_user_id, ",");
        write_text(out, event->full_name, ",");
        write_text(out, event->preferred_name, ",");
        write_text(out, event->resource_id, ",");
        write_text(out, event->resource_type, ",");
        write_text(out, event->parent_bulk_event_id, ",");
        fprintf(out, "%s,%s,", truth(event->is_bot), truth(event->is_bulk));
        write_text(out, event->event_attrs, "\r\n");
    }
}

int main(int argc, char **argv)
{
    kal_events_query query = KAL_EVENTS_QUERY_INIT;
    const char *format = "ndjson", *path = NULL;
    kal_client client = KAL_NONE;
    kal_stream stream = KAL_NONE;
    kal_result page;
    kal_error error;
    kal_status status;
    size_t total = 0, count;
    int arg, is_csv, shows_progress = isatty(STDERR_FILENO);
    FILE *out = stdout;

    for (arg = 1; arg + 1 < argc; arg += 2) {
        const char *name = argv[arg], *value = argv[arg + 1];
        if (strcmp(name, "--after") == 0)
            query.after_date = value; /* validated by the library */
        else if (strcmp(name, "--before") == 0)
            query.before_date = value;
        else if (strcmp(name, "--format") == 0)
            format = value;
        else if (strcmp(name, "--output") == 0)
            path = value;
        else
            return usage(argv[0]);
    }
    is_csv = strcmp(format, "csv") == 0;
    if (arg < argc || (!is_csv && strcmp(format, "ndjson") != 0))
        return usage(argv[0]);

    status = kal_client_open(NULL, &client, &error);
    if (status == KAL_OK)
        status = kal_workspace_stream_events(client, &query, NULL, &stream, &error);
    if (status == KAL_OK && path != NULL && (out = fopen(path, "w")) == NULL) {
        perror(path);
        return 1;
    }
    if (status == KAL_OK && is_csv)
        fputs("id,created_at,event_type,event_type_version,event_user_id,full_name,preferred_name,"
              "resource_id,resource_type,parent_bulk_event_id,is_bot,is_bulk,event_attrs\r\n",
              out);
    /* Only one page at a time is in memory. */
    while ((status == KAL_OK || status == KAL_NOT_READY) && !ferror(out)) {
        status = kal_stream_next(stream, 60000, &page, &error);
        if (status != KAL_OK)
            continue;
        (is_csv ? write_csv : write_ndjson)(out, page);
        kal_result_workspace_events(page, &count);
        total += count;
        kal_result_free(page);
        if (shows_progress)
            fprintf(stderr, "\r%zu events", total);
    }
    if (shows_progress && total > 0)
        putc('\n', stderr);
    kal_stream_free(stream);
    kal_client_close(client);

    if (ferror(out) || fclose(out) != 0) {
        fprintf(stderr, "%s: %s\n", path ? path : "standard output", strerror(errno));
        return 1;
    }
    if (status == KAL_DONE)
        return 0;
    fprintf(stderr, "%s after %zu events: %s\n", kal_status_name(status), total, kal_error_get(error)->message);
    kal_error_free(error);
    return 1;
}
