/* Names of tables, as in SQL. */
#include "sync.h"
SQLITE_EXTENSION_INIT3

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads an identifier and advances `*at` behind it. SQLITE_ERROR: the text does not begin with one. */
static int identifier(const char **at, char **read)
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
        const char *first = *at;
        for (; **at && **at != '.'; ++*at)
            sqlite3_str_appendchar(name, 1, **at);
        /* White space around a name is not part of it in SQL, and is more likely a mistake. */
        if (*at > first && (is_space(*first) || is_space((*at)[-1])))
            sqlite3_str_reset(name);
    }
    int code = sqlite3_str_errcode(name);
    *read = sqlite3_str_finish(name);
    return code != SQLITE_OK ? code : *read ? SQLITE_OK : SQLITE_ERROR;
}

int sync_name(const char *text, char **schema, char **table)
{
    const char *at = text;
    *schema = NULL;
    int code = identifier(&at, table);
    if (code == SQLITE_OK && *at == '.') {
        at++;
        *schema = *table;
        code = identifier(&at, table);
    }
    return code == SQLITE_OK && *at ? SQLITE_ERROR : code;
}
