/* A child: its options, copied and checked, and its place among the others. */
#include <string.h>

#include "host/host_priv.h"

#define INTERVAL_DEFAULT_NS (10 * WARDI_S)
#define INTERVAL_MIN_NS WARDI_MS
#define WINDOW_DEFAULT_NS (60 * WARDI_S)
/* As component has them; a native child has no others. */
#define STOP_TIMEOUT_DEFAULT_NS (5 * WARDI_S)
#define RESOURCE_WINDOW_DEFAULT_NS (60 * WARDI_S)
#define FULL_AT_DEFAULT 1.0
enum {
    INSTANCES_MAX = 1000000,
    FALL_DEFAULT = 3,
    RISE_DEFAULT = 1,
    STARTUP_FALL_DEFAULT = 30,
    FLAP_CHANGES_DEFAULT = 6,
    MESSAGE_BYTES_DEFAULT = 1 << 20,
    LOG_RATE_DEFAULT = 100,
    TIMERS_DEFAULT = 64,
    TIMERS_MAX = 65536, /* one is looked for among all */
};

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

static const wardi_shutdown shutdowns[] = {
    [WARD_SHUTDOWN_GRACEFUL] = WARDI_SHUTDOWN_GRACEFUL,
    [WARD_SHUTDOWN_IMMEDIATE] = WARDI_SHUTDOWN_IMMEDIATE,
    [WARD_SHUTDOWN_INFINITE] = WARDI_SHUTDOWN_INFINITE,
};
ward_error backoff_to_policy(const ward_backoff *backoff, wardi_tree_policy *policy,
                             ward_diag *ret_diag)
{
    ward_backoff own;
    ward_error error = wardi_backoff_resolve(backoff, &own, ret_diag);
    if (error != WARD_OK) return error;
    policy->intensity = (wardi_intensity){.max = own.restarts_max, .window_ns = own.window_ns};
    policy->pace = wardi_pace_of(&own);
    return WARD_OK;
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
        (unsigned)own.restart > WARD_RESTART_TEMPORARY ||
        (unsigned)own.shutdown > WARD_SHUTDOWN_INFINITE)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ready_when, restart and shutdown must be one of their enum's values");
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
    static const wardi_full fulls[] = {
        [WARD_MAILBOX_REJECT] = WARDI_FULL_REJECT,
        [WARD_MAILBOX_DROP_OLDEST] = WARDI_FULL_DROP_OLDEST,
        [WARD_MAILBOX_DROP_NEWEST] = WARDI_FULL_DROP_NEWEST,
        [WARD_MAILBOX_BLOCK] = WARDI_FULL_BLOCK,
    };
    if ((unsigned)own.mailbox_full >= WARD_COUNT(fulls) || own.mailbox_max > WARDI_MAILBOX_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "mailbox_full must be one of its enum's values, and mailbox_max at most "
                          "%d",
                          WARDI_MAILBOX_MAX);
    c->mailbox = (wardi_mailbox_options){.user_max = own.mailbox_max,
                                         .full = fulls[own.mailbox_full],
                                         .block_ns = own.mailbox_block_ns,
                                         .waiting = true};
    if (!(own.full_at <= 1)) /* nor what is no number */
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "full_at is %g: a share of the mailbox, at most 1", own.full_at);
    c->full_at = own.full_at != 0 ? own.full_at : FULL_AT_DEFAULT;
    c->message_timeout_ns = own.message_timeout_ns; /* 0: as a call's */
    c->message_bytes_max = or_default(own.message_bytes_max, MESSAGE_BYTES_DEFAULT);
    c->log_rate = or_default(own.log_rate, LOG_RATE_DEFAULT);
    c->timers_max = or_default(own.timers_max, TIMERS_DEFAULT);
    c->poison_after = or_default(own.poison_after, 1);
    c->ready_when_degraded = own.ready_when == WARD_READY_WHEN_DEGRADED;
    c->tree_policy = wardi_tree_policy_default();
    c->tree_policy.restart = own.restart;
    c->tree_policy.shutdown = shutdowns[own.shutdown];
    c->tree_policy.stop_ns = own.shutdown_timeout_ns; /* 0: see child_new */
    c->tree_policy.start_ns = WARDI_FOREVER;          /* a component has a limit of its own */
    c->tree_policy.restart_with_needs = own.restart_with_needs;
    return backoff_to_policy(&own.backoff, &c->tree_policy, ret_diag);
}

/* What an older caller does not know is NULL. */
static const ward_native_options *native_of(const ward_child_options *options)
{
    bool known = options->size >= offsetof(ward_child_options, native) + sizeof options->native;
    return known ? options->native : NULL;
}

/* All of them, once options_resolve has seen that they can be copied: what an older caller does not
 * know of is zero. */
