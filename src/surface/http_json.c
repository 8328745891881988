/* Text that grows, and JSON as text: a list of a million components is written piece by piece,
 * never built as a tree. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "surface/http.h"

void http_text_done(http_text *text)
{
    wardi_free(text->bytes);
    *text = (http_text){0};
}

/* Room for `more` bytes and a NUL. */
static bool grow(http_text *text, size_t more)
{
    if (text->failed) return false;
    size_t wanted = text->length + more + 1;
    if (wanted <= text->capacity) return true;
    size_t capacity = text->capacity < 256 ? 256 : text->capacity;
    while (capacity < wanted) capacity *= 2;
    char *bytes = wardi_grow(text->bytes, text->capacity, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void http_text_add(http_text *text, const char *bytes, size_t length)
{
    if (length == 0 || !grow(text, length)) return;
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void http_text_puts(http_text *text, const char *string)
{
    http_text_add(text, string, strlen(string));
}

void http_text_printf(http_text *text, const char *format, ...)
{
    char piece[1024];
    wardi_text room = WARDI_TEXT(piece);
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(&room, format, args);
    va_end(args);
    http_text_add(text, piece, room.length);
}

/* One character of at most 4 bytes, that stands for the `*ret_step` bytes at `bytes`. */
static uint32_t character_at(const uint8_t *bytes, size_t length, size_t *ret_step)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t step = wardi_utf8_length(bytes, length);
    *ret_step = step != 0 ? step : 1;
    if (step == 0) return 0xfffd;
    uint32_t c = bytes[0] & masks[step];
    for (size_t i = 1; i < step; i++) c = c << 6 | (bytes[i] & 0x3f);
    return c;
}

/* What would break the line that it stands on, or make its neighbours look like something else. */
static bool is_tricky(uint32_t c)
{
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool separator = c == 0x2028 || c == 0x2029;
    bool direction = c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
                     (c >= 0x2066 && c <= 0x2069);
    return control || separator || direction;
}

void http_text_safe(http_text *text, const char *bytes, size_t length)
{
    for (size_t at = 0, step; at < length; at += step) {
        uint32_t c = character_at((const uint8_t *)bytes + at, length - at, &step);
        if (c == 0xfffd)
            http_text_puts(text, "\xef\xbf\xbd");
        else if (!is_tricky(c))
            http_text_add(text, bytes + at, step);
        else if (c == '\n')
            http_text_puts(text, "\\n");
        else
            http_text_printf(text, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
    }
}

/* ---- JSON ---- */

/* A value follows another, or the first after a bracket or a key. */
static void comma(http_text *to)
{
    if (to->length == 0) return;
    char last = to->bytes[to->length - 1];
    if (last != '{' && last != '[' && last != ':') http_text_add(to, ",", 1);
}

void http_json_open(http_text *to, char bracket)
{
    comma(to);
    http_text_add(to, &bracket, 1);
}

void http_json_close(http_text *to, char bracket)
{
    http_text_add(to, &bracket, 1);
}

static void string(http_text *to, const char *bytes, size_t length)
{
    http_text_add(to, "\"", 1);
    size_t plain = 0; /* where what needs no escape begins */
    for (size_t at = 0, step; at < length; at += step) {
        uint32_t c = character_at((const uint8_t *)bytes + at, length - at, &step);
        bool replaced = c == 0xfffd && step == 1;
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && !replaced) continue;
        http_text_add(to, bytes + plain, at - plain);
        plain = at + step;
        if (replaced)
            http_text_puts(to, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            http_text_printf(to, "\\%c", (int)c);
        else if (c == '\n')
            http_text_puts(to, "\\n");
        else
            http_text_printf(to, "\\u%04x", (unsigned)c);
    }
    http_text_add(to, bytes + plain, length - plain);
    http_text_add(to, "\"", 1);
}

void http_json_key(http_text *to, const char *key)
{
    comma(to);
    string(to, key, strlen(key));
    http_text_add(to, ":", 1);
}

void http_json_bytes(http_text *to, const char *bytes, size_t length)
{
    comma(to);
    string(to, bytes, length);
}

void http_json_text(http_text *to, const char *text)
{
    if (text != NULL) {
        http_json_bytes(to, text, strlen(text));
        return;
    }
    comma(to);
    http_text_puts(to, "null");
}

void http_json_u64(http_text *to, uint64_t value)
{
    comma(to);
    http_text_printf(to, "%llu", (unsigned long long)value);
}

void http_json_i64(http_text *to, int64_t value)
{
    comma(to);
    http_text_printf(to, "%lld", (long long)value);
}

void http_json_bool(http_text *to, bool value)
{
    comma(to);
    http_text_puts(to, value ? "true" : "false");
}

void http_json_double(http_text *to, double value)
{
    if (isnan(value)) {
        http_json_text(to, "nan");
    } else if (isinf(value)) {
        http_json_text(to, value > 0 ? "inf" : "-inf");
    } else {
        comma(to);
        http_text_printf(to, "%.17g", value);
    }
}

void http_json_time(http_text *to, uint64_t wall_ns)
{
    if (wall_ns == 0) {
        http_json_text(to, NULL);
        return;
    }
    time_t seconds = (time_t)(wall_ns / WARDI_S);
    struct tm parts;
    char date[32];
    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    comma(to);
    http_text_printf(to, "\"%s.%06uZ\"", date, (unsigned)(wall_ns % WARDI_S / WARDI_US));
}

void http_json_key_text(http_text *to, const char *key, const char *text)
{
    http_json_key(to, key);
    http_json_text(to, text);
}

void http_json_key_u64(http_text *to, const char *key, uint64_t value)
{
    http_json_key(to, key);
    http_json_u64(to, value);
}

void http_json_key_bool(http_text *to, const char *key, bool value)
{
    http_json_key(to, key);
    http_json_bool(to, value);
}

void http_json_key_time(http_text *to, const char *key, uint64_t wall_ns)
{
    http_json_key(to, key);
    http_json_time(to, wall_ns);
}

void http_json_key_reason(http_text *to, const char *key, const ward_reason *reason)
{
    http_json_key(to, key);
    http_json_bytes(to, reason->text, reason->length);
}
