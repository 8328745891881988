/* Calls, in three forms: fast (no checks, no fiber, nothing allocated), plain (checked), and on a
 * fiber, where an import may wait.
 *
 * A call that is neither on a fiber nor free of waiting imports ends the process, so the form is
 * the module's (wardi_module_facts.waits), never the caller's. */
#include "engine_priv.h"

#include <stdio.h>
#include <string.h>

/* How long a guest that waits for something unknown to us is left alone: first, and at most. */
#define PAUSE_MIN_NS (50 * WARDI_US)
#define PAUSE_MAX_NS WARDI_MS
/* How long anything goes without looking whether it was interrupted, and no less than a tick less
 * than that: who asks once in so long pays nothing for it. */
#define LOOK_NS (9 * WARDI_MS)

/* Numbers in or out of a call that goes unchecked. */
enum { RAW_MAX = 16 };

static_assert(sizeof(wasmtime_func_t) <= sizeof((wardi_func){0}.opaque), "a function fits");

const char *call_export_name(const wardi_instance *instance, const wardi_func *func)
{
    const wardi_module_facts *facts = &instance->module->facts;
    return func->export_index < facts->export_count ? facts->exports[func->export_index].name : "?";
}

/* ---- around every activity ---- */

static void fuel_give(wardi_instance *instance)
{
    uint64_t fuel = instance->limits.fuel_per_call;
    wasmtime_error_t *error =
        wasmtime_context_set_fuel(instance->context, fuel != 0 ? fuel : UINT64_MAX);
    WARD_ASSERT(error == NULL);
}

static void fuel_count(wardi_instance *instance)
{
    uint64_t left = 0, given = instance->limits.fuel_per_call;
    wasmtime_error_t *error = wasmtime_context_get_fuel(instance->context, &left);
    WARD_ASSERT(error == NULL);
    if (given == 0) given = UINT64_MAX;
    atomic_store_explicit(&instance->fuel_last, given > left ? given - left : 0,
                          memory_order_relaxed);
}

static uint64_t ticks_to_look(uint64_t left_ns)
{
    return engine_clock_ticks(left_ns < LOOK_NS ? left_ns : LOOK_NS);
}

/* The epoch has reached the store: was it interrupted, is it time? The clock may have made up for
 * ticks from before the call began, so the guest goes on until its time is really over. */
wasmtime_error_t *call_at_epoch(wasmtime_context_t *context, void *data, uint64_t *ret_more_ticks,
                                wasmtime_update_deadline_kind_t *ret_kind)
{
    (void)context;
    wardi_instance *instance = data;
    uint64_t began_ticks = atomic_load_explicit(&instance->began_ticks, memory_order_relaxed);
    uint64_t lasted_ns = wardi_ticks_span_ns(began_ticks, wardi_ticks());
    if (call_interrupted(instance)) {
        instance->ending = WARD_ERROR_INTERRUPTED;
    } else if (lasted_ns >= instance->timeout_ns) {
        instance->ending = WARD_ERROR_DEADLINE;
    } else {
        *ret_more_ticks = ticks_to_look(instance->timeout_ns - lasted_ns) - 1;
        *ret_kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
        return NULL;
    }
    return wasmtime_error_new(ward_error_text(instance->ending));
}

static void epoch_set(wardi_instance *instance, uint64_t began_ticks, uint64_t timeout_ns)
{
    atomic_store_explicit(&instance->began_ticks, began_ticks, memory_order_relaxed);
    if (timeout_ns != instance->timeout_ns) {
        instance->timeout_ns = timeout_ns;
        instance->ticks = ticks_to_look(timeout_ns);
    }
    wasmtime_context_set_epoch_deadline(instance->context, instance->ticks);
}

void call_begin(wardi_instance *instance, uint64_t timeout_ns)
{
    if (!instance->fast) instance->deadline_ns = wardi_add_sat(wardi_now_ns(), timeout_ns);
    instance->waits = CALL_RUNS;
    instance->pause_ns = PAUSE_MIN_NS;
    instance->ending = WARD_OK;
    instance->exited = false;
    if (instance->module->metered) fuel_give(instance);
    epoch_set(instance, wardi_ticks(), timeout_ns);
    clock_enter(&instance->module->engine->clock);
}

void call_finish(wardi_instance *instance)
{
    clock_leave();
    if (instance->module->metered) fuel_count(instance);
}

/* ---- interrupts ---- */

/* An activity is named by the tick at which it began, which its deadline needs anyway: so a name
 * costs the fast path nothing, and one that is over is never that of the next. */
uint64_t wardi_instance_activity(const wardi_instance *instance)
{
    return atomic_load_explicit(&instance->began_ticks, memory_order_relaxed);
}

void wardi_instance_interrupt(wardi_instance *instance, uint64_t activity)
{
    atomic_store_explicit(&instance->interrupted, activity, memory_order_relaxed);
}

