/* Seeded simulation: actors that send, ask, wait, set timers, stop and are born, by chance; after
 * every step the invariants hold, and at the end nobody's answer is missing.
 *
 * WARD_SEEDS=10000 runs that many seeds (1000 unless set), WARD_SEED=17 runs one. A seed that fails
 * prints the command that runs it again. */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

enum { ACTORS = 12, STEPS_MAX = 100000, ACTIONS = 150 };

typedef struct player {
    wardi_actor actor; /* first */
    struct play *play;
    int index;
    bool inside, alive;
    uint64_t timer_ns;              /* set for; 0: not set */
    uint64_t last_from[ACTORS + 2]; /* the last number from each sender, by lane */
    uint64_t last_system_from[ACTORS + 2];
} player;

typedef struct play {
    sim world;
    wardi_sched *sched;
    player players[ACTORS];
    uint64_t numbers[ACTORS + 2]; /* the next one of each sender */
    uint64_t asked, answers;      /* by actors; the answers that came, or whose asker has ended */
    uint64_t actions_left;
    uint64_t seed;
} play;

static uint64_t any(play *p, uint64_t below)
{
    return wardi_rng_next(&p->world.rng) % below;
}

static void must(play *p, bool holds, const char *what)
{
    if (holds) return;
    fail_msg("%s. Again: WARD_SEED=%llu build/tests/sched_simulate", what,
             (unsigned long long)p->seed);
}

static void player_init(player *q);

/* correlation: the sender's number; context: who sent it. An answer is marked by its status. */
static void player_send(play *p, player *from)
{
    player *to = &p->players[any(p, ACTORS)];
    int sender = from != NULL ? from->index : ACTORS;
    wardi_message *m = wardi_message_new(1);
    m->lane = any(p, 4) == 0 ? WARDI_LANE_SYSTEM : WARDI_LANE_USER;
    m->correlation = ++p->numbers[sender];
    m->context = &p->numbers[sender];
    if (any(p, 4) == 0) m->expiry_ns = p->world.now_ns + any(p, 5 * WARDI_MS);
    bool asks = from != NULL && any(p, 2) == 0;
    if (asks) wardi_message_ask_actor(m, &from->actor);
    ward_error error = wardi_sched_send(p->sched, to->actor.id, m);
    if (error == WARD_OK)
        p->asked += asks;
    else
        wardi_message_free(p->sched, m);
    must(p,
         error == WARD_OK || error == WARD_ERROR_MAILBOX_FULL || error == WARD_ERROR_ACTOR_GONE ||
             error == WARD_ERROR_WOULD_BLOCK || error == WARD_ERROR_MAILBOX_TIMEOUT,
         "a send ends in an error that it does not have");
}

static wardi_next act_by_chance(player *q)
{
    play *p = q->play;
    for (uint64_t n = any(p, 3); n > 0 && p->actions_left > 0; n--) {
        p->actions_left--;
        player_send(p, q);
    }
    if (p->actions_left > 0 && any(p, 8) == 0) {
        p->actions_left--;
        q->timer_ns = p->world.now_ns + any(p, 3 * WARDI_S);
        wardi_actor_timer_set(&q->actor, q->timer_ns);
    } else if (any(p, 16) == 0) {
        q->timer_ns = 0;
        wardi_actor_timer_cancel(&q->actor);
    }
    if (any(p, 10) == 0) p->world.now_ns += any(p, 2 * WARDI_MS); /* a long one */
    uint64_t then = any(p, 40);
    if (then == 0) return WARDI_STOP;
    return then < 5 ? WARDI_WAITING : WARDI_READY;
}

static void enter(player *q)
{
    must(q->play, !q->inside, "an actor runs twice at once");
    must(q->play, q->alive, "an actor runs after its end");
    q->inside = true;
}

static void in_order(player *q, const wardi_message *m)
{
    size_t sender = (size_t)((uint64_t *)m->context - q->play->numbers);
    uint64_t *last =
        m->lane == WARDI_LANE_SYSTEM ? &q->last_system_from[sender] : &q->last_from[sender];
    must(q->play, m->correlation > *last, "the order of a sender is lost");
    *last = m->correlation;
}

