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

static bool same_variable(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return strncmp(a, b, length + 1) == 0;
}

/* A component's variables stand over the default ones, name by name. */
static void env_put(const char **env, size_t *count, const char *variable)
{
    for (size_t i = 0; i < *count; i++) {
        if (!same_variable(env[i], variable)) continue;
        env[i] = variable;
        return;
    }
    env[(*count)++] = variable;
}

static void read_env(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                     wardi_config_child *child)
{
    enum { VARIABLES_MAX = 1000 };
    ward_wasi_grants *wasi = &child->component.wasi;
    size_t count = wasi->env_count;
    if (count + children_count(node) > VARIABLES_MAX) {
        wardi_mistakes_add(reading->mistakes, node->place, "%s: more than %d variables; write less",
                           key->path, VARIABLES_MAX);
        return;
    }
    const char **env =
        wardi_arena_take(reading->arena, (count + children_count(node) + 1) * sizeof *env);
    if (env == NULL) return;
    if (count > 0) memcpy(env, wasi->env, count * sizeof *env);
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next) {
        if (wardi_config_repeated(reading, node, item) || !is_text(reading, item, key)) continue;
        const char *name = item->key->text;
        if (name[0] == '\0' || strchr(name, '=') != NULL) {
            wardi_mistakes_add(reading->mistakes, item->key->place,
                               "%s: a name is empty or has a `=` in it; write NAME: value",
                               key->path);
            continue;
        }
        const char *value = wardi_yaml_null(item) ? "" : item->text;
        const char *variable = wardi_arena_printf(reading->arena, "%s=%s", name, value);
        if (variable != NULL) env_put(env, &count, variable);
    }
    wasi->env = env;
    wasi->env_count = count;
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

void wardi_config_read_list(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                            void *target)
{
    wardi_yaml_kind wanted = key->type == WARDI_KEY_ENV ? WARDI_YAML_MAP : WARDI_YAML_LIST;
    if (wardi_yaml_null(node)) return;
    if (node->kind != wanted) {
        const char *right = key->type == WARDI_KEY_ENV    ? "{NAME: value}"
                            : key->type == WARDI_KEY_DIRS ? "[{host: ./data, guest: /data}]"
                                                          : "[one, two]";
        wardi_mistakes_add(reading->mistakes, node->place, "%s takes a %s; write %s", key->path,
                           wanted == WARDI_YAML_MAP ? "map" : "list", right);
        return;
    }
    switch (key->type) {
    case WARDI_KEY_NEEDS: read_needs(reading, node, key, target); break;
    case WARDI_KEY_ARGS: read_args(reading, node, key, target); break;
    case WARDI_KEY_ENV: read_env(reading, node, key, target); break;
    default: read_dirs(reading, node, target); break;
    }
}
