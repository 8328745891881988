/* Bytes that are almost WebAssembly: loaded, instantiated under small limits, every export called.
 * Whatever they are, what comes back is an error or a trap, and the process lives. */
#include <string.h>

#include "engine/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEADLINE_NS (20 * WARDI_MS)
#define MEMORY_BYTES_MAX (1u << 20)
enum { VALUES_MAX = 16, CALLS_MAX = 16 };

/* Made at the first input: the engine's signal handlers must come after the fuzzer's. */
static wardi_engine *engine_get(void)
{
    static wardi_engine *engine;
    wardi_engine_options options = {.profile = WARD_MEMORY_DENSE, .memories_max = 64};
    if (engine == NULL) WARD_ASSERT(wardi_engine_new(&options, &engine, NULL) == WARD_OK);
    return engine;
}

static void check_end(ward_error error, const ward_trap *trap)
{
    bool ended = error == WARD_ERROR_TRAP || error == WARD_ERROR_DEADLINE ||
                 error == WARD_ERROR_FUEL || error == WARD_ERROR_EXIT;
    if (!ended) return;
    WARD_ASSERT(trap->error == error && trap->cause[0] != '\0');
    WARD_ASSERT(trap->frame_count <= WARD_FRAMES_MAX);
}

static void call_core(wardi_instance *instance, const wardi_func *func,
                      const wardi_signature *signature, uint64_t bits)
{
    wardi_value args[VALUES_MAX] = {0}, results[VALUES_MAX];
    ward_trap trap = {0};
    ward_diag diag;
    if (!signature->numeric) return;
    if (signature->param_count > VALUES_MAX || signature->result_count > VALUES_MAX) return;
    for (size_t i = 0; i < signature->param_count; i++)
        args[i] = (wardi_value){signature->params[i], bits};
    ward_error error = wardi_call(instance, func, args, signature->param_count, results,
                                  signature->result_count, DEADLINE_NS, &trap, &diag);
    check_end(error, &trap);
    for (size_t i = 0; error == WARD_OK && i < signature->result_count; i++)
        WARD_ASSERT(results[i].kind == signature->results[i]);
}

static void call_component(wardi_instance *instance, const wardi_func *func)
{
    uint8_t bytes[64];
    wardi_component_answer answer;
    ward_trap trap = {0};
    ward_error error = wardi_call_component(instance, func, DEADLINE_NS, bytes, sizeof bytes,
                                            &answer, &trap, NULL);
    check_end(error, &trap);
    if (error == WARD_OK) WARD_ASSERT(answer.length <= sizeof bytes);
}

static void call_exports(wardi_instance *instance, const wardi_module_facts *facts, uint64_t bits)
{
    size_t calls = facts->export_count < CALLS_MAX ? facts->export_count : CALLS_MAX;
    for (size_t i = 0; i < calls; i++) {
        wardi_func func;
        if (!wardi_instance_func(instance, facts->exports[i].name, &func)) continue;
        const wardi_export *export = &facts->export_details[func.export_index];
        if (facts->is_component)
            call_component(instance, &func);
        else
            call_core(instance, &func, &export->signature, bits);
    }
}

static void check_memory(wardi_instance *instance)
{
    uint8_t *bytes;
    size_t length;
    wardi_instance_figures figures;
    wardi_instance_figures_of(instance, &figures);
    WARD_ASSERT(figures.memory_bytes <= MEMORY_BYTES_MAX);
    if (!wardi_instance_memory(instance, &bytes, &length) || length == 0) return;
    WARD_ASSERT(length <= figures.memory_bytes);
    bytes[0] = bytes[length - 1]; /* all of it is there */
}

static void run(wardi_module *module, uint64_t bits)
{
    const wardi_module_facts *facts = wardi_module_facts_of(module);
    wardi_instance_options options = {.limits = {.memory_bytes_max = MEMORY_BYTES_MAX,
                                                 .table_elements_max = 1000,
                                                 .fuel_per_call = (bits & 1) != 0 ? 20000 : 0},
                                      .name = "fuzz"};
    wardi_instance *instance = NULL;
    ward_trap trap = {0};
    ward_diag diag;
    (void)wardi_module_check_imports(module, &diag);
    ward_error error =
        wardi_instance_new(module, &options, wardi_now_ns() + DEADLINE_NS, &instance, &trap, &diag);
    check_end(error, &trap);
    if (error != WARD_OK) return;
    call_exports(instance, facts, bits);
    check_memory(instance);
    wardi_instance_free(instance);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t bits = size; /* arguments, and whether fuel is metered */
    for (size_t i = 0; i < size; i++) bits = bits * UINT64_C(1099511628211) + data[i];
    wardi_module_source source = {.bytes = data, .length = size, .metered = (bits & 1) != 0};
    wardi_module *module = NULL;
    ward_diag diag = {0};
    ward_error error = wardi_module_load(engine_get(), &source, NULL, &module, &diag);
    WARD_ASSERT(error == WARD_OK || (diag.error == error && diag.text[0] != '\0'));
    if (error != WARD_OK) return 0;
    run(module, bits);
    wardi_module_release(module);
    return 0;
}
