#include "cli/config.h"

#include <stdio.h>
#include <string.h>

#include "cli/values.h"

enum { PATH_BYTES = 96, VALUE_BYTES = 48, SIBLINGS_COMPARED = 256 };

/* A value for a message: in quotes, short, and without what would upset a terminal. */
const char *wardi_config_shown(char buffer[WARDI_SHOWN_BYTES], const char *value)
{
    wardi_text text = wardi_text_on(buffer, WARDI_SHOWN_BYTES);
    size_t length = strlen(value), end = wardi_utf8_fit(value, length, VALUE_BYTES);
    wardi_text_puts(&text, "\"");
    for (size_t i = 0; i < end;) {
        size_t step = wardi_utf8_length((const uint8_t *)value + i, end - i);
        bool control = (unsigned char)value[i] < 0x20 || (unsigned char)value[i] == 0x7f;
        if (step == 0 || control)
            wardi_text_printf(&text, "\\x%02x", (unsigned char)value[i]);
        else
            wardi_text_add(&text, value + i, step);
        i += step == 0 ? 1 : step;
    }
    wardi_text_puts(&text, end < length ? "…\"" : "\"");
    return buffer;
}

void wardi_config_unknown(wardi_mistakes *mistakes, wardi_place place, const char *what,
                          const char *name, const char *const *known, size_t count,
                          const char *otherwise)
{
    char quoted[WARDI_SHOWN_BYTES];
    const char *closest = wardi_closest(name, known, count);
    wardi_config_shown(quoted, name);
    if (closest != NULL)
        wardi_mistakes_add(mistakes, place, "there is no %s %s; did you mean `%s`?", what, quoted,
                           closest);
    else
        wardi_mistakes_add(mistakes, place, "there is no %s %s; %s", what, quoted, otherwise);
}

/* ---- keys ---- */

static const wardi_key *key_find(const wardi_keys *keys, const char *path)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->items[i].path, path) == 0) return &keys->items[i];
    return NULL;
}

static bool is_map_of_keys(const wardi_keys *keys, const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < keys->count; i++)
        if (strncmp(keys->items[i].path, path, length) == 0 && keys->items[i].path[length] == '.')
            return true;
    return false;
}

/* Names that may stand under `prefix`, each once. */
static size_t names_under(wardi_reading *reading, const wardi_keys *keys, const char *prefix,
                          const char **ret_names)
{
    size_t count = 0, skip = strlen(prefix);
    for (size_t i = 0; i < keys->count; i++) {
        const char *path = keys->items[i].path;
        if (strncmp(path, prefix, skip) != 0) continue;
        size_t length = strcspn(path + skip, ".");
        bool again = count > 0 && strncmp(ret_names[count - 1], path + skip, length) == 0 &&
                     ret_names[count - 1][length] == '\0';
        if (again) continue;
        const char *name = wardi_arena_text(reading->arena, path + skip, length);
        if (name != NULL) ret_names[count++] = name;
    }
    return count;
}

/* A key of that name elsewhere in the table: `timeout` of a component is health.timeout. */
static const char *path_ending_in(const wardi_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->count; i++) {
        const char *dot = strrchr(keys->items[i].path, '.');
        if (dot != NULL && strcmp(dot + 1, name) == 0) return keys->items[i].path;
    }
    return NULL;
}

void wardi_config_add_unknown(wardi_reading *reading, const wardi_yaml *key, const char *where,
                              const char *elsewhere, const char *const *names, size_t count)
{
    char quoted[WARDI_SHOWN_BYTES], list[512];
    if (strcmp(key->text, "<<") == 0) {
        wardi_mistakes_add(reading->mistakes, key->place,
                           "merge keys (<<) are not read; put what components share under "
                           "`defaults`");
        return;
    }
    const char *closest = wardi_closest(key->text, names, count);
    if (closest == NULL) closest = elsewhere;
    wardi_config_shown(quoted, key->text);
    if (closest != NULL) {
        wardi_mistakes_add(reading->mistakes, key->place, "%s is no key of %s; did you mean `%s`?",
                           quoted, where, closest);
        return;
    }
    wardi_text text = WARDI_TEXT(list);
    for (size_t i = 0; i < count; i++)
        wardi_text_printf(&text, "%s%s", i == 0 ? "" : ", ", names[i]);
    wardi_mistakes_add(reading->mistakes, key->place, "%s is no key of %s; it takes %s", quoted,
                       where, list);
}

