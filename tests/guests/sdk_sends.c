/* Uses two imports of module `ward`, neither of which waits: for tests/sdk/test_host.c. */
#include <ward_guest.h>

WARD_GUEST_EXPORT("go") int go(void);
int go(void)
{
    return ward_send(ward_find("nobody"), ward_text("hello"));
}

WARD_GUEST_HEALTH
{
    return ward_healthy();
}
