/* Imports that a higher room offers: from its table into the linker, and from a guest's call to its
 * function, with the guest's memory at hand and its arguments in place.
 *
 * Those that never wait are called unchecked: compiled code's own array of numbers, and nothing
 * copied. Those that wait are the engine's asynchronous functions, whose values are tagged: they
 * are copied to where they stay while the guest waits. */
#include "engine_priv.h"

#include <stdio.h>
#include <string.h>

static_assert(sizeof(wardi_raw) == sizeof(wasmtime_val_raw_t), "the same array of numbers");
static_assert(_Alignof(wardi_raw) <= _Alignof(wasmtime_val_raw_t), "the same array of numbers");
static_assert(sizeof(((wasmtime_val_t *)0)->of) >= sizeof(uint64_t), "a number fits");

/* All that every import sees. What only one that waits has is left alone: this is the path of every
 * call, and stores are what it costs. */
static inline void guest_view(wardi_guest *guest, wasmtime_caller_t *caller)
{
    wardi_instance *instance = instance_of_caller(caller);
    const memory_slot *memory = instance->memory;
    guest->instance = instance;
    guest->context = instance->owner;
    guest->memory = memory != NULL ? memory_slot_bytes(memory) : NULL;
    guest->memory_length = memory != NULL ? memory->length : 0;
    guest->end = NULL;
}

/* A guest's own words may be among them: lines of theirs would pass for the engine's. */
wardi_answer wardi_guest_end(wardi_guest *guest, const char *format, ...)
{
    char words[sizeof((ward_trap *)0)->cause];
    wardi_text text = WARDI_TEXT(words);
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(&text, format, args);
    va_end(args);
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)words[i] < ' ' || words[i] == 0x7f) words[i] = ' ';
    if (guest->end != NULL) wasm_trap_delete(guest->end);
    guest->end = wasmtime_trap_new(words, text.length);
    return WARDI_ENDS;
}

/* ---- one that never waits ---- */

static wasm_trap_t *enter(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values,
                          size_t count)
{
    (void)count;
    const wardi_import *import = env;
    wardi_guest guest;
    guest_view(&guest, caller);
    guest.args = guest.result = (wardi_raw *)(void *)values;
    wardi_answer answer = import->function(&guest);
    if (WARD_LIKELY(answer == WARDI_ANSWERED)) return NULL;
    WARD_ASSERT(answer == WARDI_ENDS && guest.end != NULL);
    return guest.end;
}

/* ---- one that waits ---- */

/* Made at the first wait and kept: a guest waits in one import at a time. */
struct import_wait {
    const wardi_import *import;
    wardi_guest guest;
    wardi_raw args[WARDI_IMPORT_PARAMS_MAX], result;
    wasmtime_val_t *results; /* where the engine looks for it, */
    wasm_trap_t **trap;      /* and for the guest's end */
    bool waits;
};

void import_wait_free(wardi_instance *instance)
{
    WARD_ASSERT(instance->wait == NULL || !instance->wait->waits);
    wardi_free(instance->wait);
    instance->wait = NULL;
}

static wasmtime_valkind_t kind_of(char letter)
{
    switch (letter) {
    case 'i': return WASMTIME_I32;
    case 'I': return WASMTIME_I64;
    case 'f': return WASMTIME_F32;
    default: WARD_ASSERT(letter == 'F'); return WASMTIME_F64;
    }
}

static bool done_at_once(void *env)
{
    (void)env;
    return true;
}

/* Hands the answer to the engine. False: there is none yet. */
static bool wait_answer(import_wait *wait, wardi_answer answer)
{
    wardi_guest *guest = &wait->guest;
    if (answer == WARDI_WAITS) {
        if (!wait->waits) call_wait(guest->instance, CALL_WAITS_FOR_MORE);
        guest->instance->wake_ns = guest->wake_ns;
        wait->waits = true;
        return false;
    }
    wait->waits = false;
    call_wait(guest->instance, CALL_RUNS);
    if (answer == WARDI_ENDS) {
        WARD_ASSERT(guest->end != NULL);
        *wait->trap = guest->end;
        guest->end = NULL;
    } else if (wait->import->result != 0) {
        wait->results->kind = kind_of(wait->import->result);
        memcpy(&wait->results->of, &wait->result, sizeof(uint64_t));
    }
    return true;
}

/* Asked by the call that waits, at each resume. */
static bool wait_done(void *env)
{
    import_wait *wait = env;
    if (wait->guest.instance->ending == WARD_OK)
        return wait_answer(wait, wait->import->done(&wait->guest));
    /* A trap keeps the guest's backtrace, cancelling would not. */
    *wait->trap = wasmtime_trap_new_code(WASMTIME_TRAP_CODE_INTERRUPT);
    return true;
}

