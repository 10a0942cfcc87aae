/* Opens a client and closes it: no server is needed for that. Fails if the library is not that of the header. */
#include <kaleidoscope.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    kal_client client = KAL_NONE;
    kal_error error = KAL_NONE;
    options.base_url = "http://127.0.0.1:1";
    options.client_id = "id";
    options.client_secret = "secret";
    if (kal_client_open(&options, &client, &error) != KAL_OK) {
        fprintf(stderr, "%s\n", kal_error_get(error)->message);
        return 1;
    }
    kal_client_close(client);
    printf("libkaleidoscope %s\n", kal_version());
    return strcmp(kal_version(), KAL_VERSION) != 0;
}
