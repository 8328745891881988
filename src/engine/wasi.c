/* WASI preview 1: the engine's own, with three things done here.
 *
 * Waiting: the engine's poll_oneoff would sleep on the worker's thread, where nothing can end it.
 * Ours returns to whoever polls the call, with the time to come back at. Exiting: ours keeps every
 * status, the engine's only those below 126. Writing to the host's output: ours gives up on a
 * reader that does not read. Arguments are a guest's: every address and count is checked. */
#include "engine_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const wasi_names[] = {"args_get",
                                  "args_sizes_get",
                                  "environ_get",
                                  "environ_sizes_get",
                                  "clock_res_get",
                                  "clock_time_get",
                                  "fd_advise",
                                  "fd_allocate",
                                  "fd_close",
                                  "fd_datasync",
                                  "fd_fdstat_get",
                                  "fd_fdstat_set_flags",
                                  "fd_fdstat_set_rights",
                                  "fd_filestat_get",
                                  "fd_filestat_set_size",
                                  "fd_filestat_set_times",
                                  "fd_pread",
                                  "fd_prestat_get",
                                  "fd_prestat_dir_name",
                                  "fd_pwrite",
                                  "fd_read",
                                  "fd_readdir",
                                  "fd_renumber",
                                  "fd_seek",
                                  "fd_sync",
                                  "fd_tell",
                                  "fd_write",
                                  "path_create_directory",
                                  "path_filestat_get",
                                  "path_filestat_set_times",
                                  "path_link",
                                  "path_open",
                                  "path_readlink",
                                  "path_remove_directory",
                                  "path_rename",
                                  "path_symlink",
                                  "path_unlink_file",
                                  "poll_oneoff",
                                  "proc_exit",
                                  "proc_raise",
                                  "sched_yield",
                                  "random_get",
                                  "sock_accept",
                                  "sock_recv",
                                  "sock_send",
                                  "sock_shutdown",
                                  NULL};

bool wasi_waits(const char *module, const char *name)
{
    return strcmp(module, WASI_PREVIEW1) == 0 && strcmp(name, "poll_oneoff") == 0;
}

/* ---- poll_oneoff ---- */

enum { ERRNO_SUCCESS = 0, ERRNO_FAULT = 21, ERRNO_INVAL = 28, ERRNO_NOTSUP = 58 };
enum { SUBSCRIPTION_BYTES = 48, EVENT_BYTES = 32 };
/* More would keep the thread here for longer than a tick. */
enum { SUBSCRIPTIONS_MAX = 65536 };
enum { TAG_CLOCK = 0, TAG_READ = 1, TAG_WRITE = 2 };
enum { CLOCK_OF_WALL = 0, CLOCK_OF_RUN = 1 };

/* One call's view of the guest's memory. */
typedef struct poll_call {
    const wardi_instance *instance;
    uint8_t *memory;
    uint64_t length;
    uint64_t in, out;
    uint32_t count;
    uint64_t now_ns, wall_ns;
} poll_call;

static uint64_t load(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, at, size); /* guests and hosts are little-endian */
    return value;
}

static bool in_range(const poll_call *call, uint64_t address, uint64_t size)
{
    return size <= call->length && address <= call->length - size;
}

