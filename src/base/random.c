#include "base/base.h"

#include <sys/random.h>

/* splitmix64 spreads one seed over the state of xoshiro256**; both by Blackman and Vigna, in the
 * public domain. */
static uint64_t splitmix(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

void wardi_rng_init(wardi_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) rng->state[i] = splitmix(&seed);
}

uint64_t wardi_rng_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = wardi_now_ns() ^ (wardi_wall_ns() << 20);
    return seed;
}

uint64_t wardi_rng_next(wardi_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double wardi_rng_unit(wardi_rng *rng)
{
    return (double)(wardi_rng_next(rng) >> 11) * 0x1.0p-53;
}
