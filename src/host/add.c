/* Adding: groups and children enter the tree, before the supervisor starts or while it runs. */
#include <string.h>

#include "host/host_priv.h"

#define FAILURES_WINDOW_DEFAULT_NS (60 * WARDI_S)
enum { FAILURES_DEFAULT = 3 };

ward_error supervision_resolve(ward_strategy strategy, int32_t failures_max, uint64_t window_ns,
                               wardi_supervision *ret_supervision, ward_diag *ret_diag)
{
    static const wardi_strategy strategies[] = {
        [WARD_ONE_FOR_ONE] = WARDI_ONE_FOR_ONE,
        [WARD_ONE_FOR_ALL] = WARDI_ONE_FOR_ALL,
        [WARD_REST_FOR_ONE] = WARDI_REST_FOR_ONE,
    };
    if ((unsigned)strategy >= WARD_COUNT(strategies) || failures_max > WARDI_INTENSITY_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "strategy must be one of its enum's values, and failures_max at most %d",
                          WARDI_INTENSITY_MAX);
    uint32_t allowed = failures_max == 0 ? FAILURES_DEFAULT : (uint32_t)failures_max;
    *ret_supervision = (wardi_supervision){
        .strategy = strategies[strategy],
        .intensity = {.max = failures_max < 0 ? 0 : allowed,
                      .window_ns = window_ns != 0 ? window_ns : FAILURES_WINDOW_DEFAULT_NS}};
    return WARD_OK;
}

/* ---- groups ---- */

group *groups_find(const ward_supervisor *s, const char *name)
{
    for (size_t i = 0; i < s->group_count; i++)
        if (strcmp(s->groups[i]->name, name) == 0) return s->groups[i];
    return NULL;
}

ward_error group_named(const ward_supervisor *s, const char *name, group **ret_group,
                       ward_diag *ret_diag)
{
    group *found = name != NULL ? groups_find(s, name) : NULL;
    if (name != NULL && found == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "there is no group \"%s\"", name);
    *ret_group = found;
    return WARD_OK;
}

wardi_node_id node_of(const ward_supervisor *s, const group *g)
{
    return g != NULL ? g->node : wardi_tree_root(s->tree);
}

/* What its options mean to the tree. */
static ward_error group_shape(ward_supervisor *s, const ward_group_options *own,
                              wardi_supervision *ret_supervision, uint32_t *ret_policy,
                              ward_diag *ret_diag)
{
    enum { RESTARTS_DEFAULT = 3 };
    wardi_tree_policy policy = wardi_tree_policy_default();
    ward_backoff backoff = own->backoff;
    if (backoff.restarts_max == 0) backoff.restarts_max = RESTARTS_DEFAULT;
    policy.restart = own->restart;
    ward_error error = supervision_resolve(own->strategy, own->failures_max,
                                           own->failures_window_ns, ret_supervision, ret_diag);
    if (error == WARD_OK) error = wardi_group_health_check(&own->health, ret_diag);
    if (error == WARD_OK) error = backoff_to_policy(&backoff, &policy, ret_diag);
    return error == WARD_OK ? wardi_tree_policy_add(s->tree, &policy, ret_policy, ret_diag) : error;
}

static ward_error group_node_add(ward_supervisor *s, const ward_group_options *own, group *g,
                                 ward_diag *ret_diag)
{
    wardi_supervision supervision;
    wardi_node_options options = {.supervision = &supervision, .tag = (uint64_t)(uintptr_t)g};
    ward_error error = group_named(s, own->group, &g->above, ret_diag);
    options.parent = node_of(s, g->above);
    if (error == WARD_OK) error = group_shape(s, own, &supervision, &options.policy, ret_diag);
    if (error == WARD_OK)
        error = wardi_tree_add(s->tree, &options, wardi_now_ns(), &g->node, ret_diag);
    return error;
}