static void add_unknown(wardi_reading *reading, const wardi_yaml *key, const wardi_keys *keys,
                        const char *prefix)
{
    char where[PATH_BYTES + 2];
    const char *names[128];
    WARD_ASSERT(keys->count <= WARD_COUNT(names));
    if (prefix[0] == '\0')
        snprintf(where, sizeof where, "%s", keys->what);
    else
        snprintf(where, sizeof where, "`%.*s`", (int)strlen(prefix) - 1, prefix);
    size_t count = names_under(reading, keys, prefix, names);
    wardi_config_add_unknown(reading, key, where, path_ending_in(keys, key->text), names, count);
}

bool wardi_config_repeated(wardi_reading *reading, const wardi_yaml *map, const wardi_yaml *value)
{
    unsigned compared = 0;
    for (const wardi_yaml *before = map->first; before != value && compared < SIBLINGS_COMPARED;
         before = before->next, compared++) {
        if (strcmp(before->key->text, value->key->text) != 0) continue;
        char quoted[WARDI_SHOWN_BYTES];
        wardi_mistakes_add(reading->mistakes, value->key->place,
                           "%s stands here for the second time, after line %u; keep one",
                           wardi_config_shown(quoted, value->key->text), before->key->place.line);
        return true;
    }
    return false;
}