bool call_interrupted(const wardi_instance *instance)
{
    return atomic_load_explicit(&instance->interrupted, memory_order_relaxed) ==
           atomic_load_explicit(&instance->began_ticks, memory_order_relaxed);
}

/* ---- on a fiber ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t pause_end(wardi_instance *instance, uint64_t now_ns)
{
    uint64_t end_ns = wardi_add_sat(now_ns, instance->pause_ns);
    if (instance->pause_ns < PAUSE_MAX_NS) instance->pause_ns *= 2;
    return end_ns;
}

void call_wait(wardi_instance *instance, call_waiting how)
{
    instance->waits = how;
    instance->pause_ns = PAUSE_MIN_NS;
}

/* False: the guest waits, and there is nothing to do before `*ret_wake_ns`, unless what it waits
 * for comes. True: the call is over, and the future deleted. */
static bool call_poll(wardi_instance *instance, wasmtime_call_future_t *future, call_end *end,
                      uint64_t *ret_wake_ns)
{
    if (call_interrupted(instance)) instance->ending = WARD_ERROR_INTERRUPTED;
    while (!wasmtime_call_future_poll(future)) {
        uint64_t now_ns = wardi_now_ns();
        /* Told to trap, and waits on: it is not our import that waits. */
        end->cancelled = instance->ending != WARD_OK;
        if (end->cancelled) break;
        if (now_ns >= instance->deadline_ns) {
            instance->ending = WARD_ERROR_DEADLINE;
            continue;
        }
        bool known = instance->waits != CALL_RUNS;
        uint64_t wake_ns = known ? instance->wake_ns : pause_end(instance, now_ns);
        *ret_wake_ns = earlier(wake_ns, instance->deadline_ns);
        return false;
    }
    wasmtime_call_future_delete(future);
    return true;
}

/* For those who stand by: nobody resumes them when something has come, or interrupts their sleep.
 */
static void call_stand_by(wardi_instance *instance, uint64_t wake_ns)
{
    uint64_t now_ns = wardi_now_ns();
    bool may_come = instance->waits == CALL_WAITS_FOR_MORE;
    uint64_t look_ns = may_come ? pause_end(instance, now_ns) : now_ns + LOOK_NS;
    wardi_sleep_until_ns(earlier(wake_ns, look_ns));
}

/* The thread leaves the guest, which stays where it is. */
static void call_suspend(const wardi_instance *instance)
{
    engine_clock *clock = &instance->module->engine->clock;
    atomic_fetch_add_explicit(&clock->suspended, 1, memory_order_relaxed);
    clock_leave();
}

static void call_unsuspend(const wardi_instance *instance)
{
    engine_clock *clock = &instance->module->engine->clock;
    clock_enter(clock);
    atomic_fetch_sub_explicit(&clock->suspended, 1, memory_order_relaxed);
}

void call_drive(wardi_instance *instance, wasmtime_call_future_t *future, call_end *end)
{
    uint64_t wake_ns;
    while (!call_poll(instance, future, end, &wake_ns)) {
        call_suspend(instance);
        call_stand_by(instance, wake_ns);
        call_unsuspend(instance);
    }
}

/* ---- forms ---- */

static void call_fiber(wardi_instance *instance, const wasmtime_func_t *func,
                       const wasmtime_val_t *args, size_t arg_count, wasmtime_val_t *results,
                       size_t result_count, call_end *end)
{
    wasmtime_call_future_t *future = wasmtime_func_call_async(
        instance->context, func, args, arg_count, results, result_count, &end->trap, &end->error);
    call_drive(instance, future, end);
}

static wasmtime_func_t func_of(const wardi_func *func)
{
    wasmtime_func_t of;
    memcpy(&of, func->opaque, sizeof of);
    return of;
}

__attribute__((noinline, cold)) static ward_error probe_ended(wardi_instance *instance,
                                                              const wardi_func *func, call_end end,
                                                              uint64_t timeout_ns,
                                                              ward_trap *ret_trap)
{
    const char *name = call_export_name(instance, func);
    return trap_tell(instance, &end, name, timeout_ns, ret_trap, NULL);
}

/* With a fiber, with fuel, or with both. */
__attribute__((noinline)) static ward_error probe_slow(wardi_instance *instance,
                                                       const wardi_func *func, uint64_t timeout_ns,
                                                       uint64_t *ret_bits, ward_trap *ret_trap)
{
    call_end end = {0};
    wasmtime_func_t of = func_of(func);
    wasmtime_val_t result = {.kind = WASMTIME_I32};
    call_begin(instance, timeout_ns);
    if (instance->module->facts.waits)
        call_fiber(instance, &of, NULL, 0, &result, 1, &end);
    else
        end.error = wasmtime_func_call(instance->context, &of, NULL, 0, &result, 1, &end.trap);
    call_finish(instance);
    if (!call_ended_well(&end)) return probe_ended(instance, func, end, timeout_ns, ret_trap);
    *ret_bits = result.kind == WASMTIME_I32 ? (uint32_t)result.of.i32 : (uint64_t)result.of.i64;
    return WARD_OK;
}

