/* Parsing times. What SQLite's date functions accept is the instant that they mean, and so are the other texts that the library
 * reads as created_at; anything else is no time. The result depends on the text alone, because indexes are sorted by it: "now" is
 * no time. */
#include "timestamp_number.h"

#include <string.h>

#define MICROS INT64_C(1000000)
#define DAY INT64_C(86400)
#define MIN_TIME (TIMESTAMP_MIN_MILLIS * 1000)
#define END_TIME ((TIMESTAMP_MAX_MILLIS + 1) * 1000)

typedef struct reader {
    const char *at, *end;
} reader;

/* Parses `count` digits; -1 on failure. */
static int digits(reader *in, int count)
{
    int value = 0;
    if (in->end - in->at < count)
        return -1;
    for (; count > 0; count--, in->at++) {
        if (*in->at < '0' || *in->at > '9')
            return -1;
        value = value * 10 + (*in->at - '0');
    }
    return value;
}

static bool skip(reader *in, char expected)
{
    if (in->at == in->end || *in->at != expected)
        return false;
    in->at++;
    return true;
}

static void skip_spaces(reader *in)
{
    while (in->at < in->end && timestamp_is_space(*in->at))
        in->at++;
}

/* Days since 1970; a day after the end of the month is one of the next month. Years begin in March, so that the leap day is the
 * last and the months are regular. */
static int64_t days_since_1970(int year, int month, int day)
{
    /* 8000 years are added, so that none is negative. */
    int64_t years = (month > 2 ? year : year - 1) + 8000;
    int months = month > 2 ? month - 3 : month + 9;
    return years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1 - 719468 - 20 * INT64_C(146097);
}

/* [-]YYYY-MM-DD */
static bool parse_date(reader *in, int64_t *days)
{
    int sign = skip(in, '-') ? -1 : 1;
    int year = digits(in, 4);
    int month = skip(in, '-') ? digits(in, 2) : -1;
    int day = skip(in, '-') ? digits(in, 2) : -1;
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *days = days_since_1970(sign * year, month, day);
    return true;
}

/* A fraction of a second, truncated to microseconds. */
static bool parse_fraction(reader *in, int64_t *micros, bool *is_zero)
{
    const char *first = in->at;
    for (int64_t unit = MICROS; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
        *micros += (*in->at - '0') * (unit /= 10);
        *is_zero &= *in->at == '0';
    }
    return in->at > first;
}

typedef struct time_of_day {
    int64_t micros; /* since midnight */
    bool is_leap_second;
} time_of_day;

/* HH:MM[:SS[.fraction]], also with a comma. 24:00 is the end of the day. */
static bool parse_clock(reader *in, time_of_day *time)
{
    int hour = digits(in, 2);
    int minute = skip(in, ':') ? digits(in, 2) : -1;
    int second = 0;
    int64_t fraction = 0;
    bool is_zero = true;
    if (minute >= 0 && skip(in, ':')) {
        second = digits(in, 2);
        if (second >= 0 && (skip(in, '.') || skip(in, ',')) && !parse_fraction(in, &fraction, &is_zero))
            return false;
    }
    if (hour < 0 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    if (hour > 24 || (hour == 24 && (minute > 0 || second > 0 || !is_zero)))
        return false;
    *time = (time_of_day){ ((hour * 60 + minute) * 60 + second) * MICROS + fraction, second == 60 };
    return true;
}

/* Nothing, Z, +HH:MM or +HHMM, between spaces; the minus may be U+2212. */
static bool parse_offset(reader *in, int64_t *minutes)
{
    *minutes = 0;
    skip_spaces(in);
    if (in->at == in->end)
        return true;
    if (!skip(in, 'Z') && !skip(in, 'z')) {
        int sign = skip(in, '+') ? 1 : skip(in, '-') ? -1 : 0;
        if (sign == 0 && in->end - in->at > 3 && memcmp(in->at, "\xE2\x88\x92", 3) == 0) {
            in->at += 3;
            sign = -1;
        }
        int hours = digits(in, 2);
        (void)skip(in, ':');
        int rest = digits(in, 2);
        if (sign == 0 || hours < 0 || hours > 23 || rest < 0 || rest > 59)
            return false;
        *minutes = sign * (hours * 60 + rest);
    }
    skip_spaces(in);
    return in->at == in->end;
}

/* Whether an instant is the start of a month: leap seconds precede it. */
static bool starts_month(int64_t micros)
{
    static const char start[] = "-01T00:00:00.";
    char text[TIMESTAMP_SIZE];
    timestamp_format(micros, text);
    return memcmp(text + strlen("YYYY-MM"), start, strlen(start)) == 0;
}

static bool set_in_range(int64_t at, int64_t *micros)
{
    if (at < MIN_TIME || at >= END_TIME)
        return false;
    *micros = at;
    return true;
}

/* A time of day with its offset, up to the end of the text. */
static bool parse_time(reader *in, int64_t days, int64_t *micros)
{
    time_of_day time;
    int64_t offset;
    if (!parse_clock(in, &time) || !parse_offset(in, &offset))
        return false;
    int64_t at = (days * DAY - offset * 60) * MICROS + time.micros;
    return (!time.is_leap_second || starts_month(at - time.micros % MICROS)) && set_in_range(at, micros);
}

/* Between date and time SQLite accepts spaces and T in any number, none included; the library also t and _. */
static bool parse_date_time(reader in, int64_t *micros)
{
    int64_t days;
    if (!parse_date(&in, &days))
        return false;
    if (skip(&in, 't') || skip(&in, '_'))
        return parse_time(&in, days, micros);
    while (in.at < in.end && (*in.at == 'T' || timestamp_is_space(*in.at)))
        in.at++;
    if (in.at < in.end)
        return parse_time(&in, days, micros);
    return set_in_range(days * DAY * MICROS, micros);
}

bool timestamp_parse(const char *text, size_t length, int64_t *micros)
{
    /* As for SQLite's functions, the text ends at a NUL. */
    const char *nul = length > 0 ? memchr(text, 0, length) : NULL;
    reader in = { text, nul ? nul : text + length }, time = in;
    /* A time of day alone is one of 2000-01-01. */
    return parse_date_time(in, micros) || parse_time(&time, days_since_1970(2000, 1, 1), micros)
           || timestamp_parse_number(in.at, in.end, micros);
}
