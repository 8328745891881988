/* Starts, restarts, and what they and checks leave behind. */
#include "bench.h"

#include "count.h"
#include "engine/engine.h"

/* ---- memory ---- */

static void print_exact(const char *name, const char *unit, double value, size_t samples)
{
    bench_figures figures = {value, value, value, value, value, samples};
    bench_print(name, unit, &figures);
}

void bench_allocations_per_check(const bench *b)
{
    bench_check c = {.component = bench_made(b, "borsh.wat", NULL)};
    bench_start(c.component);
    bench_check_op(&c);
    bench_count_begin();
    for (size_t i = 0; i < b->samples; i++) bench_check_op(&c);
    uint64_t allocations = bench_count_end().allocations;
    print_exact("allocations_per_check", "1", (double)allocations / (double)b->samples, b->samples);
    ward_component_free(c.component);
}

static void checks_and_restarts(bench_check *c, size_t rounds)
{
    enum { CHECKS_A_ROUND = 1000 };
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < CHECKS_A_ROUND; i++) bench_check_op(c);
        bench_stop(c->component);
        bench_start(c->component);
    }
}

/* 10 checks a sample, and a restart every 1,000 checks: 10 million and 10,000 of a full run. */
void bench_leak_bytes(const bench *b)
{
    bench_check c = {.component = bench_made(b, "borsh.wat", NULL)};
    bench_start(c.component);
    checks_and_restarts(&c, 100);
    int64_t resident = bench_resident_bytes();
    bench_count_begin();
    checks_and_restarts(&c, b->samples / 100);
    print_exact("leak_bytes", "B", (double)bench_count_end().bytes, b->samples * 10);
    print_exact("leak_resident_bytes", "B", (double)(bench_resident_bytes() - resident),
                b->samples * 10);
    ward_component_free(c.component);
}

/* ---- start ---- */

/* Each start is the first in its memory, while all before it stay: the kernel's share is in it. */
enum { ALIVE = 500 };

static void print_starts(const char *name, bench_samples *samples)
{
    bench_samples_sort(samples);
    bench_figures figures = {
        .p50 = bench_samples_ns(samples, 0.5),
        .p99 = bench_samples_ns(samples, 0.99),
        .p999 = bench_samples_ns(samples, 0.999),
        .mean = bench_samples_mean_ns(samples),
        .single_p50 = bench_samples_ns(samples, 0.5),
        .samples = samples->count,
    };
    bench_print(name, "ns", &figures);
    bench_samples_free(samples);
}

void bench_start_warm(const bench *b)
{
    ward_component *components[ALIVE];
    ward_diag diag;
    for (size_t i = 0; i < ALIVE; i++) {
        components[i] = bench_made(b, "borsh.wat", NULL);
        bench_must(ward_component_load(components[i], &diag), &diag, "load");
    }
    bench_samples samples = bench_samples_new(ALIVE, 1);
    for (size_t i = 0; i < ALIVE; i++) {
        uint64_t begin = bench_ticks_begin();
        bench_start(components[i]);
        samples.ticks[i] = bench_ticks_end() - begin;
    }
    print_starts("start_warm", &samples);
    for (size_t i = 0; i < ALIVE; i++) ward_component_free(components[i]);
}

static wardi_instance *instantiated(wardi_module *module)
{
    wardi_instance_options options = {
        .limits = {.memory_bytes_max = 256 << 20, .table_elements_max = 100000}, .name = "bench"};
    wardi_instance *instance = NULL;
    ward_diag diag;
    bench_must(wardi_instance_new(module, &options, UINT64_MAX, &instance, NULL, &diag), &diag,
               "instantiate");
    return instance;
}

/* The engine's part of a start, all of one module. */
void bench_instantiate(const bench *b)
{
    wardi_engine *engine = NULL;
    wardi_module *module = NULL;
    wardi_instance *instances[ALIVE];
    wardi_module_source source = {.path = bench_path(b, "borsh.wat")};
    ward_diag diag;
    bench_must(wardi_engine_new(&(wardi_engine_options){0}, &engine, &diag), &diag, "engine");
    bench_must(wardi_module_load(engine, &source, NULL, &module, &diag), &diag, "load");
    bench_samples samples = bench_samples_new(ALIVE, 1);
    for (size_t i = 0; i < ALIVE; i++) {
        uint64_t begin = bench_ticks_begin();
        instances[i] = instantiated(module);
        samples.ticks[i] = bench_ticks_end() - begin;
    }
    print_starts("instantiate", &samples);
    for (size_t i = 0; i < ALIVE; i++) wardi_instance_free(instances[i]);
    wardi_module_release(module);
    wardi_engine_free(engine);
}

BENCH_INLINE void restart_op(void *context)
{
    bench_stop(context);
    bench_start(context);
}

/* Stop and start of one component: what a supervisor's restart costs. */
void bench_restart_warm(const bench *b)
{
    ward_component *component = bench_made(b, "borsh.wat", NULL);
    bench_start(component);
    bench_report("restart_warm", b->samples / 100, restart_op, component);
    ward_component_free(component);
}
