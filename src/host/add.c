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

const group *groups_find(const ward_supervisor *s, const char *name)
{
    for (size_t i = 0; i < s->group_count; i++)
        if (strcmp(s->groups[i].name, name) == 0) return &s->groups[i];
    return NULL;
}

/* The node that `name` is; NULL is the supervisor itself. */
static ward_error group_node(const ward_supervisor *s, const char *name, wardi_node_id *ret_node,
                             ward_diag *ret_diag)
{
    const group *found = name != NULL ? groups_find(s, name) : NULL;
    if (name != NULL && found == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "there is no group \"%s\"", name);
    *ret_node = found != NULL ? found->node : wardi_tree_root(s->tree);
    return WARD_OK;
}

static ward_error group_node_add(ward_supervisor *s, const ward_group_options *own,
                                 wardi_node_id *ret_node, ward_diag *ret_diag)
{
    enum { RESTARTS_DEFAULT = 3 };
    wardi_supervision supervision;
    wardi_tree_policy policy = wardi_tree_policy_default();
    wardi_node_options options = {.supervision = &supervision};
    ward_backoff backoff = own->backoff;
    if (backoff.restarts_max == 0) backoff.restarts_max = RESTARTS_DEFAULT;
    policy.restart = own->restart;
    ward_error error = supervision_resolve(own->strategy, own->failures_max,
                                           own->failures_window_ns, &supervision, ret_diag);
    if (error == WARD_OK) error = group_node(s, own->group, &options.parent, ret_diag);
    if (error == WARD_OK) error = backoff_to_policy(&backoff, &policy, ret_diag);
    if (error == WARD_OK)
        error = wardi_tree_policy_add(s->tree, &policy, &options.policy, ret_diag);
    if (error == WARD_OK)
        error = wardi_tree_add(s->tree, &options, wardi_now_ns(), ret_node, ret_diag);
    return error;
}

static ward_error group_add(ward_supervisor *s, const ward_group_options *own, ward_diag *ret_diag)
{
    if (groups_find(s, own->name) != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_DUPLICATE,
                          "a group named \"%s\" has been added already", own->name);
    group *grown =
        wardi_grow(s->groups, s->group_count * sizeof *grown, (s->group_count + 1) * sizeof *grown);
    if (grown == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a group");
    s->groups = grown;
    group added = {.name = wardi_strdup(own->name)};
    if (added.name == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a group");
    ward_error error = group_node_add(s, own, &added.node, ret_diag);
    if (error != WARD_OK) {
        wardi_free(added.name);
        return error;
    }
    s->groups[s->group_count++] = added;
    if (s->started) tree_obey(s);
    return WARD_OK;
}

ward_error ward_supervisor_add_group(ward_supervisor *s, const ward_group_options *options,
                                     ward_diag *ret_diag)
{
    ward_group_options own;
    if (s == NULL || options == NULL ||
        !wardi_options_copy(&own, sizeof own, options, options->size) ||
        !wardi_name_valid(own.name))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_add_group: supervisor, and options with a name like a "
                          "component's, are required; start them with WARD_INIT");
    pthread_mutex_lock(&s->lock);
    ward_error error = group_add(s, &own, ret_diag);
    supervisor_unlock(s);
    return error;
}

/* ---- children ---- */

static bool reserve_child(ward_supervisor *s)
{
    if (!names_reserve(&s->names)) return false;
    if (s->child_count < s->child_capacity) return true;
    size_t capacity = s->child_capacity != 0 ? 2 * s->child_capacity : 8;
    child **grown =
        wardi_grow(s->children, s->child_capacity * sizeof(child *), capacity * sizeof(child *));
    if (grown == NULL) return false;
    s->children = grown;
    s->child_capacity = capacity;
    return true;
}

/* Once started, its needs are there and are told with it; before, tree_link tells them all. */
static ward_error child_node_add(ward_supervisor *s, child *c, wardi_node_id parent,
                                 ward_diag *ret_diag)
{
    wardi_node_options options = {.parent = parent, .tag = (uint64_t)(uintptr_t)c};
    wardi_node_id *needs = NULL;
    ward_error error = wardi_tree_policy_add(s->tree, &c->tree_policy, &options.policy, ret_diag);
    if (error != WARD_OK) return error;
    if (s->started && c->need_count != 0) {
        needs = wardi_alloc_array(c->need_count, sizeof *needs);
        if (needs == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for needs");
        for (size_t i = 0; i < c->need_count; i++) needs[i] = c->needs[i]->node;
        options.needs = needs;
        options.need_count = c->need_count;
    }
    error = wardi_tree_add(s->tree, &options, wardi_now_ns(), &c->node, ret_diag);
    wardi_free(needs);
    return error;
}

static ward_error child_enter(ward_supervisor *s, child *c, wardi_node_id parent,
                              ward_diag *ret_diag)
{
    ward_error error = s->started ? child_link(s, c, ret_diag) : WARD_OK;
    if (error == WARD_OK) error = child_node_add(s, c, parent, ret_diag);
    if (error != WARD_OK) {
        child_unlink(c);
        return error;
    }
    s->children[s->child_count++] = c;
    names_put(&s->names, c);
    return WARD_OK;
}

ward_error actor_make(ward_supervisor *s, child *c, ward_diag *ret_diag)
{
    ward_error error = wardi_actor_init(&c->actor, s->sched, &child_behaviour, &c->mailbox);
    c->actor.context = c;
    return error == WARD_OK ? error : wardi_fail(ret_diag, error, "no memory for an actor");
}

static ward_error child_add(ward_supervisor *s, child *c, const char *in_group, ward_diag *ret_diag)
{
    wardi_node_id parent;
    const char *name = child_name(c);
    if (s->stopping) return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is stopping");
    if (names_find(&s->names, name) != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_DUPLICATE,
                          "a component named \"%s\" has been added already", name);
    if (!reserve_child(s))
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for another child");
    ward_error error = group_node(s, in_group, &parent, ret_diag);
    if (error == WARD_OK) error = child_enter(s, c, parent, ret_diag);
    return error;
}

ward_error ward_supervisor_add(ward_supervisor *s, const ward_child_options *options,
                               ward_diag *ret_diag)
{
    if (s == NULL || options == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_add: supervisor and options are required");
    child *c;
    ward_child_options own;
    ward_error error = child_new(s, options, &c, ret_diag);
    if (error != WARD_OK) return error;
    wardi_options_copy(&own, sizeof own, options, options->size); /* child_new has seen its size */
    pthread_mutex_lock(&s->lock);
    bool acts = s->started;
    if (acts) error = actor_make(s, c, ret_diag);
    bool made = acts && error == WARD_OK;
    if (error == WARD_OK) error = child_add(s, c, own.group, ret_diag);
    if (error == WARD_OK && acts) tree_obey(s);
    if (error != WARD_OK && made) {
        c->removed = true; /* its actor frees it when that has ended */
        wardi_actor_stop(&c->actor);
    }
    supervisor_unlock(s);
    if (error != WARD_OK && !made) child_free(c);
    return error;
}
