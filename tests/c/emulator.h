/* Runs the emulator as a child process and sends its admin requests over a plain socket. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct emulator {
    pid_t pid;
    int stdin_fd; /* the emulator exits when this is closed, however the test ends; on Windows a socket */
    char url[64];
    uint16_t port;
} emulator;

/* Starts the program named by KAL_EMULATOR with these options (NULL last). Exits if it does not start. */
emulator emulator_start(const char *option, ...);
void emulator_stop(emulator *server);

/* Adds faults: a JSON object or a list of them. */
void emulator_fault(const emulator *server, const char *json);
/* Makes `times` requests for this path (0: all) return 200 with this JSON text. */
void emulator_answer(const emulator *server, const char *path, int times, const char *body);
/* Sends another admin request with a body, such as "expire-tokens". */
void emulator_admin(const emulator *server, const char *name, const char *body);
/* Clears faults, counts and recorded requests. */
void emulator_reset(const emulator *server);

/* Returns a count by its name: "token_requests", or a path such as "/workspaces/members". */
long emulator_count(const emulator *server, const char *name);
/* Returns all received requests as JSON text, which the caller frees. */
char *emulator_requests(const emulator *server);
/* Waits until a count is at least this. */
void emulator_wait_for(const emulator *server, const char *name, long count);

#endif
