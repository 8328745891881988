/* One health check. From inside when the guest is free, from outside when it is not; never fails,
 * never waits, and on the way of a probe that came back nothing is allocated, locked or cleared,
 * but that the first reason needs room to be noted in. */
#include <string.h>

#include "component/component_priv.h"

/* What others have told of it: it needs no look inside. */
static wardi_resource_evidence told_resources(const ward_component *component)
{
    return (wardi_resource_evidence){
        .restarts_in_window = wardi_get(&component->restarts_in_window),
        .mailbox_waiting = atomic_load_explicit(&component->mailbox_waiting, memory_order_relaxed),
        .mailbox_max = atomic_load_explicit(&component->mailbox_max, memory_order_relaxed)};
}

/* ---- from outside ---- */

/* The last verdict as it was noted: the worst voice alone. */
static const ward_verdict *last_verdict(ward_component *component, ward_verdict *ret_last)
{
    wardi_note_attributes said;
    wardi_note_get(&component->note, &said, &ret_last->reason);
    if (said.kind != WARDI_NOTE_VERDICT) return NULL;
    ret_last->health = said.health;
    ret_last->source = said.source;
    ret_last->probe_error = said.probe_error;
    ret_last->contributor_count = 0;
    if (said.health == WARD_CHILD_HEALTHY && said.probe_error == WARD_PROBE_OK) return ret_last;
    ward_contributor *voice = &ret_last->contributors[ret_last->contributor_count++];
    voice->source = said.source;
    voice->resource = said.resource;
    voice->health = said.health;
    wardi_text text = WARDI_TEXT(voice->text);
    wardi_text_add(&text, ret_last->reason.text, ret_last->reason.length);
    if (said.health == WARD_CHILD_HEALTHY) wardi_reason_set(&ret_last->reason, "");
    return ret_last;
}

/* An activity may end, and a state change, between two readings: each answer is one that was true
 * at some moment of this call. */
static void judge_from_outside(ward_component *component, ward_verdict *ret_verdict)
{
    ward_reason failure;
    ward_verdict last;
    wardi_resource_evidence resources;
    wardi_evidence evidence = {.failure = &failure};
    /* The reason that is read must be that of the state that is read. */
    do {
        evidence.state = wardi_state_of(component);
        ward_component_failure(component, &failure);
    } while (wardi_state_of(component) != evidence.state);
    evidence.loaded = atomic_load_explicit(&component->loaded, memory_order_acquire);
    if (evidence.state == WARD_STATE_READY) {
        evidence.busy = true;
        evidence.busy_export = wardi_activity_now(component, &evidence.busy_for_ns);
        evidence.last = last_verdict(component, &last);
        evidence.last_age_ns =
            wardi_ticks_span_ns(wardi_get(&component->verdict_at_ticks), wardi_ticks());
        resources = told_resources(component);
        if (component->terms->wants_resources) evidence.resources = &resources;
    }
    wardi_health_judge(&evidence, &component->terms->policy, ret_verdict);
}

static void check_from_outside(ward_component *component, ward_verdict *ret_verdict)
{
    atomic_fetch_add_explicit(&component->checks_outside, 1, memory_order_relaxed);
    judge_from_outside(component, ret_verdict);
}

/* ---- from inside ---- */

static void collect_resources(ward_component *component, wardi_resource_evidence *ret_found)
{
    uint64_t now_ns = wardi_now_ns();
    wardi_instance_figures figures = {0};
    wardi_instance *instance = wardi_instance_of(component);
    if (instance != NULL) wardi_instance_figures_of(instance, &figures);
    *ret_found = told_resources(component);
    ret_found->memory_bytes = figures.memory_bytes;
    ret_found->memory_bytes_max = component->terms->limits.memory_bytes_max;
    ret_found->growths_refused = figures.growths_refused - component->growths_seen;
    ret_found->fuel_peak = component->fuel_peak;
    ret_found->fuel_per_call = component->terms->limits.fuel_per_call;
    ret_found->traps_in_window = wardi_trap_window_count(
        &component->traps_recent, component->terms->policy.resource_window_ns, now_ns);
    uint64_t inside_ns = wardi_get(&component->inside_ns);
    ret_found->busy_ns = inside_ns - component->inside_seen_ns;
    ret_found->elapsed_ns = now_ns - component->checked_at_ns;
    component->growths_seen = figures.growths_refused;
    component->fuel_peak = 0;
    component->inside_seen_ns = inside_ns;
    component->checked_at_ns = now_ns;
}

/* What a check of the busy guest will repeat. A Failed component has its reason there instead. */
static void note_verdict(ward_component *component, const ward_verdict *verdict)
{
    if (WARD_UNLIKELY(wardi_state_of(component) != WARD_STATE_READY)) return;
    wardi_note_attributes said = {.kind = WARDI_NOTE_VERDICT,
                                  .health = verdict->health,
                                  .source = verdict->source,
                                  .probe_error = verdict->probe_error};
    const ward_reason *reason = &verdict->reason;
    if (WARD_LIKELY(verdict->contributor_count == 0)) {
        wardi_note_put(&component->note, &said, "", 0, false);
        return;
    }
    for (uint32_t i = 0; i < verdict->contributor_count; i++)
        if (verdict->contributors[i].source == WARD_SOURCE_RESOURCE &&
            verdict->contributors[i].health == verdict->health) {
            said.resource = verdict->contributors[i].resource;
            break;
        }
    if (verdict->health != WARD_CHILD_HEALTHY) {
        wardi_note_put(&component->note, &said, reason->text, reason->length, reason->cut);
        return;
    }
    const char *text = verdict->contributors[0].text;
    wardi_note_put(&component->note, &said, text, strlen(text), false);
}

