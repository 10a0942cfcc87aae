/*
 * Row 10: the host's signals. HTTP and HTTPS connections are reset while SIGPIPE has its default action, which kills the
 * process; SIGALRM arrives 1,000 times a second, and no handler may ever run on a thread of the library.
 *
 * Seen red without the mask: "signal 1 is not blocked on kal-io", and so on, and then "it died of signal 13".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

#include "../c/emulator.h"
#include "torture.h"

enum { CALLERS = 4, HEADERS = 6, HEADER_BYTES = 6000 };

static emulator plain, tls;
static char ca_file[64];
static atomic_long handled, handled_on_ours, resets, resets_of_tls, by_status[1000];
static atomic_bool over;

static void on_signal(int signal)
{
    (void)signal;
    int before = errno;
    char name[16] = "";
    prctl(PR_GET_NAME, name, 0, 0, 0);
    atomic_fetch_add(&handled, 1);
    if (strncmp(name, "kal-", 4) == 0)
        atomic_fetch_add(&handled_on_ours, 1);
    errno = before;
}

static void block_alarm(int how)
{
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(how, &alarm, NULL);
}

/* A relay between client and emulator that resets the client's connection after a number of bytes. */
typedef struct middle {
    int listener;
    uint16_t port, to;
    uint64_t stream;
} middle;

static int listen_on(uint16_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0)
        torture_give_up("no listener");
    getsockname(listener, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    return listener;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0)
        torture_give_up("the emulator is gone");
    return connection;
}

static void hand_on(int client, int server, long most)
{
    struct pollfd ends[2] = { { .fd = client, .events = POLLIN }, { .fd = server, .events = POLLIN } };
    char bytes[1500];
    while (most > 0 && poll(ends, 2, 2000) > 0)
        for (int i = 0; i < 2; i++) {
            if (ends[i].revents == 0)
                continue;
            ssize_t count = recv(ends[i].fd, bytes, sizeof bytes < (size_t)most ? sizeof bytes : (size_t)most, 0);
            if (count <= 0)
                return;
            if (send(ends[1 - i].fd, bytes, (size_t)count, MSG_NOSIGNAL) != count)
                return;
            most -= count;
            if (most <= 0)
                return;
        }
}

static void *stand_between(void *argument)
{
    middle *middle = argument;
    chance chance = chance_of(middle->stream);
    block_alarm(SIG_BLOCK);
    for (int client; (client = accept(middle->listener, NULL, NULL)) >= 0;) {
        if (over) {
            close(client);
            break;
        }
        int server = connect_to(middle->to);
        /* A token exchange with its headers takes 40,000 bytes: resets happen in the handshake, a request and a response. */
        hand_on(client, server, 1 + chance_below(&chance, chance_below(&chance, 2) == 0 ? 3000 : 90000));
        setsockopt(client, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
        close(client);
        close(server);
        atomic_fetch_add(&resets, 1);
        atomic_fetch_add(&resets_of_tls, middle->to == tls.port);
    }
    return NULL;
}

static long wanted;
static middle middles[2];

static void *keep_calling(void *argument)
{
    uintptr_t index = (uintptr_t)argument;
    bool secure = index % 2 == 1;
    char url[64], value[HEADER_BYTES + 1];
    block_alarm(SIG_BLOCK);
    memset(value, 'v', HEADER_BYTES);
    value[HEADER_BYTES] = '\0';
    kal_header headers[HEADERS];
    static const char *const names[HEADERS] = { "x-a", "x-b", "x-c", "x-d", "x-e", "x-f" };
    for (int i = 0; i < HEADERS; i++)
        headers[i] = (kal_header){ names[i], value };
    snprintf(url, sizeof url, "%s://127.0.0.1:%u", secure ? "https" : "http", middles[secure].port);
    kal_client_options options = options_to(url);
    options.headers = headers;
    options.headers_len = HEADERS;
    options.ca_bundle_path = secure ? ca_file : NULL;
    kal_client client;
    if (kal_client_open(&options, &client, NULL) != KAL_OK)
        torture_give_up("a client cannot be opened");
    while (resets < wanted) {
        kal_result result;
        kal_error error;
        kal_status status = kal_workspace_get_events(client, NULL, NULL, &result, &error);
        if (!is_documented(status))
            torture_fail("a call returns %d: %s", status, kal_error_get(error)->message);
        else
            atomic_fetch_add(&by_status[status], 1);
        kal_result_free(result);
        kal_error_free(error);
    }
    kal_client_close(client);
    return NULL;
}

/* The number of the library's threads, and whether one has the wrong signals blocked. */
static int look_at_threads(bool *wrong)
{
    int ours = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], line[256], name[32] = "";
        unsigned long long blocked = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            sscanf(line, "Name: %31s", name);
            sscanf(line, "SigBlk: %llx", &blocked);
        }
        if (status != NULL)
            fclose(status);
        if (strncmp(name, "kal-", 4) != 0)
            continue;
        ours++;
        for (int signal = 1; signal < 32; signal++) {
            bool open = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == SIGTRAP
                        || signal == SIGABRT || signal == SIGSYS || signal == SIGKILL || signal == SIGSTOP;
            if (open == (blocked >> (signal - 1) & 1)) {
                *wrong = true;
                printf("# signal %d is %s on %s\n", signal, open ? "blocked" : "not blocked", name);
            }
        }
    }
    closedir(tasks);
    return ours;
}

