/* Calls with bytes: into memory that the guest gives, and out of wherever it answers from. */
#include <string.h>

#include "component/component_priv.h"

static bool has_kinds(const wardi_export *found, size_t param_count, wardi_value_kind result)
{
    const wardi_signature *s = &found->signature;
    bool same = s->numeric && s->param_count == param_count && s->result_count == 1 &&
                s->results[0] == result;
    for (size_t i = 0; i < param_count && same; i++) same = s->params[i] == WARDI_I32;
    return same;
}

static ward_error bytes_find(ward_component *component, guest_call *call, ward_diag *ret_diag)
{
    bytes_call *bytes = &call->of.bytes;
    ward_error error = wardi_call_find(component, call->function, &call->func, ret_diag);
    if (error != WARD_OK) return error;
    if (!has_kinds(wardi_call_export(component, &call->func), 2, WARDI_I64))
        return wardi_call_wrong_type(component, &call->func,
                                     "bytes are taken by func (i32, i32) -> i64", ret_diag);
    bytes->placed = bytes->length == 0;
    if (bytes->placed) return WARD_OK;
    error =
        wardi_call_find(component, wardi_known_names[WARDI_KNOWN_ALLOC], &bytes->alloc, ret_diag);
    if (error != WARD_OK) return error;
    if (!has_kinds(wardi_call_export(component, &bytes->alloc), 1, WARDI_I32))
        return wardi_call_wrong_type(component, &bytes->alloc, "it has to be func (i32) -> i32",
                                     ret_diag);
    return WARD_OK;
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
static ward_error place(ward_component *component, guest_call *call, ward_diag *ret_diag)
{
    bytes_call *bytes = &call->of.bytes;
    wardi_value length = {.kind = WARDI_I32, .bits = bytes->length}, address;
    ward_error error =
        wardi_call_leg(component, call, &bytes->alloc, &length, 1, &address, 1, ret_diag);
    if (error != WARD_OK || call->waits) return error;
    uint64_t at = address.bits & UINT32_MAX;
    uint8_t *memory;
    size_t end = 0;
    if (at == 0)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY,
                          "%s: its ward_alloc has no room for %zu bytes", component->name,
                          bytes->length);
    bool inside = wardi_instance_memory(wardi_instance_of(component), &memory, &end);
    if (!inside || at > end || bytes->length > end - at)
        return out_of_memory_bounds(component, "ward_alloc gave", at, bytes->length, end, ret_diag);
    memcpy(memory + at, bytes->bytes, bytes->length);
    bytes->address = (uint32_t)at;
    bytes->placed = true;
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

static ward_error bytes_go(ward_component *component, guest_call *call, ward_diag *ret_diag)
{
    bytes_call *bytes = &call->of.bytes;
    ward_error error = WARD_OK;
    if (!bytes->placed) {
        error = place(component, call, ret_diag);
        if (error != WARD_OK || call->waits) return error;
    }
    wardi_value args[2] = {{.kind = WARDI_I32, .bits = bytes->address},
                           {.kind = WARDI_I32, .bits = bytes->length}};
    wardi_value answer;
    error = wardi_call_leg(component, call, &call->func, args, 2, &answer, 1, ret_diag);
    if (error != WARD_OK || call->waits) return error;
    return take_answer(component, answer.bits, bytes->take, bytes->context, ret_diag);
}

ward_error wardi_component_deliver(ward_component *component, const uint8_t *bytes, size_t length,
                                   uint64_t timeout_ns, wardi_answer_taker take, void *context,
                                   wardi_wait *ret_wait, ward_diag *ret_diag)
{
    guest_call call = {
        .find = bytes_find, .go = bytes_go, .function = wardi_known_names[WARDI_KNOWN_MESSAGE]};
    call.of.bytes =
        (bytes_call){.bytes = bytes, .length = length, .take = take, .context = context};
    return wardi_call_begin(component, &call, timeout_ns, ret_wait, ret_diag);
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
    guest_call call = {.find = bytes_find, .go = bytes_go, .function = function};
    call.of.bytes =
        (bytes_call){.bytes = bytes, .length = length, .take = copy_answer, .context = &to};
    return wardi_call_begin(component, &call, timeout_ns, NULL, ret_diag);
}
