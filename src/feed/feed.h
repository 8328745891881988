/* feed: events on their way from a supervisor's callback to a thread that has other things to do.
 *
 * A bounded ring with one giver and one taker, without a lock: whoever takes late, or never, delays
 * no worker. What finds it full is lost, and counted. Any number of feeds may be filled from one
 * callback. Knows nothing of who gives and who takes. */
#ifndef WARDI_FEED_H
#define WARDI_FEED_H

#include <ward/supervisor.h>

#include "core/core.h"

enum { WARDI_FEED_NAME_BYTES = 128 };

/** An event with its texts. Copies of it must be filled again: the texts of `event` point into it.
 */
typedef struct wardi_feed_event {
    ward_event event;
    char component[WARDI_FEED_NAME_BYTES], version[WARDI_FEED_NAME_BYTES];
    char reason[WARD_REASON_BYTES_MAX + 1];
} wardi_feed_event;

/** Copies an event and its texts, cut at whole characters. */
void wardi_feed_event_fill(wardi_feed_event *to, const ward_event *event);

typedef struct wardi_feed wardi_feed;

typedef struct wardi_feed_options {
    uint32_t slots; /* a power of two; some 700 bytes each, touched when first used */
    /** On the giver's thread, when there is something to take and the taker had found nothing; must
     * not wait. */
    void (*wake)(void *context);
    void *wake_context;
} wardi_feed_options;

/** NULL: no memory. */
wardi_feed *wardi_feed_new(const wardi_feed_options *options);
/** Nobody gives or takes any more. NULL is fine. */
void wardi_feed_free(wardi_feed *feed);
/** A ward_event_callback; its context is the feed. One at a time, as a supervisor's callback is. */
void wardi_feed_give(void *context, const ward_event *event);
/** One thread. False: there is nothing, and `wake` will tell. */
bool wardi_feed_take(wardi_feed *feed, wardi_feed_event *ret_event);
/** The highest number of an event that was given, be it that it is lost. Any thread. */
uint64_t wardi_feed_newest(const wardi_feed *feed);
/** How many were lost since it was last asked. Any thread. */
uint64_t wardi_feed_lost(wardi_feed *feed);

#endif
