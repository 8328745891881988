/* Birth, death, and the moves between states. */
#include <sched.h>
#include <string.h>

#include "component/component_priv.h"

static _Atomic uint64_t ids;

ward_error wardi_component_new(wardi_engine *engine, const ward_component_options *options,
                               ward_component **ret_component, ward_diag *ret_diag)
{
    ward_component *component = wardi_alloc_aligned(64, sizeof *component);
    if (component == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a component");
    component->engine = engine;
    ward_error error = wardi_component_options_take(component, options, ret_diag);
    if (error != WARD_OK) {
        wardi_component_options_drop(component);
        wardi_free(component);
        return error;
    }
    int refused = pthread_mutex_init(&component->trap_lock, NULL);
    WARD_ASSERT(refused == 0); /* it cannot be, with default attributes */
    component->id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1;
    component->created_wall_ns = wardi_wall_ns();
    *ret_component = component;
    return WARD_OK;
}

void ward_component_free(ward_component *component)
{
    if (component == NULL) return;
    if (component->pending != NULL && component->pending->waits) {
        wardi_component_drop_instance(component); /* ends it without a word */
        wardi_activity_release(component);
        wardi_component_move(component, WARD_STATE_FAILED);
    }
    ward_component_stop(component, NULL);
    wardi_free(component->pending);
    WARD_ASSERT(wardi_instance_of(component) == NULL);
    wardi_module_release(component->module);
    wardi_module_release(component->refused);
    pthread_mutex_destroy(&component->trap_lock);
    wardi_free(component->trap);
    wardi_component_options_drop(component);
    wardi_note_done(&component->note);
    wardi_free(component);
}

void wardi_component_move(ward_component *component, ward_state to)
{
    ward_state from = wardi_state_of(component);
    WARD_ASSERT(wardi_lifecycle_legal(from, to));
    uint64_t now_ns = wardi_now_ns();
    if (from == WARD_STATE_READY) {
        uint64_t ran_ns = now_ns - wardi_get(&component->started_at_ns);
        atomic_store_explicit(&component->ran_ns, ran_ns, memory_order_relaxed);
    }
    if (to == WARD_STATE_READY) {
        atomic_store_explicit(&component->started_at_ns, now_ns, memory_order_relaxed);
        atomic_store_explicit(&component->started_wall_ns, wardi_wall_ns(), memory_order_relaxed);
        atomic_store_explicit(&component->ran_ns, 0, memory_order_relaxed);
        wardi_count(&component->starts, 1);
        component->checked_at_ns = now_ns;
    }
    atomic_store_explicit(&component->state, (uint32_t)to, memory_order_release);
}

void wardi_component_move_failed(ward_component *component, const char *reason, size_t length)
{
    size_t fits = wardi_utf8_fit(reason, length, WARD_REASON_BYTES_MAX);
    wardi_note_put(&component->note, &(wardi_note_attributes){.kind = WARDI_NOTE_FAILURE}, reason,
                   fits, fits < length);
    wardi_component_move(component, WARD_STATE_FAILED);
}

wardi_instance *wardi_component_hide_instance(ward_component *component)
{
    wardi_instance *instance = atomic_exchange(&component->instance, NULL);
    while (atomic_load(&component->readers) != 0) sched_yield();
    return instance;
}

void wardi_component_drop_instance(ward_component *component)
{
    wardi_instance_free(wardi_component_hide_instance(component));
    memset(component->known, 0, sizeof component->known);
}

ward_error wardi_component_fail(ward_component *component, const ward_reason *reason,
                                ward_diag *ret_diag)
{
    ward_error error = wardi_activity_take_or_fail(component, WARDI_FAILING, ret_diag);
    if (error != WARD_OK) return error;
    error = wardi_lifecycle_check(wardi_state_of(component), WARD_STATE_FAILED, ret_diag);
    if (error == WARD_OK) {
        wardi_component_drop_instance(component);
        wardi_component_move_failed(component, reason->text, reason->length);
    }
    wardi_activity_release(component);
    return error;
}

void wardi_component_context_set(ward_component *component, void *context)
{
    component->context = context;
}

void wardi_component_restarts_set(ward_component *component, uint64_t restarts_in_window)
{
    atomic_store_explicit(&component->restarts_in_window, restarts_in_window, memory_order_relaxed);
}

void wardi_component_mailbox_set(ward_component *component, uint32_t waiting, uint32_t max)
{
    atomic_store_explicit(&component->mailbox_waiting, waiting, memory_order_relaxed);
    atomic_store_explicit(&component->mailbox_max, max, memory_order_relaxed);
}

ward_state ward_component_state(const ward_component *component)
{
    return wardi_state_of(component);
}

const char *ward_component_name(const ward_component *component)
{
    return component->name;
}

const char *ward_component_version(const ward_component *component)
{
    return component->version != NULL ? component->version : "";
}

uint64_t ward_component_id(const ward_component *component)
{
    return component->id;
}

void ward_component_failure(const ward_component *component, ward_reason *ret_reason)
{
    wardi_note_attributes attributes;
    ward_reason reason;
    wardi_note_get((wardi_note *)&component->note, &attributes, &reason);
    if (wardi_state_of(component) != WARD_STATE_FAILED || attributes.kind != WARDI_NOTE_FAILURE)
        wardi_reason_set(&reason, "");
    wardi_reason_copy(ret_reason, &reason);
}
