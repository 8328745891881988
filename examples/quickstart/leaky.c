/* Takes 256 KiB at each check, gives nothing back, and finds itself healthy. */
#include <ward_guest.h>

enum { PAGES_A_CHECK = 4 };

WARD_GUEST_HEALTH
{
    __builtin_wasm_memory_grow(0, PAGES_A_CHECK);
    return ward_healthy();
}
