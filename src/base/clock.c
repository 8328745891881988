#include "base/base.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * WARDI_S + (uint64_t)now.tv_nsec;
}

uint64_t wardi_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t wardi_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

uint64_t wardi_add_sat(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void wardi_sleep_until_ns(uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / WARDI_S),
                             .tv_nsec = (long)(deadline_ns % WARDI_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {}
}

/* Nanoseconds per tick as a 32.32 fixed-point number; 0: ticks are wardi_now_ns. Written once,
 * under the once below. */
static uint64_t ns_per_tick_q32;
static pthread_once_t ticks_once = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)
static bool counter_is_invariant(void)
{
    unsigned a, b, c, d;
    if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0) return false;
    return (d & (1u << 8)) != 0;
}

/* The counter's rate, measured against the monotonic clock over 2 ms; the best of three, since a
 * preemption between the two readings shows as a longer bracket. */
static void ticks_calibrate(void)
{
    if (!counter_is_invariant()) return;
    uint64_t best_bracket = UINT64_MAX;
    for (int round = 0; round < 3; round++) {
        uint64_t ns0 = wardi_now_ns();
        uint64_t t0 = __rdtsc();
        uint64_t ns1 = wardi_now_ns();
        wardi_sleep_until_ns(ns1 + 2 * WARDI_MS);
        uint64_t ns2 = wardi_now_ns();
        uint64_t t1 = __rdtsc();
        uint64_t ns3 = wardi_now_ns();
        uint64_t bracket = (ns1 - ns0) + (ns3 - ns2);
        if (t1 <= t0 || bracket >= best_bracket) continue;
        best_bracket = bracket;
        uint64_t span = (ns2 + ns3) / 2 - (ns0 + ns1) / 2;
        ns_per_tick_q32 = (uint64_t)(((__uint128_t)span << 32) / (t1 - t0));
    }
}
#else
static void ticks_calibrate(void)
{
}
#endif

void wardi_ticks_init(void)
{
    pthread_once(&ticks_once, ticks_calibrate);
}

uint64_t wardi_ticks(void)
{
#if defined(__x86_64__)
    if (WARD_LIKELY(ns_per_tick_q32 != 0)) return __rdtsc();
#endif
    return wardi_now_ns();
}

uint64_t wardi_ticks_span_ns(uint64_t start, uint64_t end)
{
    if (end <= start) return 0;
    if (ns_per_tick_q32 == 0) return end - start;
    return (uint64_t)(((__uint128_t)(end - start) * ns_per_tick_q32) >> 32);
}
