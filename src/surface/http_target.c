/* What a client has written into the first line and into headers, read without trust. */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "surface/http.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* In place. False: a percent sign without two hex digits, a NUL, or what is no UTF-8. */
static bool decode(char *text, bool is_query)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '+' && is_query) {
            *to++ = ' ';
            continue;
        }
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = digit_of(from[1]), low = high < 0 ? -1 : digit_of(from[2]);
        if (low < 0 || (high == 0 && low == 0)) return false;
        *to++ = (char)(high << 4 | low);
        from += 2;
    }
    *to = '\0';
    size_t length = (size_t)(to - text);
    for (size_t at = 0, step; at < length; at += step) {
        step = wardi_utf8_length((const uint8_t *)text + at, length - at);
        if (step == 0) return false;
    }
    return true;
}

static const char undecodable[] =
    "a percent sign needs two hexadecimal digits after it, and the whole must be UTF-8 without NUL";

static http_fault read_path(char *path, http_target *target, const char **ret_why)
{
    http_fault fault = HTTP_TARGET_OK;
    for (char *next = path; next != NULL;) {
        char *segment = next;
        next = strchr(segment, '/');
        if (next != NULL) *next++ = '\0';
        if (!decode(segment, false)) {
            *ret_why = undecodable;
            return HTTP_TARGET_MALFORMED;
        }
        if (target->segment_count == HTTP_SEGMENTS_MAX) {
            /* The rest is read all the same: nonsense in it is nonsense. */
            *ret_why = "no path here has so many parts";
            fault = HTTP_TARGET_NOT_FOUND;
            continue;
        }
        target->segments[target->segment_count++] = segment;
    }
    return fault;
}

static http_fault read_query(char *query, http_target *target, const char **ret_why)
{
    for (char *next = query; next != NULL;) {
        char *key = next;
        next = strchr(key, '&');
        if (next != NULL) *next++ = '\0';
        if (*key == '\0') continue;
        char *value = strchr(key, '=');
        if (value != NULL) *value++ = '\0';
        if (!decode(key, true) || (value != NULL && !decode(value, true))) {
            *ret_why = undecodable;
            return HTTP_TARGET_MALFORMED;
        }
        if (target->param_count == HTTP_PARAMS_MAX) {
            *ret_why = "more than 64 parameters";
            return HTTP_TARGET_MALFORMED;
        }
        target->params[target->param_count++] =
            (http_param){.key = key, .value = value != NULL ? value : ""};
    }
    return HTTP_TARGET_OK;
}

/* Past "http://host" of the absolute form, which every server is to understand; NULL: neither form.
 */
static char *path_of(char *bytes)
{
    if (*bytes == '/') return bytes;
    static const char scheme[] = "http://";
    if (strncmp(bytes, scheme, sizeof scheme - 1) != 0) return NULL;
    return strchr(bytes + sizeof scheme - 1, '/');
}

http_fault http_target_read(char *bytes, http_target *ret_target, const char **ret_why)
{
    memset(ret_target, 0, sizeof *ret_target);
    char *path = path_of(bytes);
    if (path == NULL) {
        *ret_why = "a path begins with a slash";
        return HTTP_TARGET_MALFORMED;
    }
    bytes[strcspn(bytes, "#")] = '\0'; /* no client should send what is behind it */
    char *query = strchr(path, '?');
    if (query != NULL) *query++ = '\0';
    http_fault fault = read_path(path + 1, ret_target, ret_why);
    if (fault == HTTP_TARGET_MALFORMED || query == NULL) return fault;
    http_fault of_query = read_query(query, ret_target, ret_why);
    return of_query != HTTP_TARGET_OK ? of_query : fault;
}

const char *http_target_param(const http_target *target, const char *key)
{
    for (size_t i = 0; i < target->param_count; i++)
        if (strcmp(target->params[i].key, key) == 0) return target->params[i].value;
    return NULL;
}

/* ---- values ---- */

/* Digits from `*at` on, which is moved behind them. False: there are none, or too many. */
static bool read_digits(const char **at, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *digits = *at;
    for (; *digits >= '0' && *digits <= '9'; digits++) {
        uint64_t digit = (uint64_t)(*digits - '0');
        if (number > (max - digit) / 10) return false;
        number = number * 10 + digit;
    }
    if (digits == *at || number > max) return false;
    *at = digits;
    *ret_number = number;
    return true;
}

bool http_number_read(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number;
    if (!read_digits(&text, max, &number) || *text != '\0') return false;
    *ret_number = number;
    return true;
}

bool http_event_id_read(const char *text, uint64_t *ret_run, uint64_t *ret_sequence)
{
    uint64_t run, sequence;
    if (!read_digits(&text, UINT64_MAX / 2, &run) || *text++ != '-') return false;
    if (!read_digits(&text, UINT64_MAX / 2, &sequence) || *text != '\0') return false;
    *ret_run = run;
    *ret_sequence = sequence;
    return true;
}

