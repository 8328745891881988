/* Publish and subscribe: publishes "TOPIC TEXT". */
#include <ward_guest.h>

WARD_GUEST_INBOX(256)

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *bytes, uint32_t length)
{
    static char topic[64], said[256];
    uint32_t space = 0;
    while (space < length && bytes[space] != ' ') space++;
    uint32_t behind = space < length ? space + 1 : length;
    ward_format(topic, sizeof topic, "%.*s", (int)space, (const char *)bytes);
    int32_t told = ward_publish(topic, ward_bytes_of(bytes + behind, length - behind));
    if (told >= 0) return ward_bytes_of(said, ward_format(said, sizeof said, "told %d", told));
    static char why[200];
    ward_last_error(why, sizeof why);
    return ward_bytes_of(said, ward_format(said, sizeof said, "not told: %s", why));
}
