/* What a core module is granted, made ready for its instance: one block with the texts, the bytes
 * of standard input, and the directories, opened. */
#include "wasi_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_utf8(const char *text)
{
    size_t left = strlen(text);
    for (const uint8_t *at = (const uint8_t *)text; left != 0;) {
        size_t length = wardi_utf8_length(at, left);
        if (length == 0) return false;
        at += length;
        left -= length;
    }
    return true;
}

static const char *guest_path(const ward_preopen *preopen)
{
    return preopen->guest_path != NULL ? preopen->guest_path : preopen->host_path;
}

/* ---- checks ---- */

static ward_error check_args(const char *const *args, size_t count, ward_diag *ret_diag)
{
    for (size_t i = 0; i < count; i++)
        if (!is_utf8(args[i]))
            return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                              "an argument for the guest is not UTF-8 (wasi.args)");
    return WARD_OK;
}

static ward_error check_variables(const ward_wasi_grants *wasi, ward_diag *ret_diag)
{
    for (size_t i = 0; i < wasi->env_count; i++) {
        const char *variable = wasi->env[i], *equals = strchr(variable, '=');
        if (equals == NULL || equals == variable)
            return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                              "environment variable \"%s\" is not NAME=value (wasi.env)", variable);
        if (!is_utf8(variable))
            return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                              "environment variable \"%s\" is not UTF-8 (wasi.env)", variable);
    }
    return WARD_OK;
}

static ward_error check_directories(const ward_wasi_grants *wasi, ward_diag *ret_diag)
{
    for (size_t i = 0; i < wasi->preopen_count; i++) {
        const char *host = wasi->preopens[i].host_path, *guest = guest_path(&wasi->preopens[i]);
        if (host == NULL)
            return wardi_fail(ret_diag, WARD_ERROR_IO,
                              "cannot open the directory (none) for the guest's %s: no host_path "
                              "(wasi.preopens)",
                              guest != NULL ? guest : "(none)");
        if (!is_utf8(host) || !is_utf8(guest))
            return wardi_fail(
                ret_diag, WARD_ERROR_IO,
                "cannot grant the directory %s as %s: both must be UTF-8 (wasi.preopens)", host,
                guest);
    }
    return WARD_OK;
}

/* ---- the block ---- */

static size_t texts_size(const char *const *texts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += strlen(texts[i]) + 1;
    return size;
}

static char *texts_copy(char *to, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(texts[i]) + 1;
        memcpy(to, texts[i], size);
        to += size;
    }
    return to;
}

static wasi_state *state_make(const ward_wasi_grants *wasi, const char *const *args,
                              size_t arg_count)
{
    size_t arg_bytes = texts_size(args, arg_count);
    size_t variable_bytes = texts_size(wasi->env, wasi->env_count), paths = 0;
    for (size_t i = 0; i < wasi->preopen_count; i++)
        paths += strlen(guest_path(&wasi->preopens[i])) + 1;
    wasi_state *state = wardi_alloc(sizeof *state + arg_bytes + variable_bytes + paths);
    if (state == NULL) return NULL;
    state->arg_count = (uint32_t)arg_count;
    state->arg_bytes = arg_bytes;
    state->variable_count = (uint32_t)wasi->env_count;
    state->variable_bytes = variable_bytes;
    state->output = wasi->inherit_stdout;
    state->errors = wasi->inherit_stderr;
    state->file_limit = WASI_STREAMS + (uint32_t)wasi->preopen_count + WASI_FILES_MAX;
    (void)texts_copy(texts_copy(state->texts, args, arg_count), wasi->env, wasi->env_count);
    return state;
}

/* ---- directories and input ---- */

static ward_error grant_directory(wasi_state *state, const ward_preopen *preopen, const char *name,
                                  ward_diag *ret_diag)
{
    uint32_t number;
    if (wasi_file_reserve(state, &number) != WASI_OK)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the guest's directories");
    int descriptor = open(preopen->host_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO,
                          "cannot open the directory %s for the guest's %s: %s (wasi.preopens)",
                          preopen->host_path, name, strerror(errno));
    state->files[number] = (wasi_file){.kind = WASI_DIRECTORY,
                                       .descriptor = descriptor,
                                       .preopen = name,
                                       .granted_write = preopen->writable};
    if (wasi_beneath_works(descriptor)) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_IO,
                      "cannot keep the guest within the directory %s: the kernel's openat2 fails: "
                      "%s; it needs Linux 5.8, and a container's seccomp profile must allow it "
                      "(wasi.preopens)",
                      preopen->host_path, strerror(errno));
}

static ward_error grant_directories(wasi_state *state, const ward_wasi_grants *wasi,
                                    ward_diag *ret_diag)
{
    ward_error error = WARD_OK;
    char *name = state->texts + state->arg_bytes + state->variable_bytes;
    for (size_t i = 0; error == WARD_OK && i < wasi->preopen_count; i++) {
        const char *path = guest_path(&wasi->preopens[i]);
        (void)texts_copy(name, &path, 1);
        error = grant_directory(state, &wasi->preopens[i], name, ret_diag);
        name += strlen(name) + 1;
    }
    return error;
}

/* Read here and now: a guest that read from a pipe could not be interrupted. */
static ward_error grant_input(wasi_state *state, const char *path, ward_diag *ret_diag)
{
    if (path == NULL || path[0] == '\0') return WARD_OK;
    ward_error error = source_read(path, &state->input, &state->input_length, NULL, ret_diag);
    if (error == WARD_ERROR_NOT_FOUND) error = WARD_ERROR_IO;
    if (ret_diag != NULL && error == WARD_ERROR_IO) ret_diag->error = error;
    return error;
}

ward_error wasi_grant(wardi_instance *instance, const wardi_instance_options *options,
                      ward_diag *ret_diag)
{
    static const ward_wasi_grants nothing;
    const ward_wasi_grants *wasi = options->wasi != NULL ? options->wasi : &nothing;
    const char *name = options->name != NULL ? options->name : "";
    const char *const *args = wasi->arg_count != 0 ? wasi->args : &name;
    size_t arg_count = wasi->arg_count != 0 ? wasi->arg_count : 1;
    ward_error error = check_args(args, arg_count, ret_diag);
    if (error == WARD_OK) error = check_variables(wasi, ret_diag);
    if (error == WARD_OK) error = check_directories(wasi, ret_diag);
    if (error != WARD_OK) return error;
    instance->wasi = state_make(wasi, args, arg_count);
    if (instance->wasi == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the guest's arguments");
    error = grant_directories(instance->wasi, wasi, ret_diag);
    if (error == WARD_OK) error = grant_input(instance->wasi, wasi->stdin_path, ret_diag);
    instance->wasi_epoch_ns = wardi_now_ns();
    return error;
}

void wasi_free(wasi_state *state)
{
    if (state == NULL) return;
    wasi_files_close(state);
    wardi_free(state->input);
    wardi_free(state);
}