/* Receives the alarms half of the time; in the other half only a thread that should not receive them could. */
static void *listen_half_of_the_time(void *none)
{
    block_alarm(SIG_UNBLOCK);
    while (!over) {
        block_alarm(SIG_UNBLOCK);
        for (int i = 0; i < 20 && !over; i++)
            usleep(5000);
        block_alarm(SIG_BLOCK);
        for (int i = 0; i < 20 && !over; i++)
            usleep(5000);
    }
    return none;
}

static int everything(void)
{
    struct sigaction before[65], after, take = { .sa_handler = on_signal };
    sigset_t mask_before, mask_after;
    wanted = torture_long ? 10000 : 400;
    plain = emulator_start("--threads", "2", NULL);
    snprintf(ca_file, sizeof ca_file, "/tmp/kal-signals-%d.pem", (int)getpid());
    tls = emulator_start("--threads", "2", "--tls", "--ca-out", ca_file, NULL);
    sigaction(SIGALRM, &take, NULL);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 1; i < 65; i++)
        sigaction(i, NULL, &before[i]);
    for (int i = 0; i < 2; i++) {
        middles[i] = (middle){ .to = i == 0 ? plain.port : tls.port, .stream = (uint64_t)i };
        middles[i].listener = listen_on(&middles[i].port);
    }

    /* The library's thread is started while nothing is blocked, so that it must block signals itself. */
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%u", plain.port);
    kal_client_options options = options_to(url);
    kal_client client;
    kal_result result;
    if (kal_client_open(&options, &client, NULL) != KAL_OK || kal_workspace_get_workspace(client, NULL, &result, NULL) != KAL_OK)
        torture_give_up("the first call fails");
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    bool wrong = false;
    int ours = look_at_threads(&wrong);
    torture_check(ours >= 2 && !wrong, "the library's threads block all but the fatal signals (%d threads)", ours);
    torture_check(memcmp(&mask_before, &mask_after, 8) == 0, "the caller's mask is unchanged");

    block_alarm(SIG_BLOCK);
    pthread_t listener, servers[8], callers[CALLERS];
    pthread_create(&listener, NULL, listen_half_of_the_time, NULL);
    struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 8; i++)
        pthread_create(&servers[i], NULL, stand_between, &middles[i % 2]);
    for (uintptr_t i = 0; i < CALLERS; i++)
        pthread_create(&callers[i], NULL, keep_calling, (void *)i);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    over = true;
    for (int i = 0; i < 8; i++)
        close(connect_to(middles[i % 2].port));
    setitimer(ITIMER_REAL, &never, NULL);
    pthread_join(listener, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(servers[i], NULL);
    int changed = 0;
    for (int i = 1; i < 65; i++)
        /* Compares the kernel's part of the mask: the C library leaves the rest uninitialised. */
        if (sigaction(i, NULL, &after) == 0
            && (before[i].sa_handler != after.sa_handler || before[i].sa_flags != after.sa_flags
                || memcmp(&before[i].sa_mask, &after.sa_mask, 8) != 0)) {
            changed++;
            printf("# the disposition of signal %d has changed: handler %p, flags %#x\n", i, (void *)(uintptr_t)after.sa_handler,
                   (unsigned)after.sa_flags);
        }
    kal_result_free(result);
    kal_client_close(client);
    emulator_stop(&plain);
    emulator_stop(&tls);
    unlink(ca_file);

    torture_check(resets >= wanted && resets_of_tls > 0 && resets_of_tls < resets,
                  "the process survives %ld resets, %ld of them over HTTPS", resets, resets_of_tls);
    torture_check(handled > 0 && handled_on_ours == 0, "no handler runs on a thread of the library: %ld of %ld do",
                  handled_on_ours, handled);
    torture_check(changed == 0, "all signal dispositions are unchanged");
    return torture_end(resets, "%ld alarms handled; calls: %ld done, %ld lost, %ld not connected, %ld TLS", handled,
                       by_status[KAL_OK], by_status[KAL_CONNECTION_LOST], by_status[KAL_CONNECT_FAILED],
                       by_status[KAL_TLS_FAILED]);
}

int main(int argc, char **argv)
{
    torture_begin("signals", argc, argv);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        exit(everything());
    int status = reap_within(child, 15 * 60 * 1000);
    if (status >= 0 && WIFEXITED(status))
        return WEXITSTATUS(status);
    torture_check(false, "the process survives: it was killed by signal %d", status < 0 ? 0 : WTERMSIG(status));
    return torture_end(0, "the process died");
}