static void options_whole(const ward_child_options *options, ward_child_options *ret_options)
{
    bool copied = wardi_options_copy(ret_options, sizeof *ret_options, options, options->size);
    WARD_ASSERT(copied);
}

static ward_error check_instances(const ward_child_options *options, ward_diag *ret_diag)
{
    ward_child_options own;
    options_whole(options, &own);
    const ward_group_health *health = &own.instances_health;
    if (own.instances > INSTANCES_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "child options: %u instances, at most %d", own.instances, INSTANCES_MAX);
    if (own.instances > 1 && own.native != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "child options: instances would share a native child's context; add each "
                          "with its own, in a group");
    bool judged = health->rule != WARD_GROUP_ALL || health->least != 0;
    if (own.instances <= 1 && judged)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "child options: instances_health is for more than one instance");
    if (health->rule == WARD_GROUP_AT_LEAST && own.instances > 1 && health->least > own.instances)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "child options: instances_health asks for %u of %u instances",
                          health->least, own.instances);
    return wardi_group_health_check(health, ret_diag);
}

static ward_error check_guest_options(const ward_child_options *options, ward_diag *ret_diag)
{
    ward_child_options own;
    wardi_grants *grants = NULL;
    options_whole(options, &own);
    ward_error error =
        own.grants != NULL ? wardi_grants_new(own.grants, &grants, ret_diag) : WARD_OK;
    wardi_grants_free(grants);
    if (error == WARD_OK && own.timers_max > TIMERS_MAX)
        error = wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                           "timers_max is %u; %d are the most", own.timers_max, TIMERS_MAX);
    if (error == WARD_OK && own.cpu_interval_ns != 0 && own.cpu_interval_ns < WARDI_MS)
        error = wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                           "cpu_interval_ns must be at least 1ms");
    if (error == WARD_OK && own.cpu_interval_ns != 0 && own.cpu_ns_max == 0)
        error = wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                           "cpu_interval_ns without cpu_ns_max limits nothing");
    for (size_t i = 0; error == WARD_OK && i < own.metadata_count; i++)
        if (strchr(own.metadata[i], '=') == NULL)
            error =
                wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                           "metadata[%zu] is \"%s\", which is no key=value", i, own.metadata[i]);
    return error;
}

static ward_error copy_guest_options(child *c, const ward_child_options *options,
                                     ward_diag *ret_diag)
{
    ward_child_options own;
    options_whole(options, &own);
    ward_error error =
        own.grants != NULL ? wardi_grants_new(own.grants, &c->grants, ret_diag) : WARD_OK;
    if (error == WARD_OK)
        error = budget_new(c, own.cpu_ns_max,
                           own.cpu_interval_ns != 0 ? own.cpu_interval_ns : WARDI_S, ret_diag);
    if (error != WARD_OK || own.metadata_count == 0) return error;
    c->metadata = wardi_alloc_array(own.metadata_count, sizeof(char *));
    bool copied = c->metadata != NULL;
    for (; copied && c->metadata_count < own.metadata_count; c->metadata_count++) {
        c->metadata[c->metadata_count] = wardi_strdup(own.metadata[c->metadata_count]);
        copied = c->metadata[c->metadata_count] != NULL;
        if (!copied) break;
    }
    return copied ? WARD_OK : wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for metadata");
}

ward_error wardi_child_options_check(const ward_child_options *options, uint64_t memory_bytes_max,
                                     ward_diag *ret_diag)
{
    child scratch = {0};
    ward_error error = options_resolve(options, &scratch, ret_diag);
    if (error != WARD_OK) return error;
    const ward_native_options *native = native_of(options);
    if ((options->component == NULL) == (native == NULL))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "child options: either component or native is required");
    if (native != NULL && options->message_timeout_ns != 0)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "child options: message_timeout_ns is for components; a native child "
                          "can't be ended, and busy_after_ns tells when it shows");
    error = check_instances(options, ret_diag);
    if (error == WARD_OK) error = check_guest_options(options, ret_diag);
    if (error != WARD_OK) return error;
    if (native != NULL) return native_options_check(native, ret_diag);
    return wardi_component_options_check(options->component, memory_bytes_max, ret_diag);
}

static ward_error copy_needs(child *c, const ward_child_options *options, ward_diag *ret_diag)
{
    c->need_names = wardi_alloc_array(options->need_count, sizeof(char *));
    if (c->need_names == NULL) goto no_memory;
    for (; c->need_name_count < options->need_count; c->need_name_count++) {
        const char *name = options->needs[c->need_name_count];
        if (!wardi_name_valid(name))
            return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                              "needs[%zu] is not the name of a component", c->need_name_count);
        c->need_names[c->need_name_count] = wardi_strdup(name);
        if (c->need_names[c->need_name_count] == NULL) goto no_memory;
    }
    return WARD_OK;
