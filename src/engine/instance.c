/* Instances: a store of their own each, made under limits, given back whole. */
#include "engine_priv.h"

#include <string.h>

/* More than a toolchain makes, few enough that none of them can be a weapon. */
#define INSTANCES_MAX 64
#define TABLES_MAX 64
#define MEMORIES_MAX 64
/* What one call copies between a guest and the host: 8 MiB of a text, some 250,000 bytes of a list,
 * a hundred times what a frame has. */
#define COPY_BYTES_MAX (8u << 20)

/* ---- limits that can be told beforehand ---- */

static ward_error over_memory(const wardi_instance *instance, uint64_t bytes, ward_diag *ret_diag)
{
    char wanted[32], allowed[32];
    wardi_text text = WARDI_TEXT(wanted);
    wardi_text_size(&text, bytes);
    text = WARDI_TEXT(allowed);
    uint64_t slot = instance->module->engine->pool.slot_bytes;
    uint64_t limit = instance->limits.memory_bytes_max;
    bool host = slot < limit;
    wardi_text_size(&text, host ? slot : limit);
    return wardi_fail(ret_diag, WARD_ERROR_LIMIT_MEMORY,
                      "the module needs %s of memory to start, over %s limit of %s: raise %s",
                      wanted, host ? "the host's" : "its", allowed,
                      host ? "the host's memory_bytes_max" : "limits.memory");
}

static ward_error check_minimum(const wardi_instance *instance, ward_diag *ret_diag)
{
    const wardi_module_facts *facts = &instance->module->facts;
    if (facts->memory_bytes_min > instance->limits.memory_bytes_max)
        return over_memory(instance, facts->memory_bytes_min, ret_diag);
    if (facts->table_elements_min > instance->limits.table_elements_max)
        return wardi_fail(ret_diag, WARD_ERROR_LIMIT_TABLE,
                          "the module needs a table of %llu elements, over its limit of %llu: "
                          "raise limits.table_elements",
                          (unsigned long long)facts->table_elements_min,
                          (unsigned long long)instance->limits.table_elements_max);
    return WARD_OK;
}

/* Why the engine would not instantiate, as far as it was our doing. */
static ward_error tell_refusal(const wardi_instance *instance, ward_diag *ret_diag)
{
    const memory_pool *pool = &instance->module->engine->pool;
    switch (instance->refusal) {
    case WARD_ERROR_LIMIT_MEMORY: {
        uint64_t now = atomic_load_explicit(&instance->memory_bytes, memory_order_relaxed);
        return over_memory(instance, wardi_add_sat(now, instance->refused_bytes), ret_diag);
    }
    case WARD_ERROR_LIMIT_COMPONENTS:
        return wardi_fail(ret_diag, WARD_ERROR_LIMIT_COMPONENTS,
                          "all %u memories of this host are in use: stop something, or raise "
                          "components_max%s",
                          pool->count,
                          pool->profile == WARD_MEMORY_DENSE ? "" : ", or use the dense profile");
    default:
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY,
                          "the kernel would not give memory to the guest: the machine or its "
                          "cgroup is full, or vm.max_map_count is reached (the dense profile does "
                          "not need it)");
    }
}

/* What the engine says before a guest has run: there is no code to tell these by. */
static ward_error refused_words(const call_end *end, char *words, size_t capacity)
{
    words[0] = '\0';
    if (end->error == NULL) return WARD_OK;
    engine_error_words(end->error, words, capacity);
    if (strstr(words, "memory minimum size") != NULL) return WARD_ERROR_LIMIT_MEMORY;
    if (strstr(words, "table minimum size") != NULL) return WARD_ERROR_LIMIT_TABLE;
    if (strstr(words, "has the wrong type") != NULL ||
        strstr(words, "a matching implementation was not found") != NULL)
        return WARD_ERROR_IMPORT_MISSING;
    return WARD_OK;
}

static void end_drop(call_end *end)
{
    if (end->trap != NULL) wasm_trap_delete(end->trap);
    if (end->error != NULL) wasmtime_error_delete(end->error);
    *end = (call_end){0};
}

