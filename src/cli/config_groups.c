/* Groups: their names, what they are in, and the order that they are added in. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_rules.h"
#include "cli/values.h"
#include "supervise/supervise.h"

enum {
    CYCLE_BYTES = 400,
    /* Of the tree's levels one is the supervisor itself, and one the components. */
    NESTED_MAX = WARDI_TREE_DEPTH_MAX - 2,
};

/* Sorted once, so that a file of many groups is read in no time. */
typedef struct group_index {
    wardi_reading *reading;
    wardi_config_group *groups;
    const wardi_config_group **sorted;
    size_t count;
    size_t *parents; /* by index of groups; count: the supervisor, or somebody who is not there */
    unsigned *depths;
} group_index;

static int by_name(const void *a, const void *b)
{
    const wardi_config_group *const *x = a, *const *y = b;
    int order = strcmp((*x)->options.name, (*y)->options.name);
    if (order != 0) return order;
    return (*x)->place.line < (*y)->place.line ? -1 : (*x)->place.line > (*y)->place.line;
}

static int by_name_alone(const void *name, const void *group)
{
    const wardi_config_group *const *one = group;
    return strcmp(name, (*one)->options.name);
}

/* Its index; count: there is none. */
static size_t group_find(const group_index *index, const char *name)
{
    if (index->count == 0) return 0;
    const wardi_config_group *const *found =
        bsearch(name, index->sorted, index->count, sizeof *index->sorted, by_name_alone);
    return found != NULL ? (size_t)(*found - index->groups) : index->count;
}

static bool index_make(group_index *index)
{
    wardi_arena *arena = index->reading->arena;
    index->sorted = wardi_arena_take(arena, (index->count + 1) * sizeof *index->sorted);
    index->parents = wardi_arena_take(arena, (index->count + 1) * sizeof *index->parents);
    index->depths = wardi_arena_take(arena, (index->count + 1) * sizeof *index->depths);
    if (index->sorted == NULL || index->parents == NULL || index->depths == NULL) return false;
    for (size_t i = 0; i < index->count; i++) index->sorted[i] = &index->groups[i];
    qsort(index->sorted, index->count, sizeof *index->sorted, by_name);
    return true;
}

/* ---- names ---- */

static void check_duplicates(const group_index *index)
{
    for (size_t i = 1; i < index->count; i++) {
        const wardi_config_group *first = index->sorted[i - 1], *again = index->sorted[i];
        if (strcmp(first->options.name, again->options.name) == 0)
            wardi_mistakes_add(index->reading->mistakes, again->place,
                               "a second group of this name, after line %u; give it another",
                               first->place.line);
    }
}

/* Events and requests go by one name: whoever reads it must not have to ask which is meant. */
static void check_name_of_child(const group_index *index, const wardi_config_child *child)
{
    size_t same = group_find(index, child->component.name);
    if (same == index->count) return;
    wardi_mistakes_add(index->reading->mistakes, index->groups[same].place,
                       "the component of line %u has this name too; give one of them another",
                       child->place.line);
}

static void add_unknown(const group_index *index, wardi_place place, const char *name)
{
    enum { COMPARED = 1000 };
    const char *known[COMPARED];
    size_t count = index->count < COMPARED ? index->count : COMPARED;
    for (size_t i = 0; i < count; i++) known[i] = index->sorted[i]->options.name;
    wardi_config_unknown(index->reading->mistakes, place, "group", name, known, count,
                         "add it below `groups`, or take this out");
}

static void check_child(const group_index *index, const wardi_config_child *child)
{
    const char *name = child->options.group;
    wardi_place place = child->places[wardi_component_key("group")];
    if (index->count != 0) check_name_of_child(index, child);
    if (name == NULL) return;
    size_t group = group_find(index, name);
    if (group == index->count)
        add_unknown(index, place, name);
    else if (index->depths[group] == NESTED_MAX && wardi_config_instances(child) > 1)
        wardi_mistakes_add(index->reading->mistakes, place,
                           "instances are a group of their own, and groups are nested %d deep at "
                           "most; put them into one further up",
                           NESTED_MAX);
}

/* ---- what a group is in ---- */

static void find_parent(const group_index *index, size_t i)
{
    const wardi_config_group *group = &index->groups[i];
    size_t parent = index->count;
    if (group->options.group != NULL) parent = group_find(index, group->options.group);
    index->parents[i] = parent;
    if (group->options.group != NULL && parent == index->count)
        add_unknown(index, group->places[wardi_key_index(&wardi_group_keys, "group")],
                    group->options.group);
}

static void add_cycle(const group_index *index, size_t last)
{
    const wardi_config_group *group = &index->groups[last];
    char buffer[CYCLE_BYTES];
    wardi_text text = WARDI_TEXT(buffer);
    wardi_place place = group->places[wardi_key_index(&wardi_group_keys, "group")];
    if (index->parents[last] == last) {
        wardi_mistakes_add(index->reading->mistakes, place,
                           "a group in itself; take this out, or name another");
        return;
    }
    size_t at = last;
    do {
        wardi_text_printf(&text, "%s → ", index->groups[at].options.name);
        at = index->parents[at];
    } while (at != last && !text.cut);
    wardi_text_puts(&text, group->options.name);
    wardi_mistakes_add(index->reading->mistakes, place,
                       "a cycle: %s%s; take one of these groups out of the other", buffer,
                       text.cut ? "…" : "");
}

/* Whose parents end in a cycle has the depth UINT_MAX; so each cycle is told once, by the first of
 * the file that leads there. Marks: which walk has been here. */