no_memory:
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a child's needs");
}

static void resolve_stop(child *c, uint64_t stop_ns)
{
    if (c->tree_policy.stop_ns == 0) c->tree_policy.stop_ns = wardi_add_sat(stop_ns, WARDI_S);
}

static ward_error resolve_component(const ward_component_options *options, child *c,
                                    ward_diag *ret_diag)
{
    ward_component_options own;
    ward_health_policy policy;
    if (!wardi_options_copy(&own, sizeof own, options, options->size))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "component options: wrong size");
    ward_error error = wardi_health_policy_resolve(&own.health, &policy, ret_diag);
    if (error != WARD_OK) return error;
    const ward_thresholds *restarts = &policy.resources[WARD_RESOURCE_RESTARTS];
    c->restarts_judged = restarts->degraded_at > 0 || restarts->unhealthy_at > 0;
    c->resource_window_ns = policy.resource_window_ns;
    const ward_thresholds *mailbox = &policy.resources[WARD_RESOURCE_MAILBOX];
    c->mailbox_judged = mailbox->degraded_at > 0 || mailbox->unhealthy_at > 0;
    resolve_stop(c, own.stop_timeout_ns != 0 ? own.stop_timeout_ns : STOP_TIMEOUT_DEFAULT_NS);
    return WARD_OK;
}

ward_error child_resolve(const ward_child_options *options, child *ret_child, ward_diag *ret_diag)
{
    ward_error error = options_resolve(options, ret_child, ret_diag);
    if (error != WARD_OK) return error;
    if (native_of(options) == NULL)
        return resolve_component(options->component, ret_child, ret_diag);
    ret_child->resource_window_ns = RESOURCE_WINDOW_DEFAULT_NS;
    resolve_stop(ret_child, STOP_TIMEOUT_DEFAULT_NS);
    return WARD_OK;
}

ward_error child_new(ward_supervisor *s, const ward_child_options *options, child **ret_child,
                     ward_diag *ret_diag)
{
    child *c = wardi_alloc_aligned(CHILD_ALIGNMENT, sizeof *c);
    if (c == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a child");
    c->supervisor = s;
    c->check_due_ns = c->resume_due_ns = WARDI_FOREVER;
    ward_error error = child_resolve(options, c, ret_diag);
    if (error == WARD_OK) error = copy_needs(c, options, ret_diag);
    if (error == WARD_OK) error = copy_guest_options(c, options, ret_diag);
    const ward_native_options *native = native_of(options);
    if (error == WARD_OK)
        error = native != NULL ? native_child_new(c, native, ret_diag)
                               : component_child_new(c, options->component, ret_diag);
    if (error != WARD_OK) {
        child_free(c);
        return error;
    }
    uint64_t *changes_ns =
        wardi_alloc_array(wardi_trend_changes(&c->trend_policy), sizeof *changes_ns);
    if (changes_ns == NULL) {
        child_free(c);
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a child's history");
    }
    wardi_trend_init(&c->trend, &c->trend_policy, changes_ns);
    *ret_child = c;
    return WARD_OK;
}

/* ---- what it is granted ---- */

const char *family_of(const char *instance, char buffer[CHILD_NAME_BYTES])
{
    size_t length = (size_t)(strrchr(instance, '.') - instance);
    WARD_ASSERT(length < CHILD_NAME_BYTES);
    memcpy(buffer, instance, length);
    buffer[length] = '\0';
    return buffer;
}

bool child_granted(const wardi_grants *grants, wardi_verb verb, const child *c)
{
    char buffer[CHILD_NAME_BYTES];
    const char *family = c->instance ? family_of(c->name, buffer) : NULL;
    return wardi_grants_allow_member(grants, verb, c->name, family);
}

bool child_welcomes(const child *c, const child *from)
{
    return c->kind != &component_kind || child_granted(c->grants, WARDI_CALLED_BY, from);
}

void child_free(child *c)
{
    if (c == NULL) return;
    if (c->kind != NULL) c->kind->free(c);
    guest_free(c);
    history_free(c);
    evidence_drop(c); /* of one that was removed, it has gone with the lock held */
    reason_free(&c->reason);
    reason_free(&c->unready_reason);
    wardi_free(c->trend.changes_ns);
    wardi_free(c->set_aside);
    wardi_free(c->budget);
    wardi_grants_free(c->grants);
    for (size_t i = 0; i < c->metadata_count; i++) wardi_free(c->metadata[i]);
    wardi_free(c->metadata);
    for (size_t i = 0; i < c->need_name_count; i++) wardi_free(c->need_names[i]);
    wardi_free(c->need_names);
    wardi_free(c->needs);
    wardi_free(c->dependents);
    wardi_free(c);
}
