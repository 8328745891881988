/* Modules: read, compiled or taken from the cache, described, counted. */
#include "engine_priv.h"

#include <stdio.h>
#include <string.h>

/* What a load needs, on the caller's thread and on the compile thread; outlives the caller when
 * that gives up. */
typedef struct load_job {
    compile_job base;
    wardi_engine *engine;
    uint8_t *bytes;
    size_t length;
    source_kind kind;
    bool metered;
    char what[300]; /* the source, for people */
    wardi_module *module;
    ward_error error;
    ward_diag diag;
} load_job;

const wardi_module_facts *wardi_module_facts_of(const wardi_module *module)
{
    return &module->facts;
}

void wardi_module_retain(wardi_module *module)
{
    atomic_fetch_add_explicit(&module->holders, 1, memory_order_relaxed);
}

void wardi_module_release(wardi_module *module)
{
    if (module == NULL) return;
    if (atomic_fetch_sub_explicit(&module->holders, 1, memory_order_acq_rel) != 1) return;
    if (module->prepared != NULL) wasmtime_instance_pre_delete(module->prepared);
    if (module->core != NULL) wasmtime_module_delete(module->core);
    if (module->component != NULL) wasmtime_component_delete(module->component);
    module_undescribe(module);
    atomic_fetch_sub(&module->engine->modules, 1);
    wardi_free(module);
}

/* ---- on the compile thread ---- */

/* The text's parser calls every file <anon>, and shows the place under or behind its words. */
static ward_error text_fail(const load_job *job, wasmtime_error_t *error, ward_diag *ret_diag)
{
    static const char mark[] = "<anon>:";
    wasm_name_t message = WASM_EMPTY_VEC;
    wasmtime_error_message(error, &message);
    wasmtime_error_delete(error);
    const char *place = memmem(message.data, message.size, mark, sizeof mark - 1);
    size_t words = message.size, digits = 0;
    if (place != NULL) {
        words = (size_t)(place - message.data);
        place += sizeof mark - 1;
        size_t left = message.size - (size_t)(place - message.data);
        while (digits < left && strchr("0123456789:", place[digits]) != NULL) digits++;
    }
    const char *line_end = memchr(message.data, '\n', words);
    if (line_end != NULL) words = (size_t)(line_end - message.data);
    if (words >= 4 && memcmp(message.data + words - 4, " at ", 4) == 0) words -= 4;
    ward_error told = wardi_fail(ret_diag, WARD_ERROR_COMPILE, "%s%s%.*s: %.*s", job->what,
                                 digits != 0 ? ":" : "", (int)digits, place,
                                 (int)(words < 700 ? words : 700), message.data);
    wasm_name_delete(&message);
    return told;
}

