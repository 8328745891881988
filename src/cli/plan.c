#include "cli/plan.h"

#include <stdlib.h>
#include <string.h>

#include "cli/config_rules.h"
#include "supervise/supervise.h"

/* A configuration, with what is looked up in it. */
typedef struct side {
    const wardi_config *config;
    name_index names;
    size_t *order; /* of children, what others need before them */
} side;

typedef struct planning {
    wardi_plan *plan;
    side old, now;
    wardi_deed *deeds; /* of children, by their place in `now` */
    const char **whys;
} planning;

/* ---- sides ---- */

static int by_name(const void *a, const void *b)
{
    const wardi_config_child *const *x = a, *const *y = b;
    return strcmp((*x)->component.name, (*y)->component.name);
}

/* Needs of a component as places, each once a name: several instances of one are one. */
static bool list_needs(const side *s, wardi_arena *arena, const size_t **needs, size_t *counts)
{
    const wardi_config *config = s->config;
    for (size_t i = 0; i < config->child_count; i++) {
        const ward_child_options *options = &config->children[i].options;
        size_t *places = wardi_arena_take(arena, (options->need_count + 1) * sizeof *places);
        if (places == NULL) return false;
        for (size_t n = 0; n < options->need_count; n++) {
            const wardi_config_child *need = component_find(&s->names, options->needs[n]);
            if (need != NULL) places[counts[i]++] = (size_t)(need - config->children);
        }
        needs[i] = places;
    }
    return true;
}

static bool side_make(side *s, const wardi_config *config, wardi_arena *arena)
{
    size_t count = config->child_count, cycle = 0;
    *s = (side){.config = config, .names = {.count = count}};
    s->names.sorted = wardi_arena_take(arena, (count + 1) * sizeof *s->names.sorted);
    s->order = wardi_arena_take(arena, (count + 1) * sizeof *s->order);
    const size_t **needs = wardi_arena_take(arena, (count + 1) * sizeof *needs);
    size_t *counts = wardi_arena_take(arena, (count + 1) * sizeof *counts);
    if (s->names.sorted == NULL || s->order == NULL || needs == NULL || counts == NULL)
        return false;
    for (size_t i = 0; i < count; i++) s->names.sorted[i] = &config->children[i];
    qsort(s->names.sorted, count, sizeof *s->names.sorted, by_name);
    return list_needs(s, arena, needs, counts) &&
           wardi_supervise_order(count, needs, counts, s->order, &cycle) == WARD_OK;
}

static const wardi_config_group *group_in(const wardi_config *config, const char *name)
{
    for (size_t i = 0; name != NULL && i < config->group_count; i++)
        if (strcmp(config->groups[i].options.name, name) == 0) return &config->groups[i];
    return NULL;
}

/* What there is of that name; NULL: nobody. */
static const wardi_config_child *child_before(const planning *p, const char *name)
{
    const wardi_config_child *found = name_find(&p->old.names, name);
    return found != NULL && !found->absent ? found : NULL;
}

static const wardi_config_group *group_before(const planning *p, const char *name)
{
    const wardi_config_group *found = group_in(p->old.config, name);
    return found != NULL && !found->absent ? found : NULL;
}

/* ---- groups ---- */

static wardi_plan_group *planned_group(const planning *p, const char *name)
{
    for (size_t i = 0; name != NULL && i < p->plan->group_count; i++)
        if (strcmp(p->plan->groups[i].group->options.name, name) == 0) return &p->plan->groups[i];
    return NULL;
}

static bool group_comes_anew(const planning *p, const char *name)
{
    const wardi_plan_group *found = planned_group(p, name);
    return found != NULL && found->deed == WARDI_ANEW;
}

/* An old group that has to go at the beginning, and with it all below it: it or one around it comes
 * anew, or a component is to have its name. */
static bool old_group_goes_first(const planning *p, const char *name)
{
    const wardi_config_group *group = group_before(p, name);
    for (; group != NULL; group = group_before(p, group->options.group))
        if (group_comes_anew(p, group->options.name) ||
            name_find(&p->now.names, group->options.name) != NULL)
            return true;
    return false;
}

/* Those around it come before it. */
static void judge_group(const planning *p, wardi_plan_group *g)
{
    const ward_group_options *own = &g->group->options;
    g->before = group_before(p, own->name);
    if (g->before == NULL) {
        g->deed = WARDI_ADD;
        return;
    }
    size_t key = wardi_config_differs(&wardi_group_keys, 0, g->before, g->group);
    bool moves = !wardi_config_same_text(g->before->options.group, own->group);
    if (moves || group_comes_anew(p, own->group)) {
        g->deed = WARDI_ANEW;
        g->why = moves ? "group" : "its group comes anew";
    } else if (key < wardi_group_keys.count || g->before->unsettled) {
        g->deed = WARDI_CHANGE;
        g->why = key < wardi_group_keys.count ? wardi_group_keys.items[key].path
                                              : "the change before this one failed";
    }
}

