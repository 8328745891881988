/* Calls of any export, with numbers or with bytes. */
#include <assert.h>
#include <string.h>

#include "component/component_priv.h"

#define TIMEOUT_DEFAULT (10 * WARDI_S)
enum { VALUES_INLINE = 16 };

/* ---- finding the export ---- */

static ward_error no_such_export(const ward_component *component, const char *name,
                                 ward_diag *ret_diag)
{
    const wardi_module_facts *facts = wardi_module_facts_of(component->module);
    const char *closest = NULL;
    unsigned least = 3; /* more edits than this is another word */
    for (size_t i = 0; i < facts->export_count; i++) {
        if (facts->export_details[i].kind != WARDI_EXTERN_FUNC) continue;
        unsigned distance = wardi_edit_distance(name, facts->exports[i].name, least);
        if (distance >= least) continue;
        least = distance;
        closest = facts->exports[i].name;
    }
    return wardi_fail(ret_diag, WARD_ERROR_EXPORT_MISSING,
                      "%s exports no function `%s`%s%s%s; ward inspect lists its exports",
                      component->name, name, closest != NULL ? "; did you mean `" : "",
                      closest != NULL ? closest : "", closest != NULL ? "`?" : "");
}

static ward_error find_func(ward_component *component, const char *name, wardi_func *ret_func,
                            ward_diag *ret_diag)
{
    if (wardi_instance_func(wardi_instance_of(component), name, ret_func)) return WARD_OK;
    return no_such_export(component, name, ret_diag);
}

static const wardi_export *export_of(const ward_component *component, const wardi_func *func)
{
    return &wardi_module_facts_of(component->module)->export_details[func->export_index];
}

static const char *name_of(const ward_component *component, const wardi_func *func)
{
    return wardi_module_facts_of(component->module)->exports[func->export_index].name;
}

static ward_error wrong_type(const ward_component *component, const wardi_func *func,
                             const char *wanted, ward_diag *ret_diag)
{
    const wardi_module_facts *facts = wardi_module_facts_of(component->module);
    return wardi_fail(ret_diag, WARD_ERROR_EXPORT_TYPE, "%s: `%s` is %s; %s", component->name,
                      facts->exports[func->export_index].name,
                      facts->exports[func->export_index].type, wanted);
}

/* ---- inside the guest ---- */

static ward_error enter(ward_component *component, ward_diag *ret_diag)
{
    ward_error error = wardi_activity_take_or_fail(component, WARDI_CALLING, ret_diag);
    if (error != WARD_OK) return error;
    ward_state state = wardi_state_of(component);
    if (state == WARD_STATE_READY) return WARD_OK;
    wardi_activity_release(component);
    return wardi_fail(ret_diag, WARD_ERROR_STATE, "%s is %s: only a ready component can be called",
                      component->name, ward_state_name(state));
}

static ward_error run(ward_component *component, const wardi_func *func, const wardi_value *args,
                      size_t arg_count, wardi_value *ret_results, size_t result_count,
                      uint64_t timeout_ns, ward_diag *ret_diag)
{
    ward_trap trap;
    ward_diag diag;
    const char *name = name_of(component, func);
    atomic_store_explicit(&component->busy_export, name, memory_order_release);
    uint64_t began = wardi_ticks();
    ward_error error = wardi_call(wardi_instance_of(component), func, args, arg_count, ret_results,
                                  result_count, timeout_ns, &trap, &diag);
    wardi_guest_left(component, name, wardi_ticks_span_ns(began, wardi_ticks()), error, &trap);
    if (error == WARD_OK) return WARD_OK;
    return wardi_fail(ret_diag, error, "%s: %s", component->name, diag.text);
}

/* ---- numbers ---- */

static_assert((int)WARD_I32 == (int)WARDI_I32 && (int)WARD_I64 == (int)WARDI_I64 &&
                  (int)WARD_F32 == (int)WARDI_F32 && (int)WARD_F64 == (int)WARDI_F64,
              "kinds are the same inside and outside");

static wardi_value to_bits(const ward_value *value)
{
    wardi_value bits = {.kind = (wardi_value_kind)value->kind};
    bool wide = value->kind == WARD_I64 || value->kind == WARD_F64;
    memcpy(&bits.bits, &value->of, wide ? 8 : 4);
    return bits;
}

