/* What the tests of the view share: a host whose events are folded into one, by the test. Header
 * only, because each test is one file. */
#ifndef VIEW_KIT_H
#define VIEW_KIT_H

#include "feed/feed.h"
#include "surface/view.h"
#include "unit/host/host_kit.h"

static wardi_feed *feed;
static view *v;

static inline void no_wake(void *context)
{
    (void)context;
}

static inline void open_view_of(ward_host_options options)
{
    ward_supervisor_options own = usual_options();
    wardi_feed_options with = {.slots = 65536, .wake = no_wake};
    options.cache_directory = "";
    feed = wardi_feed_new(&with);
    assert_non_null(feed);
    own.on_event = wardi_feed_give;
    own.event_context = feed;
    assert_int_equal(ward_host_open(&options, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    v = view_new(supervisor);
    assert_non_null(v);
}

static inline int open_view(void **state)
{
    (void)state;
    open_view_of((ward_host_options)WARD_INIT(ward_host_options));
    return 0;
}

/* For thousands. */
static inline int open_dense_view(void **state)
{
    ward_host_options options = WARD_INIT(ward_host_options);
    (void)state;
    options.profile = WARD_MEMORY_DENSE;
    options.components_max = 20000;
    open_view_of(options);
    return 0;
}

static inline int close_view(void **state)
{
    close_all(state);
    view_free(v);
    wardi_feed_free(feed);
    return 0;
}

static inline void start_view(void)
{
    start();
    assert_true(view_sync(v));
}

static inline void apply_all(void)
{
    wardi_feed_event event;
    while (wardi_feed_take(feed, &event)) view_apply(v, &event.event);
    if (wardi_feed_lost(feed) != 0) assert_true(view_sync(v));
}

static inline const view_member *wait_until(const char *name, view_condition condition)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    for (;;) {
        apply_all();
        const view_member *m = view_find(v, name);
        if (m != NULL && m->condition == condition) return m;
        if (wardi_now_ns() > patience)
            fail_msg("%s is %s, not %s", name,
                     m != NULL ? view_means(m->condition)->name : "absent",
                     view_means(condition)->name);
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
}

#endif
