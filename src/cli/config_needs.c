#include <stdlib.h>
#include <string.h>

#include "cli/config_rules.h"
#include "cli/values.h"

enum { CYCLE_BYTES = 400 };

/* ---- names: sorted once, so that a file of many components is read in no time ---- */

static int by_name(const void *a, const void *b)
{
    const wardi_config_child *const *x = a, *const *y = b;
    int order = strcmp((*x)->component.name, (*y)->component.name);
    if (order != 0) return order;
    return (*x)->place.line < (*y)->place.line ? -1 : (*x)->place.line > (*y)->place.line;
}

const wardi_config_child *name_find(const name_index *names, const char *name)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->sorted[middle]->component.name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == names->count) return NULL;
    const wardi_config_child *child = names->sorted[low];
    return strcmp(child->component.name, name) == 0 ? child : NULL;
}

/* The component that "web.3" is an instance of, or NULL. */
static const wardi_config_child *instance_find(const name_index *names, const char *name)
{
    char base[128], advice[WARDI_ADVICE_BYTES];
    uint64_t which;
    const char *dot = strrchr(name, '.');
    if (dot == NULL || (size_t)(dot - name) >= sizeof base) return NULL;
    memcpy(base, name, (size_t)(dot - name));
    base[dot - name] = '\0';
    const wardi_config_child *of = name_find(names, base);
    if (of == NULL || wardi_config_instances(of) <= 1) return NULL;
    bool canonical = dot[1] != '0' || dot[2] == '\0';
    if (!canonical || wardi_value_count(dot + 1, &which, advice) != NULL) return NULL;
    return which < wardi_config_instances(of) ? of : NULL;
}

const wardi_config_child *component_find(const name_index *names, const char *name)
{
    const wardi_config_child *found = name_find(names, name);
    return found != NULL ? found : instance_find(names, name);
}

static void check_instance_names(const name_index *names)
{
    for (size_t i = 0; i < names->count; i++) {
        const wardi_config_child *child = names->sorted[i];
        const wardi_config_child *of = instance_find(names, child->component.name);
        if (of != NULL)
            wardi_mistakes_add(names->reading->mistakes, child->place,
                               "an instance of the component in line %u has this name; give it "
                               "another",
                               of->place.line);
    }
}

static void check_duplicates(const name_index *names)
{
    for (size_t i = 1; i < names->count; i++) {
        const wardi_config_child *first = names->sorted[i - 1], *again = names->sorted[i];
        if (strcmp(first->component.name, again->component.name) == 0)
            wardi_mistakes_add(names->reading->mistakes, again->place,
                               "a second component of this name, after line %u; give it another",
                               first->place.line);
    }
}

void name_unknown(const name_index *names, wardi_mistakes *mistakes, wardi_place place,
                  const char *name)
{
    enum { COMPARED = 1000 };
    const char *known[COMPARED];
    size_t count = names->count < COMPARED ? names->count : COMPARED;
    for (size_t i = 0; i < count; i++) known[i] = names->sorted[i]->component.name;
    wardi_config_unknown(mistakes, place, "component", name, known, count,
                         "add it, or take this out");
}

static void check_needs(const name_index *names, const wardi_config_child *child)
{
    for (size_t i = 0; i < child->options.need_count; i++) {
        const char *need = child->options.needs[i];
        const wardi_config_child *to = component_find(names, need);
        if (to == NULL) name_unknown(names, names->reading->mistakes, child->need_places[i], need);
        bool all = to != NULL && to->options.instances_health.rule == WARD_GROUP_ALL;
        if (to != NULL && to == name_find(names, need) && wardi_config_instances(to) > 1 && !all)
            wardi_mistakes_add(names->reading->mistakes, child->need_places[i],
                               "there are %u instances of %s, which are ready when not all of them "
                               "are; write those that are needed, like %s.0, or "
                               "`instances_healthy_when: all` there",
                               wardi_config_instances(to), need, need);
        for (size_t j = 0; j < i && j < 100; j++) {
            if (strcmp(child->options.needs[j], need) != 0) continue;
            wardi_mistakes_add(names->reading->mistakes, child->need_places[i],
                               "needs the same component twice; keep one");
            break;
        }
    }
}

/* ---- cycles: a walk down the needs; a component that is met on the way down closes one ---- */

typedef enum need_mark { UNSEEN, ON_PATH, DONE } need_mark;

typedef struct need_walk {
    const name_index *names;
    const wardi_config_child *children;
    need_mark *marks;
    size_t *path; /* indices of children, from the start down */
    size_t *next; /* which need of each is looked at next */
    size_t depth;
} need_walk;

static void add_cycle(const need_walk *walk, size_t first, size_t last, size_t need)
{
    char buffer[CYCLE_BYTES];
    wardi_text text = WARDI_TEXT(buffer);
    size_t start = walk->depth;
    while (start > 0 && walk->path[start - 1] != first) start--;
    for (size_t i = start - 1; i < walk->depth; i++)
        wardi_text_printf(&text, "%s → ", walk->children[walk->path[i]].component.name);
    wardi_text_puts(&text, walk->children[first].component.name);
    wardi_mistakes_add(walk->names->reading->mistakes, walk->children[last].need_places[need],
                       "a cycle: %s%s; take one of these needs out", buffer, text.cut ? "…" : "");
}

static void walk_step(need_walk *walk)
{
    size_t at = walk->path[walk->depth - 1];
    const wardi_config_child *child = &walk->children[at];
    if (walk->next[at] == child->options.need_count) {
        walk->marks[at] = DONE;
        walk->depth--;
        return;
    }
    size_t need = walk->next[at]++;
    const wardi_config_child *to = component_find(walk->names, child->options.needs[need]);
    if (to == NULL) return;
    size_t index = (size_t)(to - walk->children);
    if (walk->marks[index] == ON_PATH) add_cycle(walk, index, at, need);
    if (walk->marks[index] != UNSEEN) return;
    walk->marks[index] = ON_PATH;
    walk->path[walk->depth++] = index;
}

static void check_cycles(const name_index *names)
{
    wardi_reading *reading = names->reading;
    size_t count = reading->config->child_count;
    need_walk walk = {.names = names, .children = reading->config->children};
    walk.marks = wardi_arena_take(reading->arena, count * sizeof *walk.marks);
    walk.path = wardi_arena_take(reading->arena, count * sizeof *walk.path);
    walk.next = wardi_arena_take(reading->arena, count * sizeof *walk.next);
    if (walk.marks == NULL || walk.path == NULL || walk.next == NULL) return;
    for (size_t i = 0; i < count; i++) {
        if (walk.marks[i] != UNSEEN) continue;
        walk.marks[i] = ON_PATH;
        walk.path[walk.depth++] = i;
        while (walk.depth > 0) walk_step(&walk);
    }
}

void wardi_config_check_needs(wardi_reading *reading)
{
    const wardi_config *config = reading->config;
    name_index names = {.reading = reading, .count = config->child_count};
    names.sorted = wardi_arena_take(reading->arena, names.count * sizeof *names.sorted);
    if (names.sorted == NULL) return;
    for (size_t i = 0; i < names.count; i++) names.sorted[i] = &config->children[i];
    qsort(names.sorted, names.count, sizeof *names.sorted, by_name);
    check_duplicates(&names);
    check_instance_names(&names);
    for (size_t i = 0; i < names.count; i++) check_needs(&names, &config->children[i]);
    check_cycles(&names);
    if (reading->mistakes->count == 0) config_rules_grants(&names);
}
