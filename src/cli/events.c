#include "cli/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/bar.h"
#include "cli/evidence.h"
#include "cli/json.h"

enum {
    SLOTS = 1024,
    SLOTS_OF_LINES = SLOTS / 4 * 3, /* past so many only events are taken */
    NAME_BYTES = 128,
    VERSION_BYTES = 128,
    REASON_BYTES = 512,
};

/* The texts of both point into the slot. */
typedef struct event_slot {
    ward_event event;
    char name[NAME_BYTES], version[VERSION_BYTES], reason[REASON_BYTES];
} event_slot;

typedef struct line_slot {
    ward_log_line line;
    ward_log_field fields[WARD_LOG_FIELDS_MAX];
    char name[NAME_BYTES], text[WARD_LOG_TEXT_BYTES_MAX + 1], parts[WARD_LOG_FIELDS_BYTES_MAX];
} line_slot;

typedef struct slot {
    bool is_line;
    union {
        event_slot event;
        line_slot line;
    };
} slot;

typedef struct lost_count {
    uint64_t events, lines;
} lost_count;

/* What the thread has to itself. */
typedef struct writer {
    slot taken;
    event_slot shown; /* the event that was shown last */
    ward_evidence evidence;
    wardi_evidence_gate gate;
    bool complained;
} writer;

struct wardi_events {
    wardi_events_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the ring, `lost` and `ending` */
    pthread_cond_t filled;
    slot *slots;
    uint64_t taken, written; /* of all; taken - written are in the ring */
    lost_count lost;
    bool ending;
    atomic_int name_width; /* read by the thread */
    bool on_terminal;      /* standard output, where a line of progress may stand */
    atomic_bool unread;    /* by the thread; read by wardi_events_unread */
    writer writer;
};

