/* Pattern: self-healing. The check finds a broken index and rebuilds it; a guest that has to do so
 * again and again asks for a restart. */
#include <ward_guest.h>

enum { SLOTS = 16, REBUILDS_MAX = 2 };

static unsigned table[SLOTS], sum, rebuilds;

WARD_GUEST_EXPORT("store") void store(unsigned slot, unsigned value);
void store(unsigned slot, unsigned value)
{
    sum += value - table[slot % SLOTS];
    table[slot % SLOTS] = value;
}

/* What a bug would do: writes past the bookkeeping. */
WARD_GUEST_EXPORT("corrupt") void corrupt(unsigned slot);
void corrupt(unsigned slot)
{
    table[slot % SLOTS] ^= 0xFF;
}

WARD_GUEST_HEALTH
{
    unsigned actual = 0;
    for (int i = 0; i < SLOTS; i++) actual += table[i];
    if (actual == sum) return ward_healthy();
    if (rebuilds == REBUILDS_MAX)
        return ward_unhealthy("index broken again after %u rebuilds", rebuilds);
    sum = actual;
    rebuilds++;
    return ward_degraded("index was broken, rebuilt for the %s time",
                         rebuilds == 1 ? "first" : "second");
}
