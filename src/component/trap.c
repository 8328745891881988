/* How the guest was ended: counted in the window, and kept whole for whoever asks. */
#include <stdio.h>
#include <string.h>

#include "component/component_priv.h"

void wardi_trap_window_add(wardi_trap_window *window, uint64_t window_ns, uint64_t now_ns)
{
    uint64_t slice = now_ns / (window_ns / WARDI_TRAP_SLICES + 1);
    uint64_t gap = slice - window->slice;
    for (uint64_t i = 1; i <= gap && i <= WARDI_TRAP_SLICES; i++)
        window->counts[(window->slice + i) % WARDI_TRAP_SLICES] = 0;
    window->slice = slice;
    window->counts[slice % WARDI_TRAP_SLICES]++;
}

uint64_t wardi_trap_window_count(const wardi_trap_window *window, uint64_t window_ns,
                                 uint64_t now_ns)
{
    uint64_t gap = now_ns / (window_ns / WARDI_TRAP_SLICES + 1) - window->slice;
    uint64_t count = 0;
    for (uint64_t age = 0; age + gap < WARDI_TRAP_SLICES && age <= window->slice; age++)
        count += window->counts[(window->slice - age) % WARDI_TRAP_SLICES];
    return count;
}

static void copy_trap(ward_trap *to, const ward_trap *from)
{
    memcpy(to, from, offsetof(ward_trap, frames));
    memcpy(to->frames, from->frames, from->frame_count * sizeof to->frames[0]);
}

/* A trap is the one event for which a check may allocate: once a component, and it does without
 * when there is no memory. */
static void keep(ward_component *component, const ward_trap *trap)
{
    pthread_mutex_lock(&component->trap_lock);
    component->trap_error = trap->error;
    component->trap_exit_code = trap->exit_code;
    component->trap_at_ns = trap->at_ns;
    if (component->trap == NULL) component->trap = wardi_alloc(sizeof *component->trap);
    if (component->trap != NULL) copy_trap(component->trap, trap);
    pthread_mutex_unlock(&component->trap_lock);
}

void wardi_trap_record(ward_component *component, ward_error error, const char *export_name,
                       ward_trap *trap)
{
    uint64_t now_ns = wardi_now_ns();
    trap->error = error;
    trap->at_ns = now_ns;
    snprintf(trap->export_name, sizeof trap->export_name, "%s", export_name);
    WARD_ASSERT(trap->frame_count <= WARD_FRAMES_MAX);
    wardi_count(&component->traps, 1);
    wardi_trap_window_add(&component->traps_recent, component->terms->policy.resource_window_ns,
                          now_ns);
    keep(component, trap);
}

void ward_component_last_trap(const ward_component *component, ward_trap *ret_trap)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&component->trap_lock;
    pthread_mutex_lock(lock);
    if (component->trap != NULL)
        copy_trap(ret_trap, component->trap);
    else
        *ret_trap = (ward_trap){.error = component->trap_error,
                                .exit_code = component->trap_exit_code,
                                .at_ns = component->trap_at_ns};
    pthread_mutex_unlock(lock);
}

static void poison(ward_component *component, const char *export_name, const ward_trap *trap)
{
    char words[WARD_REASON_BYTES_MAX + 1];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_printf(&text, "%s trapped: %s", export_name, trap->cause);
    wardi_component_drop_instance(component);
    wardi_component_move_failed(component, words, text.length);
}

static void count_fuel(ward_component *component)
{
    wardi_instance_figures figures;
    wardi_instance_figures_of(wardi_instance_of(component), &figures);
    if (figures.fuel_last > component->fuel_peak) component->fuel_peak = figures.fuel_last;
    if (figures.fuel_last > wardi_get(&component->fuel_peak_of_run))
        atomic_store_explicit(&component->fuel_peak_of_run, figures.fuel_last,
                              memory_order_relaxed);
}

void wardi_guest_left(ward_component *component, const char *export_name, uint64_t duration_ns,
                      ward_error error, ward_trap *trap)
{
    wardi_count(&component->inside_ns, duration_ns);
    if (component->terms->limits.fuel_per_call != 0) count_fuel(component);
    if (WARD_LIKELY(!wardi_ends_guest(error))) return;
    wardi_trap_record(component, error, export_name, trap);
    if (wardi_module_facts_of(component->module)->is_component)
        poison(component, export_name, trap);
}

/* ---- core dumps ---- */

ward_error wardi_component_coredump(ward_component *component, int descriptor,
                                    wardi_coredump_facts *ret_facts, ward_diag *ret_diag)
{
    ward_trap trap;
    wardi_coredump_options options = {.descriptor = descriptor, .name = component->name};
    ward_error error = wardi_activity_take_or_fail(component, WARDI_FAILING, ret_diag);
    if (error != WARD_OK) return error;
    ward_component_last_trap(component, &trap);
    wardi_instance *instance = wardi_instance_of(component);
    error = instance != NULL
                ? wardi_instance_coredump(instance, &trap, &options, ret_facts, ret_diag)
                : wardi_fail(ret_diag, WARD_ERROR_STATE, "%s: nothing is left of its guest",
                             component->name);
    wardi_activity_release(component);
    return error;
}
