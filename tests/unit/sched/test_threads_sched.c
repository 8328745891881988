/* Threads: nobody's wake-up, message or answer is lost while many send, actors die and workers
 * hang. Bounds on time are generous: the machine may be busy. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"

enum { PATIENCE_S = 60 };

static wardi_sched *threads(uint32_t workers, uint32_t spares)
{
    wardi_sched_options options = {.workers = workers, .spares = spares};
    wardi_sched *s = NULL;
    assert_int_equal(wardi_sched_new(&options, &s, NULL), WARD_OK);
    return s;
}

static void until(_Atomic uint64_t *value, uint64_t wanted)
{
    uint64_t deadline = wardi_now_ns() + PATIENCE_S * WARDI_S;
    while (atomic_load(value) < wanted) {
        if (wardi_now_ns() > deadline)
            fail_msg("%llu of %llu, and no more", (unsigned long long)atomic_load(value),
                     (unsigned long long)wanted);
        usleep(200);
    }
}

/* All workers asleep: then nothing runs and invariants can be looked at. */
static void until_quiet(wardi_sched *s)
{
    uint64_t deadline = wardi_now_ns() + PATIENCE_S * WARDI_S;
    do {
        assert_true(wardi_now_ns() < deadline);
        usleep(1000);
    } while (wardi_sched_busy(s));
}

typedef struct counter {
    wardi_actor actor;
    _Atomic uint64_t handled;
    _Atomic uint32_t inside;
    uint64_t last_from[8]; /* by sender */
    _Atomic uint64_t ended;
    bool asks_next; /* passes each message on to `other` */
    wardi_actor_id other;
} counter;

static void enter(counter *c)
{
    WARD_ASSERT(atomic_exchange_explicit(&c->inside, 1, memory_order_relaxed) == 0);
}

static void leave(counter *c)
{
    WARD_ASSERT(atomic_exchange_explicit(&c->inside, 0, memory_order_relaxed) == 1);
}

static wardi_next counter_receive(wardi_actor *self, wardi_message *m)
{
    counter *c = self->context;
    enter(c);
    if (m->kind < WARD_COUNT(c->last_from)) {
        WARD_ASSERT(m->correlation > c->last_from[m->kind]); /* order of each sender */
        c->last_from[m->kind] = m->correlation;
    }
    wardi_message_answer(self->sched, m, WARD_OK);
    leave(c);
    atomic_fetch_add_explicit(&c->handled, 1, memory_order_relaxed);
    return WARDI_READY;
}

static void counter_ended(wardi_actor *self)
{
    counter *c = self->context;
    enter(c);
    leave(c);
    atomic_fetch_add(&c->ended, 1);
}

static const wardi_behaviour counter_behaviour = {.receive = counter_receive,
                                                  .ended = counter_ended};

static void counter_init(counter *c, wardi_sched *s, const wardi_behaviour *behaviour,
                         const wardi_mailbox_options *mailbox)
{
    memset(c, 0, sizeof *c);
    assert_int_equal(wardi_actor_init(&c->actor, s, behaviour, mailbox), WARD_OK);
    c->actor.context = c;
}

/* ---- many senders, each policy ---- */

enum { SENDERS = 4, EACH = 10000, RECEIVERS = 5 };

typedef struct sender {
    wardi_sched *sched;
    counter *to;
    uint16_t number;
    uint64_t refused, sent;
} sender;

static void *send_many(void *argument)
{
    sender *me = argument;
    for (uint64_t i = 1; i <= EACH; i++) {
        wardi_message *m = wardi_message_new(me->number);
        WARD_ASSERT(m != NULL);
        m->correlation = i;
        counter *to = &me->to[i % RECEIVERS];
        ward_error error = wardi_sched_send(me->sched, to->actor.id, m);
        me->sent += error == WARD_OK;
        me->refused += error != WARD_OK;
        if (error != WARD_OK) wardi_message_free(me->sched, m);
    }
    return NULL;
}

