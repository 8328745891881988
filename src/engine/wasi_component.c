/* What a component of the component model is granted: through the engine's own WASI preview 2,
 * which does what may block on threads of its own. */
#include "wasi_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <wasi.h>

static ssize_t output_write(void *env, const unsigned char *bytes, size_t length)
{
    ssize_t put = wasi_output_write((int)(intptr_t)env, bytes, length, wasi_output_patience());
    return put < 0 || (size_t)put == length ? put : -EAGAIN;
}

static ward_error grant_args(wasi_config_t *config, const wardi_instance_options *options,
                             ward_diag *ret_diag)
{
    const ward_wasi_grants *wasi = options->wasi;
    const char *name = options->name != NULL ? options->name : "";
    bool given = wasi != NULL && wasi->arg_count != 0;
    if (wasi_config_set_argv(config, given ? wasi->arg_count : 1,
                             given ? (const char **)(uintptr_t)wasi->args : &name))
        return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "an argument for the guest is not UTF-8 (wasi.args)");
}

static ward_error grant_variable(wasi_config_t *config, const char *variable, ward_diag *ret_diag)
{
    const char *equals = strchr(variable, '=');
    if (equals == NULL || equals == variable)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "environment variable \"%s\" is not NAME=value (wasi.env)", variable);
    char *name = describe_copy(variable, (size_t)(equals - variable));
    if (name == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    const char *names[] = {name}, *values[] = {equals + 1};
    bool set = wasi_config_set_env(config, 1, names, values);
    wardi_free(name);
    if (set) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "environment variable \"%s\" is not UTF-8 (wasi.env)", variable);
}

/* Read here and now: a guest that read from a pipe could not be interrupted. */
static ward_error grant_input(wasi_config_t *config, const char *path, ward_diag *ret_diag)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    ward_error error = source_read(path, &bytes, &length, NULL, ret_diag);
    if (error == WARD_ERROR_NOT_FOUND) error = WARD_ERROR_IO;
    if (ret_diag != NULL && error == WARD_ERROR_IO) ret_diag->error = error;
    if (error != WARD_OK) return error;
    wasm_byte_vec_t input;
    wasm_byte_vec_new(&input, length, (const char *)bytes);
    wasi_config_set_stdin_bytes(config, &input);
    wardi_free(bytes);
    return WARD_OK;
}

static ward_error grant_all(wasi_config_t *config, const wardi_instance_options *options,
                            ward_diag *ret_diag)
{
    const ward_wasi_grants *wasi = options->wasi;
    ward_error error = grant_args(config, options, ret_diag);
    if (wasi == NULL) return error;
    for (size_t i = 0; error == WARD_OK && i < wasi->env_count; i++)
        error = grant_variable(config, wasi->env[i], ret_diag);
    if (error == WARD_OK && wasi->preopen_count != 0)
        error =
            wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                       "directories can be granted to core modules only, and this is a component "
                       "of the component model: nothing would bound the files that it opens, "
                       "nor end it in a pipe that nobody writes to (wasi.preopens)");
    if (error == WARD_OK && wasi->stdin_path != NULL && wasi->stdin_path[0] != '\0')
        error = grant_input(config, wasi->stdin_path, ret_diag);
    if (wasi->inherit_stdout)
        wasi_config_set_stdout_custom(config, output_write, (void *)(intptr_t)STDOUT_FILENO, NULL);
    if (wasi->inherit_stderr)
        wasi_config_set_stderr_custom(config, output_write, (void *)(intptr_t)STDERR_FILENO, NULL);
    return error;
}

ward_error wasi_grant_component(wardi_instance *instance, const wardi_instance_options *options,
                                ward_diag *ret_diag)
{
    wasi_config_t *config = wasi_config_new();
    ward_error error = grant_all(config, options, ret_diag);
    if (error != WARD_OK) {
        wasi_config_delete(config);
        return error;
    }
    wasmtime_error_t *failed = wasmtime_context_set_wasi(instance->context, config);
    if (failed == NULL) return WARD_OK;
    return engine_fail(ret_diag, WARD_ERROR_INTERNAL, "cannot set up WASI", failed);
}
