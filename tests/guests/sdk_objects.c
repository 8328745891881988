/* C++ without libc and without WARD_GUEST_INITIALIZE: its objects are constructed once all the
 * same. */
#include <ward_guest.h>

static volatile int one = 1;
static int constructed;
static struct object {
    object()
    {
        constructed += one;
    }
} object_of_this_file;

WARD_GUEST_HEALTH
{
    if (constructed == 1) return ward_healthy();
    return ward_unhealthy("constructed %d times", constructed);
}
