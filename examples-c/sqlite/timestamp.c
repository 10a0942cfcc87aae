/* Times in SQL: their normal form, the collation that compares instants in any spelling, and the function kal_time. */
#include "kal_sqlite.h"
SQLITE_EXTENSION_INIT3

#include <string.h>

#define MICROS INT64_C(1000000)
#define DAY (86400 * MICROS)
/* The calendar repeats every 400 years. With eras added, no year is negative. */
#define ERA_DAYS 146097
#define ERAS 20
#define ERA_YEARS 400
/* Days from the first of March of the year 0 to 1970. */
#define DAYS_TO_1970 719468
/* Microseconds since 1970: the start of the year 0, and that of the year 10000. */
#define YEAR_0 (INT64_C(-62167219200) * MICROS)
#define YEAR_10000 (INT64_C(253402300800) * MICROS)

/* Writes `value` with `count` digits and returns the position after them. */
static char *put(char *at, int64_t value, int count)
{
    for (int place = count; place-- > 0; value /= 10)
        at[place] = (char)('0' + value % 10);
    return at + count;
}

int timestamp_format(int64_t micros, char text[TIMESTAMP_SIZE])
{
    int64_t since = micros + (DAYS_TO_1970 + (int64_t)ERAS * ERA_DAYS) * DAY;
    int64_t days = since / DAY, era = days / ERA_DAYS, day = days % ERA_DAYS, second = since % DAY / MICROS;
    /* Years begin in March, so that the leap day is the last and the months are regular. */
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    day = day_of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += (era - ERAS) * ERA_YEARS + (month <= 2);
    char *at = text;
    if (year < 0)
        *at++ = '-';
    at = put(at, year < 0 ? -year : year, 4);
    *at++ = '-';
    at = put(at, month, 2);
    *at++ = '-';
    at = put(at, day, 2);
    *at++ = 'T';
    at = put(at, second / 3600, 2);
    *at++ = ':';
    at = put(at, second / 60 % 60, 2);
    *at++ = ':';
    at = put(at, second % 60, 2);
    *at++ = '.';
    at = put(at, since % MICROS, 6);
    *at++ = 'Z';
    *at = 0;
    return (int)(at - text);
}

void timestamp_result(sqlite3_context *context, int64_t micros)
{
    char text[TIMESTAMP_SIZE];
    if (micros < YEAR_0 || micros >= YEAR_10000)
        sqlite3_result_null(context);
    else
        sqlite3_result_text(context, text, timestamp_format(micros, text), SQLITE_TRANSIENT);
}

int timestamp_compare(void *unused, int left_length, const void *left, int right_length, const void *right)
{
    int64_t left_micros = INT64_MAX, right_micros = INT64_MAX;
    bool left_is = timestamp_parse(left, (size_t)left_length, &left_micros);
    bool right_is = timestamp_parse(right, (size_t)right_length, &right_micros);
    (void)unused;
    if (left_is || right_is)
        return (left_micros > right_micros) - (left_micros < right_micros);
    size_t common = (size_t)(left_length < right_length ? left_length : right_length);
    int order = memcmp(left, right, common);
    return order != 0 ? order : left_length - right_length;
}

/* The SQL function kal_time. */
static void kal_time(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    int type = sqlite3_value_type(arguments[0]);
    char formatted[TIMESTAMP_SIZE];
    int64_t micros;
    (void)count;
    /* The result is NULL unless it is set. */
    if (type == SQLITE_NULL || type == SQLITE_BLOB)
        return;
    const char *text = (const char *)sqlite3_value_text(arguments[0]);
    if (!text)
        sqlite3_result_error_nomem(context);
    else if (timestamp_parse(text, (size_t)sqlite3_value_bytes(arguments[0]), &micros))
        sqlite3_result_text(context, formatted, timestamp_format(micros, formatted), SQLITE_TRANSIENT);
}

int timestamp_register(sqlite3 *db)
{
    int code = sqlite3_create_collation_v2(db, TIMESTAMP_COLLATION, SQLITE_UTF8, NULL, timestamp_compare, NULL);
    if (code != SQLITE_OK)
        return code;
    /* Innocuous: it reads nothing but its argument, so it may be in views, indexes and generated columns. */
    return sqlite3_create_function_v2(db, "kal_time", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, kal_time,
                                      NULL, NULL, NULL);
}
