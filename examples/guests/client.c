/* Request and reply: passes what it is asked on to the server. */
#include <ward_guest.h>

#define PATIENCE_NS 200000000 /* 200 ms */

WARD_GUEST_INBOX(256)

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *question, uint32_t length)
{
    static char answer[256], why[128];
    /* While it waits, no thread does; and its health checks are answered all the same. */
    int64_t result = ward_request(ward_find("server"), ward_bytes_of(question, length), answer,
                                  sizeof answer, PATIENCE_NS);
    if (result > (int64_t)sizeof answer) result = sizeof answer; /* there was more */
    if (result >= 0) return ward_bytes_of(answer, (uint32_t)result);
    ward_last_error(why, sizeof why);
    return ward_bytes_of(answer, ward_format(answer, sizeof answer, "no answer: %s", why));
}
