/* The clock thread: one tick a millisecond, into every engine's epoch, while a guest runs.
 *
 * It allocates nothing and takes no lock, so nothing that a guest or a worker does can hold it up.
 * When the machine held it up for longer than a tick, the ticks that were missed are made up for,
 * so that lateness does not add up. A call that began meanwhile pays for them with time that it
 * never had: whoever is reached by its epoch looks at the time before it is ended (call_at_epoch).
 *
 * When nobody has been inside a guest for some ticks, it rests. Phases: (1) it sets `resting`;
 * (2) membarrier makes every thread's stores before it visible here, and `resting` visible to every
 * load after it there; (3) it looks at the seats once more, and sleeps if all are empty. A thread
 * takes its seat, then looks at `resting`. If it took the seat before (2), (3) sees that; if after,
 * it sees `resting`, and wakes the clock. */
#include "engine_priv.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Who adds or removes one has the lock for a moment: then there is another tick soon. */
static void watchers_tick(engine_clock *clock, uint64_t now_ns)
{
    if (pthread_mutex_trylock(&clock->watch_lock) != 0) return;
    for (const wardi_watcher *w = clock->watchers; w != NULL; w = w->next)
        w->tick(w->context, now_ns);
    pthread_mutex_unlock(&clock->watch_lock);
}

static void tick(engine_clock *clock)
{
    for (size_t i = 0; i < WARD_COUNT(clock->engines); i++) {
        wasm_engine_t *engine = atomic_load_explicit(&clock->engines[i], memory_order_acquire);
        if (engine != NULL) wasmtime_engine_increment_epoch(engine);
    }
}

/* ---- rest ---- */

_Thread_local clock_seat *clock_seat_here;
/* For threads that there was no memory for; taken by one, it is inside for good. */
static clock_seat shared_seat = {.taken = true};
static _Atomic(clock_seat *) seats = &shared_seat; /* never freed: a clock may look at any */
static pthread_key_t seat_key;
static pthread_once_t seat_once = PTHREAD_ONCE_INIT;

static void seat_give(void *seat)
{
    atomic_store_explicit(&((clock_seat *)seat)->taken, false, memory_order_release);
}

static void seat_key_make(void)
{
    if (pthread_key_create(&seat_key, seat_give) != 0) seat_key = PTHREAD_KEYS_MAX;
}

static clock_seat *seat_free(void)
{
    clock_seat *seat = atomic_load_explicit(&seats, memory_order_acquire);
    while (seat != NULL && atomic_exchange_explicit(&seat->taken, true, memory_order_acquire))
        seat = seat->next;
    return seat;
}

static clock_seat *seat_new(void)
{
    clock_seat *seat = wardi_alloc(sizeof *seat);
    if (seat == NULL) return NULL;
    atomic_store_explicit(&seat->taken, true, memory_order_relaxed);
    seat->next = atomic_load_explicit(&seats, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&seats, &seat->next, seat, memory_order_release,
                                                  memory_order_relaxed))
        ;
    return seat;
}

clock_seat *clock_seat_take(void)
{
    pthread_once(&seat_once, seat_key_make);
    clock_seat *seat = seat_free();
    if (seat == NULL) seat = seat_new();
    if (seat != NULL) {
        (void)pthread_setspecific(seat_key, seat); /* without, it is lost with its thread */
    } else {
        seat = &shared_seat;
        atomic_store(&seat->inside, UINT32_MAX / 2); /* however its sharers race */
    }
    clock_seat_here = seat;
    return seat;
}

static bool anybody_inside(const engine_clock *clock)
{
    if (atomic_load(&clock->holds) != 0) return true;
    const clock_seat *seat = atomic_load_explicit(&seats, memory_order_acquire);
    while (seat != NULL && atomic_load_explicit(&seat->inside, memory_order_acquire) == 0)
        seat = seat->next;
    return seat != NULL;
}

