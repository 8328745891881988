/* The fake engine. No threads of its own. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fake/fake.h"

struct wardi_engine {
    uint64_t memory_bytes_max;
    const wardi_import *imports;
    size_t import_count;
};

struct wardi_module {
    wardi_engine *engine;
    fake_guest *guest;
    atomic_int references;
    wardi_module_facts facts;
    ward_extern exports[FAKE_EXPORTS_MAX];
    wardi_export details[FAKE_EXPORTS_MAX];
};

enum { FAKE_STATE_WORDS = 8 };

typedef struct fake_call {
    wardi_func func;
    wardi_value args[24], results[24];
    uint64_t timeout_ns, deadline_ns;
    uint32_t resumes_left;
    bool waits;
    const wardi_import *import; /* that it waits in, or NULL */
    wardi_guest view;           /* of that one */
    wardi_raw import_args[WARDI_IMPORT_PARAMS_MAX], answer;
    bool answered;
    uint64_t state[FAKE_STATE_WORDS];
    ward_error error;
    ward_trap trap;
} fake_call;

struct wardi_instance {
    wardi_module *module;
    fake_guest *guest;
    void *context;
    _Atomic uint64_t fuel_last;
    _Atomic uint64_t activity, interrupted; /* of the last call; of the one that is to end */
    fake_call call;
};

const wardi_value_kind fake_i32 = WARDI_I32, fake_i64 = WARDI_I64;
static const wardi_value_kind many_i32[8]; /* WARDI_I32 is 0 */

/* ---- guests ---- */

void fake_init(fake_guest *guest)
{
    memset(guest, 0, sizeof *guest);
    guest->memory_length = sizeof guest->memory;
    guest->memory_bytes_min = sizeof guest->memory;
    atomic_store(&guest->memory_bytes, sizeof guest->memory);
}

static fake_export *add_export(fake_guest *guest, const char *name, const char *type)
{
    WARD_ASSERT(guest->export_count < FAKE_EXPORTS_MAX);
    fake_export *added = &guest->exports[guest->export_count++];
    added->name = name;
    added->type = type;
    return added;
}

fake_export *fake_func(fake_guest *guest, const char *name, size_t params,
                       const wardi_value_kind *result, fake_run run)
{
    fake_export *added = add_export(guest, name, "func (a fake one)");
    added->run = run;
    added->detail = (wardi_export){.kind = WARDI_EXTERN_FUNC,
                                   .signature = {.param_count = params,
                                                 .result_count = result != NULL,
                                                 .params = many_i32,
                                                 .results = result,
                                                 .numeric = true}};
    return added;
}

static ward_error run_health(fake_guest *guest, const wardi_value *args, wardi_value *results,
                             uint64_t timeout_ns, ward_trap *trap)
{
    (void)args;
    (void)timeout_ns;
    if (guest->health_error != WARD_OK) return fake_end(guest, guest->health_error, trap);
    results[0].bits = guest->health_bits;
    return WARD_OK;
}

void fake_health(fake_guest *guest, wardi_value_kind kind)
{
    fake_func(guest, "_health", 0, kind == WARDI_I64 ? &fake_i64 : &fake_i32, run_health);
}

void fake_health_shape(fake_guest *guest, wardi_result_shape shape)
{
    guest->is_component = true;
    guest->answer.shape = shape;
    fake_export *added = add_export(guest, "health", "func() -> a fake shape");
    added->run = run_health;
    added->detail = (wardi_export){.kind = WARDI_EXTERN_FUNC, .shape = shape};
}

void fake_frame(fake_guest *guest, uint32_t address, const uint8_t *frame, size_t length)
{
    WARD_ASSERT(address + length <= sizeof guest->memory);
    memcpy(guest->memory + address, frame, length);
    guest->health_bits = address;
}

