/* How a guest was ended, in words and frames. */
#include "engine_priv.h"

#include <stdio.h>
#include <string.h>

/* Short and stable: they are shown, logged and compared. Components' errors tell no code, only the
 * engine's words. */
typedef struct cause_row {
    wasmtime_trap_code_t code;
    const char *cause;
    const char *words; /* the engine's, where they are not the cause */
} cause_row;

static const cause_row causes[] = {
    {WASMTIME_TRAP_CODE_STACK_OVERFLOW, "call stack exhausted", NULL},
    {WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS, "out of bounds memory access", NULL},
    {WASMTIME_TRAP_CODE_HEAP_MISALIGNED, "misaligned memory access", "unaligned atomic"},
    {WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS, "out of bounds table access",
     "undefined element: out of bounds table access"},
    {WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL, "uninitialized table element called",
     "uninitialized element"},
    {WASMTIME_TRAP_CODE_BAD_SIGNATURE, "indirect call type mismatch", NULL},
    {WASMTIME_TRAP_CODE_INTEGER_OVERFLOW, "integer overflow", NULL},
    {WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO, "integer divide by zero", NULL},
    {WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER, "invalid conversion to integer", NULL},
    {WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED, "unreachable",
     "wasm `unreachable` instruction executed"},
    {WASMTIME_TRAP_CODE_INTERRUPT, "interrupted", "interrupt"},
    {WASMTIME_TRAP_CODE_OUT_OF_FUEL, "out of fuel", "all fuel consumed by WebAssembly"},
    {WASMTIME_TRAP_CODE_NULL_REFERENCE, "null reference", NULL},
    {WASMTIME_TRAP_CODE_CANNOT_ENTER_COMPONENT, "cannot enter the component: it trapped before",
     "cannot enter component instance"},
};

/* ---- frames ---- */

static void frame_tell(const wasm_frame_t *frame, ward_frame_info *ret_frame)
{
    const wasm_name_t *name = wasmtime_frame_func_name(frame);
    ret_frame->function_index = wasm_frame_func_index(frame);
    size_t within = wasm_frame_func_offset(frame);
    ret_frame->function_offset = within <= UINT32_MAX ? (uint32_t)within : 0;
    size_t offset = wasm_frame_module_offset(frame);
    ret_frame->module_offset = offset != SIZE_MAX ? offset : 0;
    wardi_text text = WARDI_TEXT(ret_frame->function);
    if (name != NULL && name->size != 0)
        wardi_text_add(&text, name->data, name->size);
    else
        wardi_text_printf(&text, "wasm-function[%u]", ret_frame->function_index);
}

static void frames_tell(const call_end *end, ward_trap *ret_trap)
{
    wasm_frame_vec_t frames = WASM_EMPTY_VEC;
    if (end->trap != NULL)
        wasm_trap_trace(end->trap, &frames);
    else if (end->error != NULL)
        wasmtime_error_wasm_trace(end->error, &frames);
    uint32_t count = frames.size < WARD_FRAMES_MAX ? (uint32_t)frames.size : WARD_FRAMES_MAX;
    for (uint32_t i = 0; i < count; i++) frame_tell(frames.data[i], &ret_trap->frames[i]);
    ret_trap->frame_count = count;
    wasm_frame_vec_delete(&frames);
}

/* ---- causes ---- */

static const cause_row *cause_by_code(wasmtime_trap_code_t code)
{
    for (size_t i = 0; i < WARD_COUNT(causes); i++)
        if (causes[i].code == code) return &causes[i];
    return NULL;
}

static const cause_row *cause_by_words(const char *words)
{
    static const char prefix[] = "wasm trap: ";
    if (strncmp(words, prefix, sizeof prefix - 1) != 0) return NULL;
    for (size_t i = 0; i < WARD_COUNT(causes); i++)
        if (strcmp(words + sizeof prefix - 1,
                   causes[i].words != NULL ? causes[i].words : causes[i].cause) == 0)
            return &causes[i];
    return NULL;
}

/* The engine's words, and the row that stands for them; NULL: none does. */
static const cause_row *cause_find(const call_end *end, char *words, size_t capacity)
{
    words[0] = '\0';
    wasmtime_trap_code_t code;
    if (end->trap != NULL && wasmtime_trap_code(end->trap, &code)) {
        const cause_row *row = cause_by_code(code);
        if (row != NULL) return row;
    }
    wasm_name_t message = WASM_EMPTY_VEC;
    if (end->error != NULL)
        wasmtime_error_message(end->error, &message);
    else if (end->trap != NULL)
        wasm_trap_message(end->trap, &message);
    engine_words(&message, words, capacity);
    wasm_name_delete(&message);
    return cause_by_words(words);
}

static ward_error error_of(wardi_instance *instance, const call_end *end, const cause_row *row)
{
    int status;
    if (end->error != NULL && wasmtime_error_exit_status(end->error, &status)) {
        instance->exited = true;
        instance->exit_code = status;
    }
    if (instance->exited) return WARD_ERROR_EXIT;
    if (instance->ending != WARD_OK) return instance->ending;
    if (row != NULL && row->code == WASMTIME_TRAP_CODE_INTERRUPT) return WARD_ERROR_DEADLINE;
    if (row != NULL && row->code == WASMTIME_TRAP_CODE_OUT_OF_FUEL) return WARD_ERROR_FUEL;
    return WARD_ERROR_TRAP;
}

static void cause_tell(const wardi_instance *instance, ward_error error, uint64_t timeout_ns,
                       wardi_text *text)
{
    if (error == WARD_ERROR_EXIT) {
        wardi_text_printf(text, "exited with status %d", instance->exit_code);
    } else if (error == WARD_ERROR_DEADLINE) {
        wardi_text_puts(text, "ran past its deadline of ");
        wardi_text_duration(text, timeout_ns);
    } else if (error == WARD_ERROR_INTERRUPTED) {
        wardi_text_puts(text, "interrupted");
    } else if (error == WARD_ERROR_FUEL) {
        wardi_text_printf(text, "used up its fuel of %llu",
                          (unsigned long long)instance->limits.fuel_per_call);
    }
}

ward_error trap_tell(wardi_instance *instance, call_end *end, const char *export_name,
                     uint64_t timeout_ns, ward_trap *ret_trap, ward_diag *ret_diag)
{
    char words[sizeof ret_trap->cause], cause[sizeof ret_trap->cause];
    const cause_row *row = cause_find(end, words, sizeof words);
    ward_error error = error_of(instance, end, row);
    wardi_text text = WARDI_TEXT(cause);
    if (error == WARD_ERROR_TRAP)
        wardi_text_puts(&text, row != NULL ? row->cause : words);
    else
        cause_tell(instance, error, timeout_ns, &text);
    if (ret_trap != NULL) {
        ret_trap->error = error;
        ret_trap->exit_code = error == WARD_ERROR_EXIT ? instance->exit_code : 0;
        ret_trap->at_ns = wardi_now_ns();
        snprintf(ret_trap->export_name, sizeof ret_trap->export_name, "%s", export_name);
        memcpy(ret_trap->cause, cause, sizeof cause);
        frames_tell(end, ret_trap);
    }
    if (end->trap != NULL) wasm_trap_delete(end->trap);
    if (end->error != NULL) wasmtime_error_delete(end->error);
    *end = (call_end){0};
    instance->exited = false; /* told: the next end, of a fast call perhaps, is not this one's */
    instance->ending = WARD_OK;
    return wardi_fail(ret_diag, error, "%s: %s", export_name, cause);
}
