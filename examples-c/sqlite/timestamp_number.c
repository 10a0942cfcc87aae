/* Numbers as times. They are parsed here, because strtod expects the decimal point of the host's locale. */
#include "timestamp_number.h"

#define DAY_MILLIS 86400000
/* Julian days are below this number: the year 10000. */
#define END_JULIAN_DAY 5373484.5
/* Smaller Unix times are probably mistakes, such as 20260131. */
#define MIN_UNIX 1e9
/* Unix times up to this value are seconds, larger ones milliseconds, as in the library. */
#define MAX_SECONDS 2e10
/* Digits that fit into 64 bits. */
#define MAX_DIGITS 18
/* Larger exponents are out of range in any case. */
#define MAX_EXPONENT 1000

/* digits * 10^exponent */
typedef struct decimal {
    bool is_negative;
    int64_t digits;
    int exponent;
} decimal;

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* Reads digits and returns the position after them. Those that do not fit count in the exponent only. */
static const char *read_digits(const char *at, const char *end, decimal *number, int *used, bool is_fraction)
{
    for (; is_digit(at, end); at++) {
        bool fits = *used < MAX_DIGITS;
        if (fits)
            number->digits = number->digits * 10 + (*at - '0');
        *used += fits && number->digits > 0;
        number->exponent += (!fits && !is_fraction && number->exponent < MAX_EXPONENT) - (fits && is_fraction);
    }
    return at;
}

static bool read_exponent(const char **at, const char *end, decimal *number)
{
    int exponent = 0;
    bool is_negative = *at < end && **at == '-';
    *at += is_negative || (*at < end && **at == '+');
    if (!is_digit(*at, end))
        return false;
    for (; is_digit(*at, end); (*at)++)
        if (exponent < MAX_EXPONENT)
            exponent = exponent * 10 + (**at - '0');
    number->exponent += is_negative ? -exponent : exponent;
    return true;
}

/* [spaces][+-]digits[.digits][e[+-]digits][spaces], where the digits of one side of the point may be missing. */
static bool read_decimal(const char *at, const char *end, decimal *number)
{
    int used = 0;
    *number = (decimal){ .digits = 0 };
    while (at < end && timestamp_is_space(*at))
        at++;
    number->is_negative = at < end && *at == '-';
    at += number->is_negative || (at < end && *at == '+');
    const char *whole = at;
    at = read_digits(at, end, number, &used, false);
    bool has_digits = at > whole;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = read_digits(at, end, number, &used, true);
        has_digits |= at > fraction;
    }
    if (!has_digits)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (!read_exponent(&at, end, number))
            return false;
    }
    while (at < end && timestamp_is_space(*at))
        at++;
    return at == end;
}

static double to_double(const decimal *number)
{
    double value = (double)number->digits;
    for (int left = number->exponent; left != 0 && value > 0 && value < 1e30;) {
        /* Powers of ten are exact up to 10^22: they are applied at once, so that the result is rounded once. */
        int step = left > 0 ? 1 : left < -22 ? -22 : left;
        double power = 1;
        for (int i = 0; i < (step < 0 ? -step : step); i++)
            power *= 10;
        value = step > 0 ? value * power : value / power;
        left -= step;
    }
    return value;
}

/* The number times 10^shift, truncated; the result must be in range. */
static int64_t scaled(const decimal *number, int shift)
{
    int64_t value = number->digits;
    int left = number->exponent + shift;
    for (; left > 0; left--)
        value *= 10;
    for (; left < 0 && value > 0; left++)
        value /= 10;
    return value;
}

bool timestamp_parse_number(const char *at, const char *end, int64_t *micros)
{
    decimal number;
    if (!read_decimal(at, end, &number) || (number.is_negative && number.digits != 0))
        return false;
    double value = to_double(&number);
    if (value < END_JULIAN_DAY) {
        /* Rounded to milliseconds as in SQLite: a double has no more. */
        int64_t millis = (int64_t)(value * DAY_MILLIS + 0.5) + TIMESTAMP_MIN_MILLIS;
        if (millis <= TIMESTAMP_MAX_MILLIS)
            *micros = millis * 1000;
        return millis <= TIMESTAMP_MAX_MILLIS;
    }
    if (value < MIN_UNIX || value > (double)TIMESTAMP_MAX_MILLIS)
        return false;
    *micros = scaled(&number, value <= MAX_SECONDS ? 6 : 3);
    return true;
}