static void read_key(wardi_reading *reading, const wardi_yaml *value, const wardi_keys *keys,
                     const char *prefix, void *target, wardi_place *places)
{
    char path[PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s%s", prefix, value->key->text);
    bool fits = length > 0 && (size_t)length + 2 < sizeof path;
    const wardi_key *key = fits ? key_find(keys, path) : NULL;
    if (key != NULL) {
        places[key - keys->items] = value->place;
        if (key->type >= WARDI_KEY_NEEDS)
            wardi_config_read_list(reading, value, key, target);
        else
            wardi_config_read_scalar(reading, value, key, target);
    } else if (!fits || !is_map_of_keys(keys, path)) {
        add_unknown(reading, value->key, keys, prefix);
    } else if (value->kind == WARDI_YAML_MAP) {
        strcat(path, ".");
        wardi_config_read_map(reading, value, keys, path, target, places);
    } else if (!wardi_yaml_null(value)) {
        wardi_mistakes_add(reading->mistakes, value->place,
                           "%s takes keys of its own; write them below it, indented", path);
    }
}

void wardi_config_read_map(wardi_reading *reading, const wardi_yaml *map, const wardi_keys *keys,
                           const char *prefix, void *target, wardi_place *places)
{
    for (const wardi_yaml *value = map->first; value != NULL; value = value->next)
        if (!wardi_config_repeated(reading, map, value))
            read_key(reading, value, keys, prefix, target, places);
}

/* ---- values ---- */

static const char *example_of(const wardi_key *key)
{
    switch (key->type) {
    case WARDI_KEY_DURATION: return "10s";
    case WARDI_KEY_SIZE: return "64MiB";
    case WARDI_KEY_SIZE32: return "256B";
    case WARDI_KEY_RATIO: return "80%";
    case WARDI_KEY_CHOICE:
    case WARDI_KEY_SWITCH: return key->choices[0].name;
    case WARDI_KEY_FILE: return "data/file";
    case WARDI_KEY_TEXT: return "some text";
    case WARDI_KEY_QUORUM: return "all";
    default: return "10";
    }
}

static const char *kind_of(const wardi_key *key)
{
    switch (key->type) {
    case WARDI_KEY_DURATION: return "no duration";
    case WARDI_KEY_SIZE:
    case WARDI_KEY_SIZE32: return "no size";
    case WARDI_KEY_RATIO: return "no percentage";
    default: return "no number";
    }
}

static void figure_text(wardi_text *text, const wardi_key *key, uint64_t figure)
{
    if (key->type == WARDI_KEY_DURATION)
        wardi_text_duration(text, figure);
    else if (key->type == WARDI_KEY_SIZE || key->type == WARDI_KEY_SIZE32)
        wardi_text_size(text, figure);
    else
        wardi_text_printf(text, "%llu%s", (unsigned long long)figure,
                          key->type == WARDI_KEY_RATIO ? "%" : "");
}

static void add_bounds(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                       bool below)
{
    char quoted[WARDI_SHOWN_BYTES], bound[40];
    wardi_text text = WARDI_TEXT(bound);
    figure_text(&text, key, below ? key->min : key->max);
    wardi_mistakes_add(reading->mistakes, node->place, "%s: %s is too %s; the %s is %s%s",
                       key->path, wardi_config_shown(quoted, node->text), below ? "little" : "much",
                       below ? "least" : "most", bound,
                       below && (key->flags & WARDI_KEY_OFF) != 0 ? ", or write off" : "");
}

static void set_figure(const wardi_key *key, char *at, uint64_t whole, double real)
{
    bool negative = (key->flags & WARDI_KEY_NONE_NEGATIVE) != 0 && real == 0.0;
    switch (key->type) {
    case WARDI_KEY_DURATION:
    case WARDI_KEY_SIZE:
    case WARDI_KEY_COUNT64: memcpy(at, &whole, sizeof whole); break;
    case WARDI_KEY_SIZE32:
    case WARDI_KEY_COUNT32:
        if ((key->flags & WARDI_KEY_NONE_NEGATIVE) != 0 && whole == 0) whole = UINT32_MAX;
        memcpy(at, &(uint32_t){(uint32_t)whole}, sizeof(uint32_t));
        break;
    default: memcpy(at, &(double){negative ? -1.0 : real}, sizeof(double)); break;
    }
}

static void read_figure(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                        char *at)
{
    char buffer[WARDI_ADVICE_BYTES], quoted[WARDI_SHOWN_BYTES];
    const char *advice = NULL;
    uint64_t whole = 0;
    double real = 0;
    switch (key->type) {
    case WARDI_KEY_DURATION: advice = wardi_value_duration(node->text, &whole, buffer); break;
    case WARDI_KEY_SIZE:
    case WARDI_KEY_SIZE32: advice = wardi_value_size(node->text, &whole, buffer); break;
    case WARDI_KEY_RATIO: advice = wardi_value_ratio(node->text, &real, buffer); break;
    case WARDI_KEY_NUMBER: advice = wardi_value_number(node->text, &real, buffer); break;
    default:
        advice = wardi_value_count(node->text, &whole, buffer);
        if (key->type == WARDI_KEY_COUNT) real = (double)whole;
        break;
    }
    if (advice != NULL) {
        wardi_mistakes_add(reading->mistakes, node->place, "%s: %s is %s; %s", key->path,
                           wardi_config_shown(quoted, node->text), kind_of(key), advice);
        return;
    }
    bool is_real = key->type == WARDI_KEY_RATIO || key->type == WARDI_KEY_NUMBER;
    double figure = key->type == WARDI_KEY_RATIO ? real * 100 : real;
    bool below = is_real ? figure < (double)key->min : whole < key->min;
    bool above = is_real ? figure > (double)key->max : whole > key->max;
    if (below || above)
        add_bounds(reading, node, key, below);
    else
        set_figure(key, at, whole, real);
}

static void read_choice(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                        char *at)
{
    char quoted[WARDI_SHOWN_BYTES], list[160];
    wardi_text text = WARDI_TEXT(list);
    for (const wardi_choice *choice = key->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, node->text) == 0) {
            if (key->type == WARDI_KEY_SWITCH)
                memcpy(at, &(bool){choice->value != 0}, sizeof(bool));
            else
                memcpy(at, &choice->value, sizeof choice->value);
            return;
        }
        const char *between = choice == key->choices ? "" : choice[1].name == NULL ? " or " : ", ";
        wardi_text_printf(&text, "%s%s", between, choice->name);
    }
    wardi_mistakes_add(reading->mistakes, node->place, "%s: %s is not one of its words; write %s",
                       key->path, wardi_config_shown(quoted, node->text), list);
}