void clock_wake(engine_clock *clock)
{
    if (atomic_exchange_explicit(&clock->resting, 0, memory_order_relaxed) != 0)
        syscall(SYS_futex, &clock->resting, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* False: somebody is inside after all, or this kernel has no barrier to offer. `*ret_missed`: calls
 * were waiting, and count on ticks for the time of the rest. (Others begin after it: to begin, they
 * end it.) */
static bool rest(engine_clock *clock, bool *ret_missed)
{
    atomic_store_explicit(&clock->resting, 1, memory_order_relaxed);
    bool sure = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
    bool stop = atomic_load_explicit(&clock->stop, memory_order_relaxed);
    if (!sure || stop || anybody_inside(clock)) {
        atomic_store_explicit(&clock->resting, 0, memory_order_relaxed);
        return false;
    }
    *ret_missed = atomic_load_explicit(&clock->suspended, memory_order_relaxed) != 0;
    while (atomic_load_explicit(&clock->resting, memory_order_relaxed) != 0)
        syscall(SYS_futex, &clock->resting, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
    return true;
}

/* ---- the thread ---- */

/* So long it goes on for nobody: waking it costs a call its first microseconds. */
enum { IDLE_TICKS = 3 };

static void *clock_run(void *argument)
{
    engine_clock *clock = argument;
    wardi_thread_hasten(); /* P99 of a tick's lateness fell from 600 µs to 20 µs, guests pinning
                              both processors */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* the default slack of 50 µs adds to lateness */
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    uint64_t next_ns = wardi_now_ns() + ENGINE_TICK_NS;
    for (int idle = 0; !atomic_load_explicit(&clock->stop, memory_order_relaxed);) {
        wardi_sleep_until_ns(next_ns);
        uint64_t now_ns = wardi_now_ns();
        for (; next_ns <= now_ns; next_ns += ENGINE_TICK_NS) tick(clock);
        watchers_tick(clock, now_ns);
        idle = anybody_inside(clock) ? 0 : idle + 1;
        bool missed;
        if (idle < IDLE_TICKS || !rest(clock, &missed)) continue;
        idle = 0;
        if (!missed) next_ns = wardi_now_ns() + ENGINE_TICK_NS;
    }
    return NULL;
}

void wardi_engine_watch(wardi_engine *engine, wardi_watcher *watcher)
{
    engine_clock *clock = &engine->clock;
    pthread_mutex_lock(&clock->watch_lock);
    watcher->next = clock->watchers;
    clock->watchers = watcher;
    pthread_mutex_unlock(&clock->watch_lock);
}

void wardi_engine_unwatch(wardi_engine *engine, wardi_watcher *watcher)
{
    engine_clock *clock = &engine->clock;
    pthread_mutex_lock(&clock->watch_lock);
    wardi_watcher **link = &clock->watchers;
    while (*link != watcher) link = &(*link)->next;
    *link = watcher->next;
    pthread_mutex_unlock(&clock->watch_lock);
}

void wardi_engine_hold(wardi_engine *engine)
{
    atomic_fetch_add(&engine->clock.holds, 1);
    if (atomic_load(&engine->clock.resting) != 0) clock_wake(&engine->clock);
}

void wardi_engine_release(wardi_engine *engine)
{
    atomic_fetch_sub(&engine->clock.holds, 1);
}

uint32_t wardi_engine_suspended(const wardi_engine *engine)
{
    return atomic_load_explicit(&engine->clock.suspended, memory_order_relaxed);
}

ward_error engine_clock_start(engine_clock *clock, ward_diag *ret_diag)
{
    pthread_mutex_init(&clock->watch_lock, NULL);
    if (!wardi_thread_start(&clock->thread, clock_run, clock))
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
    atomic_store(&clock->stop, true);
    clock_wake(clock);
    pthread_join(clock->thread, NULL);
    pthread_mutex_destroy(&clock->watch_lock);
    clock->running = false;
}

/* A call begins somewhere inside a tick, so the first one that it sees is worth nothing. */
uint64_t engine_clock_ticks(uint64_t timeout_ns)
{
    uint64_t ticks = timeout_ns / ENGINE_TICK_NS + (timeout_ns % ENGINE_TICK_NS != 0) + 1;
    /* The engine adds this to its epoch without looking for overflow. */
    return ticks < UINT64_MAX / 4 ? ticks : UINT64_MAX / 4;
}
