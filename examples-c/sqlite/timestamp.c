/* Times. The server sends them with and without fractions, with Z and with offsets; SQLite writes a space in place of the T. As
 * strings they would not compare correctly. */
#include "kal_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MICROS INT64_C(1000000)
#define DAY INT64_C(86400)
/* Unix times up to this value are seconds, larger ones milliseconds, as in the library. */
#define MAX_SECONDS 20000000000.0

/* Parses `count` digits at `*at` and advances it; -1 on failure. */
static int digits(const char **at, const char *end, int count)
{
    int value = 0;
    if (end - *at < count)
        return -1;
    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool skip(const char **at, const char *end, char expected)
{
    if (*at == end || **at != expected)
        return false;
    (*at)++;
    return true;
}

/* Days since 1970. With years that begin in March, the leap day is the last and the months are regular. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t years = month > 2 ? year : year - 1;
    int months = month > 2 ? month - 3 : month + 9;
    return years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1 - 719468;
}

static bool parse_date(const char **at, const char *end, int64_t *days)
{
    static const int longest[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = digits(at, end, 4);
    int month = skip(at, end, '-') ? digits(at, end, 2) : -1;
    int day = skip(at, end, '-') ? digits(at, end, 2) : -1;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > longest[month - 1] || (month == 2 && day == 29 && !leap))
        return false;
    *days = days_since_1970(year, month, day);
    return true;
}

/* HH:MM[:SS[.fraction]], truncated to microseconds. */
static bool parse_clock(const char **at, const char *end, int64_t *micros)
{
    int hour = digits(at, end, 2);
    int minute = skip(at, end, ':') ? digits(at, end, 2) : -1;
    int second = 0;
    int64_t fraction = 0;
    if (minute >= 0 && skip(at, end, ':')) {
        second = digits(at, end, 2);
        if (second >= 0 && (skip(at, end, '.') || skip(at, end, ','))) {
            const char *first = *at;
            int64_t unit = MICROS;
            for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
                fraction += (**at - '0') * (unit /= 10);
            if (*at == first)
                return false;
        }
    }
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    *micros = ((hour * 60 + minute) * 60 + second) * MICROS + fraction;
    return true;
}

/* Empty, Z, +HH:MM or +HHMM; the minus sign may be U+2212. */
static bool parse_offset(const char **at, const char *end, int64_t *minutes)
{
    *minutes = 0;
    if (*at == end || skip(at, end, 'Z') || skip(at, end, 'z'))
        return true;
    int sign = skip(at, end, '+') ? 1 : skip(at, end, '-') ? -1 : 0;
    if (sign == 0 && end - *at > 3 && memcmp(*at, "\xE2\x88\x92", 3) == 0) {
        *at += 3;
        sign = -1;
    }
    int hours = digits(at, end, 2);
    (void)skip(at, end, ':');
    int rest = digits(at, end, 2);
    if (sign == 0 || hours < 0 || hours > 23 || rest < 0 || rest > 59)
        return false;
    *minutes = sign * (hours * 60 + rest);
    return true;
}

bool timestamp_parse(const char *text, size_t length, int64_t *micros)
{
    const char *at = text, *end = text + length;
    int64_t days, clock = 0, offset = 0;
    if (!parse_date(&at, end, &days))
        return false;
    if (at < end) {
        if (!strchr("Tt _", *at) || *at == 0)
            return false;
        at++;
        if (!parse_clock(&at, end, &clock) || !parse_offset(&at, end, &offset) || at != end)
            return false;
    }
    *micros = (days * DAY - offset * 60) * MICROS + clock;
    return true;
}

bool timestamp_parse_unix(const char *text, size_t length, int64_t *micros)
{
    char copy[32], *end;
    if (length == 0 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    if (strspn(copy, "+-.0123456789eE") < length)
        return false;
    double number = strtod(copy, &end);
    double unit = number <= MAX_SECONDS && number >= -MAX_SECONDS ? 1e6 : 1e3;
    if (end != copy + length || number * unit < -62135596800e6 || number * unit >= 253402300800e6)
        return false;
    *micros = (int64_t)(number * unit);
    return true;
}

static bool read(const char *text, size_t length, int64_t *micros)
{
    return timestamp_parse(text, length, micros) || timestamp_parse_unix(text, length, micros);
}

void timestamp_format(int64_t seconds, char text[TIMESTAMP_SIZE])
{
    /* The year is at least 1, so that no value is negative. */
    int64_t since_0 = seconds + 719468 * DAY, days = since_0 / DAY, second = since_0 % DAY;
    int64_t era = days / 146097, day = days % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    day = day_of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    snprintf(text, TIMESTAMP_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, (int)month, (int)day, (int)(second / 3600),
             (int)(second / 60 % 60), (int)(second % 60));
}

int timestamp_compare(void *unused, int left_length, const void *left, int right_length, const void *right)
{
    int64_t left_micros = INT64_MAX, right_micros = INT64_MAX;
    bool left_is = read(left, (size_t)left_length, &left_micros);
    bool right_is = read(right, (size_t)right_length, &right_micros);
    (void)unused;
    if (left_is || right_is)
        return (left_micros > right_micros) - (left_micros < right_micros);
    size_t common = (size_t)(left_length < right_length ? left_length : right_length);
    int order = memcmp(left, right, common);
    return order != 0 ? order : left_length - right_length;
}
