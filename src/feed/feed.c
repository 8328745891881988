#include "feed/feed.h"

#include <stdatomic.h>

/* `given` is the giver's, `taken` the taker's; each reads the other's with acquire, which pairs
 * with its release: a slot is filled before it is given, and read before it is given back. `newest`
 * is raised after that: who reads it first, and then takes until there is nothing, has all of it.
 *
 * No wake-up is lost: the taker sets `asleep`, then looks at `given` once more; the giver raises
 * `given`, then looks at `asleep`. All four are sequentially consistent, so one of them sees the
 * other. */
struct wardi_feed {
    wardi_feed_options options;
    wardi_feed_event *slots;
    _Atomic uint64_t lost, newest;
    _Alignas(64) _Atomic uint64_t given;
    _Alignas(64) _Atomic uint64_t taken;
    atomic_bool asleep;
};

static const char *keep(wardi_text room, const char *text)
{
    wardi_text_puts(&room, text);
    return room.bytes;
}

void wardi_feed_event_fill(wardi_feed_event *to, const ward_event *event)
{
    to->event = *event;
    to->event.component = keep(WARDI_TEXT(to->component), event->component);
    to->event.version = keep(WARDI_TEXT(to->version), event->version);
    to->event.reason = keep(WARDI_TEXT(to->reason), event->reason);
}

wardi_feed *wardi_feed_new(const wardi_feed_options *options)
{
    WARD_ASSERT(options->slots != 0 && (options->slots & (options->slots - 1)) == 0);
    wardi_feed *feed = wardi_alloc_aligned(64, sizeof *feed);
    if (feed == NULL) return NULL;
    *feed = (wardi_feed){.options = *options,
                         .slots = wardi_alloc_array(options->slots, sizeof(wardi_feed_event)),
                         .asleep = true}; /* until it has looked, it has found nothing */
    if (feed->slots != NULL) return feed;
    wardi_free(feed);
    return NULL;
}

void wardi_feed_free(wardi_feed *feed)
{
    if (feed == NULL) return;
    wardi_free(feed->slots);
    wardi_free(feed);
}

void wardi_feed_give(void *context, const ward_event *event)
{
    wardi_feed *feed = context;
    uint64_t given = atomic_load_explicit(&feed->given, memory_order_relaxed);
    uint64_t taken = atomic_load_explicit(&feed->taken, memory_order_acquire);
    if (given - taken == feed->options.slots) {
        atomic_fetch_add_explicit(&feed->lost, 1, memory_order_relaxed);
    } else {
        wardi_feed_event_fill(&feed->slots[given & (feed->options.slots - 1)], event);
        atomic_store(&feed->given, given + 1);
    }
    if (event->sequence > atomic_load_explicit(&feed->newest, memory_order_relaxed))
        atomic_store_explicit(&feed->newest, event->sequence, memory_order_release);
    if (atomic_load(&feed->asleep) && atomic_exchange(&feed->asleep, false))
        feed->options.wake(feed->options.wake_context);
}

bool wardi_feed_take(wardi_feed *feed, wardi_feed_event *ret_event)
{
    uint64_t taken = atomic_load_explicit(&feed->taken, memory_order_relaxed);
    if (atomic_load_explicit(&feed->given, memory_order_acquire) == taken) {
        atomic_store(&feed->asleep, true);
        if (atomic_load(&feed->given) == taken) return false;
        atomic_store(&feed->asleep, false);
    }
    wardi_feed_event_fill(ret_event, &feed->slots[taken & (feed->options.slots - 1)].event);
    atomic_store_explicit(&feed->taken, taken + 1, memory_order_release);
    return true;
}

uint64_t wardi_feed_newest(const wardi_feed *feed)
{
    return atomic_load_explicit(&feed->newest, memory_order_acquire);
}

uint64_t wardi_feed_lost(wardi_feed *feed)
{
    return atomic_exchange_explicit(&feed->lost, 0, memory_order_relaxed);
}
