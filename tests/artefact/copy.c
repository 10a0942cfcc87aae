#include "copy.h"

copy_use plugin_use;
copy_open plugin_open;

kal_status plugin_use(kal_client client)
{
    return use_client(client);
}

kal_status plugin_open(kal_client *clients, size_t count)
{
    return open_clients(clients, count);
}
