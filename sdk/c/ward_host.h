/* ward_host.h: what a guest asks of its host, the imports of module `ward`. Part of ward_guest.h,
 * which includes it.
 *
 *     WARD_GUEST_INBOX(1024)
 *     WARD_GUEST_CALL("handle-message", handle)(const uint8_t *bytes, uint32_t length)
 *     {
 *         int32_t sink = ward_find("sink");
 *         if (sink < 0) ward_log(WARD_LOG_WARN, "no sink: code %d", sink);
 *         else ward_send(sink, ward_bytes_of(bytes, length));
 *         return ward_bytes_of(NULL, 0);
 *     }
 *
 * Results below 0 are codes (ward_code), the same for all; ward_last_error has words for them. What
 * each function does, when, and within which limits: docs/guest-abi.md.
 *
 * A module imports what it uses and nothing else. Three of the imports wait: ward_request,
 * ward_request_end and ward_sleep. A module that has one of them is called on a stack of its own
 * each time, its health checks too, which costs a few hundred nanoseconds.
 *
 * Texts that are given end in NUL. Texts that come are cut to what fits and end in NUL, and the
 * result is how long they are, as of snprintf: it is not less than `capacity` when something was
 * cut.
 *
 * Natively nothing is imported: the ward_import_… below are functions that a test supplies, those
 * that the guest uses. Not in one source file with <ward/log.h>, which has the same levels. */
#ifndef WARD_GUEST_HOST_H
#define WARD_GUEST_HOST_H

#include "ward_guest.h"