static ward_value from_bits(const wardi_value *bits)
{
    ward_value value = {.kind = (ward_value_kind)bits->kind};
    bool wide = bits->kind == WARDI_I64 || bits->kind == WARDI_F64;
    memcpy(&value.of, &bits->bits, wide ? 8 : 4);
    return value;
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half of a value comes first");

static ward_error check_signature(const ward_component *component, const wardi_func *func,
                                  const ward_value *args, size_t arg_count, size_t room,
                                  ward_diag *ret_diag)
{
    const wardi_export *found = export_of(component, func);
    const wardi_signature *s = &found->signature;
    if (!s->numeric) return wrong_type(component, func, "only numbers can be passed", ret_diag);
    bool same = s->param_count == arg_count;
    char words[160];
    wardi_text given = WARDI_TEXT(words);
    wardi_text_puts(&given, "the arguments given are (");
    for (size_t i = 0; i < arg_count; i++) {
        wardi_value_kind kind = (wardi_value_kind)args[i].kind;
        wardi_text_printf(&given, "%s%s", i != 0 ? ", " : "", wardi_value_kind_name(kind));
        same = same && s->params[i] == kind;
    }
    wardi_text_puts(&given, ")");
    if (!same) return wrong_type(component, func, words, ret_diag);
    if (s->result_count <= room) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_BUFFER_TOO_SMALL,
                      "%s: `%s` has %zu results, and there is room for %zu", component->name,
                      name_of(component, func), s->result_count, room);
}

static ward_error call_numbers(ward_component *component, const wardi_func *func,
                               const ward_value *args, size_t arg_count, ward_value *ret_results,
                               size_t *ret_count, uint64_t timeout_ns, ward_diag *ret_diag)
{
    size_t result_count = export_of(component, func)->signature.result_count;
    wardi_value few[VALUES_INLINE] = {0}, *values = few;
    WARD_ASSERT(result_count == 0 || ret_results != NULL); /* check_signature saw the room */
    if (arg_count + result_count > VALUES_INLINE) {
        values = wardi_alloc_array(arg_count + result_count, sizeof *values);
        if (values == NULL)
            return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %zu values",
                              arg_count + result_count);
    }
    wardi_value *results = values + arg_count;
    for (size_t i = 0; i < arg_count; i++) values[i] = to_bits(&args[i]);
    ward_error error =
        run(component, func, values, arg_count, results, result_count, timeout_ns, ret_diag);
    if (error == WARD_OK) {
        for (size_t i = 0; i < result_count; i++) ret_results[i] = from_bits(&results[i]);
        if (ret_count != NULL) *ret_count = result_count;
    }
    if (values != few) wardi_free(values);
    return error;
}

ward_error ward_component_call(ward_component *component, const char *function,
                               const ward_value *args, size_t arg_count, ward_value *ret_results,
                               size_t *ret_count, uint64_t timeout_ns, ward_diag *ret_diag)
{
    if (function == NULL || (args == NULL && arg_count != 0))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_component_call: function and args are required");
    ward_error error = enter(component, ret_diag);
    if (error != WARD_OK) return error;
    size_t room = ret_results != NULL && ret_count != NULL ? *ret_count : 0;
    wardi_func func;
    error = find_func(component, function, &func, ret_diag);
    if (error == WARD_OK)
        error = check_signature(component, &func, args, arg_count, room, ret_diag);
    if (error == WARD_OK)
        error = call_numbers(component, &func, args, arg_count, ret_results, ret_count,
                             timeout_ns != 0 ? timeout_ns : TIMEOUT_DEFAULT, ret_diag);
    wardi_activity_release(component);
    return error;
}

/* ---- bytes ---- */

typedef struct bytes_call {
    wardi_func func, alloc;
    const uint8_t *bytes;
    size_t length;
    uint64_t deadline_ns;
} bytes_call;

static bool has_kinds(const wardi_export *found, size_t param_count, wardi_value_kind result)
{
    const wardi_signature *s = &found->signature;
    bool same = s->numeric && s->param_count == param_count && s->result_count == 1 &&
                s->results[0] == result;
    for (size_t i = 0; i < param_count && same; i++) same = s->params[i] == WARDI_I32;
    return same;
}

static ward_error find_bytes_funcs(ward_component *component, const char *function,
                                   bytes_call *call, ward_diag *ret_diag)
{
    ward_error error = find_func(component, function, &call->func, ret_diag);
    if (error != WARD_OK) return error;
    if (!has_kinds(export_of(component, &call->func), 2, WARDI_I64))
        return wrong_type(component, &call->func, "bytes are taken by func (i32, i32) -> i64",
                          ret_diag);
    if (call->length == 0) return WARD_OK;
    error = find_func(component, "ward_alloc", &call->alloc, ret_diag);
    if (error != WARD_OK) return error;
    if (!has_kinds(export_of(component, &call->alloc), 1, WARDI_I32))
        return wrong_type(component, &call->alloc, "it has to be func (i32) -> i32", ret_diag);
    return WARD_OK;
}

static uint64_t time_left(const bytes_call *call)
{
    uint64_t now_ns = wardi_now_ns();
    return now_ns < call->deadline_ns ? call->deadline_ns - now_ns : 1;
}

static ward_error out_of_memory_bounds(const ward_component *component, const char *what,
                                       uint64_t at, uint64_t length, size_t end,
                                       ward_diag *ret_diag)
{
    return wardi_fail(
        ret_diag, WARD_ERROR_TRAP,
        "%s: %s %llu bytes at address %llu, and its memory ends at %zu: out of bounds "
        "memory access",
        component->name, what, (unsigned long long)length, (unsigned long long)at, end);
}

