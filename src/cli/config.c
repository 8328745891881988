#include "cli/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef enum top_key {
    TOP_VERSION,
    TOP_HOST,
    TOP_SUPERVISOR,
    TOP_SURFACES,
    TOP_JOURNAL,
    TOP_DEFAULTS,
    TOP_GROUPS,
    TOP_COMPONENTS,
} top_key;
static const char *const top_keys[] = {
    [TOP_VERSION] = "version",       [TOP_HOST] = "host",
    [TOP_SUPERVISOR] = "supervisor", [TOP_SURFACES] = "surfaces",
    [TOP_JOURNAL] = "journal",       [TOP_DEFAULTS] = "defaults",
    [TOP_GROUPS] = "groups",         [TOP_COMPONENTS] = "components",
};

const char *wardi_config_resolve(wardi_reading *reading, const char *path)
{
    bool here = reading->directory == NULL || strcmp(reading->directory, ".") == 0;
    if (here || path[0] == '/') return path;
    const char *whole = wardi_arena_printf(reading->arena, "%s/%s", reading->directory, path);
    return whole != NULL ? whole : path;
}

uint32_t wardi_config_instances(const wardi_config_child *child)
{
    return child->options.instances > 1 ? child->options.instances : 1;
}

const char *wardi_config_instance(char *buffer, const wardi_config_child *child, uint32_t which)
{
    wardi_text text = wardi_text_on(buffer, WARDI_INSTANCE_BYTES);
    wardi_text_puts(&text, child->component.name);
    if (wardi_config_instances(child) > 1) wardi_text_printf(&text, ".%u", which);
    return buffer;
}

static void read_version(wardi_reading *reading, const wardi_yaml *node)
{
    if (node->kind != WARDI_YAML_SCALAR || strcmp(node->text, "1") != 0)
        wardi_mistakes_add(reading->mistakes, node->place,
                           "this version of the format is not known; write `version: 1`");
}

static bool is_map(wardi_reading *reading, const wardi_yaml *node, const char *what)
{
    if (node->kind == WARDI_YAML_MAP) return true;
    if (!wardi_yaml_null(node))
        wardi_mistakes_add(reading->mistakes, node->place,
                           "%s takes keys of its own; write them below it, indented", what);
    return false;
}

static bool child_init(wardi_reading *reading, wardi_config_child *child)
{
    child->options = (ward_child_options)WARD_INIT(ward_child_options);
    child->component = (ward_component_options)WARD_INIT(ward_component_options);
    child->places =
        wardi_arena_take(reading->arena, wardi_component_keys.count * sizeof *child->places);
    return child->places != NULL;
}

static void check_name(wardi_reading *reading, const wardi_yaml *key, const char *what)
{
    char quoted[WARDI_SHOWN_BYTES];
    if (!wardi_name_valid(key->text))
        wardi_mistakes_add(reading->mistakes, key->place,
                           "%s is no name for a %s; write 1 to 127 letters, digits, '.', '_' or "
                           "'-', beginning with a letter, a digit or '_'",
                           wardi_config_shown(quoted, key->text), what);
}

static void read_child(wardi_reading *reading, const wardi_yaml *node, wardi_config_child *child)
{
    const wardi_config_child *defaults = &reading->config->defaults;
    size_t before = reading->mistakes->count;
    wardi_place *places = child->places;
    *child = *defaults;
    child->places = places;
    memcpy(places, defaults->places, wardi_component_keys.count * sizeof *places);
    child->place = node->key->place;
    child->component.name = node->key->text;
    check_name(reading, node->key, "component");
    if (is_map(reading, node, "a component"))
        wardi_config_read_map(reading, node, &wardi_component_keys, "", child, places);
    child->faulty = reading->mistakes->count > before;
}

static size_t entries_of(const wardi_yaml *map)
{
    size_t count = 0;
    for (const wardi_yaml *entry = map->first; entry != NULL; entry = entry->next) count++;
    return count;
}

static void read_groups(wardi_reading *reading, const wardi_yaml *node)
{
    wardi_config *config = reading->config;
    size_t room = (entries_of(node) + 1) * sizeof *config->groups;
    config->groups = wardi_arena_take(reading->arena, room);
    if (config->groups == NULL) return;
    for (const wardi_yaml *entry = node->first; entry != NULL; entry = entry->next) {
        wardi_config_group *group = &config->groups[config->group_count];
        group->options = (ward_group_options)WARD_INIT(ward_group_options);
        group->options.name = entry->key->text;
        group->place = entry->key->place;
        group->places =
            wardi_arena_take(reading->arena, wardi_group_keys.count * sizeof *group->places);
        if (group->places == NULL) return;
        config->group_count++;
        check_name(reading, entry->key, "group");
        if (is_map(reading, entry, "a group"))
            wardi_config_read_map(reading, entry, &wardi_group_keys, "", group, group->places);
    }
}

