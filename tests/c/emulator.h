/* The emulator as a process of its own, and its admin requests over a plain socket. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct emulator {
    pid_t pid;
    int stdin_fd; /* it ends when this is closed, however the test ends */
    char url[64];
    uint16_t port;
} emulator;

/* Starts the program that KAL_EMULATOR names, with these options (NULL last). Ends the test program when it does not start. */
emulator emulator_start(const char *option, ...);
void emulator_stop(emulator *server);

/* Adds faults: one JSON object or a list of them. */
void emulator_fault(const emulator *server, const char *json);
/* Answers `times` requests of this path (0: all) with this JSON text and 200. */
void emulator_answer(const emulator *server, const char *path, int times, const char *body);
/* Another admin request with a body, such as "expire-tokens". */
void emulator_admin(const emulator *server, const char *name, const char *body);
/* Forgets faults, counts and requests. */
void emulator_reset(const emulator *server);

/* A figure of the admin's counts by its name: "token_requests", or a path such as "/workspaces/members". */
long emulator_count(const emulator *server, const char *name);
/* All requests that came in, as JSON text, to be freed. */
char *emulator_requests(const emulator *server);
/* Waits until a figure is at least this. */
void emulator_wait_for(const emulator *server, const char *name, long count);

#endif
