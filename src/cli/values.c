#include "cli/values.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

typedef struct value_unit {
    const char *name;
    uint64_t factor;
} value_unit;

static const value_unit duration_units[] = {
    {"ns", 1},      {"us", WARDI_US},    {"\xc2\xb5s", WARDI_US}, {"ms", WARDI_MS},
    {"s", WARDI_S}, {"m", 60 * WARDI_S}, {"h", 3600 * WARDI_S},   {"d", 86400 * WARDI_S},
};
static const value_unit size_units[] = {
    {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", UINT64_C(1) << 40},
};

/* What people write instead, and what Ward writes. */
static const char *const duration_habits[][2] = {
    {"sec", "s"},   {"secs", "s"},   {"second", "s"}, {"seconds", "s"},       {"S", "s"},
    {"msec", "ms"}, {"msecs", "ms"}, {"MS", "ms"},    {"milliseconds", "ms"}, {"usec", "us"},
    {"min", "m"},   {"mins", "m"},   {"minute", "m"}, {"minutes", "m"},       {"M", "m"},
    {"hr", "h"},    {"hrs", "h"},    {"hour", "h"},   {"hours", "h"},         {"H", "h"},
    {"day", "d"},   {"days", "d"},
};
static const char *const size_habits[][2] = {
    {"b", "B"},     {"byte", "B"},  {"bytes", "B"}, {"K", "KiB"},  {"k", "KiB"},
    {"kB", "KiB"},  {"KB", "KiB"},  {"kb", "KiB"},  {"Ki", "KiB"}, {"kib", "KiB"},
    {"M", "MiB"},   {"m", "MiB"},   {"MB", "MiB"},  {"mb", "MiB"}, {"Mi", "MiB"},
    {"mib", "MiB"}, {"G", "GiB"},   {"g", "GiB"},   {"GB", "GiB"}, {"gb", "GiB"},
    {"Gi", "GiB"},  {"gib", "GiB"}, {"T", "TiB"},   {"TB", "TiB"}, {"Ti", "TiB"},
};

static const char *advise(char *advice, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *advise(char *advice, const char *format, ...)
{
    wardi_text text = wardi_text_on(advice, WARDI_ADVICE_BYTES);
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(&text, format, args);
    va_end(args);
    return advice;
}

/* A decimal number in thousandths of a millionth, so that 1.5 needs no floating point: whole and
 * billionths. False: not a number, or past 64 bits. */
static bool read_number(const char **at, uint64_t *ret_whole, uint64_t *ret_billionths)
{
    const char *p = *at;
    uint64_t whole = 0, part = 0, scale = WARDI_S;
    if (!isdigit((unsigned char)*p)) return false;
    for (; isdigit((unsigned char)*p); p++) {
        if (__builtin_mul_overflow(whole, UINT64_C(10), &whole)) return false;
        if (__builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole)) return false;
    }
    if (*p == '.') {
        if (!isdigit((unsigned char)p[1])) return false;
        for (p++; isdigit((unsigned char)*p); p++) {
            scale /= 10;
            part += (uint64_t)(*p - '0') * scale;
        }
    }
    *at = p;
    *ret_whole = whole;
    *ret_billionths = part;
    return true;
}

static size_t unit_length(const char *at)
{
    size_t length = 0;
    while (at[length] != '\0' && at[length] != ' ' && !isdigit((unsigned char)at[length])) length++;
    return length;
}

static const value_unit *unit_find(const value_unit *units, size_t count, const char *at,
                                   size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == length && memcmp(units[i].name, at, length) == 0)
            return &units[i];
    return NULL;
}

static bool scale(uint64_t whole, uint64_t billionths, uint64_t factor, uint64_t *ret_value)
{
    __uint128_t value = (__uint128_t)whole * factor + (__uint128_t)billionths * factor / WARDI_S;
    if (value > UINT64_MAX) return false;
    *ret_value = (uint64_t)value;
    return true;
}

