#include "cli/config_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "component/component.h"
#include "supervise/supervise.h"

/* ---- files ---- */

/* What the first bytes tell; of a text that begins with a comment, nothing. */
typedef enum file_kind { KIND_OTHER, KIND_EMPTY, KIND_MODULE, KIND_COMPONENT } file_kind;

static file_kind kind_of_binary(const unsigned char *start, size_t length)
{
    enum { LAYER_AT = 6, LAYER_COMPONENT = 1 }; /* behind the magic bytes and the version */
    return length > LAYER_AT && start[LAYER_AT] == LAYER_COMPONENT ? KIND_COMPONENT : KIND_MODULE;
}

/* Text begins with a parenthesis, after blanks or a comment. */
static file_kind kind_of_text(const char *start)
{
    static const char component[] = "(component";
    const char *at = start + strspn(start, " \t\r\n");
    if (strncmp(at, component, sizeof component - 1) == 0) return KIND_COMPONENT;
    return *at == '(' || *at == ';' ? KIND_MODULE : KIND_OTHER;
}

static file_kind kind_of(const char *path)
{
    char start[65] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return KIND_MODULE; /* said already, with the cause */
    ssize_t length = read(file, start, sizeof start - 1);
    close(file);
    if (length == 0) return KIND_EMPTY;
    if (length >= 4 && memcmp(start, "\0asm", 4) == 0)
        return kind_of_binary((const unsigned char *)start, (size_t)length);
    bool all_blank = strspn(start, " \t\r\n") == sizeof start - 1;
    return all_blank ? KIND_MODULE : kind_of_text(start);
}

static void add_unseen(wardi_reading *reading, wardi_place place, const char *path,
                       const char *what, int cause)
{
    if (cause == ENOENT)
        wardi_mistakes_add(reading->mistakes, place,
                           "there is no %s %s; paths are relative to this file", what, path);
    else
        wardi_mistakes_add(reading->mistakes, place, "the %s %s cannot be looked at: %s; %s", what,
                           path, strerror(cause),
                           cause == EACCES ? "check who may read it" : "check the path");
}

bool config_rules_path(wardi_reading *reading, wardi_place place, const char *path, mode_t wanted)
{
    struct stat status;
    const char *what = wanted == S_IFDIR ? "directory" : "file";
    if (stat(path, &status) != 0) {
        add_unseen(reading, place, path, what, errno);
        return false;
    }
    if ((status.st_mode & S_IFMT) != wanted) {
        const char *is = S_ISDIR(status.st_mode) ? "a directory"
                         : wanted == S_IFDIR     ? "no directory"
                                                 : "no regular file"; /* a pipe could block */
        wardi_mistakes_add(reading->mistakes, place, "%s is %s; name a %s", path, is, what);
        return false;
    }
    if (access(path, R_OK) != 0) {
        wardi_mistakes_add(reading->mistakes, place,
                           "%s may not be read by this user; check its mode", path);
        return false;
    }
    return true;
}

/* Once something has crashed it is too late to say that nothing can be written there. */
static void check_core_dumps(wardi_reading *reading)
{
    const wardi_config *config = reading->config;
    const char *path = config->supervisor.core_dump_directory;
    if (path == NULL || reading->directory == NULL) return;
    wardi_place place =
        config->supervisor_places[wardi_key_index(&wardi_supervisor_keys, "supervisor.core_dumps")];
    if (config_rules_path(reading, place, path, S_IFDIR) && access(path, W_OK | X_OK) != 0)
        wardi_mistakes_add(reading->mistakes, place,
                           "nothing can be written to %s by this user: %s; check its mode, or name "
                           "another directory",
                           path, strerror(errno));
}

static void check_files(wardi_reading *reading, const wardi_config_child *child)
{
    const ward_wasi_grants *wasi = &child->component.wasi;
    const char *path = child->component.path;
    wardi_place path_place = child->places[wardi_component_key("path")];
    if (path != NULL && config_rules_path(reading, path_place, path, S_IFREG)) {
        file_kind kind = kind_of(path);
        if (kind == KIND_OTHER)
            wardi_mistakes_add(reading->mistakes, path_place,
                               "%s is no WebAssembly; name a .wasm or .wat file", path);
        if (kind == KIND_EMPTY)
            wardi_mistakes_add(reading->mistakes, path_place,
                               "%s is empty; name a .wasm or .wat file", path);
        if (kind == KIND_COMPONENT)
            wardi_config_add_unfit(reading->mistakes, reading->config, child);
    }
    if (wasi->stdin_path != NULL)
        config_rules_path(reading, child->places[wardi_component_key("wasi.stdin")],
                          wasi->stdin_path, S_IFREG);
    for (size_t i = 0; i < wasi->preopen_count; i++)
        if (wasi->preopens[i].host_path != NULL)
            config_rules_path(reading, child->dir_places[i], wasi->preopens[i].host_path, S_IFDIR);
}

/* ---- figures that contradict each other ---- */

