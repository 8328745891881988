/* WASI preview 1, Ward's own: the table of its functions, and those that are not about files.
 *
 * The engine's own does as much, but can't be told not to wait: a guest that opens a pipe in a
 * directory of its would hold a worker for ever, and nothing bounds what it opens. Here no function
 * waits but poll_oneoff, which holds no thread, and nothing is kept that is not bounded. */
#include "wasi_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* ---- arguments and environment ---- */

/* An array of addresses, and the texts that these lead to. */
static int texts_get(const wasi_call *call, const wasi_arg *args, const char *texts, uint32_t count,
                     size_t size)
{
    uint8_t *list = wasi_at(call, wasi_u32(args, 0), (uint64_t)count * 4);
    uint8_t *bytes = wasi_at(call, wasi_u32(args, 1), size);
    if (list == NULL || bytes == NULL) return WASI_FAULT;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        wasi_store(list + (size_t)i * 4, wasi_u32(args, 1) + at, 4);
        at += strlen(texts + at) + 1;
    }
    memcpy(bytes, texts, size);
    return WASI_OK;
}

static int sizes_get(const wasi_call *call, const wasi_arg *args, uint32_t count, size_t size)
{
    int failed = wasi_answer(call, wasi_u32(args, 0), count, 4);
    return failed != WASI_OK ? failed : wasi_answer(call, wasi_u32(args, 1), size, 4);
}

static int args_get(wasi_call *call, const wasi_arg *args)
{
    const wasi_state *state = call->state;
    return texts_get(call, args, state->texts, state->arg_count, state->arg_bytes);
}

static int args_sizes_get(wasi_call *call, const wasi_arg *args)
{
    return sizes_get(call, args, call->state->arg_count, call->state->arg_bytes);
}

static int environ_get(wasi_call *call, const wasi_arg *args)
{
    const wasi_state *state = call->state;
    return texts_get(call, args, state->texts + state->arg_bytes, state->variable_count,
                     state->variable_bytes);
}

static int environ_sizes_get(wasi_call *call, const wasi_arg *args)
{
    return sizes_get(call, args, call->state->variable_count, call->state->variable_bytes);
}

/* ---- clocks and randomness ---- */

/* The processor's time is the host's, and nothing that a guest could measure itself by. */
static int clock_check(uint32_t clock)
{
    if (clock > WASI_CLOCK_LAST) return WASI_INVAL;
    return clock <= WASI_CLOCK_OF_RUN ? WASI_OK : WASI_NOTSUP;
}

static int clock_res_get(wasi_call *call, const wasi_arg *args)
{
    int failed = clock_check(wasi_u32(args, 0));
    return failed != WASI_OK ? failed : wasi_answer(call, wasi_u32(args, 1), 1, 8);
}

static int clock_time_get(wasi_call *call, const wasi_arg *args)
{
    uint32_t clock = wasi_u32(args, 0);
    int failed = clock_check(clock);
    if (failed != WASI_OK) return failed;
    uint64_t now_ns = clock == WASI_CLOCK_OF_WALL ? wardi_wall_ns()
                                                  : wardi_now_ns() - call->instance->wasi_epoch_ns;
    return wasi_answer(call, wasi_u32(args, 2), now_ns, 8);
}