static void wake(const wardi_events *events)
{
    uint64_t one = 1;
    /* Full means awake already. */
    if (write(events->options.wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        wardi_complain("run: %s", strerror(errno));
}

static const char *keep(wardi_text room, const char *text)
{
    wardi_text_puts(&room, text);
    return room.bytes;
}

static void event_fill(event_slot *to, const ward_event *event)
{
    to->event = *event;
    to->event.component = keep(WARDI_TEXT(to->name), event->component);
    to->event.version = keep(WARDI_TEXT(to->version), event->version);
    to->event.reason = keep(WARDI_TEXT(to->reason), event->reason);
}

/* `spare` bytes are left for what comes behind. */
static const char *keep_part(line_slot *to, size_t *used, size_t spare, const char *text)
{
    wardi_text room = wardi_text_on(to->parts + *used, sizeof to->parts - *used - spare);
    wardi_text_puts(&room, text);
    *used += room.length + 1;
    return room.bytes;
}

static void line_fill(line_slot *to, const ward_log_line *line)
{
    enum { FIELD_BYTES_MIN = 2 }; /* two NULs */
    size_t used = 0, count = 0;
    to->line = *line;
    to->line.component = keep(WARDI_TEXT(to->name), line->component);
    to->line.text = keep(WARDI_TEXT(to->text), line->text);
    for (; count < line->field_count && used + FIELD_BYTES_MIN <= sizeof to->parts; count++) {
        to->fields[count].key = keep_part(to, &used, 1, line->fields[count].key);
        to->fields[count].value = keep_part(to, &used, 0, line->fields[count].value);
    }
    to->line.fields = to->fields;
    to->line.field_count = count;
}

static void slot_copy(slot *to, const slot *from)
{
    to->is_line = from->is_line;
    if (from->is_line)
        line_fill(&to->line, &from->line.line);
    else
        event_fill(&to->event, &from->event.event);
}

/* With the lock held. NULL: none is free for it, and that is counted. */
static slot *slot_take(wardi_events *events, bool is_line)
{
    uint64_t most = is_line ? SLOTS_OF_LINES : SLOTS;
    if (events->taken - events->written >= most) {
        ++*(is_line ? &events->lost.lines : &events->lost.events);
        return NULL;
    }
    slot *free = &events->slots[events->taken++ % SLOTS];
    free->is_line = is_line;
    pthread_cond_signal(&events->filled);
    return free;
}

void wardi_events_take(void *context, const ward_event *event)
{
    wardi_events *events = context;
    if (!events->options.quiet) {
        pthread_mutex_lock(&events->lock);
        slot *to = slot_take(events, false);
        if (to != NULL) event_fill(&to->event, event);
        pthread_mutex_unlock(&events->lock);
    }
    wake(events);
}

void wardi_events_take_line(void *context, const ward_log_line *line)
{
    wardi_events *events = context;
    bool is_shown = line->level >= events->options.log_level;
    if (events->options.quiet || (!is_shown && line->suppressed == 0)) return;
    pthread_mutex_lock(&events->lock);
    slot *to = slot_take(events, true);
    if (to != NULL) line_fill(&to->line, line);
    pthread_mutex_unlock(&events->lock);
}

/* ---- the thread ---- */

static void print_lost(const wardi_events *events, lost_count lost)
{
    unsigned long long event_count = lost.events, line_count = lost.lines;
    if (event_count == 0 && line_count == 0) return;
    wardi_output_level(stdout, WARDI_LEVEL_WARNING);
    if (events->options.json)
        wardi_json_print(json_pack("{s:s, s:I, s:I}", "event", "lost", "count",
                                   (json_int_t)event_count, "lines", (json_int_t)line_count));
    else
        printf("… %llu events and %llu lines of components are lost: standard output is read too "
               "slowly\n",
               event_count, line_count);
}

/* A disk that is full now may have room later; a reader that is gone stays so. */
static void flush(wardi_events *events)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return;
    if (errno == EPIPE) {
        atomic_store(&events->unread, true);
        wake(events);
    } else if (!events->writer.complained) {
        events->writer.complained = true;
        wardi_complain("run: events cannot be written: %s; the components go on", strerror(errno));
    }
    clearerr(stdout);
}

typedef enum next_is {
    NEXT_SLOT, /* there is one to write */
    NEXT_DUE,  /* time has come */
    NEXT_END,
} next_is;

static next_is next(wardi_events *events, uint64_t due_ns, slot *to, lost_count *ret_lost)
{
    pthread_mutex_lock(&events->lock);
    while (events->taken == events->written && !events->ending && wardi_now_ns() < due_ns)
        wardi_cond_wait_until(&events->filled, &events->lock, due_ns);
    next_is is = events->taken > events->written ? NEXT_SLOT : events->ending ? NEXT_END : NEXT_DUE;
    if (is == NEXT_SLOT) slot_copy(to, &events->slots[events->written++ % SLOTS]);
    *ret_lost = events->lost;
    events->lost = (lost_count){0};
    pthread_mutex_unlock(&events->lock);
    return is;
}

static void print_missing(const wardi_events *events, const ward_event *event, const char *why)
{
    if (events->options.json) {
        wardi_output_level(stdout, WARDI_LEVEL_WARNING);
        wardi_json_print(wardi_evidence_json_missing(event, why));
    } else {
        wardi_evidence_print_missing(stdout, why);
    }
}

static void print_evidence(wardi_events *events, const ward_event *event)
{
    const wardi_events_options *options = &events->options;
    ward_evidence *evidence = &events->writer.evidence;
    evidence->size = sizeof *evidence;
    ward_error error = options->evidence(options->evidence_context, event->component, evidence);
    if (error != WARD_OK || evidence->number != event->evidence) {
        print_missing(events, event, "it has made way for that of a later end");
    } else if (options->json) {
        wardi_output_level(stdout, WARDI_LEVEL_ERROR);
        wardi_json_print(wardi_evidence_json(evidence));
    } else if (wardi_evidence_tells(evidence) &&
               wardi_evidence_asks(&events->writer.gate, evidence, event->instance,
                                   wardi_now_ns())) {
        wardi_evidence_print(stdout, evidence);
    }
}

/* What its event leaves open: how the run came to its end. */
static void follow_up(wardi_events *events, const ward_event *event)
{
    if (event->kind != WARD_EVENT_STATE || events->options.evidence == NULL) return;
    if (event->evidence != 0)
        print_evidence(events, event);
    else if (event->state == WARD_STATE_FAILED)
        print_missing(events, event, "there was no memory for it");
}

/* False: it follows from the one shown before. */
static bool print_event(const wardi_events *events, const ward_event *event,
                        const ward_event *shown)
{
    if (events->options.json) {
        wardi_output_level(stdout, wardi_event_level(event));
        wardi_event_print_json(event);
        return true;
    }
    if (wardi_event_is_implied(event, shown)) return false;
    ward_event line = *event;
    if (wardi_event_is_reason_known(event, shown)) line.reason = "";
    wardi_event_print(stdout, &line, atomic_load(&events->name_width));
    return true;
}

static void print_line(const wardi_events *events, const ward_log_line *line)
{
    bool is_shown = line->level >= events->options.log_level;
    int width = atomic_load(&events->name_width);
    if (events->options.json) {
        if (line->suppressed > 0) {
            wardi_output_level(stdout, WARDI_LEVEL_WARNING);
            wardi_line_print_suppressed_json(line);
        }
        if (is_shown) {
            wardi_output_level(stdout, wardi_line_level(line));
            wardi_line_print_json(line);
        }
    } else {
        if (line->suppressed > 0) wardi_line_print_suppressed(stdout, line, width);
        if (is_shown) wardi_line_print(stdout, line, width);
    }
}

static void print_slot(wardi_events *events)
{
    writer *w = &events->writer;
    const ward_event *event = &w->taken.event.event;
    if (w->taken.is_line) {
        print_line(events, &w->taken.line.line);
        return;
    }
    bool printed = print_event(events, event, &w->shown.event);
    if (printed && !wardi_event_is_aside(event, &w->shown.event)) event_fill(&w->shown, event);
    follow_up(events, event);
}

static void *write_all(void *context)
{
    wardi_events *events = context;
    writer *w = &events->writer;
    lost_count lost;
    next_is is = NEXT_DUE;
    while (is != NEXT_END) {
        is = next(events, wardi_evidence_said_due_ns(&w->gate), &w->taken, &lost);
        if (events->on_terminal) wardi_bar_hold();
        print_lost(events, lost);
        if (is == NEXT_SLOT) print_slot(events);
        if (is == NEXT_END || wardi_now_ns() >= wardi_evidence_said_due_ns(&w->gate))
            wardi_evidence_print_held_back(stdout, &w->gate);
        flush(events);
        if (events->on_terminal) wardi_bar_let();
    }
    return NULL;
}

/* ---- life ---- */

wardi_events *wardi_events_new(const wardi_events_options *options)
{
    wardi_events *events = wardi_alloc(sizeof *events);
    slot *slots = wardi_alloc_array(SLOTS, sizeof *slots);
    if (events != NULL && slots != NULL) {
        events->options = *options;
        atomic_store(&events->name_width, options->name_width);
        events->slots = slots;
        events->on_terminal = wardi_output_is_terminal(stdout);
        pthread_mutex_init(&events->lock, NULL);
        pthread_cond_init(&events->filled, NULL);
        if (pthread_create(&events->thread, NULL, write_all, events) == 0) return events;
    }
    wardi_complain("run: no memory or no thread for writing events");
    wardi_free(slots);
    wardi_free(events);
    return NULL;
}

void wardi_events_widen(wardi_events *events, int name_width)
{
    atomic_store(&events->name_width, name_width);
}

bool wardi_events_unread(const wardi_events *events)
{
    return atomic_load(&events->unread);
}

bool wardi_events_end(wardi_events *events)
{
    if (events == NULL) return true;
    pthread_mutex_lock(&events->lock);
    events->ending = true;
    pthread_cond_signal(&events->filled);
    pthread_mutex_unlock(&events->lock);
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    return pthread_timedjoin_np(events->thread, NULL, &limit) == 0;
}

void wardi_events_free(wardi_events *events)
{
    if (events == NULL) return;
    pthread_cond_destroy(&events->filled);
    pthread_mutex_destroy(&events->lock);
    wardi_free(events->slots);
    wardi_free(events);
}
