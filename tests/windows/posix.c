#include "posix.h"

#include <string.h>
#include <tlhelp32.h>

#include "../c/check.h"
#include "../c/kit.h"

__attribute__((constructor)) static void start_sockets(void)
{
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        abort();
}

/* The C library has a copy of the environment, and the library under test reads the system's. An empty value is one there. */
int setenv(const char *name, const char *value, int overwrite)
{
    if (!overwrite && getenv(name) != NULL)
        return 0;
    return _putenv_s(name, value) == 0 && SetEnvironmentVariableA(name, value) ? 0 : -1;
}

int unsetenv(const char *name)
{
    SetEnvironmentVariableA(name, NULL);
    return _putenv_s(name, "");
}

#undef opendir
DIR *posix_opendir(const char *path)
{
    if (strncmp(path, "/proc/", 6) == 0)
        check_skip("Windows has no /proc");
    return opendir(path);
}

int posix_sleep(int timeout_ms)
{
    Sleep((DWORD)timeout_ms);
    return 0;
}

#undef signal
static void (*on_alarm)(int);
static HANDLE alarm_is_set;
static volatile DWORD alarm_ms = INFINITE;

static DWORD WINAPI watch(LPVOID unused)
{
    (void)unused;
    while (WaitForSingleObject(alarm_is_set, alarm_ms) != WAIT_TIMEOUT)
        continue;
    on_alarm(SIGALRM);
    return 0;
}

/* From the start, so that no claim sees a new thread. */
__attribute__((constructor)) static void start_watch(void)
{
    alarm_is_set = CreateEventW(NULL, FALSE, FALSE, NULL);
    CloseHandle(CreateThread(NULL, 0, watch, NULL, 0, NULL));
}

void (*posix_signal(int number, void (*handler)(int)))(int)
{
    if (number != SIGALRM)
        return signal(number, handler);
    void (*before)(int) = on_alarm;
    on_alarm = handler;
    return before;
}

unsigned alarm(unsigned seconds)
{
    alarm_ms = seconds == 0 ? INFINITE : seconds * 1000;
    SetEvent(alarm_is_set);
    return 0;
}

void *dlopen(const char *path, int flags)
{
    (void)flags;
    return LoadLibraryA(path);
}

void *dlsym(void *library, const char *name)
{
    return (void *)(intptr_t)GetProcAddress(library, name);
}

int dlclose(void *library)
{
    return FreeLibrary(library) ? 0 : -1;
}

const char *dlerror(void)
{
    static char text[32];
    snprintf(text, sizeof text, "error %lu", GetLastError());
    return text;
}

pid_t fork(void)
{
    check_skip("Windows has no fork");
}

pid_t waitpid(pid_t child, int *status, int options)
{
    (void)child, (void)status, (void)options;
    check_skip("Windows has no fork");
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    (void)number, (void)action, (void)before;
    check_skip("Windows has no sigaction");
}

int posix_fcntl(int descriptor)
{
    (void)descriptor;
    check_skip("Windows has no fcntl");
}

int getrlimit(int resource, struct rlimit *limit)
{
    (void)resource, (void)limit;
    check_skip("Windows has no setrlimit");
}

int setrlimit(int resource, const struct rlimit *limit)
{
    (void)resource, (void)limit;
    check_skip("Windows has no setrlimit");
}

int thread_count(void)
{
    int count = 0;
    THREADENTRY32 thread = { .dwSize = sizeof thread };
    HANDLE threads = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    REQUIRE(threads != INVALID_HANDLE_VALUE);
    for (BOOL more = Thread32First(threads, &thread); more; more = Thread32Next(threads, &thread))
        count += thread.th32OwnerProcessID == GetCurrentProcessId();
    CloseHandle(threads);
    return count;
}

int descriptor_count(void)
{
    DWORD count = 0;
    REQUIRE(GetProcessHandleCount(GetCurrentProcess(), &count));
    return (int)count;
}
