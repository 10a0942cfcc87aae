/* dlopen LIBRARY [BEFORE...]: measures the time to load a library after the others have been loaded. */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct timespec begin, end;
    for (int i = 2; i < argc; i++)
        if (dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL) == NULL)
            return fprintf(stderr, "%s\n", dlerror()), 1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    if (library == NULL)
        return fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "usage: dlopen LIBRARY [BEFORE...]"), 1;
    printf("{\"cpu_ns\": %.0f}\n", (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec));
    return 0;
}
