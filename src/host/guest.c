/* The imports of module `ward`: their table, what they share, and those that need nobody else. */
#include "host/guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
    RANDOM_BYTES_MAX = 65536,
    DENIAL_EVENTS_A_SECOND = 10,
    LISTED_AT_ONCE = 4096, /* children looked at in one call, with the lock held */
};

guest *guest_of(child *c)
{
    guest *g = guest_if_any(c);
    if (g != NULL) return g;
    g = wardi_alloc(sizeof *g);
    if (g == NULL) return NULL;
    g->denials = wardi_bucket_full(DENIAL_EVENTS_A_SECOND, DENIAL_EVENTS_A_SECOND);
    g->lines = wardi_bucket_full(c->log_rate, c->log_rate);
    atomic_store_explicit(&c->guest, g, memory_order_release);
    return g;
}

void guest_tell(const child *c, ward_child_status *status)
{
    const guest *g = atomic_load_explicit(&c->guest, memory_order_acquire);
    if (g == NULL) return;
    status->denied = atomic_load_explicit(&g->denied, memory_order_relaxed);
    status->log_lines = atomic_load_explicit(&g->logged, memory_order_relaxed);
    status->log_suppressed = atomic_load_explicit(&g->suppressed, memory_order_relaxed);
    status->timers = atomic_load_explicit(&g->timer_count, memory_order_relaxed);
    status->timers_lost = atomic_load_explicit(&g->timers_lost, memory_order_relaxed);
}

/* ---- what all share ---- */

bool guest_span_of(const wardi_guest *call, unsigned first, guest_span *ret_span)
{
    uint32_t length = call->args[first + 1].u32;
    static uint8_t nothing;
    uint8_t *bytes = wardi_guest_bytes(call, call->args[first].u32, length);
    if (bytes == NULL && length != 0) return false;
    *ret_span = (guest_span){bytes != NULL ? bytes : &nothing, length};
    return true;
}

wardi_answer guest_breach(wardi_guest *call, const char *import, unsigned first)
{
    return wardi_guest_end(
        call, "ward.%s was given %u bytes at address %u, and its memory ends at %llu", import,
        call->args[first + 1].u32, call->args[first].u32, (unsigned long long)call->memory_length);
}

bool guest_text(guest_span span, char *text, size_t capacity)
{
    if (span.length >= capacity || memchr(span.bytes, '\0', span.length) != NULL) return false;
    memcpy(text, span.bytes, span.length);
    text[span.length] = '\0';
    return true;
}

int32_t guest_put(guest_span span, const char *text, size_t length)
{
    size_t fits = length < span.length ? length : span.length;
    if (fits != 0) memcpy(span.bytes, text, fits);
    return (int32_t)length;
}

void guest_note(child *c, const char *format, ...)
{
    guest *g = c != NULL ? guest_of(c) : NULL;
    if (g == NULL) return;
    wardi_text words = WARDI_TEXT(g->words);
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(&words, format, args);
    va_end(args);
}

guest_code guest_code_of(ward_error error)
{
    switch (error) {
    case WARD_OK: return GUEST_OK;
    case WARD_ERROR_NOT_FOUND: return GUEST_NOT_FOUND;
    case WARD_ERROR_MAILBOX_FULL:
    case WARD_ERROR_MAILBOX_TIMEOUT:
    case WARD_ERROR_WOULD_BLOCK: return GUEST_FULL;
    case WARD_ERROR_ACTOR_GONE: return GUEST_GONE;
    case WARD_ERROR_REPLY_TIMEOUT:
    case WARD_ERROR_MESSAGE_EXPIRED: return GUEST_TIMEOUT;
    case WARD_ERROR_BUFFER_TOO_SMALL: return GUEST_TOO_LARGE;
    case WARD_ERROR_NO_MEMORY: return GUEST_NO_MEMORY;
    case WARD_ERROR_EXPORT_MISSING:
    case WARD_ERROR_EXPORT_TYPE: return GUEST_NO_HANDLER;
    case WARD_ERROR_MESSAGE_DROPPED:
    case WARD_ERROR_UNDELIVERED: return GUEST_DROPPED;
    case WARD_ERROR_UNANSWERED: return GUEST_UNANSWERED;
    case WARD_ERROR_INVALID_ARGUMENT: return GUEST_INVALID;
    default: return GUEST_FAILED;
    }
}

/* The event waits until the guest has left: a callback of the application's has no business on a
 * guest's stack. */
static void tell_denial(child *c, const char *words)
{
    ward_supervisor *s = c->supervisor;
    pthread_mutex_lock(&s->lock);
    event_push(s, event_of(c, WARD_EVENT_DENIED), words);
    pthread_mutex_unlock(&s->lock);
    wardi_actor_wake(&s->keeper);
}

