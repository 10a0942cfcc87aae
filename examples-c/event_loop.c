/* Calls that do not block, in a loop that also waits for something else: here, lines on standard input. A line is the name
 * of a method ("workspace.get_members"); its answer is printed when it comes, and nothing else waits for it meanwhile. */
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

/* Takes every completion that waits: the descriptor says that there is one, not how many. Gives how many there were. */
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

/* Starts the call that a line names; its name comes back with the completion. Gives whether there will be one. */
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
    int reading = 1, under_way = 0;

    if (kal_client_open(NULL, &client, &error) != KAL_OK)
        fail("open", error);
    if (kal_queue_open(&queue, &error) != KAL_OK)
        fail("queue", error);
    setvbuf(stdin, NULL, _IONBF, 0); /* poll sees what stdio has not read yet */
    while (reading || under_way > 0) {
        struct pollfd waits[2] = { { kal_queue_fd(queue), POLLIN, 0 }, { reading ? 0 : -1, POLLIN, 0 } };
        if (poll(waits, 2, -1) < 0)
            continue;
        if (waits[0].revents != 0)
            under_way -= take_completions(queue);
        if (waits[1].revents != 0) {
            if (fgets(line, sizeof line, stdin) == NULL)
                reading = 0;
            else
                under_way += submit_line(client, queue, line);
        }
    }
    kal_queue_close(queue);
    kal_client_close(client);
    return 0;
}
