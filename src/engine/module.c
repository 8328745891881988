/* Modules: read, compiled or taken from the cache, described, counted, and found again. */
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
    source_stamp stamp;   /* of the file that the bytes are from */
    wardi_module *module; /* a reference of the job's own */
    ward_error error;
    ward_diag diag; /* words to put behind the source's name */
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
    alive_remove(module);
    if (module->prepared != NULL) wasmtime_instance_pre_delete(module->prepared);
    if (module->core != NULL) wasmtime_module_delete(module->core);
    if (module->component != NULL) wasmtime_component_delete(module->component);
    module_undescribe(module);
    wardi_free(module);
}

/* ---- on the compile thread ---- */

static bool image_load(wardi_module *module, const module_image *image)
{
    wasm_engine_t *engine = module->variant->engine;
    module->facts.is_component = image->kind == SOURCE_COMPONENT;
    wasmtime_error_t *error =
        module->facts.is_component
            ? wasmtime_component_deserialize(engine, image->code, image->code_length,
                                             &module->component)
            : wasmtime_module_deserialize(engine, image->code, image->code_length, &module->core);
    if (error == NULL) return true;
    wasmtime_error_delete(error);
    return false;
}

/* False: there is none, or one of another build of the engine, which is compiled again. */
static bool from_cache(wardi_module *module, module_image *ret_image)
{
    module_image image = {0};
    image.bytes = module_cache_read(&module->engine->cache, module->key, &image.length);
    if (image.bytes == NULL) return false;
    if (module_image_open(&image) && image_load(module, &image)) {
        *ret_image = image;
        return true;
    }
    module_image_drop(&image);
    return false;
}

static ward_error compile(wardi_module *module, load_job *job, module_image *ret_image,
                          ward_diag *ret_diag)
{
    wardi_engine *engine = module->engine;
    uint64_t began_ns = wardi_now_ns();
    compile_input input = {.kind = job->kind,
                           .bytes = job->bytes,
                           .length = job->length,
                           .profile = engine->pool.profile,
                           .metered = job->metered};
    ward_error error = engine->compiler.program != NULL
                           ? compiler_compile(&input, &engine->compiler, &engine->compile,
                                              &job->base, ret_image, ret_diag)
                           : module_image_compile(module->variant->engine, job->kind, job->bytes,
                                                  job->length, ret_image, ret_diag);
    module->facts.compile_ns = wardi_now_ns() - began_ns;
    return error;
}

static ward_error obtain(wardi_module *module, load_job *job, module_image *ret_image,
                         ward_diag *ret_diag)
{
    module->facts.from_cache = from_cache(module, ret_image);
    if (module->facts.from_cache) return WARD_OK;
    module_image image;
    ward_error error = compile(module, job, &image, ret_diag);
    if (error != WARD_OK) return error;
    if (!image_load(module, &image)) {
        module_image_drop(&image);
        return wardi_fail(ret_diag, WARD_ERROR_INTERNAL,
                          ": what the compiler made of it is not for this engine");
    }
    module_cache_write(&module->engine->cache, module->key, image.bytes, image.length);
    *ret_image = image;
    return WARD_OK;
}

static ward_error prepare(wardi_module *module, const load_job *job, const module_image *image,
                          ward_diag *ret_diag)
{
    if (module->facts.is_component) return component_describe(module, ret_diag);
    bool text = job->kind == SOURCE_TEXT;
    ward_error error = module_describe(module, text ? image->binary : job->bytes,
                                       text ? image->binary_length : job->length, ret_diag);
    if (error != WARD_OK) return error;
    imports_offer(module);
    if (wardi_module_check_imports(module, NULL) != WARD_OK) return WARD_OK; /* told when asked */
    wasmtime_error_t *failed =
        wasmtime_linker_instantiate_pre(module->variant->linker, module->core, &module->prepared);
    return failed == NULL ? WARD_OK : engine_fail(ret_diag, WARD_ERROR_IMPORT_MISSING, "", failed);
}

static ward_error module_make(load_job *job, wardi_module **ret_module, ward_diag *ret_diag)
{
    wardi_module *module = wardi_alloc(sizeof *module);
    if (module == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, ": no memory");
    atomic_store(&module->holders, 1);
    module->engine = job->engine;
    module->metered = job->metered;
    module->facts.byte_count = job->length;
    memcpy(module->key, job->base.key, sizeof module->key);
    module_image image = {0};
    ward_error error = engine_variant_get(job->engine, job->metered, &module->variant, ret_diag);
    if (error == WARD_OK) error = obtain(module, job, &image, ret_diag);
    if (error == WARD_OK) error = prepare(module, job, &image, ret_diag);
    module_image_drop(&image);
    alive_add(module);
    if (error != WARD_OK) {
        wardi_module_release(module);
        return error;
    }
    *ret_module = module;
    return WARD_OK;
}

