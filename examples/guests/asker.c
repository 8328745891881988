/* Supervised crash: asks the divider, and lives on when that does not. */
#include <ward_guest.h>

WARD_GUEST_INBOX(64)

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *divisor, uint32_t length)
{
    static char answer[128], why[64];
    int64_t result = ward_request(ward_find("divider"), ward_bytes_of(divisor, length), answer,
                                  sizeof answer, 0);
    if (result >= 0) return ward_bytes_of(answer, (uint32_t)result);
    ward_last_error(why, sizeof why);
    const char *what = result == WARD_CODE_FAILED ? "failed" : "can't be asked";
    return ward_bytes_of(answer,
                         ward_format(answer, sizeof answer, "the divider %s: %s", what, why));
}