/* Most are not, so that nothing but what a check looks at anyway is written for them. */
static void count_slow(ward_component *component, const wardi_probe *probe)
{
    size_t bucket = 1;
    while (bucket < WARDI_LATENCY_BUCKETS - 1 &&
           probe->duration_ns > wardi_latency_bound_ns(bucket))
        bucket++;
    wardi_count(&component->slow_probes[bucket - 1], 1);
}

static void count_check(ward_component *component, const wardi_evidence *evidence)
{
    wardi_count(&component->checks, 1);
    const wardi_probe *probe = evidence->probe;
    if (probe == NULL) return;
    wardi_count(&component->probes, 1);
    wardi_count(&component->probe_ns_total, probe->duration_ns);
    if (WARD_UNLIKELY(probe->duration_ns > wardi_latency_bound_ns(0))) count_slow(component, probe);
    if (WARD_UNLIKELY(probe->error != WARD_PROBE_OK))
        wardi_count(&component->probe_errors[probe->error], 1);
}

static void check_from_inside(ward_component *component, ward_verdict *ret_verdict)
{
    ward_trap trap;
    wardi_probe probe;
    wardi_resource_evidence resources;
    wardi_evidence evidence = {.state = WARD_STATE_READY, .loaded = true};
    if (component->health_form != WARD_HEALTH_FORM_NONE) {
        wardi_probe_run(component, &probe, &trap);
        evidence.probe = &probe;
    } else {
        atomic_store_explicit(&component->verdict_at_ticks, wardi_ticks(), memory_order_relaxed);
    }
    if (WARD_UNLIKELY(component->terms->wants_resources)) {
        collect_resources(component, &resources);
        evidence.resources = &resources;
    }
    wardi_health_judge(&evidence, &component->terms->policy, ret_verdict);
    note_verdict(component, ret_verdict);
    count_check(component, &evidence);
}

/* Ready, and nothing to ask and nothing to measure: the guest need not be held. */
static bool check_at_a_glance(ward_component *component, ward_verdict *ret_verdict)
{
    if (component->health_form != WARD_HEALTH_FORM_NONE || component->terms->wants_resources)
        return false;
    if (atomic_load_explicit(&component->activity, memory_order_acquire) != WARDI_IDLE)
        return false;
    atomic_fetch_add_explicit(&component->checks_outside, 1, memory_order_relaxed);
    wardi_evidence evidence = {.state = WARD_STATE_READY, .loaded = true};
    wardi_health_judge(&evidence, &component->terms->policy, ret_verdict);
    return true;
}

void ward_component_check(ward_component *component, ward_verdict *ret_verdict)
{
    if (WARD_UNLIKELY(wardi_state_of(component) != WARD_STATE_READY)) {
        check_from_outside(component, ret_verdict);
        return;
    }
    if (check_at_a_glance(component, ret_verdict)) return;
    if (WARD_UNLIKELY(!wardi_activity_take(component, WARDI_CHECKING))) {
        check_from_outside(component, ret_verdict);
        return;
    }
    /* It may have been stopped since the first look; whoever stops holds the activity. */
    bool ready = wardi_state_of(component) == WARD_STATE_READY;
    if (WARD_LIKELY(ready)) check_from_inside(component, ret_verdict);
    wardi_activity_release(component);
    if (WARD_UNLIKELY(!ready)) check_from_outside(component, ret_verdict);
}

void wardi_component_check_alone(ward_component *component, ward_verdict *ret_verdict)
{
    bool ready = wardi_state_of(component) == WARD_STATE_READY;
    if (ready && check_at_a_glance(component, ret_verdict)) return;
    if (WARD_UNLIKELY(!ready || !wardi_activity_take_alone(component, WARDI_CHECKING))) {
        check_from_outside(component, ret_verdict);
        return;
    }
    check_from_inside(component, ret_verdict);
    wardi_activity_release(component);
}

bool wardi_component_look(ward_component *component, ward_verdict *ret_verdict)
{
    bool ready = wardi_state_of(component) == WARD_STATE_READY;
    uint32_t activity = atomic_load_explicit(&component->activity, memory_order_acquire);
    if (ready && activity <= WARDI_CHECKING) return false;
    judge_from_outside(component, ret_verdict);
    return true;
}

bool wardi_component_check_outside(ward_component *component, ward_verdict *ret_verdict)
{
    if (!wardi_component_look(component, ret_verdict)) return false;
    atomic_fetch_add_explicit(&component->checks_outside, 1, memory_order_relaxed);
    return true;
}

uint64_t wardi_component_check_ns_max(const ward_component *component)
{
    return component->terms->policy.timeout_ns;
}

/* ---- many in a row ---- */

void wardi_component_fetch(const ward_component *component)
{
    wardi_place_fetch(wardi_place_of(component, COMPONENT_CHECKED_BYTES));
}

static void place_fetch(const ward_component *component, int place)
{
    wardi_place_fetch(atomic_load_explicit(&component->places[place], memory_order_relaxed));
}

void wardi_component_fetch_memory(const ward_component *component)
{
    place_fetch(component, 0);
}

void wardi_component_fetch_engine(const ward_component *component)
{
    for (int i = 1; i < WARDI_PLACES; i++) place_fetch(component, i);
}
