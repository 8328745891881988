/* Pipeline, in the middle: sends each word on, in capitals. */
#include <ward_guest.h>

WARD_GUEST_INBOX(1024)

static int32_t last = WARD_CODE_OK; /* how the last send went */

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *word, uint32_t length)
{
    static uint8_t capitals[1024];
    static char next[64];
    for (uint32_t i = 0; i < length; i++)
        capitals[i] = word[i] >= 'a' && word[i] <= 'z' ? (uint8_t)(word[i] - 32) : word[i];
    ward_metadata("next", next, sizeof next);
    last = ward_send(ward_find(next), ward_bytes_of(capitals, length));
    return ward_bytes_of(NULL, 0); /* nobody asked */
}

WARD_GUEST_HEALTH
{
    if (last == WARD_CODE_OK) return ward_healthy();
    return ward_degraded("the last word was not sent: code %d", last);
}
