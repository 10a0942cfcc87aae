/* Uses the library, and optionally another Rust library, in one program. Prints the library's version. */
#include <kaleidoscope.h>
#include <stdio.h>
#include <string.h>

#ifdef OTHER
int other_answer(void);
#else
#define other_answer() 42
#endif

int main(void)
{
    kal_client client;
    kal_result result;
    kal_error error;
    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    options.client_id = "someone";
    options.client_secret = "nothing";
    /* Nothing listens on the discard port; the call exercises the code down to the socket. */
    options.base_url = "http://127.0.0.1:9";
    options.max_attempts = 1;
    if (kal_client_open(&options, &client, &error) != KAL_OK)
        return 1;
    if (kal_workspace_get_members(client, NULL, &result, &error) != KAL_CONNECT_FAILED)
        return 2;
    if (kal_error_get(error)->attempts != 1)
        return 3;
    kal_error_free(error);
    kal_client_close(client);
    if (other_answer() != 42)
        return 4;
    puts(kal_version());
    return strcmp(kal_version(), KAL_VERSION) != 0 || kal_version_number() != KAL_VERSION_NUMBER;
}
