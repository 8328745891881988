/* Healthy, and says so. */
#include <ward_guest.h>

WARD_GUEST_HEALTH
{
    return ward_healthy();
}
