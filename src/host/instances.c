/* Many of one component: a group of its name with a child each, all of them or none. */
#include <stdio.h>
#include <string.h>

#include "host/host_priv.h"

enum { NAME_BYTES_MAX = 127 };

typedef struct instances {
    ward_supervisor *supervisor;
    const ward_child_options *options;
    child **all;
    uint32_t made, acting; /* children that were made; whose actors live */
} instances;

static ward_error no_memory(ward_diag *ret_diag)
{
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the instances");
}

/* ---- made, where nobody sees them ---- */

static ward_error check_name(const ward_child_options *own, const char *name, ward_diag *ret_diag)
{
    char last[16];
    int digits = snprintf(last, sizeof last, ".%u", (unsigned)own->instances - 1);
    if (strlen(name) + (size_t)digits <= NAME_BYTES_MAX) return WARD_OK;
    return wardi_fail(
        ret_diag, WARD_ERROR_INVALID_ARGUMENT,
        "the name \"%s\" is too long for instances: with %s it has more than %d bytes", name, last,
        NAME_BYTES_MAX);
}

ward_error instance_make(ward_supervisor *s, const ward_child_options *own, uint32_t index,
                         child **ret_child, ward_diag *ret_diag)
{
    char name[NAME_BYTES_MAX + 16];
    ward_component_options component;
    ward_child_options options = *own;
    wardi_options_copy(&component, sizeof component, own->component, own->component->size);
    component.size = sizeof component;
    snprintf(name, sizeof name, "%s.%u", own->component->name, (unsigned)index);
    component.name = name;
    options.component = &component;
    ward_error error = child_new(s, &options, ret_child, ret_diag);
    if (error == WARD_OK) (*ret_child)->instance = true;
    return error;
}

static ward_error make_all(instances *in, ward_diag *ret_diag)
{
    const ward_child_options *own = in->options;
    ward_error error = check_name(own, own->component->name, ret_diag);
    if (error != WARD_OK) return error;
    in->all = wardi_alloc_array(own->instances, sizeof(child *));
    if (in->all == NULL) return no_memory(ret_diag);
    for (; error == WARD_OK && in->made < own->instances; in->made += error == WARD_OK)
        error = instance_make(in->supervisor, own, in->made, &in->all[in->made], ret_diag);
    return error;
}

/* ---- prepared: what can fail, before anything is added; the lock is held ---- */

static ward_error check_names(const instances *in, const char *name, ward_diag *ret_diag)
{
    const name_table *names = &in->supervisor->names;
    const child *taken = names_find(names, name);
    for (uint32_t i = 0; taken == NULL && i < in->made; i++)
        taken = names_find(names, child_name(in->all[i]));
    if (taken == NULL) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_DUPLICATE,
                      "a component named \"%s\" has been added already", child_name(taken));
}

static ward_error prepare(instances *in, ward_diag *ret_diag)
{
    ward_supervisor *s = in->supervisor;
    if (s->stopping) return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is stopping");
    ward_error error = check_names(in, in->options->component->name, ret_diag);
    for (; s->started && error == WARD_OK && in->acting < in->made; in->acting++) {
        error = actor_make(s, in->all[in->acting], ret_diag);
        if (error != WARD_OK) return error;
    }
    for (uint32_t i = 0; s->started && error == WARD_OK && i < in->made; i++)
        error = child_link(s, in->all[i], ret_diag);
    if (error != WARD_OK) return error;
    bool room = children_reserve(s, in->made) &&
                wardi_tree_reserve(s->tree, in->made + 1, in->made * in->all[0]->need_count);
    return room ? WARD_OK : no_memory(ret_diag);
}

/* ---- added ---- */

/* The first may be refused: what they need, or the group above, is being removed. Then the group is
 * as empty as it was, and goes at once. */
static ward_error enter_all(const instances *in, group *g, const wardi_node_options *shape,
                            ward_diag *ret_diag)
{
    ward_supervisor *s = in->supervisor;
    g->instances = in->made;
    for (uint32_t i = 0; i < in->made; i++) {
        ward_error error = child_enter(s, in->all[i], g, shape, ret_diag);
        WARD_ASSERT(error == WARD_OK || i == 0);
        if (error != WARD_OK) {
            wardi_node_event event = {.kind = WARDI_TREE_ASK_REMOVE, .id = g->node};
            wardi_tree_event(s->tree, &event, wardi_now_ns());
            tree_obey(s);
            return error;
        }
        if (s->started) tree_obey(s);
    }
    if (s->started) group_tell(s, g);
    return WARD_OK;
}

/* No one of them takes others along: as many may be given up as can be counted. */
static ward_error add_all(const instances *in, ward_diag *ret_diag)
{
    group *g;
    wardi_node_options shape = {0};
    ward_group_options options = WARD_INIT(ward_group_options);
    options.name = in->options->component->name;
    options.group = in->options->group;
    options.health = in->options->instances_health;
    options.failures_max = WARDI_INTENSITY_MAX;
    child **members = wardi_alloc_array(in->made, sizeof *members);
    if (members == NULL) return no_memory(ret_diag);
    ward_error error = child_shape(in->supervisor, in->all[0], &shape, ret_diag);
    if (error == WARD_OK) error = group_add(in->supervisor, &options, &g, ret_diag);
    if (error == WARD_OK) {
        g->members = members;
        g->member_room = in->made;
    } else {
        wardi_free(members);
    }
    if (error == WARD_OK) error = enter_all(in, g, &shape, ret_diag);
    wardi_free((void *)(uintptr_t)shape.needs);
    return error;
}

static void discard_all(const instances *in)
{
    for (uint32_t i = 0; i < in->made; i++) child_discard(in->all[i], i < in->acting);
}

ward_error instances_add(ward_supervisor *s, const ward_child_options *own, ward_diag *ret_diag)
{
    instances in = {.supervisor = s, .options = own};
    ward_error error = make_all(&in, ret_diag);
    pthread_mutex_lock(&s->lock);
    if (error == WARD_OK) error = prepare(&in, ret_diag);
    if (error == WARD_OK) error = add_all(&in, ret_diag);
    if (error != WARD_OK) discard_all(&in);
    supervisor_unlock(s);
    wardi_free(in.all);
    return error;
}