static void every_message_is_handled_or_counted(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++) {
        int full = round / 2;
        wardi_sched *s = threads(2, 1);
        counter to[RECEIVERS];
        for (int i = 0; i < RECEIVERS; i++)
            counter_init(&to[i], s, &counter_behaviour,
                         &(wardi_mailbox_options){.user_max = round % 2 == 0 ? 7 : 1,
                                                  .full = (wardi_full)full,
                                                  .block_ns = 30 * WARDI_S});
        pthread_t thread[SENDERS];
        sender senders[SENDERS];
        for (uint16_t i = 0; i < SENDERS; i++) {
            senders[i] = (sender){.sched = s, .to = to, .number = i};
            assert_int_equal(pthread_create(&thread[i], NULL, send_many, &senders[i]), 0);
        }
        uint64_t refused = 0, handled = 0;
        for (int i = 0; i < SENDERS; i++) {
            pthread_join(thread[i], NULL);
            refused += senders[i].refused;
        }
        until_quiet(s);
        check(s);
        wardi_counts sum = {0};
        for (int i = 0; i < RECEIVERS; i++) {
            wardi_counts c = counts_of(&to[i].actor);
            assert_int_equal(c.pending, 0); /* nobody sleeps over a message */
            sum.sent += c.sent;
            sum.refused += c.refused;
            sum.dropped_oldest += c.dropped_oldest;
            sum.dropped_newest += c.dropped_newest;
            handled += atomic_load(&to[i].handled);
        }
        assert_int_equal(sum.sent, SENDERS * EACH);
        assert_int_equal(sum.refused, refused);
        assert_int_equal(handled + sum.refused + sum.dropped_oldest + sum.dropped_newest, sum.sent);
        if (full == WARDI_FULL_BLOCK) assert_int_equal(handled, SENDERS * EACH);
        wardi_sched_free(s);
    }
}

/* ---- request and answer, one at a time: each could be the one that nobody wakes up for ---- */

static void *call_many(void *argument)
{
    sender *me = argument;
    for (uint64_t i = 1; i <= EACH / 2; i++) {
        wardi_message *m = wardi_message_new(me->number);
        WARD_ASSERT(m != NULL);
        m->correlation = i;
        m->lane = i % 3 == 0 ? WARDI_LANE_SYSTEM : WARDI_LANE_USER;
        m->kind = 100; /* two lanes have no common order */
        wardi_message_ask_thread(m);
        WARD_ASSERT(wardi_sched_send(me->sched, me->to[i % RECEIVERS].actor.id, m) == WARD_OK);
        WARD_ASSERT(wardi_message_await(me->sched, m, wardi_now_ns() + PATIENCE_S * WARDI_S) ==
                    WARD_OK);
        WARD_ASSERT(m->status == WARD_OK && m->correlation == i);
        wardi_message_free(me->sched, m);
        if (i % 64 == 0) usleep(100); /* so that workers go to sleep in between */
    }
    return NULL;
}

static void every_call_is_answered(void **state)
{
    (void)state;
    wardi_sched *s = threads(3, 1);
    counter to[RECEIVERS];
    for (int i = 0; i < RECEIVERS; i++) counter_init(&to[i], s, &counter_behaviour, NULL);
    pthread_t thread[SENDERS];
    sender senders[SENDERS];
    for (uint16_t i = 0; i < SENDERS; i++) {
        senders[i] = (sender){.sched = s, .to = to, .number = i};
        assert_int_equal(pthread_create(&thread[i], NULL, call_many, &senders[i]), 0);
    }
    for (int i = 0; i < SENDERS; i++) pthread_join(thread[i], NULL);
    until_quiet(s);
    check(s);
    wardi_sched_free(s);
}

/* ---- visitors among senders: one thread inside at a time, and nobody's call is missed ---- */

static _Atomic bool all_called;

static void *visit_many(void *argument)
{
    wardi_sched *s = argument;
    uint64_t visits = 0;
    for (uint32_t place = 0; !atomic_load(&all_called); place++) {
        wardi_actor *a = wardi_sched_pin_place(s, place % RECEIVERS);
        WARD_ASSERT(a != NULL);
        if (wardi_actor_enter(a)) {
            enter(a->context);
            leave(a->context);
            wardi_actor_leave(a);
            visits++;
        }
        wardi_actor_unpin(a);
    }
    return (void *)(uintptr_t)visits;
}

