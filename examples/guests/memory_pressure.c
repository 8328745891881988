/* Pattern: memory pressure. The guest says nothing of it: Ward sees how much of its limit it uses,
 * and judges by the thresholds of its policy. */
#include <ward_guest.h>

/* Takes pages of 64 KiB; returns whether it got them. */
WARD_GUEST_EXPORT("take") int take(unsigned pages);
int take(unsigned pages)
{
    return __builtin_wasm_memory_grow(0, pages) != (size_t)-1;
}

WARD_GUEST_HEALTH
{
    return ward_healthy();
}