static wardi_next player_receive(wardi_actor *self, wardi_message *m)
{
    player *q = self->context;
    play *p = q->play;
    enter(q);
    must(p, m->lane != WARDI_LANE_USER || self->next == WARDI_READY,
         "a user message got to an actor that waits");
    must(p, m->expiry_ns == 0 || p->world.now_ns <= m->expiry_ns, "an expired message got through");
    if (m->lane == WARDI_LANE_ANSWER)
        p->answers++;
    else
        in_order(q, m);
    wardi_message_answer(p->sched, m, WARD_OK);
    wardi_next next = act_by_chance(q);
    q->inside = false;
    return next;
}

static wardi_next player_timer(wardi_actor *self)
{
    player *q = self->context;
    enter(q);
    must(q->play, q->timer_ns != 0, "a timer fired that was not set");
    must(q->play, q->play->world.now_ns >= q->timer_ns, "a timer fired early");
    q->timer_ns = 0;
    wardi_next next = act_by_chance(q);
    q->inside = false;
    return next;
}

static wardi_next player_visited(wardi_actor *self, void *visitor)
{
    player *q = self->context;
    must(q->play, q != visitor, "an actor visits itself");
    enter(q);
    wardi_next next = act_by_chance(q);
    q->inside = false;
    return next == WARDI_STOP ? WARDI_READY : next;
}

/* One actor does another's work, on its worker. */
static void visit_beside(player *q)
{
    play *p = q->play;
    uint32_t place = (uint32_t)any(p, wardi_sched_places(p->sched));
    wardi_actor *a = wardi_sched_pin_place(p->sched, place);
    if (a == NULL) return;
    if (!wardi_actor_visit(a, player_visited, q)) wardi_actor_wake(a);
    wardi_actor_unpin(a);
}

static wardi_next player_wake(wardi_actor *self)
{
    player *q = self->context;
    enter(q);
    if (any(q->play, 4) == 0) visit_beside(q);
    q->inside = false;
    return WARDI_READY;
}

static void player_undelivered(wardi_actor *self, wardi_message *m)
{
    player *q = self->context;
    if (m->lane == WARDI_LANE_ANSWER) q->play->answers++;
    wardi_message_answer(self->sched, m, WARD_ERROR_UNDELIVERED);
}

static void player_ended(wardi_actor *self)
{
    player *q = self->context;
    must(q->play, q->alive, "an actor ends twice");
    q->alive = false;
    if (q->play->actions_left > 0) player_init(q); /* another one in the same place */
}

static const wardi_behaviour player_behaviour = {.receive = player_receive,
                                                 .timer = player_timer,
                                                 .wake = player_wake,
                                                 .undelivered = player_undelivered,
                                                 .ended = player_ended};

static void player_init(player *q)
{
    play *p = q->play;
    wardi_mailbox_options mailbox = {.user_max = 1 + (uint32_t)any(p, 5),
                                     .system_max = 1 + (uint32_t)any(p, 5),
                                     .full = (wardi_full)any(p, 4)};
    mailbox.block_ns = 1 + any(p, WARDI_MS);
    memset(q->last_from, 0, sizeof q->last_from);
    memset(q->last_system_from, 0, sizeof q->last_system_from);
    q->timer_ns = 0;
    q->alive = true;
    must(p, wardi_actor_init(&q->actor, p->sched, &player_behaviour, &mailbox) == WARD_OK, "init");
    q->actor.context = q;
}

/* A visitor is inside while all the others go on; by id, or by place. */
static void visit(play *p, wardi_actor_id id)
{
    uint32_t place = (uint32_t)any(p, wardi_sched_places(p->sched));
    wardi_actor *a =
        any(p, 2) == 0 ? wardi_sched_pin(p->sched, id) : wardi_sched_pin_place(p->sched, place);
    if (a == NULL) return;
    player *q = a->context;
    if (wardi_actor_enter(a)) {
        enter(q);
        must(p, !wardi_actor_enter(a), "two visitors at once");
        must(p, wardi_actor_is_running(a), "a visited actor does not run");
        player_send(p, NULL);
        if (any(p, 2) == 0) wardi_sched_wake(p->sched, a->id);
        for (uint64_t steps = any(p, 8); steps > 0; steps--) wardi_sched_step(p->sched);
        q->inside = false;
        wardi_actor_leave(a);
    }
    wardi_actor_unpin(a);
}

