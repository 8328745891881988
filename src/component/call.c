/* Calls of any export: who may, which export, in and out of the guest. What goes in and comes out
 * is in call_numbers.c and call_bytes.c. */
#include <string.h>

#include "component/component_priv.h"

#define TIMEOUT_DEFAULT (10 * WARDI_S)

/* ---- finding the export ---- */

static ward_error no_such_export(const ward_component *component, const char *name,
                                 ward_diag *ret_diag)
{
    const wardi_module_facts *facts = wardi_module_facts_of(component->module);
    const char *closest = NULL;
    unsigned least = 3; /* more edits than this is another word */
    for (size_t i = 0; i < facts->export_count; i++) {
        if (facts->export_details[i].kind != WARDI_EXTERN_FUNC) continue;
        unsigned distance = wardi_edit_distance(name, facts->exports[i].name, least);
        if (distance >= least) continue;
        least = distance;
        closest = facts->exports[i].name;
    }
    return wardi_fail(ret_diag, WARD_ERROR_EXPORT_MISSING,
                      "%s exports no function `%s`%s%s%s; ward inspect lists its exports",
                      component->name, name, closest != NULL ? "; did you mean `" : "",
                      closest != NULL ? closest : "", closest != NULL ? "`?" : "");
}

ward_error wardi_call_find(ward_component *component, const char *name, wardi_func *ret_func,
                           ward_diag *ret_diag)
{
    for (int i = WARDI_KNOWN_MESSAGE; i < WARDI_KNOWN_COUNT; i++)
        if (name == wardi_known_names[i] && component->known[i].export_index != UINT32_MAX) {
            *ret_func = component->known[i];
            return WARD_OK;
        }
    if (wardi_instance_func(wardi_instance_of(component), name, ret_func)) return WARD_OK;
    return no_such_export(component, name, ret_diag);
}

const wardi_export *wardi_call_export(const ward_component *component, const wardi_func *func)
{
    return &wardi_module_facts_of(component->module)->export_details[func->export_index];
}

const char *wardi_call_name(const ward_component *component, const wardi_func *func)
{
    return wardi_module_facts_of(component->module)->exports[func->export_index].name;
}

ward_error wardi_call_wrong_type(const ward_component *component, const wardi_func *func,
                                 const char *wanted, ward_diag *ret_diag)
{
    const wardi_module_facts *facts = wardi_module_facts_of(component->module);
    return wardi_fail(ret_diag, WARD_ERROR_EXPORT_TYPE, "%s: `%s` is %s; %s", component->name,
                      facts->exports[func->export_index].name,
                      facts->exports[func->export_index].type, wanted);
}

/* ---- inside the guest ---- */

static ward_error enter(ward_component *component, ward_diag *ret_diag)
{
    ward_error error = wardi_activity_take_or_fail(component, WARDI_CALLING, ret_diag);
    if (error != WARD_OK) return error;
    ward_state state = wardi_state_of(component);
    if (state == WARD_STATE_READY) return WARD_OK;
    wardi_activity_release(component);
    return wardi_fail(ret_diag, WARD_ERROR_STATE, "%s is %s: only a ready component can be called",
                      component->name, ward_state_name(state));
}

/* Measured by the cheapest clock: a message has two legs, and each reading of it shows. */
static void leg_over(guest_call *call, uint64_t began_ticks)
{
    call->at_ticks = wardi_ticks();
    call->ran_ns += wardi_ticks_span_ns(began_ticks, call->at_ticks);
    uint64_t spent_ns = wardi_ticks_span_ns(call->began_ticks, call->at_ticks);
    call->left_ns = spent_ns < call->timeout_ns ? call->timeout_ns - spent_ns : 1;
}

ward_error wardi_call_leg(ward_component *component, guest_call *call, const wardi_func *func,
                          const wardi_value *args, size_t arg_count, wardi_value *ret_results,
                          size_t result_count, ward_diag *ret_diag)
{
    ward_trap trap;
    ward_diag diag;
    wardi_instance *instance = wardi_instance_of(component);
    const char *name = wardi_call_name(component, func);
    ward_error error = WARD_OK;
    wardi_progress progress = WARDI_CALL_OVER;
    uint64_t began_ticks = call->waits ? wardi_ticks() : call->at_ticks;
    atomic_store_explicit(&component->busy_export, name, memory_order_release);
    if (call->waits)
        progress = wardi_call_resume(instance, &call->wake_ns);
    else
        error = wardi_call_start(instance, func, args, arg_count, result_count, call->left_ns,
                                 &progress, &call->wake_ns, &diag);
    if (error == WARD_OK && progress == WARDI_CALL_WAITS && call->stands_by)
        wardi_call_stand_by(instance, call->wake_ns);
    call->waits = error == WARD_OK && progress == WARDI_CALL_WAITS && !call->stands_by;
    leg_over(call, began_ticks);
    if (call->waits) return WARD_OK;
    if (error == WARD_OK) error = wardi_call_take(instance, ret_results, &trap, &diag);
    wardi_guest_left(component, name, call->ran_ns, error, &trap);
    call->ran_ns = 0;
    if (error == WARD_OK) return WARD_OK;
    return wardi_fail(ret_diag, error, "%s: %s", component->name, diag.text);
}

bool wardi_component_handles(const ward_component *component)
{
    uint32_t index = component->known_exports[WARDI_KNOWN_MESSAGE];
    const char *inside = atomic_load_explicit(&component->busy_export, memory_order_relaxed);
    return index != UINT32_MAX &&
           inside == wardi_module_facts_of(component->module)->exports[index].name;
}

/* ---- a call from its beginning to its end ---- */

/* One that may wait lies where it stays; made before the guest is entered, since then it is late to
 * run out of memory. */
static guest_call *place_for(ward_component *component, guest_call *call)
{
    if (call->stands_by || !wardi_module_facts_of(component->module)->waits) return call;
    if (component->pending == NULL) component->pending = wardi_alloc(sizeof *component->pending);
    if (component->pending != NULL) *component->pending = *call;
    return component->pending;
}

static ward_error go_on(ward_component *component, guest_call *call, wardi_wait *ret_wait,
                        ward_diag *ret_diag)
{
    ward_error error = call->go(component, call, ret_diag);
    if (ret_wait != NULL) *ret_wait = (wardi_wait){call->waits, call->waits ? call->wake_ns : 0};
    if (!call->waits) wardi_activity_release(component);
    return error;
}

ward_error wardi_call_begin(ward_component *component, guest_call *call, uint64_t timeout_ns,
                            wardi_wait *ret_wait, ward_diag *ret_diag)
{
    call->left_ns = call->timeout_ns = timeout_ns != 0 ? timeout_ns : TIMEOUT_DEFAULT;
    call->stands_by = ret_wait == NULL;
    if (ret_wait != NULL) *ret_wait = (wardi_wait){0};
    ward_error error = enter(component, ret_diag);
    if (error != WARD_OK) return error;
    call->began_ticks = call->at_ticks = wardi_get(&component->busy_since_ticks);
    error = call->find(component, call, ret_diag);
    guest_call *placed = error == WARD_OK ? place_for(component, call) : NULL;
    if (placed != NULL) return go_on(component, placed, ret_wait, ret_diag);
    wardi_activity_release(component);
    return error != WARD_OK ? error
                            : wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a call");
}

ward_error wardi_component_resume(ward_component *component, wardi_wait *ret_wait,
                                  ward_diag *ret_diag)
{
    WARD_ASSERT(component->pending != NULL && component->pending->waits);
    return go_on(component, component->pending, ret_wait, ret_diag);
}