ward_error group_add(ward_supervisor *s, const ward_group_options *own, group **ret_group,
                     ward_diag *ret_diag)
{
    if (groups_find(s, own->name) != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_DUPLICATE,
                          "a group named \"%s\" has been added already", own->name);
    group **grown = wardi_grow(s->groups, s->group_count * sizeof(group *),
                               (s->group_count + 1) * sizeof(group *));
    if (grown == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a group");
    s->groups = grown;
    group *g = wardi_alloc(sizeof *g);
    if (g != NULL) g->name = wardi_strdup(own->name);
    ward_error error = g != NULL && g->name != NULL
                           ? group_node_add(s, own, g, ret_diag)
                           : wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a group");
    if (error != WARD_OK) {
        group_free(g);
        return error;
    }
    g->policy = own->health;
    g->health = WARD_CHILD_DEGRADED; /* as a child that has not been checked */
    s->groups[s->group_count++] = g;
    if (s->started) tree_obey(s);
    *ret_group = g;
    return WARD_OK;
}

static ward_error group_options_own(const ward_supervisor *s, const ward_group_options *options,
                                    ward_group_options *ret_own, ward_diag *ret_diag)
{
    if (s != NULL && options != NULL &&
        wardi_options_copy(ret_own, sizeof *ret_own, options, options->size) &&
        wardi_name_valid(ret_own->name))
        return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "a group: supervisor, and options with a name like a component's, are "
                      "required; start them with WARD_INIT");
}

ward_error ward_supervisor_add_group(ward_supervisor *s, const ward_group_options *options,
                                     ward_diag *ret_diag)
{
    ward_group_options own;
    group *added;
    ward_error error = group_options_own(s, options, &own, ret_diag);
    if (error != WARD_OK) return error;
    pthread_mutex_lock(&s->lock);
    error = group_add(s, &own, &added, ret_diag);
    if (error == WARD_OK) group_tell(s, added); /* of nobody it is well, and so it begins */
    supervisor_unlock(s);
    return error;
}

static ward_error group_change(ward_supervisor *s, const ward_group_options *own,
                               ward_diag *ret_diag)
{
    wardi_supervision supervision;
    uint32_t policy;
    group *g = groups_find(s, own->name);
    const char *above = g != NULL && g->above != NULL ? g->above->name : "";
    if (s->stopping) return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is stopping");
    if (g == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "there is no group \"%s\"", own->name);
    if (g->instances != 0)
        return wardi_fail(ret_diag, WARD_ERROR_STATE,
                          "\"%s\" is the instances of a component: change that", own->name);
    if (strcmp(above, own->group != NULL ? own->group : "") != 0)
        return wardi_fail(ret_diag, WARD_ERROR_STATE,
                          "the group \"%s\" can't be moved to another: remove it, and add it anew",
                          own->name);
    ward_error error = group_shape(s, own, &supervision, &policy, ret_diag);
    if (error == WARD_OK)
        error = wardi_tree_supervision_set(s->tree, g->node, &supervision, policy, ret_diag);
    if (error != WARD_OK) return error;
    g->policy = own->health;
    group_note(s, g, "changed");
    return WARD_OK;
}

ward_error ward_supervisor_change_group(ward_supervisor *s, const ward_group_options *options,
                                        ward_diag *ret_diag)
{
    ward_group_options own;
    ward_error error = group_options_own(s, options, &own, ret_diag);
    if (error != WARD_OK) return error;
    pthread_mutex_lock(&s->lock);
    error = group_change(s, &own, ret_diag);
    supervisor_unlock(s);
    return error;
}

/* ---- children ---- */

bool children_reserve(ward_supervisor *s, size_t more)
{
    if (!names_reserve(&s->names, more)) return false;
    if (s->child_count + more <= s->child_capacity) return true;
    size_t capacity = s->child_capacity != 0 ? 2 * s->child_capacity : 8;
    while (s->child_count + more > capacity) capacity *= 2;
    child **grown =
        wardi_grow(s->children, s->child_capacity * sizeof(child *), capacity * sizeof(child *));
    if (grown == NULL) return false;
    s->children = grown;
    s->child_capacity = capacity;
    return true;
}

