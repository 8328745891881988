/* Another in the place of a child: the same name, the same place among its siblings, and the same
 * dependents, who are not touched. The old one is told to stop, and remembers how it was wanted;
 * once it is down, the new one's node is put behind its own, dependents are told that this is what
 * they need, and the old one is removed, all of it before anybody else has the lock. What can fail
 * comes before that. */
#include <string.h>

#include "host/host_priv.h"

static ward_error no_memory(ward_diag *ret_diag)
{
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory to replace a child");
}

/* ---- making way ---- */

static bool is_leaving(wardi_node_state state)
{
    return state == WARDI_NODE_LEAVING || state == WARDI_NODE_STOPPING ||
           state == WARDI_NODE_KILLING;
}

static bool is_down(wardi_node_state state)
{
    return state == WARDI_NODE_IDLE || state == WARDI_NODE_QUARANTINED;
}

static child_stance stance_of(const wardi_node_view *view)
{
    wardi_node_state stands = is_leaving(view->state) ? view->then : view->state;
    if (stands == WARDI_NODE_IDLE) return STANCE_STOPPED;
    bool held = stands == WARDI_NODE_QUARANTINED && view->by_operator;
    return held ? STANCE_QUARANTINED : STANCE_UP;
}

static ward_error retire(ward_supervisor *s, child *c, ward_diag *ret_diag)
{
    wardi_node_view view;
    wardi_tree_look(s->tree, c->node, &view);
    child_stance stance = c->retired != STANCE_NONE ? c->retired : stance_of(&view);
    wardi_tree_answer answer = tree_ask(s, c->node, WARDI_TREE_ASK_STOP);
    if (answer != WARDI_TREE_OK)
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "%s: %s", child_name(c),
                          wardi_tree_answer_text(answer));
    c->retired = (uint8_t)stance;
    return WARD_OK;
}

static void stay_one(ward_supervisor *s, child *c)
{
    if (c == NULL) return;
    if (c->retired == STANCE_UP && !s->stopping) tree_ask(s, c->node, WARDI_TREE_ASK_START);
    c->retired = STANCE_NONE;
}

/* What was to be replaced is not. */
static void stay(ward_supervisor *s, const char *name)
{
    const group *g = groups_find(s, name);
    stay_one(s, names_find(&s->names, name));
    for (uint32_t i = 0; g != NULL && i < g->instances; i++) stay_one(s, instance_of(s, g, i));
}

static ward_error none_of(const char *name, ward_diag *ret_diag)
{
    return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "there is no component \"%s\" to replace",
                      name);
}

static ward_error retire_named(ward_supervisor *s, const char *name, ward_diag *ret_diag)
{
    child *c = names_find(&s->names, name);
    const group *g = c == NULL ? groups_find(s, name) : NULL;
    if (s->stopping) return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is stopping");
    if (c != NULL) return retire(s, c, ret_diag);
    if (g == NULL || g->instances == 0) return none_of(name, ret_diag);
    ward_error error = WARD_OK;
    for (uint32_t i = 0; error == WARD_OK && i < g->instances; i++) {
        c = instance_of(s, g, i);
        if (c != NULL) error = retire(s, c, ret_diag);
    }
    return error;
}

ward_error ward_supervisor_retire(ward_supervisor *s, const char *name, ward_diag *ret_diag)
{
    if (s == NULL || name == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_retire: supervisor and name are required");
    if (!s->started)
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor has not been started");
    pthread_mutex_lock(&s->lock);
    ward_error error = retire_named(s, name, ret_diag);
    supervisor_unlock(s);
    return error;
}

/* Whoever starts it meanwhile has it stopped once more: it is to be another. */
static ward_error await_down(ward_supervisor *s, const char *name, child **ret_child,
                             ward_diag *ret_diag)
{
    for (;;) {
        wardi_node_view view;
        child *c = names_find(&s->names, name);
        if (s->stopping)
            return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is stopping");
        if (c == NULL) return none_of(name, ret_diag);
        wardi_tree_look(s->tree, c->node, &view);
        bool told = c->retired != STANCE_NONE && (is_down(view.state) || is_leaving(view.state));
        if (!told) {
            ward_error error = retire(s, c, ret_diag);
            if (error != WARD_OK) return error;
        } else if (is_down(view.state)) {
            *ret_child = c;
            return WARD_OK;
        } else if (s->pending.count != 0 && !s->delivering) {
            events_deliver(s); /* and look again: the lock was given up */
        } else {
            supervisor_wait(s, UINT64_MAX);
        }
    }
}

/* ---- taking the place ---- */

typedef struct succession {
    ward_supervisor *s;
    child *old, *fresh;
    group *in;
    bool acts; /* the new one's actor lives */
} succession;

static ward_error check_cycle(const succession *to, const wardi_node_options *shape,
                              ward_diag *ret_diag)
{
    bool cycle;
    ward_error error =
        wardi_tree_reaches(to->s->tree, shape->needs, shape->need_count, to->old->node, &cycle);
    if (error != WARD_OK) return no_memory(ret_diag);
    if (!cycle) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_CYCLE, "what %s is to need needs %s itself",
                      child_name(to->old), child_name(to->old));
}