static uint64_t sub_sat(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* When a subscription is due, as host monotonic time: 0 for one that is ready now. */
static int subscription_due(const poll_call *call, const uint8_t *at, uint64_t *ret_due_ns)
{
    uint64_t tag = load(at + 8, 1);
    *ret_due_ns = 0;
    if (tag == TAG_READ || tag == TAG_WRITE) return ERRNO_SUCCESS;
    if (tag != TAG_CLOCK) return ERRNO_INVAL;
    uint64_t clock = load(at + 16, 4), timeout_ns = load(at + 24, 8);
    bool absolute = (load(at + 40, 2) & 1) != 0;
    if (clock != CLOCK_OF_WALL && clock != CLOCK_OF_RUN) return ERRNO_NOTSUP;
    if (!absolute)
        *ret_due_ns = wardi_add_sat(call->now_ns, timeout_ns);
    else if (clock == CLOCK_OF_RUN)
        *ret_due_ns = wardi_add_sat(call->instance->wasi_epoch_ns, timeout_ns);
    else
        *ret_due_ns = wardi_add_sat(call->now_ns, sub_sat(timeout_ns, call->wall_ns));
    return ERRNO_SUCCESS;
}

/* The earliest time at which any subscription is due. */
static int poll_wake(const poll_call *call, uint64_t *ret_wake_ns)
{
    uint64_t wake_ns = UINT64_MAX;
    for (uint32_t i = 0; i < call->count; i++) {
        uint64_t due_ns;
        const uint8_t *at = call->memory + call->in + (uint64_t)i * SUBSCRIPTION_BYTES;
        int failed = subscription_due(call, at, &due_ns);
        if (failed != ERRNO_SUCCESS) return failed;
        if (due_ns < wake_ns) wake_ns = due_ns;
    }
    *ret_wake_ns = wake_ns > call->now_ns ? wake_ns : call->now_ns;
    return ERRNO_SUCCESS;
}

/* Writes the events of what is due at `wake_ns`. Written before the wait, read by the guest after
 * it: nothing else runs in this store meanwhile. */
static uint32_t poll_events(const poll_call *call, uint64_t wake_ns)
{
    uint32_t events = 0;
    for (uint32_t i = 0; i < call->count; i++) {
        uint64_t due_ns;
        const uint8_t *at = call->memory + call->in + (uint64_t)i * SUBSCRIPTION_BYTES;
        /* The lists may overlap, and this one be overwritten by now: then it says nonsense. */
        if (subscription_due(call, at, &due_ns) != ERRNO_SUCCESS || due_ns > wake_ns) continue;
        uint8_t event[EVENT_BYTES] = {0};
        memcpy(event, at, 8);
        event[10] = at[8];
        if (at[8] != TAG_CLOCK) event[16] = 1; /* bytes: at least one */
        memcpy(call->memory + call->out + (uint64_t)events * EVENT_BYTES, event, sizeof event);
        events++;
    }
    return events;
}

static int poll_start(poll_call *call, uint64_t count_at, uint64_t *ret_wake_ns)
{
    if (call->count == 0 || call->count > SUBSCRIPTIONS_MAX) return ERRNO_INVAL;
    if (!in_range(call, call->in, (uint64_t)call->count * SUBSCRIPTION_BYTES) ||
        !in_range(call, call->out, (uint64_t)call->count * EVENT_BYTES) ||
        !in_range(call, count_at, 4))
        return ERRNO_FAULT;
    call->now_ns = wardi_now_ns();
    call->wall_ns = wardi_wall_ns();
    int failed = poll_wake(call, ret_wake_ns);
    if (failed != ERRNO_SUCCESS) return failed;
    uint32_t events = poll_events(call, *ret_wake_ns);
    memcpy(call->memory + count_at, &events, sizeof events);
    return ERRNO_SUCCESS;
}

static bool poll_memory(wasmtime_caller_t *caller, poll_call *call)
{
    wasmtime_extern_t memory;
    wasmtime_context_t *context = wasmtime_caller_context(caller);
    if (!wasmtime_caller_export_get(caller, "memory", 6, &memory)) return false;
    if (memory.kind == WASMTIME_EXTERN_MEMORY) {
        call->memory = wasmtime_memory_data(context, &memory.of.memory);
        call->length = wasmtime_memory_data_size(context, &memory.of.memory);
    }
    wasmtime_extern_delete(&memory);
    return memory.kind == WASMTIME_EXTERN_MEMORY;
}

/* What is polled while the guest waits. `trap` is where the call looks once we say it is done. */
typedef struct poll_wait {
    wardi_instance *instance;
    wasm_trap_t **trap;
} poll_wait;

static bool poll_done(void *env)
{
    poll_wait *wait = env;
    wardi_instance *instance = wait->instance;
    if (instance->expired) { /* a trap keeps the guest's backtrace, cancelling would not */
        *wait->trap = wasmtime_trap_new_code(WASMTIME_TRAP_CODE_INTERRUPT);
        return true;
    }
    if (wardi_now_ns() < instance->wake_ns) return false;
    instance->wake_ns = UINT64_MAX;
    return true;
}

static bool done_at_once(void *env)
{
    (void)env;
    return true;
}

static void poll_oneoff(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args,
                        size_t arg_count, wasmtime_val_t *results, size_t result_count,
                        wasm_trap_t **trap, wasmtime_async_continuation_t *continuation)
{
    (void)env, (void)arg_count, (void)result_count;
    poll_call call = {.instance = wasmtime_context_get_data(wasmtime_caller_context(caller)),
                      .in = (uint32_t)args[0].of.i32,
                      .out = (uint32_t)args[1].of.i32,
                      .count = (uint32_t)args[2].of.i32};
    wardi_instance *instance = wasmtime_context_get_data(wasmtime_caller_context(caller));
    uint64_t wake_ns = 0;
    int failed = poll_memory(caller, &call) ? poll_start(&call, (uint32_t)args[3].of.i32, &wake_ns)
                                            : ERRNO_FAULT;
    results[0] = (wasmtime_val_t){.kind = WASMTIME_I32, .of.i32 = failed};
    continuation->callback = done_at_once;
    if (failed != ERRNO_SUCCESS) return;
    poll_wait *wait = wardi_alloc(sizeof *wait);
    if (wait == NULL) {
        results[0].of.i32 = 48; /* NOMEM */
        return;
    }
    *wait = (poll_wait){.instance = instance, .trap = trap};
    instance->wake_ns = wake_ns;
    *continuation = (wasmtime_async_continuation_t){
        .callback = poll_done, .env = wait, .finalizer = wardi_free};
}

/* ---- proc_exit ---- */

static wasm_trap_t *proc_exit(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args,
                              size_t count)
{
    (void)env, (void)count;
    wardi_instance *instance = wasmtime_context_get_data(wasmtime_caller_context(caller));
    instance->exited = true;
    instance->exit_code = args[0].i32;
    return wasmtime_trap_new("exit", 4);
}

/* ---- the linker ---- */

static wasm_functype_t *i32_function(size_t params, size_t results)
{
    wasm_valtype_t *types[8];
    wasm_valtype_vec_t in, out;
    WARD_ASSERT(params + results <= WARD_COUNT(types));
    for (size_t i = 0; i < params + results; i++) types[i] = wasm_valtype_new(WASM_I32);
    wasm_valtype_vec_new(&in, params, types);
    wasm_valtype_vec_new(&out, results, types + params);
    return wasm_functype_new(&in, &out);
}

ward_error wasi_define(wasmtime_linker_t *linker, ward_diag *ret_diag)
{
    static const char from[] = WASI_PREVIEW1, poll[] = "poll_oneoff", leave[] = "proc_exit";
    wasmtime_linker_allow_shadowing(linker, true);
    wasmtime_error_t *error = wasmtime_linker_define_wasi(linker);
    wasm_functype_t *poll_type = i32_function(4, 1), *exit_type = i32_function(1, 0);
    if (error == NULL)
        error =
            wasmtime_linker_define_async_func(linker, from, sizeof from - 1, poll, sizeof poll - 1,
                                              poll_type, poll_oneoff, NULL, NULL);
    if (error == NULL)
        error = wasmtime_linker_define_func_unchecked(linker, from, sizeof from - 1, leave,
                                                      sizeof leave - 1, exit_type, proc_exit, NULL,
                                                      NULL);
    wasm_functype_delete(poll_type);
    wasm_functype_delete(exit_type);
    if (error == NULL) return WARD_OK;
    return engine_fail(ret_diag, WARD_ERROR_INTERNAL, "cannot offer WASI preview 1", error);
}

/* ---- grants ---- */

/* How long a guest's write may wait for a reader of the host's output. */
#define OUTPUT_WAIT_MS 20
/* What a pipe or a terminal that says it is writable takes without blocking. */
#define OUTPUT_CHUNK_BYTES 4096u

/* A reader that has gone raises SIGPIPE, which ends a process that has no handler: held back while
 * we write, and taken off when it was ours. */
static ssize_t write_without_signal(int descriptor, const unsigned char *bytes, size_t length)
{
    sigset_t pipe_alone, before, pending;
    static const struct timespec at_once;
    sigemptyset(&pipe_alone);
    sigaddset(&pipe_alone, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_alone, &before);
    ssize_t put = write(descriptor, bytes, length);
    int failed = errno;
    if (put < 0 && failed == EPIPE && sigismember(&pending, SIGPIPE) == 0)
        (void)sigtimedwait(&pipe_alone, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    return put;
}

static ssize_t output_write(void *env, const unsigned char *bytes, size_t length)
{
    int descriptor = (int)(intptr_t)env;
    uint64_t until_ns = wardi_now_ns() + OUTPUT_WAIT_MS * WARDI_MS;
    for (size_t done = 0; done < length;) {
        struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
        uint64_t now_ns = wardi_now_ns();
        int wait_ms = now_ns < until_ns ? (int)((until_ns - now_ns) / WARDI_MS) + 1 : 0;
        int told = poll(&ready, 1, wait_ms);
        if (told < 0 && errno == EINTR) continue;
        if (told <= 0) return -EAGAIN;
        size_t chunk = length - done < OUTPUT_CHUNK_BYTES ? length - done : OUTPUT_CHUNK_BYTES;
        ssize_t put = write_without_signal(descriptor, bytes + done, chunk);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return -errno;
        done += (size_t)put;
    }
    return (ssize_t)length;
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

static ward_error grant_directory(wasi_config_t *config, const ward_preopen *preopen,
                                  ward_diag *ret_diag)
{
    const char *host = preopen->host_path;
    const char *guest = preopen->guest_path != NULL ? preopen->guest_path : host;
    /* The engine says no more than no: find out why, and keep it from a pipe's open. */
    int descriptor = host == NULL ? -1 : open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO,
                          "cannot open the directory %s for the guest's %s: %s (wasi.preopens)",
                          host != NULL ? host : "(none)", guest != NULL ? guest : "(none)",
                          host != NULL ? strerror(errno) : "no host_path");
    close(descriptor);
    if (wasi_config_preopen_dir(config, host, guest, preopen->writable)) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_IO,
                      "cannot grant the directory %s as %s: both must be UTF-8 (wasi.preopens)",
                      host, guest);
}

/* Read here and now: a guest that read from a pipe could not be interrupted. */
static ward_error grant_input(wasi_config_t *config, const char *path, ward_diag *ret_diag)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    ward_error error = source_read(path, &bytes, &length, ret_diag);
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
    for (size_t i = 0; error == WARD_OK && i < wasi->preopen_count; i++)
        error = grant_directory(config, &wasi->preopens[i], ret_diag);
    if (error == WARD_OK && wasi->stdin_path != NULL && wasi->stdin_path[0] != '\0')
        error = grant_input(config, wasi->stdin_path, ret_diag);
    if (wasi->inherit_stdout)
        wasi_config_set_stdout_custom(config, output_write, (void *)(intptr_t)STDOUT_FILENO, NULL);
    if (wasi->inherit_stderr)
        wasi_config_set_stderr_custom(config, output_write, (void *)(intptr_t)STDERR_FILENO, NULL);
    return error;
}

ward_error wasi_grant(wardi_instance *instance, const wardi_instance_options *options,
                      ward_diag *ret_diag)
{
    wasi_config_t *config = wasi_config_new();
    ward_error error = grant_all(config, options, ret_diag);
    if (error != WARD_OK) {
        wasi_config_delete(config);
        return error;
    }
    wasmtime_error_t *failed = wasmtime_context_set_wasi(instance->context, config);
    if (failed != NULL)
        return engine_fail(ret_diag, WARD_ERROR_INTERNAL, "cannot set up WASI", failed);
    /* After the guest's clock has begun, so that no wait until a time of its ends early. */
    instance->wasi_epoch_ns = wardi_now_ns();
    return WARD_OK;
}
