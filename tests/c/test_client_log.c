/* The log of a client: its own lines only, with its name and host, beside the log of the process. */
#include "kit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMBERS "/workspaces/members"
#define EVENTS "/workspaces/events"

/* All lines of one log: `4 GET /...`. */
typedef struct lines {
    pthread_mutex_t lock;
    char text[1 << 16];
    size_t length;
} lines;

static void take_line(void *user_data, int32_t level, const char *message)
{
    lines *lines = user_data;
    take_over(lines);
    pthread_mutex_lock(&lines->lock);
    int length = snprintf(lines->text + lines->length, sizeof lines->text - lines->length, "%d %s\n", level, message);
    if (length > 0 && lines->length + (size_t)length < sizeof lines->text)
        lines->length += (size_t)length;
    pthread_mutex_unlock(&lines->lock);
    hand_over(lines);
}

static void clear(lines *lines)
{
    memset(lines, 0, sizeof *lines);
    pthread_mutex_init(&lines->lock, NULL);
    hand_over(lines);
}

/* Ends a client: its log is not written to any more. */
static void end(kal_client client, lines *lines)
{
    CHECK_STATUS(kal_client_shutdown(client, KAL_WAIT_FOREVER, NULL), KAL_OK);
    kal_client_close(client);
    take_over(lines);
}

static kal_client_options logging_to(lines *lines, int32_t level, const char *name)
{
    kal_client_options options = options_for(&server);
    clear(lines);
    options.name = name;
    options.log_callback = take_line;
    options.log_user_data = lines;
    options.log_level = level;
    return options;
}

/* How many lines there are, and how many of them end as the header says. `request`: with attempt and duration. */
static int count(const lines *lines, const char *name, bool request, int *all)
{
    char origin[256];
    int found = 0;
    *all = 0;
    snprintf(origin, sizeof origin, " client=%s host=%s", name, strchr(server.url, '/') + 2);
    for (const char *line = lines->text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n'), *at = strstr(line, origin);
        int attempt = 0, duration_ms = -1, length = 0;
        (*all)++;
        if (at == NULL || at > end)
            continue;
        at += strlen(origin);
        if (request && sscanf(at, " attempt=%d duration_ms=%d%n", &attempt, &duration_ms, &length) == 2)
            found += attempt > 0 && duration_ms >= 0 && at + length == end;
        else if (!request)
            found += at == end;
    }
    return found;
}

/* Red with a line that ends otherwise, such as "(attempt 1, 12 ms)". */
CLAIM(each_line_ends_with_client_and_host_and_that_of_a_request_with_attempt_and_duration)
{
    static lines log;
    kal_client_options options = logging_to(&log, KAL_LOG_DEBUG, "lims-import");
    options.max_attempts = 2;
    kal_client client = client_with(options);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"status\":503}");
    kal_result_free(RESULT_OF(get_events, client));
    end(client, &log);
    int all = 0, requests = count(&log, "lims-import", true, &all), others = count(&log, "lims-import", false, &all);
    /* The token request and two attempts; the sign-in and the retry. */
    CHECK_INT(requests, 3);
    CHECK_INT(others, 2);
    CHECK_INT(all, 5);
    CHECK_CONTAINS(log.text, "4 GET " EVENTS ": 200, ");
    CHECK_CONTAINS(log.text, " attempt=2 duration_ms=");
    CHECK_LACKS(log.text, SECRET);
    CHECK_LACKS(log.text, "kal-at-");
}