/* "all", "any", "3" or "50%". */
static void read_quorum(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                        char *at)
{
    char quoted[WARDI_SHOWN_BYTES], figure[24], advice[WARDI_ADVICE_BYTES];
    uint64_t least = 0;
    size_t length = strlen(node->text);
    bool percent = length > 0 && length < sizeof figure && node->text[length - 1] == '%';
    ward_group_health health = {.rule =
                                    percent ? WARD_GROUP_AT_LEAST_PERCENT : WARD_GROUP_AT_LEAST};
    snprintf(figure, sizeof figure, "%.*s", (int)(length - (percent ? 1 : 0)), node->text);
    uint64_t most = percent ? 100 : key->max;
    if (strcmp(node->text, "all") == 0) {
        health.rule = WARD_GROUP_ALL;
    } else if (strcmp(node->text, "any") == 0) {
        health.rule = WARD_GROUP_ANY;
    } else if (length >= sizeof figure || wardi_value_count(figure, &least, advice) != NULL ||
               least < key->min || least > most) {
        wardi_mistakes_add(reading->mistakes, node->place,
                           "%s: %s is not how many; write all, any, a number from 1 like `3`, or a "
                           "whole percentage like `50%%`",
                           key->path, wardi_config_shown(quoted, node->text));
        return;
    }
    health.least = (uint32_t)least;
    memcpy(at, &health, sizeof health);
}

static void read_text(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                      char *at)
{
    const char *text = node->text;
    if (text[0] == '\0') {
        wardi_mistakes_add(reading->mistakes, node->place,
                           "%s: it is empty; write a text, or take the key out", key->path);
        return;
    }
    if (key->type == WARDI_KEY_FILE) text = wardi_config_resolve(reading, text);
    memcpy(at, &text, sizeof text);
}

static void set_off(const wardi_key *key, char *at)
{
    /* Of files "" is off, for NULL is the default; wasi.stdin has no other default. */
    const char *none = "";
    if (key->type == WARDI_KEY_FILE || key->type == WARDI_KEY_TEXT)
        memcpy(at, strcmp(key->path, "wasi.stdin") == 0 ? &(const char *){NULL} : &none,
               sizeof none);
    else
        set_figure(key, at, 0, 0);
}

void wardi_config_read_scalar(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                              void *target)
{
    char *at = (char *)target + key->offset;
    if (node->kind != WARDI_YAML_SCALAR) {
        wardi_mistakes_add(reading->mistakes, node->place,
                           "%s takes one value, and this is a %s; write it like `%s`", key->path,
                           node->kind == WARDI_YAML_MAP ? "map" : "list", example_of(key));
    } else if (wardi_yaml_null(node)) {
        wardi_mistakes_add(reading->mistakes, node->place,
                           "%s has no value; write one like `%s`, or take the key out", key->path,
                           example_of(key));
    } else if ((key->flags & WARDI_KEY_OFF) != 0 && strcmp(node->text, "off") == 0) {
        set_off(key, at);
    } else if (key->type == WARDI_KEY_TEXT || key->type == WARDI_KEY_FILE) {
        read_text(reading, node, key, at);
    } else if (key->type == WARDI_KEY_CHOICE || key->type == WARDI_KEY_SWITCH) {
        read_choice(reading, node, key, at);
    } else if (key->type == WARDI_KEY_QUORUM) {
        read_quorum(reading, node, key, at);
    } else {
        read_figure(reading, node, key, at);
    }
}
