#include "cli/config.h"

#include <string.h>

static size_t children_count(const wardi_yaml *node)
{
    size_t count = 0;
    for (const wardi_yaml *child = node->first; child != NULL; child = child->next) count++;
    return count;
}

static bool is_text(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key)
{
    if (node->kind == WARDI_YAML_SCALAR) return true;
    wardi_mistakes_add(reading->mistakes, node->place,
                       "%s takes texts, and this is a %s; write one text a line", key->path,
                       node->kind == WARDI_YAML_MAP ? "map" : "list");
    return false;
}

static void read_args(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                      wardi_config_child *child)
{
    const char **args = wardi_arena_take(reading->arena, (children_count(node) + 1) * sizeof *args);
    size_t count = 0;
    if (args == NULL) return;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next)
        if (is_text(reading, item, key)) args[count++] = item->text;
    child->component.wasi.args = args;
    child->component.wasi.arg_count = count;
}

static void read_needs(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                       wardi_config_child *child)
{
    size_t room = children_count(node) + 1, count = 0;
    const char **needs = wardi_arena_take(reading->arena, room * sizeof *needs);
    wardi_place *places = wardi_arena_take(reading->arena, room * sizeof *places);
    if (needs == NULL || places == NULL) return;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next) {
        if (!is_text(reading, item, key)) continue;
        needs[count] = item->text;
        places[count++] = item->place;
    }
    child->options.needs = needs;
    child->options.need_count = count;
    child->need_places = places;
}

static bool same_name(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return strncmp(a, b, length + 1) == 0;
}

/* A component's own stand over the default ones, name by name. */
static void pair_put(const char **pairs, size_t *count, const char *pair)
{
    for (size_t i = 0; i < *count; i++) {
        if (!same_name(pairs[i], pair)) continue;
        pairs[i] = pair;
        return;
    }
    pairs[(*count)++] = pair;
}

static void read_pair(wardi_reading *reading, const wardi_yaml *item, const wardi_key *key,
                      const char **pairs, size_t *count)
{
    const char *name = item->key->text;
    if (name[0] == '\0' || strchr(name, '=') != NULL) {
        wardi_mistakes_add(reading->mistakes, item->key->place,
                           "%s: a name is empty or has a `=` in it; write NAME: value", key->path);
        return;
    }
    const char *value = wardi_yaml_null(item) ? "" : item->text;
    const char *pair = wardi_arena_printf(reading->arena, "%s=%s", name, value);
    if (pair != NULL) pair_put(pairs, count, pair);
}

/* "NAME=value" each, behind those that `*pairs` has of the defaults. */
static void read_pairs(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                       const char *const **pairs, size_t *count)
{
    enum { PAIRS_MAX = 1000 };
    size_t room = *count + children_count(node);
    if (room > PAIRS_MAX) {
        wardi_mistakes_add(reading->mistakes, node->place, "%s: more than %d names; write less",
                           key->path, PAIRS_MAX);
        return;
    }
    const char **own = wardi_arena_take(reading->arena, (room + 1) * sizeof *own);
    if (own == NULL) return;
    if (*count > 0) memcpy(own, *pairs, *count * sizeof *own);
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next)
        if (!wardi_config_repeated(reading, node, item) && is_text(reading, item, key))
            read_pair(reading, item, key, own, count);
    *pairs = own;
}

static void read_dir(wardi_reading *reading, const wardi_yaml *item, ward_preopen *dir)
{
    wardi_place places[8] = {{0}};
    WARD_ASSERT(wardi_dir_keys.count <= WARD_COUNT(places));
    if (item->kind != WARDI_YAML_MAP) {
        wardi_mistakes_add(reading->mistakes, item->place,
                           "wasi.dirs takes maps; write `- {host: ./data, guest: /data}`");
        return;
    }
    size_t before = reading->mistakes->count;
    wardi_config_read_map(reading, item, &wardi_dir_keys, "", dir, places);
    bool whole = dir->host_path != NULL && dir->guest_path != NULL;
    if (!whole && reading->mistakes->count == before)
        wardi_mistakes_add(reading->mistakes, item->place,
                           "wasi.dirs: `%s` is missing; write `- {host: ./data, guest: /data}`",
                           dir->host_path == NULL ? "host" : "guest");
}

static void read_dirs(wardi_reading *reading, const wardi_yaml *node, wardi_config_child *child)
{
    size_t room = children_count(node) + 1, count = 0;
    ward_preopen *dirs = wardi_arena_take(reading->arena, room * sizeof *dirs);
    wardi_place *places = wardi_arena_take(reading->arena, room * sizeof *places);
    if (dirs == NULL || places == NULL) return;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next) {
        places[count] = item->place;
        read_dir(reading, item, &dirs[count++]);
    }
    child->component.wasi.preopens = dirs;
    child->component.wasi.preopen_count = count;
    child->dir_places = places;
}

static bool is_of_kind(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key)
{
    bool is_map = key->type == WARDI_KEY_ENV || key->type == WARDI_KEY_METADATA;
    if (node->kind == (is_map ? WARDI_YAML_MAP : WARDI_YAML_LIST)) return true;
    const char *right = is_map                        ? "{NAME: value}"
                        : key->type == WARDI_KEY_DIRS ? "[{host: ./data, guest: /data}]"
                                                      : "[one, two]";
    wardi_mistakes_add(reading->mistakes, node->place, "%s takes a %s; write %s", key->path,
                       is_map ? "map" : "list", right);
    return false;
}

void wardi_config_read_list(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                            void *target)
{
    wardi_config_child *child = target;
    ward_wasi_grants *wasi = &child->component.wasi;
    bool is_grant = key->type == WARDI_KEY_NAMES || key->type == WARDI_KEY_TOPICS;
    if (wardi_yaml_null(node)) return;
    if (key->type >= WARDI_KEY_HOSTS) {
        wardi_config_read_surface_list(reading, node, key, target);
        return;
    }
    if (!is_grant && !is_of_kind(reading, node, key)) return;
    switch (key->type) {
    case WARDI_KEY_NEEDS: read_needs(reading, node, key, child); break;
    case WARDI_KEY_ARGS: read_args(reading, node, key, child); break;
    case WARDI_KEY_ENV: read_pairs(reading, node, key, &wasi->env, &wasi->env_count); break;
    case WARDI_KEY_METADATA:
        read_pairs(reading, node, key, &child->options.metadata, &child->options.metadata_count);
        break;
    case WARDI_KEY_DIRS: read_dirs(reading, node, child); break;
    default: wardi_config_read_grant(reading, node, key, child); break;
    }
}