static void read_components(wardi_reading *reading, const wardi_yaml *node)
{
    wardi_config *config = reading->config;
    size_t room = (entries_of(node) + 1) * sizeof *config->children;
    config->children = wardi_arena_take(reading->arena, room);
    if (config->children == NULL) return;
    for (const wardi_yaml *child = node->first; child != NULL; child = child->next) {
        wardi_config_child *into = &config->children[config->child_count];
        if (!child_init(reading, into)) return;
        read_child(reading, child, into);
        config->child_count++;
    }
}

static void read_top(wardi_reading *reading, const wardi_yaml *root, const wardi_yaml **ret_parts)
{
    for (const wardi_yaml *value = root->first; value != NULL; value = value->next) {
        if (wardi_config_repeated(reading, root, value)) continue;
        size_t i = 0;
        while (i < WARD_COUNT(top_keys) && strcmp(top_keys[i], value->key->text) != 0) i++;
        if (i < WARD_COUNT(top_keys))
            ret_parts[i] = value;
        else
            wardi_config_add_unknown(reading, value->key, "the file", NULL, top_keys,
                                     WARD_COUNT(top_keys));
    }
}

static void read_shared(wardi_reading *reading, const wardi_yaml *const *parts)
{
    wardi_config *config = reading->config;
    const wardi_yaml *host = parts[TOP_HOST], *supervisor = parts[TOP_SUPERVISOR];
    if (host != NULL && is_map(reading, host, "`host`"))
        wardi_config_read_map(reading, host, &wardi_host_keys, "host.", config, config->places);
    if (supervisor != NULL && is_map(reading, supervisor, "`supervisor`"))
        wardi_config_read_map(reading, supervisor, &wardi_supervisor_keys, "supervisor.", config,
                              config->supervisor_places);
    const wardi_yaml *surfaces = parts[TOP_SURFACES], *journal = parts[TOP_JOURNAL];
    size_t before = reading->mistakes->count;
    if (surfaces != NULL && is_map(reading, surfaces, "`surfaces`"))
        wardi_config_read_map(reading, surfaces, &wardi_surface_keys, "surfaces.", config,
                              config->surface_places);
    config->surfaces_faulty = reading->mistakes->count > before;
    if (journal != NULL && is_map(reading, journal, "`journal`"))
        wardi_config_read_map(reading, journal, &wardi_journal_keys, "journal.", config,
                              config->journal_places);
    const wardi_yaml *defaults = parts[TOP_DEFAULTS];
    if (defaults != NULL && is_map(reading, defaults, "`defaults`"))
        wardi_config_read_map(reading, defaults, &wardi_component_keys, "", &config->defaults,
                              config->defaults.places);
}

static void read_parts(wardi_reading *reading, const wardi_yaml *root)
{
    const wardi_yaml *parts[WARD_COUNT(top_keys)] = {0};
    read_top(reading, root, parts);
    if (parts[TOP_VERSION] == NULL)
        wardi_mistakes_add(reading->mistakes, root->place,
                           "the version of the format is missing; write `version: 1` first");
    else
        read_version(reading, parts[TOP_VERSION]);
    read_shared(reading, parts); /* before the components, wherever it stands */
    const wardi_yaml *groups = parts[TOP_GROUPS], *components = parts[TOP_COMPONENTS];
    if (groups != NULL && is_map(reading, groups, "`groups`")) read_groups(reading, groups);
    if (components != NULL && is_map(reading, components, "`components`"))
        read_components(reading, components);
    if (reading->config->child_count == 0)
        wardi_mistakes_add(reading->mistakes, components != NULL ? components->place : root->place,
                           "there are no components; write them below `components:`, each with a "
                           "name and a `path`");
}

static void read_root(wardi_reading *reading, const wardi_yaml *root)
{
    if (root->kind != WARDI_YAML_MAP) {
        wardi_mistakes_add(reading->mistakes, root->place,
                           "the file is no map; write `version: 1` and `components:`");
        return;
    }
    if (!child_init(reading, &reading->config->defaults)) return;
    read_parts(reading, root);
    if (!reading->arena->failed) wardi_config_check(reading);
}