/* The engine lets go of the wait: once, whatever ended it. */
static void wait_over(void *env)
{
    import_wait *wait = env;
    if (!wait->waits) return;
    wait->waits = false;
    call_wait(wait->guest.instance, CALL_RUNS);
    if (wait->import->cancel != NULL) wait->import->cancel(&wait->guest);
    if (wait->guest.end != NULL) wasm_trap_delete(wait->guest.end);
    wait->guest.end = NULL;
}

static import_wait *wait_of(wardi_instance *instance)
{
    if (instance->wait == NULL) instance->wait = wardi_alloc(sizeof *instance->wait);
    WARD_ASSERT(instance->wait == NULL || !instance->wait->waits);
    return instance->wait;
}

static void enter_waiting(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args,
                          size_t arg_count, wasmtime_val_t *results, size_t result_count,
                          wasm_trap_t **trap, wasmtime_async_continuation_t *continuation)
{
    (void)result_count;
    static const char no_memory[] = "the host has no memory for a guest that waits";
    import_wait *wait = wait_of(instance_of_caller(caller));
    continuation->callback = done_at_once;
    if (wait == NULL) {
        *trap = wasmtime_trap_new(no_memory, sizeof no_memory - 1);
        return;
    }
    *wait = (import_wait){.import = env, .results = results, .trap = trap};
    guest_view(&wait->guest, caller);
    for (size_t i = 0; i < arg_count; i++) memcpy(&wait->args[i], &args[i].of, sizeof(uint64_t));
    wait->guest.args = wait->args;
    wait->guest.result = &wait->result;
    wait->guest.wake_ns = UINT64_MAX;
    if (wait_answer(wait, wait->import->function(&wait->guest))) return;
    *continuation =
        (wasmtime_async_continuation_t){.callback = wait_done, .env = wait, .finalizer = wait_over};
}

/* ---- the linker ---- */

static wasm_functype_t *type_of(const wardi_import *import)
{
    static const wasm_valkind_t kinds[] = {
        [WASMTIME_I32] = WASM_I32,
        [WASMTIME_I64] = WASM_I64,
        [WASMTIME_F32] = WASM_F32,
        [WASMTIME_F64] = WASM_F64,
    };
    wasm_valtype_t *types[WARDI_IMPORT_PARAMS_MAX], *result = NULL;
    wasm_valtype_vec_t in, out;
    size_t count = strlen(import->params);
    WARD_ASSERT(count <= WARDI_IMPORT_PARAMS_MAX);
    for (size_t i = 0; i < count; i++)
        types[i] = wasm_valtype_new(kinds[kind_of(import->params[i])]);
    if (import->result != 0) result = wasm_valtype_new(kinds[kind_of(import->result)]);
    wasm_valtype_vec_new(&in, count, types);
    wasm_valtype_vec_new(&out, result != NULL, &result);
    return wasm_functype_new(&in, &out);
}

static wasmtime_error_t *define(wasmtime_linker_t *linker, const wardi_import *import)
{
    void *env = (void *)(uintptr_t)import;
    size_t from = strlen(import->module), length = strlen(import->name);
    wasm_functype_t *type = type_of(import);
    wasmtime_error_t *error =
        import->done != NULL
            ? wasmtime_linker_define_async_func(linker, import->module, from, import->name, length,
                                                type, enter_waiting, env, NULL)
            : wasmtime_linker_define_func_unchecked(linker, import->module, from, import->name,
                                                    length, type, enter, env, NULL);
    wasm_functype_delete(type);
    return error;
}

ward_error offers_define(const wardi_engine *engine, wasmtime_linker_t *linker, ward_diag *ret_diag)
{
    for (size_t i = 0; i < engine->import_count; i++) {
        const wardi_import *import = &engine->imports[i];
        WARD_ASSERT(import->function != NULL && (import->done != NULL || import->cancel == NULL));
        wasmtime_error_t *error = define(linker, import);
        if (error == NULL) continue;
        char doing[200];
        snprintf(doing, sizeof doing, "cannot offer %s.%s", import->module, import->name);
        return engine_fail(ret_diag, WARD_ERROR_INTERNAL, doing, error);
    }
    return WARD_OK;
}

const wardi_import *offers_find(const wardi_engine *engine, const char *module, const char *name)
{
    for (size_t i = 0; i < engine->import_count; i++)
        if (strcmp(engine->imports[i].module, module) == 0 &&
            strcmp(engine->imports[i].name, name) == 0)
            return &engine->imports[i];
    return NULL;
}
