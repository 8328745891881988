/* JSON payloads against jansson. What jansson reads as a report, Ward reads as the same report, and
 * nothing else; what jansson refuses, Ward may read only for one of the reasons in `forgiven`. */
#include "fuzz.h"

#include <jansson.h>

static unsigned depth_of(json_t *value)
{
    unsigned deepest = 0;
    if (json_is_object(value)) {
        const char *key;
        json_t *member;
        json_object_foreach(value, key, member)
        {
            unsigned depth = depth_of(member);
            if (depth > deepest) deepest = depth;
        }
    } else if (json_is_array(value)) {
        size_t i;
        json_t *element;
        json_array_foreach(value, i, element)
        {
            unsigned depth = depth_of(element);
            if (depth > deepest) deepest = depth;
        }
    } else {
        return 0;
    }
    return 1 + deepest;
}

typedef struct plain {
    bool ok;
    unsigned status;
    fuzz_reason reason;
} plain;

static bool plain_status(json_t *root, unsigned *ret_status)
{
    static const char *const names[] = {"healthy", "degraded", "unhealthy"};
    json_t *status = json_object_get(root, "status");
    if (!json_is_string(status)) return false;
    for (unsigned i = 0; i < 3; i++) {
        if (json_string_length(status) != strlen(names[i])) continue;
        if (strcmp(json_string_value(status), names[i]) != 0) continue;
        *ret_status = i;
        return true;
    }
    return false;
}

static plain plain_report(json_t *root)
{
    plain p = {0};
    if (!json_is_object(root) || !plain_status(root, &p.status)) return p;
    json_t *reason = json_object_get(root, "reason");
    if (json_is_object(reason)) reason = json_object_get(reason, "reason");
    p.ok = reason == NULL || json_is_null(reason) || json_is_string(reason);
    if (p.ok && json_is_string(reason) && p.status != WARD_HEALTH_HEALTHY)
        fuzz_reason_add(&p.reason, (const uint8_t *)json_string_value(reason),
                        json_string_length(reason), false);
    return p;
}

/* What Ward reads and jansson does not, each on purpose. */
static bool forgiven(const json_error_t *error, size_t size)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input: return true; /* the window cuts */
    case json_error_invalid_utf8: return true;           /* replaced */
    case json_error_numeric_overflow: return true;       /* skipped, never converted */
    case json_error_null_byte_in_key: return true;       /* some other key */
    case json_error_null_character: return true;
    case json_error_invalid_syntax:
        /* Half a surrogate pair is replaced. A token that the window cuts is the last thing. */
        return strstr(error->text, "invalid Unicode") != NULL || (size_t)error->position >= size;
    default: return false;
    }
}

/* `parsed` is as far as jansson has read. */
static void compare(json_t *root, const uint8_t *data, size_t size, size_t parsed,
                    const ward_report *report)
{
    plain wanted = plain_report(root);
    /* A NUL between tokens is no white space, but jansson overlooks one that ends a number or a
     * literal: its buffer ends at a NUL, and what it puts back is looked for behind it. */
    bool overlooked = memchr(data, '\0', parsed < size ? parsed : size) != NULL;
    if (report == NULL && wanted.ok && !overlooked) {
        /* Ward wants each of two equal keys to be right, jansson the last only. */
        json_t *strict =
            json_loadb((const char *)data, size,
                       JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
        WARD_ASSERT(strict == NULL || depth_of(root) > FUZZ_DEPTH_MAX);
        json_decref(strict);
    }
    if (report == NULL) return;
    WARD_ASSERT(wanted.ok);
    WARD_ASSERT((unsigned)report->status == wanted.status);
    fuzz_check_reason(&report->reason, &wanted.reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ward_report report;
    bool ok = wardi_json_decode(data, size, &report) == WARD_OK;
    if (ok) fuzz_check_report(&report);
    json_error_t error;
    json_t *root =
        json_loadb((const char *)data, size, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error);
    if (root != NULL)
        compare(root, data, size, (size_t)error.position, ok ? &report : NULL);
    else if (ok)
        WARD_ASSERT(forgiven(&error, size));
    json_decref(root);
    fuzz_check_round_trip(WARD_CODEC_JSON, data, size);
    return 0;
}
