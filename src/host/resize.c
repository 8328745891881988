/* More instances of a component, or less: the last ones come and go, the others are not touched.
 * Who needs all of them needs as many as there are. */
#include <string.h>

#include "host/host_priv.h"

static ward_error no_memory(ward_diag *ret_diag)
{
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the instances");
}

/* ---- who needs all of them: the dependents of any, by the name of all ---- */

typedef struct family {
    ward_supervisor *s;
    group *g;
    child **dependents;                      /* each once */
    size_t dependent_count, dependent_needs; /* of all of them */
} family;

static bool has(const family *f, const child *d)
{
    for (size_t i = 0; i < f->dependent_count; i++)
        if (f->dependents[i] == d) return true;
    return false;
}

static child *first_of(const family *f)
{
    for (uint32_t i = 0; i < f->g->instances; i++) {
        child *c = instance_of(f->s, f->g, i);
        if (c != NULL) return c;
    }
    return NULL;
}

static bool find_dependents(family *f)
{
    const child *one = first_of(f);
    size_t count = one != NULL ? one->dependent_count : 0;
    f->dependents = wardi_alloc_array(count, sizeof *f->dependents);
    if (f->dependents == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        child *d = one->dependents[i];
        if (!child_names(d, f->g->name) || has(f, d)) continue;
        f->dependents[f->dependent_count++] = d;
        f->dependent_needs += d->need_count;
    }
    return true;
}

static size_t most_needs(const family *f, size_t more)
{
    size_t most = 0;
    for (size_t i = 0; i < f->dependent_count; i++)
        if (f->dependents[i]->need_count > most) most = f->dependents[i]->need_count;
    return most + more;
}

/* ---- more ---- */

typedef struct growth {
    child **all;
    uint32_t made, acting;
} growth;

static ward_error make(ward_supervisor *s, const ward_child_options *own, uint32_t first,
                       growth *grown, ward_diag *ret_diag)
{
    uint32_t count = own->instances - first;
    ward_error error = WARD_OK;
    grown->all = wardi_alloc_array(count, sizeof *grown->all);
    if (grown->all == NULL) return no_memory(ret_diag);
    for (; error == WARD_OK && grown->made < count; grown->made += error == WARD_OK)
        error = instance_make(s, own, first + grown->made, &grown->all[grown->made], ret_diag);
    return error;
}

static ward_error prepare_each(ward_supervisor *s, growth *grown, ward_diag *ret_diag)
{
    ward_error error = WARD_OK;
    for (uint32_t i = 0; error == WARD_OK && i < grown->made; i++) {
        if (names_find(&s->names, child_name(grown->all[i])) != NULL)
            return wardi_fail(ret_diag, WARD_ERROR_DUPLICATE,
                              "a component named \"%s\" has been added already",
                              child_name(grown->all[i]));
        error = actor_make(s, grown->all[i], ret_diag);
        if (error != WARD_OK) return error;
        grown->acting++;
        error = child_link(s, grown->all[i], ret_diag);
    }
    return error;
}

/* Room in both directions, so that nothing fails half-way. */
static bool reserve_links(const family *f, const growth *grown)
{
    for (size_t i = 0; i < f->dependent_count; i++) {
        child *d = f->dependents[i];
        child **needs = wardi_grow(d->needs, d->need_count * sizeof *needs,
                                   (d->need_count + grown->made) * sizeof *needs);
        if (needs == NULL) return false;
        d->needs = needs;
    }
    for (uint32_t i = 0; f->dependent_count != 0 && i < grown->made; i++) {
        child *c = grown->all[i];
        c->dependents = wardi_alloc_array(f->dependent_count, sizeof *c->dependents);
        if (c->dependents == NULL) return false;
        c->dependent_room = f->dependent_count;
    }
    return true;
}

/* Some that were to go may still be there. */
static bool reserve_members(group *g, uint32_t more)
{
    uint32_t room = g->member_count + more;
    if (room <= g->member_room) return true;
    child **members =
        wardi_grow(g->members, g->member_room * sizeof *members, room * sizeof *members);
    if (members == NULL) return false;
    g->members = members;
    g->member_room = room;
    return true;
}

static bool reserve(const family *f, const growth *grown)
{
    ward_supervisor *s = f->s;
    group *g = f->g;
    size_t own_needs = grown->made * grown->all[0]->need_count;
    size_t needs = f->dependent_needs + f->dependent_count * grown->made;
    if (!children_reserve(s, grown->made) ||
        !wardi_tree_reserve(s->tree, grown->made, own_needs + needs) ||
        !needs_reserve(s, most_needs(f, grown->made), needs) || !reserve_links(f, grown))
        return false;
    return reserve_members(g, grown->made);
}

static void link_all(const family *f, const growth *grown)
{
    for (size_t i = 0; i < f->dependent_count; i++) {
        child *d = f->dependents[i];
        for (uint32_t n = 0; n < grown->made; n++) {
            child *c = grown->all[n];
            d->needs[d->need_count++] = c;
            c->dependents[c->dependent_count++] = d;
        }
        child_needs_tell(d);
        ready_update(d);
    }
}

/* The first may be refused, for what it needs or the group is being removed; the others are not. */
static ward_error enter_all(const family *f, growth *grown, ward_diag *ret_diag)
{
    ward_supervisor *s = f->s;
    wardi_node_options shape = {0};
    ward_error error = child_shape(s, grown->all[0], &shape, ret_diag);
    for (uint32_t i = 0; error == WARD_OK && i < grown->made; i++) {
        error = child_enter(s, grown->all[i], f->g, &shape, ret_diag);
        WARD_ASSERT(error == WARD_OK || i == 0);
        if (error == WARD_OK) tree_obey(s);
    }
    wardi_free((void *)(uintptr_t)shape.needs);
    if (error != WARD_OK) return error;
    f->g->instances += grown->made;
    link_all(f, grown);
    return WARD_OK;
}

