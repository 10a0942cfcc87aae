/* Names of tables, as in SQL. */
#include "sync.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

/* Reads an identifier and advances `*at` behind it. It is empty if the text is not an identifier. */
static char *identifier(const char **at)
{
    sqlite3_str *name = sqlite3_str_new(NULL);
    char open = **at, close = open == '[' ? ']' : open;
    if (open == '"' || open == '`' || open == '[') {
        /* A quote within is doubled; a bracket cannot be. */
        for (++*at; **at && (**at != close || (open != '[' && (*at)[1] == close && ++*at)); ++*at)
            sqlite3_str_appendchar(name, 1, **at);
        if (**at == close)
            ++*at;
        else
            sqlite3_str_reset(name);
    } else {
        for (; **at && **at != '.'; ++*at)
            sqlite3_str_appendchar(name, 1, **at);
    }
    return sqlite3_str_length(name) > 0 ? sqlite3_str_finish(name) : (sqlite3_free(sqlite3_str_finish(name)), NULL);
}

bool sync_name(const char *text, char **schema, char **table)
{
    const char *at = text;
    *schema = NULL;
    *table = identifier(&at);
    if (*table && *at == '.') {
        at++;
        *schema = *table;
        *table = identifier(&at);
    }
    return *table && *at == 0;
}
