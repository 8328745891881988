/* Pattern: warm-up. Up, but not at full speed before its cache is filled: degraded, with progress.
 *
 * With `ready_when: healthy` such a component gets no work before it is warm. */
#include <ward_guest.h>

enum { ENTRIES = 1000 };

static unsigned loaded;

WARD_GUEST_EXPORT("load") void load(unsigned entries);
void load(unsigned entries)
{
    loaded = loaded + entries < ENTRIES ? loaded + entries : ENTRIES;
}

WARD_GUEST_HEALTH
{
    if (loaded == ENTRIES) return ward_healthy();
    return ward_degraded("warming up: %u of %d entries (%.0f%%)", loaded, ENTRIES,
                         100.0 * loaded / ENTRIES);
}
