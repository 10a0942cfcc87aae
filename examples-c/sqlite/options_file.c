/* Reads the file of kal_open. It holds credentials, so it must be for its owner only, and its content is in no message. */
#define _POSIX_C_SOURCE 200809L
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES 65536
#define WRONG_SIZE 200

/* Both checks write what is wrong. */
static bool is_private(int descriptor, char wrong[WRONG_SIZE])
{
    struct stat file;
    if (fstat(descriptor, &file) != 0)
        sqlite3_snprintf(WRONG_SIZE, wrong, "cannot be read: %s", strerror(errno));
    else if (!S_ISREG(file.st_mode))
        sqlite3_snprintf(WRONG_SIZE, wrong, "is not a regular file");
    else if (file.st_uid != geteuid() && file.st_uid != 0)
        sqlite3_snprintf(WRONG_SIZE, wrong, "belongs to user %u: it must be your own (user %u) or root's", (unsigned)file.st_uid,
                         (unsigned)geteuid());
    else if (file.st_mode & (S_IRWXG | S_IRWXO))
        sqlite3_snprintf(WRONG_SIZE, wrong, "can be accessed by other users (its mode is %04o): make it your own by chmod 600",
                         (unsigned)file.st_mode & 07777);
    else
        return true;
    return false;
}

static bool is_object(const char *text, size_t len, char wrong[WRONG_SIZE])
{
    if (len > MAX_BYTES)
        sqlite3_snprintf(WRONG_SIZE, wrong, "is larger than 64 KiB: expected a JSON object with the options");
    else if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        sqlite3_snprintf(WRONG_SIZE, wrong, "begins with a byte order mark: save it as UTF-8 without one");
    else if (memchr(text, 0, len))
        sqlite3_snprintf(WRONG_SIZE, wrong, "contains a NUL byte: save it as UTF-8");
    else if (!options_begin(text))
        sqlite3_snprintf(WRONG_SIZE, wrong, "is not a JSON object: expected one with the options");
    else
        return true;
    return false;
}

/* Reads up to `size` bytes. Returns the number, or -1 on failure. */
static ssize_t read_all(int descriptor, char *buffer, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t count = read(descriptor, buffer + len, size - len);
        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            return -1;
        len += count > 0 ? (size_t)count : 0;
    }
    return (ssize_t)len;
}

/* `text` has room for a byte more than a file may have, and a NUL. */
static bool read_file(const char *path, char *text, char wrong[WRONG_SIZE])
{
    /* Without O_NONBLOCK a pipe would block. The checks are of what was opened, whatever the path means later. */
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) {
        sqlite3_snprintf(WRONG_SIZE, wrong, "cannot be opened: %s", strerror(errno));
        return false;
    }
    bool good = is_private(descriptor, wrong);
    ssize_t len = good ? read_all(descriptor, text, MAX_BYTES + 1) : 0;
    if (len < 0)
        sqlite3_snprintf(WRONG_SIZE, wrong, "cannot be read: %s", strerror(errno));
    close(descriptor);
    text[len < 0 ? 0 : len] = 0;
    return good && len >= 0 && is_object(text, (size_t)len, wrong);
}

int options_file_read(const char *path, char **text, char **message)
{
    char wrong[WRONG_SIZE];
    *text = sqlite3_malloc(MAX_BYTES + 2);
    if (!*text)
        return SQLITE_NOMEM;
    if (read_file(path, *text, wrong))
        return SQLITE_OK;
    *message = sqlite3_mprintf("kal_open: the file %s %s", path, wrong);
    return *message ? SQLITE_ERROR : SQLITE_NOMEM;
}
