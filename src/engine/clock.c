/* The clock thread: one tick a millisecond, into every engine's epoch.
 *
 * It allocates nothing and takes no lock, so nothing that a guest or a worker does can hold it up.
 * When the machine held it up for longer than a tick, the ticks that were missed are made up for,
 * so that lateness does not add up. A call that began meanwhile pays for them with time that it
 * never had: whoever is reached by its epoch looks at the time before it is ended (call_at_epoch).
 */
#include "engine_priv.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first version of the kernel's struct sched_attr, which older C libraries do not have. */
typedef struct clock_scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
} clock_scheduling;

/* The shortest slice that Linux gives, from 6.12 on: who asks for little is let in soon after it
 * wakes, on a busy machine as well, and no privilege is needed. With guests that pin both
 * processors, P99 of a tick's lateness fell from 600 µs to 20 µs. Older kernels take no notice. */
static void clock_hasten(void)
{
    clock_scheduling scheduling = {.size = sizeof scheduling};
    long failed = syscall(SYS_sched_getattr, 0, &scheduling, sizeof scheduling, 0);
    if (failed != 0 || scheduling.policy != SCHED_OTHER) return;
    scheduling.slice_ns = 100 * WARDI_US;
    syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

static void tick(engine_clock *clock)
{
    for (size_t i = 0; i < WARD_COUNT(clock->engines); i++) {
        wasm_engine_t *engine = atomic_load_explicit(&clock->engines[i], memory_order_acquire);
        if (engine != NULL) wasmtime_engine_increment_epoch(engine);
    }
}

static void *clock_run(void *argument)
{
    engine_clock *clock = argument;
    clock_hasten();
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* the default slack of 50 µs adds to lateness */
    uint64_t next_ns = wardi_now_ns() + ENGINE_TICK_NS;
    while (!atomic_load_explicit(&clock->stop, memory_order_relaxed)) {
        wardi_sleep_until_ns(next_ns);
        for (uint64_t now_ns = wardi_now_ns(); next_ns <= now_ns; next_ns += ENGINE_TICK_NS)
            tick(clock);
    }
    return NULL;
}

ward_error engine_clock_start(engine_clock *clock, ward_diag *ret_diag)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&clock->thread, NULL, clock_run, clock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY,
                          "cannot start the clock thread: too many threads for this user or "
                          "container; raise the limit on processes (ulimit -u, pids.max)");
    pthread_setname_np(clock->thread, "ward-clock");
    clock->running = true;
    return WARD_OK;
}

void engine_clock_stop(engine_clock *clock)
{
    if (!clock->running) return;
    atomic_store_explicit(&clock->stop, true, memory_order_relaxed);
    pthread_join(clock->thread, NULL);
    clock->running = false;
}

/* A call begins somewhere inside a tick, so the first one that it sees is worth nothing. */
uint64_t engine_clock_ticks(uint64_t timeout_ns)
{
    uint64_t ticks = timeout_ns / ENGINE_TICK_NS + (timeout_ns % ENGINE_TICK_NS != 0) + 1;
    /* The engine adds this to its epoch without looking for overflow. */
    return ticks < UINT64_MAX / 4 ? ticks : UINT64_MAX / 4;
}
