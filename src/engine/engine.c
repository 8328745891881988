/* The engine: settings, the plain and the metered Wasmtime engine, and what they share. */
#include "engine_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENGINE_VERSION "wasmtime " WASMTIME_VERSION
/* Changes when settings change that the engine's own check of compiled code does not cover, or what
 * is refused before compiling. */
#define SETTINGS_FORMAT 4u

const char *wardi_engine_version(void)
{
    return ENGINE_VERSION;
}

uint32_t wardi_engine_compiling(const wardi_engine *engine)
{
    return atomic_load(&engine->compile.job_count);
}

uint64_t wardi_engine_memory_bytes_max(const wardi_engine *engine)
{
    return engine->pool.slot_bytes;
}

/* ---- words of the engine ---- */

static bool starts_with(const char *text, size_t length, const char *prefix)
{
    size_t wanted = strlen(prefix);
    return length >= wanted && memcmp(text, prefix, wanted) == 0;
}

/* "    0: cause" → "cause" */
static void cause_trim(const char **line, size_t *length)
{
    while (*length != 0 && **line == ' ') (*line)++, (*length)--;
    size_t digits = 0;
    while (digits < *length && (*line)[digits] >= '0' && (*line)[digits] <= '9') digits++;
    if (digits == 0 || digits + 2 > *length || (*line)[digits] != ':') return;
    *line += digits + 2;
    *length -= digits + 2;
}

/* The engine speaks in paragraphs: what it was doing, a backtrace perhaps, then the causes. The
 * causes are what people need; without any, the first line. */
static void words_pick(const char *at, size_t left, wardi_text *text)
{
    if (left == 0) return; /* of a cancelled call there is no message, not even an empty one */
    bool causes = memmem(at, left, "Caused by:", 10) != NULL, within = !causes;
    while (left != 0) {
        const char *end = memchr(at, '\n', left);
        size_t length = end != NULL ? (size_t)(end - at) : left;
        const char *line = at;
        size_t step = end != NULL ? length + 1 : length;
        if (within) {
            cause_trim(&line, &length);
            if (length != 0 && text->length != 0) wardi_text_puts(text, ": ");
            wardi_text_add(text, line, length);
            if (!causes && length != 0) return;
        } else if (starts_with(line, length, "Caused by:")) {
            within = true;
        }
        at += step;
        left -= step;
    }
}

void engine_words(const wasm_name_t *message, char *buffer, size_t capacity)
{
    wardi_text text = wardi_text_on(buffer, capacity);
    size_t length = message->size;
    while (length != 0 && message->data[length - 1] == '\0') length--;
    words_pick(message->data, length, &text);
}

void engine_error_words(const wasmtime_error_t *error, char *buffer, size_t capacity)
{
    wasm_name_t message = WASM_EMPTY_VEC;
    wasmtime_error_message(error, &message);
    engine_words(&message, buffer, capacity);
    wasm_name_delete(&message);
}

ward_error engine_fail(ward_diag *ret_diag, ward_error error, const char *doing,
                       wasmtime_error_t *reason)
{
    char words[700];
    engine_error_words(reason, words, sizeof words);
    wasmtime_error_delete(reason);
    return wardi_fail(ret_diag, error, "%s: %s", doing, words);
}

/* ---- variants ---- */

/* A guest that cannot wait recurses on its caller's stack, and must meet its own end before that of
 * the stack: main's, and that of most threads, is as long as the process may have it. */
static size_t guest_stack_bytes(void)
{
    struct rlimit limit;
    size_t usual = 512u << 10, fits = usual;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        fits = (size_t)limit.rlim_cur / 2;
    return fits < usual ? fits : usual;
}

wasm_config_t *engine_config_new(memory_pool *pool, bool metered, bool parallel)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_consume_fuel_set(config, metered);
    wasmtime_config_max_wasm_stack_set(config, guest_stack_bytes());
    wasmtime_config_parallel_compilation_set(config, parallel);
    /* What nothing here uses is not offered to guests: its memory would be counted by nobody, its
     * waiting bounded by nobody. Ward's own build of the engine has no garbage collection either.
     */
    wasmtime_config_concurrency_support_set(config, false);
#ifdef WASMTIME_FEATURE_GC
    wasmtime_config_gc_support_set(config, false);
#endif
#ifdef WASMTIME_FEATURE_THREADS
    wasmtime_config_wasm_threads_set(config, false);
#endif
    memory_pool_configure(pool, config);
    return config;
}

static ward_error variant_make(wardi_engine *engine, bool metered, ward_diag *ret_diag)
{
    engine_variant *variant = &engine->rooms[metered];
    if (variant->engine == NULL)
        variant->engine = wasm_engine_new_with_config(
            engine_config_new(&engine->pool, metered, engine->parallel));
    if (variant->linker == NULL) variant->linker = wasmtime_linker_new(variant->engine);
    ward_error error = wasi_define(variant->linker, ret_diag);
    if (error == WARD_OK) error = offers_define(engine, variant->linker, ret_diag);
    if (error != WARD_OK) return error;
    atomic_store_explicit(&engine->clock.engines[metered], variant->engine, memory_order_release);
    atomic_store_explicit(&engine->variants[metered], variant, memory_order_release);
    return WARD_OK;
}