static bool judge_groups(planning *p)
{
    wardi_plan *plan = p->plan;
    wardi_config *now = (wardi_config *)(uintptr_t)p->now.config;
    plan->groups = wardi_arena_take(&plan->arena, (now->group_count + 1) * sizeof *plan->groups);
    if (plan->groups == NULL) return false;
    for (size_t i = 0; i < now->group_count; i++) {
        plan->groups[i].group = &now->groups[i];
        plan->group_count++;
        judge_group(p, &plan->groups[i]);
    }
    return true;
}

/* ---- components ---- */

static bool same_stamp(const wardi_file_stamp *a, const wardi_file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns;
}

static bool is_about_number(const char *path)
{
    return strcmp(path, "instances") == 0 || strcmp(path, "instances_healthy_when") == 0;
}

/* The key that makes it another; NULL: none does. `ret_number`: only how many there are. */
static const char *other_key(const wardi_config_child *a, const wardi_config_child *b,
                             bool *ret_number)
{
    const wardi_keys *keys = &wardi_component_keys;
    *ret_number = false;
    for (size_t i = wardi_config_differs(keys, 0, a, b); i < keys->count;
         i = wardi_config_differs(keys, i + 1, a, b)) {
        if (!is_about_number(keys->items[i].path)) return keys->items[i].path;
        *ret_number = true;
    }
    if (!same_stamp(&a->stamp, &b->stamp)) return "the file of its module";
    return b->unsettled || a->unsettled ? "the change before this one failed" : NULL;
}

static const char *must_come_anew(const planning *p, const wardi_config_child *before,
                                  const wardi_config_child *child)
{
    bool was_many = wardi_config_instances(before) > 1, many = wardi_config_instances(child) > 1;
    bool moves = !wardi_config_same_text(before->options.group, child->options.group);
    if (was_many != many) return "instances";
    if (moves && many) return "group";
    bool anew =
        old_group_goes_first(p, before->options.group) || group_comes_anew(p, child->options.group);
    return anew ? "its group comes anew" : NULL;
}

static void judge_child(planning *p, size_t i)
{
    const wardi_config_child *child = &p->now.config->children[i];
    const wardi_config_child *before = child_before(p, child->component.name);
    bool number;
    if (before == NULL) {
        p->deeds[i] = WARDI_ADD;
        return;
    }
    const char *key = other_key(before, child, &number);
    const char *anew = must_come_anew(p, before, child);
    p->deeds[i] = anew != NULL  ? WARDI_ANEW
                  : key != NULL ? WARDI_CHANGE
                  : number      ? WARDI_RESIZE
                                : WARDI_KEEP;
    p->whys[i] = anew != NULL ? anew : key != NULL ? key : number ? "instances" : NULL;
}

/* Whether what is there of that name goes at the beginning; `old` is it. */
static bool goes_first(const planning *p, const wardi_config_child *old)
{
    const char *name = old->component.name;
    const wardi_config_child *at = name_find(&p->now.names, name);
    if (at != NULL) return p->deeds[at - p->now.config->children] == WARDI_ANEW;
    return group_in(p->now.config, name) != NULL || old_group_goes_first(p, old->options.group);
}

/* What they needed, or are to need, is gone for a while: so are they. */
static bool needs_one_anew(const planning *p, const side *s, const wardi_config_child *child)
{
    for (size_t i = 0; i < child->options.need_count; i++) {
        const wardi_config_child *need = component_find(&s->names, child->options.needs[i]);
        if (need != NULL && goes_first(p, need)) return true;
    }
    return false;
}

/* In the order of needs, old and new: until nobody more is drawn in. */
static void spread_anew(planning *p)
{
    bool more = true;
    while (more) {
        more = false;
        for (size_t n = 0; n < p->now.config->child_count; n++) {
            size_t i = p->now.order[n];
            const wardi_config_child *child = &p->now.config->children[i];
            const wardi_config_child *before = child_before(p, child->component.name);
            if (before == NULL || p->deeds[i] == WARDI_ANEW) continue;
            if (!needs_one_anew(p, &p->now, child) && !needs_one_anew(p, &p->old, before)) continue;
            p->deeds[i] = WARDI_ANEW;
            p->whys[i] = "what it needs comes anew";
            more = true;
        }
    }
}

