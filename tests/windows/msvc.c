/* The start of a program of the MSVC ABI: what Microsoft's C library has and mingw's does not, or has in another way. */
#include <windows.h>

#include <stdlib.h>

int main(int argc, char **argv);
int __getmainargs(int *argc, char ***argv, char ***environment, int wildcards, int *new_mode);

/* The compiler asks for it where there are floating-point numbers. */
int _fltused = 1;

/* Between these two, the linker puts the functions that run before main. */
typedef void (*initializer)(void);
__attribute__((section(".CRT$XCA"), used)) static initializer first = NULL;
__attribute__((section(".CRT$XCZ"), used)) static initializer last = NULL;

/* Thread-local variables, and what runs when a thread starts or ends. */
__attribute__((section(".tls"), used)) static char tls_start;
__attribute__((section(".tls$ZZZ"), used)) static char tls_end;
__attribute__((section(".CRT$XLA"), used)) static PIMAGE_TLS_CALLBACK callbacks = NULL;
__attribute__((section(".CRT$XLZ"), used)) static PIMAGE_TLS_CALLBACK callbacks_end = NULL;
ULONG _tls_index;
const IMAGE_TLS_DIRECTORY64 _tls_used = {
    (ULONGLONG)&tls_start, (ULONGLONG)&tls_end, (ULONGLONG)&_tls_index, (ULONGLONG)(&callbacks + 1), 0, 0
};

/* What mingw's start-up code defines, and its threads ask for. */
void _fpreset(void) {}

long _gnu_exception_handler(EXCEPTION_POINTERS *exception)
{
    (void)exception;
    return EXCEPTION_CONTINUE_SEARCH;
}

int atexit(void (*function)(void))
{
    return _onexit((_onexit_t)function) != NULL ? 0 : -1;
}

void mainCRTStartup(void)
{
    int argc = 0, new_mode = 0;
    char **argv = NULL, **environment = NULL;
    __getmainargs(&argc, &argv, &environment, 0, &new_mode);
    for (initializer *each = &first + 1; each < &last; each++)
        if (*each != NULL)
            (*each)();
    exit(main(argc, argv));
}
