/* A scrape, from its beginning to its end; and what is kept between scrapes. */
#include "surface/metrics.h"

#include <string.h>

#include "surface/metrics_priv.h"

/* ---- what is kept ---- */

static metrics_hub *hub_of(view_watcher *watcher)
{
    return (metrics_hub *)(void *)((char *)watcher - offsetof(metrics_hub, watcher));
}

static void on_changed(view_watcher *watcher, const ward_event *event, view_member *member,
                       view_condition was)
{
    (void)was;
    metrics_hub *hub = hub_of(watcher);
    if ((unsigned)event->kind < WARD_EVENT_KIND_COUNT) hub->events[event->kind]++;
    if (member != NULL && !member->is_group) metrics_times_take(&hub->times, event, member);
}

static void on_gone(view_watcher *watcher, view_member *member)
{
    metrics_hub *hub = hub_of(watcher);
    metrics_times_forget(&hub->times, member);
    if (member->is_group) metrics_sums_forget(&hub->sums, member->name);
    for (metrics *m = hub->under_way; m != NULL; m = m->next)
        metrics_walk_gone(&m->walk, hub->view, member);
}

metrics_hub *metrics_hub_new(view *v)
{
    metrics_hub *hub = wardi_alloc(sizeof *hub);
    if (hub == NULL) return NULL;
    hub->view = v;
    hub->key[0] = wardi_rng_seed();
    hub->key[1] = wardi_rng_seed();
    hub->watcher = (view_watcher){.changed = on_changed, .gone = on_gone};
    view_watch(v, &hub->watcher);
    return hub;
}

void metrics_hub_free(metrics_hub *hub)
{
    if (hub == NULL) return;
    WARD_ASSERT(hub->under_way == NULL);
    view_unwatch(hub->view, &hub->watcher);
    metrics_times_done(&hub->times);
    metrics_sums_done(&hub->sums);
    metrics_names_done(&hub->names);
    wardi_free(hub);
}

uint64_t metrics_hub_events(const metrics_hub *hub, uint64_t *ret_restarts)
{
    uint64_t all = 0;
    for (size_t kind = 0; kind < WARD_EVENT_KIND_COUNT; kind++) all += hub->events[kind];
    *ret_restarts = hub->events[WARD_EVENT_RESTART];
    return all;
}

/* ---- figures of the host ---- */

static void take_pulse(uint64_t *slots, const ward_pulse *pulse)
{
    if (pulse == NULL) return;
    slots[HOST_STOPPING] = pulse->stopping;
    slots[HOST_WORKERS] = pulse->workers;
    slots[HOST_WORKERS_STUCK] = pulse->workers_stuck;
    slots[HOST_WORKERS_MISSING] = pulse->workers_missing;
    slots[HOST_WORKER_AGE_NS] = pulse->worker_age_ns;
    slots[HOST_CLOCK_AGE_NS] = pulse->clock_age_ns;
    slots[HOST_RUNS] = pulse->runs;
    slots[HOST_STEALS] = pulse->steals;
    slots[HOST_TIMERS_FIRED] = pulse->timers_fired;
    slots[HOST_FIBER_STACKS] = pulse->fiber_stacks;
}

static void take_journal(uint64_t *slots, const wardi_journal_status *journal)
{
    if (journal == NULL) return;
    slots[HOST_JOURNAL] = 1;
    slots[HOST_JOURNAL_FAILING] = journal->failing;
    slots[HOST_JOURNAL_WRITTEN] = journal->written;
    slots[HOST_JOURNAL_LOST] = journal->lost;
    slots[HOST_JOURNAL_WAITING] = journal->waiting;
    slots[HOST_JOURNAL_BYTES] = journal->bytes;
}

static void take_connections(metrics *m, const metrics_inputs *inputs)
{
    uint64_t *slots = m->host;
    slots[HOST_EVENTS_LOST] = inputs->events_lost;
    slots[HOST_CONNECTIONS] = inputs->connections;
    slots[HOST_CONNECTIONS_IDLE] = inputs->connections_idle;
    slots[HOST_CONNECTIONS_LIMIT] = inputs->connections_max;
    slots[HOST_ACCEPTED] = inputs->accepted;
    slots[HOST_REFUSED] = inputs->refused;
    slots[HOST_EXPELLED] = inputs->expelled;
    bool countable = inputs->remote_expires_s < UINT64_MAX / WARDI_S; /* else after the year 2554 */
    slots[HOST_REMOTE_EXPIRES_NS] = countable ? inputs->remote_expires_s * WARDI_S : UINT64_MAX;
    slots[HOST_REMOTE_UNAUTHORIZED] = inputs->remote_unauthorized;
    for (size_t i = 0; i < inputs->protocol_count && i < METRICS_PROTOCOLS_MAX; i++) {
        m->protocols[i] = inputs->protocols[i].name;
        slots[HOST_STREAMS + i] = inputs->protocols[i].streams;
        slots[HOST_REQUESTS + i] = inputs->protocols[i].requests;
    }
}