static bool judge_children(planning *p)
{
    wardi_plan *plan = p->plan;
    wardi_config *now = (wardi_config *)(uintptr_t)p->now.config;
    size_t count = now->child_count;
    p->deeds = wardi_arena_take(&plan->arena, (count + 1) * sizeof *p->deeds);
    p->whys = wardi_arena_take(&plan->arena, (count + 1) * sizeof *p->whys);
    plan->children = wardi_arena_take(&plan->arena, (count + 1) * sizeof *plan->children);
    if (p->deeds == NULL || p->whys == NULL || plan->children == NULL) return false;
    for (size_t i = 0; i < count; i++) judge_child(p, i);
    spread_anew(p);
    for (size_t n = 0; n < count; n++) {
        size_t i = p->now.order[n];
        wardi_config_child *child = &now->children[i];
        plan->children[plan->child_count++] =
            (wardi_plan_child){.deed = p->deeds[i],
                               .child = child,
                               .before = child_before(p, child->component.name),
                               .why = p->whys[i]};
    }
    return true;
}

/* ---- what goes ---- */

static void list_gone_children(const planning *p)
{
    wardi_plan *plan = p->plan;
    const wardi_config *old = p->old.config;
    for (size_t n = old->child_count; n-- > 0;) {
        const wardi_config_child *child = &old->children[p->old.order[n]];
        const wardi_config_child *at = name_find(&p->now.names, child->component.name);
        bool first = goes_first(p, child);
        if (child->absent || (at != NULL && !first)) continue;
        plan->gone[plan->gone_count++] =
            (wardi_plan_gone){.child = child, .first = first, .comes_back = at != NULL};
    }
}

/* Those inside before those around them. */
static void list_gone_groups(const planning *p)
{
    wardi_plan *plan = p->plan;
    const wardi_config *old = p->old.config;
    for (size_t i = old->group_count; i-- > 0;) {
        const wardi_config_group *group = &old->groups[i];
        const wardi_plan_group *at = planned_group(p, group->options.name);
        if (group->absent || (at != NULL && at->deed != WARDI_ANEW)) continue;
        plan->groups_gone[plan->groups_gone_count++] =
            (wardi_plan_gone){.group = group,
                              .first = old_group_goes_first(p, group->options.name),
                              .comes_back = at != NULL};
    }
}

static bool list_gone(planning *p)
{
    wardi_plan *plan = p->plan;
    const wardi_config *old = p->old.config;
    plan->gone = wardi_arena_take(&plan->arena, (old->child_count + 1) * sizeof *plan->gone);
    plan->groups_gone =
        wardi_arena_take(&plan->arena, (old->group_count + 1) * sizeof *plan->groups_gone);
    if (plan->gone == NULL || plan->groups_gone == NULL) return false;
    list_gone_children(p);
    list_gone_groups(p);
    return true;
}

/* ---- what takes a restart ---- */

static bool list_fixed(wardi_plan *plan, const wardi_config *started, const wardi_config *now)
{
    const wardi_keys *tables[] = {&wardi_host_keys, &wardi_supervisor_keys, &wardi_surface_keys,
                                  &wardi_journal_keys};
    size_t room = 0;
    for (size_t t = 0; t < WARD_COUNT(tables); t++) room += tables[t]->count;
    plan->fixed = wardi_arena_take(&plan->arena, room * sizeof *plan->fixed);
    if (plan->fixed == NULL) return false;
    for (size_t t = 0; t < WARD_COUNT(tables); t++)
        for (size_t i = wardi_config_differs(tables[t], 0, started, now); i < tables[t]->count;
             i = wardi_config_differs(tables[t], i + 1, started, now))
            plan->fixed[plan->fixed_count++] = tables[t]->items[i].path;
    return true;
}

static bool stays(wardi_deed deed)
{
    return deed == WARDI_KEEP || deed == WARDI_CHANGE || deed == WARDI_RESIZE;
}

/* A member that comes last in the group, and has one behind it in the file that stays where it is;
 * or two that have changed places. `group` NULL: those in none. */
static bool is_disordered(const planning *p, const char *group)
{
    const wardi_config *now = p->now.config;
    bool comes = false;
    const wardi_config_child *last = NULL;
    for (size_t i = 0; i < now->child_count; i++) {
        const wardi_config_child *child = &now->children[i];
        const wardi_config_child *before = child_before(p, child->component.name);
        if (!wardi_config_same_text(child->options.group, group)) continue;
        bool here = before != NULL && stays(p->deeds[i]) &&
                    wardi_config_same_text(before->options.group, group);
        if (here && (comes || (last != NULL && before < last))) return true;
        if (here) last = before;
        comes = comes || !here;
    }
    return false;
}