/* Copies the bytes to where the guest's ward_alloc says. */
static ward_error pass_bytes(ward_component *component, const bytes_call *call,
                             uint32_t *ret_address, ward_diag *ret_diag)
{
    *ret_address = 0;
    if (call->length == 0) return WARD_OK;
    wardi_value length = {.kind = WARDI_I32, .bits = call->length}, address;
    ward_error error =
        run(component, &call->alloc, &length, 1, &address, 1, time_left(call), ret_diag);
    if (error != WARD_OK) return error;
    uint64_t at = address.bits & UINT32_MAX;
    uint8_t *memory;
    size_t end = 0;
    if (at == 0)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY,
                          "%s: its ward_alloc has no room for %zu bytes", component->name,
                          call->length);
    bool inside = wardi_instance_memory(wardi_instance_of(component), &memory, &end);
    if (!inside || at > end || call->length > end - at)
        return out_of_memory_bounds(component, "ward_alloc gave", at, call->length, end, ret_diag);
    memcpy(memory + at, call->bytes, call->length);
    *ret_address = (uint32_t)at;
    return WARD_OK;
}

static ward_error take_answer(ward_component *component, uint64_t answer, wardi_answer_taker take,
                              void *context, ward_diag *ret_diag)
{
    uint64_t at = answer & UINT32_MAX, length = answer >> 32;
    uint8_t *memory = NULL;
    size_t end = 0;
    bool inside = wardi_instance_memory(wardi_instance_of(component), &memory, &end);
    if (length != 0 && (!inside || at > end || length > end - at))
        return out_of_memory_bounds(component, "it answered with", at, length, end, ret_diag);
    return take(context, length != 0 ? memory + at : NULL, (size_t)length, ret_diag);
}

static ward_error call_bytes(ward_component *component, const bytes_call *call,
                             wardi_answer_taker take, void *context, ward_diag *ret_diag)
{
    uint32_t address;
    ward_error error = pass_bytes(component, call, &address, ret_diag);
    if (error != WARD_OK) return error;
    wardi_value args[2] = {{.kind = WARDI_I32, .bits = address},
                           {.kind = WARDI_I32, .bits = call->length}};
    wardi_value answer;
    error = run(component, &call->func, args, 2, &answer, 1, time_left(call), ret_diag);
    if (error != WARD_OK) return error;
    return take_answer(component, answer.bits, take, context, ret_diag);
}

ward_error wardi_component_call_bytes(ward_component *component, const char *function,
                                      const uint8_t *bytes, size_t length, uint64_t timeout_ns,
                                      wardi_answer_taker take, void *context, ward_diag *ret_diag)
{
    bytes_call call = {.bytes = bytes, .length = length};
    call.deadline_ns =
        wardi_add_sat(wardi_now_ns(), timeout_ns != 0 ? timeout_ns : TIMEOUT_DEFAULT);
    ward_error error = enter(component, ret_diag);
    if (error != WARD_OK) return error;
    error = find_bytes_funcs(component, function, &call, ret_diag);
    if (error == WARD_OK) error = call_bytes(component, &call, take, context, ret_diag);
    wardi_activity_release(component);
    return error;
}

/* ---- bytes, copied to the caller ---- */

typedef struct copy_target {
    const ward_component *component;
    uint8_t *bytes;
    size_t capacity, *ret_length;
} copy_target;

static ward_error copy_answer(void *context, const uint8_t *bytes, size_t length,
                              ward_diag *ret_diag)
{
    const copy_target *to = context;
    size_t fits = length < to->capacity ? length : to->capacity;
    if (fits != 0) memcpy(to->bytes, bytes, fits);
    if (to->ret_length != NULL) *to->ret_length = length;
    if (fits == length) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_BUFFER_TOO_SMALL,
                      "%s: its answer has %zu bytes, and there is room for %zu",
                      to->component->name, length, to->capacity);
}

ward_error ward_component_call_bytes(ward_component *component, const char *function,
                                     const uint8_t *bytes, size_t length, uint8_t *ret_bytes,
                                     size_t capacity, size_t *ret_length, uint64_t timeout_ns,
                                     ward_diag *ret_diag)
{
    bool complete =
        function != NULL && (bytes != NULL || length == 0) && (ret_bytes != NULL || capacity == 0);
    if (!complete || length > INT32_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          complete ? "ward_component_call_bytes: at most 2 GiB at once"
                                   : "ward_component_call_bytes: function, bytes and room for the "
                                     "answer are required");
    copy_target to = {component, ret_bytes, capacity, ret_length};
    return wardi_component_call_bytes(component, function, bytes, length, timeout_ns, copy_answer,
                                      &to, ret_diag);
}