static ward_error tell_failure(wardi_instance *instance, call_end *end, uint64_t timeout_ns,
                               ward_trap *ret_trap, ward_diag *ret_diag)
{
    char words[400];
    ward_error error = refused_words(end, words, sizeof words);
    if (instance->refusal != WARD_OK)
        error = tell_refusal(instance, ret_diag);
    else if (error == WARD_ERROR_LIMIT_MEMORY)
        (void)over_memory(instance, instance->module->facts.memory_bytes_min, ret_diag);
    else if (error == WARD_ERROR_LIMIT_TABLE)
        (void)wardi_fail(ret_diag, error,
                         "the module needs a larger table than its limit of %llu elements: raise "
                         "limits.table_elements",
                         (unsigned long long)instance->limits.table_elements_max);
    else if (error != WARD_OK)
        (void)wardi_fail(ret_diag, error, "an import is not offered as it is asked for: %s", words);
    else
        error = trap_tell(instance, end, "start", timeout_ns, ret_trap, ret_diag);
    end_drop(end);
    return error;
}

/* ---- making ---- */

static ward_error store_make(wardi_instance *instance, const wardi_instance_options *options,
                             ward_diag *ret_diag)
{
    wardi_module *module = instance->module;
    instance->store = wasmtime_store_new(module->variant->engine, instance, NULL);
    instance->context = wasmtime_store_context(instance->store);
    wasmtime_store_epoch_deadline_callback(instance->store, call_at_epoch, instance, NULL);
    uint64_t elements = instance->limits.table_elements_max;
    wasmtime_store_limiter(instance->store, -1,
                           elements < INT64_MAX ? (int64_t)elements : INT64_MAX, INSTANCES_MAX,
                           TABLES_MAX, MEMORIES_MAX);
    ward_engine_copy_bytes_max(instance->context, COPY_BYTES_MAX);
    if (!module->wants_wasi) return WARD_OK;
    return module->facts.is_component ? wasi_grant_component(instance, options, ret_diag)
                                      : wasi_grant(instance, options, ret_diag);
}

static void core_instantiate(wardi_instance *instance, call_end *end)
{
    wardi_module *module = instance->module;
    if (!module->facts.waits) {
        end->error = wasmtime_instance_pre_instantiate(module->prepared, instance->context,
                                                       &instance->core, &end->trap);
        return;
    }
    wasmtime_call_future_t *future = wasmtime_instance_pre_instantiate_async(
        module->prepared, instance->context, &instance->core, &end->trap, &end->error);
    call_drive(instance, future, end);
}

/* Where the memory lies that core modules export as `memory`: its base never moves. */
static void memory_found(wardi_instance *instance, const wasmtime_extern_t *found)
{
    if (found->kind != WASMTIME_EXTERN_MEMORY) return;
    const uint8_t *bytes = wasmtime_memory_data(instance->context, &found->of.memory);
    instance->memory = memory_pool_find(&instance->module->engine->pool, bytes);
}

static void memory_find(wardi_instance *instance)
{
    wasmtime_extern_t found;
    if (instance->module->facts.is_component || instance->memory != NULL) return;
    if (!wasmtime_instance_export_get(instance->context, &instance->core, "memory", 6, &found))
        return;
    memory_found(instance, &found);
    wasmtime_extern_delete(&found);
}

/* The slot is known from the end of instantiation on; a start section runs before. */
wardi_instance *instance_of_caller(wasmtime_caller_t *caller)
{
    wasmtime_extern_t found;
    wardi_instance *instance = wasmtime_context_get_data(wasmtime_caller_context(caller));
    if (WARD_UNLIKELY(!instance->made) && instance->memory == NULL &&
        wasmtime_caller_export_get(caller, "memory", 6, &found)) {
        memory_found(instance, &found);
        wasmtime_extern_delete(&found);
    }
    return instance;
}

static ward_error instantiate(wardi_instance *instance, uint64_t deadline_ns, ward_trap *ret_trap,
                              ward_diag *ret_diag)
{
    call_end end = {0};
    uint64_t now_ns = wardi_now_ns();
    uint64_t timeout_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    call_begin(instance, timeout_ns);
    memory_building_set(instance);
    if (instance->module->facts.is_component)
        component_instantiate(instance, &end);
    else
        core_instantiate(instance, &end);
    memory_building_set(NULL);
    call_finish(instance);
    if (!call_ended_well(&end)) return tell_failure(instance, &end, timeout_ns, ret_trap, ret_diag);
    memory_find(instance);
    instance->made = true;
    return WARD_OK;
}

