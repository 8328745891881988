#include <string.h>
#include <time.h>

#include "record/record_priv.h"

json_t *number_json(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *wardi_json_reason(const ward_reason *reason)
{
    return json_stringn(reason->text, reason->length);
}

/* Names of files are any bytes; JSON is UTF-8. */
static json_t *text_of_bytes(const char *bytes)
{
    static const char unknown[] = "\xef\xbf\xbd"; /* U+FFFD */
    size_t length = strlen(bytes), used = 0;
    char *text = wardi_alloc_array(length + 1, sizeof unknown - 1);
    if (text == NULL) return NULL;
    for (size_t at = 0; at < length;) {
        size_t step = wardi_utf8_length((const uint8_t *)bytes + at, length - at);
        memcpy(text + used, step != 0 ? bytes + at : unknown, step != 0 ? step : 3);
        used += step != 0 ? step : 3;
        at += step != 0 ? step : 1;
    }
    json_t *value = json_stringn(text, used);
    wardi_free(text);
    return value;
}

json_t *wardi_json_text(const char *text)
{
    if (text == NULL) return json_null();
    json_t *value = json_string(text);
    return value != NULL ? value : text_of_bytes(text);
}

json_t *wardi_json_time(uint64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / WARDI_S);
    struct tm parts;
    char date[24], whole[40];
    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    wardi_text text = WARDI_TEXT(whole);
    wardi_text_printf(&text, "%s.%06uZ", date, (unsigned)(wall_ns % WARDI_S / WARDI_US));
    return json_string(whole);
}
