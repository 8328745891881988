/* Many components under one supervisor: what they cost, and what it costs to ask them. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fleet.h"

enum { FEW = 10000, MANY = 100000, MILLION = 1000000, ROUNDS = 7, IDLE_SECONDS = 5 };
#define NEVER_NS (UINT64_C(3600) * WARDI_S)
static const char steady[] = "steady.wat";

static uint64_t cpu_ns(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * WARDI_S + (uint64_t)spent.tv_nsec;
}

/* ---- one asked ---- */

typedef struct asked {
    ward_supervisor *supervisor;
    ward_child_id id;
    ward_report report;
} asked;

BENCH_INLINE void ask_op(void *context)
{
    asked *a = context;
    if (ward_supervisor_health(a->supervisor, a->id, 0, &a->report) != WARD_OK) abort();
    BENCH_KEEP(&a->report);
}

void bench_message_check(const bench *b)
{
    fleet f;
    fleet_open(b, &(fleet_options){.guest = steady, .count = 1, .interval_ns = NEVER_NS}, &f);
    asked a = {.supervisor = f.supervisor, .id = fleet_find(&f, "component-0")};
    bench_report("message_check", b->samples, ask_op, &a);
    fleet_close(&f);
}

/* ---- all asked ---- */

static double sweep_ms(const fleet *f)
{
    ward_sweep_result result = WARD_INIT(ward_sweep_result);
    ward_diag diag = {.text = "not all were healthy"};
    uint64_t start = wardi_now_ns();
    ward_error error = ward_supervisor_sweep(f->supervisor, NULL, &result);
    double ms = (double)(wardi_now_ns() - start) / (double)WARDI_MS;
    if (error == WARD_OK && result.by_health[WARD_HEALTH_HEALTHY] != f->count)
        error = WARD_ERROR_INTERNAL;
    bench_must(error, &diag, "sweep");
    return ms;
}

static void print_sweeps(const char *name, const fleet *f)
{
    double ms[ROUNDS];
    sweep_ms(f); /* warms up */
    for (int k = 0; k < ROUNDS; k++) ms[k] = sweep_ms(f);
    bench_print_values(name, "ms", ms, ROUNDS);
}

void bench_sweep_100k(const bench *b)
{
    fleet f;
    fleet_open(b, &(fleet_options){.guest = steady, .count = MANY, .interval_ns = NEVER_NS}, &f);
    print_sweeps("sweep_100k", &f);
    fleet_close(&f);
}

/* ---- started ---- */

/* From the first that is added until the last is ready: wall time a component, on all cores. */
static double start_ns(const fleet *f)
{
    return (double)(f->add_ns + f->start_ns) / (double)f->count;
}

void bench_start_fleet(const bench *b)
{
    double ns[ROUNDS];
    for (int k = 0; k < ROUNDS; k++) {
        fleet f;
        fleet_open(b, &(fleet_options){.guest = steady, .count = FEW, .interval_ns = NEVER_NS}, &f);
        ns[k] = start_ns(&f);
        fleet_close(&f);
    }
    bench_print_values("start", "ns", ns, ROUNDS);
}

/* ---- a million ---- */

static double idle_share(void)
{
    uint64_t spent = cpu_ns(), start = wardi_now_ns();
    wardi_sleep_until_ns(start + IDLE_SECONDS * WARDI_S);
    return (double)(cpu_ns() - spent) / (double)(wardi_now_ns() - start);
}

static void print_one(const char *name, const char *unit, double value)
{
    bench_print_values(name, unit, &value, 1);
}

/* Each is checked every second meanwhile, but for the sweeps' own time. */
void bench_million(const bench *b)
{
    fleet f;
    fleet_open(b, &(fleet_options){.guest = steady, .count = MILLION, .interval_ns = WARDI_S}, &f);
    print_one("million_start", "s", start_ns(&f) * MILLION / (double)WARDI_S);
    print_one("million_bytes_each", "B", (double)f.bytes / MILLION);
    wardi_sleep_until_ns(wardi_now_ns() + 3 * WARDI_S); /* until all have had their turn */
    print_one("million_idle_core_share", "%", 100 * idle_share());
    print_sweeps("million_sweep", &f);
    fleet_close(&f);
}

/* ---- the same at every size, for the plots ---- */

static void print_size(size_t count, const char *what, const char *unit, double value)
{
    char name[64];
    snprintf(name, sizeof name, "%s_at_%zu", what, count);
    print_one(name, unit, value);
}

/* Asks in an order that no cache can guess. */
static double ask_ns(const fleet *f, size_t count)
{
    enum { ASKED = 20000 };
    asked a = {.supervisor = f->supervisor};
    ward_child_id *ids = wardi_alloc_array(count, sizeof *ids);
    if (ids == NULL) abort();
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "component-%zu", i);
        ids[i] = fleet_find(f, name);
    }
    wardi_rng rng;
    wardi_rng_init(&rng, 1);
    uint64_t start = wardi_now_ns();
    for (int i = 0; i < ASKED; i++) {
        a.id = ids[wardi_rng_next(&rng) % count];
        ask_op(&a);
    }
    double ns = (double)(wardi_now_ns() - start) / ASKED;
    wardi_free(ids);
    return ns;
}

static void measure_size(const bench *b, size_t count)
{
    fleet f;
    double ms = INFINITY;
    fleet_open(b, &(fleet_options){.guest = steady, .count = count, .interval_ns = NEVER_NS}, &f);
    print_size(count, "bytes_each", "B", (double)f.bytes / (double)count);
    print_size(count, "check", "ns", ask_ns(&f, count));
    for (int k = 0; k < ROUNDS; k++) ms = fmin(ms, sweep_ms(&f));
    print_size(count, "sweep_each", "ns", ms * (double)WARDI_MS / (double)count);
    fleet_close(&f);
}

void bench_sizes(const bench *b)
{
    for (size_t count = 10; count <= MANY; count *= 10) measure_size(b, count);
}

void bench_size_million(const bench *b)
{
    measure_size(b, MILLION);
}
