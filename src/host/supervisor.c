/* The supervisor: children, a heap of what is due, and the workers that serve it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/host_priv.h"

#define STOP_TIMEOUT_DEFAULT_NS (10 * WARDI_S)
enum { WORKERS_MAX = 1024 };

static uint32_t default_workers(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
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
}

/* Waits for a change, until the monotonic time at most. */
static void wait_until(ward_supervisor *s, uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX) {
        pthread_cond_wait(&s->changed, &s->lock);
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / WARDI_S),
                             .tv_nsec = (long)(deadline_ns % WARDI_S)};
    pthread_cond_timedwait(&s->changed, &s->lock, &until);
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
    s->event_context = own.event_context;
    s->worker_count = own.workers != 0 ? own.workers : default_workers();
    wardi_rng_init(&s->rng, own.seed != 0 ? own.seed : wardi_rng_seed());
    lock_init(s);
    *ret_supervisor = s;
    return WARD_OK;
}

/* ---- children ---- */

static bool reserve_child(ward_supervisor *s)
{
    if (s->child_count < s->child_capacity) return true;
    size_t capacity = s->child_capacity != 0 ? 2 * s->child_capacity : 8;
    child **grown =
        wardi_grow(s->children, s->child_capacity * sizeof(child *), capacity * sizeof(child *));
    if (grown == NULL) return false;
    s->children = grown;
    s->child_capacity = capacity;
    return true;
}

