/* Request and reply: knows prices. One that it has to find out is answered later, and a question
 * that it would ask its asker back is refused by the host. */
#include <ward_guest.h>

WARD_GUEST_INBOX(256)

static int64_t waiting; /* who asked for what we have to find out */

static int is(const char *text, const uint8_t *bytes, uint32_t length)
{
    ward_bytes known = ward_text(text);
    uint32_t same = 0;
    while (same < length && same < known.length && bytes[same] == known.bytes[same]) same++;
    return same == length && same == known.length;
}

static ward_bytes ask_back(void)
{
    static char answer[256];
    int64_t result =
        ward_request(ward_find("client"), ward_text("bread"), answer, sizeof answer, 0);
    if (result == WARD_CODE_CYCLE) ward_last_error(answer, sizeof answer);
    return ward_text(answer);
}

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *question, uint32_t length)
{
    if (is("bread", question, length)) return ward_text("costs 3");
    if (is("advice", question, length)) return ask_back();
    if (is("unicorn", question, length)) {
        waiting = ward_defer(); /* ward_reply(waiting, …), when we know; its asker won't wait */
        return ward_bytes_of(NULL, 0);
    }
    return ward_text("ask somebody else");
}
