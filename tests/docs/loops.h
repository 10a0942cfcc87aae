/* Included before a sample with a loop over kal_stream_next or kal_queue_next, which is compiled unchanged. After each step the
 * sample waits for the test, which injects faults and events. At exit, the errors and results that were not freed are counted. */
#include <kaleidoscope.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE __attribute__((unused)) static

enum { SAMPLE_MOST = 1000 };
static kal_error sample_errors[SAMPLE_MOST];
static kal_result sample_results[SAMPLE_MOST];
static size_t sample_steps;
/* The condition of loops without an end. */
SAMPLE int running = 1;

/* Prints the status and the ids of the events, and waits for the answer: go or stop. */
SAMPLE void sample_step(const char *status, kal_result result, kal_error error)
{
    size_t count = 0;
    const kal_workspace_event *const *events = kal_result_workspace_events(result, &count);
    char answer[8];

    if (sample_steps == SAMPLE_MOST)
        abort();
    sample_results[sample_steps] = result;
    sample_errors[sample_steps++] = error;
    fflush(stdout);
    fprintf(stderr, "step %s", status);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %s", events[i]->id);
    fputc('\n', stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        abort();
    if (strcmp(answer, "stop\n") == 0)
        running = 0;
}

/* With short waits, so that nothing yet is returned too. */
SAMPLE kal_status sample_stream_next(kal_stream stream, uint32_t timeout_ms, kal_result *result, kal_error *error)
{
    kal_status status = kal_stream_set_backoff(stream, 1, 20, NULL);
    status = kal_stream_next(stream, timeout_ms < 100 ? timeout_ms : 100, result, error);
    sample_step(kal_status_name(status), *result, *error);
    return status;
}

SAMPLE kal_status sample_queue_next(kal_queue queue, uint32_t timeout_ms, kal_completion *done, kal_error *error)
{
    kal_status status = kal_queue_next(queue, timeout_ms, done, error);
    if (status == KAL_OK)
        sample_step(kal_status_name(done->status), done->result, done->error);
    return status;
}

/* Until a completion is there. */
SAMPLE void sample_wait(kal_queue queue)
{
    struct pollfd waiting = { kal_queue_fd(queue), POLLIN, 0 };
    poll(&waiting, 1, -1);
}

/* With SAMPLE_ATTEMPTS=1 each fault is a failure of a call. */
SAMPLE kal_status sample_open(const kal_client_options *options, kal_client *client, kal_error *error)
{
    kal_client_options changed = KAL_CLIENT_OPTIONS_INIT;
    if (options != NULL)
        changed = *options;
    if (getenv("SAMPLE_ATTEMPTS") != NULL) {
        changed.max_attempts = (uint32_t)atoi(getenv("SAMPLE_ATTEMPTS"));
        changed.timeout_ms = 2000;
    }
    return kal_client_open(&changed, client, error);
}

/* The cursor behind all events. */
SAMPLE const char *sample_cursor(kal_client client)
{
    kal_stream stream;
    kal_result page;
    const char *cursor;
    if (kal_workspace_stream_events(client, NULL, NULL, &stream, NULL) != KAL_OK)
        abort();
    /* Again after a failure: a busy machine may time out. */
    while (kal_stream_next(stream, 60000, &page, NULL) != KAL_DONE)
        kal_result_free(page);
    cursor = strdup(kal_stream_cursor(stream));
    kal_stream_free(stream);
    return cursor;
}

/* A queue with three calls. */
SAMPLE kal_queue sample_queue(kal_client client)
{
    kal_queue queue = KAL_NONE;
    if (kal_queue_open(&queue, NULL) != KAL_OK)
        abort();
    for (int i = 0; i < 3; i++)
        if (kal_submit(client, "workspace.get_members", NULL, NULL, queue, NULL, NULL) != KAL_OK)
            abort();
    return queue;
}

__attribute__((destructor)) static void sample_end(void)
{
    int errors = 0, results = 0;
    for (size_t i = 0; i < sample_steps; i++) {
        errors += kal_error_get(sample_errors[i]) != NULL;
        results += kal_result_json(sample_results[i], NULL) != NULL;
    }
    fprintf(stderr, "left %d errors, %d results\n", errors, results);
}

#define kal_stream_next sample_stream_next
#define kal_queue_next sample_queue_next
#define kal_client_open sample_open
