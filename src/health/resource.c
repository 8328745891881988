/* Resource health: each dimension against its own thresholds, each with its own words. */
#include "health/health_priv.h"

static double ratio(uint64_t part, uint64_t whole)
{
    return whole != 0 ? (double)part / (double)whole : 0;
}

static double figure_of(ward_resource resource, const wardi_resource_evidence *found)
{
    switch (resource) {
    case WARD_RESOURCE_MEMORY: return ratio(found->memory_bytes, found->memory_bytes_max);
    case WARD_RESOURCE_GROWTHS_REFUSED: return (double)found->growths_refused;
    case WARD_RESOURCE_FUEL: return ratio(found->fuel_peak, found->fuel_per_call);
    case WARD_RESOURCE_TRAPS: return (double)found->traps_in_window;
    case WARD_RESOURCE_RESTARTS: return (double)found->restarts_in_window;
    case WARD_RESOURCE_BUSY: return ratio(found->busy_ns, found->elapsed_ns);
    case WARD_RESOURCE_MAILBOX: return ratio(found->mailbox_waiting, found->mailbox_max);
    }
    return 0;
}

/* " (94 %)": rounded to nearest, but never up to a 100 that is not reached. */
static void add_percent(wardi_text *text, double part)
{
    unsigned percent = (unsigned)(part * 100 + 0.5);
    if (percent >= 100 && part < 1) percent = 99;
    wardi_text_printf(text, " (%u %%)", percent);
}

static void add_count(wardi_text *text, uint64_t count, const char *one, const char *many)
{
    wardi_text_printf(text, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
}

static void describe(ward_resource resource, const wardi_resource_evidence *found,
                     const ward_health_policy *policy, wardi_text *text)
{
    switch (resource) {
    case WARD_RESOURCE_MEMORY:
        wardi_text_puts(text, "memory ");
        wardi_text_size(text, found->memory_bytes);
        wardi_text_puts(text, " of ");
        wardi_text_size(text, found->memory_bytes_max);
        add_percent(text, figure_of(resource, found));
        return;
    case WARD_RESOURCE_GROWTHS_REFUSED:
        add_count(text, found->growths_refused, "memory growth refused", "memory growths refused");
        wardi_text_puts(text, " since the last check");
        return;
    case WARD_RESOURCE_FUEL:
        wardi_text_printf(text, "fuel %llu of %llu", (unsigned long long)found->fuel_peak,
                          (unsigned long long)found->fuel_per_call);
        add_percent(text, figure_of(resource, found));
        return;
    case WARD_RESOURCE_BUSY:
        wardi_text_puts(text, "busy ");
        wardi_text_duration(text, found->busy_ns);
        wardi_text_puts(text, " of ");
        wardi_text_duration(text, found->elapsed_ns);
        add_percent(text, figure_of(resource, found));
        return;
    case WARD_RESOURCE_MAILBOX:
        wardi_text_printf(text, "mailbox %u of %u", found->mailbox_waiting, found->mailbox_max);
        add_percent(text, figure_of(resource, found));
        return;
    case WARD_RESOURCE_TRAPS: add_count(text, found->traps_in_window, "trap", "traps"); break;
    case WARD_RESOURCE_RESTARTS:
        add_count(text, found->restarts_in_window, "restart", "restarts");
        break;
    }
    wardi_text_puts(text, " in ");
    wardi_text_duration(text, policy->resource_window_ns);
}

ward_child_health wardi_resource_judge(ward_resource resource, const wardi_resource_evidence *found,
                                       const ward_health_policy *policy, wardi_text *text)
{
    const ward_thresholds *at = &policy->resources[resource];
    if (!(at->degraded_at > 0) && !(at->unhealthy_at > 0)) return WARD_CHILD_HEALTHY;
    double figure = figure_of(resource, found);
    ward_child_health health = WARD_CHILD_HEALTHY;
    if (at->degraded_at > 0 && figure >= at->degraded_at) health = WARD_CHILD_DEGRADED;
    if (at->unhealthy_at > 0 && figure >= at->unhealthy_at) health = WARD_CHILD_FAILED;
    if (health != WARD_CHILD_HEALTHY) describe(resource, found, policy, text);
    return health;
}

bool wardi_health_wants_resources(const ward_health_policy *policy)
{
    for (size_t i = 0; i < WARD_RESOURCE_COUNT; i++)
        if (policy->resources[i].degraded_at > 0 || policy->resources[i].unhealthy_at > 0)
            return true;
    return false;
}
