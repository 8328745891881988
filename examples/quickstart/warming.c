/* Degraded while it fills its cache, then healthy. It has no clock: a check is its tick. */
#include <ward_guest.h>

enum { ENTRIES = 600, ENTRIES_A_CHECK = 100 };

static unsigned loaded;

WARD_GUEST_HEALTH
{
    if (loaded >= ENTRIES) return ward_healthy();
    unsigned percent = 100 * loaded / ENTRIES;
    loaded += ENTRIES_A_CHECK;
    return ward_degraded("filling its cache: %u%% of %d entries", percent, ENTRIES);
}
