#include "base/base.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

wardi_text wardi_text_on(char *bytes, size_t capacity)
{
    WARD_ASSERT(capacity > 0);
    bytes[0] = '\0';
    return (wardi_text){.bytes = bytes, .capacity = capacity};
}

size_t wardi_utf8_length(const uint8_t *bytes, size_t length)
{
    if (length == 0) return 0;
    uint8_t b = bytes[0];
    if (b < 0x80) return 1;
    if (b < 0xc2 || b > 0xf4) return 0;
    size_t want = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    if (length < want) return 0;
    /* The second byte's range rules out overlong forms, surrogates and code points past U+10FFFF.
     */
    uint8_t low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    uint8_t high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    if (bytes[1] < low || bytes[1] > high) return 0;
    for (size_t i = 2; i < want; i++)
        if ((bytes[i] & 0xc0) != 0x80) return 0;
    return want;
}

void wardi_text_count(wardi_text *text, uint64_t count)
{
    char digits[24];
    wardi_text plain = WARDI_TEXT(digits);
    wardi_text_printf(&plain, "%llu", (unsigned long long)count);
    for (size_t i = 0; i < plain.length; i++) {
        if (i > 0 && (plain.length - i) % 3 == 0) wardi_text_add(text, ",", 1);
        wardi_text_add(text, digits + i, 1);
    }
}

size_t wardi_utf8_fit(const char *bytes, size_t length, size_t capacity)
{
    if (length <= capacity) return length;
    size_t end = capacity;
    /* bytes[end] is the first that does not fit: step back while it continues a character. */
    while (end > 0 && ((uint8_t)bytes[end] & 0xc0) == 0x80) end--;
    return end;
}

void wardi_text_add(wardi_text *text, const char *bytes, size_t length)
{
    if (text->cut || length == 0) return;
    size_t fits = wardi_utf8_fit(bytes, length, text->capacity - 1 - text->length);
    memcpy(text->bytes + text->length, bytes, fits);
    text->length += fits;
    text->bytes[text->length] = '\0';
    text->cut = fits < length;
}

void wardi_text_puts(wardi_text *text, const char *string)
{
    wardi_text_add(text, string, strlen(string));
}

void wardi_text_vprintf(wardi_text *text, const char *format, va_list args)
{
    if (text->cut) return;
    size_t room = text->capacity - text->length;
    char *at = text->bytes + text->length;
    int wanted = vsnprintf(at, room, format, args);
    WARD_ASSERT(wanted >= 0);
    if ((size_t)wanted < room) {
        text->length += (size_t)wanted;
        return;
    }
    /* vsnprintf may have cut inside a character; what is left of it must go. */
    size_t kept = room - 1;
    while (kept > 0 && ((uint8_t)at[kept - 1] & 0xc0) == 0x80) kept--;
    if (kept > 0 && (uint8_t)at[kept - 1] >= 0xc0) {
        size_t whole = wardi_utf8_length((const uint8_t *)at + kept - 1, room - 1 - (kept - 1));
        kept = whole != 0 ? kept - 1 + whole : kept - 1;
    } else {
        kept = room - 1;
    }
    text->length += kept;
    text->bytes[text->length] = '\0';
    text->cut = true;
}

void wardi_text_printf(wardi_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(text, format, args);
    va_end(args);
}

/* value/unit with up to three decimals, rounded to nearest, no trailing zeroes. */
static void add_scaled(wardi_text *text, uint64_t value, uint64_t unit, const char *name)
{
    uint64_t whole = value / unit;
    unsigned decimals = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
    uint64_t scale = decimals == 0 ? 1 : decimals == 1 ? 10 : 100;
    uint64_t rest = value % unit;
    uint64_t part = (uint64_t)(((__uint128_t)rest * scale + unit / 2) / unit);
    if (part == scale) {
        whole++;
        part = 0;
    }
    while (part != 0 && part % 10 == 0) {
        part /= 10;
        decimals--;
    }
    if (part == 0)
        wardi_text_printf(text, "%llu%s", (unsigned long long)whole, name);
    else
        wardi_text_printf(text, "%llu.%0*llu%s", (unsigned long long)whole, (int)decimals,
                          (unsigned long long)part, name);
}

void wardi_text_duration(wardi_text *text, uint64_t ns)
{
    if (ns >= 3600 * WARDI_S && ns % (3600 * WARDI_S) == 0)
        add_scaled(text, ns, 3600 * WARDI_S, "h");
    else if (ns >= 60 * WARDI_S && ns % (60 * WARDI_S) == 0)
        add_scaled(text, ns, 60 * WARDI_S, "m");
    else if (ns >= WARDI_S - WARDI_MS / 2) /* what rounds to 1000ms is 1s */
        add_scaled(text, ns, WARDI_S, "s");
    else if (ns >= WARDI_MS - WARDI_US / 2)
        add_scaled(text, ns, WARDI_MS, "ms");
    else if (ns >= WARDI_US)
        add_scaled(text, ns, WARDI_US, "us");
    else
        add_scaled(text, ns, 1, "ns");
}

void wardi_text_size(wardi_text *text, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t at = 0;
    uint64_t unit = 1;
    /* What rounds to 1024 of a unit is 1 of the next. */
    for (; at + 1 < WARD_COUNT(units) && bytes >= 1024 * unit - unit / 2; at++) unit *= 1024;
    add_scaled(text, bytes, unit, units[at]);
}

unsigned wardi_edit_distance(const char *a, const char *b, unsigned limit)
{
    enum { LENGTH_MAX = 64 };
    size_t na = strlen(a), nb = strlen(b);
    if (na > LENGTH_MAX || nb > LENGTH_MAX) return strcmp(a, b) == 0 ? 0 : limit + 1;
    unsigned rows[3][LENGTH_MAX + 1]; /* two rows back, one back, this one */
    for (size_t j = 0; j <= nb; j++) rows[1][j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        rows[2][0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned replace = rows[1][j - 1] + (a[i - 1] != b[j - 1]);
            unsigned best = replace;
            if (rows[1][j] + 1 < best) best = rows[1][j] + 1;
            if (rows[2][j - 1] + 1 < best) best = rows[2][j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && rows[0][j - 2] + 1 < best) best = rows[0][j - 2] + 1;
            rows[2][j] = best;
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
    }
    return rows[1][nb] <= limit ? rows[1][nb] : limit + 1;
}

void wardi_text_user(wardi_text *text, uid_t uid, pid_t pid)
{
    char room[4096];
    struct passwd own, *user = NULL;
    getpwuid_r(uid, &own, room, sizeof room, &user);
    wardi_text_printf(text, "%s (uid %u", user != NULL ? user->pw_name : "somebody", (unsigned)uid);
    if (pid > 0) wardi_text_printf(text, ", pid %d", (int)pid);
    wardi_text_puts(text, ")");
}
