/* Pipeline, last: keeps the words, and answers with them whoever asks. */
#include <ward_guest.h>

WARD_GUEST_INBOX(1024)

static uint8_t words[256];
static uint32_t used;

static void keep(const uint8_t *word, uint32_t length)
{
    if (used + length + 1 > sizeof words) return;
    if (used > 0) words[used++] = ' ';
    for (uint32_t i = 0; i < length; i++) words[used++] = word[i];
}

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *bytes, uint32_t length)
{
    if (ward_correlation() == 0) keep(bytes, length); /* it was sent: nobody asks */
    return ward_bytes_of(words, used);
}
