/* Who is who, and who needs whom. */
#include <stdio.h>
#include <string.h>

#include "host/host_priv.h"

enum { NAME_BYTES_MAX = 127 };

/* ---- names ---- */

/* FNV-1a. Names are the operator's, so nobody is out to make them collide. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++) hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    return hash;
}

static size_t name_slot(const name_table *names, const char *name)
{
    size_t slot = (size_t)name_hash(name) & (names->room - 1);
    while (names->slots[slot] != NULL && strcmp(child_name(names->slots[slot]), name) != 0)
        slot = (slot + 1) & (names->room - 1);
    return slot;
}

child *names_find(const name_table *names, const char *name)
{
    return names->room != 0 ? names->slots[name_slot(names, name)] : NULL;
}

void names_put(name_table *names, child *c)
{
    names->slots[name_slot(names, child_name(c))] = c;
    names->count++;
}

bool names_reserve(name_table *names, size_t more)
{
    if (2 * (names->count + more) <= names->room) return true;
    name_table grown = {.room = names->room != 0 ? 2 * names->room : 16};
    while (2 * (names->count + more) > grown.room) grown.room *= 2;
    grown.slots = wardi_alloc_array(grown.room, sizeof(child *));
    if (grown.slots == NULL) return false;
    for (size_t i = 0; i < names->room; i++)
        if (names->slots[i] != NULL) names_put(&grown, names->slots[i]);
    wardi_free(names->slots);
    *names = grown;
    return true;
}

/* Those behind it in its run are put anew, so that no search ends at the hole. */
void names_remove(name_table *names, const char *name)
{
    size_t slot = name_slot(names, name);
    if (names->slots[slot] == NULL) return;
    names->slots[slot] = NULL;
    names->count--;
    for (slot = (slot + 1) & (names->room - 1); names->slots[slot] != NULL;
         slot = (slot + 1) & (names->room - 1)) {
        child *moved = names->slots[slot];
        names->slots[slot] = NULL;
        names->count--;
        names_put(names, moved);
    }
}

void names_done(name_table *names)
{
    wardi_free(names->slots);
    *names = (name_table){0};
}

/* ---- needs ---- */

static bool dependent_add(child *need, child *c)
{
    if (need->dependent_count == need->dependent_room) {
        size_t room = need->dependent_room != 0 ? 2 * need->dependent_room : 4;
        child **grown = wardi_grow(need->dependents, need->dependent_room * sizeof(child *),
                                   room * sizeof(child *));
        if (grown == NULL) return false;
        need->dependents = grown;
        need->dependent_room = room;
    }
    need->dependents[need->dependent_count++] = c;
    return true;
}

/* A child that needs another twice, by two names, is twice among its dependents. */
static void dependent_remove(child *need, const child *c)
{
    for (size_t i = 0; i < need->dependent_count; i++) {
        if (need->dependents[i] != c) continue;
        need->dependents[i] = need->dependents[--need->dependent_count];
        return;
    }
}

void child_unlink(child *c)
{
    for (size_t i = 0; c->needs != NULL && i < c->need_count; i++) dependent_remove(c->needs[i], c);
    wardi_free(c->needs);
    c->needs = NULL;
    c->need_count = 0;
}

void child_cut(child *c)
{
    while (c->dependent_count > 0) {
        child *d = c->dependents[--c->dependent_count];
        for (size_t i = 0; i < d->need_count; i++) {
            if (d->needs[i] != c) continue;
            d->needs[i] = d->needs[--d->need_count];
            break;
        }
    }
}

bool child_names(const child *c, const char *need)
{
    for (size_t i = 0; i < c->need_name_count; i++)
        if (strcmp(c->need_names[i], need) == 0) return true;
    return false;
}

child *instance_of(const ward_supervisor *s, const group *g, uint32_t i)
{
    char name[NAME_BYTES_MAX + 16];
    snprintf(name, sizeof name, "%s.%u", g->name, (unsigned)i);
    child *found = names_find(&s->names, name);
    return found != NULL && found->instance && found->group == g ? found : NULL;
}

/* How many children a name stands for: itself, or all instances of a component, which are ready
 * together when each of them is. */
