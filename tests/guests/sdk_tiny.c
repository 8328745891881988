/* The SDK without libc and without a single reason: what it costs then. */
#include <ward_guest.h>

WARD_GUEST_HEALTH
{
    return ward_healthy();
}
