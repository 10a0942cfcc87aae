/*
 * A small test harness. A test is a function named after the claim that it checks:
 *
 *     CLAIM(a_freed_result_returns_null)
 *     {
 *         CHECK_STATUS(call(), KAL_OK);
 *         CHECK(pointer == NULL);
 *     }
 *
 *     int main(int argc, char **argv) { return check_main(argc, argv); }
 *
 * A program prints `ok - a_freed_result_returns_null`, or `not ok - ...: file:line: expected ...`, a line for each claim,
 * goes on after a failure, and exits with 1 if any claim failed. With arguments it runs only the claims that contain one.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Claims register themselves, so that none can be missing from a list. */
#define CLAIM(name)                                                      \
    static void name(void);                                              \
    __attribute__((constructor)) static void check_register_##name(void) \
    {                                                                    \
        check_register(#name, name);                                     \
    }                                                                    \
    static void name(void)

/* The checks do not stop after a failure, may be used on any thread, and return whether they passed. */
#define CHECK(condition) check_that(__FILE__, __LINE__, (condition), #condition)
#define CHECK_INT(actual, expected) check_int(__FILE__, __LINE__, #actual, (intmax_t)(actual), (intmax_t)(expected))
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, (actual), (expected))
#define CHECK_CONTAINS(text, part) check_contains(__FILE__, __LINE__, #text, (text), (part), true)
#define CHECK_LACKS(text, part) check_contains(__FILE__, __LINE__, #text, (text), (part), false)
#define CHECK_STATUS(actual, expected) check_status(__FILE__, __LINE__, #actual, (actual), (expected))
/* Ends the claim if the condition does not hold. For the claim's main thread only. */
#define REQUIRE(condition)     \
    do {                       \
        if (!CHECK(condition)) \
            check_give_up();   \
    } while (0)

int check_main(int argc, char **argv);
/* Runs before each claim, so that all claims start in the same state. */
void check_before_each(void (*prepare)(void));

void check_register(const char *claim, void (*run)(void));
bool check_that(const char *file, int line, bool holds, const char *condition);
bool check_int(const char *file, int line, const char *what, intmax_t actual, intmax_t expected);
bool check_text(const char *file, int line, const char *what, const char *actual, const char *expected);
bool check_contains(const char *file, int line, const char *what, const char *text, const char *part, bool wanted);
bool check_status(const char *file, int line, const char *what, int32_t actual, int32_t expected);
_Noreturn void check_give_up(void);
/* Skips the rest of the claim: `ok - ... # SKIP why`. */
_Noreturn void check_skip(const char *why);
/* Whether the running claim has failed. */
bool check_has_failed(void);
/* How the tests are run: "plain", "valgrind", "asan" or "emulated", which is by qemu-user. */
bool check_mode_is(const char *mode);
/* Whether the test runs under valgrind, about fifty times slower. */
bool check_is_slow(void);

#endif
