/* The supervisor: the tree with its children and groups, and the scheduler that runs them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/host_priv.h"

#define STOP_TIMEOUT_DEFAULT_NS (10 * WARDI_S)
enum { WORKERS_MAX = 1024, STARTS_PER_WORKER = 4 };

void supervisor_unlock(ward_supervisor *s)
{
    events_deliver(s);
    pthread_mutex_unlock(&s->lock);
}

/* In place of sleeping. What nothing can end is no wait. */
static void wait_simulated(ward_supervisor *s, uint64_t deadline_ns)
{
    pthread_mutex_unlock(&s->lock);
    bool stepped = wardi_sched_step(s->sched);
    WARD_ASSERT(stepped || deadline_ns != UINT64_MAX);
    if (!stepped) s->world->sleep_until_ns(s->world->context, deadline_ns);
    pthread_mutex_lock(&s->lock);
}

void supervisor_wait(ward_supervisor *s, uint64_t deadline_ns)
{
    if (s->world != NULL) {
        wait_simulated(s, deadline_ns);
        return;
    }
    if (deadline_ns == UINT64_MAX) {
        pthread_cond_wait(&s->changed, &s->lock);
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / WARDI_S),
                             .tv_nsec = (long)(deadline_ns % WARDI_S)};
    pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

/* ---- new ---- */

static uint32_t default_workers(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores > WORKERS_MAX) return WORKERS_MAX;
    return cores > 2 ? (uint32_t)cores : 2;
}

static void lock_init(ward_supervisor *s)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&s->topics_lock, NULL);
}

static ward_error tree_make(ward_supervisor *s, const ward_supervisor_options *own,
                            ward_diag *ret_diag)
{
    wardi_tree_options options = {
        .seed = own->seed != 0 ? own->seed : wardi_rng_seed(),
        .starts_max = own->starts_max != 0 ? own->starts_max : STARTS_PER_WORKER * s->worker_count};
    ward_error error = supervision_resolve(own->strategy, own->failures_max,
                                           own->failures_window_ns, &options.root, ret_diag);
    return error == WARD_OK ? wardi_tree_new(&options, &s->tree, ret_diag) : error;
}

