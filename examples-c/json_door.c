/* The generic call: json_door METHOD [PARAMS] prints the response as JSON; without arguments it lists the methods.
 *
 *     json_door workspace.get_events '{"event_types":["create"],"page_size":5}'
 */
#include <kaleidoscope.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    kal_client client;
    kal_result result;
    kal_error error;
    kal_status status;
    size_t len = 0;

    if (argc < 2) {
        puts(kal_methods());
        return 0;
    }
    status = kal_client_open(NULL, &client, &error);
    if (status == KAL_OK) {
        status = kal_call(client, argv[1], argc > 2 ? argv[2] : NULL, NULL, &result, &error);
        if (status == KAL_OK) {
            const char *json = kal_result_json(result, &len);
            fwrite(json, 1, len, stdout);
            putchar('\n');
            kal_result_free(result);
        }
        kal_client_close(client);
    }
    if (status != KAL_OK) {
        fprintf(stderr, "%s: %s\n", kal_status_name(status), kal_error_get(error)->message);
        kal_error_free(error);
        return 1;
    }
    return 0;
}
