/* What a child has been through lately: messages, lines of its log, changes. Kept without a word
 * when there is no memory for it. */
#include "host/history.h"

#include <string.h>

#include "host/message.h"

static history *history_of(child *c)
{
    if (c->history == NULL) c->history = wardi_alloc(sizeof *c->history);
    return c->history;
}

static ward_message_kind kind_of(const wardi_message *message)
{
    switch ((child_message)message->kind) {
    case CHILD_INVOKE: return WARD_MESSAGE_INVOKE;
    case CHILD_TOPIC: return WARD_MESSAGE_TOPIC;
    default: return WARD_MESSAGE_BYTES;
    }
}

static void what_of(const wardi_message *message, char *what, size_t capacity)
{
    wardi_text text = wardi_text_on(what, capacity);
    if (message->kind == CHILD_INVOKE) {
        const invoke_call *call = message->payload;
        wardi_text_puts(&text, call->function);
    } else if (message->kind == CHILD_TOPIC) {
        const publication *p = message->payload;
        wardi_text_add(&text, (const char *)p->bytes, p->topic_length);
    }
}

void history_begin(child *c, const wardi_message *message)
{
    history *h = history_of(c);
    if (h == NULL) return;
    history_entry *entry = &h->entries[h->entry_count++ % WARD_EVIDENCE_MESSAGES];
    entry->sender = message->sender;
    entry->correlation = message->correlation;
    entry->began_ticks = wardi_ticks();
    entry->length = message->length;
    entry->kind = (uint8_t)kind_of(message);
    entry->over = false;
    what_of(message, entry->what, sizeof entry->what);
}

void history_end(child *c, ward_error outcome)
{
    history *h = c->history;
    if (h == NULL || h->entry_count == 0) return;
    history_entry *entry = &h->entries[(h->entry_count - 1) % WARD_EVIDENCE_MESSAGES];
    entry->took_ns = wardi_ticks_span_ns(entry->began_ticks, wardi_ticks());
    entry->outcome = (uint8_t)outcome;
    entry->over = true;
}

uint64_t history_took_ns(const child *c)
{
    const history *h = c->history;
    bool known = h != NULL && h->entry_count != 0;
    return known ? h->entries[(h->entry_count - 1) % WARD_EVIDENCE_MESSAGES].took_ns : 0;
}

void history_line(child *c, ward_log_level level, const char *text)
{
    history *h = history_of(c);
    if (h == NULL) return;
    if (h->lines == NULL) h->lines = wardi_alloc_array(WARD_EVIDENCE_LINES, sizeof *h->lines);
    if (h->lines == NULL) return;
    ward_evidence_line *line = &h->lines[h->line_count++ % WARD_EVIDENCE_LINES];
    line->wall_ns = wardi_wall_ns();
    line->level = level;
    wardi_text words = WARDI_TEXT(line->text);
    wardi_text_puts(&words, text);
}

/* That a child starts and is well is no news. */
static bool is_usual(bool is_health, int to)
{
    if (is_health) return to == WARD_CHILD_HEALTHY;
    return to == WARD_STATE_STARTING || to == WARD_STATE_READY;
}

void history_change(child *c, bool is_health, int from, int to)
{
    if (c->history == NULL && is_usual(is_health, to)) return;
    history *h = history_of(c);
    if (h == NULL) return;
    h->changes[h->change_count++ % WARD_EVIDENCE_CHANGES] = (ward_evidence_change){
        .wall_ns = wardi_wall_ns(), .is_health = is_health, .from = from, .to = to};
}

/* ---- as evidence ---- */

void history_header(const child *c, const history_entry *entry, ward_message_header *ret_header)
{
    uint64_t now = wardi_ticks();
    wardi_message from = {.sender = entry->sender};
    *ret_header = (ward_message_header){
        .kind = (ward_message_kind)entry->kind,
        .began_wall_ns = wardi_wall_ns() - wardi_ticks_span_ns(entry->began_ticks, now),
        .took_ns = entry->over ? entry->took_ns : wardi_ticks_span_ns(entry->began_ticks, now),
        .correlation = entry->correlation,
        .length = entry->length,
        .over = entry->over,
        .outcome = entry->over ? (ward_error)entry->outcome : WARD_OK};
    wardi_text name = WARDI_TEXT(ret_header->sender);
    (void)message_sender(c->supervisor->sched, &from, &name); /* "" when it has been removed */
    memcpy(ret_header->what, entry->what, sizeof entry->what);
}

/* Where the last `kept` of `count` begin, and how many they are. */
static size_t last_of(uint64_t count, size_t kept, uint64_t *ret_first)
{
    size_t here = count < kept ? (size_t)count : kept;
    *ret_first = count - here;
    return here;
}

void history_tell(const child *c, ward_evidence *evidence)
{
    const history *h = c->history;
    uint64_t first;
    if (h == NULL) return;
    evidence->message_count = last_of(h->entry_count, WARD_EVIDENCE_MESSAGES, &first);
    for (size_t i = 0; i < evidence->message_count; i++)
        history_header(c, &h->entries[(first + i) % WARD_EVIDENCE_MESSAGES],
                       &evidence->messages[i]);
    evidence->line_count = last_of(h->line_count, WARD_EVIDENCE_LINES, &first);
    for (size_t i = 0; i < evidence->line_count; i++)
        evidence->lines[i] = h->lines[(first + i) % WARD_EVIDENCE_LINES];
    evidence->change_count = last_of(h->change_count, WARD_EVIDENCE_CHANGES, &first);
    for (size_t i = 0; i < evidence->change_count; i++)
        evidence->changes[i] = h->changes[(first + i) % WARD_EVIDENCE_CHANGES];
}

void history_free(child *c)
{
    if (c->history == NULL) return;
    wardi_free(c->history->lines);
    wardi_free(c->history);
}
