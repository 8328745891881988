/* A clock behind the face of src/base/clock.c, for one thread: it stands still until a simulation
 * moves it. What is linked with it follows the world's time wherever it looks, without a hook that
 * those who read the real clock would pay for. */
#include "sim/clock.h"

#include "base/base.h"

static uint64_t now_ns, wall_ns;

void sim_clock_set(uint64_t now, uint64_t wall)
{
    now_ns = now;
    wall_ns = wall;
}

void sim_clock_pass(uint64_t ns)
{
    now_ns += ns;
    wall_ns += ns;
}

void sim_clock_jump(int64_t ns)
{
    wall_ns += (uint64_t)ns;
}

uint64_t wardi_now_ns(void)
{
    return now_ns;
}

uint64_t wardi_wall_ns(void)
{
    return wall_ns;
}

void wardi_sleep_until_ns(uint64_t deadline_ns)
{
    if (deadline_ns > now_ns) sim_clock_pass(deadline_ns - now_ns);
}

uint64_t wardi_add_sat(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void wardi_ticks_init(void)
{
}

uint64_t wardi_ticks(void)
{
    return now_ns;
}

uint64_t wardi_ticks_span_ns(uint64_t start, uint64_t end)
{
    return end > start ? end - start : 0;
}
