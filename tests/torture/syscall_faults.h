/*
 * The table of faults: which function of the C library fails, how, and which statuses a call may then return.
 *
 * To add a fault: a line here. To add a function: a line in FUNCTIONS and its wrapper in syscall_faults_shim.c.
 */
#ifndef SYSCALL_FAULTS_H
#define SYSCALL_FAULTS_H

#define FUNCTIONS(X)  \
    X(pthread_create) \
    X(epoll_create1)  \
    X(epoll_ctl)      \
    X(epoll_wait)     \
    X(eventfd)        \
    X(fcntl)          \
    X(socket)         \
    X(setsockopt)     \
    X(getsockopt)     \
    X(connect)        \
    X(send)           \
    X(writev)         \
    X(recv)           \
    X(readv)          \
    X(read)           \
    X(getaddrinfo)    \
    X(open)           \
    X(open64)

/* The connection ends instead of failing. */
#define END_OF_FILE 0

/* A failure in the library's own thread. */
#define NO_THREAD KAL_OUT_OF_RESOURCES

/* epoll_wait, EBADF: the host closed a descriptor of the library. The runtime panics, so the thread ends, and a call handed over
 * at that moment fails; the next one starts another thread. */

/* X(function, how it fails, statuses that a call may return). KAL_OK is always allowed: the call recovered. */
#define FAULTS(X)                                                  \
    X(pthread_create, EAGAIN, NO_THREAD)                           \
    X(pthread_create, ENOMEM, NO_THREAD)                           \
    X(epoll_create1, EMFILE, NO_THREAD)                            \
    X(epoll_create1, ENFILE, NO_THREAD)                            \
    X(epoll_create1, ENOMEM, NO_THREAD)                            \
    X(epoll_ctl, ENOMEM, NO_THREAD)                                \
    X(epoll_ctl, ENOSPC, NO_THREAD)                                \
    X(epoll_wait, EINTR, KAL_OK)                                   \
    X(epoll_wait, EBADF, KAL_PANIC, KAL_CANCELLED)                 \
    X(eventfd, EMFILE, NO_THREAD)                                  \
    X(eventfd, ENFILE, NO_THREAD)                                  \
    X(eventfd, ENOMEM, NO_THREAD)                                  \
    X(fcntl, EMFILE, NO_THREAD)                                    \
    X(socket, EMFILE, KAL_OUT_OF_RESOURCES)                        \
    X(socket, ENFILE, KAL_OUT_OF_RESOURCES)                        \
    X(socket, ENOBUFS, KAL_OUT_OF_RESOURCES)                       \
    X(socket, EACCES, KAL_CONNECT_FAILED)                          \
    X(setsockopt, ENOBUFS, KAL_CONNECT_FAILED)                     \
    X(getsockopt, ENOBUFS, KAL_OUT_OF_RESOURCES)                   \
    X(connect, ECONNREFUSED, KAL_CONNECT_FAILED)                   \
    X(connect, ENETUNREACH, KAL_CONNECT_FAILED)                    \
    X(connect, ETIMEDOUT, KAL_CONNECT_FAILED)                      \
    X(connect, EADDRNOTAVAIL, KAL_CONNECT_FAILED)                  \
    X(connect, EACCES, KAL_CONNECT_FAILED)                         \
    X(send, ECONNRESET, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)   \
    X(send, EPIPE, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)        \
    X(send, ENOBUFS, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)      \
    X(writev, ECONNRESET, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED) \
    X(writev, EPIPE, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)      \
    X(writev, ENOBUFS, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)    \
    X(recv, ECONNRESET, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)   \
    X(recv, ETIMEDOUT, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)    \
    X(recv, ENOMEM, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)       \
    X(recv, END_OF_FILE, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)  \
    X(readv, ECONNRESET, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED)  \
    X(readv, END_OF_FILE, KAL_CONNECTION_LOST, KAL_CONNECT_FAILED) \
    X(read, EIO, KAL_TLS_FAILED)                                   \
    X(read, EINTR, KAL_OK)                                         \
    X(getaddrinfo, EAI_AGAIN, KAL_RESOLVE_FAILED)                  \
    X(getaddrinfo, EAI_FAIL, KAL_RESOLVE_FAILED)                   \
    X(getaddrinfo, EAI_NONAME, KAL_RESOLVE_FAILED)                 \
    X(getaddrinfo, EAI_MEMORY, KAL_RESOLVE_FAILED)                 \
    X(open, EMFILE, KAL_OUT_OF_RESOURCES)                          \
    X(open, EIO, KAL_TLS_FAILED)                                   \
    X(open64, ENOENT, KAL_TLS_FAILED)                              \
    X(open64, EACCES, KAL_TLS_FAILED)                              \
    X(open64, EMFILE, KAL_OUT_OF_RESOURCES)                        \
    X(open64, ENFILE, KAL_OUT_OF_RESOURCES)                        \
    X(open64, ENOMEM, KAL_OUT_OF_RESOURCES)                        \
    X(open64, EIO, KAL_TLS_FAILED)

#define FUNCTION_NUMBER(function) FUNCTION_##function,
enum { FUNCTIONS(FUNCTION_NUMBER) FUNCTION_COUNT };
#undef FUNCTION_NUMBER

/* The shim's interface: counts the library's calls from 0 and fails the one with this number, or all from it on. `call` -1 fails
 * none. Weak, as they exist only in a process with the shim loaded. */
#pragma weak shim_arm
#pragma weak shim_disarm
#pragma weak shim_calls
#pragma weak shim_failed
void shim_arm(int function, long call, int value, int lasting);
void shim_disarm(void);
long shim_calls(int function);
/* The number of calls failed since shim_arm. */
long shim_failed(void);

#endif