static void visitors_and_senders(void **state)
{
    (void)state;
    enum { VISITORS = 2 };
    wardi_sched *s = threads(2, 1);
    counter to[RECEIVERS];
    for (int i = 0; i < RECEIVERS; i++) counter_init(&to[i], s, &counter_behaviour, NULL);
    pthread_t thread[SENDERS], visitor[VISITORS];
    sender senders[SENDERS];
    atomic_store(&all_called, false);
    for (int i = 0; i < VISITORS; i++)
        assert_int_equal(pthread_create(&visitor[i], NULL, visit_many, s), 0);
    for (uint16_t i = 0; i < SENDERS; i++) {
        senders[i] = (sender){.sched = s, .to = to, .number = i};
        assert_int_equal(pthread_create(&thread[i], NULL, call_many, &senders[i]), 0);
    }
    for (int i = 0; i < SENDERS; i++) pthread_join(thread[i], NULL);
    atomic_store(&all_called, true);
    uint64_t visits = 0, handled = 0;
    for (int i = 0; i < VISITORS; i++) {
        void *made;
        pthread_join(visitor[i], &made);
        visits += (uintptr_t)made;
    }
    until_quiet(s);
    check(s);
    for (int i = 0; i < RECEIVERS; i++) handled += counts_of(&to[i].actor).handled;
    assert_true(visits > 0);
    assert_int_equal(handled, SENDERS * (EACH / 2) + visits);
    wardi_sched_free(s);
}

/* ---- actors die and are born while others send to them ---- */

static _Atomic uint64_t ids[RECEIVERS], births;
static _Atomic bool all_sent;

static void *send_to_mortals(void *argument)
{
    sender *me = argument;
    wardi_message *asked[16];
    for (uint64_t i = 0; i < EACH / 8; i++) {
        int count = 0;
        for (uint64_t k = 0; k < WARD_COUNT(asked); k++) {
            wardi_message *m = wardi_message_new(100);
            WARD_ASSERT(m != NULL);
            m->lane = k % 2 == 0 ? WARDI_LANE_SYSTEM : WARDI_LANE_USER;
            wardi_message_ask_thread(m);
            if (wardi_sched_send(me->sched, atomic_load(&ids[(i + k) % RECEIVERS]), m) == WARD_OK)
                asked[count++] = m;
            else
                wardi_message_free(me->sched, m);
        }
        if (i % 4 == me->number) wardi_sched_stop(me->sched, atomic_load(&ids[i % RECEIVERS]));
        for (int k = 0; k < count; k++) { /* each has its answer, whatever it is */
            WARD_ASSERT(wardi_message_await(me->sched, asked[k],
                                            wardi_now_ns() + PATIENCE_S * WARDI_S) == WARD_OK);
            WARD_ASSERT(asked[k]->status == WARD_OK || asked[k]->status == WARD_ERROR_UNDELIVERED);
            wardi_message_free(me->sched, asked[k]);
        }
    }
    return NULL;
}

/* Another life in fresh memory: a thread that still reached for the old would be seen. */
static void mortal_ended(wardi_actor *self)
{
    wardi_sched *s = self->sched;
    size_t slot = (size_t)self->block_ns - 1;
    const wardi_behaviour *behaviour = self->behaviour;
    memset(self, 0xdd, sizeof *self);
    free(self);
    if (atomic_load(&all_sent)) return;
    counter *next = calloc(1, sizeof *next);
    WARD_ASSERT(next != NULL);
    WARD_ASSERT(wardi_actor_init(&next->actor, s, behaviour,
                                 &(wardi_mailbox_options){.block_ns = slot + 1}) == WARD_OK);
    next->actor.context = next;
    atomic_fetch_add(&births, 1);
    atomic_store(&ids[slot], next->actor.id);
}

static wardi_next mortal_receive(wardi_actor *self, wardi_message *m)
{
    counter *c = self->context;
    enter(c);
    wardi_message_answer(self->sched, m, WARD_OK);
    if (++c->last_from[0] % 8 == 0) wardi_actor_timer_set(self, 1); /* one that ends may be due */
    leave(c);
    return WARDI_READY;
}