/* A whole memory of it takes seconds, which no deadline would interrupt. */
static int random_get(wasi_call *call, const wasi_arg *args)
{
    enum { PIECE_BYTES = 65536 };
    size_t length = wasi_u32(args, 1);
    uint8_t *bytes = wasi_at(call, wasi_u32(args, 0), length);
    if (bytes == NULL) return WASI_FAULT;
    while (length != 0) {
        ssize_t got = getrandom(bytes, length < PIECE_BYTES ? length : PIECE_BYTES, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return wasi_errno(errno);
        bytes += got;
        length -= (size_t)got;
        if (length != 0 && wasi_call_expired(call)) return WASI_INTR;
    }
    return WASI_OK;
}

/* ---- processes ---- */

static wasm_trap_t *proc_exit(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args,
                              size_t count)
{
    (void)env, (void)count;
    wardi_instance *instance = wasmtime_context_get_data(wasmtime_caller_context(caller));
    instance->exited = true;
    instance->exit_code = args[0].i32;
    return wasmtime_trap_new("exit", 4);
}

/* A guest has no signals, and the host's are none of its business. */
static int proc_raise(wasi_call *call, const wasi_arg *args)
{
    (void)call, (void)args;
    return WASI_NOTSUP;
}

/* Nothing else of the guest's could run. */
static int sched_yield_at_once(wasi_call *call, const wasi_arg *args)
{
    (void)call, (void)args;
    return WASI_OK;
}

/* ---- the table ---- */

/* `params` has a letter for each: i for i32, I for i64. All answer an errno, but for proc_exit. */
typedef struct wasi_entry {
    const char *name, *params;
    wasi_function function; /* NULL: it stands apart */
} wasi_entry;

static const wasi_entry entries[] = {
    {"args_get", "ii", args_get},
    {"args_sizes_get", "ii", args_sizes_get},
    {"clock_res_get", "ii", clock_res_get},
    {"clock_time_get", "iIi", clock_time_get},
    {"environ_get", "ii", environ_get},
    {"environ_sizes_get", "ii", environ_sizes_get},
    {"fd_advise", "iIIi", wasi_fd_advise},
    {"fd_allocate", "iII", wasi_fd_allocate},
    {"fd_close", "i", wasi_fd_close},
    {"fd_datasync", "i", wasi_fd_datasync},
    {"fd_fdstat_get", "ii", wasi_fd_fdstat_get},
    {"fd_fdstat_set_flags", "ii", wasi_fd_fdstat_set_flags},
    {"fd_fdstat_set_rights", "iII", wasi_fd_fdstat_set_rights},
    {"fd_filestat_get", "ii", wasi_fd_filestat_get},
    {"fd_filestat_set_size", "iI", wasi_fd_filestat_set_size},
    {"fd_filestat_set_times", "iIIi", wasi_fd_filestat_set_times},
    {"fd_pread", "iiiIi", wasi_fd_pread},
    {"fd_prestat_dir_name", "iii", wasi_fd_prestat_dir_name},
    {"fd_prestat_get", "ii", wasi_fd_prestat_get},
    {"fd_pwrite", "iiiIi", wasi_fd_pwrite},
    {"fd_read", "iiii", wasi_fd_read},
    {"fd_readdir", "iiiIi", wasi_fd_readdir},
    {"fd_renumber", "ii", wasi_fd_renumber},
    {"fd_seek", "iIii", wasi_fd_seek},
    {"fd_sync", "i", wasi_fd_sync},
    {"fd_tell", "ii", wasi_fd_tell},
    {"fd_write", "iiii", wasi_fd_write},
    {"path_create_directory", "iii", wasi_path_create_directory},
    {"path_filestat_get", "iiiii", wasi_path_filestat_get},
    {"path_filestat_set_times", "iiiiIIi", wasi_path_filestat_set_times},
    {"path_link", "iiiiiii", wasi_path_link},
    {"path_open", "iiiiiIIii", wasi_path_open},
    {"path_readlink", "iiiiii", wasi_path_readlink},
    {"path_remove_directory", "iii", wasi_path_remove_directory},
    {"path_rename", "iiiiii", wasi_path_rename},
    {"path_symlink", "iiiii", wasi_path_symlink},
    {"path_unlink_file", "iii", wasi_path_unlink_file},
    {"poll_oneoff", "iiii", NULL},
    {"proc_exit", "i", NULL},
    {"proc_raise", "i", proc_raise},
    {"random_get", "ii", random_get},
    {"sched_yield", "", sched_yield_at_once},
    {"sock_accept", "iii", wasi_sock},
    {"sock_recv", "iiiiii", wasi_sock},
    {"sock_send", "iiiii", wasi_sock},
    {"sock_shutdown", "ii", wasi_sock},
};
static_assert(WARD_COUNT(entries) == 46, "all of wasi_snapshot_preview1");

const char *wasi_name(size_t index)
{
    return index < WARD_COUNT(entries) ? entries[index].name : NULL;
}

bool wasi_waits(const char *module, const char *name)
{
    return strcmp(module, WASI_PREVIEW1) == 0 && strcmp(name, "poll_oneoff") == 0;
}

/* ---- a call ---- */

void wasi_call_begin(wasi_call *call, wasmtime_caller_t *caller)
{
    wardi_instance *instance = instance_of_caller(caller);
    *call = (wasi_call){.instance = instance, .state = instance->wasi};
    if (instance->memory == NULL) return;
    call->memory = memory_slot_bytes(instance->memory);
    call->length = instance->memory->length;
}

bool wasi_call_expired(const wasi_call *call)
{
    const wardi_instance *instance = call->instance;
    uint64_t began_ticks = atomic_load_explicit(&instance->began_ticks, memory_order_relaxed);
    return call_interrupted(instance) ||
           wardi_ticks_span_ns(began_ticks, wardi_ticks()) >= instance->timeout_ns;
}

static wasm_trap_t *enter(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args,
                          size_t count)
{
    (void)count;
    const wasi_entry *entry = env;
    wasi_call call;
    wasi_call_begin(&call, caller);
    int32_t answer = entry->function(&call, args);
    args[0].i32 = answer;
    return NULL;
}

/* ---- the linker ---- */

static wasm_functype_t *type_of(const wasi_entry *entry)
{
    wasm_valtype_t *types[9];
    wasm_valtype_vec_t in, out;
    size_t count = strlen(entry->params);
    WARD_ASSERT(count <= WARD_COUNT(types));
    for (size_t i = 0; i < count; i++)
        types[i] = wasm_valtype_new(entry->params[i] == 'i' ? WASM_I32 : WASM_I64);
    wasm_valtype_vec_new(&in, count, types);
    types[0] = strcmp(entry->name, "proc_exit") == 0 ? NULL : wasm_valtype_new(WASM_I32);
    wasm_valtype_vec_new(&out, types[0] != NULL, types);
    return wasm_functype_new(&in, &out);
}

static wasmtime_error_t *define(wasmtime_linker_t *linker, const wasi_entry *entry,
                                const wasm_functype_t *type)
{
    static const char from[] = WASI_PREVIEW1;
    size_t length = strlen(entry->name);
    if (strcmp(entry->name, "poll_oneoff") == 0)
        return wasmtime_linker_define_async_func(linker, from, sizeof from - 1, entry->name, length,
                                                 type, wasi_poll_oneoff, NULL, NULL);
    wasmtime_func_unchecked_callback_t callback = entry->function != NULL ? enter : proc_exit;
    return wasmtime_linker_define_func_unchecked(linker, from, sizeof from - 1, entry->name, length,
                                                 type, callback, (void *)(uintptr_t)entry, NULL);
}

ward_error wasi_define(wasmtime_linker_t *linker, ward_diag *ret_diag)
{
    for (size_t i = 0; i < WARD_COUNT(entries); i++) {
        wasm_functype_t *type = type_of(&entries[i]);
        wasmtime_error_t *error = define(linker, &entries[i], type);
        wasm_functype_delete(type);
        if (error != NULL)
            return engine_fail(ret_diag, WARD_ERROR_INTERNAL, "cannot offer WASI preview 1", error);
    }
    return WARD_OK;
}
