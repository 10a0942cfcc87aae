/* A program that does not include the header: every handle is a uint64_t, there is no struct, and all else is text.
 *
 * Prints what it read: the options of the client, a call, a stream, a completion and an error, one after the other. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int32_t kal_client_open_json(const char *options_json, uint64_t *client, uint64_t *error);
void kal_client_close(uint64_t client);
int32_t kal_client_clear_caches(uint64_t client, uint64_t *error);
int32_t kal_call(uint64_t client, const char *method, const char *params_json, const void *options, uint64_t *result,
                 uint64_t *error);
int32_t kal_request(uint64_t client, const char *verb, const char *path, const char *query_json, const char *body_json,
                    const void *options, uint64_t *result, uint64_t *error);
const char *kal_result_json(uint64_t result, size_t *len);
int32_t kal_result_kind(uint64_t result);
void kal_result_free(uint64_t result);
const char *kal_error_json(uint64_t error, size_t *len);
void kal_error_free(uint64_t error);
int32_t kal_stream_open(uint64_t client, const char *method, const char *params_json, const char *cursor, uint64_t *stream,
                        uint64_t *error);
int32_t kal_stream_next(uint64_t stream, uint32_t timeout_ms, uint64_t *result, uint64_t *error);
int32_t kal_stream_submit_next(uint64_t stream, uint32_t timeout_ms, uint64_t queue, uintptr_t user_data, uint64_t *error);
const char *kal_stream_cursor(uint64_t stream);
void kal_stream_free(uint64_t stream);
int32_t kal_queue_open(uint64_t *queue, uint64_t *error);
int32_t kal_submit(uint64_t client, const char *method, const char *params_json, const void *options, uint64_t queue,
                   uintptr_t user_data, uint64_t *error);
int32_t kal_queue_next_values(uint64_t queue, uint32_t timeout_ms, uintptr_t *user_data, int32_t *status, uint64_t *result,
                              uint64_t *failure, uint64_t *error);
void kal_queue_shutdown(uint64_t queue);
void kal_queue_close(uint64_t queue);

static uint64_t error;

static void must(int32_t status, const char *what)
{
    if (status == 0)
        return;
    fprintf(stderr, "%s returns %d: %s\n", what, status, kal_error_json(error, NULL));
    exit(1);
}
#define MUST(call) must(call, #call)

int main(int argc, char **argv)
{
    uint64_t client, result, stream, resumed, queue, failure;
    uintptr_t user_data;
    int32_t status;
    if (argc != 2)
        return 2;
    MUST(kal_client_open_json(argv[1], &client, &error));

    MUST(kal_call(client, "workspace.get_members", NULL, NULL, &result, &error));
    printf("%d %s\n", kal_result_kind(result), kal_result_json(result, NULL));
    kal_result_free(result);
    MUST(kal_request(client, "GET", "/echo", NULL, NULL, NULL, &result, &error));
    printf("%d\n", kal_result_kind(result));
    kal_result_free(result);

    /* The first page of a stream, and from its cursor the rest. */
    MUST(kal_stream_open(client, "workspace.stream_events", "{\"page_size\":100}", "", &stream, &error));
    MUST(kal_stream_next(stream, 60000, &result, &error));
    printf("%d %s\n", kal_result_kind(result), kal_result_json(result, NULL));
    kal_result_free(result);
    MUST(kal_stream_open(client, "workspace.follow_events", NULL, kal_stream_cursor(stream), &resumed, &error));
    while ((status = kal_stream_next(resumed, 0, &result, &error)) == 0) {
        printf("%d %s\n", kal_result_kind(result), kal_result_json(result, NULL));
        kal_result_free(result);
    }
    printf("%d\n", status);
    kal_stream_free(resumed);

    /* A call and a page that do not block, told apart by an integer. */
    MUST(kal_queue_open(&queue, &error));
    MUST(kal_submit(client, "workspace.get_groups", NULL, NULL, queue, UINTPTR_MAX, &error));
    MUST(kal_queue_next_values(queue, 60000, &user_data, &status, &result, &failure, &error));
    printf("%d %d %d\n", user_data == UINTPTR_MAX, status, kal_result_kind(result));
    kal_result_free(result);
    MUST(kal_stream_submit_next(stream, 60000, queue, 7, &error));
    MUST(kal_queue_next_values(queue, 60000, &user_data, &status, &result, &failure, &error));
    printf("%d %d %d\n", (int)user_data, status, kal_result_kind(result));
    kal_result_free(result);
    MUST(kal_submit(client, "request", "{\"verb\":\"GET\",\"path\":\"/nothing\"}", NULL, queue, 8, &error));
    MUST(kal_queue_next_values(queue, 60000, &user_data, &status, &result, &failure, &error));
    printf("%d %d %d %s\n", (int)user_data, status, kal_result_kind(result), kal_error_json(failure, NULL));
    kal_error_free(failure);
    kal_queue_shutdown(queue);
    status = kal_queue_next_values(queue, 60000, &user_data, &status, &result, &failure, &error);
    printf("%d\n", status);

    kal_queue_close(queue);
    kal_stream_free(stream);
    MUST(kal_client_clear_caches(client, &error));
    kal_client_close(client);
    /* A handle that was freed, and one of another kind. */
    status = kal_client_clear_caches(client, &error);
    printf("%d %s\n", status, kal_error_json(error, NULL));
    printf("%d\n", kal_client_clear_caches(error, NULL));
    kal_error_free(error);
    return 0;
}