static bool reserve(const succession *to)
{
    size_t most = 0, all = to->fresh->need_count;
    for (size_t i = 0; i < to->old->dependent_count; i++) {
        size_t count = to->old->dependents[i]->need_count;
        all += count;
        if (count > most) most = count;
    }
    return children_reserve(to->s, 1) && needs_reserve(to->s, most, all);
}

static ward_error add_node(const succession *to, wardi_node_options *shape, ward_diag *ret_diag)
{
    ward_supervisor *s = to->s;
    shape->parent = node_of(s, to->in);
    shape->tag = (uint64_t)(uintptr_t)to->fresh;
    shape->idle = true;
    if (to->old->group == to->in) shape->behind = to->old->node;
    ward_error error =
        wardi_tree_add(s->tree, shape, wardi_sched_now(s->sched), &to->fresh->node, ret_diag);
    if (error == WARD_OK) tree_obey(s);
    return error;
}

/* All that can fail. */
static ward_error prepare(succession *to, ward_diag *ret_diag)
{
    wardi_node_options shape = {0};
    ward_error error = child_link(to->s, to->fresh, ret_diag);
    if (error == WARD_OK && !reserve(to)) error = no_memory(ret_diag);
    if (error == WARD_OK) error = actor_make(to->s, to->fresh, ret_diag);
    to->acts = error == WARD_OK;
    if (error == WARD_OK) error = child_shape(to->s, to->fresh, &shape, ret_diag);
    if (error == WARD_OK) error = check_cycle(to, &shape, ret_diag);
    if (error == WARD_OK) error = add_node(to, &shape, ret_diag);
    wardi_free((void *)(uintptr_t)shape.needs);
    return error;
}

static void inherit_dependents(const succession *to)
{
    child *old = to->old, *fresh = to->fresh;
    fresh->dependents = old->dependents;
    fresh->dependent_count = old->dependent_count;
    fresh->dependent_room = old->dependent_room;
    old->dependents = NULL;
    old->dependent_count = old->dependent_room = 0;
    for (size_t i = 0; i < fresh->dependent_count; i++) {
        child *d = fresh->dependents[i];
        for (size_t n = 0; n < d->need_count; n++)
            if (d->needs[n] == old) d->needs[n] = fresh;
        child_needs_tell(d);
    }
}

static void succeed(const succession *to)
{
    ward_supervisor *s = to->s;
    child *fresh = to->fresh;
    child_stance stance = (child_stance)to->old->retired;
    inherit_dependents(to);
    wardi_tree_answer answer = tree_ask(s, to->old->node, WARDI_TREE_ASK_REMOVE);
    WARD_ASSERT(answer == WARDI_TREE_OK);
    child_put(s, fresh, to->in);
    for (size_t i = 0; i < fresh->dependent_count; i++) ready_update(fresh->dependents[i]);
    if (stance == STANCE_UP) tree_ask(s, fresh->node, WARDI_TREE_ASK_START);
    if (stance == STANCE_STOPPED) child_rest(fresh);
    if (stance == STANCE_QUARANTINED) tree_ask(s, fresh->node, WARDI_TREE_ASK_QUARANTINE);
    group_tell(s, to->in);
}

/* Whose place it is, once that one is down. */
static ward_error find_place(succession *to, const char *in_group, ward_diag *ret_diag)
{
    const char *name = child_name(to->fresh);
    ward_error error = await_down(to->s, name, &to->old, ret_diag);
    if (error != WARD_OK) return error;
    WARD_ASSERT(to->old != NULL);
    if (to->old->instance != to->fresh->instance) return none_of(name, ret_diag);
    if (!to->fresh->instance) return group_named(to->s, in_group, &to->in, ret_diag);
    to->in = to->old->group;
    return WARD_OK;
}

