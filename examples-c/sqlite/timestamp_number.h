/* Numbers as times. */
#ifndef TIMESTAMP_NUMBER_H
#define TIMESTAMP_NUMBER_H

#include "kal_sqlite.h"

/* SQLite's first and last times in milliseconds since 1970: noon of -4713-11-24, which is the Julian day 0, and the end of 9999.
 */
#define TIMESTAMP_MIN_MILLIS INT64_C(-210866760000000)
#define TIMESTAMP_MAX_MILLIS INT64_C(253402300799999)

/* The white space of SQLite's functions. */
static inline bool timestamp_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Parses a decimal number: a Julian day as in SQLite, or a Unix time from 1000000000 (2001) on, in seconds, or in milliseconds if
 * it is above 20000000000. */
bool timestamp_parse_number(const char *at, const char *end, int64_t *micros);

#endif
