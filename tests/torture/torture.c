#include "torture.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TOLD_MOST = 20 };

bool torture_long;
uint64_t torture_seed = 1;

static const char *row_name;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long failures;

void torture_begin(const char *row, int argc, char **argv)
{
    row_name = row;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0)
            torture_long = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            torture_seed = strtoull(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--short") != 0)
            torture_give_up("unknown argument %s; use --short, --long or --seed N", argv[i]);
    }
}

bool torture_check(bool holds, const char *claim, ...)
{
    pthread_mutex_lock(&lock);
    failures += !holds;
    printf("%s - %s: ", holds ? "ok" : "not ok", row_name);
    va_list arguments;
    va_start(arguments, claim);
    vprintf(claim, arguments);
    va_end(arguments);
    putchar('\n');
    pthread_mutex_unlock(&lock);
    return holds;
}

void torture_fail(const char *format, ...)
{
    pthread_mutex_lock(&lock);
    if (++failures <= TOLD_MOST) {
        printf("# %s: ", row_name);
        va_list arguments;
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
        putchar('\n');
    }
    pthread_mutex_unlock(&lock);
}

long torture_failures(void)
{
    pthread_mutex_lock(&lock);
    long so_far = failures;
    pthread_mutex_unlock(&lock);
    return so_far;
}

int torture_end(long tried, const char *detail, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, detail);
    vsnprintf(text, sizeof text, detail, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = ' ';
    printf("{\"name\":\"%s\",\"tried\":%ld,\"failed\":%ld,\"detail\":\"%s\"}\n", row_name, tried, failures, text);
    return failures != 0;
}

_Noreturn void torture_give_up(const char *format, ...)
{
    printf("not ok - %s: ", row_name);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n{\"name\":\"%s\",\"tried\":0,\"failed\":1,\"detail\":\"it could not continue\"}\n", row_name);
    exit(1);
}

chance chance_of(uint64_t stream)
{
    return (chance){ torture_seed * 0x9E3779B97F4A7C15u + stream * 0xD1B54A32D192ED03u + 1 };
}

/* splitmix64 */
uint64_t chance_next(chance *chance)
{
    uint64_t z = chance->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint32_t chance_below(chance *chance, uint32_t limit)
{
    return limit == 0 ? 0 : (uint32_t)(chance_next(chance) % limit);
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_us(long microseconds)
{
    struct timespec left = { microseconds / 1000000, microseconds % 1000000 * 1000 };
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

bool wait_until(bool (*holds)(void *), void *argument, int64_t timeout_ms)
{
    for (int64_t until = now_ms() + timeout_ms; now_ms() < until; sleep_us(500))
        if (holds(argument))
            return true;
    return holds(argument);
}

int threads_now(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        return -1;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

void descriptors_now(char *text, size_t capacity)
{
    size_t length = 0;
    text[0] = '\0';
    for (int descriptor = 0; descriptor < 256; descriptor++) {
        char link[64], target[96];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t size = readlink(link, target, sizeof target - 1);
        if (size < 0)
            continue;
        target[size] = '\0';
        int wrote = snprintf(text + length, capacity - length, "%d=%s ", descriptor, target);
        if (wrote < 0 || (size_t)wrote >= capacity - length)
            return;
        length += (size_t)wrote;
    }
}

long resident_kib(void)
{
    long kib = -1;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return kib;
}

int reap_within(pid_t child, int64_t timeout_ms)
{
    int status;
    int process = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd ended = { .fd = process, .events = POLLIN };
    int64_t until = now_ms() + timeout_ms;
    int ready = 0;
    while (process >= 0 && (ready = poll(&ended, 1, (int)(until > now_ms() ? until - now_ms() : 0))) < 0 && errno == EINTR)
        ;
    if (process >= 0)
        close(process);
    if (ready == 1) {
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        return status;
    }
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return -1;
}

struct started {
    void (*body)(int index);
    int index;
};

static void *start(void *argument)
{
    struct started *started = argument;
    started->body(started->index);
    return NULL;
}

void run_threads(int count, void (*body)(int index))
{
    pthread_t threads[128];
    struct started arguments[128];
    for (int i = 0; i < count; i++) {
        arguments[i] = (struct started){ body, i };
        if (count > 128 || pthread_create(&threads[i], NULL, start, &arguments[i]) != 0)
            torture_give_up("no thread can be started");
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

kal_client_options options_to(const char *url)
{
    kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
    options.client_id = "demo-client";
    options.client_secret = "demo-secret";
    options.base_url = url;
    options.max_attempts = 1;
    options.timeout_ms = 10000;
    return options;
}

bool is_documented(kal_status status)
{
    return status == KAL_OK || status == KAL_DONE || status == KAL_NOT_READY
           || (status >= KAL_INVALID_ARGUMENT && status <= KAL_UNKNOWN_METHOD)
           || (status >= KAL_RESOLVE_FAILED && status <= KAL_OUT_OF_RESOURCES) || status == KAL_AUTH_FAILED
           || (status >= 400 && status <= 599) || status == KAL_BAD_RESPONSE;
}