static void from_outside(play *p)
{
    player *q = &p->players[any(p, ACTORS)];
    p->actions_left--;
    switch (any(p, 11)) {
    case 0: wardi_sched_stop(p->sched, q->actor.id); break;
    case 3: visit(p, q->actor.id); break;
    case 1:
    case 2: wardi_sched_wake(p->sched, q->actor.id); break;
    default: player_send(p, NULL);
    }
}

/* What other threads would do between two steps of a protocol. */
static void gap(void *context, bool outside)
{
    static bool inside;
    play *p = context; /* the world comes first in it */
    if (inside || p->actions_left == 0 || any(p, 3) != 0) return;
    inside = true;
    p->actions_left--;
    player *q = &p->players[any(p, ACTORS)];
    if (any(p, 12) == 0) {
        wardi_sched_stop(p->sched, q->actor.id);
    } else if (any(p, 2) == 0) {
        wardi_sched_wake(p->sched, q->actor.id);
    } else {
        wardi_message *m = wardi_message_new(1);
        m->lane = WARDI_LANE_SYSTEM;
        m->correlation = ++p->numbers[ACTORS + 1];
        m->context = &p->numbers[ACTORS + 1];
        if (wardi_sched_send(p->sched, q->actor.id, m) != WARD_OK) wardi_message_free(p->sched, m);
    }
    for (uint64_t steps = outside ? any(p, 4) : 0; steps > 0; steps--) wardi_sched_step(p->sched);
    inside = false;
}

static uint64_t answers_lost(play *p)
{
    wardi_sched_figures f;
    wardi_sched_figures_get(p->sched, &f);
    return p->asked - p->answers - f.answers_to_nobody;
}

static uint64_t run_seed(uint64_t seed)
{
    static play one;
    play *p = &one;
    memset(p, 0, sizeof *p);
    p->seed = seed;
    p->sched = sim_sched(&p->world, seed, 1 + (uint32_t)(seed % 4));
    p->actions_left = ACTIONS;
    p->sched->world.gap = gap;
    for (int i = 0; i < ACTORS; i++) {
        p->players[i].play = p;
        p->players[i].index = i;
        player_init(&p->players[i]);
    }
    bool runs = true;
    for (int step = 0; runs || p->actions_left > 0; step++) {
        must(p, step < STEPS_MAX, "it does not come to rest");
        if (p->actions_left > 0 && (!runs || any(p, 3) == 0)) from_outside(p);
        runs = wardi_sched_step(p->sched);
        ward_diag diag = {0};
        must(p, wardi_sched_check(p->sched, &diag), diag.text);
    }
    /* Who waits for ever keeps what it was sent; the end gives it back. */
    for (int i = 0; i < ACTORS; i++) wardi_sched_stop(p->sched, p->players[i].actor.id);
    while (wardi_sched_step(p->sched)) {}
    must(p, answers_lost(p) == 0, "an answer is missing, or came twice");
    wardi_sched_figures f;
    wardi_sched_figures_get(p->sched, &f);
    must(p, f.actors == 0 && f.messages.pending == 0, "something is left");
    uint64_t trace = wardi_sched_trace(p->sched);
    wardi_sched_free(p->sched);
    return trace;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void every_seed(void **state)
{
    (void)state;
    if (getenv("WARD_SEED") != NULL) {
        printf("trace %llx\n", (unsigned long long)run_seed(number_of("WARD_SEED", 0)));
        return;
    }
    uint64_t seeds = number_of("WARD_SEEDS", 1000);
    for (uint64_t seed = 1; seed <= seeds; seed++) run_seed(seed);
}

static void the_same_seed_the_same_trace(void **state)
{
    (void)state;
    enum { SEEDS = 50 };
    uint64_t traces[SEEDS];
    for (uint64_t i = 0; i < SEEDS; i++) {
        traces[i] = run_seed(i + 1);
        assert_int_equal(traces[i], run_seed(i + 1));
        for (uint64_t k = 0; k < i; k++) assert_int_not_equal(traces[k], traces[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_the_same_trace),
        cmocka_unit_test(every_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
