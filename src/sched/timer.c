/* Timers: a hierarchical wheel per worker, under a lock of its own that only its worker takes, but
 * for actors that were stolen since they set their timer.
 *
 * Ticks are milliseconds; a deadline is rounded up and the time down, so nothing fires early. A
 * node lies on the level of the highest digit in which its tick differs from the shard's: the first
 * level by single ticks, each next one by 64 slots of the one before. When the shard's tick enters
 * a slot of a higher level, its nodes move down. Bitmaps find what is next, so time may jump. */
#include "sched/sched_priv.h"

/* Ticks that the levels can tell apart. */
#define TICKS_MAX (UINT64_C(1) << (WHEEL_FIRST_BITS + (WHEEL_LEVELS - 1) * WHEEL_BITS))

/* A place in the wheel, and the tick at which something is to be done there. */
typedef struct wheel_event {
    uint32_t level, slot;
    uint64_t tick; /* UINT64_MAX: nothing is set */
} wheel_event;

static unsigned shift_of(uint32_t level)
{
    return level == 0 ? 0 : WHEEL_FIRST_BITS + (level - 1) * WHEEL_BITS;
}

static uint32_t slots_of(uint32_t level)
{
    return level == 0 ? WHEEL_FIRST_SLOTS : WHEEL_SLOTS;
}

/* Index of a level's first slot. */
static uint32_t base_of(uint32_t level)
{
    return level == 0 ? 0 : WHEEL_FIRST_SLOTS + (level - 1) * WHEEL_SLOTS;
}

static uint32_t digit_of(uint64_t tick, uint32_t level)
{
    return (uint32_t)(tick >> shift_of(level)) & (slots_of(level) - 1);
}

static uint32_t level_of(uint64_t tick, uint64_t now_tick)
{
    uint64_t differs = (tick ^ now_tick) >> WHEEL_FIRST_BITS;
    if (differs == 0) return 0;
    return 1 + (63 - (unsigned)__builtin_clzll(differs)) / WHEEL_BITS;
}

static bool is_used(const timer_shard *s, uint32_t slot)
{
    return (s->used[slot / 64] >> slot % 64 & 1) != 0;
}

static wardi_actor *actor_of(wardi_timer_node *node)
{
    return (wardi_actor *)((char *)node - offsetof(wardi_actor, timer));
}

/* ---- nodes in slots ---- */

static void push(timer_shard *s, wardi_timer_node *node)
{
    uint32_t level = level_of(node->tick, s->tick);
    uint32_t slot = base_of(level) + digit_of(node->tick, level);
    wardi_timer_node **head = &s->slots[slot];
    node->slot = slot;
    node->next = *head;
    node->link = head;
    if (node->next != NULL) node->next->link = &node->next;
    *head = node;
    /* A list is followed one miss after the other. What was set eight before is about eight later
     * in it, when many are set for the same time; when not, a wrong line is fetched. */
    wardi_timer_node **recent = &s->recent[s->recent_at++ % WHEEL_AHEAD];
    node->hint = *recent;
    *recent = node;
    s->used[slot / 64] |= UINT64_C(1) << slot % 64;
}

static void unlink_node(timer_shard *s, wardi_timer_node *node)
{
    *node->link = node->next;
    if (node->next != NULL) node->next->link = node->link;
    node->link = NULL;
    if (s->slots[node->slot] == NULL) s->used[node->slot / 64] &= ~(UINT64_C(1) << node->slot % 64);
}

/* The first used slot of a level from `from` on; UINT32_MAX: none. */
static uint32_t first_used(const timer_shard *s, uint32_t level, uint32_t from)
{
    uint32_t base = base_of(level), end = base + slots_of(level);
    uint32_t at = base + from;
    while (at < end) {
        uint64_t word = s->used[at / 64] >> at % 64;
        if (word != 0) return at + (uint32_t)__builtin_ctzll(word);
        at = (at / 64 + 1) * 64;
    }
    return UINT32_MAX;
}

/* Slots of higher levels that the tick has entered and that still hold nodes come first: these may
 * be due now. Then single ticks, then what is to be entered next: a lower level's always precedes
 * a higher one's. */