static void check_thresholds(wardi_reading *reading, const wardi_config_child *child)
{
    for (size_t i = 0; i < WARD_RESOURCE_COUNT; i++) {
        const ward_thresholds *at = &child->component.health.resources[i];
        const char *name = ward_resource_name((ward_resource)i);
        char path[64];
        wardi_text text = WARDI_TEXT(path);
        wardi_text_printf(&text, "health.resources.%s.unhealthy_at", name);
        wardi_place place = child->places[wardi_component_key(path)];
        if (at->degraded_at > 0 && at->unhealthy_at > 0 && at->unhealthy_at < at->degraded_at)
            wardi_mistakes_add(reading->mistakes, place,
                               "%s is below degraded_at; write at least as much", path);
    }
    const ward_thresholds *fuel = &child->component.health.resources[WARD_RESOURCE_FUEL];
    if ((fuel->degraded_at > 0 || fuel->unhealthy_at > 0) &&
        child->component.limits.fuel_per_call == 0) {
        bool degraded = fuel->degraded_at > 0;
        wardi_mistakes_add(
            reading->mistakes,
            child->places[wardi_component_key(degraded ? "health.resources.fuel.degraded_at"
                                                       : "health.resources.fuel.unhealthy_at")],
            "fuel is not metered, so this never says anything; set `limits.fuel`");
    }
}

static void check_instances(wardi_reading *reading, const wardi_config_child *child)
{
    const ward_child_options *options = &child->options;
    wardi_place place = child->places[wardi_component_key("instances_healthy_when")];
    wardi_place inherited =
        reading->config->defaults.places[wardi_component_key("instances_healthy_when")];
    uint32_t count = wardi_config_instances(child), least = options->instances_health.least;
    char name[WARDI_INSTANCE_BYTES];
    if (count <= 1 && place.line != 0 && place.line != inherited.line)
        wardi_mistakes_add(reading->mistakes, place,
                           "instances_healthy_when means nothing with one instance; take it out, "
                           "or write `instances: 2` or more");
    if (count > 1 && options->instances_health.rule == WARD_GROUP_AT_LEAST && least > count)
        wardi_mistakes_add(reading->mistakes, place,
                           "instances_healthy_when asks for %u, and there are %u instances; write "
                           "no more than that",
                           least, count);
    if (wardi_name_valid(child->component.name) &&
        !wardi_name_valid(wardi_config_instance(name, child, count - 1)))
        wardi_mistakes_add(reading->mistakes, child->place,
                           "with the number of an instance this name has more than 127 bytes; "
                           "write a shorter one");
}

/* What the library itself would refuse: the net below the checks above, which know the place. */
static void check_library(wardi_reading *reading, const wardi_config_child *child)
{
    ward_diag diag;
    ward_backoff backoff;
    ward_error error = wardi_component_options_check(
        &child->component, config_rules_memory_max(reading->config), &diag);
    if (error == WARD_OK) error = wardi_backoff_resolve(&child->options.backoff, &backoff, &diag);
    if (error != WARD_OK) wardi_mistakes_add(reading->mistakes, child->place, "%s", diag.text);
}

static void check_child(wardi_reading *reading, const wardi_config_child *child)
{
    size_t before = reading->mistakes->count;
    bool has_path = child->component.path != NULL;
    if (!has_path && child->places[wardi_component_key("path")].line == 0)
        wardi_mistakes_add(reading->mistakes, child->place,
                           "this component has no `path`; write `path: FILE.wasm` below it");
    if (reading->directory != NULL) check_files(reading, child);
    check_thresholds(reading, child);
    wardi_config_check_restart(reading, child);
    wardi_config_check_mailbox(reading, child);
    check_instances(reading, child);
    wardi_config_check_limits(reading, child);
    if (has_path && !child->faulty && reading->mistakes->count == before)
        check_library(reading, child);
}

static void check_host(wardi_reading *reading)
{
    const wardi_config *config = reading->config;
    uint32_t most = config_rules_components_max(config);
    size_t count = 0;
    const wardi_config_child *last = NULL; /* the first that is one too many */
    for (size_t i = 0; i < config->child_count; i++) {
        count += wardi_config_instances(&config->children[i]);
        if (last == NULL && count > most) last = &config->children[i];
    }
    if (last == NULL) return;
    if (config->host.components_max == 0)
        wardi_mistakes_add(reading->mistakes, last->place,
                           "a host has room for %u components, and with this one there are more, "
                           "%zu in all; write `host: {components_max: %zu}`",
                           most, count, count);
    for (size_t i = 0; i < wardi_host_keys.count; i++)
        if (config->host.components_max != 0 &&
            strcmp(wardi_host_keys.items[i].path, "host.components_max") == 0)
            wardi_mistakes_add(
                reading->mistakes, config->places[i],
                "host.components_max is less than the %zu components below; raise it", count);
}

void wardi_config_check(wardi_reading *reading)
{
    const wardi_config *config = reading->config;
    wardi_config_check_groups(reading);
    check_core_dumps(reading);
    wardi_config_check_surfaces(reading);
    if (config->child_count == 0) return;
    check_host(reading);
    for (size_t i = 0; i < config->child_count; i++) check_child(reading, &config->children[i]);
    wardi_config_check_needs(reading);
}
