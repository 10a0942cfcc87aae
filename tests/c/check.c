#include "check.h"

#include <kaleidoscope.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { CLAIMS_MOST = 256, HANGS_AFTER_S = 60, HANGS_AFTER_SLOW_S = 300 };

static struct {
    const char *claim;
    void (*run)(void);
} claims[CLAIMS_MOST];
static size_t claims_len;
static void (*prepare_each)(void);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *current;
static bool failed;
static const char *skipped;
static jmp_buf give_up;

void check_register(const char *claim, void (*run)(void))
{
    if (claims_len == CLAIMS_MOST)
        abort();
    claims[claims_len].claim = claim;
    claims[claims_len++].run = run;
}

void check_before_each(void (*prepare)(void))
{
    prepare_each = prepare;
}

/* The first failure is printed on the claim's line, further ones below it. */
static bool fail(const char *file, int line, const char *format, ...)
{
    pthread_mutex_lock(&lock);
    if (failed)
        printf("#     %s:%d: ", file, line);
    else
        printf("not ok - %s: %s:%d: ", current, file, line);
    failed = true;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    pthread_mutex_unlock(&lock);
    return false;
}

bool check_that(const char *file, int line, bool holds, const char *condition)
{
    return holds || fail(file, line, "expected %s", condition);
}

bool check_int(const char *file, int line, const char *what, intmax_t actual, intmax_t expected)
{
    return actual == expected || fail(file, line, "expected %s to be %jd, it is %jd", what, expected, actual);
}

bool check_text(const char *file, int line, const char *what, const char *actual, const char *expected)
{
    if (actual == NULL || expected == NULL)
        return actual == expected
               || fail(file, line, "expected %s to be \"%s\", it is \"%s\"", what, expected ? expected : "(NULL)",
                       actual ? actual : "(NULL)");
    return strcmp(actual, expected) == 0
           || fail(file, line, "expected %s to be \"%.300s\", it is \"%.300s\"", what, expected, actual);
}

bool check_contains(const char *file, int line, const char *what, const char *text, const char *part, bool wanted)
{
    bool found = text != NULL && strstr(text, part) != NULL;
    return found == wanted
           || fail(file, line, "expected %s to %s \"%s\", it is \"%.300s\"", what, wanted ? "contain" : "lack", part,
                   text ? text : "(NULL)");
}

bool check_status(const char *file, int line, const char *what, int32_t actual, int32_t expected)
{
    return actual == expected
           || fail(file, line, "expected %s to return %s (%d), it returned %s (%d)", what, kal_status_name(expected), expected,
                   kal_status_name(actual), actual);
}

_Noreturn void check_give_up(void)
{
    longjmp(give_up, 1);
}

_Noreturn void check_skip(const char *why)
{
    skipped = why;
    longjmp(give_up, 1);
}

bool check_has_failed(void)
{
    pthread_mutex_lock(&lock);
    bool so_far = failed;
    pthread_mutex_unlock(&lock);
    return so_far;
}

bool check_mode_is(const char *mode)
{
    const char *run_as = getenv("CHECK_MODE");
    return run_as != NULL && strcmp(run_as, mode) == 0;
}

bool check_is_slow(void)
{
    return check_mode_is("valgrind");
}

/* A call that never returns must be reported as a failure, not block the run. */
static void on_alarm(int signal)
{
    (void)signal;
    static const char before[] = "not ok - ", after[] = ": it hangs\n";
    ssize_t written = write(STDOUT_FILENO, before, sizeof before - 1);
    written += write(STDOUT_FILENO, current, strlen(current));
    written += write(STDOUT_FILENO, after, sizeof after - 1);
    (void)written;
    _exit(1);
}

static bool is_wanted(const char *claim, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(claim, argv[i]) != NULL)
            return true;
    return argc <= 1;
}

/* `give_up` jumps back here; there are no local variables that longjmp could clobber. */
static void run(void (*claim)(void))
{
    if (setjmp(give_up) != 0)
        return;
    if (prepare_each != NULL)
        prepare_each();
    claim();
}

int check_main(int argc, char **argv)
{
    int failures = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, on_alarm);
    for (size_t i = 0; i < claims_len; i++) {
        if (!is_wanted(claims[i].claim, argc, argv))
            continue;
        current = claims[i].claim;
        failed = false;
        skipped = NULL;
        alarm(check_is_slow() || check_mode_is("emulated") ? HANGS_AFTER_SLOW_S : HANGS_AFTER_S);
        run(claims[i].run);
        alarm(0);
        failures += failed;
        if (!failed && skipped != NULL)
            printf("ok - %s # SKIP %s\n", current, skipped);
        else if (!failed)
            printf("ok - %s\n", current);
    }
    return failures != 0;
}
