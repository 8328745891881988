/* Publish and subscribe: hears of what its metadata says, and answers with what it has heard. */
#include <ward_guest.h>

WARD_GUEST_INBOX(256)

static unsigned heard;
static char last[128] = "nothing";

/* At each start; a subscription that outlived a restart stays one. */
WARD_GUEST_INITIALIZE
{
    static char topics[64];
    ward_metadata("topics", topics, sizeof topics);
    int32_t code = ward_subscribe(topics);
    if (code != WARD_CODE_OK) ward_log(WARD_LOG_ERROR, "no subscription to %s: %d", topics, code);
}

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *bytes, uint32_t length)
{
    static char topic[64], said[160];
    if (ward_topic(topic, sizeof topic) > 0) {
        heard++;
        ward_format(last, sizeof last, "%s: %.*s", topic, (int)length, (const char *)bytes);
    }
    return ward_bytes_of(said, ward_format(said, sizeof said, "%u, last %s", heard, last));
}
