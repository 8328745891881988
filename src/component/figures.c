/* What can be read of a component, and done to it, without entering its guest. */
#include <string.h>

#include "component/component_priv.h"

static void read_instance(ward_component *component, ward_figures *figures)
{
    wardi_instance_figures now = {0};
    atomic_fetch_add(&component->readers, 1);
    wardi_instance *instance = atomic_load(&component->instance);
    if (instance != NULL) wardi_instance_figures_of(instance, &now);
    atomic_fetch_sub(&component->readers, 1);
    figures->memory_bytes = now.memory_bytes;
    figures->growths_refused = now.growths_refused;
}

void wardi_component_interrupt(ward_component *component)
{
    atomic_fetch_add(&component->readers, 1);
    wardi_instance *instance = atomic_load(&component->instance);
    if (instance != NULL) wardi_instance_interrupt(instance, wardi_instance_activity(instance));
    atomic_fetch_sub(&component->readers, 1);
}

static uint64_t uptime(const ward_component *component, ward_state state)
{
    if (state != WARD_STATE_READY) return wardi_get(&component->ran_ns);
    uint64_t now_ns = wardi_now_ns(), started_ns = wardi_get(&component->started_at_ns);
    return now_ns > started_ns ? now_ns - started_ns : 0;
}

void ward_component_figures(const ward_component *component, ward_figures *ret_figures)
{
    ward_component *c = (ward_component *)component; /* readers are announced in it */
    ward_figures figures = {.size = ret_figures->size,
                            .state = wardi_state_of(c),
                            .created_wall_ns = c->created_wall_ns,
                            .started_wall_ns = wardi_get(&c->started_wall_ns),
                            .memory_bytes_max = c->terms->limits.memory_bytes_max,
                            .fuel_per_call = c->terms->limits.fuel_per_call,
                            .fuel_peak = wardi_get(&c->fuel_peak_of_run),
                            .checks = wardi_get(&c->checks) + wardi_get(&c->checks_outside),
                            .probes = wardi_get(&c->probes),
                            .probe_ns_total = wardi_get(&c->probe_ns_total),
                            .traps = wardi_get(&c->traps),
                            .starts = wardi_get(&c->starts)};
    figures.uptime_ns = uptime(c, figures.state);
    for (size_t i = 0; i < WARD_PROBE_ERROR_COUNT; i++)
        figures.probe_errors[i] = wardi_get(&c->probe_errors[i]);
    read_instance(c, &figures);
    size_t covers = ret_figures->size < sizeof figures ? ret_figures->size : sizeof figures;
    memcpy(ret_figures, &figures, covers);
}

uint64_t wardi_latency_bound_ns(size_t bucket)
{
    static const uint64_t bounds[WARDI_LATENCY_BUCKETS - 1] = {
        WARDI_US,     5 * WARDI_US,  25 * WARDI_US,  100 * WARDI_US, 500 * WARDI_US, WARDI_MS,
        5 * WARDI_MS, 25 * WARDI_MS, 100 * WARDI_MS, WARDI_S,        10 * WARDI_S};
    return bucket < WARD_COUNT(bounds) ? bounds[bucket] : UINT64_MAX;
}

/* The slow ones first: one that comes meanwhile counts as fast, and never below zero. */
void wardi_component_latencies(const ward_component *component,
                               uint64_t ret_counts[WARDI_LATENCY_BUCKETS])
{
    uint64_t slow = 0;
    for (size_t i = 1; i < WARDI_LATENCY_BUCKETS; i++) {
        ret_counts[i] = wardi_get(&component->slow_probes[i - 1]);
        slow += ret_counts[i];
    }
    uint64_t all = wardi_get(&component->probes);
    ret_counts[0] = all > slow ? all - slow : 0;
}

uint64_t wardi_component_inside_ns(const ward_component *component)
{
    return wardi_get(&component->inside_ns);
}

/* Whether the health export is called without a fiber, and why. */
static void explain_fast_path(const wardi_module_facts *facts, bool metered, ward_module_info *info)
{
    wardi_text why = WARDI_TEXT(info->fast_path_reason);
    info->fast_path = false;
    if (info->health_form == WARD_HEALTH_FORM_NONE)
        wardi_text_puts(&why, "there is no health export to call");
    else if (facts->is_component)
        wardi_text_puts(&why, "component-model functions have no unchecked call");
    else if (facts->waits)
        wardi_text_printf(&why, "it imports %s, which may wait: every call runs on a fiber",
                          facts->waits_on != NULL ? facts->waits_on : "a function");
    else if (metered)
        wardi_text_puts(&why, "fuel is metered: it has to be given and counted around each call");
    else
        info->fast_path = true;
    if (info->fast_path) wardi_text_puts(&why, "it imports nothing that may wait");
}

ward_error ward_component_module_info(const ward_component *component, ward_module_info *ret_info)
{
    bool loaded = atomic_load_explicit(&component->loaded, memory_order_acquire);
    const wardi_module *module = loaded ? component->module : component->refused;
    if (module == NULL) return WARD_ERROR_STATE;
    const wardi_module_facts *facts = wardi_module_facts_of(module);
    ret_info->is_component = facts->is_component;
    ret_info->from_cache = facts->from_cache;
    ret_info->health_form = component->health_form;
    ret_info->byte_count = facts->byte_count;
    ret_info->compile_ns = facts->compile_ns;
    ret_info->import_count = facts->import_count;
    ret_info->imports = facts->imports;
    ret_info->export_count = facts->export_count;
    ret_info->exports = facts->exports;
    explain_fast_path(facts, component->terms->limits.fuel_per_call != 0, ret_info);
    return WARD_OK;
}
