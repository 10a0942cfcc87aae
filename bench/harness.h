/* What the C programs of the benchmark share: each supplies a client, harness.c makes the calls and takes the figures, so that
 * all are measured by the same code. */
#ifndef KAL_BENCH_HARNESS_H
#define KAL_BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CALL_WORKSPACE,
    CALL_MEMBERS,
    CALL_EVENTS, /* one page of 1,000 */
    CALL_SMALL,  /* one page of one event: the smallest request that is never answered from a cache or shared */
    CALL_CACHED, /* the members, from the library's cache */
    CALL_STREAM, /* all events, page after page; the call goes on from the page before */
} bench_call;

/* What was read, so that nothing is left out unnoticed: both sides must come to the same. */
typedef struct {
    uint64_t records;
    uint64_t checksum;
} bench_read;

/* Adds what a program that uses a record would touch: the first byte of a text, or nothing for NULL. */
static inline uint64_t bench_touch(const char *text)
{
    return text ? (unsigned char)text[0] + 1u : 0;
}

/* What the program supplies. `open` is called once by the main thread; `join` once by every thread, with what `open` gave. */
void *bench_open(void);
void *bench_join(void *client);
/* Ends the program when the call fails. At the end of a stream it reads no record. */
bench_read bench_make(void *client, bench_call call);
void bench_leave(void *client, void *joined);

/* Says why on standard error and ends the program. */
_Noreturn void bench_fail(const char *format, ...);

#endif