static wardi_next mortal_timer(wardi_actor *self)
{
    (void)self;
    return WARDI_READY;
}

static void deaths_lose_nobodys_answer(void **state)
{
    (void)state;
    static const wardi_behaviour mortal = {
        .receive = mortal_receive, .timer = mortal_timer, .ended = mortal_ended};
    wardi_sched *s = threads(2, 1);
    for (size_t i = 0; i < RECEIVERS; i++) {
        counter *c = calloc(1, sizeof *c);
        counter_init(c, s, &mortal, &(wardi_mailbox_options){.block_ns = i + 1});
        atomic_store(&ids[i], c->actor.id);
    }
    pthread_t thread[SENDERS];
    sender senders[SENDERS];
    for (uint16_t i = 0; i < SENDERS; i++) {
        senders[i] = (sender){.sched = s, .number = i};
        assert_int_equal(pthread_create(&thread[i], NULL, send_to_mortals, &senders[i]), 0);
    }
    for (int i = 0; i < SENDERS; i++) pthread_join(thread[i], NULL);
    until_quiet(s);
    check(s);
    assert_true(atomic_load(&births) > 100);
    wardi_sched_figures f;
    wardi_sched_figures_get(s, &f);
    assert_int_equal(f.actors, RECEIVERS);
    assert_int_equal(f.messages.pending, 0);
    assert_int_equal(f.messages.sent,
                     f.messages.handled + f.messages.refused + f.messages.undelivered);
    atomic_store(&all_sent, true);
    wardi_sched_free(s);
}

/* ---- actors among themselves: rings, steals, full queues ---- */

enum { RING = 3000, HOPS = 40 };

static wardi_next hop(wardi_actor *self, wardi_message *m)
{
    counter *c = self->context;
    enter(c);
    if (--m->correlation == 0 || wardi_sched_send(self->sched, c->other, m) != WARD_OK)
        wardi_message_free(self->sched, m);
    leave(c);
    atomic_fetch_add(&c->handled, 1);
    return WARDI_READY;
}

/* From one worker's run all are set off: more than its ring holds, and others have to steal. */
static wardi_next set_off(wardi_actor *self, wardi_message *m)
{
    counter *all = (counter *)m->context;
    for (int i = 0; i < RING; i++) {
        wardi_message *hops = wardi_message_new(100);
        WARD_ASSERT(hops != NULL);
        hops->correlation = HOPS;
        WARD_ASSERT(wardi_actor_send(&all[i].actor, hops) == WARD_OK);
    }
    wardi_message_answer(self->sched, m, WARD_OK);
    return WARDI_READY;
}

static void work_spreads(void **state)
{
    (void)state;
    static const wardi_behaviour hopping = {.receive = hop}, starter = {.receive = set_off};
    wardi_sched *s = threads(4, 1);
    counter *all = calloc(RING, sizeof *all), first;
    for (int i = 0; i < RING; i++) counter_init(&all[i], s, &hopping, NULL);
    for (int i = 0; i < RING; i++) all[i].other = all[(i * 7 + 1) % RING].actor.id;
    counter_init(&first, s, &starter, NULL);
    wardi_sched_figures f = {0};
    uint64_t handled = 0, rounds = 0;
    /* On a machine that has one core for us, one worker may be done before another is awake. */
    while (f.steals == 0 && rounds < 1000) {
        wardi_message *m = wardi_message_new(100);
        m->context = all;
        sent(&first.actor, m);
        until_quiet(s);
        check(s);
        wardi_sched_figures_get(s, &f);
        rounds++;
    }
    for (int i = 0; i < RING; i++) handled += atomic_load(&all[i].handled);
    assert_int_equal(handled + rounds, f.messages.handled);
    if (f.messages.refused == 0) assert_int_equal(handled, rounds * RING * HOPS);
    assert_int_equal(f.messages.pending, 0);
    assert_true(f.steals > 0);
    wardi_sched_free(s);
    free(all);
}

/* ---- a worker that hangs ---- */

static _Atomic uint32_t hang;
static _Atomic uint64_t hanging;

