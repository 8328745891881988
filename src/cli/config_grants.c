/* Grants: patterns and their places, and what those of two components say of each other. */
#include <assert.h>
#include <string.h>

#include "cli/config_rules.h"

/* A grant's verb is its place in ward_grants. */
static_assert(offsetof(ward_grants, send) == WARDI_SEND * sizeof(ward_grant) &&
                  offsetof(ward_grants, called_by) == WARDI_CALLED_BY * sizeof(ward_grant) &&
                  offsetof(ward_grants, list) == WARDI_LIST * sizeof(ward_grant),
              "in the order of the verbs");

static ward_grant *grant_of(ward_grants *grants, size_t verb)
{
    return (ward_grant *)((char *)grants + verb * sizeof(ward_grant));
}

static const ward_grant *grant_in(const wardi_config_child *child, wardi_verb verb)
{
    return (const ward_grant *)((const char *)&child->grants + verb * sizeof(ward_grant));
}

/* ---- reading ---- */

typedef struct pattern_list {
    const char **texts;
    wardi_place *places;
    size_t count;
} pattern_list;

static const char *fault_of(const wardi_yaml *item, const wardi_key *key)
{
    if (item->kind != WARDI_YAML_SCALAR) return "it is a list or a map; write one pattern a line";
    if (wardi_yaml_null(item))
        return "it is empty; one that begins with '#' stands in quotes: \"#\"";
    return wardi_access_fault(item->text, key->type == WARDI_KEY_TOPICS ? WARDI_TOPIC_PATTERN
                                                                        : WARDI_NAME_PATTERN);
}

static void read_pattern(wardi_reading *reading, const wardi_yaml *item, const wardi_key *key,
                         pattern_list *list)
{
    char quoted[WARDI_SHOWN_BYTES];
    const char *fault = fault_of(item, key);
    if (fault == NULL) {
        list->texts[list->count] = item->text;
        list->places[list->count++] = item->place;
        return;
    }
    const char *shown =
        item->kind == WARDI_YAML_SCALAR ? wardi_config_shown(quoted, item->text) : "this";
    wardi_mistakes_add(reading->mistakes, item->place, "%s: %s is no pattern: %s", key->path, shown,
                       fault);
}

static pattern_list read_patterns(wardi_reading *reading, const wardi_yaml *node,
                                  const wardi_key *key)
{
    size_t room = 0;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next) room++;
    if (room > WARD_GRANT_PATTERNS_MAX) {
        wardi_mistakes_add(reading->mistakes, node->place,
                           "%s: more than %d patterns; one with '*' or '#' stands for many",
                           key->path, WARD_GRANT_PATTERNS_MAX);
        return (pattern_list){0};
    }
    pattern_list list = {.texts = wardi_arena_take(reading->arena, (room + 1) * sizeof *list.texts),
                         .places =
                             wardi_arena_take(reading->arena, (room + 1) * sizeof *list.places)};
    if (list.texts == NULL || list.places == NULL) return list;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next)
        read_pattern(reading, item, key, &list);
    return list;
}

static void add_shape(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key)
{
    const char *example =
        key->type == WARDI_KEY_TOPICS ? "[orders.created, \"orders.*\"]" : "[db, \"cache.*\"]";
    wardi_mistakes_add(reading->mistakes, node->place,
                       "%s takes a list of patterns; write %s, or with exceptions {allow: %s, "
                       "deny: [...]}",
                       key->path, example, example);
}

/* {allow: [...], deny: [...]} */
static void read_both(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                      pattern_list *ret_lists)
{
    static const char *const names[] = {"allow", "deny"};
    char where[64];
    wardi_text text = WARDI_TEXT(where);
    wardi_text_printf(&text, "`%s`", key->path);
    bool allows = false;
    for (const wardi_yaml *value = node->first; value != NULL; value = value->next) {
        if (wardi_config_repeated(reading, node, value)) continue;
        size_t which = strcmp(value->key->text, "allow") == 0 ? 0 : 1;
        if (strcmp(value->key->text, names[which]) != 0) {
            wardi_config_add_unknown(reading, value->key, where, NULL, names, WARD_COUNT(names));
        } else if (value->kind == WARDI_YAML_LIST) {
            ret_lists[which] = read_patterns(reading, value, key);
        } else if (!wardi_yaml_null(value)) {
            add_shape(reading, value, key);
        }
        allows |= which == 0;
    }
    if (!allows)
        wardi_mistakes_add(reading->mistakes, node->place,
                           "%s has no `allow`, and without one nothing is granted; write {allow: "
                           "[\"#\"], deny: [...]} for all but some",
                           key->path);
}

void wardi_config_read_grant(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                             wardi_config_child *child)
{
    pattern_list lists[2] = {{0}}; /* allow, deny */
    size_t verb = (key->offset - offsetof(wardi_config_child, grants)) / sizeof(ward_grant);
    if (node->kind == WARDI_YAML_LIST)
        lists[0] = read_patterns(reading, node, key);
    else if (node->kind == WARDI_YAML_MAP)
        read_both(reading, node, key, lists);
    else
        add_shape(reading, node, key);
    *grant_of(&child->grants, verb) = (ward_grant){.allow = lists[0].texts,
                                                   .allow_count = lists[0].count,
                                                   .deny = lists[1].texts,
                                                   .deny_count = lists[1].count};
    child->grant_places[verb] = (wardi_grant_places){lists[0].places, lists[1].places};
}

/* ---- what leads nowhere ---- */