#ifdef __wasm__
#define WARD_GUEST_IMPORT(name)                                                                    \
    WARD_GUEST_C __attribute__((import_module("ward"), import_name(#name)))
#else
#define WARD_GUEST_IMPORT(name) WARD_GUEST_C
#endif

/** Why something was not done. */
typedef enum ward_code {
    WARD_CODE_OK = 0,
    WARD_CODE_INVALID = -1,     /**< an argument makes no sense */
    WARD_CODE_NOT_FOUND = -2,   /**< nobody has that name; there is no such handle, request, … */
    WARD_CODE_DENIED = -3,      /**< not granted */
    WARD_CODE_FULL = -4,        /**< the receiver's mailbox */
    WARD_CODE_GONE = -5,        /**< the receiver has been removed */
    WARD_CODE_TIMEOUT = -6,     /**< no answer in time */
    WARD_CODE_CYCLE = -7,       /**< the receiver waits for us, maybe through others */
    WARD_CODE_TOO_LARGE = -8,   /**< over the largest message */
    WARD_CODE_LIMIT = -9,       /**< too many of something, or too often */
    WARD_CODE_NO_MEMORY = -10,  /**< of the host, or no room in the receiver's inbox */
    WARD_CODE_FAILED = -11,     /**< the receiver was ended by the message */
    WARD_CODE_NO_HANDLER = -12, /**< the receiver handles no messages */
    WARD_CODE_DROPPED = -13,    /**< from the receiver's mailbox, or with the receiver */
    WARD_CODE_UNANSWERED = -14, /**< the receiver let go of it without an answer */
    WARD_CODE_UNAVAILABLE = -15 /**< not now, or not without a supervisor */
} ward_code;

/* ---- bytes and texts ---- */

/** Bytes that somebody else has. */
static inline ward_bytes ward_bytes_of(const void *bytes, uint32_t length)
{
    ward_bytes of = {(const uint8_t *)bytes, length};
    return of;
}

WARD_GUEST_PRIV uint32_t ward_guest_length(const char *text)
{
    uint32_t length = 0;
    while (text[length]) length++;
    return length;
}

/** The bytes of a text, without its NUL. */
static inline ward_bytes ward_text(const char *text)
{
    return ward_bytes_of(text, ward_guest_length(text));
}

/** Formats into `text`, of at least 5 bytes, and returns its length; see ward_guest_format. */
__attribute__((format(printf, 3, 4))) static inline uint32_t ward_format(char *text,
                                                                         uint32_t capacity,
                                                                         const char *format, ...)
{
    va_list list;
    va_start(list, format);
    uint32_t length = ward_guest_format((uint8_t *)text, capacity - 1, format, list);
    va_end(list);
    text[length] = 0;
    return length;
}

/* Ends a text that came. */
static inline int32_t ward_guest_end(char *text, uint32_t capacity, int32_t result)
{
    uint32_t length = result > 0 ? (uint32_t)result : 0;
    if (capacity != 0) text[length < capacity ? length : capacity - 1] = 0;
    return result;
}

/* ---- others ---- */

WARD_GUEST_IMPORT(find) int32_t ward_import_find(const char *name, uint32_t length);
WARD_GUEST_IMPORT(send)
int32_t ward_import_send(int32_t to, const uint8_t *bytes, uint32_t length);
WARD_GUEST_IMPORT(request)
int64_t ward_import_request(int32_t to, const uint8_t *bytes, uint32_t length, void *answer,
                            uint32_t capacity, int64_t timeout_ns);
WARD_GUEST_IMPORT(request_begin)
int64_t ward_import_request_begin(int32_t to, const uint8_t *bytes, uint32_t length,
                                  int64_t timeout_ns);
WARD_GUEST_IMPORT(request_end)
int64_t ward_import_request_end(int64_t request, void *answer, uint32_t capacity);
WARD_GUEST_IMPORT(request_cancel) int32_t ward_import_request_cancel(int64_t request);
WARD_GUEST_IMPORT(send_after)
int64_t ward_import_send_after(int64_t delay_ns, int32_t to, const uint8_t *bytes, uint32_t length);
WARD_GUEST_IMPORT(cancel_timer) int32_t ward_import_cancel_timer(int64_t timer);
WARD_GUEST_IMPORT(list)
int64_t ward_import_list(uint32_t start, char *names, uint32_t capacity);

/** A handle for this component itself, which ward_find need not give, and nobody need grant. */
enum { WARD_SELF = 0x7fffffff };

/** A handle for the component `name`: 0 or more, the same each time, until this component
 * restarts. Codes: INVALID, NOT_FOUND, DENIED, LIMIT, NO_MEMORY. */
static inline int32_t ward_find(const char *name)
{
    return ward_import_find(name, ward_guest_length(name));
}

/** Sends; nobody answers. Codes: NOT_FOUND (the handle), FULL, GONE, TOO_LARGE, NO_MEMORY. */
static inline int32_t ward_send(int32_t to, ward_bytes message)
{
    return ward_import_send(to, message.bytes, message.length);
}

/** Asks, and waits for the answer: its length, of which as much as fits is in `answer`.
 * `timeout_ns` 0 means 10 s. Codes: as ward_send, and INVALID, LIMIT, CYCLE, UNAVAILABLE (no
 * message is being handled), TIMEOUT, FAILED, NO_HANDLER, DROPPED, UNANSWERED. */
static inline int64_t ward_request(int32_t to, ward_bytes question, void *answer, uint32_t capacity,
                                   int64_t timeout_ns)
{
    return ward_import_request(to, question.bytes, question.length, answer, capacity, timeout_ns);
}

/** Asks, and does not wait: the request's number, above 0, for ward_request_end or _cancel. Codes:
 * as ward_send, and INVALID, LIMIT. */
static inline int64_t ward_request_begin(int32_t to, ward_bytes question, int64_t timeout_ns)
{
    return ward_import_request_begin(to, question.bytes, question.length, timeout_ns);
}

/** Waits for the answer unless it is there, as ward_request does. After it the request is over,
 * unless the code is UNAVAILABLE. */
static inline int64_t ward_request_end(int64_t request, void *answer, uint32_t capacity)
{
    return ward_import_request_end(request, answer, capacity);
}

/** Wants no answer any more; the receiver may handle the request all the same. Codes: NOT_FOUND. */
static inline int32_t ward_request_cancel(int64_t request)
{
    return ward_import_request_cancel(request);
}

/** Sends when so long is over, or up to a millisecond later: a timer's number, above 0, for
 * ward_cancel_timer. It ends with this run; what the receiver's mailbox then says, nobody is told.
 * Codes: as ward_send but FULL and GONE, and INVALID, LIMIT. */
static inline int64_t ward_send_after(int64_t delay_ns, int32_t to, ward_bytes message)
{
    return ward_import_send_after(delay_ns, to, message.bytes, message.length);
}

/** Takes a timer back. Codes: NOT_FOUND: it has sent already, or was cancelled. */
static inline int32_t ward_cancel_timer(int64_t timer)
{
    return ward_import_cancel_timer(timer);
}

/** The names of the components that this one may list, from number `start` on, each followed by a
 * line end, as many as fit into `capacity`, 129 at least; returns their length. `*ret_next` is
 * where the next call starts; 0: these were the last. Codes: INVALID, UNAVAILABLE. */
static inline int32_t ward_list(uint32_t start, char *names, uint32_t capacity, uint32_t *ret_next)
{
    /* Room for the NUL is kept back: no line end makes way for it. */
    int64_t result = ward_import_list(start, names, capacity != 0 ? capacity - 1 : 0);
    *ret_next = result < 0 ? 0 : (uint32_t)(result >> 32);
    return ward_guest_end(names, capacity, (int32_t)result);
}

/* ---- the message that is being handled ---- */

WARD_GUEST_IMPORT(sender) int32_t ward_import_sender(char *name, uint32_t capacity);
WARD_GUEST_IMPORT(correlation) int64_t ward_import_correlation(void);
WARD_GUEST_IMPORT(topic) int32_t ward_import_topic(char *topic, uint32_t capacity);
WARD_GUEST_IMPORT(defer) int64_t ward_import_defer(void);
WARD_GUEST_IMPORT(reply)
int32_t ward_import_reply(int64_t message, const uint8_t *answer, uint32_t length);

/** Who sent it: nothing for the application. Codes: GONE, UNAVAILABLE. */
static inline int32_t ward_sender(char *name, uint32_t capacity)
{
    return ward_guest_end(name, capacity, ward_import_sender(name, capacity));
}

/** Its number, with which ward_reply answers it; 0: nobody asked. Codes: UNAVAILABLE, NO_MEMORY. */
static inline int64_t ward_correlation(void)
{
    return ward_import_correlation();
}

/** What it was published under: nothing, if it was sent. Codes: UNAVAILABLE. */
static inline int32_t ward_topic(char *topic, uint32_t capacity)
{
    return ward_guest_end(topic, capacity, ward_import_topic(topic, capacity));
}

/** Answers later: a number for ward_reply, in this message or any after it; 0: nobody asked. What
 * handle-message returns is then no answer. Codes: LIMIT, UNAVAILABLE, NO_MEMORY. */
static inline int64_t ward_defer(void)
{
    return ward_import_defer();
}

/** Answers the message of that number, once. Codes: NOT_FOUND, TOO_LARGE, NO_MEMORY. */
static inline int32_t ward_reply(int64_t message, ward_bytes answer)
{
    return ward_import_reply(message, answer.bytes, answer.length);
}

/* ---- topics ---- */

WARD_GUEST_IMPORT(publish)
int32_t ward_import_publish(const char *topic, uint32_t topic_length, const uint8_t *bytes,
                            uint32_t length);
WARD_GUEST_IMPORT(subscribe) int32_t ward_import_subscribe(const char *pattern, uint32_t length);
WARD_GUEST_IMPORT(unsubscribe)
int32_t ward_import_unsubscribe(const char *pattern, uint32_t length);

/** A message to each that subscribes to `topic`, "a.b.c": how many mailboxes took it. Codes:
 * INVALID, DENIED, TOO_LARGE, NO_MEMORY, UNAVAILABLE. */
static inline int32_t ward_publish(const char *topic, ward_bytes message)
{
    return ward_import_publish(topic, ward_guest_length(topic), message.bytes, message.length);
}

/** Hears of topics that `pattern` matches: `*` is any one level, a last `#` any number of them.
 * Outlives restarts. Codes: INVALID, DENIED, LIMIT, NO_MEMORY, UNAVAILABLE. */
static inline int32_t ward_subscribe(const char *pattern)
{
    return ward_import_subscribe(pattern, ward_guest_length(pattern));
}

/** The same pattern as it was subscribed to. Codes: INVALID, NOT_FOUND, UNAVAILABLE. */
static inline int32_t ward_unsubscribe(const char *pattern)
{
    return ward_import_unsubscribe(pattern, ward_guest_length(pattern));
}

/* ---- log ---- */

WARD_GUEST_IMPORT(log)
int32_t ward_import_log(uint32_t level, const uint8_t *text, uint32_t text_length,
                        const uint8_t *fields, uint32_t fields_length);

/** How much a line matters. */
typedef enum ward_log_level {
    WARD_LOG_TRACE,
    WARD_LOG_DEBUG,
    WARD_LOG_INFO,
    WARD_LOG_WARN,
    WARD_LOG_ERROR,
} ward_log_level;

/** What a line is about, for machines: `{"order", "4711"}`. */
typedef struct ward_field {
    const char *key, *value;
} ward_field;

enum { WARD_GUEST_LINE_BYTES_MAX = 1024, WARD_GUEST_FIELDS_BYTES_MAX = 2048 };

/* Key, NUL, value, NUL; 0 if it does not fit behind the `used` bytes. */
WARD_GUEST_PRIV uint32_t ward_guest_put_field(uint8_t *bytes, uint32_t used, ward_field field)
{
    const char *parts[2];
    parts[0] = field.key;
    parts[1] = field.value;
    uint32_t at = used;
    for (int i = 0; i < 2; i++) {
        const char *from = parts[i];
        do {
            if (at == WARD_GUEST_FIELDS_BYTES_MAX) return 0;
            bytes[at++] = (uint8_t)*from;
        } while (*from++);
    }
    return at - used;
}

static inline int32_t ward_guest_log(ward_log_level level, const uint8_t *fields, uint32_t length,
                                     const char *format, va_list list)
{
    uint8_t text[WARD_GUEST_LINE_BYTES_MAX];
    uint32_t text_length = ward_guest_format(text, sizeof text, format, list);
    return ward_import_log((uint32_t)level, text, text_length, fields, length);
}

/** Logs a line, printf-style; see ward_guest_format. Codes: INVALID, LIMIT (too many lines a
 * second: this one is lost, and counted), UNAVAILABLE, NO_MEMORY. */
__attribute__((format(printf, 2, 3))) static inline int32_t ward_log(ward_log_level level,
                                                                     const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int32_t code = ward_guest_log(level, NULL, 0, format, list);
    va_end(list);
    return code;
}

/** The same with fields, 16 at most and 2 KiB together: what does not fit is left out. */
__attribute__((format(printf, 4, 5))) static inline int32_t ward_log_with(ward_log_level level,
                                                                          const ward_field *fields,
                                                                          uint32_t count,
                                                                          const char *format, ...)
{
    uint8_t bytes[WARD_GUEST_FIELDS_BYTES_MAX];
    uint32_t length = 0;
    va_list list;
    for (uint32_t i = 0; i < count; i++) length += ward_guest_put_field(bytes, length, fields[i]);
    va_start(list, format);
    int32_t code = ward_guest_log(level, bytes, length, format, list);
    va_end(list);
    return code;
}

/* ---- time and chance ---- */

WARD_GUEST_IMPORT(now) int64_t ward_import_now(void);
WARD_GUEST_IMPORT(monotonic_now) int64_t ward_import_monotonic_now(void);
WARD_GUEST_IMPORT(sleep) int32_t ward_import_sleep(int64_t ns);
WARD_GUEST_IMPORT(random) int32_t ward_import_random(void *bytes, uint32_t length);

/** Nanoseconds since the epoch. */
static inline int64_t ward_now(void)
{
    return ward_import_now();
}

/** Nanoseconds since some moment, never set back: for spans of time. */
static inline int64_t ward_monotonic_now(void)
{
    return ward_import_monotonic_now();
}

/** Returns after so long; the deadline of the call that it is in goes on. Codes: INVALID. */
static inline int32_t ward_sleep(int64_t ns)
{
    return ward_import_sleep(ns);
}

/** Random bytes, fit for keys, 65,536 at most. Codes: LIMIT. */
static inline int32_t ward_random(void *bytes, uint32_t length)
{
    return ward_import_random(bytes, length);
}

/* ---- itself ---- */

WARD_GUEST_IMPORT(self) int32_t ward_import_self(char *name, uint32_t capacity);
WARD_GUEST_IMPORT(metadata)
int32_t ward_import_metadata(const char *key, uint32_t key_length, char *value, uint32_t capacity);
WARD_GUEST_IMPORT(stop) int32_t ward_import_stop(void);
WARD_GUEST_IMPORT(last_error) int32_t ward_import_last_error(char *words, uint32_t capacity);

/** Its name. Codes: UNAVAILABLE. */
static inline int32_t ward_self(char *name, uint32_t capacity)
{
    return ward_guest_end(name, capacity, ward_import_self(name, capacity));
}

/** What its metadata has under `key`. Codes: NOT_FOUND, UNAVAILABLE. */
static inline int32_t ward_metadata(const char *key, char *value, uint32_t capacity)
{
    int32_t length = ward_import_metadata(key, ward_guest_length(key), value, capacity);
    return ward_guest_end(value, capacity, length);
}

/** Asks to be stopped when this message is handled: down until somebody starts it. Codes:
 * UNAVAILABLE. */
static inline int32_t ward_stop(void)
{
    return ward_import_stop();
}

/** Words for the last code below 0, "" if there was none; NO_MEMORY has none of its own. */
static inline int32_t ward_last_error(char *words, uint32_t capacity)
{
    return ward_guest_end(words, capacity, ward_import_last_error(words, capacity));
}

/* ---- metrics: made when they are first named, of that kind for ever ---- */

WARD_GUEST_IMPORT(counter)
int32_t ward_import_counter(const char *name, uint32_t length, int64_t by);
WARD_GUEST_IMPORT(gauge)
int32_t ward_import_gauge(const char *name, uint32_t length, double value);
WARD_GUEST_IMPORT(histogram)
int32_t ward_import_histogram(const char *name, uint32_t length, double value);

/** Rises by `by`, which is not below 0. Codes: INVALID, LIMIT, NO_MEMORY, UNAVAILABLE. */
static inline int32_t ward_counter(const char *name, int64_t by)
{
    return ward_import_counter(name, ward_guest_length(name), by);
}

/** Is `value` now. Codes: as ward_counter. */
static inline int32_t ward_gauge(const char *name, double value)
{
    return ward_import_gauge(name, ward_guest_length(name), value);
}

/** One more value, which is a number. Codes: as ward_counter. */
static inline int32_t ward_histogram(const char *name, double value)
{
    return ward_import_histogram(name, ward_guest_length(name), value);
}

#endif
