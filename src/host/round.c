/* Rounds: checks at their intervals, of a grain of children at a time.
 *
 * A million children that are checked each second are a million timers, each of which would be put
 * into a wheel, taken out, and its actor queued and run, for a check that takes less than that. So
 * the children of a grain share a timer, that of their round, which is an actor as well: when the
 * first of them is due, it visits all of them on its worker, and checks those who are due or nearly
 * so. From then on these are due together, as long as their intervals are the same.
 *
 * Who can't be visited because it runs, or is about to, is woken, and has its check as soon as it
 * is free. Whose check takes long leaves the round until one is faster, and goes by its own timer:
 * so it keeps none of the others waiting, and many of its kind are checked on many cores. A round
 * that has taken a millisecond begins anew for the rest, behind what else there is to do. And if a
 * guest does not come back, the clock finds a worker stuck, the keeper finds the round that is held
 * up, and all its children are woken, to go by timers of their own until it is over.
 *
 * No check is missed. A child tells its round when it is due after each run of its own, by lowering
 * `next_ns`; whoever lowers it wakes the round, which sets its timer to what it finds there. When
 * the round begins, it first takes what is there and leaves "never", then visits: what a child is
 * due at before its visit is seen in the visit, what it becomes due at later it lowers to. */
#include "host/ask.h"
#include "host/host_priv.h"

/* True: it was later. */
static bool lower(check_round *r, uint64_t due_ns)
{
    uint64_t next_ns = atomic_load(&r->next_ns);
    while (due_ns < next_ns)
        if (atomic_compare_exchange_weak(&r->next_ns, &next_ns, due_ns)) return true;
    return false;
}

void round_expect(check_round *r, uint64_t due_ns)
{
    if (lower(r, due_ns)) wardi_actor_wake(&r->actor);
}

static wardi_next set_timer(wardi_actor *self)
{
    check_round *r = self->context;
    uint64_t next_ns = atomic_load(&r->next_ns);
    if (next_ns == WARDI_FOREVER)
        wardi_actor_timer_cancel(self);
    else
        wardi_actor_timer_set(self, next_ns);
    return WARDI_READY;
}

/* ---- a round ---- */

typedef struct turn {
    round_time time;
    check_round *round;
    bool over; /* the rest has to wait */
} turn;

static void take_turn(void *context, uint32_t i, child *c)
{
    (void)i;
    turn *t = context;
    if (c->round == NULL) return;
    if (!wardi_actor_visit(&c->actor, child_in_round, &t->time)) wardi_actor_wake(&c->actor);
    if (t->over || t->time.now_ns < t->time.enough_ns) return;
    t->over = true;
    t->round->at = (wardi_actor_place(c->actor.id) + 1) % GRAIN;
}

/* From where the last one had to stop, so that each has its turn. */
static void take_turns(turn *t)
{
    const check_round *r = t->round;
    wardi_sched *sched = r->supervisor->sched;
    uint32_t places = wardi_sched_places(sched) - r->first;
    uint32_t count = places < GRAIN ? places : GRAIN, at = r->at < count ? r->at : 0;
    grain_each(sched, r->first + at, count - at, take_turn, t);
    if (at > 0) grain_each(sched, r->first, at, take_turn, t);
}

static wardi_next round_due(wardi_actor *self)
{
    check_round *r = self->context;
    uint64_t now_ns = wardi_actor_timer_now(self);
    turn t = {.time = {.now_ns = now_ns, .enough_ns = now_ns + GRAIN_SLOW_NS}, .round = r};
    t.time.next_ns = atomic_exchange(&r->next_ns, WARDI_FOREVER);
    if (t.time.next_ns <= now_ns) {
        t.time.next_ns = WARDI_FOREVER;
        atomic_store_explicit(&r->began_ns, now_ns, memory_order_relaxed);
        take_turns(&t);
        atomic_store_explicit(&r->began_ns, 0, memory_order_relaxed);
        atomic_store(&r->held_up, false);
    }
    lower(r, t.time.next_ns);
    return set_timer(self);
}

static wardi_next round_receive(wardi_actor *self, wardi_message *message)
{
    wardi_message_free(self->sched, message); /* nobody knows it */
    return WARDI_READY;
}

static const wardi_behaviour round_behaviour = {
    .receive = round_receive, .timer = round_due, .wake = set_timer};

/* ---- held up ---- */

void rounds_may_be_stuck(ward_supervisor *s)
{
    atomic_store(&s->rounds_stuck, true);
    wardi_actor_wake(&s->keeper);
}

static void relieve(check_round *r)
{
    wardi_sched *sched = r->supervisor->sched;
    atomic_store(&r->held_up, true);
    for (uint32_t i = 0; i < GRAIN; i++) {
        child *c = child_of(wardi_sched_pin_place(sched, r->first + i));
        if (c == NULL) continue;
        wardi_actor_wake(&c->actor);
        wardi_actor_unpin(&c->actor);
    }
}

/* One that ends meanwhile is held up no more: what it finds then is only done twice. */
void rounds_relieve(ward_supervisor *s)
{
    if (!atomic_exchange(&s->rounds_stuck, false)) return;
    uint64_t now_ns = wardi_sched_now(s->sched);
    for (size_t i = 0; i < s->rounds_room; i++) {
        check_round *r = s->rounds[i];
        uint64_t began_ns =
            r != NULL ? atomic_load_explicit(&r->began_ns, memory_order_relaxed) : 0;
        if (began_ns != 0 && now_ns - began_ns >= GRAIN_SLOW_NS) relieve(r);
    }
}

/* ---- who is in which ---- */

/* Only who can be visited: what is the application's own may wait, and what a check of one with a
 * budget takes is counted where its timer is. */
static bool can_join(const child *c)
{
    return c->kind == &component_kind && c->budget == NULL;
}

static bool make_room(ward_supervisor *s, size_t at)
{
    if (at < s->rounds_room) return true;
    size_t room = 2 * at + 16;
    check_round **rounds = wardi_alloc_array(room, sizeof(check_round *));
    if (rounds == NULL) return false;
    for (size_t i = 0; i < s->rounds_room; i++) rounds[i] = s->rounds[i];
    wardi_free(s->rounds);
    s->rounds = rounds;
    s->rounds_room = room;
    return true;
}

static check_round *round_new(ward_supervisor *s, uint32_t first)
{
    check_round *r = wardi_alloc(sizeof *r);
    if (r == NULL) return NULL;
    r->supervisor = s;
    r->first = first;
    r->next_ns = WARDI_FOREVER;
    if (wardi_actor_init(&r->actor, s->sched, &round_behaviour, NULL) != WARD_OK) {
        wardi_free(r);
        return NULL;
    }
    r->actor.context = r;
    atomic_fetch_add(&s->round_count, 1);
    return r;
}

void round_join(child *c)
{
    ward_supervisor *s = c->supervisor;
    uint32_t at = wardi_actor_place(c->actor.id) / GRAIN;
    if (!can_join(c) || !make_room(s, at)) return;
    if (s->rounds[at] == NULL) s->rounds[at] = round_new(s, at * GRAIN);
    c->round = s->rounds[at];
}

void rounds_done(ward_supervisor *s)
{
    for (size_t i = 0; i < s->rounds_room; i++) wardi_free(s->rounds[i]);
    wardi_free(s->rounds);
    s->rounds = NULL;
    s->rounds_room = 0;
}
