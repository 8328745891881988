/* Ward's own figures, one JSON object a line, under the names of build/bench.json. bench/run drives
 * it. Usage: ward_bench GUESTS-DIRECTORY SAMPLES [NAME…] */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <ward/ward.h>

#include "codec/codec.h"
#include "count.h"
#include "measure.h"

typedef struct bench {
    const char *guests;
    size_t samples;
    ward_host *host;
} bench;

/** Every reason in the guests is this one. */
static const char REASON[] = "High latency";

static void must(ward_error error, const ward_diag *diag, const char *what)
{
    if (error == WARD_OK) return;
    fprintf(stderr, "bench: %s: %s\n", what, diag->text);
    exit(1);
}

static ward_component *made(const bench *b, const char *guest, const ward_health_policy *policy)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", b->guests, guest);
    ward_component_options options = WARD_INIT(ward_component_options);
    options.name = "bench";
    options.path = path;
    if (policy) options.health = *policy;
    ward_component *component = NULL;
    ward_diag diag;
    must(ward_component_new(b->host, &options, &component, &diag), &diag, guest);
    return component;
}

static void started(ward_component *component)
{
    ward_diag diag;
    must(ward_component_start(component, &diag), &diag, ward_component_name(component));
}

static void stopped(ward_component *component)
{
    ward_diag diag;
    must(ward_component_stop(component, &diag), &diag, ward_component_name(component));
}

/* ---- checks ---- */

typedef struct check {
    ward_component *component;
    ward_verdict verdict;
} check;

BENCH_INLINE void check_op(void *context)
{
    check *c = context;
    ward_component_check(c->component, &c->verdict);
    BENCH_KEEP(&c->verdict);
}

/* A figure is worth nothing if what was measured is not what was meant. */
static void expect(const check *c, ward_child_health health, const char *reason)
{
    if (c->verdict.health == health && strcmp(c->verdict.reason.text, reason) == 0) return;
    fprintf(stderr, "bench: %s (%s) is not the verdict that is measured\n",
            ward_child_health_name(c->verdict.health), c->verdict.reason.text);
    exit(1);
}

static void check_figures(const bench *b, const char *name, const char *guest,
                          const ward_health_policy *policy, ward_child_health health)
{
    check c = {.component = made(b, guest, policy)};
    started(c.component);
    ward_component_check(c.component, &c.verdict);
    expect(&c, health, health == WARD_CHILD_HEALTHY ? "" : REASON);
    bench_report(name, b->samples, check_op, &c);
    expect(&c, health, health == WARD_CHILD_HEALTHY ? "" : REASON);
    ward_component_free(c.component);
}

static void check_state(const bench *b)
{
    check_figures(b, "check_state", "state.wat", NULL, WARD_CHILD_HEALTHY);
}

static void check_health_borsh(const bench *b)
{
    check_figures(b, "check_health_borsh", "borsh.wat", NULL, WARD_CHILD_DEGRADED);
}

static void check_health_json(const bench *b)
{
    check_figures(b, "check_health_json", "json.wat", NULL, WARD_CHILD_DEGRADED);
}

static void check_health_cbor(const bench *b)
{
    check_figures(b, "check_health_cbor", "cbor.wat", NULL, WARD_CHILD_DEGRADED);
}

/* The same with a threshold on every resource, none of them reached. */
static void check_health_resources(const bench *b)
{
    ward_health_policy policy = {0};
    for (int i = 0; i < WARD_RESOURCE_COUNT; i++) policy.resources[i].degraded_at = 0.99;
    policy.resources[WARD_RESOURCE_FUEL].degraded_at = 0;
    check_figures(b, "check_health_resources", "borsh.wat", &policy, WARD_CHILD_DEGRADED);
}

/* ---- codec ---- */

typedef struct prefix {
    uint8_t frame[4];
    ward_codec codec;
    size_t length;
    uint64_t code;
} prefix;

BENCH_INLINE void prefix_op(void *context)
{
    prefix *p = context;
    BENCH_KEEP(p->frame);
    ward_error error =
        wardi_prefix_decode(p->frame, sizeof p->frame, &p->codec, &p->length, &p->code);
    BENCH_KEEP(&error);
}

