/* Start: load, instantiate, initialise, all before one deadline; and stop. */
#include <string.h>

#include "component/component_priv.h"

/* ---- start ---- */

ward_error wardi_component_limits_check(const ward_component *component, ward_diag *ret_diag)
{
    const wardi_module_facts *facts = wardi_module_facts_of(component->module);
    const ward_limits *limits = &component->terms->limits;
    if (facts->memory_bytes_min > limits->memory_bytes_max) {
        char words[2][32];
        wardi_text needs = WARDI_TEXT(words[0]), limit = WARDI_TEXT(words[1]);
        wardi_text_size(&needs, facts->memory_bytes_min);
        wardi_text_size(&limit, limits->memory_bytes_max);
        return wardi_fail(ret_diag, WARD_ERROR_LIMIT_MEMORY,
                          "needs %s, limit %s: raise limits.memory", words[0], words[1]);
    }
    if (facts->table_elements_min > limits->table_elements_max)
        return wardi_fail(ret_diag, WARD_ERROR_LIMIT_TABLE,
                          "needs a table of %llu elements, limit %llu: raise limits.table_elements",
                          (unsigned long long)facts->table_elements_min,
                          (unsigned long long)limits->table_elements_max);
    return WARD_OK;
}

/* Who failed, and at what: nothing before this names the component. */
static void tell(const ward_component *component, ward_error error, const char *what,
                 ward_diag *ret_diag)
{
    if (error != WARD_ERROR_DEADLINE) {
        wardi_fail(ret_diag, error, "%s: %s", component->name, what);
        return;
    }
    char words[32];
    wardi_text timeout = WARDI_TEXT(words);
    wardi_text_duration(&timeout, component->terms->start_timeout_ns);
    wardi_fail(ret_diag, error, "%s did not start within its start_timeout of %s: %s",
               component->name, words, what);
}

/* A guest's `exit(0)` is how a command says that it is done. */
static bool exited_well(ward_error error, const ward_trap *trap)
{
    return error == WARD_ERROR_EXIT && trap->exit_code == 0;
}

/* Runs an export that takes and gives nothing. */
static ward_error run_plain(ward_component *component, wardi_known known, uint64_t timeout_ns,
                            ward_diag *ret_diag)
{
    const char *name = wardi_known_names[known];
    ward_trap trap;
    atomic_store_explicit(&component->busy_export, name, memory_order_release);
    uint64_t began = wardi_ticks();
    ward_diag diag;
    ward_error error = wardi_call(wardi_instance_of(component), &component->known[known], NULL, 0,
                                  NULL, 0, timeout_ns, &trap, &diag);
    wardi_count(&component->inside_ns, wardi_ticks_span_ns(began, wardi_ticks()));
    if (error == WARD_OK || exited_well(error, &trap)) return WARD_OK;
    if (wardi_ends_guest(error)) wardi_trap_record(component, error, name, &trap);
    return wardi_fail(ret_diag, error, "%s", diag.text);
}

static ward_error initialise(ward_component *component, uint64_t deadline_ns, ward_diag *ret_diag)
{
    if (wardi_module_facts_of(component->module)->is_component) return WARD_OK;
    wardi_known first = component->known_exports[WARDI_KNOWN_INITIALIZE] != UINT32_MAX
                            ? WARDI_KNOWN_INITIALIZE
                            : WARDI_KNOWN_START;
    if (component->known_exports[first] == UINT32_MAX) return WARD_OK;
    uint64_t now_ns = wardi_now_ns();
    if (now_ns >= deadline_ns)
        return wardi_fail(ret_diag, WARD_ERROR_DEADLINE, "no time is left for %s",
                          wardi_known_names[first]);
    return run_plain(component, first, deadline_ns - now_ns, ret_diag);
}

/* The health export of a component may stand under another name than that of a core module. */
static void look_up(ward_component *component)
{
    for (int i = 0; i < WARDI_KNOWN_COUNT; i++) {
        component->known[i].export_index = UINT32_MAX;
        if (component->known_exports[i] == UINT32_MAX) continue;
        const char *name =
            i == WARDI_KNOWN_HEALTH ? wardi_health_export_name(component) : wardi_known_names[i];
        bool found = wardi_instance_func(wardi_instance_of(component), name, &component->known[i]);
        WARD_ASSERT(found || i >= WARDI_KNOWN_MESSAGE);
    }
}

static void note_places(ward_component *component)
{
    wardi_places places;
    if (component->known[WARDI_KNOWN_HEALTH].export_index == UINT32_MAX) return;
    wardi_instance_places(wardi_instance_of(component), &component->known[WARDI_KNOWN_HEALTH],
                          &places);
    for (int i = 0; i < WARDI_PLACES; i++)
        atomic_store_explicit(&component->places[i], places.at[i], memory_order_relaxed);
}