static bool read_unit(const char **at, uint64_t *ret_unit_ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"ms", WARDI_MS},      {"us", WARDI_US},    {"ns", 1},
                 {"s", WARDI_S},        {"m", 60 * WARDI_S}, {"h", 3600 * WARDI_S},
                 {"d", 86400 * WARDI_S}};
    for (size_t i = 0; i < WARD_COUNT(units); i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(*at, units[i].name, length) != 0) continue;
        *at += length;
        *ret_unit_ns = units[i].ns;
        return true;
    }
    return false;
}

bool http_duration_read(const char *text, uint64_t *ret_ns)
{
    const uint64_t most = WARDI_S * 86400 * 365 * 100; /* of one part, and in all */
    uint64_t sum = 0;
    do {
        uint64_t number, unit;
        if (!read_digits(&text, most, &number) || !read_unit(&text, &unit)) return false;
        if (number > most / unit || sum + number * unit > most) return false;
        sum += number * unit;
    } while (*text != '\0');
    *ret_ns = sum;
    return true;
}

static bool two_digits(const char *text, int least, int most, int *ret_value)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
    *ret_value = (text[0] - '0') * 10 + text[1] - '0';
    return *ret_value >= least && *ret_value <= most;
}

/* "2026-12-01T00:21:18", of which `*at` is moved behind the end. */
static bool read_date(const char **at, struct tm *ret_parts)
{
    static const char form[] = "0000-00-00T00:00:00";
    const char *text = *at;
    for (size_t i = 0; form[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool separator = text[i] == form[i] || (form[i] == 'T' && text[i] == 't');
        if (form[i] == '0' ? !digit : !separator) return false;
    }
    int century, year, month;
    struct tm parts = {0};
    bool ok = two_digits(text, 19, 29, &century) && two_digits(text + 2, 0, 99, &year) &&
              two_digits(text + 5, 1, 12, &month) && two_digits(text + 8, 1, 31, &parts.tm_mday) &&
              two_digits(text + 11, 0, 23, &parts.tm_hour) &&
              two_digits(text + 14, 0, 59, &parts.tm_min) &&
              two_digits(text + 17, 0, 60, &parts.tm_sec);
    if (!ok || century * 100 + year < 1970) return false;
    parts.tm_year = century * 100 + year - 1900;
    parts.tm_mon = month - 1;
    *ret_parts = parts;
    *at += sizeof form - 1;
    return true;
}

/* "Z", "+01:00". */
static bool read_offset(const char *text, int64_t *ret_seconds)
{
    if ((*text == 'Z' || *text == 'z') && text[1] == '\0') {
        *ret_seconds = 0;
        return true;
    }
    int hours, minutes;
    if ((*text != '+' && *text != '-') || !two_digits(text + 1, 0, 23, &hours)) return false;
    if (text[3] != ':' || !two_digits(text + 4, 0, 59, &minutes) || text[6] != '\0') return false;
    *ret_seconds = (*text == '-' ? -60 : 60) * (hours * 60 + minutes);
    return true;
}

static bool read_rfc3339(const char *text, uint64_t *ret_wall_ns)
{
    struct tm parts;
    if (!read_date(&text, &parts)) return false;
    uint64_t fraction = 0;
    if (*text == '.') {
        if (text[1] < '0' || text[1] > '9') return false;
        uint64_t unit = WARDI_S / 10;
        for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
            fraction += (uint64_t)(*text - '0') * unit;
    }
    int64_t offset;
    if (!read_offset(text, &offset)) return false;
    int64_t seconds = (int64_t)timegm(&parts) - offset;
    if (seconds < 0) return false;
    *ret_wall_ns = (uint64_t)seconds * WARDI_S + fraction;
    return true;
}

bool http_time_read(const char *text, uint64_t now_wall_ns, uint64_t *ret_wall_ns)
{
    if (read_rfc3339(text, ret_wall_ns)) return true;
    uint64_t ago;
    if (!http_duration_read(text, &ago)) return false;
    /* 0 would be no bound at all. */
    *ret_wall_ns = ago < now_wall_ns ? now_wall_ns - ago : 1;
    return true;
}

/* "q=0", "q=0.000": not acceptable. */
static bool weight_is_zero(const char *parameters, const char *end)
{
    for (const char *at = parameters; at < end; at++) {
        if (*at != ';') continue;
        do at++;
        while (at < end && (*at == ' ' || *at == '\t'));
        if (end - at < 3 || (at[0] != 'q' && at[0] != 'Q') || at[1] != '=') continue;
        for (at += 2; at < end && *at != ';'; at++)
            if (*at >= '1' && *at <= '9') return false;
        return true;
    }
    return false;
}

bool http_accept_names(const char *accept, const char *type)
{
    if (accept == NULL) return false;
    size_t length = strlen(type);
    for (const char *at = accept; *at != '\0';) {
        at += strspn(at, " \t,");
        const char *end = at + strcspn(at, ",");
        bool named = strncasecmp(at, type, length) == 0;
        const char *behind = at + length;
        if (named && (behind == end || *behind == ';' || *behind == ' ' || *behind == '\t'))
            return !weight_is_zero(behind, end);
        at = end;
    }
    return false;
}