static ward_error text_to_module(load_job *job, ward_diag *ret_diag)
{
    wasm_byte_vec_t binary = WASM_EMPTY_VEC;
    wasmtime_error_t *error = wasmtime_wat2wasm((const char *)job->bytes, job->length, &binary);
    if (error != NULL) return text_fail(job, error, ret_diag);
    uint8_t *bytes = wardi_memdup(binary.data, binary.size);
    if (bytes != NULL) {
        wardi_free(job->bytes);
        job->bytes = bytes;
        job->length = binary.size;
    }
    wasm_byte_vec_delete(&binary);
    if (bytes == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    return source_tell(job->bytes, job->length, job->what, &job->kind, ret_diag);
}

static void job_key(const load_job *job, uint8_t ret_key[WARDI_SHA256_BYTES])
{
    wardi_sha256 hash;
    uint8_t metered = job->metered;
    wardi_sha256_init(&hash);
    wardi_sha256_update(&hash, job->engine->host, sizeof job->engine->host);
    wardi_sha256_update(&hash, &metered, sizeof metered);
    wardi_sha256_update(&hash, job->bytes, job->length);
    wardi_sha256_done(&hash, ret_key);
}

static bool from_cache(wardi_module *module, const uint8_t key[WARDI_SHA256_BYTES])
{
    size_t length = 0;
    uint8_t *payload = module_cache_read(&module->engine->cache, key, &length);
    if (payload == NULL) return false;
    wasm_engine_t *engine = module->variant->engine;
    wasmtime_error_t *error =
        module->facts.is_component
            ? wasmtime_component_deserialize(engine, payload, length, &module->component)
            : wasmtime_module_deserialize(engine, payload, length, &module->core);
    wardi_free(payload);
    if (error == NULL) return true;
    wasmtime_error_delete(error); /* another build of the engine: compile again */
    return false;
}

static void to_cache(const wardi_module *module, const uint8_t key[WARDI_SHA256_BYTES])
{
    if (module->engine->cache.directory < 0) return;
    wasm_byte_vec_t payload = WASM_EMPTY_VEC;
    wasmtime_error_t *error = module->facts.is_component
                                  ? wasmtime_component_serialize(module->component, &payload)
                                  : wasmtime_module_serialize(module->core, &payload);
    if (error != NULL) {
        wasmtime_error_delete(error);
        return;
    }
    module_cache_write(&module->engine->cache, key, (const uint8_t *)payload.data, payload.size);
    wasm_byte_vec_delete(&payload);
}

static ward_error compile(wardi_module *module, const load_job *job, ward_diag *ret_diag)
{
    uint64_t began_ns = wardi_now_ns();
    wasm_engine_t *engine = module->variant->engine;
    wasmtime_error_t *error =
        module->facts.is_component
            ? wasmtime_component_new(engine, job->bytes, job->length, &module->component)
            : wasmtime_module_new(engine, job->bytes, job->length, &module->core);
    if (error != NULL) return engine_fail(ret_diag, WARD_ERROR_COMPILE, job->what, error);
    module->facts.compile_ns = wardi_now_ns() - began_ns;
    return WARD_OK;
}

static ward_error obtain(wardi_module *module, const load_job *job, ward_diag *ret_diag)
{
    uint8_t key[WARDI_SHA256_BYTES];
    job_key(job, key);
    module->facts.from_cache = from_cache(module, key);
    if (module->facts.from_cache) return WARD_OK;
    ward_error error = compile(module, job, ret_diag);
    if (error == WARD_OK) to_cache(module, key);
    return error;
}

static ward_error prepare(wardi_module *module, const load_job *job, ward_diag *ret_diag)
{
    if (module->facts.is_component) return component_describe(module, ret_diag);
    ward_error error = module_describe(module, job->bytes, job->length, ret_diag);
    if (error != WARD_OK) return error;
    imports_offer(module);
    if (wardi_module_check_imports(module, NULL) != WARD_OK) return WARD_OK; /* told when asked */
    wasmtime_error_t *failed =
        wasmtime_linker_instantiate_pre(module->variant->linker, module->core, &module->prepared);
    return failed == NULL ? WARD_OK
                          : engine_fail(ret_diag, WARD_ERROR_IMPORT_MISSING, job->what, failed);
}

static ward_error job_make(load_job *job, ward_diag *ret_diag)
{
    ward_error error = WARD_OK;
    size_t byte_count = job->length;
    if (job->kind == SOURCE_TEXT) error = text_to_module(job, ret_diag);
    if (error != WARD_OK) return error;
    wardi_module *module = wardi_alloc(sizeof *module);
    if (module == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    atomic_store(&module->holders, 1);
    atomic_fetch_add(&job->engine->modules, 1);
    module->engine = job->engine;
    module->metered = job->metered;
    module->facts.is_component = job->kind == SOURCE_COMPONENT;
    module->facts.byte_count = byte_count;
    error = engine_variant_get(job->engine, job->metered, &module->variant, ret_diag);
    if (error == WARD_OK) error = obtain(module, job, ret_diag);
    if (error == WARD_OK) error = prepare(module, job, ret_diag);
    if (error != WARD_OK) {
        wardi_module_release(module);
        return error;
    }
    job->module = module;
    return WARD_OK;
}

static void job_run(compile_job *base)
{
    load_job *job = (load_job *)base;
    job->error = job_make(job, &job->diag);
}

static void job_drop(compile_job *base)
{
    load_job *job = (load_job *)base;
    wardi_module_release(job->module);
    wardi_free(job->bytes);
    wardi_free(job);
}

/* ---- on the caller's thread ---- */

static ward_error job_read(load_job *job, const wardi_module_source *source, ward_diag *ret_diag)
{
    if (source->path != NULL) {
        snprintf(job->what, sizeof job->what, "%s", source->path);
        ward_error error = source_read(source->path, &job->bytes, &job->length, ret_diag);
        if (error != WARD_OK) return error;
    } else {
        snprintf(job->what, sizeof job->what, "the module of %zu bytes", source->length);
        job->length = source->length;
        job->bytes = wardi_memdup(source->bytes, source->length);
        if (job->bytes == NULL)
            return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %s", job->what);
    }
    return source_tell(job->bytes, job->length, job->what, &job->kind, ret_diag);
}

static ward_error job_result(load_job *job, wardi_module **ret_module, ward_diag *ret_diag)
{
    ward_error error = job->error;
    if (error == WARD_OK) {
        *ret_module = job->module;
        job->module = NULL;
    } else if (ret_diag != NULL) {
        *ret_diag = job->diag;
    }
    job_drop(&job->base);
    return error;
}

ward_error wardi_module_load(wardi_engine *engine, const wardi_module_source *source,
                             uint64_t deadline_ns, wardi_module **ret_module, ward_diag *ret_diag)
{
    load_job *job = wardi_alloc(sizeof *job);
    if (job == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    job->base = (compile_job){.run = job_run, .drop = job_drop};
    job->engine = engine;
    job->metered = source->metered;
    ward_error error = job_read(job, source, ret_diag);
    if (error != WARD_OK) {
        job_drop(&job->base);
        return error;
    }
    char what[sizeof job->what];
    memcpy(what, job->what, sizeof what); /* past its deadline the job is no longer ours */
    error = compile_pool_run(&engine->compiler, &job->base, deadline_ns, ret_diag);
    if (error == WARD_OK) return job_result(job, ret_module, ret_diag);
    if (error != WARD_ERROR_DEADLINE) return error;
    return wardi_fail(ret_diag, error,
                      "%s was not compiled in time: allow more time (start_timeout); while this "
                      "process lives, the compilation goes on for the cache",
                      what);
}