/* "10 sec" → "10s": the number, and the unit that is meant. */
static bool habit(const char *text, const char *const habits[][2], size_t count, char *advice)
{
    const char *at = text;
    uint64_t whole, part;
    if (!read_number(&at, &whole, &part)) return false;
    int digits = (int)(at - text);
    while (*at == ' ') at++;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(habits[i][0], at) != 0 && strcmp(habits[i][1], at) != 0) continue;
        advise(advice, "write %.*s%s", digits, text, habits[i][1]);
        return true;
    }
    return false;
}

const char *wardi_value_duration(const char *text, uint64_t *ret_ns, char *advice)
{
    const char *at = text;
    uint64_t sum = 0;
    do {
        uint64_t whole, part, value;
        if (!read_number(&at, &whole, &part)) break;
        size_t length = unit_length(at);
        const value_unit *unit = unit_find(duration_units, WARD_COUNT(duration_units), at, length);
        if (unit == NULL) break;
        if (!scale(whole, part, unit->factor, &value) || __builtin_add_overflow(sum, value, &sum))
            return advise(advice, "that is more than 584 years; write a shorter one, like 10s");
        at += length;
        if (*at == '\0') {
            *ret_ns = sum;
            return NULL;
        }
    } while (true);
    if (habit(text, duration_habits, WARD_COUNT(duration_habits), advice)) return advice;
    if (*text != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 20)
        return advise(advice, "it has no unit: write %ss or %sms", text, text);
    return advise(advice, "write a number and ns, us, ms, s, m, h or d, like 250ms or 1m30s");
}

const char *wardi_value_size(const char *text, uint64_t *ret_bytes, char *advice)
{
    const char *at = text;
    uint64_t whole, part;
    if (read_number(&at, &whole, &part)) {
        const value_unit *unit = unit_find(size_units, WARD_COUNT(size_units), at, strlen(at));
        if (unit != NULL) {
            if (scale(whole, part, unit->factor, ret_bytes)) return NULL;
            return advise(advice, "that is more than 16 million TiB; write less, like 64MiB");
        }
    }
    if (habit(text, size_habits, WARD_COUNT(size_habits), advice)) return advice;
    if (*text != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 20)
        return advise(advice, "it has no unit: write %sB or %sMiB", text, text);
    return advise(advice, "write a number and B, KiB, MiB, GiB or TiB, like 64MiB");
}

const char *wardi_value_ratio(const char *text, double *ret_ratio, char *advice)
{
    const char *at = text;
    uint64_t whole, part;
    if (read_number(&at, &whole, &part)) {
        double value = (double)whole + (double)part / 1e9;
        if (strcmp(at, "%") == 0) {
            *ret_ratio = value / 100;
            return NULL;
        }
        if (*at == '\0' && value <= 1) {
            *ret_ratio = value;
            return NULL;
        }
        if (*at == '\0' || strcmp(at, " %") == 0)
            return advise(advice, "write %.*s%%", (int)(at - text), text);
    }
    return advise(advice, "write a percentage like 80%%, or a ratio like 0.8");
}

const char *wardi_value_count(const char *text, uint64_t *ret_count, char *advice)
{
    const char *at = text;
    uint64_t whole, part;
    if (read_number(&at, &whole, &part) && *at == '\0' && strchr(text, '.') == NULL) {
        *ret_count = whole;
        return NULL;
    }
    return advise(advice, "write a whole number, in digits only");
}

const char *wardi_value_number(const char *text, double *ret_number, char *advice)
{
    const char *at = text;
    uint64_t whole, part;
    if (read_number(&at, &whole, &part) && *at == '\0') {
        *ret_number = (double)whole + (double)part / 1e9;
        return NULL;
    }
    return advise(advice, "write a number like 2 or 1.5");
}

const char *wardi_closest(const char *text, const char *const *names, size_t count)
{
    /* Two letters may be wrong, of a long word a third, of a short one fewer: more is another. */
    size_t length = strlen(text);
    unsigned limit = length < 2 ? 0 : length < 4 ? 1 : length < 9 ? 2 : (unsigned)length / 3;
    const char *best = NULL;
    unsigned best_distance = limit + 1;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = wardi_edit_distance(text, names[i], limit);
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}