/* NULL: it has wildcards, and may well match nobody yet. */
static const char *plain_name(const char *pattern)
{
    return strpbrk(pattern, "*#") == NULL ? pattern : NULL;
}

static wardi_mistakes *warnings_of(const name_index *names)
{
    return &names->reading->config->warnings;
}

/* More lines help nobody, and looking for what was meant costs. */
static bool is_enough(const name_index *names)
{
    return warnings_of(names)->count >= WARDI_MISTAKES_KEPT;
}

static void check_names(const name_index *names, const char *const *patterns,
                        const wardi_place *places, size_t count)
{
    for (size_t i = 0; i < count && !is_enough(names); i++) {
        const char *name = plain_name(patterns[i]);
        if (name == NULL) continue;
        if (component_find(names, name) == NULL)
            name_unknown(names, warnings_of(names), places[i], name);
    }
}

static void check_known(const name_index *names, const wardi_config_child *child)
{
    static const wardi_verb of_names[] = {WARDI_SEND, WARDI_CALLED_BY, WARDI_LIST};
    for (size_t i = 0; i < WARD_COUNT(of_names); i++) {
        const ward_grant *grant = grant_in(child, of_names[i]);
        const wardi_grant_places *places = &child->grant_places[of_names[i]];
        check_names(names, grant->allow, places->allow, grant->allow_count);
        check_names(names, grant->deny, places->deny, grant->deny_count);
    }
}

static bool covers_any(const char *const *patterns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (wardi_pattern_covers(patterns[i], name)) return true;
    return false;
}

/* By the name of one instance, for all of them, or by that which they share. */
static bool is_granted(const wardi_config_child *child, wardi_verb verb,
                       const wardi_config_child *to)
{
    char buffer[WARDI_INSTANCE_BYTES];
    const ward_grant *grant = grant_in(child, verb);
    const char *one = wardi_config_instance(buffer, to, 0), *all = to->component.name;
    return (covers_any(grant->allow, grant->allow_count, one) ||
            covers_any(grant->allow, grant->allow_count, all)) &&
           !covers_any(grant->deny, grant->deny_count, one) &&
           !covers_any(grant->deny, grant->deny_count, all);
}

/* What is its own: the same places are the defaults'. */
static bool is_own(const wardi_config *config, const wardi_config_child *child, wardi_verb verb)
{
    return child->grant_places[verb].allow != config->defaults.grant_places[verb].allow;
}

/* A message needs two grants, and one alone is most often a slip. Of the defaults it is none: they
 * are for all, and not all of them have to use it. */
static void check_other_half(const name_index *names, const wardi_config_child *child,
                             wardi_verb verb, wardi_verb other_verb)
{
    const ward_grant *grant = grant_in(child, verb);
    const char *own = child->component.name;
    if (!is_own(names->reading->config, child, verb)) return;
    for (size_t i = 0; i < grant->allow_count && !is_enough(names); i++) {
        const char *name = plain_name(grant->allow[i]);
        const wardi_config_child *other = name != NULL ? component_find(names, name) : NULL;
        if (other == NULL || other == child || is_granted(other, other_verb, child)) continue;
        wardi_place place = child->grant_places[verb].allow[i];
        if (verb == WARDI_SEND)
            wardi_mistakes_add(warnings_of(names), place,
                               "%s may send to %s, but %s does not grant to be called by %s; write "
                               "`called_by: [%s]` there, or take this out",
                               own, name, name, own, own);
        else
            wardi_mistakes_add(warnings_of(names), place,
                               "%s may be called by %s, but %s is not granted to send to %s; write "
                               "`send: [%s]` there, or take this out",
                               own, name, name, own, own);
    }
}

void config_rules_grants(const name_index *names)
{
    const wardi_config *config = names->reading->config;
    for (size_t i = 0; i < config->child_count; i++) {
        check_known(names, &config->children[i]);
        check_other_half(names, &config->children[i], WARDI_SEND, WARDI_CALLED_BY);
        check_other_half(names, &config->children[i], WARDI_CALLED_BY, WARDI_SEND);
    }
}

/* ---- what none of the component model can have ---- */

bool config_rules_is_written(const wardi_config *config, const wardi_config_child *child,
                             size_t key)
{
    wardi_place place = child->places[key], inherited = config->defaults.places[key];
    return place.line != 0 && (place.line != inherited.line || place.column != inherited.column);
}

void wardi_config_add_unfit(wardi_mistakes *mistakes, const wardi_config *config,
                            const wardi_config_child *child)
{
    static const char *const of_guests[] = {"grants.", "metadata", "limits.message",
                                            "limits.log_rate", "limits.timers"};
    if (child->component.wasi.preopen_count != 0)
        wardi_mistakes_add(mistakes, child->places[wardi_component_key("wasi.dirs")],
                           "wasi.dirs: %s is of the component model, and nothing would bound the "
                           "files that it opens; only core modules are granted directories",
                           child->component.path);
    for (size_t i = 0; i < wardi_component_keys.count; i++) {
        const char *path = wardi_component_keys.items[i].path;
        bool is_one = false;
        for (size_t j = 0; j < WARD_COUNT(of_guests); j++)
            if (strncmp(path, of_guests[j], strlen(of_guests[j])) == 0) is_one = true;
        if (is_one && config_rules_is_written(config, child, i))
            wardi_mistakes_add(mistakes, child->places[i],
                               "%s: %s is of the component model, which has no imports of Ward's "
                               "and handles no messages; take this out",
                               path, child->component.path);
    }
}
