/* A component's options: checked, resolved and copied. */
#include <string.h>

#include "component/component_priv.h"

#define MEMORY_DEFAULT (UINT64_C(256) << 20)
#define TABLE_DEFAULT 100000
#define START_TIMEOUT_DEFAULT (10 * WARDI_S)
#define STOP_TIMEOUT_DEFAULT (5 * WARDI_S)
/* Longer than a day is a slip of units. */
#define TIMEOUT_MAX (24 * 3600 * WARDI_S)

static ward_error invalid(ward_diag *ret_diag, const char *name, const char *what)
{
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "component %s: %s", name, what);
}

static ward_error check_source(const ward_component_options *options, ward_diag *ret_diag)
{
    if (options->path != NULL && options->bytes != NULL)
        return invalid(ret_diag, options->name, "it has both a path and bytes: give one");
    if (options->path == NULL && options->bytes == NULL)
        return invalid(ret_diag, options->name, "it has neither a path nor bytes: give one");
    if (options->path != NULL && options->path[0] == '\0')
        return invalid(ret_diag, options->name, "its path is empty");
    return WARD_OK;
}

static ward_error resolve_timeout(uint64_t *timeout_ns, uint64_t default_ns, const char *field,
                                  ward_diag *ret_diag)
{
    if (*timeout_ns == 0) *timeout_ns = default_ns;
    if (*timeout_ns <= TIMEOUT_MAX) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "%s is %llus: at most 24h", field,
                      (unsigned long long)(*timeout_ns / WARDI_S));
}

static ward_error resolve_limits(ward_limits *limits, uint64_t memory_bytes_max,
                                 ward_diag *ret_diag)
{
    if (limits->memory_bytes_max == 0)
        limits->memory_bytes_max =
            MEMORY_DEFAULT < memory_bytes_max ? MEMORY_DEFAULT : memory_bytes_max;
    if (limits->table_elements_max == 0) limits->table_elements_max = TABLE_DEFAULT;
    if (limits->memory_bytes_max <= memory_bytes_max) return WARD_OK;
    char words[2][32];
    wardi_text asked = WARDI_TEXT(words[0]), most = WARDI_TEXT(words[1]);
    wardi_text_size(&asked, limits->memory_bytes_max);
    wardi_text_size(&most, memory_bytes_max);
    return wardi_fail(ret_diag, WARD_ERROR_LIMIT_MEMORY,
                      "limits.memory is %s, and the host allows at most %s: lower it, or raise the "
                      "host's memory_bytes_max",
                      words[0], words[1]);
}

static ward_error check_wasi(const ward_component_options *options, ward_diag *ret_diag)
{
    const ward_wasi_grants *wasi = &options->wasi;
    bool lists = (wasi->arg_count == 0 || wasi->args != NULL) &&
                 (wasi->env_count == 0 || wasi->env != NULL) &&
                 (wasi->preopen_count == 0 || wasi->preopens != NULL);
    if (!lists) return invalid(ret_diag, options->name, "wasi: a list with a count is NULL");
    for (size_t i = 0; i < wasi->arg_count; i++)
        if (wasi->args[i] == NULL) return invalid(ret_diag, options->name, "wasi: an arg is NULL");
    for (size_t i = 0; i < wasi->env_count; i++) {
        const char *entry = wasi->env[i];
        if (entry == NULL || entry[0] == '=' || strchr(entry, '=') == NULL)
            return invalid(ret_diag, options->name, "wasi: env entries read NAME=value");
    }
    for (size_t i = 0; i < wasi->preopen_count; i++)
        if (wasi->preopens[i].host_path == NULL || wasi->preopens[i].guest_path == NULL)
            return invalid(ret_diag, options->name,
                           "wasi: a preopened directory needs host_path and guest_path");
    return WARD_OK;
}

/* Checks `options` and resolves its defaults where it stands. */
static ward_error resolve(ward_component_options *options, uint64_t memory_bytes_max,
                          ward_diag *ret_diag)
{
    if (!wardi_name_valid(options->name))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "\"%s\" is no name for a component: 1 to 127 of A-Z a-z 0-9 . _ -, not "
                          "starting with a dot or dash",
                          options->name != NULL ? options->name : "");
    ward_error error = check_source(options, ret_diag);
    if (error == WARD_OK)
        error = resolve_timeout(&options->start_timeout_ns, START_TIMEOUT_DEFAULT, "start_timeout",
                                ret_diag);
    if (error == WARD_OK)
        error = resolve_timeout(&options->stop_timeout_ns, STOP_TIMEOUT_DEFAULT, "stop_timeout",
                                ret_diag);
    if (error == WARD_OK) error = resolve_limits(&options->limits, memory_bytes_max, ret_diag);
    if (error == WARD_OK) error = check_wasi(options, ret_diag);
    if (error == WARD_OK)
        error = wardi_health_policy_resolve(&options->health, &options->health, ret_diag);
    return error;
}

static ward_error read_options(const ward_component_options *options, uint64_t memory_bytes_max,
                               ward_component_options *ret_own, ward_diag *ret_diag)
{
    if (options == NULL || !wardi_options_copy(ret_own, sizeof *ret_own, options, options->size))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "component options: their size is not one that this library knows; start "
                          "them with WARD_INIT(ward_component_options)");
    return resolve(ret_own, memory_bytes_max, ret_diag);
}

