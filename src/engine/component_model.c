/* Components of the component model: instantiated and called on fibers always, since whatever they
 * import from WASI 0.2 may wait. */
#include "engine_priv.h"

#include <stdio.h>
#include <string.h>

/* ---- the linker ---- */

static ward_error linker_make(engine_variant *variant, ward_diag *ret_diag)
{
    wasmtime_component_linker_t *linker = wasmtime_component_linker_new(variant->engine);
    wasmtime_error_t *error = wasmtime_component_linker_add_wasip2_async(linker);
    if (error == NULL) {
        variant->component_linker = linker;
        return WARD_OK;
    }
    wasmtime_component_linker_delete(linker);
    return engine_fail(ret_diag, WARD_ERROR_INTERNAL, "cannot offer WASI 0.2", error);
}

/* Made at the first component, and published to other threads by the module that needs it. */
ward_error component_prepare(wardi_module *module, ward_diag *ret_diag)
{
    ward_error error = WARD_OK;
    pthread_mutex_lock(&module->engine->lock);
    if (module->variant->component_linker == NULL) error = linker_make(module->variant, ret_diag);
    pthread_mutex_unlock(&module->engine->lock);
    return error;
}

/* ---- instantiating ---- */

void component_instantiate(wardi_instance *instance, call_end *end)
{
    const wardi_module *module = instance->module;
    if (!engine_reactor_enter()) {
        end->error = wasmtime_error_new("cannot start the reactor's thread, which WASI 0.2 needs");
        return;
    }
    wasmtime_call_future_t *future = wasmtime_component_linker_instantiate_async(
        module->variant->component_linker, instance->context, module->component,
        &instance->component, &end->error);
    call_drive(instance, future, end);
}

/* ---- functions ---- */

/* The engine's handle has padding that a wardi_func has no room for. */
static void func_pack(const wasmtime_component_func_t *from, wardi_func *to)
{
    to->opaque[0] = from->store_id;
    to->opaque[1] = (uint64_t)from->__private1 << 32 | from->__private2;
}

static wasmtime_component_func_t func_unpack(const wardi_func *from)
{
    wasmtime_component_func_t to = {.store_id = from->opaque[0]};
    to.__private1 = (uint32_t)(from->opaque[1] >> 32);
    to.__private2 = (uint32_t)from->opaque[1];
    return to;
}

static wasmtime_component_export_index_t *index_of(wardi_instance *instance,
                                                   const wasmtime_component_export_index_t *within,
                                                   const char *name)
{
    return wasmtime_component_instance_get_export_index(&instance->component, instance->context,
                                                        within, name, strlen(name));
}

bool component_func(wardi_instance *instance, const char *name, wardi_func *ret_func)
{
    const wardi_module_facts *facts = &instance->module->facts;
    uint32_t found = instance_export_find(facts, name);
    if (found == UINT32_MAX) return false;
    const char *interface = facts->exports[found].module;
    wasmtime_component_export_index_t *within = NULL, *index = NULL;
    if (interface[0] != '\0') within = index_of(instance, NULL, interface);
    if (within != NULL || interface[0] == '\0') index = index_of(instance, within, name);
    wasmtime_component_func_t func;
    bool got = index != NULL && wasmtime_component_instance_get_func(
                                    &instance->component, instance->context, index, &func);
    if (index != NULL) wasmtime_component_export_index_delete(index);
    if (within != NULL) wasmtime_component_export_index_delete(within);
    if (!got) return false;
    ret_func->export_index = found;
    func_pack(&func, ret_func);
    return true;
}

/* ---- answers ---- */

static size_t bytes_of_list(const wasmtime_component_vallist_t *list, uint8_t *bytes,
                            size_t capacity)
{
    size_t fits = list->size < capacity ? list->size : capacity;
    for (size_t i = 0; i < fits; i++) bytes[i] = list->data[i].of.u8;
    return fits;
}

static void case_name(const wasm_name_t *name, wardi_component_answer *answer)
{
    wardi_text text = WARDI_TEXT(answer->case_name);
    wardi_text_add(&text, name->data, name->size);
}

