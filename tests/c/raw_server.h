/* A server that sends fixed bytes, for responses that no HTTP library would produce. */
#ifndef RAW_SERVER_H
#define RAW_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

typedef struct raw_server {
    int listener;
    atomic_bool is_stopping;
    pthread_t thread;
    const char *answer;
    size_t length;
    char url[64];
} raw_server;

/* Accepts every sign-in, and sends `answer` to any other request, then closes the connection. */
void raw_server_start(raw_server *server, const char *answer, size_t length);
void raw_server_stop(raw_server *server);

#endif
