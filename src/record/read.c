/* One key at a time, whatever is behind it. */
#include <string.h>
#include <time.h>

#include "record/record_priv.h"

enum { NAMES_MAX = 256 /* more than any enumeration has */ };

void read_fail(reader *r, const char *key, const char *wanted)
{
    if (r->error != WARD_OK) return;
    r->error = wardi_fail(r->diag, WARD_ERROR_INVALID_ARGUMENT, "%s: `%s%s` is not %s", r->what,
                          r->place, key, wanted);
}

const json_t *read_value(reader *r, const char *key, presence needed)
{
    const json_t *value = r->error == WARD_OK ? json_object_get(r->object, key) : NULL;
    if (json_is_null(value)) value = NULL;
    if (value == NULL && needed == REQUIRED) read_fail(r, key, "there");
    return value;
}

void read_u64(reader *r, const char *key, presence needed, uint64_t *to)
{
    const json_t *value = read_value(r, key, needed);
    if (json_is_integer(value))
        *to = (uint64_t)json_integer_value(value);
    else if (value != NULL)
        read_fail(r, key, "a whole number");
}

void read_u32(reader *r, const char *key, presence needed, uint32_t *to)
{
    uint64_t wide = *to;
    read_u64(r, key, needed, &wide);
    if (wide <= UINT32_MAX)
        *to = (uint32_t)wide;
    else
        read_fail(r, key, "a whole number from 0 to 4294967295");
}

void read_i32(reader *r, const char *key, presence needed, int32_t *to)
{
    uint64_t wide = (uint64_t)(int64_t)*to;
    read_u64(r, key, needed, &wide);
    int64_t value = (int64_t)wide;
    if (value >= INT32_MIN && value <= INT32_MAX)
        *to = (int32_t)value;
    else
        read_fail(r, key, "a whole number from -2147483648 to 2147483647");
}

void read_bool(reader *r, const char *key, presence needed, bool *to)
{
    const json_t *value = read_value(r, key, needed);
    if (json_is_boolean(value))
        *to = json_is_true(value);
    else if (value != NULL)
        read_fail(r, key, "true or false");
}

void read_borrowed(reader *r, const char *key, presence needed, const char **to)
{
    const json_t *value = read_value(r, key, needed);
    if (json_is_string(value))
        *to = json_string_value(value);
    else if (value != NULL)
        read_fail(r, key, "a text");
}

void read_text(reader *r, const char *key, presence needed, wardi_text to)
{
    const char *text = "";
    read_borrowed(r, key, needed, &text);
    wardi_text_puts(&to, text);
}

/* ---- times ---- */

/* `count` digits at `*at`. */
static bool digits(const char **at, size_t count, int *ret_value)
{
    int value = 0;
    for (size_t i = 0; i < count; i++, ++*at) {
        if (**at < '0' || **at > '9') return false;
        value = value * 10 + (**at - '0');
    }
    *ret_value = value;
    return true;
}

static bool mark(const char **at, char wanted)
{
    return *(*at)++ == wanted;
}

static bool time_of(const char *text, uint64_t *ret_wall_ns)
{
    struct tm parts = {0}, again;
    int us;
    const char *at = text;
    bool well = strlen(text) == sizeof "2026-11-30T12:00:00.000001Z" - 1 &&
                digits(&at, 4, &parts.tm_year) && mark(&at, '-') && digits(&at, 2, &parts.tm_mon) &&
                mark(&at, '-') && digits(&at, 2, &parts.tm_mday) && mark(&at, 'T') &&
                digits(&at, 2, &parts.tm_hour) && mark(&at, ':') && digits(&at, 2, &parts.tm_min) &&
                mark(&at, ':') && digits(&at, 2, &parts.tm_sec) && mark(&at, '.') &&
                digits(&at, 6, &us) && mark(&at, 'Z');
    if (!well || parts.tm_year < 1970 || parts.tm_year > 2553) return false; /* 64 bits of ns end */
    parts.tm_year -= 1900;
    parts.tm_mon--;
    again = parts;
    time_t seconds = timegm(&again);
    /* timegm takes a 31st of February for a day in March. */
    if (again.tm_mon != parts.tm_mon || again.tm_mday != parts.tm_mday ||
        again.tm_hour != parts.tm_hour || again.tm_min != parts.tm_min ||
        again.tm_sec != parts.tm_sec || seconds < 0)
        return false;
    *ret_wall_ns = (uint64_t)seconds * WARDI_S + (uint64_t)us * WARDI_US;
    return true;
}

void read_time(reader *r, const char *key, presence needed, uint64_t *to)
{
    const char *text = NULL;
    read_borrowed(r, key, needed, &text);
    if (text != NULL && !time_of(text, to))
        read_fail(r, key, "a time such as 2026-11-30T12:00:00.000001Z");
}

/* ---- names ---- */

void read_name(reader *r, const char *key, presence needed, name_of name, int *to)
{
    const char *text = NULL;
    read_borrowed(r, key, needed, &text);
    if (text == NULL) return;
    for (int i = 0; i < NAMES_MAX; i++) {
        const char *known = name(i);
        if (strcmp(known, "unknown") == 0 || strcmp(known, text) != 0) continue;
        *to = i;
        return;
    }
    read_fail(r, key, "a name that this version of Ward knows");
}

#define NAME(function, type, of)                                                                   \
    const char *function(int value)                                                                \
    {                                                                                              \
        return of((type)value);                                                                    \
    }
NAME(state_name_of, ward_state, ward_state_name)
NAME(health_name_of, ward_child_health, ward_child_health_name)
NAME(source_name_of, ward_source, ward_source_name)
NAME(probe_error_name_of, ward_probe_error, ward_probe_error_name)
NAME(cause_name_of, ward_cause, ward_cause_name)
NAME(error_name_of, ward_error, ward_error_name)

/* ---- lists ---- */

size_t read_count(reader *r, const char *key, size_t most)
{
    const json_t *value = read_value(r, key, REQUIRED);
    if (value == NULL) return 0;
    if (!json_is_array(value) || json_array_size(value) > most) {
        char wanted[48];
        wardi_text text = WARDI_TEXT(wanted);
        wardi_text_printf(&text, "a list of at most %zu", most);
        read_fail(r, key, wanted);
        return 0;
    }
    return json_array_size(value);
}

reader read_element(const reader *r, const char *key, size_t i, wardi_text place)
{
    reader element = *r;
    wardi_text_printf(&place, "%s%s[%zu].", r->place, key, i);
    element.place = place.bytes;
    element.object = json_array_get(json_object_get(r->object, key), i);
    return element;
}
