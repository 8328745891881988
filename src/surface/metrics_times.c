/* How long starts, detections and recoveries took, as the events of a component tell it.
 *
 * A recovery begins where a run ends, or where it is said that it will, whichever is told first,
 * and ends where the component is ready again. What an operator stopped, or was given up, does not
 * recover: nothing is measured. */
#include <string.h>

#include "surface/metrics_priv.h"

/* More than can start at once, and than anybody looks at: the rest is counted as missed. */
enum { TIMINGS_MAX = 65536 };

typedef struct moment {
    uint64_t wall_ns; /* as the event says */
    uint64_t now_ns;  /* monotonic, when it was taken; 0: never */
} moment;

struct metrics_timing {
    const view_member *member; /* NULL: the place is free */
    moment down, start;
    ward_cause cause; /* NONE: nobody has said that it will be started again */
    bool left;        /* its run has ended since `down` */
};

/* ---- the table: open addressing, at most half full ---- */

static size_t place_for(const metrics_timing *list, size_t room, const view_member *member)
{
    size_t place = ((uintptr_t)member >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (room - 1);
    while (list[place].member != NULL && list[place].member != member)
        place = (place + 1) & (room - 1);
    return place;
}

static bool reserve(metrics_times *times)
{
    if (2 * (times->count + 1) <= times->room) return true;
    size_t room = times->room != 0 ? 2 * times->room : 64;
    if (times->count >= TIMINGS_MAX) return false;
    metrics_timing *list = wardi_alloc_array(room, sizeof *list);
    if (list == NULL) return false;
    for (size_t i = 0; i < times->room; i++) {
        const metrics_timing *old = &times->list[i];
        if (old->member != NULL) list[place_for(list, room, old->member)] = *old;
    }
    wardi_free(times->list);
    times->list = list;
    times->room = room;
    return true;
}

static metrics_timing *find(const metrics_times *times, const view_member *member)
{
    if (times->room == 0) return NULL;
    metrics_timing *found = &times->list[place_for(times->list, times->room, member)];
    return found->member != NULL ? found : NULL;
}

static metrics_timing *find_or_add(metrics_times *times, const view_member *member)
{
    metrics_timing *found = find(times, member);
    if (found != NULL) return found;
    if (!reserve(times)) {
        times->missed++;
        return NULL;
    }
    found = &times->list[place_for(times->list, times->room, member)];
    *found = (metrics_timing){.member = member};
    times->count++;
    return found;
}

void metrics_times_forget(metrics_times *times, const view_member *member)
{
    metrics_timing *gone = find(times, member);
    if (gone == NULL) return;
    size_t place = (size_t)(gone - times->list);
    *gone = (metrics_timing){0};
    times->count--;
    for (place = (place + 1) & (times->room - 1); times->list[place].member != NULL;
         place = (place + 1) & (times->room - 1)) {
        metrics_timing moved = times->list[place];
        times->list[place] = (metrics_timing){0};
        times->list[place_for(times->list, times->room, moved.member)] = moved;
    }
}

void metrics_times_done(metrics_times *times)
{
    wardi_free(times->list);
    times->list = NULL;
    times->room = times->count = 0;
}

/* ---- spans ---- */

/* The events' own times are exact, but the wall clock may have been set in between. */
static uint64_t span_ns(const moment *from, const moment *to)
{
    uint64_t steady = to->now_ns - from->now_ns;
    if (to->wall_ns < from->wall_ns) return steady;
    uint64_t wall = to->wall_ns - from->wall_ns;
    uint64_t apart = wall > steady ? wall - steady : steady - wall;
    return apart < WARDI_S ? wall : steady;
}

static void observe(uint64_t *histogram, uint64_t ns)
{
    size_t bucket = 0;
    while ((double)ns / 1e9 > metrics_time_bound(bucket)) bucket++;
    histogram[bucket]++;
    histogram[TIME_BUCKETS] += ns;
}

/* ---- events ---- */

static void on_end_of_run(metrics_times *times, const view_member *member, const moment *now)
{
    metrics_timing *t = find_or_add(times, member);
    if (t == NULL) return;
    if (t->left) { /* it has been up since, and events were lost */
        *t = (metrics_timing){.member = member};
        times->missed++;
    }
    if (t->down.now_ns == 0) t->down = *now;
    t->left = true;
}

static void on_state(metrics_times *times, const ward_event *event, const view_member *member,
                     const moment *now)
{
    if (event->detected_ns != 0 && (unsigned)event->cause < WARD_CAUSE_COUNT)
        observe(times->detection[event->cause], event->detected_ns);
    if (event->from_state == WARD_STATE_READY) on_end_of_run(times, member, now);
    if (event->state == WARD_STATE_STARTING) {
        metrics_timing *t = find_or_add(times, member);
        if (t != NULL) t->start = *now;
        return;
    }
    metrics_timing *t = find(times, member);
    if (t == NULL) return;
    if (event->state == WARD_STATE_READY && t->start.now_ns != 0)
        observe(times->start, span_ns(&t->start, now));
    t->start = (moment){0};
    bool ended = event->state == WARD_STATE_TERMINATED;
    bool stopped = ended && event->from_state == WARD_STATE_FAILED; /* before its restart */
    bool settled = (ended || event->state == WARD_STATE_READY) && t->cause == WARD_CAUSE_NONE;
    if (stopped || settled) metrics_times_forget(times, member);
}

static void on_restart(metrics_times *times, const ward_event *event, const view_member *member,
                       const moment *now)
{
    metrics_timing *t = find_or_add(times, member);
    if (t == NULL) return;
    if (t->down.now_ns == 0) t->down = *now;
    if (t->cause == WARD_CAUSE_NONE) t->cause = event->cause;
}

static void on_ready(metrics_times *times, const view_member *member, const moment *now)
{
    const metrics_timing *t = find(times, member);
    if (t == NULL) return;
    if (t->cause != WARD_CAUSE_NONE && (unsigned)t->cause < WARD_CAUSE_COUNT)
        observe(times->recovery[t->cause], span_ns(&t->down, now));
    metrics_times_forget(times, member);
}

void metrics_times_take(metrics_times *times, const ward_event *event, const view_member *member)
{
    moment now = {.wall_ns = event->wall_ns, .now_ns = wardi_now_ns()};
    switch (event->kind) {
    case WARD_EVENT_STATE: on_state(times, event, member, &now); return;
    case WARD_EVENT_RESTART: on_restart(times, event, member, &now); return;
    case WARD_EVENT_READY:
        if (event->ready) on_ready(times, member, &now);
        return;
    case WARD_EVENT_GIVEN_UP: metrics_times_forget(times, member); return;
    default: return;
    }
}
