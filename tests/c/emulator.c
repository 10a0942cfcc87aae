#include "emulator.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#ifndef _WIN32
#define closesocket close
#endif

enum { OPTIONS_MOST = 24 };

#define READY "kal-emulator: ready on %63s"

/* Without an emulator no claim can be checked. */
static _Noreturn void give_up(const char *why)
{
    printf("not ok - the emulator: %s\n", why);
    exit(1);
}

static int connected(const emulator *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(server->port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int socket_fd = (int)socket(AF_INET, SOCK_STREAM, 0);
    if (socket_fd < 0 || connect(socket_fd, (struct sockaddr *)&address, sizeof address) != 0)
        give_up("it does not accept connections");
    return socket_fd;
}

static void send_all(int socket_fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(socket_fd, text, length, MSG_NOSIGNAL);
        if (sent <= 0)
            give_up("an admin request was not accepted");
        text += sent;
        length -= (size_t)sent;
    }
}

#ifdef _WIN32

/* The emulator is a program of the system below, if the tests run on Wine: `program` is the port at which another process starts
 * one for each connection, which takes the place of its standard input and output. */
static emulator start(const char *program, const char **arguments)
{
    emulator server = { .port = (uint16_t)atoi(program) };
    char line[256];
    size_t length = 0;
    server.stdin_fd = connected(&server);
    server.pid = 1;
    for (size_t i = 1; arguments[i] != NULL; i++) {
        send_all(server.stdin_fd, arguments[i], strlen(arguments[i]));
        send_all(server.stdin_fd, arguments[i + 1] == NULL ? "\n" : "\t", 1);
    }
    while (length < sizeof line - 1 && recv(server.stdin_fd, line + length, 1, 0) == 1 && line[length] != '\n')
        length++;
    line[length] = '\0';
    if (sscanf(line, READY, server.url) != 1)
        give_up("it did not start");
    return server;
}

void emulator_stop(emulator *server)
{
    closesocket(server->stdin_fd);
    server->pid = 0;
}

#else

static emulator start(const char *program, const char **arguments)
{
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0)
        give_up("no pipes");
    emulator server = { .pid = fork(), .stdin_fd = in[1] };
    if (server.pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execv(program, (char *const *)arguments);
        perror(program);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    char line[256];
    if (lines == NULL || fgets(line, sizeof line, lines) == NULL || sscanf(line, READY, server.url) != 1)
        give_up("it did not start");
    fclose(lines);
    return server;
}

void emulator_stop(emulator *server)
{
    close(server->stdin_fd);
    kill(server->pid, SIGTERM);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

#endif

emulator emulator_start(const char *option, ...)
{
    const char *program = getenv("KAL_EMULATOR");
    const char *arguments[OPTIONS_MOST + 3] = { "kal-emulator", "--exit-with-stdin" };
    size_t count = 2;
    va_list options;
    va_start(options, option);
    for (; option != NULL && count < OPTIONS_MOST + 2; option = va_arg(options, const char *))
        arguments[count++] = option;
    va_end(options);
    if (program == NULL)
        give_up("KAL_EMULATOR is not set; run the tests with run.sh");

    emulator server = start(program, arguments);
    server.port = (uint16_t)atoi(strrchr(server.url, ':') + 1);
    return server;
}

/* Sends an admin request and returns the body of the response, which the caller frees. */
static char *exchange(const emulator *server, const char *method, const char *name, const char *body)
{
    char head[256];
    int head_length = snprintf(head, sizeof head,
                               "%s /__emulator/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                               "Content-Length: %zu\r\n\r\n",
                               method, name, strlen(body));
    int socket_fd = connected(server);
    send_all(socket_fd, head, (size_t)head_length);
    send_all(socket_fd, body, strlen(body));
    size_t length = 0, capacity = 4096;
    char *answer = malloc(capacity);
    for (ssize_t got; answer != NULL && (got = recv(socket_fd, answer + length, capacity - 1 - length, 0)) > 0;) {
        length += (size_t)got;
        if (capacity - 1 == length)
            answer = realloc(answer, capacity *= 2);
    }
    closesocket(socket_fd);
    if (answer == NULL)
        give_up("no memory");
    answer[length] = '\0';
    char *start = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || start == NULL) {
        printf("# %s %s %s\n# %s\n", method, name, body, answer);
        give_up("an admin request was rejected");
    }
    memmove(answer, start + 4, strlen(start + 4) + 1);
    return answer;
}

void emulator_admin(const emulator *server, const char *name, const char *body)
{
    free(exchange(server, "POST", name, body));
}

void emulator_fault(const emulator *server, const char *json)
{
    emulator_admin(server, "faults", json);
}

void emulator_answer(const emulator *server, const char *path, int times, const char *body)
{
    size_t room = 6 * strlen(body) + strlen(path) + 64;
    char *fault = malloc(room);
    if (fault == NULL)
        give_up("no memory");
    int length = snprintf(fault, room, "{\"path\":\"%s\",\"times\":%d,\"body\":\"", path, times);
    for (const char *c = body; *c != '\0'; c++) {
        bool escaped = *c == '"' || *c == '\\' || (unsigned char)*c < ' ';
        length += snprintf(fault + length, room - (size_t)length, escaped ? "\\u%04x" : "%c", (unsigned char)*c);
    }
    snprintf(fault + length, room - (size_t)length, "\"}");
    emulator_fault(server, fault);
    free(fault);
}

void emulator_reset(const emulator *server)
{
    emulator_admin(server, "reset", "");
}

long emulator_count(const emulator *server, const char *name)
{
    char key[128];
    snprintf(key, sizeof key, "\"%s\":", name);
    char *counts = exchange(server, "GET", "counts", "");
    const char *found = strstr(counts, key);
    /* A path without requests is not listed. */
    long count = found ? strtol(found + strlen(key), NULL, 10) : 0;
    free(counts);
    return count;
}

char *emulator_requests(const emulator *server)
{
    return exchange(server, "GET", "requests", "");
}

void emulator_wait_for(const emulator *server, const char *name, long count)
{
    while (emulator_count(server, name) < count)
        poll(NULL, 0, 2);
}
