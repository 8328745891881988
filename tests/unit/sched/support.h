/* A seeded world for the scheduler, and an actor that notes what happens to it. */
#ifndef SCHED_SUPPORT_H
#define SCHED_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/sched_priv.h"

typedef struct sim {
    uint64_t now_ns;
    wardi_rng rng;
} sim;

static inline uint64_t sim_now(void *context)
{
    return ((sim *)context)->now_ns;
}

static inline uint64_t sim_random(void *context)
{
    return wardi_rng_next(&((sim *)context)->rng);
}

static inline void sim_sleep(void *context, uint64_t until_ns)
{
    sim *s = context;
    assert_true(until_ns >= s->now_ns);
    s->now_ns = until_ns;
}

static inline wardi_sched *sim_sched(sim *s, uint64_t seed, uint32_t workers)
{
    s->now_ns = 1000 * WARDI_S;
    wardi_rng_init(&s->rng, seed);
    wardi_sched_world world = {s, sim_now, sim_random, sim_sleep, NULL};
    wardi_sched_options options = {.workers = workers, .world = &world};
    wardi_sched *sched = NULL;
    assert_int_equal(wardi_sched_new(&options, &sched, NULL), WARD_OK);
    return sched;
}

static inline void check(wardi_sched *sched)
{
    ward_diag diag = {0};
    if (!wardi_sched_check(sched, &diag)) fail_msg("%s", diag.text);
}

/* Until nothing happens by itself. */
static inline void settle(wardi_sched *sched)
{
    while (wardi_sched_step(sched)) check(sched);
    check(sched);
}

/* ---- an actor that notes ---- */

enum { NOTES_MAX = 4096 };

typedef struct noter {
    wardi_actor actor; /* first */
    size_t count;
    char what[NOTES_MAX]; /* m, t, w, u, e: message, timer, wake, undelivered, ended */
    uint64_t correlation[NOTES_MAX];
    uint64_t at_ns[NOTES_MAX];
    ward_error status[NOTES_MAX];
    wardi_next next;     /* what callbacks return */
    bool answers, keeps; /* answers with WARD_OK; keeps the message instead of freeing it */
    wardi_message *kept;
} noter;

static inline void note(wardi_actor *a, char what, const wardi_message *m)
{
    noter *n = a->context;
    assert_true(n->count < NOTES_MAX);
    n->what[n->count] = what;
    n->at_ns[n->count] = wardi_sched_now(a->sched);
    n->correlation[n->count] = m != NULL ? m->correlation : 0;
    n->status[n->count] = m != NULL ? (ward_error)m->status : WARD_OK;
    n->count++;
}

static inline wardi_next noter_receive(wardi_actor *a, wardi_message *m)
{
    noter *n = a->context;
    note(a, 'm', m);
    if (n->keeps)
        n->kept = m;
    else if (n->answers)
        wardi_message_answer(a->sched, m, WARD_OK);
    else
        wardi_message_free(a->sched, m);
    return n->next;
}

static inline wardi_next noter_timer(wardi_actor *a)
{
    note(a, 't', NULL);
    return ((noter *)a->context)->next;
}

static inline wardi_next noter_wake(wardi_actor *a)
{
    note(a, 'w', NULL);
    return ((noter *)a->context)->next;
}

static inline void noter_undelivered(wardi_actor *a, wardi_message *m)
{
    note(a, 'u', m);
    wardi_message_answer(a->sched, m, WARD_ERROR_UNDELIVERED);
}

static inline void noter_ended(wardi_actor *a)
{
    noter *n = a->context;
    n->what[n->count++] = 'e';
}

static const wardi_behaviour noter_behaviour = {.receive = noter_receive,
                                                .timer = noter_timer,
                                                .wake = noter_wake,
                                                .undelivered = noter_undelivered,
                                                .ended = noter_ended};

static inline void noter_init(noter *n, wardi_sched *sched, const wardi_mailbox_options *mailbox)
{
    memset(n, 0, sizeof *n);
    assert_int_equal(wardi_actor_init(&n->actor, sched, &noter_behaviour, mailbox), WARD_OK);
    n->actor.context = n;
}

static inline wardi_message *message(uint64_t correlation, wardi_lane lane)
{
    wardi_message *m = wardi_message_new(1);
    assert_non_null(m);
    m->correlation = correlation;
    m->lane = (uint8_t)lane;
    return m;
}

static inline void sent(wardi_actor *to, wardi_message *m)
{
    assert_int_equal(wardi_actor_send(to, m), WARD_OK);
}

static inline wardi_counts counts_of(const wardi_actor *a)
{
    wardi_counts c;
    wardi_actor_counts(a, &c);
    return c;
}

/* What the answer of `m` said; it is there by now, or the test fails. */
static inline ward_error answered(wardi_sched *sched, wardi_message *m)
{
    assert_int_equal(wardi_message_await(sched, m, 0), WARD_OK);
    ward_error status = (ward_error)m->status;
    wardi_message_free(sched, m);
    return status;
}

#endif