ward_error fake_end(const fake_guest *guest, ward_error error, ward_trap *trap)
{
    if (trap == NULL) return error;
    bool ends = error == WARD_ERROR_TRAP || error == WARD_ERROR_DEADLINE ||
                error == WARD_ERROR_FUEL || error == WARD_ERROR_EXIT ||
                error == WARD_ERROR_INTERRUPTED;
    memset(trap, ends ? 0 : 0xa5, sizeof *trap);
    if (!ends) return error; /* the guest was not ended, and there is nothing to tell */
    trap->error = error;
    trap->exit_code = guest->exit_code;
    trap->frame_count = 1;
    snprintf(trap->frames[0].function, sizeof trap->frames[0].function, "fake");
    snprintf(trap->cause, sizeof trap->cause, "%s",
             guest->cause != NULL ? guest->cause : ward_error_text(error));
    return error;
}

/* ---- engine ---- */

ward_error wardi_engine_new(const wardi_engine_options *options, wardi_engine **ret_engine,
                            ward_diag *ret_diag)
{
    wardi_engine *engine = wardi_alloc(sizeof *engine);
    if (engine == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    engine->memory_bytes_max =
        options->memory_bytes_max != 0 ? options->memory_bytes_max : UINT64_C(4) << 30;
    engine->imports = options->imports;
    engine->import_count = options->import_count;
    *ret_engine = engine;
    return WARD_OK;
}

void wardi_engine_free(wardi_engine *engine)
{
    wardi_free(engine);
}

/* ---- the clock: a thread that ticks for its watchers alone ---- */

static struct {
    pthread_mutex_t lock;
    wardi_watcher *watchers;
    pthread_t thread;
} fake_clock = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *fake_clock_run(void *argument)
{
    bool more = true;
    while (more) {
        wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
        pthread_mutex_lock(&fake_clock.lock);
        for (const wardi_watcher *w = fake_clock.watchers; w != NULL; w = w->next)
            w->tick(w->context, wardi_now_ns());
        more = fake_clock.watchers != NULL;
        pthread_mutex_unlock(&fake_clock.lock);
    }
    return argument;
}

void wardi_engine_watch(wardi_engine *engine, wardi_watcher *watcher)
{
    (void)engine;
    pthread_mutex_lock(&fake_clock.lock);
    watcher->next = fake_clock.watchers;
    fake_clock.watchers = watcher;
    bool first = watcher->next == NULL;
    pthread_mutex_unlock(&fake_clock.lock);
    if (first) WARD_ASSERT(pthread_create(&fake_clock.thread, NULL, fake_clock_run, NULL) == 0);
}

void wardi_engine_unwatch(wardi_engine *engine, wardi_watcher *watcher)
{
    (void)engine;
    pthread_mutex_lock(&fake_clock.lock);
    wardi_watcher **link = &fake_clock.watchers;
    while (*link != watcher) link = &(*link)->next;
    *link = watcher->next;
    bool last = fake_clock.watchers == NULL;
    pthread_mutex_unlock(&fake_clock.lock);
    if (last) pthread_join(fake_clock.thread, NULL);
}

uint32_t wardi_engine_suspended(const wardi_engine *engine)
{
    (void)engine;
    return 0;
}

void wardi_engine_hold(wardi_engine *engine)
{
    (void)engine;
}

void wardi_engine_release(wardi_engine *engine)
{
    (void)engine;
}

uint32_t wardi_engine_compiling(const wardi_engine *engine)
{
    (void)engine;
    return 0;
}

int wardi_compiler_main(void)
{
    return 1;
}

const char *wardi_engine_version(void)
{
    return "fake 1";
}

uint64_t wardi_engine_memory_bytes_max(const wardi_engine *engine)
{
    return engine->memory_bytes_max;
}

/* ---- modules ---- */

static void describe(wardi_module *module, fake_guest *guest, size_t byte_count)
{
    for (size_t i = 0; i < guest->export_count; i++) {
        module->exports[i] = (ward_extern){
            .module = "", .name = guest->exports[i].name, .type = guest->exports[i].type};
        module->details[i] = guest->exports[i].detail;
    }
    module->facts = (wardi_module_facts){.is_component = guest->is_component,
                                         .byte_count = byte_count,
                                         .export_count = guest->export_count,
                                         .exports = module->exports,
                                         .export_details = module->details,
                                         .waits = guest->waits_on != NULL,
                                         .waits_on = guest->waits_on,
                                         .memory_bytes_min = guest->memory_bytes_min,
                                         .table_elements_min = guest->table_elements_min};
}

ward_error wardi_module_load(wardi_engine *engine, const wardi_module_source *source,
                             uint64_t *deadline_ns, wardi_module **ret_module, ward_diag *ret_diag)
{
    uint64_t until_ns = deadline_ns != NULL ? *deadline_ns : UINT64_MAX;
    if (source->path != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "%s: no such file", source->path);
    fake_guest *guest;
    WARD_ASSERT(source->length == sizeof guest);
    memcpy(&guest, source->bytes, sizeof guest);
    if (guest->during != NULL) guest->during(guest, "load");
    if (guest->load_ns != 0) {
        uint64_t end = wardi_now_ns() + guest->load_ns;
        wardi_sleep_until_ns(end < until_ns ? end : until_ns);
        if (end > until_ns) return wardi_fail(ret_diag, WARD_ERROR_DEADLINE, "slow to load");
    }
    if (guest->load_error != WARD_OK)
        return wardi_fail(ret_diag, guest->load_error, "%s", ward_error_text(guest->load_error));
    wardi_module *module = wardi_alloc(sizeof *module);
    if (module == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    module->engine = engine;
    module->guest = guest;
    atomic_store(&module->references, 1);
    describe(module, guest, source->length);
    guest->metered_seen = source->metered;
    atomic_fetch_add(&guest->modules, 1);
    *ret_module = module;
    return WARD_OK;
}

void wardi_module_retain(wardi_module *module)
{
    atomic_fetch_add(&module->references, 1);
}

void wardi_module_release(wardi_module *module)
{
    if (module == NULL || atomic_fetch_sub(&module->references, 1) != 1) return;
    atomic_fetch_sub(&module->guest->modules, 1);
    wardi_free(module);
}

const wardi_module_facts *wardi_module_facts_of(const wardi_module *module)
{
    return &module->facts;
}

ward_error wardi_module_check_imports(const wardi_module *module, ward_diag *ret_diag)
{
    if (!module->guest->missing_import) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_IMPORT_MISSING, "env.nothing is not offered");
}

/* ---- instances ---- */

ward_error wardi_instance_new(wardi_module *module, const wardi_instance_options *options,
                              uint64_t deadline_ns, wardi_instance **ret_instance,
                              ward_trap *ret_trap, ward_diag *ret_diag)
{
    (void)deadline_ns;
    fake_guest *guest = module->guest;
    guest->limits_seen = options->limits;
    if (guest->during != NULL) guest->during(guest, "instantiate");
    if (guest->instance_error != WARD_OK) {
        fake_end(guest, guest->instance_error, ret_trap);
        return wardi_fail(ret_diag, guest->instance_error, "%s",
                          ward_error_text(guest->instance_error));
    }
    wardi_instance *instance = wardi_alloc(sizeof *instance);
    if (instance == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    wardi_module_retain(module);
    instance->module = module;
    instance->guest = guest;
    instance->context = options->context;
    atomic_fetch_add(&guest->instances, 1);
    if (options->announce != NULL) options->announce(options->announce_context, instance);
    *ret_instance = instance;
    return WARD_OK;
}

/* What waits in an import waits no longer. */
static void import_cancel(fake_call *call)
{
    const wardi_import *import = call->import;
    call->import = NULL;
    if (import != NULL && import->cancel != NULL) import->cancel(&call->view);
}

void wardi_instance_free(wardi_instance *instance)
{
    if (instance == NULL) return;
    WARD_ASSERT(instance->guest->entered != instance);
    import_cancel(&instance->call);
    atomic_fetch_sub(&instance->guest->instances, 1);
    wardi_module_release(instance->module);
    wardi_free(instance);
}

bool wardi_instance_func(wardi_instance *instance, const char *name, wardi_func *ret_func)
{
    fake_guest *guest = instance->guest;
    for (uint32_t i = 0; i < guest->export_count; i++) {
        if (guest->exports[i].detail.kind != WARDI_EXTERN_FUNC) continue;
        if (strcmp(guest->exports[i].name, name) != 0) continue;
        ret_func->export_index = i;
        return true;
    }
    return false;
}

static ward_error run_export(wardi_instance *instance, const wardi_func *func,
                             const wardi_value *args, wardi_value *results, uint64_t timeout_ns,
                             ward_trap *trap)
{
    fake_guest *guest = instance->guest;
    const fake_export *called = &guest->exports[func->export_index];
    /* One activity at a time: a second one here is what the component must never let happen. */
    WARD_ASSERT(atomic_fetch_add(&guest->inside, 1) == 0);
    atomic_fetch_add(&guest->calls, 1);
    guest->timeout_seen = timeout_ns;
    guest->entered = instance;
    if (guest->during != NULL) guest->during(guest, called->name);
    ward_error error = called->run(guest, args, results, timeout_ns, trap);
    atomic_store(&instance->fuel_last, guest->fuel);
    guest->entered = NULL;
    atomic_fetch_sub(&guest->inside, 1);
    return error;
}

static bool is_interrupted(wardi_instance *instance)
{
    return atomic_load(&instance->interrupted) == atomic_load(&instance->activity);
}

/* An end that comes while it waits, or the import's answer. False: it waits on. */
static bool import_over(wardi_instance *instance)
{
    fake_call *call = &instance->call;
    bool interrupted = is_interrupted(instance);
    if (interrupted || wardi_now_ns() >= call->deadline_ns) {
        import_cancel(call);
        call->error =
            fake_end(instance->guest, interrupted ? WARD_ERROR_INTERRUPTED : WARD_ERROR_DEADLINE,
                     &call->trap);
        return true;
    }
    wardi_answer answer = call->import->done(&call->view);
    if (answer == WARDI_WAITS) return false;
    call->import = NULL;
    call->answered = answer == WARDI_ANSWERED;
    if (answer == WARDI_ENDS) call->error = fake_end(instance->guest, WARD_ERROR_TRAP, &call->trap);
    return true;
}

static wardi_progress waits_until(fake_call *call, uint64_t wake_ns, uint64_t *ret_wake_ns)
{
    call->waits = true;
    *ret_wake_ns = wake_ns < call->deadline_ns ? wake_ns : call->deadline_ns;
    return WARDI_CALL_WAITS;
}

/* A call that waits is held off: its guest runs when it has been resumed often enough. One that
 * waits in an import runs again when that is done. */
static wardi_progress go_on(wardi_instance *instance, uint64_t *ret_wake_ns)
{
    fake_guest *guest = instance->guest;
    fake_call *call = &instance->call;
    call->waits = false;
    if (call->resumes_left > 0 && !is_interrupted(instance)) {
        call->resumes_left--;
        return waits_until(call, wardi_now_ns() + guest->wait_ns, ret_wake_ns);
    }
    if (call->import != NULL && !import_over(instance))
        return waits_until(call, call->view.wake_ns, ret_wake_ns);
    if (call->error != WARD_OK) return WARDI_CALL_OVER;
    const wardi_signature *s = &instance->module->details[call->func.export_index].signature;
    for (size_t i = 0; i < s->result_count; i++)
        call->results[i] = (wardi_value){.kind = s->results[i]};
    call->error = is_interrupted(instance)
                      ? fake_end(guest, WARD_ERROR_INTERRUPTED, &call->trap)
                      : run_export(instance, &call->func, call->args, call->results,
                                   call->timeout_ns, &call->trap);
    if (call->import == NULL) return WARDI_CALL_OVER;
    WARD_ASSERT(call->error == FAKE_WAITS);
    call->error = WARD_OK;
    return waits_until(call, call->view.wake_ns, ret_wake_ns);
}

ward_error wardi_call_start(wardi_instance *instance, const wardi_func *func,
                            const wardi_value *args, size_t arg_count, size_t result_count,
                            uint64_t timeout_ns, wardi_progress *ret_progress,
                            uint64_t *ret_wake_ns, ward_diag *ret_diag)
{
    (void)ret_diag;
    const wardi_signature *s = &instance->module->details[func->export_index].signature;
    WARD_ASSERT(arg_count == s->param_count && result_count == s->result_count);
    WARD_ASSERT(arg_count <= WARD_COUNT(instance->call.args) && !instance->call.waits);
    WARD_ASSERT(result_count <= WARD_COUNT(instance->call.results));
    atomic_fetch_add(&instance->activity, 1);
    instance->call = (fake_call){.func = *func, .timeout_ns = timeout_ns};
    instance->call.deadline_ns = wardi_add_sat(wardi_now_ns(), timeout_ns);
    instance->call.resumes_left = instance->guest->waits_on != NULL ? instance->guest->waits : 0;
    if (arg_count != 0) memcpy(instance->call.args, args, arg_count * sizeof *args);
    *ret_progress = go_on(instance, ret_wake_ns);
    return WARD_OK;
}

wardi_progress wardi_call_resume(wardi_instance *instance, uint64_t *ret_wake_ns)
{
    WARD_ASSERT(instance->call.waits);
    return go_on(instance, ret_wake_ns);
}

void wardi_call_stand_by(wardi_instance *instance, uint64_t wake_ns)
{
    while (wardi_call_resume(instance, &wake_ns) == WARDI_CALL_WAITS) wardi_sleep_until_ns(wake_ns);
}

bool wardi_call_waits(const wardi_instance *instance)
{
    return instance->call.waits;
}

static void call_over(wardi_instance *instance)
{
    fake_guest *guest = instance->guest;
    const char *name = instance->module->exports[instance->call.func.export_index].name;
    if (guest->over == NULL) return;
    guest->entered = instance;
    guest->over(guest, name, instance->call.error);
    guest->entered = NULL;
}

ward_error wardi_call_take(wardi_instance *instance, wardi_value *ret_results, ward_trap *ret_trap,
                           ward_diag *ret_diag)
{
    fake_call *call = &instance->call;
    const wardi_signature *s = &instance->module->details[call->func.export_index].signature;
    WARD_ASSERT(!call->waits);
    call_over(instance);
    if (call->error != WARD_OK && ret_trap != NULL) *ret_trap = call->trap;
    if (call->error != WARD_OK)
        return wardi_fail(ret_diag, call->error, "%s: %s",
                          instance->module->exports[call->func.export_index].name,
                          call->trap.cause);
    for (size_t i = 0; i < s->result_count; i++) ret_results[i] = call->results[i];
    return WARD_OK;
}

ward_error wardi_call(wardi_instance *instance, const wardi_func *func, const wardi_value *args,
                      size_t arg_count, wardi_value *ret_results, size_t result_count,
                      uint64_t timeout_ns, ward_trap *ret_trap, ward_diag *ret_diag)
{
    wardi_progress progress;
    uint64_t wake_ns;
    wardi_call_start(instance, func, args, arg_count, result_count, timeout_ns, &progress, &wake_ns,
                     ret_diag);
    if (progress == WARDI_CALL_WAITS) wardi_call_stand_by(instance, wake_ns);
    return wardi_call_take(instance, ret_results, ret_trap, ret_diag);
}

ward_error wardi_call_probe(wardi_instance *instance, const wardi_func *func, uint64_t began_ticks,
                            uint64_t timeout_ns, uint64_t *ret_bits, ward_trap *ret_trap)
{
    (void)began_ticks;
    wardi_value result = {0};
    WARD_ASSERT(!instance->call.waits);
    atomic_fetch_add(&instance->activity, 1);
    ward_error error = run_export(instance, func, NULL, &result, timeout_ns, ret_trap);
    if (error == WARD_OK) *ret_bits = result.bits;
    return error;
}

ward_error wardi_call_component(wardi_instance *instance, const wardi_func *func,
                                uint64_t timeout_ns, uint8_t *bytes, size_t capacity,
                                wardi_component_answer *ret_answer, ward_trap *ret_trap,
                                ward_diag *ret_diag)
{
    wardi_value result = {0};
    ward_error error = run_export(instance, func, NULL, &result, timeout_ns, ret_trap);
    if (error != WARD_OK) return wardi_fail(ret_diag, error, "%s", ward_error_text(error));
    fake_guest *guest = instance->guest;
    *ret_answer = guest->answer;
    ret_answer->length = guest->answer_length < capacity ? guest->answer_length : capacity;
    ret_answer->cut = guest->answer_length > capacity;
    memcpy(bytes, guest->answer_bytes, ret_answer->length);
    return WARD_OK;
}

bool wardi_instance_memory(wardi_instance *instance, uint8_t **ret_bytes, size_t *ret_length)
{
    if (instance->guest->no_memory) return false;
    *ret_bytes = instance->guest->memory;
    *ret_length = instance->guest->memory_length;
    return true;
}

ward_error wardi_instance_coredump(wardi_instance *instance, const ward_trap *trap,
                                   const wardi_coredump_options *options,
                                   wardi_coredump_facts *ret_facts, ward_diag *ret_diag)
{
    (void)instance, (void)trap, (void)options;
    *ret_facts = (wardi_coredump_facts){0};
    return wardi_fail(ret_diag, WARD_ERROR_IO, "a fake guest leaves none");
}

void wardi_instance_figures_of(const wardi_instance *instance, wardi_instance_figures *ret_figures)
{
    fake_guest *guest = instance->guest;
    *ret_figures = (wardi_instance_figures){
        .memory_bytes = atomic_load_explicit(&guest->memory_bytes, memory_order_relaxed),
        .growths_refused = atomic_load_explicit(&guest->growths_refused, memory_order_relaxed),
        .fuel_last = atomic_load_explicit(&instance->fuel_last, memory_order_relaxed)};
}

/* ---- imports ---- */

void *fake_context(const fake_guest *guest)
{
    return guest->entered->context;
}

uint64_t *fake_call_state(fake_guest *guest)
{
    return guest->entered->call.state;
}

static const wardi_import *import_find(const wardi_engine *engine, const char *module,
                                       const char *name)
{
    for (size_t i = 0; i < engine->import_count; i++)
        if (strcmp(engine->imports[i].name, name) == 0 &&
            strcmp(engine->imports[i].module, module) == 0)
            return &engine->imports[i];
    return NULL;
}

wardi_answer fake_import(fake_guest *guest, const char *module, const char *name,
                         const wardi_raw *args, size_t arg_count, wardi_raw *ret_result)
{
    wardi_instance *instance = guest->entered;
    fake_call *call = &instance->call;
    const wardi_import *import = import_find(instance->module->engine, module, name);
    WARD_ASSERT(import != NULL && strlen(import->params) == arg_count && call->import == NULL);
    WARD_ASSERT(import->done == NULL || guest->waits_on != NULL);
    if (arg_count != 0) memcpy(call->import_args, args, arg_count * sizeof *args);
    call->view = (wardi_guest){.instance = instance,
                               .context = instance->context,
                               .memory = guest->memory,
                               .memory_length = guest->memory_length,
                               .args = call->import_args,
                               .result = &call->answer,
                               .wake_ns = UINT64_MAX};
    wardi_answer answer = import->function(&call->view);
    if (answer == WARDI_WAITS) call->import = import;
    if (answer == WARDI_ANSWERED) *ret_result = call->answer;
    return answer;
}

bool fake_answer(fake_guest *guest, wardi_raw *ret_result)
{
    fake_call *call = &guest->entered->call;
    if (!call->answered) return false;
    call->answered = false;
    *ret_result = call->answer;
    return true;
}

wardi_answer wardi_guest_end(wardi_guest *guest, const char *format, ...)
{
    fake_guest *fake = guest->instance->guest;
    va_list args;
    va_start(args, format);
    wardi_text words = WARDI_TEXT(fake->breach);
    wardi_text_vprintf(&words, format, args);
    va_end(args);
    fake->cause = fake->breach;
    return WARDI_ENDS;
}

/* ---- interrupts ---- */

uint64_t wardi_instance_activity(const wardi_instance *instance)
{
    return atomic_load(&instance->activity);
}

void wardi_instance_interrupt(wardi_instance *instance, uint64_t activity)
{
    if (activity != 0) atomic_store(&instance->interrupted, activity);
}

void wardi_instance_places(const wardi_instance *instance, const wardi_func *func,
                           wardi_places *ret_places)
{
    (void)func;
    *ret_places = (wardi_places){{wardi_place_of(instance, 1)}};
}