static ward_error grow(const family *f, growth *grown, ward_diag *ret_diag)
{
    ward_error error = prepare_each(f->s, grown, ret_diag);
    if (error == WARD_OK && !reserve(f, grown)) error = no_memory(ret_diag);
    return error == WARD_OK ? enter_all(f, grown, ret_diag) : error;
}

/* ---- less ---- */

static bool goes(const ward_supervisor *s, const child *c)
{
    wardi_node_view view;
    return !wardi_tree_look(s->tree, c->node, &view) || view.then == WARDI_NODE_REMOVED;
}

static ward_error check_needed(const family *f, const child *c, ward_diag *ret_diag)
{
    for (size_t i = 0; i < c->dependent_count; i++) {
        const child *d = c->dependents[i];
        if (goes(f->s, d) || !child_names(d, child_name(c))) continue;
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "%s can't be removed: %s needs it",
                          child_name(c), child_name(d));
    }
    return WARD_OK;
}

static void dependents_forget(child *c, const child *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->dependent_count; i++)
        if (c->dependents[i] != d) c->dependents[kept++] = c->dependents[i];
    c->dependent_count = kept;
}

/* It needs those from `left` on no more. */
static void unlink_from(const family *f, child *d, uint32_t left)
{
    for (uint32_t i = left; i < f->g->instances; i++) {
        child *c = instance_of(f->s, f->g, i);
        size_t kept = 0;
        if (c == NULL) continue;
        for (size_t n = 0; n < d->need_count; n++)
            if (d->needs[n] != c) d->needs[kept++] = d->needs[n];
        d->need_count = kept;
        dependents_forget(c, d);
    }
    child_needs_tell(d);
}

static ward_error shrink(const family *f, uint32_t left, ward_diag *ret_diag)
{
    ward_supervisor *s = f->s;
    uint32_t before = f->g->instances;
    for (uint32_t i = left; i < before; i++) {
        const child *c = instance_of(s, f->g, i);
        ward_error error = c != NULL ? check_needed(f, c, ret_diag) : WARD_OK;
        if (error != WARD_OK) return error;
    }
    if (!needs_reserve(s, most_needs(f, 0), f->dependent_needs)) return no_memory(ret_diag);
    for (size_t i = 0; i < f->dependent_count; i++) unlink_from(f, f->dependents[i], left);
    for (uint32_t i = before; i-- > left;) {
        const child *c = instance_of(s, f->g, i);
        if (c != NULL) tree_ask(s, c->node, WARDI_TREE_ASK_REMOVE);
    }
    f->g->instances = left;
    for (size_t i = 0; i < f->dependent_count; i++) ready_update(f->dependents[i]);
    return WARD_OK;
}

/* ---- either ---- */

static ward_error find_family(ward_supervisor *s, const char *name, group **ret_group,
                              ward_diag *ret_diag)
{
    group *g = groups_find(s, name);
    if (s->stopping) return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is stopping");
    if (g == NULL || g->instances == 0)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "there are no instances of \"%s\"", name);
    *ret_group = g;
    return WARD_OK;
}

static ward_error resize(ward_supervisor *s, const ward_child_options *own, uint32_t before,
                         growth *grown, ward_diag *ret_diag)
{
    family f = {.s = s};
    ward_error error = find_family(s, own->component->name, &f.g, ret_diag);
    if (error == WARD_OK && f.g->instances != before)
        error = wardi_fail(ret_diag, WARD_ERROR_STATE,
                           "somebody else changes the number of instances of \"%s\"", f.g->name);
    if (error == WARD_OK && !find_dependents(&f)) error = no_memory(ret_diag);
    if (error == WARD_OK && own->instances > before) error = grow(&f, grown, ret_diag);
    if (error == WARD_OK && own->instances < before) error = shrink(&f, own->instances, ret_diag);
    wardi_free(f.dependents);
    if (error != WARD_OK) {
        for (uint32_t i = 0; i < grown->made; i++) child_discard(grown->all[i], i < grown->acting);
        return error;
    }
    f.g->policy = own->instances_health;
    group_note(s, f.g, "resized");
    return WARD_OK;
}

ward_error ward_supervisor_resize(ward_supervisor *s, const ward_child_options *options,
                                  ward_diag *ret_diag)
{
    ward_child_options own;
    group *g;
    growth grown = {0};
    uint32_t before = 0;
    ward_error error = child_options_own(s, options, &own, ret_diag);
    if (error != WARD_OK) return error;
    if (own.instances <= 1)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_supervisor_resize: at least 2 instances are left");
    if (!s->started)
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor has not been started");
    pthread_mutex_lock(&s->lock);
    error = find_family(s, own.component->name, &g, ret_diag);
    if (error == WARD_OK) before = g->instances;
    pthread_mutex_unlock(&s->lock);
    if (error == WARD_OK && own.instances > before) error = make(s, &own, before, &grown, ret_diag);
    pthread_mutex_lock(&s->lock);
    if (error == WARD_OK)
        error = resize(s, &own, before, &grown, ret_diag);
    else
        for (uint32_t i = 0; i < grown.made; i++) child_discard(grown.all[i], false);
    supervisor_unlock(s);
    wardi_free(grown.all);
    return error;
}
