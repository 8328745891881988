/* Components of the component model. */
#include "engine_priv.h"

ward_error component_describe(wardi_module *module, ward_diag *ret_diag)
{
    (void)module;
    return wardi_fail(ret_diag, WARD_ERROR_UNSUPPORTED, "a component: Ward reads core modules");
}

void component_instantiate(wardi_instance *instance, call_end *end)
{
    (void)instance;
    end->error = wasmtime_error_new("a component");
}

bool component_func(wardi_instance *instance, const char *name, wardi_func *ret_func)
{
    (void)instance, (void)name, (void)ret_func;
    return false;
}

ward_error wardi_call_component(wardi_instance *instance, const wardi_func *func,
                                uint64_t timeout_ns, uint8_t *bytes, size_t capacity,
                                wardi_component_answer *ret_answer, ward_trap *ret_trap,
                                ward_diag *ret_diag)
{
    (void)instance, (void)func, (void)timeout_ns, (void)bytes, (void)capacity;
    (void)ret_answer, (void)ret_trap;
    return wardi_fail(ret_diag, WARD_ERROR_UNSUPPORTED, "a component: Ward reads core modules");
}