ward_error wardi_config_parse(const char *bytes, size_t length, const char *directory,
                              wardi_config **ret_config, wardi_mistakes *mistakes)
{
    wardi_config *config = wardi_alloc(sizeof *config);
    if (config == NULL) return WARD_ERROR_NO_MEMORY;
    config->host = (ward_host_options)WARD_INIT(ward_host_options);
    config->supervisor = (ward_supervisor_options)WARD_INIT(ward_supervisor_options);
    wardi_reading reading = {config, &config->arena, mistakes, directory};
    size_t before = mistakes->count;
    const wardi_yaml *root = wardi_yaml_read(&config->arena, bytes, length, mistakes);
    if (root != NULL)
        read_root(&reading, root);
    else if (mistakes->count == before && !config->arena.failed)
        wardi_mistakes_add(mistakes, (wardi_place){1, 1},
                           "the file is empty; write `version: 1` and `components:`");
    ward_error error = WARD_OK;
    if (config->arena.failed || mistakes->arena.failed || config->warnings.arena.failed)
        error = WARD_ERROR_NO_MEMORY;
    else if (mistakes->count > before)
        error = WARD_ERROR_CONFIG;
    wardi_mistakes_sort(mistakes);
    if (error == WARD_OK) {
        for (size_t i = 0; i < config->child_count; i++) {
            config->children[i].options.component = &config->children[i].component;
            config->children[i].options.grants = &config->children[i].grants;
        }
        wardi_mistakes_sort(&config->warnings);
        *ret_config = config;
    } else {
        wardi_config_free(config);
    }
    return error;
}

static wardi_file_stamp stamp_of(const char *path)
{
    struct stat at;
    if (path == NULL || stat(path, &at) != 0) return (wardi_file_stamp){0};
    return (wardi_file_stamp){.device = at.st_dev,
                              .inode = at.st_ino,
                              .size = (uint64_t)at.st_size,
                              .modified_ns = (uint64_t)at.st_mtim.tv_sec * WARDI_S +
                                             (uint64_t)at.st_mtim.tv_nsec};
}

void wardi_config_stamp(wardi_config *config)
{
    for (size_t i = 0; i < config->child_count; i++)
        config->children[i].stamp = stamp_of(config->children[i].component.path);
}

void wardi_config_free(wardi_config *config)
{
    if (config == NULL) return;
    wardi_mistakes_done(&config->warnings);
    wardi_arena_done(&config->arena);
    wardi_free(config);
}

/* ---- the file ---- */

static ward_error open_failed(const char *path, ward_diag *ret_diag)
{
    int cause = errno;
    if (cause == ENOENT)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND,
                          "%s: there is no such file; name the configuration to read", path);
    return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: %s; %s", path, strerror(cause),
                      cause == EACCES ? "check who may read it" : "check the path");
}

/* One byte more than allowed is read, so that the reader says that it is too large. */
static ward_error slurp(const char *path, char **ret_bytes, size_t *ret_length, ward_diag *ret_diag)
{
    size_t capacity = WARDI_YAML_BYTES_MAX + 1;
    struct stat status;
    FILE *file = fopen(path, "re");
    if (file == NULL) return open_failed(path, ret_diag);
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
        fclose(file);
        return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: it is a directory; name the file in it",
                          path);
    }
    char *bytes = malloc(capacity);
    if (bytes == NULL) {
        fclose(file);
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "out of memory reading %s", path);
    }
    size_t length = fread(bytes, 1, capacity, file);
    bool failed = ferror(file) != 0;
    int cause = errno;
    fclose(file);
    if (failed) {
        free(bytes);
        return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: %s", path, strerror(cause));
    }
    *ret_bytes = bytes;
    *ret_length = length;
    return WARD_OK;
}

ward_error wardi_config_read(const char *path, wardi_config **ret_config, wardi_mistakes *mistakes,
                             ward_diag *ret_diag)
{
    char *bytes = NULL;
    size_t length = 0;
    ward_error error = slurp(path, &bytes, &length, ret_diag);
    if (error != WARD_OK) return error;
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL   ? strdup(".")
                      : slash == path ? strdup("/")
                                      : strndup(path, (size_t)(slash - path));
    if (directory == NULL)
        error = WARD_ERROR_NO_MEMORY;
    else
        error = wardi_config_parse(bytes, length, directory, ret_config, mistakes);
    free(directory);
    free(bytes);
    if (error == WARD_ERROR_NO_MEMORY)
        return wardi_fail(ret_diag, error, "out of memory reading %s", path);
    if (error == WARD_ERROR_CONFIG)
        return wardi_fail(ret_diag, error, "%s: %zu mistake%s", path, mistakes->count,
                          mistakes->count == 1 ? "" : "s");
    return error;
}
