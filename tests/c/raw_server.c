#include "raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef _WIN32
#define closesocket close
#endif

static const char token[] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 64\r\n\r\n"
                            "{\"access_token\":\"at-1\",\"refresh_token\":\"rt-1\",\"expires_in\":3600}";

/* Reads the request's head, and its body if it has a Content-Length. */
static void read_request(int connection, char *request, size_t room)
{
    size_t length = 0;
    request[0] = '\0';
    for (;;) {
        const char *end = strstr(request, "\r\n\r\n");
        if (end != NULL) {
            const char *given = strstr(request, "ontent-length: ");
            if (given == NULL)
                given = strstr(request, "ontent-Length: ");
            size_t body = given ? (size_t)atoi(given + 15) : 0;
            if (length >= (size_t)(end + 4 - request) + body)
                return;
        }
        ssize_t got = recv(connection, request + length, room - 1 - length, 0);
        if (got <= 0)
            return;
        length += (size_t)got;
        request[length] = '\0';
    }
}

static void *serve(void *argument)
{
    raw_server *server = argument;
    for (int connection; (connection = (int)accept(server->listener, NULL, NULL)) >= 0; closesocket(connection)) {
        char request[16384];
        if (server->is_stopping) {
            closesocket(connection);
            break;
        }
        read_request(connection, request, sizeof request);
        if (strncmp(request, "POST /auth", 10) == 0)
            send(connection, token, sizeof token - 1, MSG_NOSIGNAL);
        else
            send(connection, server->answer, server->length, MSG_NOSIGNAL);
        shutdown(connection, SHUT_WR);
    }
    return NULL;
}

void raw_server_start(raw_server *server, const char *answer, size_t length)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->answer = answer;
    server->length = length;
    server->is_stopping = false;
    server->listener = (int)socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server->listener, (struct sockaddr *)&address, size) != 0 || listen(server->listener, 16) != 0
        || getsockname(server->listener, (struct sockaddr *)&address, &size) != 0
        || pthread_create(&server->thread, NULL, serve, server) != 0) {
        perror("raw_server");
        exit(1);
    }
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

void raw_server_stop(raw_server *server)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int wake = (int)socket(AF_INET, SOCK_STREAM, 0);
    server->is_stopping = true;
    /* Only a connection ends accept on every system. */
    if (getsockname(server->listener, (struct sockaddr *)&address, &size) != 0
        || connect(wake, (struct sockaddr *)&address, size) != 0)
        exit(1);
    pthread_join(server->thread, NULL);
    closesocket(wake);
    closesocket(server->listener);
}