/* From here on it can be interrupted: a start section may run for as long as start_timeout. */
static void announce(void *context, wardi_instance *instance)
{
    ward_component *component = context;
    if (instance != NULL)
        atomic_store(&component->instance, instance);
    else
        (void)wardi_component_hide_instance(component);
}

static ward_error instantiate(ward_component *component, uint64_t deadline_ns, ward_diag *ret_diag)
{
    wardi_instance_options options = {.limits = component->terms->limits,
                                      .wasi = component->wasi,
                                      .name = component->name,
                                      .context = component->context,
                                      .announce = announce,
                                      .announce_context = component};
    wardi_instance *instance;
    ward_trap trap;
    ward_error error =
        wardi_instance_new(component->module, &options, deadline_ns, &instance, &trap, ret_diag);
    if (wardi_ends_guest(error)) wardi_trap_record(component, error, "start", &trap);
    if (error != WARD_OK) return error;
    look_up(component);
    note_places(component);
    return WARD_OK;
}

static void begin_run(ward_component *component)
{
    component->inside_seen_ns = wardi_get(&component->inside_ns);
    component->growths_seen = 0;
    component->fuel_peak = 0;
    atomic_store_explicit(&component->fuel_peak_of_run, 0, memory_order_relaxed);
    wardi_note_put(&component->note, &(wardi_note_attributes){.kind = WARDI_NOTE_NONE}, "", 0,
                   false);
}

static ward_error bring_up(ward_component *component, uint64_t deadline_ns, ward_diag *ret_diag)
{
    ward_error error = wardi_component_load_until(component, &deadline_ns, ret_diag);
    if (error == WARD_OK) error = wardi_component_limits_check(component, ret_diag);
    if (error == WARD_OK) error = instantiate(component, deadline_ns, ret_diag);
    if (error == WARD_OK) error = initialise(component, deadline_ns, ret_diag);
    return error;
}

static ward_error start(ward_component *component, ward_diag *ret_diag)
{
    uint64_t deadline_ns = wardi_add_sat(wardi_now_ns(), component->terms->start_timeout_ns);
    ward_error error =
        wardi_lifecycle_check(wardi_state_of(component), WARD_STATE_STARTING, ret_diag);
    if (error != WARD_OK) return error;
    wardi_component_move(component, WARD_STATE_STARTING);
    begin_run(component);
    ward_diag diag;
    error = bring_up(component, deadline_ns, &diag);
    if (error == WARD_OK) {
        wardi_component_move(component, WARD_STATE_READY);
        return WARD_OK;
    }
    wardi_component_drop_instance(component);
    tell(component, error, diag.text, &diag);
    wardi_component_move_failed(component, diag.text, strlen(diag.text));
    return wardi_fail(ret_diag, error, "%s", diag.text);
}

ward_error ward_component_start(ward_component *component, ward_diag *ret_diag)
{
    ward_error error = wardi_activity_take_or_fail(component, WARDI_STARTING, ret_diag);
    if (error != WARD_OK) return error;
    error = start(component, ret_diag);
    wardi_activity_release(component);
    return error;
}

/* ---- stop ---- */

static ward_error clean_up(ward_component *component, ward_diag *ret_diag)
{
    ward_diag diag;
    ward_error error =
        run_plain(component, WARDI_KNOWN_CLEANUP, component->terms->stop_timeout_ns, &diag);
    if (error == WARD_OK) return WARD_OK;
    return wardi_fail(ret_diag, error, "%s: %s", component->name, diag.text);
}

static ward_error stop(ward_component *component, ward_diag *ret_diag)
{
    ward_state state = wardi_state_of(component);
    if (state == WARD_STATE_TERMINATED) return WARD_OK;
    ward_error error = WARD_OK;
    if (state == WARD_STATE_READY) {
        wardi_component_move(component, WARD_STATE_STOPPING);
        if (component->known[WARDI_KNOWN_CLEANUP].export_index != UINT32_MAX)
            error = clean_up(component, ret_diag);
        wardi_component_drop_instance(component);
    }
    wardi_component_move(component, WARD_STATE_TERMINATED);
    return error;
}

ward_error ward_component_stop(ward_component *component, ward_diag *ret_diag)
{
    ward_error error = wardi_activity_take_or_fail(component, WARDI_STOPPING, ret_diag);
    if (error != WARD_OK) return error;
    error = stop(component, ret_diag);
    wardi_activity_release(component);
    return error;
}
