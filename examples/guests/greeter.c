/* The simplest guest that says how it is. */
#include <ward_guest.h>

static unsigned greeted;

WARD_GUEST_EXPORT("greet") void greet(unsigned people);
void greet(unsigned people)
{
    greeted += people;
}

WARD_GUEST_HEALTH
{
    if (greeted > 1000) return ward_degraded("hoarse after %u greetings", greeted);
    return ward_healthy();
}
