/* Readiness, and what depends on it: along the dependencies, no further than something changes. */
#include <string.h>

#include "host/host_priv.h"

/* The first need that is not ready, or NULL. */
static const child *unready_need(const child *c)
{
    for (size_t i = 0; i < c->need_count; i++)
        if (!c->needs[i]->ready) return c->needs[i];
    return NULL;
}

static wardi_mailbox_level level_now(const child *c)
{
    return (wardi_mailbox_level){.waiting = wardi_actor_waiting(&c->actor),
                                 .max = c->actor.user_max};
}

void ready_look(child *c)
{
    c->level = level_now(c);
    c->full = wardi_health_full(c->full, c->level, c->full_at);
}

bool ready_is_steady(const child *c)
{
    return wardi_health_full(c->full, level_now(c), c->full_at) == c->full;
}

void ready_after_message(child *c)
{
    if (!c->full || wardi_health_full(true, level_now(c), c->full_at)) return;
    pthread_mutex_lock(&c->supervisor->lock);
    ready_look(c);
    ready_update(c);
    supervisor_unlock(c->supervisor);
}

/* True: it is not ready for another reason than before. */
static bool reword(child *c, const ward_reason *reason)
{
    if (strcmp(reason_text(&c->unready_reason), reason->text) == 0) return false;
    reason_keep(c->supervisor, &c->unready_reason, reason);
    return true;
}

/* True: it changed, or its reason did. */
static bool recompute(child *c)
{
    const child *need = unready_need(c);
    ward_reason reason = {0};
    if (need != NULL) reason_get(need->supervisor, &need->unready_reason, &reason);
    wardi_readiness of = {.state = child_state(c),
                          .trend = &c->trend,
                          .ready_when_degraded = c->ready_when_degraded,
                          .full = c->full,
                          .mailbox = c->level,
                          .unready_need = need != NULL ? child_name(need) : NULL,
                          .need_reason = need != NULL ? &reason : NULL};
    bool ready = wardi_health_ready(&of, &reason);
    if (ready) reason = (ward_reason){0};
    bool changed = ready != c->ready, reworded = reword(c, &reason);
    c->ready = ready;
    group_update(c); /* of the health as well */
    if (!changed) return reworded;
    event_push(c->supervisor, event_of(c, WARD_EVENT_READY), reason.text);
    tree_report(c, ready ? WARDI_TREE_READY : WARDI_TREE_UNREADY, WARD_CAUSE_NONE);
    return true;
}

/* A list through the children, so that a long chain costs neither stack nor memory. */
void ready_update(child *changed)
{
    child *first = changed, *last = changed;
    changed->unsettled = changed;
    while (first != NULL) {
        child *c = first;
        first = c->unsettled != c ? c->unsettled : NULL;
        c->unsettled = NULL;
        if (!recompute(c)) continue;
        for (size_t i = 0; i < c->dependent_count; i++) {
            child *d = c->dependents[i];
            if (d->unsettled != NULL) continue;
            d->unsettled = d;
            if (first == NULL)
                first = d;
            else
                last->unsettled = d;
            last = d;
        }
    }
}