ward_error wardi_component_options_check(const ward_component_options *options,
                                         uint64_t memory_bytes_max, ward_diag *ret_diag)
{
    ward_component_options own;
    return read_options(options, memory_bytes_max, &own, ret_diag);
}

/* ---- the copy ---- */

static bool copy_string(char **ret_copy, const char *string)
{
    if (string == NULL) return true;
    *ret_copy = wardi_strdup(string);
    return *ret_copy != NULL;
}

/* `*ret_count` tells how many were copied, so that a half-made list can be freed. */
static bool copy_strings(const char *const **ret_copies, size_t *ret_count,
                         const char *const *strings, size_t count)
{
    if (count == 0) return true;
    char **copies = wardi_alloc_array(count, sizeof *copies);
    *ret_copies = (const char *const *)copies;
    if (copies == NULL) return false;
    for (; *ret_count < count; ++*ret_count)
        if (!copy_string(&copies[*ret_count], strings[*ret_count])) return false;
    return true;
}

static void drop_strings(const char *const *strings, size_t count)
{
    for (size_t i = 0; i < count; i++) wardi_free((char *)strings[i]);
    wardi_free((char **)strings);
}

static bool copy_preopens(ward_wasi_grants *to, const ward_wasi_grants *from)
{
    if (from->preopen_count == 0) return true;
    ward_preopen *copies = wardi_alloc_array(from->preopen_count, sizeof *copies);
    to->preopens = copies;
    if (copies == NULL) return false;
    for (; to->preopen_count < from->preopen_count; to->preopen_count++) {
        const ward_preopen *preopen = &from->preopens[to->preopen_count];
        ward_preopen *copy = &copies[to->preopen_count];
        copy->writable = preopen->writable;
        copy->host_path = wardi_strdup(preopen->host_path);
        copy->guest_path = wardi_strdup(preopen->guest_path);
        if (copy->host_path != NULL && copy->guest_path != NULL) continue;
        to->preopen_count++; /* half-made, and freed with the others */
        return false;
    }
    return true;
}

static void drop_wasi(ward_wasi_grants *wasi)
{
    if (wasi == NULL) return;
    drop_strings(wasi->args, wasi->arg_count);
    drop_strings(wasi->env, wasi->env_count);
    for (size_t i = 0; i < wasi->preopen_count; i++) {
        wardi_free((char *)wasi->preopens[i].host_path);
        wardi_free((char *)wasi->preopens[i].guest_path);
    }
    wardi_free((ward_preopen *)wasi->preopens);
    wardi_free((char *)wasi->stdin_path);
    wardi_free(wasi);
}

static bool grants_nothing(const ward_wasi_grants *wasi)
{
    return wasi->arg_count == 0 && wasi->env_count == 0 && wasi->preopen_count == 0 &&
           wasi->stdin_path == NULL && !wasi->inherit_stdout && !wasi->inherit_stderr;
}

static bool copy_wasi(ward_component *component, const ward_wasi_grants *from)
{
    if (grants_nothing(from)) return true;
    ward_wasi_grants *to = wardi_alloc(sizeof *to);
    component->wasi = to;
    if (to == NULL) return false;
    to->inherit_stdout = from->inherit_stdout;
    to->inherit_stderr = from->inherit_stderr;
    return copy_strings(&to->args, &to->arg_count, from->args, from->arg_count) &&
           copy_strings(&to->env, &to->env_count, from->env, from->env_count) &&
           copy_preopens(to, from) && copy_string((char **)&to->stdin_path, from->stdin_path);
}

static bool copy_bytes(ward_component *component, const ward_component_options *options)
{
    if (options->bytes == NULL) return true;
    component->bytes = wardi_memdup(options->bytes, options->byte_count);
    component->byte_count = options->byte_count;
    return component->bytes != NULL;
}

ward_error wardi_component_options_take(ward_component *component,
                                        const ward_component_options *options, ward_diag *ret_diag)
{
    ward_component_options own;
    uint64_t memory_bytes_max = wardi_engine_memory_bytes_max(component->engine);
    ward_error error = read_options(options, memory_bytes_max, &own, ret_diag);
    if (error != WARD_OK) return error;
    component_terms terms = {.limits = own.limits,
                             .policy = own.health,
                             .start_timeout_ns = own.start_timeout_ns,
                             .stop_timeout_ns = own.stop_timeout_ns,
                             .path = (char *)(uintptr_t)own.path}; /* only copied */
    component->terms = wardi_terms_take(&terms);
    bool versioned = own.version != NULL && own.version[0] != '\0';
    bool copied = component->terms != NULL && copy_string(&component->name, own.name) &&
                  copy_string(&component->version, versioned ? own.version : NULL) &&
                  copy_bytes(component, &own) && copy_wasi(component, &own.wasi);
    if (copied) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the options of %s", own.name);
}

void wardi_component_options_drop(ward_component *component)
{
    wardi_free(component->name);
    wardi_free(component->version);
    wardi_terms_drop(component->terms);
    wardi_free(component->bytes);
    drop_wasi(component->wasi);
}
