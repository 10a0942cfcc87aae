/* Which strings are equal to an SQL value, byte by byte. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

/* The length in bytes of the UTF-8 sequence at `at`; 0 if it is invalid, reaches past `end`, or is a NUL. */
static int sequence(const unsigned char *at, const unsigned char *end)
{
    int length = *at == 0 ? 0 : *at < 0x80 ? 1 : *at < 0xC2 ? 0 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : *at < 0xF5 ? 4 : 0;
    if (length > end - at)
        return 0;
    for (int i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, code points above U+10FFFF. */
    if ((*at == 0xE0 && at[1] < 0xA0) || (*at == 0xED && at[1] > 0x9F) || (*at == 0xF0 && at[1] < 0x90)
        || (*at == 0xF4 && at[1] > 0x8F))
        return 0;
    return length;
}

static enum equal_texts equal_to(const unsigned char *at, size_t length)
{
    const unsigned char *end = at + length;
    enum equal_texts equal = TEXTS_ITSELF;
    for (int bytes; at < end; at += bytes) {
        /* Strings of the library are UTF-8 without NUL. */
        if ((bytes = sequence(at, end)) == 0)
            return TEXTS_NONE;
        /* U+FFFD may replace invalid data that the server holds: its string may differ. */
        if (bytes == 3 && at[0] == 0xEF && at[1] == 0xBF && at[2] == 0xBD)
            equal = TEXTS_UNKNOWN;
    }
    return equal;
}

enum equal_texts equal_texts(sqlite3_value *value)
{
    int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL || type == SQLITE_BLOB)
        return TEXTS_NONE;
    const unsigned char *text = type == SQLITE_TEXT ? sqlite3_value_text(value) : NULL;
    return text ? equal_to(text, (size_t)sqlite3_value_bytes(value)) : TEXTS_UNKNOWN;
}

bool text_equals_itself(const char *text, size_t length)
{
    return equal_to((const unsigned char *)text, length) == TEXTS_ITSELF;
}
