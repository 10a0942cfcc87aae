/* Non-blocking calls in an event loop that also waits for other input, here lines on standard input. Each line is the name of a
 * method ("workspace.get_members"). Its answer is printed when it arrives; the loop does not wait for it. */
#define _POSIX_C_SOURCE 200809L
#include <kaleidoscope.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, kal_error error)
{
    fprintf(stderr, "%s: %s\n", what, kal_error_get(error)->message);
    kal_error_free(error);
    exit(1);
}

/* Takes all pending completions, as the descriptor is readable while there is at least one. Returns their number. */
static int take_completions(kal_queue queue)
{
    kal_completion done = KAL_COMPLETION_INIT;
    int taken = 0;
    while (kal_queue_next(queue, 0, &done, NULL) == KAL_OK) {
        char *method = done.user_data;
        size_t len = 0;
        kal_result_json(done.result, &len);
        if (done.status == KAL_OK)
            printf("%s: %zu bytes of JSON\n", method, len);
        else
            printf("%s: %s: %s\n", method, kal_status_name(done.status), kal_error_get(done.error)->message);
        kal_result_free(done.result);
        kal_error_free(done.error);
        free(method);
        taken++;
    }
    return taken;
}

/* Starts the call that a line names, with its name as the user data. Returns 1 if there will be a completion, else 0. */
static int submit_line(kal_client client, kal_queue queue, char *line)
{
    kal_error error;
    char *method;
    line[strcspn(line, "\n")] = '\0';
    method = strdup(line);
    if (method == NULL)
        return 0;
    if (kal_submit(client, method, NULL, NULL, queue, method, &error) == KAL_OK)
        return 1;
    printf("%s: %s\n", method, kal_error_get(error)->message);
    kal_error_free(error);
    free(method);
    return 0;
}

int main(void)
{
    kal_client client;
    kal_queue queue;
    kal_error error;
    char line[256];
    int reading = 1, pending = 0;

    if (kal_client_open(NULL, &client, &error) != KAL_OK)
        fail("open", error);
    if (kal_queue_open(&queue, &error) != KAL_OK)
        fail("queue", error);
    setvbuf(stdin, NULL, _IONBF, 0); /* poll does not see data in the buffer of stdio */
    while (reading || pending > 0) {
        struct pollfd waits[2] = { { kal_queue_fd(queue), POLLIN, 0 }, { reading ? 0 : -1, POLLIN, 0 } };
        if (poll(waits, 2, -1) < 0)
            continue;
        if (waits[0].revents != 0)
            pending -= take_completions(queue);
        if (waits[1].revents != 0) {
            if (fgets(line, sizeof line, stdin) == NULL)
                reading = 0;
            else
                pending += submit_line(client, queue, line);
        }
    }
    kal_queue_close(queue);
    kal_client_close(client);
    return 0;
}
