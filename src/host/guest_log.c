/* What a guest logs: bounded, made valid, and handed on. */
#include <string.h>

#include "host/guest.h"

const char *ward_log_level_name(ward_log_level level)
{
    static const char *const names[] = {
        [WARD_LOG_TRACE] = "trace", [WARD_LOG_DEBUG] = "debug", [WARD_LOG_INFO] = "info",
        [WARD_LOG_WARN] = "warn",   [WARD_LOG_ERROR] = "error",
    };
    return (unsigned)level < WARD_COUNT(names) ? names[level] : "unknown";
}

/* As UTF-8 and as a C text: what is neither becomes U+FFFD. Cut where it is too long. */
static void add_valid(wardi_text *text, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length && !text->cut;) {
        size_t character = bytes[at] != '\0' ? wardi_utf8_length(bytes + at, length - at) : 0;
        if (character == 0)
            wardi_text_puts(text, "\xEF\xBF\xBD");
        else
            wardi_text_add(text, (const char *)bytes + at, character);
        at += character != 0 ? character : 1;
    }
}

/* One field: key, NUL, value, NUL; the last NUL may be missing. Returns what is behind it. However
 * long the key is, room for the NUL of its value is kept. */
static guest_span field_take(guest_span rest, wardi_text *room, ward_log_field *ret_field)
{
    const char **parts[] = {&ret_field->key, &ret_field->value};
    for (size_t i = 0; i < WARD_COUNT(parts); i++) {
        const uint8_t *end = memchr(rest.bytes, '\0', rest.length);
        uint32_t length = end != NULL ? (uint32_t)(end - rest.bytes) : rest.length;
        size_t kept = WARD_COUNT(parts) - 1 - i;
        wardi_text part =
            wardi_text_on(room->bytes + room->length, room->capacity - room->length - kept);
        add_valid(&part, rest.bytes, length);
        *parts[i] = part.bytes;
        room->length += part.length + 1;
        uint32_t taken = end != NULL ? length + 1 : length;
        rest = (guest_span){rest.bytes + taken, rest.length - taken};
    }
    return rest;
}

static size_t fields_take(guest_span rest, wardi_text *room, ward_log_field *ret_fields)
{
    size_t count = 0;
    while (rest.length != 0 && count < WARD_LOG_FIELDS_MAX && room->length + 3 < room->capacity)
        rest = field_take(rest, room, &ret_fields[count++]);
    return count;
}

static void hand_on(const child *c, ward_log_level level, const char *words, guest_span fields,
                    uint64_t suppressed)
{
    const ward_supervisor *s = c->supervisor;
    char parts[WARD_LOG_FIELDS_BYTES_MAX];
    wardi_text room = WARDI_TEXT(parts);
    ward_log_field list[WARD_LOG_FIELDS_MAX];
    ward_log_line told = {.size = sizeof told,
                          .component = c->name,
                          .level = level,
                          .wall_ns = wardi_wall_ns(),
                          .text = words,
                          .fields = list,
                          .field_count = fields_take(fields, &room, list),
                          .suppressed = suppressed};
    s->on_log(s->log_context, &told);
}

wardi_answer guest_log(wardi_guest *call)
{
    guest_span text, fields;
    child *c = guest_child(call);
    uint32_t level = call->args[0].u32;
    if (!guest_span_of(call, 1, &text)) return guest_breach(call, "log", 1);
    if (!guest_span_of(call, 3, &fields)) return guest_breach(call, "log", 3);
    if (c == NULL) return guest_say(call, GUEST_UNAVAILABLE);
    if (level > WARD_LOG_ERROR)
        return guest_say(call, guest_fail(c, GUEST_INVALID, "%u is no level: 0 to 4 are", level));
    guest *g = guest_of(c);
    if (g == NULL) return guest_say(call, GUEST_NO_MEMORY);
    if (!wardi_bucket_take(&g->lines, 1, wardi_sched_now(c->supervisor->sched))) {
        atomic_fetch_add_explicit(&g->suppressed, 1, memory_order_relaxed);
        return guest_say(call,
                         guest_fail(c, GUEST_LIMIT, "more than %u lines a second", c->log_rate));
    }
    uint64_t suppressed = g->lines.refused - g->lines_told;
    g->lines_told = g->lines.refused;
    atomic_fetch_add_explicit(&g->logged, 1, memory_order_relaxed);
    char words[WARD_LOG_TEXT_BYTES_MAX + 1];
    wardi_text line = WARDI_TEXT(words);
    add_valid(&line, text.bytes, text.length);
    history_line(c, (ward_log_level)level, words);
    if (c->supervisor->on_log != NULL) hand_on(c, (ward_log_level)level, words, fields, suppressed);
    return guest_say(call, GUEST_OK);
}