/* Two plugins and the program. Red when a client's lines go to the log of the process, too. */
CLAIM(each_client_logs_to_its_own_callback_at_its_own_level_and_others_to_the_process)
{
    static lines one, other, process, silent;
    clear(&process);
    CHECK_STATUS(kal_set_log(KAL_LOG_DEBUG, take_line, &process), KAL_OK);
    kal_client clients[] = { client_with(logging_to(&one, KAL_LOG_DEBUG, "one")),
                             client_with(logging_to(&other, KAL_LOG_INFO, "other")),
                             client_with(logging_to(&silent, KAL_LOG_OFF, "silent")), new_client() };
    for (int i = 0; i < 4; i++)
        kal_result_free(RESULT_OF(get_members, clients[i]));
    CHECK_STATUS(kal_set_log(KAL_LOG_OFF, NULL, NULL), KAL_OK);
    take_over(&process);
    /* The process has no log any more; the clients still have. */
    kal_result_free(RESULT_OF(get_events, clients[0]));
    end(clients[0], &one);
    end(clients[1], &other);
    end(clients[2], &silent);
    kal_client_close(clients[3]);
    CHECK_CONTAINS(one.text, "4 GET " MEMBERS ": 200");
    CHECK_CONTAINS(one.text, "4 GET " EVENTS ": 200");
    CHECK_CONTAINS(one.text, " client=one ");
    CHECK_LACKS(one.text, "client=other");
    CHECK_CONTAINS(other.text, "3 signed in at ");
    CHECK_CONTAINS(other.text, " client=other ");
    CHECK_LACKS(other.text, "4 ");
    CHECK_TEXT(silent.text, "");
    CHECK_LACKS(process.text, "client=silent");
    CHECK_CONTAINS(process.text, "4 GET " MEMBERS ": 200");
    CHECK_LACKS(process.text, "client=one");
    CHECK_LACKS(process.text, "client=other");
}

static long number_of(const lines *log)
{
    const char *at = strstr(log->text, " client=");
    return at == NULL ? -1 : strtol(at + strlen(" client="), NULL, 10);
}

CLAIM(a_client_without_a_name_has_a_number)
{
    static lines logs[2];
    for (int i = 0; i < 2; i++) {
        kal_client client = client_with(logging_to(&logs[i], KAL_LOG_INFO, NULL));
        kal_result_free(RESULT_OF(get_members, client));
        end(client, &logs[i]);
    }
    CHECK(number_of(&logs[0]) > 0);
    CHECK_INT(number_of(&logs[1]), number_of(&logs[0]) + 1);
}

CLAIM(what_cannot_be_a_name_or_a_level_is_an_invalid_argument)
{
    static const char *const names[] = { "", "two words", "line\nbreak", "caf\xc3\xa9",
                                         "a-name-that-is-longer-than-sixty-four-characters-is-not-accepted-" };
    kal_client client;
    kal_error error;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        kal_client_options options = options_for(&server);
        options.name = names[i];
        FAILURE(kal_client_open(&options, &client, &error), &error, KAL_INVALID_ARGUMENT, "name: must be 1 to 64 characters");
    }
    kal_client_options options = options_for(&server);
    options.log_level = KAL_LOG_DEBUG + 1;
    FAILURE(kal_client_open(&options, &client, &error), &error, KAL_INVALID_ARGUMENT, "log_level: 5 is not");
    options.log_level = KAL_LOG_OFF;
    options.reserved_2 = 1;
    FAILURE(kal_client_open(&options, &client, &error), &error, KAL_INVALID_ARGUMENT, "reserved_2: it must be 0");
}

static pid_t forked;

/* Forks once, on the library's thread, and returns in the child too. */
static void fork_on_the_librarys_thread(void *user_data, int32_t level, const char *message)
{
    char name[16] = "";
    (void)user_data, (void)level, (void)message;
    take_over(&forked);
    if (pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strcmp(name, "kal-io") == 0 && forked == 0)
        forked = fork();
    hand_over(&forked);
}

/* Red when the child goes on with the connections of its parent: it never ends, and calls of the parent time out. */
CLAIM(a_child_that_returns_from_a_callback_to_the_librarys_thread_is_aborted)
{
#ifdef _WIN32
    check_skip("Windows has no fork");
#endif
    kal_client_options options = options_for(&server);
    int status = 0;
    options.log_callback = fork_on_the_librarys_thread;
    options.log_level = KAL_LOG_DEBUG;
    kal_client client = client_with(options);
    kal_result_free(RESULT_OF(get_events, client));
    kal_result_free(RESULT_OF(get_events, client));
    CHECK_STATUS(kal_client_shutdown(client, KAL_WAIT_FOREVER, NULL), KAL_OK);
    take_over(&forked);
    REQUIRE(forked > 0);
    REQUIRE(waitpid(forked, &status, 0) == forked);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    kal_client_close(client);
}

int main(int argc, char **argv)
{
    return kit_main(argc, argv, NULL);
}
