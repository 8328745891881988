/* How a guest was ended, in words and frames. */
#include "engine_priv.h"

#include <stdio.h>
#include <string.h>

/* Short and stable: they are shown, logged and compared. Numbers as in wasmtime/trap.h. */
static const char *const causes[] = {
    [WASMTIME_TRAP_CODE_STACK_OVERFLOW] = "call stack exhausted",
    [WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS] = "out of bounds memory access",
    [WASMTIME_TRAP_CODE_HEAP_MISALIGNED] = "misaligned memory access",
    [WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS] = "out of bounds table access",
    [WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL] = "uninitialized table element called",
    [WASMTIME_TRAP_CODE_BAD_SIGNATURE] = "indirect call type mismatch",
    [WASMTIME_TRAP_CODE_INTEGER_OVERFLOW] = "integer overflow",
    [WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO] = "integer divide by zero",
    [WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER] = "invalid conversion to integer",
    [WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED] = "unreachable",
    [WASMTIME_TRAP_CODE_INTERRUPT] = "interrupted",
    [WASMTIME_TRAP_CODE_OUT_OF_FUEL] = "out of fuel",
    [WASMTIME_TRAP_CODE_NULL_REFERENCE] = "null reference",
    [WASMTIME_TRAP_CODE_CANNOT_ENTER_COMPONENT] = "cannot enter the component: it trapped before",
};

/* ---- frames ---- */

static void frame_tell(const wasm_frame_t *frame, ward_frame_info *ret_frame)
{
    const wasm_name_t *name = wasmtime_frame_func_name(frame);
    ret_frame->function_index = wasm_frame_func_index(frame);
    ret_frame->module_offset = wasm_frame_module_offset(frame);
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

static bool trap_code_of(const call_end *end, wasmtime_trap_code_t *ret_code)
{
    return end->trap != NULL && wasmtime_trap_code(end->trap, ret_code);
}

static ward_error error_of(const wardi_instance *instance, const call_end *end)
{
    wasmtime_trap_code_t code;
    if (instance->exited) return WARD_ERROR_EXIT;
    if (end->cancelled || instance->expired) return WARD_ERROR_DEADLINE;
    if (!trap_code_of(end, &code)) return WARD_ERROR_TRAP;
    if (code == WASMTIME_TRAP_CODE_INTERRUPT) return WARD_ERROR_DEADLINE;
    if (code == WASMTIME_TRAP_CODE_OUT_OF_FUEL) return WARD_ERROR_FUEL;
    return WARD_ERROR_TRAP;
}

/* A component's traps and a host function's errors come without a code: the engine's own words. */
static void cause_words(const call_end *end, wardi_text *text)
{
    char words[160] = "";
    if (end->error != NULL) {
        engine_error_words(end->error, words, sizeof words);
    } else if (end->trap != NULL) {
        wasm_message_t message = WASM_EMPTY_VEC;
        wasm_trap_message(end->trap, &message);
        const char *line_end = memchr(message.data, '\n', message.size);
        size_t length = line_end != NULL ? (size_t)(line_end - message.data) : message.size;
        while (length != 0 && message.data[length - 1] == '\0') length--;
        snprintf(words, sizeof words, "%.*s", (int)(length < 150 ? length : 150), message.data);
        wasm_name_delete(&message);
    }
    wardi_text_puts(text, words);
}

static void cause_tell(const wardi_instance *instance, const call_end *end, ward_error error,
                       uint64_t timeout_ns, wardi_text *text)
{
    wasmtime_trap_code_t code;
    if (error == WARD_ERROR_EXIT) {
        wardi_text_printf(text, "exited with status %d", instance->exit_code);
    } else if (error == WARD_ERROR_DEADLINE) {
        wardi_text_puts(text, "ran past its deadline of ");
        wardi_text_duration(text, timeout_ns);
    } else if (error == WARD_ERROR_FUEL) {
        wardi_text_printf(text, "used up its fuel of %llu",
                          (unsigned long long)instance->limits.fuel_per_call);
    } else if (trap_code_of(end, &code) && code < WARD_COUNT(causes) && causes[code] != NULL) {
        wardi_text_puts(text, causes[code]);
    } else {
        cause_words(end, text);
    }
}

ward_error trap_tell(wardi_instance *instance, call_end *end, const char *export_name,
                     uint64_t timeout_ns, ward_trap *ret_trap, ward_diag *ret_diag)
{
    ward_error error = error_of(instance, end);
    char cause[sizeof ret_trap->cause];
    wardi_text text = WARDI_TEXT(cause);
    cause_tell(instance, end, error, timeout_ns, &text);
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
    return wardi_fail(ret_diag, error, "%s: %s", export_name, cause);
}