static void codec_prefix(const bench *b)
{
    prefix p = {.frame = {0x81, 0x0e, 0x00, 0x00}};
    bench_report("codec_prefix", b->samples, prefix_op, &p);
}

typedef struct decode {
    uint8_t window[256]; /* what the default policy lets a check see */
    ward_report report;
} decode;

BENCH_INLINE void decode_op(void *context)
{
    decode *d = context;
    BENCH_KEEP(d->window);
    ward_error error = wardi_frame_decode(d->window, sizeof d->window, &d->report, NULL);
    BENCH_KEEP(&error);
}

static void decode_figures(const bench *b, const char *name, ward_codec codec)
{
    decode d = {0};
    size_t length;
    ward_diag diag = {.text = "the frame could not be made"};
    must(ward_frame_encode(codec, WARD_HEALTH_DEGRADED, REASON, sizeof REASON - 1, d.window,
                           sizeof d.window, &length),
         &diag, name);
    bench_report(name, b->samples, decode_op, &d);
    if (strcmp(d.report.reason.text, REASON) != 0) exit(1);
}

static void decode_borsh(const bench *b)
{
    decode_figures(b, "decode_borsh", WARD_CODEC_BORSH);
}

static void decode_json(const bench *b)
{
    decode_figures(b, "decode_json", WARD_CODEC_JSON);
}

static void decode_cbor(const bench *b)
{
    decode_figures(b, "decode_cbor", WARD_CODEC_CBOR);
}

/* ---- deadlines ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

enum { HUNG_MIN = 20, HUNG_MAX = 200 };

static void deadline_overshoot(const bench *b)
{
    ward_health_policy policy = {.timeout_ns = 20 * WARDI_MS};
    check c = {.component = made(b, "hang.wat", &policy)};
    started(c.component);
    size_t count = b->samples / 1000;
    count = count < HUNG_MIN ? HUNG_MIN : count > HUNG_MAX ? HUNG_MAX : count;
    double late_ms[HUNG_MAX];
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t start = wardi_now_ns();
        ward_component_check(c.component, &c.verdict);
        uint64_t span = wardi_now_ns() - start;
        expect(&c, WARD_CHILD_DEGRADED, "Health check timeout (>20ms)");
        late_ms[i] = ((double)span - (double)policy.timeout_ns) / (double)WARDI_MS;
        sum += late_ms[i];
    }
    qsort(late_ms, count, sizeof *late_ms, compare_doubles);
    bench_figures figures = {
        .p50 = late_ms[count / 2],
        .p99 = late_ms[count * 99 / 100],
        .p999 = late_ms[count * 999 / 1000],
        .mean = sum / (double)count,
        .single_p50 = late_ms[count / 2],
        .samples = count,
    };
    bench_print("deadline_overshoot", "ms", &figures);
    ward_component_free(c.component);
}

/* ---- memory ---- */

static void print_exact(const char *name, const char *unit, double value, size_t samples)
{
    bench_figures figures = {value, value, value, value, value, samples};
    bench_print(name, unit, &figures);
}

static void allocations_per_check(const bench *b)
{
    check c = {.component = made(b, "borsh.wat", NULL)};
    started(c.component);
    check_op(&c);
    uint64_t before = bench_count_now().allocations;
    for (size_t i = 0; i < b->samples; i++) check_op(&c);
    uint64_t after = bench_count_now().allocations;
    print_exact("allocations_per_check", "1", (double)(after - before) / (double)b->samples,
                b->samples);
    ward_component_free(c.component);
}

static void checks_and_restarts(check *c, size_t rounds)
{
    enum { CHECKS_A_ROUND = 1000 };
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < CHECKS_A_ROUND; i++) check_op(c);
        stopped(c->component);
        started(c->component);
    }
}

/* 10 checks a sample, and a restart every 1,000 checks: 10 million and 10,000 of a full run. */
static void leak_bytes(const bench *b)
{
    check c = {.component = made(b, "borsh.wat", NULL)};
    started(c.component);
    checks_and_restarts(&c, 100);
    int64_t bytes = bench_count_now().bytes;
    int64_t resident = bench_resident_bytes();
    checks_and_restarts(&c, b->samples / 100);
    print_exact("leak_bytes", "B", (double)(bench_count_now().bytes - bytes), b->samples * 10);
    print_exact("leak_resident_bytes", "B", (double)(bench_resident_bytes() - resident),
                b->samples * 10);
    ward_component_free(c.component);
}