static wardi_next hang_receive(wardi_actor *self, wardi_message *m)
{
    counter *c = self->context;
    enter(c);
    /* Also what it queues before it hangs must get to run. */
    wardi_message *on = wardi_message_new(100);
    WARD_ASSERT(on != NULL && wardi_sched_send(self->sched, c->other, on) == WARD_OK);
    atomic_fetch_add(&hanging, 1);
    while (atomic_load(&hang) != 0) usleep(500);
    on = wardi_message_new(100);
    WARD_ASSERT(on != NULL && wardi_sched_send(self->sched, c->other, on) == WARD_OK);
    leave(c);
    atomic_fetch_add(&c->handled, 1);
    wardi_message_free(self->sched, m);
    return WARDI_READY;
}

static void *clock_thread(void *argument)
{
    wardi_sched *s = argument;
    while (!atomic_load(&all_sent)) {
        wardi_sched_watch(s, wardi_now_ns());
        usleep(1000);
    }
    return NULL;
}

enum { STUCK = 2 };

static void hang_workers(wardi_sched *s)
{
    static const wardi_behaviour hanging_behaviour = {.receive = hang_receive};
    pthread_t clock;
    atomic_store(&all_sent, false);
    assert_int_equal(pthread_create(&clock, NULL, clock_thread, s), 0);
    for (int round = 0; round < 5; round++) {
        counter others[STUCK], stuck[STUCK];
        counter *other = &others[0];
        for (int i = 0; i < STUCK; i++) counter_init(&others[i], s, &counter_behaviour, NULL);
        atomic_store(&hang, 1);
        atomic_store(&hanging, 0);
        for (int i = 0; i < STUCK; i++) {
            counter_init(&stuck[i], s, &hanging_behaviour, NULL);
            stuck[i].other = others[i].actor.id;
            sent(&stuck[i].actor, message(1, WARDI_LANE_USER));
        }
        until(&hanging, STUCK); /* every worker is in a call that does not end */
        for (int i = 0; i < STUCK; i++) until(&others[i].handled, 1);
        for (uint64_t i = 0; i < 100; i++) {
            wardi_message *m = message(0, WARDI_LANE_SYSTEM);
            m->kind = 100;
            sent(&other->actor, m);
            until(&other->handled, 1 + i + 1);
        }
        assert_int_equal(atomic_load(&stuck[0].handled), 0);
        atomic_store(&hang, 0);
        for (int i = 0; i < STUCK; i++) until(&stuck[i].handled, 1);
        until(&other->handled, 2 + 100);
        until_quiet(s);
        check(s);
        for (int i = 0; i < STUCK; i++) wardi_actor_stop(&stuck[i].actor);
        for (int i = 0; i < STUCK; i++) wardi_actor_stop(&others[i].actor);
        for (int i = 0; i < STUCK; i++) until(&others[i].ended, 1);
        until_quiet(s);
    }
    atomic_store(&all_sent, true);
    pthread_join(clock, NULL);
}

static void a_stuck_worker_is_replaced(void **state)
{
    (void)state;
    wardi_sched *s = threads(STUCK, STUCK);
    hang_workers(s);
    wardi_sched_figures f;
    wardi_sched_figures_get(s, &f);
    assert_true(f.stuck >= 5 * STUCK);
    wardi_sched_free(s);
}

/* The last spare is gone, a worker sleeps, and what the stuck one queued for itself must be found.
 */
static void a_stuck_worker_without_spare_is_robbed(void **state)
{
    (void)state;
    wardi_sched *s = threads(STUCK, 1);
    hang_workers(s);
    wardi_sched_figures f;
    wardi_sched_figures_get(s, &f);
    assert_true(f.stuck_without_spare > 0);
    wardi_sched_free(s);
}

/* ---- idle costs nothing ---- */

static _Atomic int busy_calls, idle_calls;

static void on_busy(void *context)
{
    atomic_fetch_add((_Atomic int *)context, 1);
    atomic_fetch_add(&busy_calls, 1);
}

static void on_idle(void *context)
{
    (void)context;
    atomic_fetch_add(&idle_calls, 1);
}

