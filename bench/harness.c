/* PROGRAM first | WORKLOAD COUNT [THREADS]: makes COUNT calls on each of THREADS threads after a warm-up, and prints the results
 * as one line of JSON. `first` makes one call without a warm-up, and prints one line as soon as it has the answer. */
#include "harness.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *name;
    bench_call call;
    size_t warm_up;
} workloads[] = {
    { "first", CALL_WORKSPACE, 0 }, { "workspace", CALL_WORKSPACE, 50 }, { "members", CALL_MEMBERS, 3 },
    { "events", CALL_EVENTS, 10 },  { "small", CALL_SMALL, 20 },         { "cached", CALL_CACHED, 1000 },
    { "stream", CALL_STREAM, 0 },   { "memory", CALL_MEMBERS, 0 },
};

uint64_t bench_order, bench_left;

typedef struct {
    void *client;
    bench_call call;
    size_t warm_up, count;
    uint64_t *times; /* NULL: measure only the total, because reading the clock would distort it */
    pthread_barrier_t *barrier;
    bench_read read;
} work;

void bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t cpu(const struct rusage *usage)
{
    return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000u
           + (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000u;
}

/* A line of /proc/self/status, in KiB. Not ru_maxrss, which starts at the parent's value. */
static long memory(const char *name)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            kib = strtol(line + strlen(name) + 1, NULL, 10);
    if (status)
        fclose(status);
    return kib;
}

static int ascending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void *run(void *argument)
{
    work *work = argument;
    void *joined = bench_join(work->client);
    for (size_t i = 0; i < work->warm_up; i++)
        bench_make(joined, work->call);
    /* All threads have warmed up; the measurement begins; all threads start. */
    pthread_barrier_wait(work->barrier);
    pthread_barrier_wait(work->barrier);
    for (size_t i = 0; i < work->count; i++) {
        uint64_t begin = work->times ? now() : 0;
        bench_read read = bench_make(joined, work->call);
        if (work->times)
            work->times[i] = now() - begin;
        work->read.records += read.records;
        work->read.checksum += read.checksum;
    }
    pthread_barrier_wait(work->barrier);
    bench_leave(work->client, joined);
    return NULL;
}

/* Memory is measured after a tenth and at the end. */
static void stream(void *client, size_t events)
{
    bench_read total = { 0 }, page;
    long early = 0;
    uint64_t begin = now(), pages = 0;
    bench_left = events;
    while (total.records < events && (page = bench_make(client, CALL_STREAM)).records > 0) {
        total.records += page.records;
        total.checksum += page.checksum;
        pages++;
        if (early == 0 && total.records >= events / 10)
            early = memory("VmRSS");
    }
    uint64_t took = now() - begin;
    printf("{\"workload\": \"stream\", \"records\": %llu, \"pages\": %llu, \"order\": \"%016llx\", \"wall_ns\": %llu, "
           "\"mean_ns\": %llu, \"rss_early_kib\": %ld, \"rss_kib\": %ld, \"peak_kib\": %ld}\n",
           (unsigned long long)(events - bench_left), (unsigned long long)pages, (unsigned long long)bench_order,
           (unsigned long long)took, (unsigned long long)(took / (pages ? pages : 1)), early, memory("VmRSS"), memory("VmHWM"));
}

int main(int argc, char **argv)
{
    size_t kind = 0, kinds = sizeof workloads / sizeof *workloads;
    const char *name = argc > 1 ? argv[1] : "";
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1, threads = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    while (kind < kinds && strcmp(workloads[kind].name, name) != 0)
        kind++;
    if (kind == kinds || count == 0 || threads == 0 || threads > 1024)
        bench_fail("usage: %s first | workspace|members|events|small|cached|stream|memory COUNT [THREADS]", argv[0]);

    void *client = bench_open();
    if (strcmp(name, "first") == 0) {
        void *joined = bench_join(client);
        bench_read read = bench_make(joined, CALL_WORKSPACE);
        char line[64];
        int length = snprintf(line, sizeof line, "{\"workload\": \"first\", \"records\": %d}\n", (int)read.records);
        return write(STDOUT_FILENO, line, (size_t)length) != length;
    }
    if (workloads[kind].call == CALL_STREAM) {
        stream(client, count);
        return 0;
    }

    pthread_t *ids = calloc(threads, sizeof *ids);
    work *works = calloc(threads, sizeof *works);
    int timed = workloads[kind].call != CALL_CACHED && threads == 1;
    uint64_t *times = timed ? calloc(count, sizeof *times) : NULL;
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
    for (size_t i = 0; i < threads; i++) {
        works[i] = (work){ client, workloads[kind].call, workloads[kind].warm_up, count, times, &barrier, { 0 } };
        if (pthread_create(&ids[i], NULL, run, &works[i]) != 0)
            bench_fail("no thread");
    }
    struct rusage before, after;
    pthread_barrier_wait(&barrier);
    getrusage(RUSAGE_SELF, &before);
    uint64_t begin = now();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    uint64_t took = now() - begin;
    getrusage(RUSAGE_SELF, &after);
    long peak = memory("VmHWM"), resident = memory("VmRSS");
    bench_read read = { 0 };
    for (size_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        read.records += works[i].read.records;
        read.checksum += works[i].read.checksum;
    }

    double calls = (double)count * (double)threads;
    uint64_t p50 = took / count;
    if (times) {
        qsort(times, count, sizeof *times, ascending);
        p50 = times[count / 2];
    }
    printf("{\"workload\": \"%s\", \"calls\": %.0f, \"records\": %.0f, \"checksum\": %.0f, \"p50_ns\": %llu, \"mean_ns\": %.1f, "
           "\"wall_ns\": %.1f, \"cpu_ns\": %.1f, \"faults\": %.2f, \"switches\": %.2f, \"peak_kib\": %ld, \"rss_kib\": %ld}\n",
           name, calls, (double)read.records / calls, (double)read.checksum / calls, (unsigned long long)p50,
           (double)took / (double)count, (double)took / calls, (double)(cpu(&after) - cpu(&before)) / calls,
           (double)(after.ru_minflt - before.ru_minflt) / calls, (double)(after.ru_nvcsw - before.ru_nvcsw) / calls, peak,
           resident);
    return 0;
}
