/* The wheel: order, never early, cancel, far away, every level, a million. */
#include <stdlib.h>

#include "support.h"

static sim world;

typedef struct ticker {
    wardi_actor actor;
    uint64_t set_at_ns; /* deadline in force; 0: none */
    uint64_t fired;
    uint64_t latest_ns; /* how late at most */
} ticker;

static uint64_t last_fired_ns;

static wardi_next ticker_timer(wardi_actor *a)
{
    ticker *t = a->context;
    uint64_t now = wardi_sched_now(a->sched);
    assert_true(t->set_at_ns != 0);
    assert_true(now >= t->set_at_ns);
    uint64_t late = now - t->set_at_ns;
    if (late > t->latest_ns) t->latest_ns = late;
    t->set_at_ns = 0;
    t->fired++;
    assert_true(now >= last_fired_ns);
    last_fired_ns = now;
    return WARDI_READY;
}

/* correlation: the deadline; 0: cancel */
static wardi_next ticker_receive(wardi_actor *a, wardi_message *m)
{
    ticker *t = a->context;
    t->set_at_ns = m->correlation;
    if (m->correlation != 0)
        wardi_actor_timer_set(a, m->correlation);
    else
        wardi_actor_timer_cancel(a);
    wardi_message_free(a->sched, m);
    return WARDI_READY;
}

static const wardi_behaviour ticker_behaviour = {.receive = ticker_receive, .timer = ticker_timer};

static void ticker_init(ticker *t, wardi_sched *s)
{
    memset(t, 0, sizeof *t);
    last_fired_ns = 0;
    assert_int_equal(wardi_actor_init(&t->actor, s, &ticker_behaviour, NULL), WARD_OK);
    t->actor.context = t;
}

static void ask(ticker *t, uint64_t deadline_ns)
{
    sent(&t->actor, message(deadline_ns, WARDI_LANE_SYSTEM));
    while (counts_of(&t->actor).pending != 0) assert_true(wardi_sched_step(t->actor.sched));
}

/* Each distance from each start: so that every level, its first and its last slot are met. */
static void never_early_and_a_millisecond_late_at_most(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0,
                                      1,
                                      999999,
                                      2046 * WARDI_MS,
                                      2047 * WARDI_MS + 1,
                                      131071 * WARDI_MS,
                                      8388607 * WARDI_MS + 999999};
    static const uint64_t steps[] = {
        0,       1,       2047,    2048,      2049,      131071,      131072,      131073,
        8388607, 8388608, 8388609, 536870911, 536870912, 34359738367, 34359738368, 34359738369};
    wardi_sched *s = sim_sched(&world, 1, 2);
    ticker t;
    ticker_init(&t, s);
    uint64_t fired = 0;
    for (size_t i = 0; i < WARD_COUNT(starts); i++)
        for (size_t k = 0; k < WARD_COUNT(steps); k++) {
            uint64_t block = UINT64_C(1) << 24;
            world.now_ns = (world.now_ns / WARDI_MS / block + 1) * block * WARDI_MS + starts[i];
            ask(&t, world.now_ns + steps[k] * WARDI_MS + i * 1001);
            settle(s);
            assert_int_equal(t.fired, ++fired);
            assert_true(t.latest_ns <= WARDI_MS);
        }
    wardi_sched_free(s);
}

static void what_is_past_fires_at_once(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    ticker t;
    ticker_init(&t, s);
    ask(&t, 1);
    uint64_t before = world.now_ns;
    settle(s);
    assert_int_equal(t.fired, 1);
    assert_true(world.now_ns - before <= WARDI_MS);
    wardi_sched_free(s);
}

static void canceled_is_canceled(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    ticker t;
    ticker_init(&t, s);
    ask(&t, world.now_ns + WARDI_S);
    ask(&t, 0);
    settle(s);
    assert_int_equal(t.fired, 0);
    ask(&t, world.now_ns + WARDI_S);
    ask(&t, world.now_ns + 5 * WARDI_S); /* set anew: once, and later */
    uint64_t before = world.now_ns;
    settle(s);
    assert_int_equal(t.fired, 1);
    assert_true(world.now_ns >= before + 5 * WARDI_S);
    /* Fired, but the cancel runs first: system messages come in while the signal waits only when
     * both are there at once, so the cancel is in the same run. */
    ask(&t, 0);
    wardi_sched_free(s);
}

static wardi_next cancels(wardi_actor *a)
{
    wardi_actor_timer_cancel(a);
    return WARDI_READY;
}

