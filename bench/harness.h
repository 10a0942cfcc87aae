/* The interface between harness.c, which makes and measures the calls, and the C programs of the benchmark, which implement the
 * client, so that all are measured by the same code. */
#ifndef KAL_BENCH_HARNESS_H
#define KAL_BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum {
    CALL_WORKSPACE,
    CALL_MEMBERS,
    CALL_EVENTS, /* one page of 1,000 */
    CALL_SMALL,  /* one page of one event: the smallest request that is never answered from a cache or shared */
    CALL_CACHED, /* the members, from the library's cache */
    CALL_STREAM, /* all events: each call reads the next page */
} bench_call;

/* Counters of the data read, which must be equal on both sides. */
typedef struct {
    uint64_t records;
    uint64_t checksum;
} bench_read;

/* Accesses a record as a program would: adds the first byte of a string, or nothing for NULL. */
static inline uint64_t bench_touch(const char *text)
{
    return text ? (unsigned char)text[0] + 1u : 0;
}

/* A checksum of the ids of the first `bench_left` events of a stream that depends on their order: two programs with the same one
 * have read the same events in the same order, each as often. */
extern uint64_t bench_order, bench_left;
static inline void bench_next(const char *id)
{
    /* Two parts of a UUID's text, which are random. */
    uint64_t parts[2];
    if (bench_left == 0)
        return;
    bench_left--;
    memcpy(&parts[0], id, 8);
    memcpy(&parts[1], id + 24, 8);
    bench_order = (bench_order ^ parts[0]) * 0x9E3779B97F4A7C15u;
    bench_order = (bench_order ^ (bench_order >> 29) ^ parts[1]) * 0xBF58476D1CE4E5B9u;
}

/* Implemented by each program. `open` is called once by the main thread; `join` once by every thread, with the result of `open`.
 */
void *bench_open(void);
void *bench_join(void *client);
/* Exits if the call fails. Reads no record at the end of a stream. */
bench_read bench_make(void *client, bench_call call);
void bench_leave(void *client, void *joined);

/* Prints the reason to standard error and exits. */
_Noreturn void bench_fail(const char *format, ...);

#endif