ward_error wardi_call_probe(wardi_instance *instance, const wardi_func *func, uint64_t began_ticks,
                            uint64_t timeout_ns, uint64_t *ret_bits, ward_trap *ret_trap)
{
    if (WARD_UNLIKELY(!instance->fast))
        return probe_slow(instance, func, timeout_ns, ret_bits, ret_trap);
    call_end end = {0};
    wasmtime_val_raw_t raw;
    raw.i64 = 0; /* an i32 result writes the lower half alone */
    epoch_set(instance, began_ticks, timeout_ns);
    clock_enter(&instance->module->engine->clock);
    end.error = wasmtime_func_call_unchecked(
        instance->context, (const wasmtime_func_t *)(const void *)func->opaque, &raw, 1, &end.trap);
    clock_leave();
    if (WARD_UNLIKELY(end.error != NULL || end.trap != NULL))
        return probe_ended(instance, func, end, timeout_ns, ret_trap);
    *ret_bits = (uint64_t)raw.i64;
    return WARD_OK;
}

/* ---- the checked call ---- */

static void kinds_print(wardi_text *text, const wardi_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wardi_text_printf(text, "%s%s", i != 0 ? ", " : "", wardi_value_kind_name(values[i].kind));
}

static ward_error signature_check(const wardi_instance *instance, const wardi_func *func,
                                  const wardi_value *args, size_t arg_count, size_t result_count,
                                  ward_diag *ret_diag)
{
    const wardi_module_facts *facts = &instance->module->facts;
    WARD_ASSERT(func->export_index < facts->export_count);
    const wardi_signature *signature = &facts->export_details[func->export_index].signature;
    bool fits = signature->numeric && signature->param_count == arg_count &&
                signature->result_count == result_count;
    for (size_t i = 0; fits && i < arg_count; i++) fits = args[i].kind == signature->params[i];
    if (fits) return WARD_OK;
    char given[200];
    wardi_text text = WARDI_TEXT(given);
    kinds_print(&text, args, arg_count);
    const ward_extern *export = &facts->exports[func->export_index];
    return wardi_fail(ret_diag, WARD_ERROR_EXPORT_TYPE,
                      "%s is %s, and was called with (%s) for %zu result%s", export->name,
                      export->type, given, result_count, result_count == 1 ? "" : "s");
}

/* wasmtime's kinds of numbers are ours, and every number sits in the low bits of its union. */
static wasmtime_val_t value_in(const wardi_value *value)
{
    wasmtime_val_t out = {.kind = (wasmtime_valkind_t)value->kind};
    memcpy(&out.of, &value->bits, sizeof value->bits);
    return out;
}

static wardi_value value_out(const wasmtime_val_t *value)
{
    wardi_value out = {.kind = (wardi_value_kind)value->kind};
    bool wide = out.kind == WARDI_I64 || out.kind == WARDI_F64;
    memcpy(&out.bits, &value->of, wide ? 8 : 4);
    return out;
}

/* ---- calls that their caller need not stand by ---- */

/* Made at the first such call and kept, so that the next ones allocate nothing. */
struct call_state {
    wasmtime_call_future_t *future; /* NULL: no call waits */
    call_end end;
    wardi_func func;
    wasmtime_func_t callee; /* the same, as the engine has it: it reads it while the call lasts */
    uint64_t timeout_ns;
    size_t arg_count, result_count, room;
    wasmtime_val_t values[]; /* arguments, then results: where they lie while it waits */
};

static call_state *state_for(wardi_instance *instance, size_t values)
{
    call_state *state = instance->call;
    if (state != NULL && state->room >= values) return state;
    size_t room = values > 8 ? values : 8;
    state = wardi_alloc(sizeof *state + room * sizeof state->values[0]);
    if (state == NULL) return NULL;
    state->room = room;
    wardi_free(instance->call);
    instance->call = state;
    return state;
}

/* Numbers go straight to compiled code: their kinds have been checked. */
static void call_raw(const wardi_instance *instance, call_state *state)
{
    wasmtime_val_raw_t raw[RAW_MAX];
    const wardi_signature *signature =
        &instance->module->facts.export_details[state->func.export_index].signature;
    for (size_t i = 0; i < state->arg_count; i++)
        memcpy(&raw[i], &state->values[i].of, sizeof(uint64_t));
    state->end.error = wasmtime_func_call_unchecked(
        instance->context, &state->callee, raw,
        state->arg_count > state->result_count ? state->arg_count : state->result_count,
        &state->end.trap);
    for (size_t i = 0; i < state->result_count; i++) {
        wasmtime_val_t *result = &state->values[state->arg_count + i];
        result->kind = (wasmtime_valkind_t)signature->results[i];
        memcpy(&result->of, &raw[i], sizeof(uint64_t));
    }
}

