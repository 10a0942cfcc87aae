/* Provokes one failure of each kind and prints its details. No failure of the service is needed. */
#include <kaleidoscope.h>
#include <stdio.h>
#include <string.h>

static void show(const char *what, kal_status status, kal_error error)
{
    const kal_error_info *info = kal_error_get(error);
    printf("%s\n  %s (%d)\n", what, kal_status_name(status), (int)status);
    if (info == NULL)
        return;
    printf("  message:     %s\n", info->message);
    if (info->method != NULL)
        printf("  request:     %s %s, %d attempts\n", info->method, info->url, (int)info->attempts);
    if (info->http_status != 0)
        printf("  HTTP status: %d\n", (int)info->http_status);
    if (info->code != NULL)
        printf("  code:        %s\n", info->code);
    if (info->request_id != NULL)
        printf("  request id:  %s\n", info->request_id);
    if (info->body != NULL)
        printf("  body:        %.60s%s\n", info->body, info->body_len > 60 ? "..." : "");
    printf("  retry later: %s", info->retryable ? "yes" : "no");
    if (info->retry_after_ms >= 0)
        printf(", after %lld ms", (long long)info->retry_after_ms);
    printf("\n");
    kal_error_free(error);
}

/* Opens a client with these options and reads the workspace. */
static void attempt(const char *what, const kal_client_options *options, const kal_call_options *call)
{
    kal_client client;
    kal_result result;
    kal_error error;
    kal_status status = kal_client_open(options, &client, &error);
    if (status == KAL_OK) {
        status = kal_workspace_get_workspace(client, call, &result, &error);
        kal_result_free(result); /* KAL_NONE after a failure; freeing that has no effect */
        kal_client_close(client);
    }
    show(what, status, error);
}

int main(void)
{
    kal_client_options options;
    kal_call_options call = KAL_CALL_OPTIONS_INIT;
    kal_client client;
    kal_result result;
    kal_error error;
    kal_status status;
    const kal_client_options defaults = KAL_CLIENT_OPTIONS_INIT;

    options = defaults;
    options.client_secret = "not-the-secret";
    attempt("Wrong credentials:", &options, NULL);

    options = defaults;
    options.base_url = "http://example.com";
    attempt("An unencrypted URL:", &options, NULL);

    options = defaults;
    options.base_url = "http://127.0.0.1:9";
    options.max_attempts = 2;
    attempt("A closed port:", &options, NULL);

    options = defaults;
    options.base_url = "https://no-such-host.invalid";
    options.max_attempts = 1;
    attempt("An unknown host:", &options, NULL);

    call.cache = KAL_CACHE_ONLY;
    attempt("A cache-only call with an empty cache:", NULL, &call);

    status = kal_client_open(NULL, &client, &error);
    if (status != KAL_OK) {
        show("open", status, error);
        return 1;
    }
    status = kal_call(client, "workspace.get_events", "{\"after_date\":\"yesterday\"}", NULL, &result, &error);
    show("An invalid date:", status, error);
    status = kal_call(client, "workspace.get_evnets", NULL, NULL, &result, &error);
    show("An unknown method:", status, error);
    kal_client_close(client);
    status = kal_workspace_get_members(client, NULL, &result, &error);
    show("A closed client:", status, error);
    return 0;
}
