/* Suspend: token lifetimes continue while the machine sleeps and the monotonic clock stands still. */
#include "kit.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/* The clock that continues, and the C library's function without its name. */
#ifdef __APPLE__
#define CONTINUOUS CLOCK_MONOTONIC
static int read_clock(clockid_t clock, struct timespec *now)
{
    uint64_t nanoseconds = clock_gettime_nsec_np(clock);
    now->tv_sec = (time_t)(nanoseconds / 1000000000);
    now->tv_nsec = (long)(nanoseconds % 1000000000);
    return nanoseconds == 0 ? -1 : 0;
}
#else
#include <sys/syscall.h>
#define CONTINUOUS CLOCK_BOOTTIME
static int read_clock(clockid_t clock, struct timespec *now)
{
    return (int)syscall(SYS_clock_gettime, clock, now);
}
#endif

#define EVENTS "/workspaces/events"

static _Atomic long slept;

/* Overrides the C library's function, for the library under test as well. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int outcome = read_clock(clock, now);
    if (outcome == 0 && clock == CONTINUOUS)
        now->tv_sec += slept;
    return outcome;
}

static int calls;

static kal_status provide(void *user_data, char *buffer, size_t capacity, size_t *length)
{
    (void)user_data;
    (void)capacity;
    calls++;
    memcpy(buffer, "iap-token", *length = 9);
    return KAL_OK;
}

/* Red with the monotonic clock: the expired token was sent, and a third request for events was the replay after its 401. */
CLAIM(a_token_that_expired_during_suspend_is_not_sent)
{
    kal_client client = new_client();
    kal_result_free(RESULT_OF(get_events, client));
    slept += 2 * 3600;
    emulator_admin(&server, "expire-tokens", "");
    kal_result_free(RESULT_OF(get_events, client));
    CHECK_INT(emulator_count(&server, EVENTS), 2);
    CHECK_INT(emulator_count(&server, "token_refresh"), 1);
    kal_client_close(client);
}

/* Red with the monotonic clock: the provider was called once. */
CLAIM(the_50_minute_lifetime_of_an_iap_token_includes_suspend)
{
    kal_client_options options = options_for(&server);
    options.iap_token_provider = provide;
    kal_client client = client_with(options);
    kal_result_free(RESULT_OF(get_events, client));
    slept += 49 * 60;
    kal_result_free(RESULT_OF(get_events, client));
    CHECK_INT(calls, 1);
    slept += 2 * 60;
    kal_result_free(RESULT_OF(get_events, client));
    CHECK_INT(calls, 2);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