/* Takes `fresh`. The lock is held. */
static ward_error replace_one(ward_supervisor *s, child *fresh, const char *in_group,
                              ward_diag *ret_diag)
{
    succession to = {.s = s, .fresh = fresh};
    ward_error error = find_place(&to, in_group, ret_diag);
    if (error == WARD_OK) error = prepare(&to, ret_diag);
    if (error == WARD_OK)
        succeed(&to);
    else
        child_discard(fresh, to.acts);
    return error;
}

/* ---- one, or the instances of a component ---- */

static ward_error replace_single(ward_supervisor *s, const ward_child_options *own,
                                 ward_diag *ret_diag)
{
    child *fresh;
    ward_error error = child_new(s, own, &fresh, ret_diag);
    pthread_mutex_lock(&s->lock);
    return error == WARD_OK ? replace_one(s, fresh, own->group, ret_diag) : error;
}

/* The group that the instances are in, where it may stay. */
static ward_error find_family(const ward_supervisor *s, const ward_child_options *own,
                              group **ret_group, ward_diag *ret_diag)
{
    group *g = groups_find(s, own->component->name);
    const char *above = g != NULL && g->above != NULL ? g->above->name : "";
    if (g == NULL || g->instances == 0) return none_of(own->component->name, ret_diag);
    if (strcmp(above, own->group != NULL ? own->group : "") != 0)
        return wardi_fail(ret_diag, WARD_ERROR_STATE,
                          "the instances of \"%s\" can't be moved to another group: remove them, "
                          "and add them anew",
                          g->name);
    *ret_group = g;
    return WARD_OK;
}

/* The lock is held; where an instance is made it is given up, for that takes no part in anything.
 */
static ward_error replace_instance(ward_supervisor *s, const ward_child_options *own,
                                   uint32_t index, ward_diag *ret_diag)
{
    child *fresh;
    pthread_mutex_unlock(&s->lock);
    ward_error error = instance_make(s, own, index, &fresh, ret_diag);
    pthread_mutex_lock(&s->lock);
    return error == WARD_OK ? replace_one(s, fresh, NULL, ret_diag) : error;
}

/* One that somebody has removed stays so. */
static ward_error replace_instances(ward_supervisor *s, const ward_child_options *own,
                                    ward_diag *ret_diag)
{
    group *g;
    pthread_mutex_lock(&s->lock);
    ward_error error = find_family(s, own, &g, ret_diag);
    if (error == WARD_OK) error = retire_named(s, own->component->name, ret_diag);
    for (uint32_t i = 0; error == WARD_OK && i < own->instances; i++) {
        error = find_family(s, own, &g, ret_diag); /* anew: the lock is given up meanwhile */
        if (error != WARD_OK || i >= g->instances) break;
        if (instance_of(s, g, i) != NULL) error = replace_instance(s, own, i, ret_diag);
    }
    if (error == WARD_OK) error = find_family(s, own, &g, ret_diag);
    if (error != WARD_OK) return error;
    g->policy = own->instances_health;
    group_note(s, g, "changed");
    return WARD_OK;
}

/* The lock is taken, for the caller to give up. */
static ward_error replace(ward_supervisor *s, const ward_child_options *own, ward_diag *ret_diag)
{
    return own->instances > 1 ? replace_instances(s, own, ret_diag)
                              : replace_single(s, own, ret_diag);
}

ward_error ward_supervisor_replace(ward_supervisor *s, const ward_child_options *options,
                                   ward_diag *ret_diag)
{
    ward_child_options own;
    ward_error error = child_options_own(s, options, &own, ret_diag);
    if (error != WARD_OK && error != WARD_ERROR_LIMIT_MEMORY) return error;
    if (!s->started)
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor has not been started");
    const char *name = options->component != NULL ? options->component->name : own.native->name;
    if (error == WARD_OK)
        error = replace(s, &own, ret_diag);
    else
        pthread_mutex_lock(&s->lock);
    /* Those that go further than `options` are to be removed, by a resize. */
    if (error != WARD_OK) stay(s, name);
    supervisor_unlock(s);
    return error;
}
