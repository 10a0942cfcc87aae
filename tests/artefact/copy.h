/* What copy.c, a plugin that contains the archive, does for copies.c, a program that links the shared library. */
#ifndef COPY_H
#define COPY_H

#include <kaleidoscope.h>

/* What a call with the client returns in the plugin's copy of the library. */
typedef kal_status copy_use(kal_client client);
/* Opens clients in the plugin's copy. */
typedef kal_status copy_open(kal_client *clients, size_t count);

/* Nothing listens on the discard port: KAL_CONNECT_FAILED of a client that is open. */
static inline kal_status use_client(kal_client client)
{
    kal_result result;
    kal_status status = kal_workspace_get_members(client, NULL, &result, NULL);
    kal_result_free(result);
    return status;
}

static inline kal_status open_clients(kal_client *clients, size_t count)
{
    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    kal_status status = KAL_OK;
    options.client_id = "someone";
    options.client_secret = "nothing";
    options.base_url = "http://127.0.0.1:9";
    options.max_attempts = 1;
    while (status == KAL_OK && count-- > 0)
        status = kal_client_open(&options, clients++, NULL);
    return status;
}

#endif
