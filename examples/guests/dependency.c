/* Pattern: check a dependency. What the guest needs is down: it says so, and goes on with less.
 *
 * It does not call the dependency from its health check: it remembers how the last use went. */
#include <ward_guest.h>

static unsigned failures;

/* How the last query went. */
WARD_GUEST_EXPORT("query") void query(int succeeded);
void query(int succeeded)
{
    failures = succeeded ? 0 : failures + 1;
}

WARD_GUEST_HEALTH
{
    if (failures == 0) return ward_healthy();
    /* Degraded, never unhealthy: a restart of this component does not bring the database back. */
    return ward_degraded("database unreachable (%u failed in a row), answering from the cache",
                         failures);
}
