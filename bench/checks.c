/* Checks: one a sample, the whole of ward_component_check. */
#include "bench.h"

#include <string.h>

static void check_figures(const bench *b, const char *name, const char *guest,
                          const ward_health_policy *policy, ward_child_health health)
{
    bench_check c = {.component = bench_made(b, guest, policy)};
    bench_start(c.component);
    ward_component_check(c.component, &c.verdict);
    bench_expect(&c, health, health == WARD_CHILD_HEALTHY ? "" : BENCH_REASON);
    bench_report(name, b->samples, bench_check_op, &c);
    bench_expect(&c, health, health == WARD_CHILD_HEALTHY ? "" : BENCH_REASON);
    ward_component_free(c.component);
}

void bench_check_state(const bench *b)
{
    check_figures(b, "check_state", "state.wat", NULL, WARD_CHILD_HEALTHY);
}

void bench_check_health_borsh(const bench *b)
{
    check_figures(b, "check_health_borsh", "borsh.wat", NULL, WARD_CHILD_DEGRADED);
}

void bench_check_health_json(const bench *b)
{
    check_figures(b, "check_health_json", "json.wat", NULL, WARD_CHILD_DEGRADED);
}

void bench_check_health_cbor(const bench *b)
{
    check_figures(b, "check_health_cbor", "cbor.wat", NULL, WARD_CHILD_DEGRADED);
}

/* The same with a threshold on every resource, none of them reached. */
void bench_check_health_resources(const bench *b)
{
    ward_health_policy policy = {0};
    for (int i = 0; i < WARD_RESOURCE_COUNT; i++) policy.resources[i].degraded_at = 0.99;
    policy.resources[WARD_RESOURCE_FUEL].degraded_at = 0;
    check_figures(b, "check_health_resources", "borsh.wat", &policy, WARD_CHILD_DEGRADED);
}

static int compare_doubles(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

enum { HUNG_MIN = 20, HUNG_MAX = 200 };

void bench_deadline_overshoot(const bench *b)
{
    ward_health_policy policy = {.timeout_ns = 20 * WARDI_MS};
    bench_check c = {.component = bench_made(b, "hang.wat", &policy)};
    bench_start(c.component);
    size_t count = b->samples / 1000;
    count = count < HUNG_MIN ? HUNG_MIN : count > HUNG_MAX ? HUNG_MAX : count;
    double late_ms[HUNG_MAX];
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t start = wardi_now_ns();
        ward_component_check(c.component, &c.verdict);
        uint64_t span = wardi_now_ns() - start;
        bench_expect(&c, WARD_CHILD_DEGRADED, "Health check timeout (>20ms)");
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