ward_error ward_supervisor_add(ward_supervisor *s, const ward_child_options *options,
                               ward_diag *ret_diag)
{
    if (s == NULL || options == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_add: supervisor and options are required");
    if (s->started)
        return wardi_fail(ret_diag, WARD_ERROR_STATE,
                          "children are added before the supervisor starts");
    if (!reserve_child(s))
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for another child");
    child *c;
    ward_error error = child_new(s->engine, options, &c, ret_diag);
    if (error != WARD_OK) return error;
    const char *name = ward_component_name(c->component);
    if (children_find(s, name) != SIZE_MAX) {
        error = wardi_fail(ret_diag, WARD_ERROR_DUPLICATE,
                           "a component named \"%s\" has been added already", name);
        child_free(c);
        return error;
    }
    s->children[s->child_count++] = c;
    return WARD_OK;
}

/* ---- workers ---- */

/* The child whose time has come, claimed; NULL when the supervisor has stopped. The lock is held,
 * given up while waiting. */
static child *claim_due(ward_supervisor *s)
{
    for (;;) {
        events_deliver(s); /* gives the lock up: what is looked at below is looked at after it */
        if (s->stopped) return NULL;
        wardi_heap_node *node = wardi_heap_first(&s->due);
        if (node == NULL) {
            wait_until(s, UINT64_MAX);
        } else if (node->key > wardi_now_ns()) {
            wait_until(s, node->key);
        } else {
            child *c = (child *)node; /* its first member */
            wardi_heap_remove(&s->due, node);
            c->claimed = true;
            return c;
        }
    }
}

static void *worker_main(void *argument)
{
    ward_supervisor *s = argument;
    pthread_mutex_lock(&s->lock);
    for (child *c = claim_due(s); c != NULL; c = claim_due(s)) {
        child_step(s, c);
        c->claimed = false;
        if (s->stopping && c->phase != CHILD_STOPPED) child_stop_if_free(s, c);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static ward_error start_workers(ward_supervisor *s, ward_diag *ret_diag)
{
    s->workers = wardi_alloc_array(s->worker_count, sizeof(pthread_t));
    if (s->workers == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for workers");
    for (uint32_t i = 0; i < s->worker_count; i++) {
        int failed = pthread_create(&s->workers[i], NULL, worker_main, s);
        if (failed == 0) continue;
        /* Fewer workers serve as well, only later; none at all do not. */
        s->worker_count = i;
        if (i > 0) break;
        wardi_free(s->workers);
        s->workers = NULL;
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no thread could be started: %s",
                          strerror(failed));
    }
    return WARD_OK;
}

/* ---- start ---- */

static ward_error fail_cycle(const ward_supervisor *s, size_t length, ward_diag *ret_diag)
{
    char path[600];
    wardi_text text = WARDI_TEXT(path);
    for (size_t i = 0; i <= length; i++)
        wardi_text_printf(&text, "%s%s", i == 0 ? "" : " -> ",
                          ward_component_name(s->children[s->order[i % length]]->component));
    return wardi_fail(ret_diag, WARD_ERROR_CYCLE, "components need each other: %s", path);
}

static ward_error order_children(ward_supervisor *s, ward_diag *ret_diag)
{
    ward_error error = children_link(s, ret_diag);
    if (error != WARD_OK) return error;
    const size_t **needs = wardi_alloc_array(s->child_count, sizeof *needs);
    size_t *counts = wardi_alloc_array(s->child_count, sizeof *counts);
    wardi_free(s->order);
    s->order = wardi_alloc_array(s->child_count, sizeof *s->order);
    size_t cycle = 0;
    if (needs == NULL || counts == NULL || s->order == NULL) {
        error = wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the order of children");
    } else {
        for (size_t i = 0; i < s->child_count; i++) {
            needs[i] = s->children[i]->needs;
            counts[i] = s->children[i]->need_count;
        }
        error = wardi_supervise_order(s->child_count, needs, counts, s->order, &cycle);
        if (error == WARD_ERROR_CYCLE) fail_cycle(s, cycle, ret_diag);
    }
    wardi_free(needs);
    wardi_free(counts);
    return error;
}

ward_error ward_supervisor_start(ward_supervisor *s, ward_diag *ret_diag)
{
    if (s == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_start: supervisor is required");
    if (s->started)
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor has been started already");
    ward_error error = order_children(s, ret_diag);
    if (error != WARD_OK) return error;
    wardi_heap_done(&s->due);
    if (!wardi_heap_init(&s->due, s->child_count))
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for timers");
    uint64_t now = wardi_now_ns();
    for (size_t i = 0; i < s->child_count; i++) {
        child *c = s->children[s->order[i]];
        c->phase = c->need_count == 0 ? CHILD_START : CHILD_WAITING;
        if (c->phase == CHILD_START) wardi_heap_put(&s->due, &c->due, now);
    }
    error = start_workers(s, ret_diag);
    if (error == WARD_OK) s->started = true;
    return error;
}

/* ---- stop ---- */

static void begin_stop(ward_supervisor *s)
{
    s->stopping = true;
    for (size_t i = 0; i < s->child_count; i++)
        s->children[i]->dependents_running = s->children[i]->dependent_count;
    for (size_t i = 0; i < s->child_count; i++)
        if (!s->children[i]->claimed) child_stop_if_free(s, s->children[i]);
    pthread_cond_broadcast(&s->changed);
}

/* Names of children that are not stopped, for the diag of a late stop. */
static void list_running(const ward_supervisor *s, wardi_text *text)
{
    for (size_t i = 0; i < s->child_count; i++)
        if (s->children[i]->phase != CHILD_STOPPED)
            wardi_text_printf(text, "%s%s", text->length == 0 ? "" : ", ",
                              ward_component_name(s->children[i]->component));
}

ward_error ward_supervisor_stop(ward_supervisor *s, uint64_t timeout_ns, ward_diag *ret_diag)
{
    char late[400];
    wardi_text late_text = WARDI_TEXT(late);
    if (s == NULL || !s->started) return WARD_OK;
    uint64_t timeout = timeout_ns != 0 ? timeout_ns : STOP_TIMEOUT_DEFAULT_NS;
    uint64_t deadline = wardi_add_sat(wardi_now_ns(), timeout);
    pthread_mutex_lock(&s->lock);
    if (!s->stopping) begin_stop(s);
    while (s->stopped_count < s->child_count) {
        wait_until(s, deadline);
        if (deadline == UINT64_MAX || wardi_now_ns() < deadline) continue;
        list_running(s, &late_text);
        deadline = UINT64_MAX; /* guests end by deadlines of their own: nothing is left behind */
    }
    if (!s->stopped) {
        ward_event event = {
            .size = sizeof event, .kind = WARD_EVENT_STOPPED, .component = "", .version = ""};
        event_push(s, event, "");
    }
    s->stopped = true;
    pthread_cond_broadcast(&s->changed);
    events_deliver(s);
    while (s->delivering) wait_until(s, UINT64_MAX);
    uint32_t workers = s->worker_count;
    s->worker_count = 0; /* joined once, by whoever comes first */
    pthread_mutex_unlock(&s->lock);
    for (uint32_t i = 0; i < workers; i++) pthread_join(s->workers[i], NULL);
    if (late_text.length == 0) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_DEADLINE,
                      "not stopped in time, and waited for beyond it: %s", late);
}

void ward_supervisor_free(ward_supervisor *s)
{
    if (s == NULL) return;
    ward_supervisor_stop(s, 0, NULL);
    for (size_t i = 0; i < s->child_count; i++) child_free(s->children[i]);
    events_done(s);
    wardi_heap_done(&s->due);
    wardi_free(s->children);
    wardi_free(s->order);
    wardi_free(s->workers);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    wardi_free(s);
}

/* ---- status ---- */

static void status_of(const child *c, ward_child_status *status)
{
    status->state = ward_component_state(c->component);
    status->health = c->trend.health;
    status->ready = c->ready;
    status->live = wardi_health_live(status->state, &c->trend);
    status->flapping = c->trend.flapping;
    status->given_up = c->phase == CHILD_GIVEN_UP;
    status->restarts = c->restarts;
    memcpy(status->restarts_by_cause, c->restarts_by_cause, sizeof c->restarts_by_cause);
    status->checked_age_ns = c->checked_at_ns != 0 ? wardi_now_ns() - c->checked_at_ns : 0;
    bool ill = c->trend.health != WARD_CHILD_HEALTHY;
    status->reason = ill || c->ready ? c->reason : c->unready_reason;
}

ward_error ward_supervisor_child(const ward_supervisor *supervisor, const char *name,
                                 ward_child_status *ret_status)
{
    ward_supervisor *s =
        (ward_supervisor *)(uintptr_t)supervisor; /* its lock is no part of its value */
    ward_child_status status = {0};
    pthread_mutex_lock(&s->lock);
    size_t found = children_find(s, name);
    if (found != SIZE_MAX) status_of(s->children[found], &status);
    pthread_mutex_unlock(&s->lock);
    if (found == SIZE_MAX) return WARD_ERROR_NOT_FOUND;
    size_t size = ret_status->size < sizeof status ? ret_status->size : sizeof status;
    status.size = size;
    memcpy(ret_status, &status, size);
    return WARD_OK;
}
