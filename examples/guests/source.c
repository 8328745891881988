/* Pipeline, first: sends each word of a line on. */
#include <ward_guest.h>

WARD_GUEST_INBOX(1024)

static const uint8_t *end_of_word(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at != ' ') at++;
    return at;
}

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *line, uint32_t length)
{
    static char next[64], said[64];
    unsigned sent = 0;
    ward_metadata("next", next, sizeof next);
    int32_t to = ward_find(next); /* below 0: a code, and so is what ward_send makes of it */
    const uint8_t *end = line + length;
    for (const uint8_t *word = line; word < end;) {
        const uint8_t *behind = end_of_word(word, end);
        int32_t code = ward_send(to, ward_bytes_of(word, (uint32_t)(behind - word)));
        if (code != WARD_CODE_OK) ward_log(WARD_LOG_WARN, "a word was not sent: code %d", code);
        sent += code == WARD_CODE_OK;
        word = behind + 1;
    }
    return ward_bytes_of(said, ward_format(said, sizeof said, "%u words sent", sent));
}