static ward_error need_width(const ward_supervisor *s, const child *c, const char *name,
                             size_t *ret_width, ward_diag *ret_diag)
{
    *ret_width = 1;
    if (names_find(&s->names, name) != NULL) return WARD_OK;
    const group *g = groups_find(s, name);
    if (g == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND,
                          "%s needs \"%s\", and no component has that name", child_name(c), name);
    if (g->instances == 0)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND,
                          "%s needs \"%s\", which is a group; name the child of it that is needed",
                          child_name(c), name);
    if (g->policy.rule != WARD_GROUP_ALL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "%s needs \"%s\", which is ready when not all its instances are; name "
                          "those that are needed, like \"%s.0\", or ask for all in its "
                          "instances_health",
                          child_name(c), name, name);
    *ret_width = g->instances;
    return WARD_OK;
}

static bool need_add(child *c, child *need)
{
    if (!dependent_add(need, c)) return false;
    c->needs[c->need_count++] = need;
    return true;
}

static bool needs_add(ward_supervisor *s, child *c, const char *name)
{
    child *one = names_find(&s->names, name);
    if (one != NULL) return need_add(c, one);
    const group *g = groups_find(s, name);
    for (uint32_t i = 0; i < g->instances; i++) {
        child *each = instance_of(s, g, i);
        if (each != NULL && !need_add(c, each)) return false;
    }
    return true;
}

ward_error child_link(ward_supervisor *s, child *c, ward_diag *ret_diag)
{
    size_t room = 0, width = 0;
    for (size_t i = 0; i < c->need_name_count; i++, room += width) {
        ward_error error = need_width(s, c, c->need_names[i], &width, ret_diag);
        if (error != WARD_OK) return error;
    }
    c->needs = wardi_alloc_array(room, sizeof(child *));
    bool added = c->needs != NULL;
    for (size_t i = 0; added && i < c->need_name_count; i++)
        added = needs_add(s, c, c->need_names[i]);
    if (added) return WARD_OK;
    child_unlink(c);
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for dependencies");
}

/* ---- the tree's edges ---- */

bool needs_reserve(ward_supervisor *s, size_t of_one, size_t of_all)
{
    if (!wardi_tree_reserve(s->tree, 1, of_all)) return false;
    if (of_one <= s->needs_room_count) return true;
    wardi_node_id *grown =
        wardi_grow(s->needs_room, s->needs_room_count * sizeof *grown, of_one * sizeof *grown);
    if (grown == NULL) return false;
    s->needs_room = grown;
    s->needs_room_count = of_one;
    return true;
}

void child_needs_tell(child *c)
{
    ward_supervisor *s = c->supervisor;
    wardi_node_id *needs = s->needs_room;
    WARD_ASSERT(c->need_count <= s->needs_room_count);
    for (size_t i = 0; i < c->need_count; i++) needs[i] = c->needs[i]->node;
    ward_error error = wardi_tree_needs_set(s->tree, c->node, needs, c->need_count,
                                            wardi_sched_now(s->sched), NULL);
    WARD_ASSERT(error == WARD_OK);
    tree_obey(s);
}

static ward_error fail_cycle(const ward_supervisor *s, const wardi_node_id *path, size_t length,
                             ward_diag *ret_diag)
{
    char words[600];
    wardi_text text = WARDI_TEXT(words);
    for (size_t i = 0; i <= length; i++) {
        wardi_node_view view;
        wardi_tree_look(s->tree, path[i % length], &view);
        const child *c = (const child *)(uintptr_t)view.tag;
        wardi_text_printf(&text, "%s%s", i == 0 ? "" : " -> ", child_name(c));
    }
    return wardi_fail(ret_diag, WARD_ERROR_CYCLE, "components need each other: %s", words);
}

ward_error tree_link(ward_supervisor *s, ward_diag *ret_diag)
{
    enum { PATH_MAX_SHOWN = 64 };
    wardi_node_id path[PATH_MAX_SHOWN];
    size_t count = 0, length = 0;
    for (size_t i = 0; i < s->child_count; i++) count += s->children[i]->need_count;
    wardi_tree_edge *edges = wardi_alloc_array(count, sizeof *edges);
    if (edges == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for dependencies");
    count = 0;
    for (size_t i = 0; i < s->child_count; i++)
        for (size_t n = 0; n < s->children[i]->need_count; n++)
            edges[count++] = (wardi_tree_edge){.child = s->children[i]->node,
                                               .need = s->children[i]->needs[n]->node};
    ward_error error =
        wardi_tree_link(s->tree, edges, count, path, PATH_MAX_SHOWN, &length, ret_diag);
    wardi_free(edges);
    return error == WARD_ERROR_CYCLE
               ? fail_cycle(s, path, length < PATH_MAX_SHOWN ? length : PATH_MAX_SHOWN, ret_diag)
               : error;
}
