/* How both programs measure; the peers' measure.* do the same in their languages.
 *
 * A sample is one operation between two readings of the CPU's counter that nothing can be reordered
 * across, less what an empty reading shows. The counter steps by 10 ns on many machines, so P50 and
 * the mean come from groups of 16 operations; P99 and P99.9 come from single ones, where a rare
 * slow one must not be averaged away. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/base.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define BENCH_INLINE static inline __attribute__((always_inline))

enum { BENCH_GROUP = 16 };

/** Everything before has finished when the counter is read, and nothing after has begun. */
BENCH_INLINE uint64_t bench_ticks_begin(void)
{
#if defined(__x86_64__)
    _mm_lfence();
    uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
#else
    return wardi_now_ns();
#endif
}

BENCH_INLINE uint64_t bench_ticks_end(void)
{
#if defined(__x86_64__)
    unsigned cpu;
    uint64_t ticks = __rdtscp(&cpu);
    _mm_lfence();
    return ticks;
#else
    return wardi_now_ns();
#endif
}

/** Makes the compiler believe that the value at `pointer` is read and changed. */
#define BENCH_KEEP(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

typedef void (*bench_op)(void *context);

typedef struct bench_samples {
    uint64_t *ticks; /* sorted */
    size_t count, group;
} bench_samples;

typedef struct bench_figures {
    double p50, p99, p999, mean, single_p50;
    size_t samples;
} bench_figures;

/** Calibrates; call once. */
void bench_measure_init(void);
/** Room for `count` samples; ends the program when there is none. */
bench_samples bench_samples_new(size_t count, size_t group);
void bench_samples_sort(bench_samples *samples);
/** Nanoseconds of one operation at this share of the sorted samples, or on average. */
double bench_samples_ns(const bench_samples *samples, double share);
double bench_samples_mean_ns(const bench_samples *samples);
void bench_samples_free(bench_samples *samples);

/** Sorts the values and prints their percentiles. */
void bench_print_values(const char *name, const char *unit, double *values, size_t count);
/** Prints one line of JSON. `unit` is "ns", "µs", "ms", "s", "B", "%" or "1". */
void bench_print(const char *name, const char *unit, const bench_figures *figures);

/** Inlined into its caller, and so is `op`: no call stands between the readings. */
BENCH_INLINE bench_samples bench_sample(size_t count, size_t group, bench_op op, void *context)
{
    bench_samples samples = bench_samples_new(count, group);
    for (size_t i = 0; i < count; i++) {
        uint64_t begin = bench_ticks_begin();
        for (size_t k = 0; k < group; k++) op(context);
        samples.ticks[i] = bench_ticks_end() - begin;
    }
    bench_samples_sort(&samples);
    return samples;
}

/** Warms up, measures, prints. */
BENCH_INLINE void bench_report(const char *name, size_t count, bench_op op, void *context)
{
    bench_samples warm = bench_sample(count / 10 + 1, 1, op, context);
    bench_samples single = bench_sample(count, 1, op, context);
    bench_samples group = bench_sample(count / BENCH_GROUP + 1, BENCH_GROUP, op, context);
    bench_figures figures = {
        .p50 = bench_samples_ns(&group, 0.5),
        .p99 = bench_samples_ns(&single, 0.99),
        .p999 = bench_samples_ns(&single, 0.999),
        .mean = bench_samples_mean_ns(&group),
        .single_p50 = bench_samples_ns(&single, 0.5),
        .samples = count,
    };
    bench_print(name, "ns", &figures);
    bench_samples_free(&warm);
    bench_samples_free(&single);
    bench_samples_free(&group);
}

#endif