/* The timer fires while the actor has a wake to do, which cancels it. */
static void canceled_after_it_fired(void **state)
{
    (void)state;
    static const wardi_behaviour behaviour = {
        .receive = ticker_receive, .timer = ticker_timer, .wake = cancels};
    wardi_sched *s = sim_sched(&world, 1, 1);
    ticker t;
    ticker_init(&t, s);
    t.actor.behaviour = &behaviour;
    ask(&t, world.now_ns + WARDI_MS);
    world.now_ns += 5 * WARDI_MS;
    timer_shard_advance(&s->shards[0], world.now_ns);
    assert_null(t.actor.timer.link);
    assert_true(t.actor.timer.armed);
    /* What an activity that ran before the timer's would do. */
    worker_pretend(&s->workers[0]);
    wardi_actor_timer_cancel(&t.actor);
    worker_pretend(NULL);
    settle(s);
    assert_int_equal(t.fired, 0);
    wardi_sched_free(s);
}

static void never_is_never(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    ticker t;
    ticker_init(&t, s);
    uint64_t before = world.now_ns;
    ask(&t, UINT64_MAX);
    settle(s);
    assert_int_equal(t.fired, 0);
    assert_int_equal(world.now_ns, before);
    wardi_sched_free(s);
}

static void an_end_takes_its_timer_along(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 2);
    ticker t;
    ticker_init(&t, s);
    ask(&t, world.now_ns + WARDI_S);
    wardi_actor_stop(&t.actor);
    settle(s);
    assert_int_equal(s->shards[0].count + s->shards[1].count, 0);
    assert_int_equal(t.fired, 0);
    wardi_sched_free(s);
}

/* Random deadlines over all scales, some canceled, some set anew; the order is asserted in
 * ticker_timer: one worker fires them as time passes. */
static void random_ones_fire_in_order(void **state)
{
    (void)state;
    enum { TICKERS = 3000 };
    wardi_sched *s = sim_sched(&world, 7, 1);
    ticker *tickers = calloc(TICKERS, sizeof *tickers);
    uint64_t expected = 0;
    for (int i = 0; i < TICKERS; i++) {
        ticker_init(&tickers[i], s);
        uint64_t scale = UINT64_C(1) << (10 + wardi_rng_next(&world.rng) % 46);
        ask(&tickers[i], world.now_ns + 1 + wardi_rng_next(&world.rng) % scale);
        if (i % 5 == 0) ask(&tickers[i], 0);
        expected += i % 5 != 0;
    }
    check(s);
    last_fired_ns = 0;
    for (uint64_t step = 0; wardi_sched_step(s); step++)
        if (step % 64 == 0) check(s);
    uint64_t fired = 0;
    for (int i = 0; i < TICKERS; i++) {
        fired += tickers[i].fired;
        assert_true(tickers[i].latest_ns <= WARDI_MS);
    }
    assert_int_equal(fired, expected);
    wardi_sched_free(s);
    free(tickers);
}

/* ThreadSanitizer takes a minute for a million, and has nothing to see in one thread. */
#if defined(__SANITIZE_THREAD__)
enum { MILLION = 50000 };
#else
enum { MILLION = 1000000 };
#endif

static void a_million(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 7, 2);
    ticker *tickers = calloc(MILLION, sizeof *tickers);
    for (size_t i = 0; i < MILLION; i++) {
        ticker_init(&tickers[i], s);
        ask(&tickers[i], world.now_ns + WARDI_S + i % 1000 * WARDI_MS);
    }
    last_fired_ns = 0;
    while (wardi_sched_step(s)) {}
    for (size_t i = 0; i < MILLION; i++) {
        if (tickers[i].fired != 1) fail_msg("timer %zu fired %d times", i, (int)tickers[i].fired);
        if (tickers[i].latest_ns > WARDI_MS) fail_msg("timer %zu was late", i);
    }
    check(s);
    wardi_sched_figures figures;
    wardi_sched_figures_get(s, &figures);
    assert_int_equal(figures.timers_fired, MILLION);
    assert_int_equal(figures.actors, MILLION);
    wardi_sched_free(s);
    free(tickers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_early_and_a_millisecond_late_at_most),
        cmocka_unit_test(what_is_past_fires_at_once),
        cmocka_unit_test(canceled_is_canceled),
        cmocka_unit_test(canceled_after_it_fired),
        cmocka_unit_test(never_is_never),
        cmocka_unit_test(an_end_takes_its_timer_along),
        cmocka_unit_test(random_ones_fire_in_order),
        cmocka_unit_test(a_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