static wheel_event next_event(const timer_shard *s)
{
    for (uint32_t level = 1; level < WHEEL_LEVELS; level++) {
        uint32_t slot = base_of(level) + digit_of(s->tick, level);
        if (is_used(s, slot)) return (wheel_event){level, slot, s->tick};
    }
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
        uint32_t slot = first_used(s, level, digit_of(s->tick, level));
        if (slot == UINT32_MAX) continue;
        unsigned shift = shift_of(level);
        uint64_t above = s->tick >> shift & ~(uint64_t)(slots_of(level) - 1);
        return (wheel_event){level, slot, (above | (slot - base_of(level))) << shift};
    }
    return (wheel_event){.tick = UINT64_MAX};
}

static uint64_t tick_ns(uint64_t tick)
{
    return tick == UINT64_MAX ? UINT64_MAX : tick * WARDI_MS;
}

static void update_next(timer_shard *s)
{
    atomic_store(&s->next_ns, tick_ns(next_event(s).tick));
}

/* ---- time passes ---- */

/* The signal is set and the actor queued under the lock: whoever takes the timer out under it knows
 * that this thread is done with the actor. */
static void fire(timer_shard *s, wardi_actor *a)
{
    s->count--;
    atomic_store_explicit(&s->fired, atomic_load_explicit(&s->fired, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    actor_signal(a, SIGNAL_TIMER);
}

/* Takes the first actors out of a slot, `room` at most; how many there were. */
static uint32_t take_some(timer_shard *s, uint32_t slot, wardi_actor **ret_actors, uint32_t room)
{
    uint32_t count = 0;
    while (count < room && s->slots[slot] != NULL) {
        wardi_timer_node *node = s->slots[slot];
        unlink_node(s, node);
        if (node->hint != NULL) actor_fetch(actor_of(node->hint));
        ret_actors[count++] = actor_of(node);
    }
    return count;
}

static void fetch_all(wardi_actor *const *actors, uint32_t count)
{
    for (uint32_t step = 0; step < WARDI_FETCH_STEPS; step++)
        for (uint32_t i = 0; i < count; i++) wardi_actor_fetch(actors[i], step);
}

/* Returns what is left of the budget. */
static uint32_t serve(timer_shard *s, wheel_event event, uint32_t budget)
{
    wardi_actor *actors[WHEEL_BATCH];
    uint32_t count;
    do {
        count = take_some(s, event.slot, actors, budget < WHEEL_BATCH ? budget : WHEEL_BATCH);
        if (event.level == 0) fetch_all(actors, count);
        for (uint32_t i = 0; i < count; i++)
            event.level == 0 ? fire(s, actors[i]) : push(s, &actors[i]->timer);
        budget -= count;
    } while (count > 0);
    return budget;
}

void timer_shard_advance(timer_shard *s, uint64_t now_ns)
{
    if (now_ns < atomic_load_explicit(&s->next_ns, memory_order_relaxed)) return;
    uint64_t now_tick = now_ns / WARDI_MS;
    uint32_t budget = WHEEL_BUDGET;
    pthread_mutex_lock(&s->lock);
    while (budget > 0) {
        wheel_event event = next_event(s);
        if (event.tick > now_tick) {
            if (s->tick < now_tick) s->tick = now_tick;
            break;
        }
        if (s->tick < event.tick) s->tick = event.tick;
        budget = serve(s, event, budget);
    }
    update_next(s);
    pthread_mutex_unlock(&s->lock);
}

/* ---- set, cancel ---- */

/* Takes the timer out, and takes back what it did when it has fired but not run. */
static void disarm(wardi_actor *a)
{
    timer_shard *s = a->timer.shard;
    if (!a->timer.armed) return;
    a->timer.armed = false;
    pthread_mutex_lock(&s->lock);
    if (a->timer.link != NULL) {
        unlink_node(s, &a->timer);
        s->count--;
    } else {
        atomic_fetch_and_explicit(&a->signals, ~(uint32_t)SIGNAL_TIMER, memory_order_relaxed);
    }
    pthread_mutex_unlock(&s->lock);
}

/* True: it is nearer than all others. */
static bool insert(timer_shard *s, wardi_timer_node *node, uint64_t tick)
{
    pthread_mutex_lock(&s->lock);
    node->tick = tick > s->tick ? tick : s->tick;
    push(s, node);
    s->count++;
    bool nearer = tick_ns(node->tick) < atomic_load_explicit(&s->next_ns, memory_order_relaxed);
    if (nearer) update_next(s);
    pthread_mutex_unlock(&s->lock);
    return nearer;
}

/* Whoever fired the actor's timer is out of actor_signal. It may have fired and run, and the thread
 * that fired it still be there: as long as the actor knows of one shard only, it must wait for that
 * thread before it knows of another one, and before it ends. */
static void wait_for_firing(const wardi_actor *a)
{
    if (a->timer.shard == NULL) return;
    pthread_mutex_lock(&a->timer.shard->lock);
    pthread_mutex_unlock(&a->timer.shard->lock);
}

void wardi_actor_timer_set(wardi_actor *a, uint64_t deadline_ns)
{
    worker *w = worker_self(a->sched);
    WARD_ASSERT(w != NULL);
    disarm(a);
    uint64_t tick = deadline_ns / WARDI_MS + (deadline_ns % WARDI_MS != 0);
    if (tick >= TICKS_MAX) return;
    if (a->timer.shard != w->shard) wait_for_firing(a);
    a->timer.shard = w->shard;
    a->timer.armed = true;
    if (!insert(w->shard, &a->timer, tick)) return;
    /* Another thread serves the shard only if it replaced this one, and may sleep: it published its
     * sleep before it read next_ns, this thread does it the other way round. */
    worker *server = atomic_load(&w->shard->server);
    if (server != w) worker_wake(server);
}

void wardi_actor_timer_cancel(wardi_actor *a)
{
    disarm(a);
}

/* It may have been stolen from the worker that fired it, whose time was a little ahead. */
uint64_t wardi_actor_timer_now(const wardi_actor *a)
{
    const worker *w = worker_self(a->sched);
    WARD_ASSERT(w != NULL);
    if (a->sched->simulated) return sched_now(a->sched);
    uint64_t fired_ns = tick_ns(a->timer.tick);
    return w->now_ns > fired_ns ? w->now_ns : fired_ns;
}

void timer_forget(wardi_actor *a)
{
    disarm(a);
    wait_for_firing(a);
}

/* ---- shards ---- */

void timer_shard_init(timer_shard *s, uint64_t now_ns)
{
    pthread_mutex_init(&s->lock, NULL);
    s->tick = now_ns / WARDI_MS;
    WARD_ASSERT(s->tick < TICKS_MAX);
    atomic_init(&s->next_ns, UINT64_MAX);
}

void timer_shard_done(timer_shard *s)
{
    pthread_mutex_destroy(&s->lock);
}

static const char *slot_broken(const timer_shard *s, uint32_t slot, uint64_t *count)
{
    const wardi_timer_node *node = s->slots[slot];
    if (is_used(s, slot) != (node != NULL)) return "a slot's bit and its list differ";
    for (; node != NULL; node = node->next) {
        if (*node->link != node || node->slot != slot) return "a node is not where it says";
        if (node->tick < s->tick) return "a timer was passed over";
        if (tick_ns(node->tick) < atomic_load(&s->next_ns)) return "next_ns is too late";
        ++*count;
    }
    return NULL;
}

bool timer_shard_check(timer_shard *s, ward_diag *ret_diag)
{
    const char *broken = NULL;
    uint64_t count = 0;
    pthread_mutex_lock(&s->lock);
    for (uint32_t slot = 0; slot < WHEEL_ALL_SLOTS && broken == NULL; slot++)
        broken = slot_broken(s, slot, &count);
    if (broken == NULL && count != s->count) broken = "the wheel holds another number than counted";
    pthread_mutex_unlock(&s->lock);
    if (broken == NULL) return true;
    (void)wardi_fail(ret_diag, WARD_ERROR_INTERNAL, "timers: %s", broken);
    return false;
}
