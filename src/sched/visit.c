/* Visits: a thread does an actor's work on the spot, where a message would cost a trip to another
 * core and back.
 *
 * A visitor takes the phase from idle to running by the same change that would have queued the
 * actor, so it is in no run queue and no worker has it: what the visitor does is one of its
 * callbacks. Nothing can be missed. What was sent before has queued the actor, and then it was not
 * idle; whoever sends later finds it running and makes it again, which the visitor's change back
 * to idle runs into. It cannot end meanwhile: only what runs an actor closes it. */
#include "sched/sched_priv.h"

wardi_actor *wardi_sched_pin(wardi_sched *s, wardi_actor_id id)
{
    return registry_pin(&s->registry, id);
}

uint32_t wardi_sched_places(wardi_sched *s)
{
    return registry_places(&s->registry);
}

wardi_actor *wardi_sched_pin_place(wardi_sched *s, uint32_t place)
{
    wardi_actor *a = registry_pin_place(&s->registry, place);
    if (a == NULL) return NULL;
    prefetch_to_write(a); /* all of it that a visit touches */
    __builtin_prefetch(&a->user_lane, 0);
    return a;
}

void wardi_actor_unpin(wardi_actor *a)
{
    registry_unpin(&a->sched->registry, a);
}

void wardi_actor_fetch(const wardi_actor *a, uint32_t step)
{
    if (a->behaviour->fetch != NULL) a->behaviour->fetch(a, step);
}

bool wardi_actor_enter(wardi_actor *a)
{
    uint32_t idle = ACTOR_IDLE;
    if (!atomic_compare_exchange_strong(&a->phase, &idle, ACTOR_RUNNING)) return false;
    sched_note(a->sched, a->id, ACTOR_RUNNING);
    return true;
}

bool wardi_actor_is_running(const wardi_actor *a)
{
    uint32_t phase = atomic_load(&a->phase);
    return phase == ACTOR_RUNNING || phase == ACTOR_AGAIN;
}

/* `looks`: there may be something for it that nobody will wake it for. */
static void leave(wardi_actor *a, bool looks)
{
    sched_gap(a->sched);
    uint32_t running = ACTOR_RUNNING;
    if (!looks && atomic_compare_exchange_strong(&a->phase, &running, ACTOR_IDLE)) return;
    atomic_store(&a->phase, ACTOR_QUEUED); /* an "again" is in it: it will look */
    sched_queue(a->sched, a);
}

void wardi_actor_leave(wardi_actor *a)
{
    count_own(&a->visited);
    leave(a, false);
}

/* Who sent to it while it was waiting found that it had nothing to do. */
bool wardi_actor_visit(wardi_actor *a, wardi_visit visit, void *context)
{
    if (!wardi_actor_enter(a)) return false;
    wardi_next next = visit(a, context);
    WARD_ASSERT(next != WARDI_STOP);
    bool is_new = (uint32_t)next != a->next;
    if (is_new) a->next = (uint32_t)next;
    leave(a, is_new && next == WARDI_READY);
    return true;
}