static void call_enter(wardi_instance *instance, call_state *state)
{
    wasmtime_val_t *results = state->values + state->arg_count;
    if (instance->fast && state->arg_count <= RAW_MAX && state->result_count <= RAW_MAX)
        call_raw(instance, state);
    else if (instance->module->facts.waits)
        state->future = wasmtime_func_call_async(instance->context, &state->callee, state->values,
                                                 state->arg_count, results, state->result_count,
                                                 &state->end.trap, &state->end.error);
    else
        state->end.error =
            wasmtime_func_call(instance->context, &state->callee, state->values, state->arg_count,
                               results, state->result_count, &state->end.trap);
}

static wardi_progress call_go_on(wardi_instance *instance, uint64_t *ret_wake_ns)
{
    call_state *state = instance->call;
    if (state->future != NULL && !call_poll(instance, state->future, &state->end, ret_wake_ns)) {
        call_suspend(instance);
        return WARDI_CALL_WAITS;
    }
    state->future = NULL;
    call_finish(instance);
    return WARDI_CALL_OVER;
}

ward_error wardi_call_start(wardi_instance *instance, const wardi_func *func,
                            const wardi_value *args, size_t arg_count, size_t result_count,
                            uint64_t timeout_ns, wardi_progress *ret_progress,
                            uint64_t *ret_wake_ns, ward_diag *ret_diag)
{
    ward_error error = signature_check(instance, func, args, arg_count, result_count, ret_diag);
    if (error != WARD_OK) return error;
    call_state *state = state_for(instance, arg_count + result_count);
    if (state == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a call");
    WARD_ASSERT(state->future == NULL);
    for (size_t i = 0; i < arg_count; i++) state->values[i] = value_in(&args[i]);
    state->func = *func;
    state->callee = func_of(func);
    state->timeout_ns = timeout_ns;
    state->arg_count = arg_count;
    state->result_count = result_count;
    state->end = (call_end){0};
    call_begin(instance, timeout_ns);
    call_enter(instance, state);
    *ret_progress = call_go_on(instance, ret_wake_ns);
    return WARD_OK;
}

wardi_progress wardi_call_resume(wardi_instance *instance, uint64_t *ret_wake_ns)
{
    WARD_ASSERT(wardi_call_waits(instance));
    call_unsuspend(instance);
    return call_go_on(instance, ret_wake_ns);
}

bool wardi_call_waits(const wardi_instance *instance)
{
    return instance->call != NULL && instance->call->future != NULL;
}

ward_error wardi_call_take(wardi_instance *instance, wardi_value *ret_results, ward_trap *ret_trap,
                           ward_diag *ret_diag)
{
    call_state *state = instance->call;
    WARD_ASSERT(state != NULL && state->future == NULL);
    if (!call_ended_well(&state->end))
        return trap_tell(instance, &state->end, call_export_name(instance, &state->func),
                         state->timeout_ns, ret_trap, ret_diag);
    for (size_t i = 0; i < state->result_count; i++)
        ret_results[i] = value_out(&state->values[state->arg_count + i]);
    return WARD_OK;
}

void call_drop(wardi_instance *instance)
{
    if (wardi_call_waits(instance)) {
        wasmtime_call_future_delete(instance->call->future);
        atomic_fetch_sub_explicit(&instance->module->engine->clock.suspended, 1,
                                  memory_order_relaxed);
    }
    wardi_free(instance->call);
    instance->call = NULL;
    import_wait_free(instance);
}

void wardi_call_stand_by(wardi_instance *instance, uint64_t wake_ns)
{
    do call_stand_by(instance, wake_ns);
    while (wardi_call_resume(instance, &wake_ns) == WARDI_CALL_WAITS);
}

ward_error wardi_call(wardi_instance *instance, const wardi_func *func, const wardi_value *args,
                      size_t arg_count, wardi_value *ret_results, size_t result_count,
                      uint64_t timeout_ns, ward_trap *ret_trap, ward_diag *ret_diag)
{
    wardi_progress progress;
    uint64_t wake_ns;
    ward_error error = wardi_call_start(instance, func, args, arg_count, result_count, timeout_ns,
                                        &progress, &wake_ns, ret_diag);
    if (error != WARD_OK) return error;
    if (progress == WARDI_CALL_WAITS) wardi_call_stand_by(instance, wake_ns);
    return wardi_call_take(instance, ret_results, ret_trap, ret_diag);
}
