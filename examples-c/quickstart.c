/* Prints the name and email address of every member. */
#include <kaleidoscope.h>
#include <stdio.h>

int main(void)
{
    kal_client client;
    kal_result result;
    kal_error error;
    size_t count = 0;
    /* NULL options: credentials and URL come from the environment (KALEIDOSCOPE_API_CLIENT_ID,
       KALEIDOSCOPE_API_CLIENT_SECRET, KALEIDOSCOPE_API_URL). */
    if (kal_client_open(NULL, &client, &error) != KAL_OK)
        goto failed;
    if (kal_workspace_get_members(client, NULL, &result, &error) != KAL_OK)
        goto failed_open;
    const kal_workspace_user *const *members = kal_result_workspace_users(result, &count);
    for (size_t i = 0; i < count; i++)
        printf("%s <%s>\n", members[i]->full_name ? members[i]->full_name : "?", members[i]->email ? members[i]->email : "-");
    kal_result_free(result);
    kal_client_close(client);
    return 0;
failed_open:
    kal_client_close(client);
failed:
    fprintf(stderr, "%s\n", kal_error_get(error)->message);
    kal_error_free(error);
    return 1;
}
