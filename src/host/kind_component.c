/* A child that is a component. */
#include "host/host_priv.h"

static ward_error component_start(child *c, ward_diag *ret_diag)
{
    return ward_component_start(c->component, ret_diag);
}

static ward_error component_stop(child *c, ward_diag *ret_diag)
{
    return ward_component_stop(c->component, ret_diag);
}

static void component_fail(child *c, const ward_reason *reason)
{
    wardi_component_fail(c->component, reason, NULL);
}

static void component_check(child *c, ward_verdict *ret_verdict)
{
    if (c->mailbox_judged)
        wardi_component_mailbox_set(c->component, wardi_actor_waiting(&c->actor),
                                    c->actor.user_max);
    wardi_component_check_alone(c->component, ret_verdict);
}

static void component_free(child *c)
{
    ward_component_free(c->component);
}

static ward_state component_state(const child *c)
{
    return ward_component_state(c->component);
}

static void component_interrupt(child *c)
{
    wardi_component_interrupt(c->component);
}

static void component_restarts_set(child *c, uint32_t restarts_in_window)
{
    wardi_component_restarts_set(c->component, restarts_in_window);
}

/* Of one that is up: what keeps the others from being well is told by their state. */
static bool component_busy(const child *c, ward_verdict *ret_verdict)
{
    return ward_component_state(c->component) == WARD_STATE_READY &&
           wardi_component_look(c->component, ret_verdict);
}

const child_kind component_kind = {
    .start = component_start,
    .stop = component_stop,
    .fail = component_fail,
    .check = component_check,
    .handle = component_handle,
    .answered = component_answered,
    .free = component_free,
    .state = component_state,
    .interrupt = component_interrupt,
    .restarts_set = component_restarts_set,
    .busy = component_busy,
};

ward_error component_child_new(child *c, const ward_component_options *options, ward_diag *ret_diag)
{
    ward_error error = wardi_component_new(c->supervisor->engine, options, &c->component, ret_diag);
    if (error != WARD_OK) return error;
    c->kind = &component_kind;
    wardi_component_context_set(c->component, c);
    c->name = ward_component_name(c->component);
    c->version = ward_component_version(c->component);
    return WARD_OK;
}
