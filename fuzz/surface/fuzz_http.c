/* What HTTP reads by hand: targets, and the values of parameters and headers. Nothing is read past
 * its end; what comes out keeps its promises; a target without a percent sign or a plus comes out
 * as it went in. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "surface/grant.h"
#include "surface/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_utf8(const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0, step; at < length; at += step) {
        step = wardi_utf8_length((const uint8_t *)text + at, length - at);
        WARD_ASSERT(step != 0);
    }
}

static void check_target(const char *text)
{
    char *bytes = strdup(text); /* of its very size, for the sanitizer */
    WARD_ASSERT(bytes != NULL);
    http_target target;
    const char *why = NULL;
    http_fault fault = http_target_read(bytes, &target, &why);
    WARD_ASSERT((fault == HTTP_TARGET_OK) == (why == NULL));
    WARD_ASSERT(target.segment_count <= HTTP_SEGMENTS_MAX);
    WARD_ASSERT(target.param_count <= HTTP_PARAMS_MAX);
    if (fault == HTTP_TARGET_OK) {
        WARD_ASSERT(target.segment_count >= 1);
        for (size_t i = 0; i < target.segment_count; i++) check_utf8(target.segments[i]);
        for (size_t i = 0; i < target.param_count; i++) {
            check_utf8(target.params[i].key);
            check_utf8(target.params[i].value);
            WARD_ASSERT(http_target_param(&target, target.params[i].key) != NULL);
        }
        http_routing routing = http_route_find(&target);
        if (routing.found && routing.name != NULL) WARD_ASSERT(wardi_name_valid(routing.name));
    }
    free(bytes);
}

/* Nobody but who has the token is let in, and no name but those that are meant. */
static void check_access(const char *text)
{
    static const char *const names[] = {"ward.example"};
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    const char *bearer;
    size_t length;
    grant_token token = {.name = "ops", .may = WARDI_MAY_WRITE};
    grant_token_digest(secret, sizeof secret - 1, token.digest);
    if (grant_bearer_read(text, &bearer, &length)) {
        WARD_ASSERT(bearer >= text && length > 0 && bearer + length == text + strlen(text));
        bool same = length == sizeof secret - 1 && memcmp(bearer, secret, length) == 0;
        WARD_ASSERT((grant_token_find(&token, 1, bearer, length) != NULL) == same);
    }
    if (grant_host_fits(text, names, 0)) WARD_ASSERT(grant_host_fits(text, names, 1));
    if (grant_host_fits(text, names, 0) && text[0] != '[')
        WARD_ASSERT(strncasecmp(text, "localhost", 9) == 0 || strspn(text, "0123456789.:") > 6);
    if (grant_origin_fits(text, "ward.example", NULL))
        WARD_ASSERT(strcasecmp(text, "https://ward.example") == 0);
    const char *fault = grant_token_fault(text, strlen(text));
    WARD_ASSERT(fault != NULL || strlen(text) >= GRANT_TOKEN_BYTES_MIN);
}

/* What was escaped is JSON's string again, whatever it was. */
static void check_json(const uint8_t *data, size_t size)
{
    http_text text = {0};
    http_json_bytes(&text, (const char *)data, size);
    WARD_ASSERT(!text.failed && text.bytes[0] == '"' && text.bytes[text.length - 1] == '"');
    json_t *read = json_loadb(text.bytes, text.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    WARD_ASSERT(json_is_string(read));
    json_decref(read);
    http_text_done(&text);
    http_text_safe(&text, (const char *)data, size);
    for (size_t i = 0; i < text.length; i++) WARD_ASSERT((uint8_t)text.bytes[i] >= 0x20);
    http_text_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    WARD_ASSERT(text != NULL);
    if (size != 0) memcpy(text, data, size);
    text[size] = '\0';
    uint64_t a, b;
    check_target(text);
    if (http_event_id_read(text, &a, &b)) WARD_ASSERT(a <= UINT64_MAX / 2 && b <= UINT64_MAX / 2);
    if (http_number_read(text, 1000, &a)) WARD_ASSERT(a <= 1000);
    if (http_time_read(text, 1000, &a))
        WARD_ASSERT(a != 0 || strchr(text, 'T') != NULL || strchr(text, 't') != NULL);
    (void)http_duration_read(text, &a);
    (void)http_accept_names(text, "application/health+json");
    check_access(text);
    check_json(data, size);
    free(text);
    return 0;
}
