/* Who is inside the guest, and for how long. */
#include <sched.h>

#include "component/component_priv.h"

enum { BLINK_YIELDS = 200 };

static const char *const names[] = {
    [WARDI_IDLE] = "nothing",    [WARDI_CHECKING] = "_health", [WARDI_CALLING] = "a call",
    [WARDI_LOADING] = "load",    [WARDI_STARTING] = "start",   [WARDI_STOPPING] = "stop",
    [WARDI_FAILING] = "failing",
};

const char *wardi_activity_now(const ward_component *component, uint64_t *ret_for_ns)
{
    uint32_t activity = atomic_load_explicit(&component->activity, memory_order_acquire);
    uint64_t now = wardi_ticks(); /* first: whoever is held up here makes nobody busy for longer */
    uint64_t since = wardi_get(&component->busy_since_ticks);
    *ret_for_ns = since != 0 ? wardi_ticks_span_ns(since, now) : 0;
    const char *export_name = atomic_load_explicit(&component->busy_export, memory_order_acquire);
    if (activity > WARDI_CHECKING && export_name != NULL) return export_name;
    return activity < WARD_COUNT(names) ? names[activity] : names[WARDI_IDLE];
}

/* A check is over in a blink, and its caller did not mean to keep anyone out: give it that blink.
 */
static bool take_patiently(ward_component *component, wardi_activity activity)
{
    for (int i = 0; i < BLINK_YIELDS; i++) {
        if (wardi_activity_take(component, activity)) return true;
        uint32_t now = atomic_load_explicit(&component->activity, memory_order_relaxed);
        if (now != WARDI_IDLE && now != WARDI_CHECKING) return false;
        sched_yield();
    }
    return false;
}

ward_error wardi_activity_take_or_fail(ward_component *component, wardi_activity activity,
                                       ward_diag *ret_diag)
{
    if (take_patiently(component, activity)) {
        atomic_store_explicit(&component->busy_export, NULL, memory_order_relaxed);
        atomic_store_explicit(&component->busy_since_ticks, wardi_ticks(), memory_order_relaxed);
        return WARD_OK;
    }
    char words[32];
    wardi_text duration = WARDI_TEXT(words);
    uint64_t for_ns;
    const char *what = wardi_activity_now(component, &for_ns);
    wardi_text_duration(&duration, for_ns);
    return wardi_fail(ret_diag, WARD_ERROR_BUSY,
                      "%s is busy with %s for %s now: try again when that has ended",
                      component->name, what, words);
}
