/* Supervised crash: divides 100 by what it is sent, and did not think of 0. */
#include <ward_guest.h>

WARD_GUEST_INBOX(64)

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *digits, uint32_t length)
{
    static char answer[32];
    int divisor = 0;
    for (uint32_t i = 0; i < length && divisor < 100; i++) divisor = 10 * divisor + digits[i] - '0';
    if (divisor == 0) __builtin_trap(); /* an assertion of ours */
    return ward_bytes_of(answer, ward_format(answer, sizeof answer, "%d", 100 / divisor));
}