guest_code guest_refuse(child *c, const char *words)
{
    guest *g = guest_of(c);
    if (g != NULL) atomic_fetch_add_explicit(&g->denied, 1, memory_order_relaxed);
    uint64_t now_ns = wardi_sched_now(c->supervisor->sched);
    if (g != NULL && wardi_bucket_take(&g->denials, 1, now_ns)) tell_denial(c, words);
    return guest_fail(c, GUEST_DENIED, "%s", words);
}

guest_code guest_deny(child *c, wardi_verb verb, const char *name)
{
    char words[WARD_REASON_BYTES_MAX + 1];
    wardi_text text = WARDI_TEXT(words);
    wardi_grants_explain(c->grants, verb, name, &text);
    return guest_refuse(c, words);
}

/* ---- time and chance ---- */

static wardi_answer guest_now(wardi_guest *call)
{
    return guest_say_wide(call, (int64_t)wardi_wall_ns());
}

static wardi_answer guest_monotonic(wardi_guest *call)
{
    return guest_say_wide(call, (int64_t)wardi_now_ns());
}

static wardi_answer guest_sleep(wardi_guest *call)
{
    int64_t ns = call->args[0].i64;
    if (ns < 0)
        return guest_say(call, guest_fail(guest_child(call), GUEST_INVALID,
                                          "a sleep is not shorter than nothing"));
    if (ns == 0) return guest_say(call, GUEST_OK);
    call->wake_ns = wardi_add_sat(wardi_now_ns(), (uint64_t)ns);
    return WARDI_WAITS;
}

static wardi_answer guest_sleep_done(wardi_guest *call)
{
    return wardi_now_ns() < call->wake_ns ? WARDI_WAITS : guest_say(call, GUEST_OK);
}

static wardi_answer guest_random(wardi_guest *call)
{
    guest_span span;
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "random", 0);
    if (span.length > RANDOM_BYTES_MAX)
        return guest_say(call, guest_fail(guest_child(call), GUEST_LIMIT,
                                          "%u random bytes; %d are the most at once", span.length,
                                          RANDOM_BYTES_MAX));
    for (size_t at = 0; at < span.length;) {
        ssize_t got = getrandom(span.bytes + at, span.length - at, 0);
        if (got > 0) at += (size_t)got;
        if (got < 0 && errno != EINTR) return guest_say(call, GUEST_FAILED);
    }
    return guest_say(call, GUEST_OK);
}

/* ---- itself ---- */

static wardi_answer guest_self(wardi_guest *call)
{
    guest_span span;
    const child *c = guest_child(call);
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "self", 0);
    if (c == NULL) return guest_say(call, GUEST_UNAVAILABLE);
    return guest_say(call, guest_put(span, c->name, strlen(c->name)));
}

/* The value, if the entry, "key=value", has this key. The key is the guest's: no C text. */
static const char *value_of(const char *entry, guest_span key)
{
    const char *equals = strchr(entry, '=');
    bool same = (size_t)(equals - entry) == key.length && memcmp(entry, key.bytes, key.length) == 0;
    return same ? equals + 1 : NULL;
}

static wardi_answer guest_metadata(wardi_guest *call)
{
    guest_span key, span;
    child *c = guest_child(call);
    if (!guest_span_of(call, 0, &key)) return guest_breach(call, "metadata", 0);
    if (!guest_span_of(call, 2, &span)) return guest_breach(call, "metadata", 2);
    if (c == NULL) return guest_say(call, GUEST_UNAVAILABLE);
    for (size_t i = 0; i < c->metadata_count; i++) {
        const char *value = value_of(c->metadata[i], key);
        if (value != NULL) return guest_say(call, guest_put(span, value, strlen(value)));
    }
    return guest_say(call, guest_fail(c, GUEST_NOT_FOUND, "metadata has no such key"));
}

/* From inside: what runs goes on to its end, then the child is down until somebody starts it. */
static wardi_answer guest_stop(wardi_guest *call)
{
    child *c = guest_child(call);
    if (c == NULL) return guest_say(call, GUEST_UNAVAILABLE);
    ward_supervisor *s = c->supervisor;
    wardi_node_event event = {.kind = WARDI_TREE_ASK_STOP, .id = c->node};
    pthread_mutex_lock(&s->lock);
    wardi_tree_answer answer = wardi_tree_event(s->tree, &event, wardi_sched_now(s->sched));
    tree_obey(s);
    pthread_mutex_unlock(&s->lock);
    wardi_actor_wake(&s->keeper); /* tells what came of it */
    if (answer == WARDI_TREE_OK) return guest_say(call, GUEST_OK);
    return guest_say(call, guest_fail(c, GUEST_UNAVAILABLE, "%s", wardi_tree_answer_text(answer)));
}