ward_error engine_variant_get(wardi_engine *engine, bool metered, engine_variant **ret_variant,
                              ward_diag *ret_diag)
{
    engine_variant *variant =
        atomic_load_explicit(&engine->variants[metered], memory_order_acquire);
    if (variant == NULL) {
        pthread_mutex_lock(&engine->lock);
        ward_error error = WARD_OK;
        if (atomic_load_explicit(&engine->variants[metered], memory_order_relaxed) == NULL)
            error = variant_make(engine, metered, ret_diag);
        pthread_mutex_unlock(&engine->lock);
        if (error != WARD_OK) return error;
        variant = &engine->rooms[metered];
    }
    *ret_variant = variant;
    return WARD_OK;
}

static void variant_done(engine_variant *variant)
{
    if (variant->component_linker != NULL)
        wasmtime_component_linker_delete(variant->component_linker);
    if (variant->linker != NULL) wasmtime_linker_delete(variant->linker);
    if (variant->engine != NULL) wasm_engine_delete(variant->engine);
}

/* ---- the whole ---- */

/* Code is compiled for the very processor: a cache on a shared disk must not mix them up. */
static void hash_processor(wardi_sha256 *hash)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL) return;
    char line[8192];
    while (fgets(line, sizeof line, file) != NULL) {
        bool flags =
            starts_with(line, strlen(line), "flags") || starts_with(line, strlen(line), "Features");
        if (!flags) continue;
        wardi_sha256_update(hash, line, strlen(line));
        break;
    }
    fclose(file);
}

static void hash_host(wardi_engine *engine)
{
    wardi_sha256 hash;
    wardi_sha256_init(&hash);
    uint32_t words[] = {SETTINGS_FORMAT, (uint32_t)engine->pool.profile, (uint32_t)sizeof(void *)};
    wardi_sha256_update(&hash, ENGINE_VERSION, sizeof ENGINE_VERSION);
    wardi_sha256_update(&hash, words, sizeof words);
    hash_processor(&hash);
    wardi_sha256_done(&hash, engine->host);
}

static ward_error compiler_choose(wardi_engine *engine, const wardi_engine_options *options,
                                  ward_diag *ret_diag)
{
    const char *program = options->compiler != NULL ? options->compiler : "";
    engine->compiler = (compiler_options){.memory_bytes_max = options->compile_memory_max,
                                          .timeout_ns = options->compile_timeout_ns};
    compiler_options_resolve(&engine->compiler);
    if (program[0] == '\0') {
        uint32_t threads = engine->compile.thread_max;
        engine->parallel = compile_threads_fit(compile_threads_wanted(threads));
        return WARD_OK;
    }
    if (access(program, X_OK) != 0)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND,
                          "the compiler %s cannot be started: %s; name the ward command "
                          "(compiler_path), or \"\" to compile in this process, where a module "
                          "can take all memory",
                          program, strerror(errno));
    engine->compiler.program = wardi_strdup(program);
    if (engine->compiler.program != NULL) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
}

static ward_error engine_start(wardi_engine *engine, const wardi_engine_options *options,
                               ward_diag *ret_diag)
{
    engine_variant *variant;
    engine->imports = options->imports;
    engine->import_count = options->import_count;
    ward_error error = module_cache_open(&engine->cache, options->cache_directory, ret_diag);
    if (error == WARD_OK) error = memory_pool_init(&engine->pool, options, ret_diag);
    if (error == WARD_OK)
        error = compile_pool_init(&engine->compile, options->compile_threads, ret_diag);
    if (error == WARD_OK) error = engine_clock_start(&engine->clock, ret_diag);
    if (error == WARD_OK) error = compiler_choose(engine, options, ret_diag);
    if (error == WARD_OK) error = engine_variant_get(engine, false, &variant, ret_diag);
    if (error == WARD_OK) hash_host(engine);
    return error;
}

ward_error wardi_engine_new(const wardi_engine_options *options, wardi_engine **ret_engine,
                            ward_diag *ret_diag)
{
    static const wardi_engine_options defaults;
    wardi_engine *engine = wardi_alloc(sizeof *engine);
    if (engine == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    engine->cache.directory = -1;
    pthread_mutex_init(&engine->lock, NULL);
    pthread_mutex_init(&engine->modules_lock, NULL);
    wardi_ticks_init(); /* deadlines are measured in them */
    ward_error error = engine_start(engine, options != NULL ? options : &defaults, ret_diag);
    if (error != WARD_OK) {
        wardi_engine_free(engine);
        return error;
    }
    *ret_engine = engine;
    return WARD_OK;
}

void wardi_engine_free(wardi_engine *engine)
{
    if (engine == NULL) return;
    compile_pool_done(&engine->compile);
    for (size_t i = 0; i < WARD_COUNT(engine->modules); i++)
        WARD_ASSERT(engine->modules[i] == NULL);
    engine_clock_stop(&engine->clock);
    variant_done(&engine->rooms[0]);
    variant_done(&engine->rooms[1]);
    memory_pool_done(&engine->pool);
    module_cache_close(&engine->cache);
    wardi_free(engine->compiler.program);
    pthread_mutex_destroy(&engine->modules_lock);
    pthread_mutex_destroy(&engine->lock);
    wardi_free(engine);
}
