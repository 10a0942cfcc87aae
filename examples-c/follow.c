/* Appends new events to a file, one line each: follow FILE
 *
 * It can be killed at any time, even with SIGKILL, and restarted: FILE contains each event exactly once. FILE.state holds the
 * stream's cursor and the length of FILE at that cursor. Anything after that length was written by a process that was killed
 * before it saved the cursor: it is truncated, and the stream returns those events again.
 *
 * SIGINT (Ctrl-C) and SIGTERM end it at once, while it waits for new events too, with status 0. */
#define _XOPEN_SOURCE 700
#include <kaleidoscope.h>

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Fired by SIGINT and SIGTERM. */
static kal_cancel interrupted;

static void on_interrupt(int number)
{
    (void)number;
    kal_cancel_fire_from_signal(interrupted);
}

/* Prints and frees the error. Returns whether it is retryable; the next call then continues where this one failed. */
static int report(kal_error error)
{
    const kal_error_info *info = kal_error_get(error);
    int retryable = info->retryable;
    fprintf(stderr, "%s: %s\n", kal_status_name(info->status), info->message);
    kal_error_free(error);
    return retryable;
}

/* Returns the saved cursor, NULL if there is none yet, and truncates the file to the length saved with it. */
static char *load(const char *path, FILE *lines)
{
    FILE *state = fopen(path, "r");
    struct stat now;
    long long length;
    char *cursor = NULL;
    size_t capacity = 0;

    if (state == NULL && errno == ENOENT)
        return NULL;
    if (state == NULL || fscanf(state, "%lld ", &length) != 1 || getline(&cursor, &capacity, state) < 0)
        fail(path);
    fclose(state);
    cursor[strcspn(cursor, "\n")] = '\0';
    if (fstat(fileno(lines), &now) != 0 || (now.st_size > length && ftruncate(fileno(lines), length) != 0))
        fail("cannot truncate");
    return cursor;
}

/* Syncs the lines to disk, then replaces the state atomically. Returns a copy of the cursor. */
static char *save(const char *path, FILE *lines, const char *cursor)
{
    char temporary[4096], *copy = strdup(cursor);
    FILE *state;

    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        errno = ENAMETOOLONG, fail(path);
    if (fflush(lines) != 0 || fsync(fileno(lines)) != 0 || fseeko(lines, 0, SEEK_END) != 0)
        fail("cannot write");
    state = fopen(temporary, "w");
    if (copy == NULL || state == NULL || fprintf(state, "%lld %s\n", (long long)ftello(lines), cursor) < 0 || fflush(state) != 0
        || fsync(fileno(state)) != 0 || fclose(state) != 0 || rename(temporary, path) != 0)
        fail(temporary);
    return copy;
}

/* Replaces control characters: a line break would split an event into two lines. */
static void print_text(FILE *lines, const char *text, char end)
{
    for (text = text ? text : "-"; *text != '\0'; text++)
        putc(iscntrl((unsigned char)*text) ? ' ' : *text, lines);
    putc(end, lines);
}

static void print_events(FILE *lines, kal_result page)
{
    size_t count, i;
    const kal_workspace_event *const *events = kal_result_workspace_events(page, &count);
    for (i = 0; i < count; i++) {
        print_text(lines, events[i]->created_at, '\t');
        print_text(lines, events[i]->event_type, '\t');
        print_text(lines, events[i]->resource_type, '\t');
        print_text(lines, events[i]->full_name, '\t');
        print_text(lines, events[i]->id, '\n');
    }
}

int main(int argc, char **argv)
{
    char state[4096], *cursor;
    kal_client client;
    kal_stream stream;
    kal_result page;
    kal_error error;
    kal_status status;
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    struct sigaction action = { 0 };
    FILE *lines;

    if (argc != 2 || snprintf(state, sizeof state, "%s.state", argv[1]) >= (int)sizeof state) {
        fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    lines = fopen(argv[1], "a");
    if (lines == NULL || lockf(fileno(lines), F_TLOCK, 0) != 0) /* another process would append the same events */
        fail(argv[1]);
    cursor = load(state, lines);

    if (kal_client_open(NULL, &client, &error) != KAL_OK)
        return report(error), 1;
    if (kal_cancel_open(&interrupted, &error) != KAL_OK)
        return report(error), 1;
    action.sa_handler = on_interrupt;
    if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
        fail("sigaction");
    options.cancel = interrupted;
    if (kal_workspace_follow_events(client, NULL, cursor, &options, &stream, &error) != KAL_OK)
        return report(error), 1;
    do {
        /* Also without new events: the cursor before the first call means only "from now on". */
        if (cursor == NULL || strcmp(cursor, kal_stream_cursor(stream)) != 0) {
            free(cursor);
            cursor = save(state, lines, kal_stream_cursor(stream));
        }
        status = kal_stream_next(stream, 1000, &page, &error);
        if (status == KAL_OK) {
            print_events(lines, page);
            kal_result_free(page);
        }
    } while (error.id == 0 || (status != KAL_CANCELLED && report(error)));
    if (status == KAL_CANCELLED)
        kal_error_free(error);
    free(cursor);
    kal_stream_free(stream);
    kal_cancel_close(interrupted);
    kal_client_close(client);
    return status == KAL_CANCELLED ? 0 : 1;
}