static wardi_next far_timer(wardi_actor *self, wardi_message *m)
{
    wardi_actor_timer_set(self, wardi_sched_now(self->sched) + 3600 * WARDI_S);
    wardi_message_answer(self->sched, m, WARD_OK);
    return WARDI_READY;
}

static void idle_workers_sleep(void **state)
{
    (void)state;
    static const wardi_behaviour far = {.receive = far_timer};
    static _Atomic int context_calls;
    wardi_sched_options options = {.workers = 3,
                                   .spares = 2,
                                   .on_busy = on_busy,
                                   .on_idle = on_idle,
                                   .hook_context = &context_calls};
    wardi_sched *s = NULL;
    assert_int_equal(wardi_sched_new(&options, &s, NULL), WARD_OK);
    counter c;
    counter_init(&c, s, &far, NULL);
    until_quiet(s);
    int busy = atomic_load(&busy_calls);
    sent(&c.actor, message(1, WARDI_LANE_SYSTEM)); /* with a timer set, and an actor there */
    usleep(20000);
    until_quiet(s);
    assert_true(atomic_load(&busy_calls) > busy);
    assert_true(atomic_load(&idle_calls) > 0);
    assert_int_equal(atomic_load(&context_calls), atomic_load(&busy_calls));
    wardi_sched_figures before, after;
    wardi_sched_figures_get(s, &before);
    usleep(500000);
    wardi_sched_figures_get(s, &after);
    assert_int_equal(after.sleeps, before.sleeps);
    assert_int_equal(after.wakeups, before.wakeups);
    assert_int_equal(after.runs, before.runs);
    assert_false(wardi_sched_busy(s));
    wardi_sched_free(s);
    assert_int_equal(atomic_load(&idle_calls), atomic_load(&busy_calls));
}

/* ---- timers ---- */

typedef struct alarm_actor {
    wardi_actor actor;
    uint64_t due_ns;
    _Atomic uint64_t fired;
} alarm_actor;

static wardi_next alarm_timer(wardi_actor *self)
{
    alarm_actor *a = self->context;
    uint64_t now_ns = wardi_actor_timer_now(self);
    WARD_ASSERT(now_ns >= a->due_ns && now_ns <= wardi_now_ns());
    if (atomic_fetch_add(&a->fired, 1) + 1 < 20) {
        a->due_ns = wardi_now_ns() + (uint64_t)(self->id % 7) * WARDI_MS;
        wardi_actor_timer_set(self, a->due_ns);
    }
    return WARDI_READY;
}

static wardi_next alarm_receive(wardi_actor *self, wardi_message *m)
{
    alarm_actor *a = self->context;
    a->due_ns = wardi_now_ns() + m->correlation;
    wardi_actor_timer_set(self, a->due_ns);
    wardi_message_free(self->sched, m);
    return WARDI_READY;
}

static void timers_wake_sleepers(void **state)
{
    (void)state;
    enum { ALARMS = 500 };
    static const wardi_behaviour alarms = {.receive = alarm_receive, .timer = alarm_timer};
    wardi_sched *s = threads(3, 1);
    alarm_actor *all = calloc(ALARMS, sizeof *all);
    for (size_t i = 0; i < ALARMS; i++) {
        assert_int_equal(wardi_actor_init(&all[i].actor, s, &alarms, NULL), WARD_OK);
        all[i].actor.context = &all[i];
        sent(&all[i].actor, message(i * 100 * WARDI_US, WARDI_LANE_SYSTEM));
    }
    for (size_t i = 0; i < ALARMS; i++) until(&all[i].fired, 20);
    until_quiet(s);
    check(s);
    wardi_sched_free(s);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_handled_or_counted),
        cmocka_unit_test(every_call_is_answered),
        cmocka_unit_test(visitors_and_senders),
        cmocka_unit_test(deaths_lose_nobodys_answer),
        cmocka_unit_test(work_spreads),
        cmocka_unit_test(a_stuck_worker_is_replaced),
        cmocka_unit_test(a_stuck_worker_without_spare_is_robbed),
        cmocka_unit_test(idle_workers_sleep),
        cmocka_unit_test(timers_wake_sleepers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
