/* Calls with numbers. */
#include <assert.h>
#include <string.h>

#include "component/component_priv.h"

enum { VALUES_INLINE = 16 };

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
    const wardi_export *found = wardi_call_export(component, func);
    const wardi_signature *s = &found->signature;
    if (!s->numeric)
        return wardi_call_wrong_type(component, func, "only numbers can be passed", ret_diag);
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
    if (!same) return wardi_call_wrong_type(component, func, words, ret_diag);
    if (s->result_count <= room) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_BUFFER_TOO_SMALL,
                      "%s: `%s` has %zu results, and there is room for %zu", component->name,
                      wardi_call_name(component, func), s->result_count, room);
}

static ward_error numbers_find(ward_component *component, guest_call *call, ward_diag *ret_diag)
{
    numbers_call *numbers = &call->of.numbers;
    size_t room = numbers->results != NULL && numbers->ret_count != NULL ? *numbers->ret_count : 0;
    ward_error error = wardi_call_find(component, call->function, &call->func, ret_diag);
    return error == WARD_OK ? check_signature(component, &call->func, numbers->args,
                                              numbers->arg_count, room, ret_diag)
                            : error;
}

static ward_error numbers_go(ward_component *component, guest_call *call, ward_diag *ret_diag)
{
    const numbers_call *numbers = &call->of.numbers;
    size_t result_count = wardi_call_export(component, &call->func)->signature.result_count;
    size_t count = numbers->arg_count + result_count;
    wardi_value few[VALUES_INLINE] = {0}, *values = few;
    if (count > VALUES_INLINE) {
        values = wardi_alloc_array(count, sizeof *values);
        if (values == NULL)
            return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %zu values", count);
    }
    wardi_value *results = values + numbers->arg_count;
    for (size_t i = 0; i < numbers->arg_count; i++) values[i] = to_bits(&numbers->args[i]);
    ward_error error = wardi_call_leg(component, call, &call->func, values, numbers->arg_count,
                                      results, result_count, ret_diag);
    if (error == WARD_OK && !call->waits) {
        WARD_ASSERT(result_count == 0 || numbers->results != NULL); /* find saw the room */
        for (size_t i = 0; i < result_count; i++) numbers->results[i] = from_bits(&results[i]);
        if (numbers->ret_count != NULL) *numbers->ret_count = result_count;
    }
    if (values != few) wardi_free(values);
    return error;
}

static ward_error call_numbers(ward_component *component, const numbers_call *numbers,
                               const char *function, uint64_t timeout_ns, wardi_wait *ret_wait,
                               ward_diag *ret_diag)
{
    if (function == NULL || (numbers->args == NULL && numbers->arg_count != 0))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_component_call: function and args are required");
    guest_call call = {.find = numbers_find, .go = numbers_go, .function = function};
    call.of.numbers = *numbers;
    return wardi_call_begin(component, &call, timeout_ns, ret_wait, ret_diag);
}

ward_error ward_component_call(ward_component *component, const char *function,
                               const ward_value *args, size_t arg_count, ward_value *ret_results,
                               size_t *ret_count, uint64_t timeout_ns, ward_diag *ret_diag)
{
    numbers_call numbers = {args, arg_count, ret_results, ret_count};
    return call_numbers(component, &numbers, function, timeout_ns, NULL, ret_diag);
}

ward_error wardi_component_invoke(ward_component *component, const char *function,
                                  const ward_value *args, size_t arg_count, ward_value *ret_results,
                                  size_t *ret_count, uint64_t timeout_ns, wardi_wait *ret_wait,
                                  ward_diag *ret_diag)
{
    numbers_call numbers = {args, arg_count, ret_results, ret_count};
    return call_numbers(component, &numbers, function, timeout_ns, ret_wait, ret_diag);
}
