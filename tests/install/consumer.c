/* A program that uses an installed library: credentials and URL from the environment, prints "VERSION MEMBERS". */
#include <kaleidoscope.h>
#include <stdio.h>

int main(void)
{
    kal_client client;
    kal_result result = KAL_NONE;
    kal_error error = KAL_NONE;
    size_t count = 0;
    kal_status status = kal_client_open(NULL, &client, &error);
    if (status == KAL_OK)
        status = kal_workspace_get_members(client, NULL, &result, &error);
    if (status != KAL_OK) {
        fprintf(stderr, "%s\n", kal_error_get(error)->message);
        return 1;
    }
    kal_result_workspace_users(result, &count);
    printf("%s %zu\n", kal_version(), count);
    kal_result_free(result);
    kal_client_close(client);
    return 0;
}
