/* From a source to a module that Ward can run: loaded, its imports offered, its own exports of the
 * types that Ward calls. */
#include <string.h>

#include "component/component_priv.h"

const char *const wardi_known_names[WARDI_KNOWN_COUNT] = {
    [WARDI_KNOWN_INITIALIZE] = "_initialize", [WARDI_KNOWN_START] = "_start",
    [WARDI_KNOWN_CLEANUP] = "_cleanup",       [WARDI_KNOWN_HEALTH] = "_health",
    [WARDI_KNOWN_MESSAGE] = "handle-message", [WARDI_KNOWN_ALLOC] = "ward_alloc",
};
static const char component_health_name[] = "health";

const char *wardi_health_export_name(const ward_component *component)
{
    bool is_component = component->health_form == WARD_HEALTH_FORM_LIST ||
                        component->health_form == WARD_HEALTH_FORM_TYPED;
    return is_component ? component_health_name : wardi_known_names[WARDI_KNOWN_HEALTH];
}

static uint32_t find_export(const wardi_module_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->export_count; i++)
        if (strcmp(facts->exports[i].name, name) == 0) return (uint32_t)i;
    return UINT32_MAX;
}

/* ---- the health export ---- */

static ward_health_form core_form(const wardi_export *found)
{
    const wardi_signature *s = &found->signature;
    if (found->kind != WARDI_EXTERN_FUNC || !s->numeric) return WARD_HEALTH_FORM_NONE;
    if (s->param_count != 0 || s->result_count != 1) return WARD_HEALTH_FORM_NONE;
    if (s->results[0] == WARDI_I32) return WARD_HEALTH_FORM_I32;
    return s->results[0] == WARDI_I64 ? WARD_HEALTH_FORM_I64 : WARD_HEALTH_FORM_NONE;
}

static ward_health_form component_form(const wardi_export *found)
{
    if (found->kind != WARDI_EXTERN_FUNC || found->component_param_count != 0)
        return WARD_HEALTH_FORM_NONE;
    if (found->shape == WARDI_RESULT_LIST_U8) return WARD_HEALTH_FORM_LIST;
    return found->shape == WARDI_RESULT_CASES ? WARD_HEALTH_FORM_TYPED : WARD_HEALTH_FORM_NONE;
}

static ward_error find_health(const wardi_module_facts *facts, uint32_t *ret_index,
                              ward_health_form *ret_form, ward_diag *ret_diag)
{
    bool is_component = facts->is_component;
    const char *name = is_component ? component_health_name : wardi_known_names[WARDI_KNOWN_HEALTH];
    *ret_form = WARD_HEALTH_FORM_NONE;
    *ret_index = find_export(facts, name);
    if (*ret_index == UINT32_MAX) return WARD_OK;
    const wardi_export *found = &facts->export_details[*ret_index];
    *ret_form = is_component ? component_form(found) : core_form(found);
    if (*ret_form != WARD_HEALTH_FORM_NONE) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_EXPORT_TYPE,
                      "the health export `%s` is %s; accepted: %s", name,
                      facts->exports[*ret_index].type,
                      is_component ? "func() -> list<u8>, or func() -> a variant or enum of "
                                     "healthy, degraded and unhealthy"
                                   : "func () -> i32, or func () -> i64");
}

/* ---- the others ---- */

static ward_error check_plain(const wardi_module_facts *facts, uint32_t index, ward_diag *ret_diag)
{
    const wardi_export *found = &facts->export_details[index];
    const wardi_signature *s = &found->signature;
    if (found->kind == WARDI_EXTERN_FUNC && s->numeric && s->param_count + s->result_count == 0)
        return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_EXPORT_TYPE, "the export `%s` is %s; accepted: func ()",
                      facts->exports[index].name, facts->exports[index].type);
}

/* Only core modules have exports of these names; a component's cannot start with '_'. Those from
 * WARDI_KNOWN_MESSAGE on are looked at when they are called. */
static ward_error find_known(const wardi_module_facts *facts, uint32_t found[WARDI_KNOWN_COUNT],
                             ward_diag *ret_diag)
{
    for (int i = 0; i < WARDI_KNOWN_COUNT; i++) {
        if (i == WARDI_KNOWN_HEALTH) continue;
        found[i] = find_export(facts, wardi_known_names[i]);
        if (found[i] == UINT32_MAX || i >= WARDI_KNOWN_MESSAGE || facts->is_component) continue;
        ward_error error = check_plain(facts, found[i], ret_diag);
        if (error != WARD_OK) return error;
    }
    return WARD_OK;
}

static ward_error adopt(ward_component *component, wardi_module *module, ward_diag *ret_diag)
{
    const wardi_module_facts *facts = wardi_module_facts_of(module);
    uint32_t found[WARDI_KNOWN_COUNT];
    ward_health_form form;
    ward_error error = find_health(facts, &found[WARDI_KNOWN_HEALTH], &form, ret_diag);
    if (error == WARD_OK) {
        component->health_form = form;
        error = wardi_module_check_imports(module, ret_diag);
        if (error != WARD_OK) component->refused = module;
    }
    if (error == WARD_OK) error = find_known(facts, found, ret_diag);
    if (error != WARD_OK) return error;
    component->module = module;
    memcpy(component->known_exports, found, sizeof found);
    wardi_free(component->bytes);
    component->bytes = NULL;
    atomic_store_explicit(&component->loaded, true, memory_order_release);
    return WARD_OK;
}

ward_error wardi_component_load_until(ward_component *component, uint64_t *deadline_ns,
                                      ward_diag *ret_diag)
{
    if (component->module != NULL) return WARD_OK;
    wardi_module_release(component->refused);
    component->refused = NULL;
    wardi_module_source source = {.path = component->terms->path,
                                  .bytes = component->bytes,
                                  .length = component->byte_count,
                                  .metered = component->terms->limits.fuel_per_call != 0};
    wardi_module *module;
    ward_error error =
        wardi_module_load(component->engine, &source, deadline_ns, &module, ret_diag);
    if (error != WARD_OK) return error;
    error = adopt(component, module, ret_diag);
    if (error != WARD_OK && component->refused != module) wardi_module_release(module);
    return error;
}

ward_error ward_component_load(ward_component *component, ward_diag *ret_diag)
{
    ward_error error = wardi_activity_take_or_fail(component, WARDI_LOADING, ret_diag);
    if (error != WARD_OK) return error;
    uint64_t deadline_ns = wardi_add_sat(wardi_now_ns(), component->terms->start_timeout_ns);
    ward_diag diag;
    error = wardi_component_load_until(component, &deadline_ns, &diag);
    wardi_activity_release(component);
    if (error == WARD_OK) return WARD_OK;
    return wardi_fail(ret_diag, error, "%s: %s", component->name, diag.text);
}
