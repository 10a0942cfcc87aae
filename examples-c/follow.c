/* Prints new events as they come, one line each, to the end of a file: follow FILE
 *
 * Kill it when you like, even with SIGKILL, and start it again: FILE has each event exactly once. FILE.state holds the stream's
 * cursor together with the length of FILE that belongs to it. What stands behind that length was printed by a process that died
 * before it could say so: it is cut off, and comes again. */
#define _XOPEN_SOURCE 700
#include <kaleidoscope.h>

#include <ctype.h>
#include <errno.h>
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

/* Says what went wrong. Gives whether that may pass; the next call then goes on where this one failed. */
static int may_pass(kal_error error)
{
    const kal_error_info *info = kal_error_get(error);
    int retryable = info->retryable;
    fprintf(stderr, "%s: %s\n", kal_status_name(info->status), info->message);
    kal_error_free(error);
    return retryable;
}

/* Gives the saved cursor, NULL if there is none yet, and cuts off what was printed after it was saved. */
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
        fail("cannot go back");
    return cursor;
}

/* First the lines reach the disk, then, in one step, the state that counts them. Gives a copy of the cursor. */
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

/* A line break within a text would make two lines of one event. */
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
    FILE *lines;

    if (argc != 2 || snprintf(state, sizeof state, "%s.state", argv[1]) >= (int)sizeof state) {
        fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    lines = fopen(argv[1], "a");
    if (lines == NULL || lockf(fileno(lines), F_TLOCK, 0) != 0) /* another process would print the same events */
        fail(argv[1]);
    cursor = load(state, lines);

    if (kal_client_open(NULL, &client, &error) != KAL_OK)
        return may_pass(error), 1;
    if (kal_workspace_follow_events(client, NULL, cursor, NULL, &stream, &error) != KAL_OK)
        return may_pass(error), 1;
    do {
        /* Also while nothing comes: a cursor that was saved before the first call says no more than "from now on". */
        if (cursor == NULL || strcmp(cursor, kal_stream_cursor(stream)) != 0) {
            free(cursor);
            cursor = save(state, lines, kal_stream_cursor(stream));
        }
        status = kal_stream_next(stream, 1000, &page, &error);
        if (status == KAL_OK) {
            print_events(lines, page);
            kal_result_free(page);
        }
    } while (error.id == 0 || may_pass(error));
    free(cursor);
    kal_stream_free(stream);
    kal_client_close(client);
    return 1;
}