ward_error ward_supervisor_new(ward_host *host, const ward_supervisor_options *options,
                               ward_supervisor **ret_supervisor, ward_diag *ret_diag)
{
    ward_supervisor_options own = {0};
    if (host == NULL || ret_supervisor == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_new: host and ret_supervisor are required");
    if (options != NULL && !wardi_options_copy(&own, sizeof own, options, options->size))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "supervisor options: size is %zu, this library knows %zu bytes; start "
                          "them with WARD_INIT(ward_supervisor_options)",
                          options->size, sizeof own);
    if (own.workers > WORKERS_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "supervisor options: %u workers, at most %d make sense", own.workers,
                          WORKERS_MAX);
    ward_supervisor *s = wardi_alloc(sizeof *s);
    if (s == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a supervisor");
    s->engine = host->engine;
    s->on_event = own.on_event;
    s->on_log = own.on_log;
    s->log_context = own.log_context;
    s->on_evidence = own.on_evidence;
    s->evidence_context = own.evidence_context;
    s->evidence_last = &s->evidence_first;
    if (own.core_dump_directory != NULL)
        s->core_dump_directory = wardi_strdup(own.core_dump_directory);
    s->event_context = own.event_context;
    s->worker_count = own.workers != 0 ? own.workers : default_workers();
    s->keeper_due_ns = WARDI_FOREVER;
    lock_init(s);
    ward_error error = tree_make(s, &own, ret_diag);
    s->topics = error == WARD_OK ? wardi_topics_new(wardi_rng_seed()) : NULL;
    bool copied = own.core_dump_directory == NULL || s->core_dump_directory != NULL;
    if (error == WARD_OK && (s->topics == NULL || !copied))
        error = wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a supervisor");
    if (error != WARD_OK) {
        ward_supervisor_free(s);
        return error;
    }
    *ret_supervisor = s;
    return WARD_OK;
}

void wardi_supervisor_world_set(ward_supervisor *s, const wardi_sched_world *world)
{
    WARD_ASSERT(!s->started);
    s->world = world;
}

bool wardi_supervisor_step(ward_supervisor *s)
{
    return wardi_sched_step(s->sched);
}

/* ---- start ---- */

static void watch(void *context, uint64_t now_ns)
{
    ward_supervisor *s = context;
    if (wardi_sched_watch(s->sched, now_ns)) rounds_may_be_stuck(s);
    pulse_of_clock(s);
}

static void on_busy(void *context)
{
    wardi_engine_hold(context);
}

static void on_idle(void *context)
{
    wardi_engine_release(context);
}

static ward_error link_all(ward_supervisor *s, ward_diag *ret_diag)
{
    ward_error error = WARD_OK;
    for (size_t i = 0; error == WARD_OK && i < s->child_count; i++)
        if (s->children[i]->needs == NULL) error = child_link(s, s->children[i], ret_diag);
    if (error == WARD_OK && !s->linked) error = tree_link(s, ret_diag);
    if (error == WARD_OK) s->linked = true;
    return error;
}

static ward_error actors_make(ward_supervisor *s, ward_diag *ret_diag)
{
    wardi_sched_options options = {.workers = s->worker_count,
                                   .spares = s->worker_count * STARTS_PER_WORKER,
                                   .world = s->world,
                                   .on_busy = on_busy,
                                   .on_idle = on_idle,
                                   .hook_context = s->engine};
    ward_error error = wardi_sched_new(&options, &s->sched, ret_diag);
    if (error != WARD_OK) return error;
    error = wardi_actor_init(&s->keeper, s->sched, &keeper_behaviour, NULL);
    s->keeper.context = s;
    for (size_t i = 0; error == WARD_OK && i < s->child_count; i++)
        error = actor_make(s, s->children[i], ret_diag);
    if (error == WARD_OK) return WARD_OK;
    wardi_sched_free(s->sched);
    rounds_done(s);
    s->sched = NULL;
    return wardi_fail(ret_diag, error, "no memory for actors");
}

static void tree_start(ward_supervisor *s)
{
    pthread_mutex_lock(&s->lock);
    s->started = true;
    wardi_node_event event = {.kind = WARDI_TREE_ASK_START, .id = wardi_tree_root(s->tree)};
    wardi_tree_event(s->tree, &event, wardi_sched_now(s->sched));
    tree_obey(s);
    for (size_t i = 0; i < s->group_count; i++) group_tell(s, s->groups[i]); /* empty ones */
    supervisor_unlock(s);
}

ward_error ward_supervisor_start(ward_supervisor *s, ward_diag *ret_diag)
{
    if (s == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_start: supervisor is required");
    if (s->started)
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor has been started already");
    ward_error error = link_all(s, ret_diag);
    if (error == WARD_OK) error = actors_make(s, ret_diag);
    if (error != WARD_OK) return error;
    s->watcher = (wardi_watcher){.tick = watch, .context = s};
    if (s->world == NULL) wardi_engine_watch(s->engine, &s->watcher);
    tree_start(s);
    return WARD_OK;
}

/* ---- stop ---- */

static bool is_down(const child *c)
{
    wardi_node_view view;
    if (!wardi_tree_look(c->supervisor->tree, c->node, &view)) return true;
    switch (view.state) {
    case WARDI_NODE_STARTING:
    case WARDI_NODE_RUNNING:
    case WARDI_NODE_READY:
    case WARDI_NODE_LEAVING:
    case WARDI_NODE_STOPPING:
    case WARDI_NODE_KILLING: return false;
    default: return true;
    }
}

static bool all_down(const ward_supervisor *s)
{
    for (size_t i = 0; i < s->child_count; i++)
        if (!is_down(s->children[i])) return false;
    return true;
}

/* Names of children that are not down, for the diag of a late stop. */
static void list_running(const ward_supervisor *s, wardi_text *text)
{
    for (size_t i = 0; i < s->child_count; i++)
        if (!is_down(s->children[i]))
            wardi_text_printf(text, "%s%s", text->length == 0 ? "" : ", ",
                              child_name(s->children[i]));
}

static void begin_stop(ward_supervisor *s)
{
    s->stopping = true;
    wardi_node_event event = {.kind = WARDI_TREE_ASK_STOP, .id = wardi_tree_root(s->tree)};
    wardi_tree_event(s->tree, &event, wardi_sched_now(s->sched));
    tree_obey(s);
}

/* What never ran, or had failed, has nothing to clean up; it is done with all the same. One that is
 * Ready was let go of while it did not answer: its actor ends it. */
static void end_stop(ward_supervisor *s)
{
    for (size_t i = 0; i < s->child_count; i++) {
        child *c = s->children[i];
        ward_state before = child_state(c);
        if (before == WARD_STATE_TERMINATED || before == WARD_STATE_READY ||
            c->kind->stop(c, NULL) != WARD_OK)
            continue;
        ward_event event = event_of(c, WARD_EVENT_STATE);
        event.from_state = before;
        event_push(s, event, "");
        group_update(c);
    }
    ward_event event = {
        .size = sizeof event, .kind = WARD_EVENT_STOPPED, .component = "", .version = ""};
    event_push(s, event, "");
    s->stopped = true;
}

ward_error ward_supervisor_stop(ward_supervisor *s, uint64_t timeout_ns, ward_diag *ret_diag)
{
    char late[400];
    wardi_text late_text = WARDI_TEXT(late);
    if (s == NULL || !s->started) return WARD_OK;
    uint64_t timeout = timeout_ns != 0 ? timeout_ns : STOP_TIMEOUT_DEFAULT_NS;
    uint64_t deadline = wardi_add_sat(wardi_sched_now(s->sched), timeout);
    pthread_mutex_lock(&s->lock);
    if (!s->stopping) begin_stop(s);
    events_deliver(s);
    while (!all_down(s)) {
        supervisor_wait(s, deadline);
        if (deadline == UINT64_MAX || wardi_sched_now(s->sched) < deadline) continue;
        list_running(s, &late_text);
        deadline = UINT64_MAX; /* guests end by deadlines of their own: nothing is left behind */
    }
    if (!s->stopped) end_stop(s);
    events_deliver(s);
    while (s->delivering) supervisor_wait(s, UINT64_MAX);
    pthread_mutex_unlock(&s->lock);
    if (late_text.length == 0) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_DEADLINE,
                      "not stopped in time, and waited for beyond it: %s", late);
}

void ward_supervisor_free(ward_supervisor *s)
{
    if (s == NULL) return;
    ward_supervisor_stop(s, 0, NULL);
    if (s->sched != NULL) {
        if (s->world == NULL) wardi_engine_unwatch(s->engine, &s->watcher);
        wardi_sched_free(s->sched);
    }
    rounds_done(s);
    for (size_t i = 0; i < s->child_count; i++) child_free(s->children[i]);
    for (size_t i = 0; i < s->group_count; i++) group_free(s->groups[i]);
    wardi_tree_free(s->tree);
    events_done(s);
    reasons_done(s);
    names_done(&s->names);
    wardi_free(s->needs_room);
    wardi_free(s->children);
    wardi_free(s->groups);
    wardi_topics_free(s->topics);
    wardi_free(s->core_dump_directory);
    pthread_mutex_destroy(&s->topics_lock);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    wardi_free(s);
}

/* ---- asking ---- */

ward_error ward_supervisor_ask(ward_supervisor *s, const char *name, ward_request request,
                               ward_diag *ret_diag)
{
    static const wardi_node_event_kind kinds[] = {
        [WARD_REQUEST_START] = WARDI_TREE_ASK_START,
        [WARD_REQUEST_STOP] = WARDI_TREE_ASK_STOP,
        [WARD_REQUEST_RESTART] = WARDI_TREE_ASK_RESTART,
        [WARD_REQUEST_QUARANTINE] = WARDI_TREE_ASK_QUARANTINE,
        [WARD_REQUEST_RELEASE] = WARDI_TREE_ASK_RELEASE,
        [WARD_REQUEST_REMOVE] = WARDI_TREE_ASK_REMOVE,
    };
    if (s == NULL || name == NULL || (unsigned)request >= WARD_COUNT(kinds))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_ask: supervisor, name and a request are required");
    if (!s->started)
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor has not been started");
    ward_error error = WARD_OK;
    pthread_mutex_lock(&s->lock);
    child *c = names_find(&s->names, name);
    const group *g = c == NULL ? groups_find(s, name) : NULL;
    if (s->stopping)
        error = wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is stopping");
    else if (c == NULL && g == NULL)
        error = wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "there is no component \"%s\"", name);
    if (error == WARD_OK) {
        if (c != NULL) c->retired = STANCE_NONE; /* what is asked last counts */
        wardi_tree_answer answer = tree_ask(s, c != NULL ? c->node : g->node, kinds[request]);
        if (answer != WARDI_TREE_OK)
            error = wardi_fail(ret_diag, WARD_ERROR_STATE, "%s: %s", name,
                               wardi_tree_answer_text(answer));
    }
    supervisor_unlock(s);
    return error;
}

/* ---- status ---- */

ward_error ward_supervisor_child(const ward_supervisor *supervisor, const char *name,
                                 ward_child_status *ret_status)
{
    ward_supervisor *s =
        (ward_supervisor *)(uintptr_t)supervisor; /* its lock is no part of its value */
    ward_child_status status = {0};
    pthread_mutex_lock(&s->lock);
    const child *found = names_find(&s->names, name);
    if (found != NULL) child_look(found, &status);
    pthread_mutex_unlock(&s->lock);
    if (found == NULL) return WARD_ERROR_NOT_FOUND;
    wardi_result_copy(ret_status, &status, sizeof status);
    return WARD_OK;
}
