/* Pattern: circuit breaker. After three failures in a row the guest stops calling the other side,
 * tries once after a pause, and closes the circuit when that works.
 *
 * The pause is counted in checks, so that no clock is needed. */
#include <ward_guest.h>

enum { FAILURES_MAX = 3, PAUSE_CHECKS = 2 };

static enum { CLOSED, OPEN, HALF_OPEN } circuit;
static unsigned failures, pause_checks;

/* One request to the other side; returns whether it was let through. */
WARD_GUEST_EXPORT("request") int request(int succeeds);
int request(int succeeds)
{
    if (circuit == OPEN) return 0;
    failures = succeeds ? 0 : failures + 1;
    if (succeeds) {
        circuit = CLOSED;
    } else if (circuit == HALF_OPEN || failures >= FAILURES_MAX) {
        circuit = OPEN;
        pause_checks = PAUSE_CHECKS;
    }
    return 1;
}

WARD_GUEST_HEALTH
{
    if (circuit == OPEN && pause_checks == 0) circuit = HALF_OPEN;
    switch (circuit) {
    case OPEN:
        return ward_degraded("circuit open after %u failures, checks until a trial: %u", failures,
                             pause_checks--);
    case HALF_OPEN: return ward_degraded("circuit half open: the next request is a trial");
    case CLOSED: break;
    }
    return ward_healthy();
}
