/* What the C tests use of POSIX and the C library of mingw-w64 lacks. run.sh includes it before each test, and has empty files
 * for the headers that Windows lacks. Functions that Windows has nothing like skip the claim that calls them, and say so. A claim
 * that has threads by then skips itself before it starts them: they would write to the variables of a claim that is over. */
#ifndef POSIX_H
#define POSIX_H

#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#define NOGDI
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include <dirent.h>
#include <io.h>
#include <process.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Environment, files */

int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
#define mkdir(path, mode) _mkdir(path)
int _mkdir(const char *path);
/* There is no /proc, even where Wine has one. */
#define opendir posix_opendir
DIR *posix_opendir(const char *path);
/* A buffer of lines is one of whole blocks there. */
#define setvbuf(file, buffer, mode, size) setvbuf(file, NULL, _IONBF, 0)

/* --- Sockets */

#define MSG_NOSIGNAL 0
#define SHUT_WR SD_SEND
#define SHUT_RDWR SD_BOTH
/* Only to wait for a time: descriptors are none. */
#define poll(descriptors, count, timeout_ms) posix_sleep(timeout_ms)
int posix_sleep(int timeout_ms);

/* --- The alarm that ends a claim that hangs */

#ifndef SIGALRM
#define SIGALRM 14
#endif
#define signal posix_signal
void (*posix_signal(int number, void (*handler)(int)))(int);
unsigned alarm(unsigned seconds);

/* --- The library, loaded by hand */

#define RTLD_NOW 0
#define RTLD_LOCAL 0
void *dlopen(const char *path, int flags);
void *dlsym(void *library, const char *name);
int dlclose(void *library);
const char *dlerror(void);

/* --- What Windows does not have: the claim is skipped */

pid_t fork(void);
pid_t waitpid(pid_t child, int *status, int options);
#define WIFEXITED(status) ((status) == 0)
#define WEXITSTATUS(status) (status)
#define WIFSIGNALED(status) ((status) != 0)
#define WTERMSIG(status) (status)
#define SIGBUS 7
#define SIGKILL 9
#define SIGSTOP 19
#define SIGSYS 31
#define SIGTRAP 5

struct sigaction {
    void (*sa_handler)(int);
    int sa_flags;
};
int sigaction(int number, const struct sigaction *action, struct sigaction *before);

typedef unsigned long rlim_t;
struct rlimit {
    rlim_t rlim_cur;
};
#define RLIMIT_NOFILE 0
int getrlimit(int resource, struct rlimit *limit);
int setrlimit(int resource, const struct rlimit *limit);
#define F_GETFD 1
#define fcntl(descriptor, command) posix_fcntl(descriptor)
int posix_fcntl(int descriptor);

/* The smallest stack of a thread on other systems. */
#define PTHREAD_STACK_MIN 16384

#ifdef __cplusplus
}
#endif

#endif
