/* Everything that the SDK offers, for tests/sdk/test_guests.c; C and C++, with and without libc. */
#include <ward_guest.h>

#ifdef __wasi__
#include <stdio.h>
#endif

static int situation = -1;
static double figure;

#ifdef __cplusplus
static int constructed;
/* Its constructor can't run at compile time; it has to run once, and before the initialisation. */
static volatile int none = 0;
static struct early {
    early()
    {
        constructed += 1 - none;
    }
} early;
#else
static const int constructed = 1;
#endif

static int initialised;

WARD_GUEST_INITIALIZE
{
    initialised++;
    situation = constructed;
}

WARD_GUEST_CLEANUP
{
    if (situation == 8) __builtin_trap(); /* so that the host can tell that it ran */
}

WARD_GUEST_EXPORT("set") void set(int value, double new_figure);
void set(int value, double new_figure)
{
    situation = value;
    figure = new_figure;
}

WARD_GUEST_INBOX(1024)

/* Answers with its message, upper case. */
WARD_GUEST_CALL("shout", shout)(const uint8_t *bytes, uint32_t length)
{
    static uint8_t answer[1024];
    for (uint32_t i = 0; i < length; i++) {
        uint8_t c = bytes[i];
        answer[i] = c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
    }
    ward_bytes shouted = {answer, length};
    return shouted;
}

WARD_GUEST_HEALTH
{
    if (initialised != 1) return ward_unhealthy("initialised %d times", initialised);
#ifndef COMMAND /* see WARD_GUEST_HEALTH: Debian 12's commands construct again and again */
    if (constructed != 1) return ward_unhealthy("constructed %d times", constructed);
#endif
    switch (situation) {
    case 0: return ward_healthy();
    case 1: return ward_degraded("initialised, not yet %s", "set");
    case 2: return ward_degraded("disk %.1f%% full, %d of %u writers, %#x", figure, -3, 4U, 255U);
    case 3: return ward_unhealthy("データベース接続不可 %lld", -9000000000LL);
    case 4: return ward_degraded("%0300d", 7);
    case 5: return ward_degraded("%s", "");
    case 6: __builtin_trap();
    default: return ward_unhealthy("situation %d", situation);
    }
}

#ifdef __wasi__
/* A command's main ends before the first check; a reactor has none to run. */
int main(void)
{
    return puts("main ran") < 0;
}
#endif