static wardi_answer guest_last_error(wardi_guest *call)
{
    guest_span span;
    const child *c = guest_child(call);
    const char *words = "";
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "last_error", 0);
    if (c == NULL)
        words = "this component has no supervisor";
    else if (guest_if_any(c) != NULL)
        words = guest_if_any(c)->words;
    return guest_say(call, guest_put(span, words, strlen(words)));
}

/* ---- the others ---- */

/* A line each, from the child at `start` on, as many as fit. */
static int64_t list(const child *c, uint32_t start, guest_span span)
{
    const ward_supervisor *s = c->supervisor;
    size_t at = start, length = 0;
    for (size_t looked = 0; at < s->child_count; at++, looked++) {
        const child *other = s->children[at];
        const char *name = other->name;
        size_t bytes = strlen(name);
        if (looked == LISTED_AT_ONCE || length + bytes + 1 > span.length) break;
        if (!child_granted(c->grants, WARDI_LIST, other)) continue;
        memcpy(span.bytes + length, name, bytes);
        span.bytes[length + bytes] = '\n';
        length += bytes + 1;
    }
    uint64_t next = at < s->child_count ? at : 0;
    return (int64_t)(next << 32 | length);
}

static wardi_answer guest_list(wardi_guest *call)
{
    guest_span span;
    child *c = guest_child(call);
    if (!guest_span_of(call, 1, &span)) return guest_breach(call, "list", 1);
    if (c == NULL) return guest_say_wide(call, GUEST_UNAVAILABLE);
    if (span.length <= GUEST_NAME_MAX)
        return guest_say_wide(call, guest_fail(c, GUEST_INVALID,
                                               "a list needs room for a name: %d bytes at least",
                                               GUEST_NAME_MAX + 1));
    pthread_mutex_lock(&c->supervisor->lock);
    int64_t result = list(c, call->args[0].u32, span);
    pthread_mutex_unlock(&c->supervisor->lock);
    return guest_say_wide(call, result);
}

/* ---- the table ---- */

#define OFFER(name_, params_, result_, function_)                                                  \
    {                                                                                              \
        .module = "ward", .name = name_, .params = params_, .result = result_,                     \
        .function = function_                                                                      \
    }
#define WAITING(name_, params_, result_, function_, done_, cancel_)                                \
    {                                                                                              \
        .module = "ward", .name = name_, .params = params_, .result = result_,                     \
        .function = function_, .done = done_, .cancel = cancel_                                    \
    }

const wardi_import guest_imports[] = {
    OFFER("find", "ii", 'i', guest_find),
    OFFER("send", "iii", 'i', guest_send),
    WAITING("request", "iiiiiI", 'I', guest_request_all, guest_request_done, guest_request_forget),
    OFFER("request_begin", "iiiI", 'I', guest_request_begin),
    WAITING("request_end", "Iii", 'I', guest_request_end, guest_request_done, guest_request_forget),
    OFFER("request_cancel", "I", 'i', guest_request_cancel),
    OFFER("send_after", "Iiii", 'I', guest_send_after),
    OFFER("cancel_timer", "I", 'i', guest_cancel_timer),
    OFFER("sender", "ii", 'i', guest_sender),
    OFFER("correlation", "", 'I', guest_correlation),
    OFFER("defer", "", 'I', guest_defer),
    OFFER("reply", "Iii", 'i', guest_reply_to),
    OFFER("topic", "ii", 'i', guest_topic),
    OFFER("publish", "iiii", 'i', guest_publish),
    OFFER("subscribe", "ii", 'i', guest_subscribe),
    OFFER("unsubscribe", "ii", 'i', guest_unsubscribe),
    OFFER("log", "iiiii", 'i', guest_log),
    OFFER("now", "", 'I', guest_now),
    OFFER("monotonic_now", "", 'I', guest_monotonic),
    WAITING("sleep", "I", 'i', guest_sleep, guest_sleep_done, NULL),
    OFFER("random", "ii", 'i', guest_random),
    OFFER("self", "ii", 'i', guest_self),
    OFFER("metadata", "iiii", 'i', guest_metadata),
    OFFER("list", "iii", 'I', guest_list),
    OFFER("stop", "", 'i', guest_stop),
    OFFER("counter", "iiI", 'i', guest_counter),
    OFFER("gauge", "iiF", 'i', guest_gauge),
    OFFER("histogram", "iiF", 'i', guest_histogram),
    OFFER("last_error", "ii", 'i', guest_last_error),
};
const size_t guest_import_count = WARD_COUNT(guest_imports);