static bool list_disordered(planning *p)
{
    wardi_plan *plan = p->plan;
    const wardi_config *now = p->now.config;
    plan->disordered =
        wardi_arena_take(&plan->arena, (now->group_count + 1) * sizeof *plan->disordered);
    if (plan->disordered == NULL) return false;
    if (now->supervisor.strategy == WARD_REST_FOR_ONE && is_disordered(p, NULL))
        plan->disordered[plan->disordered_count++] = "";
    for (size_t i = 0; i < now->group_count; i++) {
        const ward_group_options *group = &now->groups[i].options;
        if (group->strategy == WARD_REST_FOR_ONE && is_disordered(p, group->name))
            plan->disordered[plan->disordered_count++] = group->name;
    }
    return true;
}

/* ---- all of it ---- */

ward_error wardi_plan_make(const wardi_config *started, const wardi_config *old, wardi_config *now,
                           wardi_plan *ret_plan)
{
    *ret_plan = (wardi_plan){0};
    planning p = {.plan = ret_plan};
    bool made = side_make(&p.old, old, &ret_plan->arena) &&
                side_make(&p.now, now, &ret_plan->arena) && judge_groups(&p) &&
                judge_children(&p) && list_gone(&p) && list_fixed(ret_plan, started, now) &&
                list_disordered(&p);
    if (made) return WARD_OK;
    wardi_plan_done(ret_plan);
    return WARD_ERROR_NO_MEMORY;
}

void wardi_plan_done(wardi_plan *plan)
{
    wardi_arena_done(&plan->arena);
    *plan = (wardi_plan){0};
}

static size_t gone_for_good(const wardi_plan_gone *gone, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += !gone[i].comes_back;
    return found;
}

static void put_count(wardi_text *to, size_t count, const char *one, const char *many)
{
    if (count != 0)
        wardi_text_printf(to, "%s%zu %s", to->length != 0 ? ", " : "", count,
                          count == 1 ? one : many);
}

void wardi_plan_summary(const wardi_plan *plan, wardi_text *to)
{
    size_t deeds[WARDI_ANEW + 1] = {0}, groups[WARDI_ANEW + 1] = {0};
    for (size_t i = 0; i < plan->child_count; i++) deeds[plan->children[i].deed]++;
    for (size_t i = 0; i < plan->group_count; i++) groups[plan->groups[i].deed]++;
    size_t gone = gone_for_good(plan->gone, plan->gone_count);
    size_t groups_gone = gone_for_good(plan->groups_gone, plan->groups_gone_count);
    put_count(to, deeds[WARDI_ADD], "added", "added");
    put_count(to, deeds[WARDI_CHANGE] + deeds[WARDI_ANEW], "replaced", "replaced");
    put_count(to, deeds[WARDI_RESIZE], "resized", "resized");
    put_count(to, gone, "removed", "removed");
    put_count(to, groups[WARDI_ADD], "group added", "groups added");
    put_count(to, groups[WARDI_CHANGE] + groups[WARDI_ANEW], "group changed", "groups changed");
    put_count(to, groups_gone, "group removed", "groups removed");
    put_count(to, deeds[WARDI_KEEP], "unchanged", "unchanged");
}

/* ---- what no reload can give ---- */

static void check_room(const wardi_config *started, const wardi_config *now,
                       wardi_mistakes *mistakes)
{
    size_t count = 0;
    uint32_t most = config_rules_components_max(started);
    const wardi_config_child *last = NULL;
    for (size_t i = 0; i < now->child_count; i++) {
        count += wardi_config_instances(&now->children[i]);
        if (last == NULL && count > most) last = &now->children[i];
    }
    if (last != NULL)
        wardi_mistakes_add(mistakes, last->place,
                           "Ward was started with room for %u components, and with this one there "
                           "are more, %zu in all; `host.components_max` takes a restart",
                           most, count);
}

static void check_memory(const wardi_config *started, const wardi_config_child *child,
                         wardi_mistakes *mistakes)
{
    char figure[40];
    wardi_text text = WARDI_TEXT(figure);
    uint64_t most = config_rules_memory_max(started);
    if (child->component.limits.memory_bytes_max <= most) return;
    wardi_text_size(&text, most);
    wardi_mistakes_add(mistakes, child->places[wardi_component_key("limits.memory")],
                       "limits.memory is more than Ward was started to allow (%s); write less, or "
                       "restart it: `host.memory_max` takes that",
                       figure);
}

void wardi_plan_check(const wardi_config *started, const wardi_config *now,
                      wardi_mistakes *mistakes)
{
    check_room(started, now, mistakes);
    for (size_t i = 0; i < now->child_count; i++)
        check_memory(started, &now->children[i], mistakes);
    wardi_mistakes_sort(mistakes);
}
