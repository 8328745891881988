/* WASI preview 1's poll_oneoff: waiting that holds no thread. The call returns to whoever polls it,
 * with the time to come back at. */
#include "wasi_priv.h"

#include <string.h>

enum { SUBSCRIPTION_BYTES = 48, EVENT_BYTES = 32 };
/* More would keep the thread here for longer than a tick. */
enum { SUBSCRIPTIONS_MAX = 65536 };
enum { TAG_CLOCK = 0, TAG_READ = 1, TAG_WRITE = 2 };

/* One call's lists in the guest's memory. */
typedef struct poll_call {
    wasi_call base;
    const uint8_t *in;
    uint8_t *out;
    uint32_t count;
    uint64_t now_ns, wall_ns;
} poll_call;

static uint64_t sub_sat(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* When a subscription is due, as host monotonic time: 0 for one that is ready now. */
static int subscription_due(const poll_call *call, const uint8_t *at, uint64_t *ret_due_ns)
{
    uint64_t tag = wasi_load(at + 8, 1);
    *ret_due_ns = 0;
    if (tag == TAG_READ || tag == TAG_WRITE) return WASI_OK;
    if (tag != TAG_CLOCK) return WASI_INVAL;
    uint64_t clock = wasi_load(at + 16, 4), timeout_ns = wasi_load(at + 24, 8);
    bool absolute = (wasi_load(at + 40, 2) & 1) != 0;
    if (clock != WASI_CLOCK_OF_WALL && clock != WASI_CLOCK_OF_RUN) return WASI_NOTSUP;
    if (!absolute)
        *ret_due_ns = wardi_add_sat(call->now_ns, timeout_ns);
    else if (clock == WASI_CLOCK_OF_RUN)
        *ret_due_ns = wardi_add_sat(call->base.instance->wasi_epoch_ns, timeout_ns);
    else
        *ret_due_ns = wardi_add_sat(call->now_ns, sub_sat(timeout_ns, call->wall_ns));
    return WASI_OK;
}

/* The earliest time at which any subscription is due. */
static int poll_wake(const poll_call *call, uint64_t *ret_wake_ns)
{
    uint64_t wake_ns = UINT64_MAX;
    for (uint32_t i = 0; i < call->count; i++) {
        uint64_t due_ns;
        const uint8_t *at = call->in + (uint64_t)i * SUBSCRIPTION_BYTES;
        int failed = subscription_due(call, at, &due_ns);
        if (failed != WASI_OK) return failed;
        if (due_ns < wake_ns) wake_ns = due_ns;
    }
    *ret_wake_ns = wake_ns > call->now_ns ? wake_ns : call->now_ns;
    return WASI_OK;
}

/* Writes the events of what is due at `wake_ns`. Written before the wait, read by the guest after
 * it: nothing else runs in this store meanwhile. */
static uint32_t poll_events(const poll_call *call, uint64_t wake_ns)
{
    uint32_t events = 0;
    for (uint32_t i = 0; i < call->count; i++) {
        uint64_t due_ns;
        const uint8_t *at = call->in + (uint64_t)i * SUBSCRIPTION_BYTES;
        /* The lists may overlap, and this one be overwritten by now: then it says nonsense. */
        if (subscription_due(call, at, &due_ns) != WASI_OK || due_ns > wake_ns) continue;
        uint8_t event[EVENT_BYTES] = {0};
        memcpy(event, at, 8);
        event[10] = at[8];
        if (at[8] != TAG_CLOCK) event[16] = 1; /* bytes: at least one */
        memcpy(call->out + (uint64_t)events * EVENT_BYTES, event, sizeof event);
        events++;
    }
    return events;
}

static int poll_start(poll_call *call, const wasmtime_val_t *args, uint64_t *ret_wake_ns)
{
    const wasi_call *base = &call->base;
    call->count = (uint32_t)args[2].of.i32;
    if (call->count == 0 || call->count > SUBSCRIPTIONS_MAX) return WASI_INVAL;
    call->in = wasi_at(base, (uint32_t)args[0].of.i32, (uint64_t)call->count * SUBSCRIPTION_BYTES);
    call->out = wasi_at(base, (uint32_t)args[1].of.i32, (uint64_t)call->count * EVENT_BYTES);
    uint8_t *count_at = wasi_at(base, (uint32_t)args[3].of.i32, 4);
    if (call->in == NULL || call->out == NULL || count_at == NULL) return WASI_FAULT;
    call->now_ns = wardi_now_ns();
    call->wall_ns = wardi_wall_ns();
    int failed = poll_wake(call, ret_wake_ns);
    if (failed != WASI_OK) return failed;
    wasi_store(count_at, poll_events(call, *ret_wake_ns), 4);
    return WASI_OK;
}

/* What is polled while the guest waits. `trap` is where the call looks once we say it is done. */
typedef struct poll_wait {
    wardi_instance *instance;
    wasm_trap_t **trap;
} poll_wait;

static bool poll_done(void *env)
{
    poll_wait *wait = env;
    wardi_instance *instance = wait->instance;
    if (instance->ending !=
        WARD_OK) { /* a trap keeps the guest's backtrace, cancelling would not */
        *wait->trap = wasmtime_trap_new_code(WASMTIME_TRAP_CODE_INTERRUPT);
        return true;
    }
    if (wardi_now_ns() < instance->wake_ns) return false;
    call_wait(instance, CALL_RUNS);
    return true;
}

static bool done_at_once(void *env)
{
    (void)env;
    return true;
}

void wasi_poll_oneoff(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args,
                      size_t arg_count, wasmtime_val_t *results, size_t result_count,
                      wasm_trap_t **trap, wasmtime_async_continuation_t *continuation)
{
    (void)env, (void)arg_count, (void)result_count;
    poll_call call = {0};
    uint64_t wake_ns = 0;
    wasi_call_begin(&call.base, caller);
    wardi_instance *instance = call.base.instance;
    int failed = poll_start(&call, args, &wake_ns);
    results[0] = (wasmtime_val_t){.kind = WASMTIME_I32, .of.i32 = failed};
    continuation->callback = done_at_once;
    if (failed != WASI_OK) return;
    poll_wait *wait = wardi_alloc(sizeof *wait);
    if (wait == NULL) {
        results[0].of.i32 = WASI_NOMEM;
        return;
    }
    *wait = (poll_wait){.instance = instance, .trap = trap};
    instance->wake_ns = wake_ns;
    call_wait(instance, CALL_WAITS);
    *continuation = (wasmtime_async_continuation_t){
        .callback = poll_done, .env = wait, .finalizer = wardi_free};
}