static void find_depth(const group_index *index, size_t i, size_t *marks)
{
    enum { UNKNOWN = 0 };
    unsigned steps = 0;
    size_t at = i;
    while (at != index->count && index->depths[at] == UNKNOWN && marks[at] != i + 1) {
        marks[at] = i + 1;
        at = index->parents[at];
        steps++;
    }
    bool closes = at != index->count && index->depths[at] == UNKNOWN;
    if (closes) add_cycle(index, at);
    unsigned depth = closes ? UINT_MAX : at == index->count ? 0 : index->depths[at];
    for (at = i; steps > 0; steps--, at = index->parents[at])
        index->depths[at] = depth == UINT_MAX ? UINT_MAX : depth + steps;
}

static void check_depth(const group_index *index, size_t i)
{
    if (index->depths[i] != NESTED_MAX + 1) return; /* those in it are as deep, and told with it */
    const wardi_config_group *group = &index->groups[i];
    wardi_mistakes_add(
        index->reading->mistakes, group->places[wardi_key_index(&wardi_group_keys, "group")],
        "groups are nested %d deep at most; put this one into one further up", NESTED_MAX);
}

/* ---- a group's own figures ---- */

static void check_failures(const config_rules *rules, const char *prefix, ward_strategy strategy)
{
    static const char *const words[] = {
        [WARD_ONE_FOR_ALL] = "one_for_all", [WARD_REST_FOR_ONE] = "rest_for_one"};
    static const char *const keys[] = {"failures.limit", "failures.window"};
    char cause[40], path[40];
    if (strategy == WARD_ONE_FOR_ONE) return;
    wardi_text text = WARDI_TEXT(cause);
    wardi_text_printf(&text, "%sstrategy", prefix);
    for (size_t i = 0; i < WARD_COUNT(keys); i++) {
        text = WARDI_TEXT(path);
        wardi_text_printf(&text, "%s%s", prefix, keys[i]);
        config_rules_idle(rules, path, cause, words[strategy],
                          "one_for_one: else the first that is given up is one too many");
    }
}

static void check_figures(const group_index *index, const wardi_config_group *group)
{
    config_rules rules = {
        .reading = index->reading, .keys = &wardi_group_keys, .places = group->places};
    ward_diag diag;
    ward_backoff backoff;
    size_t before = index->reading->mistakes->count;
    config_rules_restart(&rules, group->options.restart, &group->options.backoff);
    check_failures(&rules, "", group->options.strategy);
    if (index->reading->mistakes->count == before &&
        wardi_backoff_resolve(&group->options.backoff, &backoff, &diag) != WARD_OK)
        wardi_mistakes_add(index->reading->mistakes, group->place, "%s", diag.text);
}

/* Who asks for more than there are is never healthy. Those in a cycle have no place to count. */
static void check_quorums(const group_index *index)
{
    const wardi_config *config = index->reading->config;
    uint64_t *below = wardi_arena_take(index->reading->arena, (index->count + 1) * sizeof *below);
    if (below == NULL) return;
    for (size_t i = 0; i < config->child_count; i++) {
        const wardi_config_child *child = &config->children[i];
        size_t at = index->count;
        if (child->options.group != NULL) at = group_find(index, child->options.group);
        if (at != index->count && index->depths[at] == UINT_MAX) continue;
        for (; at != index->count; at = index->parents[at])
            below[at] += wardi_config_instances(child);
    }
    for (size_t i = 0; i < index->count; i++) {
        const wardi_config_group *group = &index->groups[i];
        const ward_group_health *health = &group->options.health;
        if (health->rule != WARD_GROUP_AT_LEAST || health->least <= below[i]) continue;
        wardi_mistakes_add(index->reading->mistakes,
                           group->places[wardi_key_index(&wardi_group_keys, "healthy_when")],
                           "healthy_when asks for %u, and %llu components are below this group; "
                           "write no more than that",
                           health->least, (unsigned long long)below[i]);
    }
}

/* ---- all of them ---- */

static void put_in_order(const group_index *index)
{
    wardi_config_group *ordered =
        wardi_arena_take(index->reading->arena, (index->count + 1) * sizeof *ordered);
    if (ordered == NULL) return;
    size_t count = 0;
    for (unsigned depth = 1; count < index->count; depth++)
        for (size_t i = 0; i < index->count; i++)
            if (index->depths[i] == depth) ordered[count++] = index->groups[i];
    index->reading->config->groups = ordered;
}

void wardi_config_check_groups(wardi_reading *reading)
{
    wardi_config *config = reading->config;
    group_index index = {
        .reading = reading, .groups = config->groups, .count = config->group_count};
    size_t *marks = wardi_arena_take(reading->arena, (index.count + 1) * sizeof *marks);
    if (marks == NULL || !index_make(&index)) return;
    size_t before = reading->mistakes->count;
    config_rules rules = {
        .reading = reading, .keys = &wardi_supervisor_keys, .places = config->supervisor_places};
    check_failures(&rules, "supervisor.", config->supervisor.strategy);
    check_duplicates(&index);
    for (size_t i = 0; i < index.count; i++) find_parent(&index, i);
    for (size_t i = 0; i < index.count; i++) find_depth(&index, i, marks);
    for (size_t i = 0; i < index.count; i++) check_depth(&index, i);
    for (size_t i = 0; i < index.count; i++) check_figures(&index, &index.groups[i]);
    for (size_t i = 0; i < config->child_count; i++) check_child(&index, &config->children[i]);
    check_quorums(&index);
    if (reading->mistakes->count == before) put_in_order(&index);
}
