/* Sends a request to any endpoint of the platform: request VERB PATH [QUERY_JSON [BODY_JSON]] prints the response as JSON.
 *
 *     request GET  /activities/search '{"search_text":"solubility","limit":5}'
 *     request POST /programs          '' '{"title":"Solubility"}'
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

    if (argc < 3) {
        fprintf(stderr, "usage: request VERB PATH [QUERY_JSON [BODY_JSON]]\n");
        return 2;
    }
    status = kal_client_open(NULL, &client, &error);
    if (status == KAL_OK) {
        status =
            kal_request(client, argv[1], argv[2], argc > 3 ? argv[3] : NULL, argc > 4 ? argv[4] : NULL, NULL, &result, &error);
        if (status == KAL_OK) {
            const char *json = kal_result_json(result, &len);
            fwrite(json, 1, len, stdout);
            putchar('\n');
            kal_result_free(result);
        }
        kal_client_close(client);
    }
    if (status != KAL_OK) {
        const kal_error_info *info = kal_error_get(error);
        fprintf(stderr, "%s: %s\n", kal_status_name(status), info->message);
        /* A write that the server may have processed must not simply be sent again. */
        if (info->attempts > 0)
            fprintf(stderr, "%s\n",
                    info->retryable ? "The request may be retried." : "The request should not be retried unchanged.");
        kal_error_free(error);
        return 1;
    }
    return 0;
}
