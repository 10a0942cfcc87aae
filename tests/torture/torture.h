/*
 * Shared by the torture programs: arguments, output, random numbers, processes and threads.
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
/* The seed of the random choices; `--seed N` repeats a run. */
extern uint64_t torture_seed;

void torture_begin(const char *row, int argc, char **argv);
/* Reports a claim and whether it holds; returns the latter. */
bool torture_check(bool holds, const char *claim, ...) __attribute__((format(printf, 2, 3)));
/* Records one failed try: counted, and printed if there are few. On any thread. */
void torture_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
long torture_failures(void);
/* Prints the last line; returns the exit status for `main`. */
int torture_end(long tried, const char *detail, ...) __attribute__((format(printf, 2, 3)));
/* Ends a test that cannot continue. */
_Noreturn void torture_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Random numbers: each thread has its own state. */
typedef struct chance {
    uint64_t state;
} chance;
chance chance_of(uint64_t stream);
uint64_t chance_next(chance *chance);
uint32_t chance_below(chance *chance, uint32_t limit);

int64_t now_ms(void);
void sleep_us(long microseconds);
/* Waits until `holds` returns true, for at most this long; returns whether it did. */
bool wait_until(bool (*holds)(void *), void *argument, int64_t timeout_ms);

/* Figures of this process. */
int threads_now(void);
/* The open descriptors and their targets as text. */
void descriptors_now(char *text, size_t capacity);
long resident_kib(void);
/* Waits for a child and kills it after the timeout. Returns its wait status, or -1 if it was killed. */
int reap_within(pid_t child, int64_t timeout_ms);
/* Runs `body` in every thread, and waits for all of them. */
void run_threads(int count, void (*body)(int index));

/* Client options for a server: demo credentials, no retries, 10 s for a call. */
kal_client_options options_to(const char *url);
/* Whether the header declares a status and it does not indicate a defect. */
bool is_documented(kal_status status);

#endif
