/* old_sqlite EXTENSION: loads the extension as an SQLite that is too old would, and prints its message. It shows that the
 * extension can be loaded and run where there is no SQLite of the platform. */
#include <dlfcn.h>
#include <sqlite3ext.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef int entry_point(sqlite3 *db, char **message, const sqlite3_api_routines *api);

static int version_number(void)
{
    return 3037002;
}

static const char *version(void)
{
    return "3.37.2";
}

static char *format(const char *format, ...)
{
    static char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

int main(int count, char **arguments)
{
    const sqlite3_api_routines api = { .libversion_number = version_number, .libversion = version, .mprintf = format };
    char *message = NULL;
    entry_point *start;
    void *symbol, *extension = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    if (!extension || !(symbol = dlsym(extension, "sqlite3_kalsqlite_init")))
        return fprintf(stderr, "%s\n", dlerror()), 1;
    memcpy(&start, &symbol, sizeof start);
    if (start(NULL, &message, &api) != SQLITE_ERROR || !message)
        return fprintf(stderr, "it was loaded\n"), 1;
    puts(message);
    return 0;
}