/* A payload's text: itself, or of a record its field `reason`, or else the first. */
static const wasm_name_t *payload_text(const wasmtime_component_val_t *payload)
{
    if (payload == NULL) return NULL;
    if (payload->kind == WASMTIME_COMPONENT_STRING) return &payload->of.string;
    if (payload->kind != WASMTIME_COMPONENT_RECORD) return NULL;
    const wasmtime_component_valrecord_t *record = &payload->of.record;
    const wasm_name_t *text = NULL;
    for (size_t i = 0; i < record->size; i++) {
        if (record->data[i].val.kind != WASMTIME_COMPONENT_STRING) continue;
        const wasm_name_t *name = &record->data[i].name;
        bool is_reason = name->size == 6 && memcmp(name->data, "reason", 6) == 0;
        if (text == NULL || is_reason) text = &record->data[i].val.of.string;
        if (is_reason) break;
    }
    return text;
}

static void answer_case(const wasmtime_component_val_t *value, uint8_t *bytes, size_t capacity,
                        wardi_component_answer *answer)
{
    answer->shape = WARDI_RESULT_CASES;
    if (value->kind == WASMTIME_COMPONENT_ENUM) {
        case_name(&value->of.enumeration, answer);
        return;
    }
    case_name(&value->of.variant.discriminant, answer);
    const wasm_name_t *text = payload_text(value->of.variant.val);
    if (text == NULL) return;
    answer->length = wardi_utf8_fit(text->data, text->size, capacity);
    answer->cut = answer->length < text->size;
    memcpy(bytes, text->data, answer->length);
}

static void answer_read(const wasmtime_component_val_t *value, uint8_t *bytes, size_t capacity,
                        wardi_component_answer *ret_answer)
{
    wardi_component_answer answer = {.shape = WARDI_RESULT_OTHER};
    if (value->kind == WASMTIME_COMPONENT_LIST) {
        answer.shape = WARDI_RESULT_LIST_U8;
        answer.length = bytes_of_list(&value->of.list, bytes, capacity);
        answer.cut = answer.length < value->of.list.size;
    } else if (value->kind == WASMTIME_COMPONENT_ENUM ||
               value->kind == WASMTIME_COMPONENT_VARIANT) {
        answer_case(value, bytes, capacity, &answer);
    }
    *ret_answer = answer;
}

/* ---- calling ---- */

static ward_error check_shape(const wardi_instance *instance, const wardi_func *func,
                              ward_diag *ret_diag)
{
    const wardi_module_facts *facts = &instance->module->facts;
    WARD_ASSERT(facts->is_component && func->export_index < facts->export_count);
    const wardi_export *export = &facts->export_details[func->export_index];
    /* The engine ends the process on results of some other types. */
    if (export->shape != WARDI_RESULT_OTHER && export->component_param_count == 0) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_EXPORT_TYPE,
                      "%s is %s; called can be func() -> list<u8>, or -> a variant or enum",
                      facts->exports[func->export_index].name,
                      facts->exports[func->export_index].type);
}

ward_error wardi_call_component(wardi_instance *instance, const wardi_func *func,
                                uint64_t timeout_ns, uint8_t *bytes, size_t capacity,
                                wardi_component_answer *ret_answer, ward_trap *ret_trap,
                                ward_diag *ret_diag)
{
    ward_error error = check_shape(instance, func, ret_diag);
    if (error != WARD_OK) return error;
    if (!engine_reactor_enter())
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "cannot start the reactor's thread");
    call_end end = {0};
    wasmtime_component_func_t of = func_unpack(func);
    wasmtime_component_val_t result = {.kind = WASMTIME_COMPONENT_BOOL};
    call_begin(instance, timeout_ns);
    wasmtime_call_future_t *future =
        wasmtime_component_func_call_async(&of, instance->context, NULL, 0, &result, 1, &end.error);
    call_drive(instance, future, &end);
    call_finish(instance);
    if (!call_ended_well(&end))
        return trap_tell(instance, &end, call_export_name(instance, func), timeout_ns, ret_trap,
                         ret_diag);
    answer_read(&result, bytes, capacity, ret_answer);
    wasmtime_component_val_delete(&result);
    return WARD_OK;
}
