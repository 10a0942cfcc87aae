/*
 * What the torture programs share: their arguments, their lines of output, chance, processes and threads looked at from outside.
 *
 *     int main(int argc, char **argv)
 *     {
 *         torture_begin("fork", argc, argv);
 *         long rounds = torture_long ? 1000 : 20;
 *         ...
 *         torture_check(hung == 0, "no child hangs");
 *         return torture_end(rounds, "%ld children", rounds);
 *     }
 *
 * A program prints `ok - row: claim` or `not ok - row: claim`, and one JSON object as its last line.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <kaleidoscope.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether this is the long form. */
extern bool torture_long;
/* What the random choices follow from; `--seed N` repeats a run. */
extern uint64_t torture_seed;

void torture_begin(const char *row, int argc, char **argv);
/* A claim and whether it holds; gives the latter. */
bool torture_check(bool holds, const char *claim, ...) __attribute__((format(printf, 2, 3)));
/* One try that failed: counted, and told as long as there are few. On any thread. */
void torture_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
long torture_failures(void);
/* The last line; gives what `main` returns. */
int torture_end(long tried, const char *detail, ...) __attribute__((format(printf, 2, 3)));
/* What a test cannot go on without. */
_Noreturn void torture_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Chance: each thread has its own state. */
typedef struct chance {
    uint64_t state;
} chance;
chance chance_of(uint64_t stream);
uint64_t chance_next(chance *chance);
uint32_t chance_below(chance *chance, uint32_t limit);

int64_t now_ms(void);
void sleep_us(long microseconds);
/* Waits until `holds` does, for at most so long; gives whether it does. */
bool wait_until(bool (*holds)(void *), void *argument, int64_t timeout_ms);

/* Of this process. */
int threads_now(void);
/* The open descriptors as text, such as "0 1 2 7 " with what they are. */
void descriptors_now(char *text, size_t capacity);
long resident_kib(void);
/* Waits for a child; kills it when the time is up. Gives its wait status, or -1 when it had to be killed. */
int reap_within(pid_t child, int64_t timeout_ms);
/* Runs `body` in every thread, and waits for all of them. */
void run_threads(int count, void (*body)(int index));

/* Client options that lead to a server: demo credentials, no retries, 10 s for a call. */
kal_client_options options_to(const char *url);
/* Whether a status is one the header has, and none that means a defect. */
bool is_documented(kal_status status);

#endif
