#include "cli/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/json.h"

enum { SLOTS = 1024, NAME_BYTES = 128, VERSION_BYTES = 128, REASON_BYTES = 512 };

typedef struct event_slot {
    ward_event event; /* its texts point into the slot */
    char name[NAME_BYTES], version[VERSION_BYTES], reason[REASON_BYTES];
} event_slot;

struct wardi_events {
    wardi_events_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the ring, `lost` and `ending` */
    pthread_cond_t filled;
    event_slot *slots;
    uint64_t taken, written; /* of all; taken - written are in the ring */
    uint64_t lost;
    bool ending;
    atomic_bool unread; /* by the thread; read by wardi_events_unread */
    bool complained;    /* the thread's own */
};

static void wake(const wardi_events *events)
{
    uint64_t one = 1;
    /* Full means awake already. */
    if (write(events->options.wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        wardi_complain("run: %s", strerror(errno));
}

static void slot_fill(event_slot *slot, const ward_event *event)
{
    slot->event = *event;
    wardi_text text = WARDI_TEXT(slot->name);
    wardi_text_puts(&text, event->component);
    text = WARDI_TEXT(slot->version);
    wardi_text_puts(&text, event->version);
    text = WARDI_TEXT(slot->reason);
    wardi_text_puts(&text, event->reason);
    slot->event.component = slot->name;
    slot->event.version = slot->version;
    slot->event.reason = slot->reason;
}

void wardi_events_take(void *context, const ward_event *event)
{
    wardi_events *events = context;
    if (!events->options.quiet) {
        pthread_mutex_lock(&events->lock);
        if (events->taken - events->written < SLOTS)
            slot_fill(&events->slots[events->taken++ % SLOTS], event);
        else
            events->lost++;
        pthread_cond_signal(&events->filled);
        pthread_mutex_unlock(&events->lock);
    }
    wake(events);
}

/* ---- the thread ---- */

static void print_lost(const wardi_events *events, uint64_t count)
{
    if (events->options.json)
        wardi_json_print(json_pack("{s:s, s:I}", "event", "lost", "count", (json_int_t)count));
    else
        printf("… %llu events are lost: standard output is read too slowly\n",
               (unsigned long long)count);
}

/* A disk that is full now may have room later; a reader that is gone stays so. */
static void flush(wardi_events *events)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return;
    if (errno == EPIPE) {
        atomic_store(&events->unread, true);
        wake(events);
    } else if (!events->complained) {
        events->complained = true;
        wardi_complain("run: events cannot be written: %s; the components go on", strerror(errno));
    }
    clearerr(stdout);
}

static bool next(wardi_events *events, event_slot *slot, uint64_t *ret_lost)
{
    pthread_mutex_lock(&events->lock);
    while (events->taken == events->written && !events->ending)
        pthread_cond_wait(&events->filled, &events->lock);
    bool any = events->taken > events->written;
    if (any) slot_fill(slot, &events->slots[events->written++ % SLOTS].event);
    *ret_lost = events->lost;
    events->lost = 0;
    pthread_mutex_unlock(&events->lock);
    return any;
}

/* False: it follows from the one shown before. */
static bool print_event(const wardi_events *events, const ward_event *event,
                        const ward_event *shown)
{
    if (events->options.json) {
        wardi_event_print_json(event);
        return true;
    }
    if (wardi_event_is_implied(event, shown)) return false;
    ward_event line = *event;
    if (wardi_event_is_reason_known(event, shown)) line.reason = "";
    wardi_event_print(stdout, &line, events->options.name_width);
    return true;
}

static void *write_all(void *context)
{
    wardi_events *events = context;
    event_slot slots[2] = {0}; /* this one, and the one shown before */
    unsigned at = 0;
    uint64_t lost;
    while (next(events, &slots[at], &lost)) {
        if (lost > 0) print_lost(events, lost);
        if (print_event(events, &slots[at].event, &slots[1 - at].event)) at = 1 - at;
        flush(events);
    }
    return NULL;
}

/* ---- life ---- */

wardi_events *wardi_events_new(const wardi_events_options *options)
{
    wardi_events *events = wardi_alloc(sizeof *events);
    event_slot *slots = wardi_alloc_array(SLOTS, sizeof *slots);
    if (events != NULL && slots != NULL) {
        events->options = *options;
        events->slots = slots;
        pthread_mutex_init(&events->lock, NULL);
        pthread_cond_init(&events->filled, NULL);
        if (pthread_create(&events->thread, NULL, write_all, events) == 0) return events;
    }
    wardi_complain("run: no memory or no thread for writing events");
    wardi_free(slots);
    wardi_free(events);
    return NULL;
}

bool wardi_events_unread(const wardi_events *events)
{
    return atomic_load(&events->unread);
}

bool wardi_events_free(wardi_events *events)
{
    if (events == NULL) return true;
    pthread_mutex_lock(&events->lock);
    events->ending = true;
    pthread_cond_signal(&events->filled);
    pthread_mutex_unlock(&events->lock);
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    if (pthread_timedjoin_np(events->thread, NULL, &limit) != 0) return false;
    pthread_cond_destroy(&events->filled);
    pthread_mutex_destroy(&events->lock);
    wardi_free(events->slots);
    wardi_free(events);
    return true;
}