/* ---- start ---- */

enum { ALIVE_MAX = 500 };

typedef struct fleet {
    const bench *bench;
    ward_component *components[ALIVE_MAX];
    size_t count;
} fleet;

static void fleet_free(fleet *f)
{
    while (f->count > 0) ward_component_free(f->components[--f->count]);
}

/* The module is loaded outside the reading: it is warm, as a restart or a scale-out finds it. */
static void fleet_fill(fleet *f)
{
    for (f->count = 0; f->count < ALIVE_MAX; f->count++) {
        ward_diag diag;
        f->components[f->count] = made(f->bench, "borsh.wat", NULL);
        must(ward_component_load(f->components[f->count], &diag), &diag, "load");
    }
}

/* Each start is of a component that never ran, while all before it stay. */
static void start_warm(const bench *b)
{
    size_t rounds = b->samples / 100 / ALIVE_MAX + 1;
    bench_samples samples = bench_samples_new(rounds * ALIVE_MAX, 1);
    fleet f = {.bench = b};
    for (size_t round = 0; round < rounds; round++) {
        fleet_fill(&f);
        for (size_t i = 0; i < ALIVE_MAX; i++) {
            uint64_t begin = bench_ticks_begin();
            started(f.components[i]);
            samples.ticks[round * ALIVE_MAX + i] = bench_ticks_end() - begin;
        }
        fleet_free(&f);
    }
    bench_samples_sort(&samples);
    bench_figures figures = {
        .p50 = bench_samples_ns(&samples, 0.5),
        .p99 = bench_samples_ns(&samples, 0.99),
        .p999 = bench_samples_ns(&samples, 0.999),
        .mean = bench_samples_mean_ns(&samples),
        .single_p50 = bench_samples_ns(&samples, 0.5),
        .samples = samples.count,
    };
    bench_print("start_warm", "ns", &figures);
    bench_samples_free(&samples);
}

BENCH_INLINE void restart_op(void *context)
{
    stopped(context);
    started(context);
}

/* Stop and start of one component: what a supervisor's restart costs. */
static void restart_warm(const bench *b)
{
    ward_component *component = made(b, "borsh.wat", NULL);
    started(component);
    bench_report("restart_warm", b->samples / 100, restart_op, component);
    ward_component_free(component);
}

/* ---- the list ---- */

static const struct {
    const char *name;
    void (*run)(const bench *b);
} benches[] = {
    {"check_state", check_state},
    {"check_health_borsh", check_health_borsh},
    {"check_health_resources", check_health_resources},
    {"check_health_json", check_health_json},
    {"check_health_cbor", check_health_cbor},
    {"codec_prefix", codec_prefix},
    {"decode_borsh", decode_borsh},
    {"decode_json", decode_json},
    {"decode_cbor", decode_cbor},
    {"deadline_overshoot", deadline_overshoot},
    {"allocations_per_check", allocations_per_check},
    {"leak_bytes", leak_bytes},
    {"start_warm", start_warm},
    {"restart_warm", restart_warm},
};

static void run_named(const bench *b, const char *name)
{
    for (size_t i = 0; i < WARD_COUNT(benches); i++) {
        if (strcmp(benches[i].name, name) != 0) continue;
        benches[i].run(b);
        return;
    }
    fprintf(stderr, "bench: no benchmark is named %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s GUESTS-DIRECTORY SAMPLES [NAME…]\n", argv[0]);
        return 2;
    }
    bench b = {.guests = argv[1], .samples = strtoul(argv[2], NULL, 10)};
    ward_host_options options = WARD_INIT(ward_host_options);
    options.cache_directory = "";
    ward_diag diag;
    must(ward_host_open(&options, &b.host, &diag), &diag, "opening the host");
    bench_measure_init();
    if (argc == 3)
        for (size_t i = 0; i < WARD_COUNT(benches); i++) benches[i].run(&b);
    for (int i = 3; i < argc; i++) run_named(&b, argv[i]);
    ward_host_close(b.host);
    return 0;
}
