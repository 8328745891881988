/* A child: its options, copied and checked, and its place among the others. */
#include <string.h>

#include "host/host_priv.h"

#define INTERVAL_DEFAULT_NS (10 * WARDI_S)
#define INTERVAL_MIN_NS WARDI_MS
#define WINDOW_DEFAULT_NS (60 * WARDI_S)
enum {
    FALL_DEFAULT = 3,
    RISE_DEFAULT = 1,
    STARTUP_FALL_DEFAULT = 30,
    FLAP_CHANGES_DEFAULT = 6,
};

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

static ward_error options_resolve(const ward_child_options *options, child *c, ward_diag *ret_diag)
{
    ward_child_options own;
    if (!wardi_options_copy(&own, sizeof own, options, options->size))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "child options: size is %zu, this library knows %zu bytes; start them "
                          "with WARD_INIT(ward_child_options)",
                          options->size, sizeof own);
    c->interval_ns = own.interval_ns != 0 ? own.interval_ns : INTERVAL_DEFAULT_NS;
    c->startup_interval_ns = own.startup_interval_ns;
    bool startup = c->startup_interval_ns != 0;
    if (c->interval_ns < INTERVAL_MIN_NS || (startup && c->startup_interval_ns < INTERVAL_MIN_NS))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "a check interval must be at least 1ms");
    if ((unsigned)own.ready_when > WARD_READY_WHEN_HEALTHY ||
        (unsigned)own.restart > WARD_RESTART_TEMPORARY)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ready_when and restart must be one of their enum's values");
    c->trend_policy = (wardi_trend_policy){
        .fall = or_default(own.fall, FALL_DEFAULT),
        .rise = or_default(own.rise, RISE_DEFAULT),
        .startup = startup,
        .startup_fall = or_default(own.startup_fall, STARTUP_FALL_DEFAULT),
        .flap_changes_max = or_default(own.flap_changes_max, FLAP_CHANGES_DEFAULT),
        .flap_window_ns = own.flap_window_ns != 0 ? own.flap_window_ns : WINDOW_DEFAULT_NS};
    if (c->trend_policy.flap_changes_max >= WARDI_FLAP_CHANGES_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "flap_changes_max must be below %d", WARDI_FLAP_CHANGES_MAX);
    c->ready_when_degraded = own.ready_when == WARD_READY_WHEN_DEGRADED;
    c->restart = own.restart;
    return wardi_backoff_resolve(&own.backoff, &c->backoff, ret_diag);
}

ward_error wardi_child_options_check(const ward_child_options *options, uint64_t memory_bytes_max,
                                     ward_diag *ret_diag)
{
    child scratch = {0};
    ward_error error = options_resolve(options, &scratch, ret_diag);
    if (error != WARD_OK) return error;
    if (options->component == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "child options: component is required");
    return wardi_component_options_check(options->component, memory_bytes_max, ret_diag);
}

static ward_error copy_needs(child *c, const ward_child_options *options, ward_diag *ret_diag)
{
    c->need_names = wardi_alloc_array(options->need_count, sizeof(char *));
    c->needs = wardi_alloc_array(options->need_count, sizeof(size_t));
    if (c->need_names == NULL || c->needs == NULL) goto no_memory;
    for (; c->need_count < options->need_count; c->need_count++) {
        const char *name = options->needs[c->need_count];
        if (!wardi_name_valid(name))
            return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                              "needs[%zu] is not the name of a component", c->need_count);
        c->need_names[c->need_count] = wardi_strdup(name);
        if (c->need_names[c->need_count] == NULL) goto no_memory;
    }
    return WARD_OK;
no_memory:
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a child's needs");
}

static ward_error resolve_resource_window(const ward_component_options *options, child *c,
                                          ward_diag *ret_diag)
{
    ward_component_options own;
    ward_health_policy policy;
    if (!wardi_options_copy(&own, sizeof own, options, options->size))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "component options: wrong size");
    ward_error error = wardi_health_policy_resolve(&own.health, &policy, ret_diag);
    if (error == WARD_OK) c->resource_window_ns = policy.resource_window_ns;
    return error;
}

ward_error child_new(wardi_engine *engine, const ward_child_options *options, child **ret_child,
                     ward_diag *ret_diag)
{
    ward_error error =
        wardi_child_options_check(options, wardi_engine_memory_bytes_max(engine), ret_diag);
    if (error != WARD_OK) return error;
    child *c = wardi_alloc(sizeof *c);
    if (c == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a child");
    error = options_resolve(options, c, ret_diag);
    if (error == WARD_OK) error = resolve_resource_window(options->component, c, ret_diag);
    if (error == WARD_OK) error = copy_needs(c, options, ret_diag);
    if (error == WARD_OK)
        error = wardi_component_new(engine, options->component, &c->component, ret_diag);
    if (error != WARD_OK) {
        child_free(c);
        return error;
    }
    wardi_trend_init(&c->trend, &c->trend_policy);
    *ret_child = c;
    return WARD_OK;
}

void child_free(child *c)
{
    if (c == NULL) return;
    ward_component_free(c->component);
    for (size_t i = 0; i < c->need_count; i++) wardi_free(c->need_names[i]);
    wardi_free(c->need_names);
    wardi_free(c->needs);
    wardi_free(c->dependents);
    wardi_free(c);
}

size_t children_find(const ward_supervisor *s, const char *name)
{
    for (size_t i = 0; i < s->child_count; i++)
        if (strcmp(ward_component_name(s->children[i]->component), name) == 0) return i;
    return SIZE_MAX;
}

static ward_error resolve_needs(ward_supervisor *s, child *c, ward_diag *ret_diag)
{
    for (size_t i = 0; i < c->need_count; i++) {
        size_t need = children_find(s, c->need_names[i]);
        if (need == SIZE_MAX)
            return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND,
                              "%s needs \"%s\", and no component has that name",
                              ward_component_name(c->component), c->need_names[i]);
        c->needs[i] = need;
        s->children[need]->dependent_count++;
    }
    return WARD_OK;
}

ward_error children_link(ward_supervisor *s, ward_diag *ret_diag)
{
    for (size_t i = 0; i < s->child_count; i++) s->children[i]->dependent_count = 0;
    for (size_t i = 0; i < s->child_count; i++) {
        ward_error error = resolve_needs(s, s->children[i], ret_diag);
        if (error != WARD_OK) return error;
    }
    for (size_t i = 0; i < s->child_count; i++) {
        child *c = s->children[i];
        wardi_free(c->dependents);
        c->dependents = wardi_alloc_array(c->dependent_count, sizeof(size_t));
        c->dependent_count = 0;
        if (c->dependents == NULL)
            return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for dependencies");
    }
    for (size_t i = 0; i < s->child_count; i++) {
        const child *c = s->children[i];
        for (size_t n = 0; n < c->need_count; n++) {
            child *need = s->children[c->needs[n]];
            need->dependents[need->dependent_count++] = i;
        }
    }
    return WARD_OK;
}
