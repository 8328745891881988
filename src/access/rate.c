/* Rates and budgets, in whole numbers: nothing drifts, and what is too much for them saturates. */
#include "access/access.h"

static uint64_t multiply_sat(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* ---- the bucket ---- */

wardi_bucket wardi_bucket_full(uint32_t rate, uint32_t burst)
{
    return (wardi_bucket){.level = burst * WARDI_S, .rate = rate, .burst = burst};
}

bool wardi_bucket_take(wardi_bucket *bucket, uint32_t count, uint64_t now_ns)
{
    if (now_ns > bucket->last_ns) {
        uint64_t gained = multiply_sat(now_ns - bucket->last_ns, bucket->rate);
        uint64_t room = bucket->burst * WARDI_S - bucket->level;
        bucket->level += gained < room ? gained : room;
        bucket->last_ns = now_ns;
    }
    bool there = bucket->level >= count * WARDI_S;
    if (there)
        bucket->level -= count * WARDI_S;
    else
        bucket->refused = wardi_add_sat(bucket->refused, count);
    return there;
}

/* ---- the meter ---- */

/* Lets the intervals that are over pay what they can. A clock that went back ends none. */
static void meter_pay(wardi_meter *meter, uint64_t now_ns)
{
    if (now_ns < meter->start_ns) return;
    uint64_t over = (now_ns - meter->start_ns) / meter->interval_ns;
    uint64_t paid = multiply_sat(over, meter->budget);
    meter->used -= paid < meter->used ? paid : meter->used;
    meter->start_ns += over * meter->interval_ns;
}

void wardi_meter_use(wardi_meter *meter, uint64_t amount, uint64_t now_ns)
{
    if (meter->budget == 0) return;
    meter_pay(meter, now_ns);
    if (meter->used == 0) meter->start_ns = now_ns;
    meter->used = wardi_add_sat(meter->used, amount);
}

uint64_t wardi_meter_wait_ns(const wardi_meter *meter, uint64_t now_ns)
{
    if (meter->budget == 0) return 0;
    wardi_meter then = *meter;
    meter_pay(&then, now_ns);
    uint64_t intervals = then.used / then.budget; /* that must pass before some is left */
    if (intervals == 0) return 0;
    return wardi_add_sat(then.start_ns, multiply_sat(intervals, then.interval_ns)) - now_ns;
}
