/*
 * Interposed between libkaleidoscope and the C library (LD_PRELOAD): counts calls and fails the selected one.
 *
 * Only calls by the library count, as their return addresses show; the test program's own calls are not affected.
 */
#include "syscall_faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

static atomic_bool armed;
static int armed_function, armed_value, armed_lasting;
static long armed_call;
static atomic_long calls[FUNCTION_COUNT], failed;
static uintptr_t library_begin, library_end;

static int find_library(struct dl_phdr_info *object, size_t size, void *none)
{
    (void)size, (void)none;
    if (strstr(object->dlpi_name, "libkaleidoscope") == NULL)
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_LOAD && object->dlpi_phdr[i].p_flags & PF_X) {
            library_begin = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
            library_end = library_begin + object->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

void shim_arm(int function, long call, int value, int lasting)
{
    dl_iterate_phdr(find_library, NULL);
    for (int i = 0; i < FUNCTION_COUNT; i++)
        calls[i] = 0;
    failed = 0;
    armed_function = function;
    armed_call = call;
    armed_value = value;
    armed_lasting = lasting;
    armed = true;
}

void shim_disarm(void)
{
    armed = false;
}

long shim_calls(int function)
{
    return calls[function];
}

long shim_failed(void)
{
    return failed;
}

static bool fails(int function, void *return_address)
{
    uintptr_t caller = (uintptr_t)return_address;
    if (!armed || caller < library_begin || caller >= library_end)
        return false;
    long call = atomic_fetch_add(&calls[function], 1);
    if (armed_call < 0 || function != armed_function || call < armed_call || (call > armed_call && !armed_lasting))
        return false;
    atomic_fetch_add(&failed, 1);
    return true;
}

/* The next function of that name, looked up once. */
#define REAL(function)                 \
    static __typeof__(&function) real; \
    if (real == NULL)                  \
    real = (__typeof__(&function))dlsym(RTLD_NEXT, #function)
#define FAILS(function) fails(FUNCTION_##function, __builtin_return_address(0))

/* Functions that return -1 and set errno; END_OF_FILE makes them return 0. */
#define WRAP(type, function, parameters, arguments) \
    type function parameters                        \
    {                                               \
        REAL(function);                             \
        if (!FAILS(function))                       \
            return real arguments;                  \
        if (armed_value == END_OF_FILE)             \
            return 0;                               \
        errno = armed_value;                        \
        return -1;                                  \
    }

WRAP(int, epoll_create1, (int flags), (flags))
WRAP(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event), (epoll, operation, fd, event))
WRAP(int, epoll_wait, (int epoll, struct epoll_event *events, int most, int timeout), (epoll, events, most, timeout))
int eventfd(unsigned count, int flags);
WRAP(int, eventfd, (unsigned count, int flags), (count, flags))
WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size), (fd, level, name, value, size))
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size), (fd, level, name, value, size))
WRAP(ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
WRAP(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
WRAP(ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
WRAP(ssize_t, readv, (int fd, const struct iovec *parts, int count), (fd, parts, count))
WRAP(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size))

WRAP(int, connect, (int fd, __CONST_SOCKADDR_ARG to, socklen_t size), (fd, to, size))

/* Functions that return an error code. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    REAL(pthread_create);
    return FAILS(pthread_create) ? armed_value : real(thread, attributes, body, argument);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    REAL(getaddrinfo);
    return FAILS(getaddrinfo) ? armed_value : real(node, service, hints, found);
}

/* Functions with an optional argument; as it is passed in a register, forwarding it unread is harmless. */
#define WRAP_OPEN(function)                                                              \
    int function(const char *path, int flags, ...)                                       \
    {                                                                                    \
        REAL(function);                                                                  \
        va_list more;                                                                    \
        va_start(more, flags);                                                           \
        mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                                    \
        if (!FAILS(function))                                                            \
            return real(path, flags, mode);                                              \
        errno = armed_value;                                                             \
        return -1;                                                                       \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)

int fcntl(int fd, int command, ...)
{
    REAL(fcntl);
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    /* Only duplicating needs a new descriptor, and can run out of them. */
    if (command != F_DUPFD_CLOEXEC || !FAILS(fcntl))
        return real(fd, command, argument);
    errno = armed_value;
    return -1;
}