static void job_run(compile_job *base)
{
    load_job *job = (load_job *)base;
    job->module = alive_find(job->engine, base->key); /* since the caller has looked */
    if (job->module == NULL) job->error = module_make(job, &job->module, &job->diag);
}

static void job_drop(compile_job *base)
{
    load_job *job = (load_job *)base;
    wardi_module_release(job->module);
    wardi_free(job->bytes);
    wardi_free(job);
}

/* ---- on the caller's thread ---- */

static void source_name(const wardi_module_source *source, char *name, size_t capacity)
{
    if (source->path != NULL)
        snprintf(name, capacity, "%s", source->path);
    else
        snprintf(name, capacity, "the module of %zu bytes", source->length);
}

static void job_key(load_job *job)
{
    wardi_sha256 hash;
    uint8_t metered = job->metered;
    wardi_sha256_init(&hash);
    wardi_sha256_update(&hash, job->engine->host, sizeof job->engine->host);
    wardi_sha256_update(&hash, &metered, sizeof metered);
    wardi_sha256_update(&hash, job->bytes, job->length);
    wardi_sha256_done(&hash, job->base.key);
}

static ward_error job_read(load_job *job, const wardi_module_source *source, const char *name,
                           ward_diag *ret_diag)
{
    if (source->path != NULL) {
        ward_error error =
            source_read(source->path, &job->bytes, &job->length, &job->stamp, ret_diag);
        if (error != WARD_OK) return error;
    } else {
        job->length = source->length;
        job->bytes = wardi_memdup(source->bytes, source->length);
        if (job->bytes == NULL)
            return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %s", name);
    }
    ward_error error = source_tell(job->bytes, job->length, name, &job->kind, ret_diag);
    if (error == WARD_OK) job_key(job);
    return error;
}

static ward_error job_wait(load_job *job, const char *name, uint64_t *deadline_ns,
                           wardi_module **ret_module, ward_diag *ret_diag)
{
    compile_job *base = &job->base;
    compile_pool *pool = &job->engine->compile;
    ward_error error = compile_pool_run(pool, &base, deadline_ns, ret_diag);
    if (error == WARD_ERROR_DEADLINE)
        return wardi_fail(ret_diag, error,
                          "%s was not compiled in time: allow more time (start_timeout); while "
                          "this process lives, the compilation goes on for the cache",
                          name);
    if (error != WARD_OK) return error;
    const load_job *done = (const load_job *)base;
    error = done->error;
    if (error == WARD_OK) {
        wardi_module_retain(done->module);
        *ret_module = done->module;
    } else {
        wardi_fail(ret_diag, error, "%s%s%s", name, done->diag.text[0] == ':' ? "" : ": ",
                   done->diag.text);
    }
    compile_pool_leave(pool, base);
    return error;
}

static ward_error load_anew(wardi_engine *engine, const wardi_module_source *source,
                            uint64_t *deadline_ns, wardi_module **ret_module, ward_diag *ret_diag)
{
    char name[300];
    source_name(source, name, sizeof name);
    load_job *job = wardi_alloc(sizeof *job);
    if (job == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    job->base = (compile_job){.run = job_run, .drop = job_drop};
    job->engine = engine;
    job->metered = source->metered;
    ward_error error = job_read(job, source, name, ret_diag);
    source_stamp stamp = job->stamp;
    wardi_module *module = error == WARD_OK ? alive_find(engine, job->base.key) : NULL;
    if (module == NULL && error == WARD_OK) {
        error = job_wait(job, name, deadline_ns, &module, ret_diag);
    } else {
        job_drop(&job->base);
    }
    if (error != WARD_OK) return error;
    alive_stamp(module, &stamp);
    *ret_module = module;
    return WARD_OK;
}

/* A fleet starts thousands of times from one file, which is read and hashed once. */
ward_error wardi_module_load(wardi_engine *engine, const wardi_module_source *source,
                             uint64_t *deadline_ns, wardi_module **ret_module, ward_diag *ret_diag)
{
    source_stamp stamp;
    wardi_module *alive = NULL;
    if (source->path != NULL && source_stamp_of(source->path, &stamp))
        alive = alive_find_file(engine, &stamp, source->metered);
    if (alive == NULL) return load_anew(engine, source, deadline_ns, ret_module, ret_diag);
    *ret_module = alive;
    return WARD_OK;
}