ward_error child_shape(ward_supervisor *s, const child *c, wardi_node_options *ret_shape,
                       ward_diag *ret_diag)
{
    wardi_node_options shape = {0};
    ward_error error = wardi_tree_policy_add(s->tree, &c->tree_policy, &shape.policy, ret_diag);
    if (error != WARD_OK) return error;
    if (s->started && c->need_count != 0) {
        wardi_node_id *needs = wardi_alloc_array(c->need_count, sizeof *needs);
        if (needs == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for needs");
        for (size_t i = 0; i < c->need_count; i++) needs[i] = c->needs[i]->node;
        shape.needs = needs;
        shape.need_count = c->need_count;
    }
    *ret_shape = shape;
    return WARD_OK;
}

void child_put(ward_supervisor *s, child *c, group *in)
{
    s->children[s->child_count++] = c;
    names_put(&s->names, c);
    group_join(c, in);
    if (s->started) event_push(s, event_of(c, WARD_EVENT_ADDED), "");
}

ward_error child_enter(ward_supervisor *s, child *c, group *in, const wardi_node_options *shape,
                       ward_diag *ret_diag)
{
    wardi_node_options options = *shape;
    options.parent = node_of(s, in);
    options.tag = (uint64_t)(uintptr_t)c;
    ward_error error = wardi_tree_add(s->tree, &options, wardi_now_ns(), &c->node, ret_diag);
    if (error == WARD_OK) child_put(s, c, in);
    return error;
}

void child_discard(child *c, bool acts)
{
    child_unlink(c);
    c->removed = true;
    if (acts)
        wardi_sched_stop(c->supervisor->sched, c->actor.id); /* which frees it when it has ended */
    else
        child_free(c);
}

ward_error actor_make(ward_supervisor *s, child *c, ward_diag *ret_diag)
{
    ward_error error = wardi_actor_init(&c->actor, s->sched, &child_behaviour, &c->mailbox);
    c->actor.context = c;
    if (error != WARD_OK) return wardi_fail(ret_diag, error, "no memory for an actor");
    round_join(c);
    return WARD_OK;
}

static ward_error child_add(ward_supervisor *s, child *c, const char *in_group, ward_diag *ret_diag)
{
    group *in = NULL;
    wardi_node_options shape = {0};
    const char *name = child_name(c);
    if (s->stopping) return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is stopping");
    if (names_find(&s->names, name) != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_DUPLICATE,
                          "a component named \"%s\" has been added already", name);
    if (!children_reserve(s, 1))
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for another child");
    ward_error error = group_named(s, in_group, &in, ret_diag);
    if (error == WARD_OK && s->started) error = child_link(s, c, ret_diag);
    if (error == WARD_OK) error = child_shape(s, c, &shape, ret_diag);
    if (error == WARD_OK) error = child_enter(s, c, in, &shape, ret_diag);
    wardi_free((void *)(uintptr_t)shape.needs);
    if (error == WARD_OK && s->started) {
        tree_obey(s);
        group_tell(s, in);
    }
    return error;
}

static ward_error one_add(ward_supervisor *s, const ward_child_options *own, ward_diag *ret_diag)
{
    child *c;
    ward_error error = child_new(s, own, &c, ret_diag);
    if (error != WARD_OK) return error;
    pthread_mutex_lock(&s->lock);
    bool made = false;
    if (s->started) {
        error = actor_make(s, c, ret_diag);
        made = error == WARD_OK;
    }
    if (error == WARD_OK) error = child_add(s, c, own->group, ret_diag);
    if (error != WARD_OK) child_discard(c, made);
    supervisor_unlock(s);
    return error;
}

ward_error child_options_own(const ward_supervisor *s, const ward_child_options *options,
                             ward_child_options *ret_own, ward_diag *ret_diag)
{
    if (s == NULL || options == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "a child: supervisor and options are required");
    ward_error error =
        wardi_child_options_check(options, wardi_engine_memory_bytes_max(s->engine), ret_diag);
    if (error != WARD_OK) return error;
    wardi_options_copy(ret_own, sizeof *ret_own, options, options->size); /* its size is right */
    ret_own->size = sizeof *ret_own;
    return WARD_OK;
}

ward_error ward_supervisor_add(ward_supervisor *s, const ward_child_options *options,
                               ward_diag *ret_diag)
{
    ward_child_options own;
    ward_error error = child_options_own(s, options, &own, ret_diag);
    if (error != WARD_OK) return error;
    return own.instances > 1 ? instances_add(s, &own, ret_diag) : one_add(s, &own, ret_diag);
}