ward_error wardi_instance_new(wardi_module *module, const wardi_instance_options *options,
                              uint64_t deadline_ns, wardi_instance **ret_instance,
                              ward_trap *ret_trap, ward_diag *ret_diag)
{
    ward_error error = wardi_module_check_imports(module, ret_diag);
    if (error != WARD_OK) return error;
    wardi_instance *instance = wardi_alloc_aligned(64, sizeof *instance);
    if (instance == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for an instance");
    wardi_module_retain(module);
    instance->module = module;
    instance->limits = options->limits;
    instance->owner = options->context;
    instance->fast = !module->facts.waits && !module->metered && !module->facts.is_component;
    error = check_minimum(instance, ret_diag);
    if (error == WARD_OK) error = store_make(instance, options, ret_diag);
    bool announced = error == WARD_OK && options->announce != NULL;
    if (announced) options->announce(options->announce_context, instance);
    if (error == WARD_OK) error = instantiate(instance, deadline_ns, ret_trap, ret_diag);
    if (error != WARD_OK) {
        if (announced) options->announce(options->announce_context, NULL);
        wardi_instance_free(instance);
        return error;
    }
    *ret_instance = instance;
    return WARD_OK;
}

void wardi_instance_free(wardi_instance *instance)
{
    if (instance == NULL) return;
    call_drop(instance);
    if (instance->store != NULL) wasmtime_store_delete(instance->store);
    wasi_free(instance->wasi);
    wardi_module_release(instance->module);
    wardi_free(instance);
}

/* ---- reading ---- */

uint32_t instance_export_find(const wardi_module_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->export_count; i++)
        if (facts->export_details[i].kind == WARDI_EXTERN_FUNC &&
            strcmp(facts->exports[i].name, name) == 0)
            return (uint32_t)i;
    return UINT32_MAX;
}

bool wardi_instance_func(wardi_instance *instance, const char *name, wardi_func *ret_func)
{
    if (instance->module->facts.is_component) return component_func(instance, name, ret_func);
    wasmtime_extern_t found;
    uint32_t index = instance_export_find(&instance->module->facts, name);
    if (index == UINT32_MAX || !wasmtime_instance_export_get(instance->context, &instance->core,
                                                             name, strlen(name), &found))
        return false;
    bool is_function = found.kind == WASMTIME_EXTERN_FUNC;
    if (is_function) {
        *ret_func = (wardi_func){.export_index = index};
        memcpy(ret_func->opaque, &found.of.func, sizeof found.of.func);
    }
    wasmtime_extern_delete(&found);
    return is_function;
}

bool wardi_instance_memory(wardi_instance *instance, uint8_t **ret_bytes, size_t *ret_length)
{
    if (instance->memory == NULL) return false;
    *ret_bytes = memory_slot_bytes(instance->memory);
    *ret_length = instance->memory->length;
    return true;
}

void wardi_instance_figures_of(const wardi_instance *instance, wardi_instance_figures *ret_figures)
{
    ret_figures->memory_bytes = atomic_load_explicit(&instance->memory_bytes, memory_order_relaxed);
    ret_figures->growths_refused =
        atomic_load_explicit(&instance->growths_refused, memory_order_relaxed);
    ret_figures->fuel_last = atomic_load_explicit(&instance->fuel_last, memory_order_relaxed);
}

/* ---- where calls wait for memory ---- */

/* What compiled code agrees on with Wasmtime 48: the record of a function, and the beginning of the
 * instance's data that it points to. */
typedef struct func_record {
    const void *array_call, *wasm_call;
    uint64_t type;
    const struct vm_data *data;
} func_record;

typedef struct vm_data {
    char magic[8]; /* "core" */
    const char *store;
} vm_data;

enum {
    /* A call reads and writes so many bytes around what the instance's data points to in the store
     * (x86-64, by looking: where that is wrong, a line is fetched in vain). */
    STORE_FROM = -0x48,
    STORE_BYTES = 0xe0,
    DATA_BYTES = 64,
    BEFORE_RECORD = 96,   /* the module's memories and globals end there */
    GUEST_DATA_AT = 1024, /* where linkers put the data of a module */
};

void wardi_instance_places(const wardi_instance *instance, const wardi_func *func,
                           wardi_places *ret_places)
{
    uintptr_t *at = ret_places->at;
    *ret_places = (wardi_places){{0}};
    if (instance->memory != NULL)
        at[0] = wardi_place_of(memory_slot_bytes(instance->memory) + GUEST_DATA_AT, 1);
    at[1] = wardi_place_of(instance, offsetof(wardi_instance, store));
    const func_record *record = (const func_record *)(uintptr_t)func->opaque[1];
    if (record == NULL || instance->module->facts.is_component) return;
    const vm_data *data = record->data;
    if (memcmp(data->magic, "core", 4) != 0) return;
    at[2] = wardi_place_of((const char *)record - BEFORE_RECORD, BEFORE_RECORD + sizeof *record);
    at[3] = wardi_place_of(data, DATA_BYTES);
    at[4] = wardi_place_of(data->store + STORE_FROM, STORE_BYTES);
}