static void take_hub(uint64_t *slots, const metrics_hub *hub)
{
    slots[HOST_READY] = view_host_ready(hub->view);
    slots[HOST_SCRAPES] = hub->scrapes;
    slots[HOST_UNTIMED] = hub->times.missed;
    memcpy(&slots[HOST_EVENTS], hub->events, sizeof hub->events);
    memcpy(&slots[HOST_START], hub->times.start, sizeof hub->times.start);
    memcpy(&slots[HOST_RECOVERY], hub->times.recovery, sizeof hub->times.recovery);
    memcpy(&slots[HOST_DETECTION], hub->times.detection, sizeof hub->times.detection);
}

/* What is known only when all members have been looked at. */
static void take_gathered(metrics *m)
{
    m->host[HOST_SUMMED] = m->summed;
    memcpy(&m->host[HOST_GUEST_LEFT_OUT], m->points.left_out, sizeof m->points.left_out);
    m->texts_kept = m->texts_length;
    m->phase = PHASE_FAMILIES;
}

/* The versions, as labels behind those of nobody. */
static void take_build(metrics *m)
{
    wardi_labels_add(m->build, sizeof m->build, &m->build_length, "version", ward_version());
    wardi_labels_add(m->build, sizeof m->build, &m->build_length, "engine", ward_engine_version());
}

/* ---- a scrape ---- */

ward_error metrics_begin(metrics_hub *hub, const metrics_inputs *inputs,
                         const metrics_options *options, metrics **ret_metrics)
{
    if (hub->under_way_count == METRICS_AT_ONCE) return WARD_ERROR_BUSY;
    metrics *m = wardi_alloc(sizeof *m);
    if (m == NULL) return WARD_ERROR_NO_MEMORY;
    m->hub = hub;
    m->options = *options;
    m->born_max = view_born(hub->view);
    ward_error error = WARD_OK;
    if (options->component != NULL) {
        m->only = wardi_strdup(options->component);
        if (m->only == NULL) error = WARD_ERROR_NO_MEMORY;
    }
    if (error == WARD_OK) error = metrics_gather_start(m);
    if (error != WARD_OK) {
        metrics_gather_done(m);
        wardi_free(m->only);
        wardi_free(m);
        return error;
    }
    hub->scrapes++;
    take_build(m);
    take_hub(m->host, hub);
    take_pulse(m->host, inputs->pulse);
    take_journal(m->host, inputs->journal);
    take_connections(m, inputs);
    if (m->only == NULL) metrics_process(m->host);
    m->next = hub->under_way;
    hub->under_way = m;
    hub->under_way_count++;
    *ret_metrics = m;
    return WARD_OK;
}

/* The rest of a line that was longer than the caller's buffer. */
static size_t spill_take(metrics *m, char *buffer, size_t room)
{
    size_t length = m->spill_length - m->spill_at;
    if (length > room) length = room;
    if (length != 0) memcpy(buffer, m->spill + m->spill_at, length);
    m->spill_at += length;
    return length;
}

static bool is_over(const metrics *m)
{
    return m->no_memory || (m->phase == PHASE_OVER && m->spill_at == m->spill_length);
}

bool metrics_next(metrics *m, char *buffer, size_t room, size_t *ret_length)
{
    uint64_t until_ns = wardi_now_ns() + METRICS_STEP_NS;
    *ret_length = 0;
    if (m->phase == PHASE_GATHER) {
        if (!metrics_gather(m, until_ns)) return true;
        take_gathered(m);
    }
    if (m->no_memory) return false;
    wardi_scribe scribe = {.format = m->options.format, .bytes = buffer, .room = room};
    scribe.length = spill_take(m, buffer, room);
    if (m->phase != PHASE_OVER && m->spill_at == m->spill_length) {
        bool late = !metrics_write(m, &scribe, until_ns) && wardi_now_ns() >= until_ns;
        if (scribe.length == 0 && !late && m->phase != PHASE_OVER) {
            wardi_scribe spill = {
                .format = scribe.format, .bytes = m->spill, .room = sizeof m->spill};
            metrics_write(m, &spill, until_ns);
            m->spill_at = 0;
            m->spill_length = spill.length;
            scribe.length = spill_take(m, buffer, room);
        }
    }
    *ret_length = scribe.length;
    return !is_over(m);
}

bool metrics_failed(const metrics *m)
{
    return m->no_memory;
}

void metrics_end(metrics *m)
{
    if (m == NULL) return;
    metrics_hub *hub = m->hub;
    metrics **link = &hub->under_way;
    while (*link != m) link = &(*link)->next;
    *link = m->next;
    hub->under_way_count--;
    metrics_gather_done(m);
    wardi_free(m->only);
    wardi_free(m);
}
