#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/settings.h"

/* ---- hex ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Bytes of hex in place; blanks between them and a leading 0x are fine. Returns the character that
 * is none, or NULL. */
static const char *hex_read(const char *hex, uint8_t *bytes, size_t *ret_length)
{
    size_t digits = 0;
    const char *at = strncmp(hex, "0x", 2) == 0 ? hex + 2 : hex;
    for (; *at != '\0'; at++) {
        int digit = hex_digit(*at);
        if (strchr(" \t\r\n", *at) != NULL) continue;
        if (digit < 0) return at;
        if (digits % 2 == 0)
            bytes[digits / 2] = (uint8_t)(digit << 4);
        else
            bytes[digits / 2] |= (uint8_t)digit;
        digits++;
    }
    if (digits % 2 != 0) return at;
    *ret_length = digits / 2;
    return NULL;
}

static ward_error decode(const char *hex, uint8_t *bytes, ward_report *ret_report,
                         ward_diag *ret_diag)
{
    size_t length;
    const char *wrong = hex_read(hex, bytes, &length);
    if (wrong == NULL) return ward_frame_decode(bytes, length, ret_report, ret_diag);
    if (*wrong == '\0')
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "the hex has half a byte at its end; write two digits a byte");
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "character %zu is no hex digit; write the frame's bytes as hex",
                      (size_t)(wrong - hex) + 1);
}

/* ---- decode ---- */

/* The classes that the vectors of health frames name (tests/vectors.tsv): "frame" goes without
 * saying here. */
static const char *error_class(ward_error error)
{
    switch (error) {
    case WARD_ERROR_FRAME_EMPTY: return "empty";
    case WARD_ERROR_FRAME_TRUNCATED: return "truncated";
    case WARD_ERROR_FRAME_TOO_LARGE: return "too-large";
    case WARD_ERROR_FRAME_UNSUPPORTED: return "unsupported";
    case WARD_ERROR_FRAME_PAYLOAD: return "payload";
    default: return "not-hex";
    }
}

static void print_json(ward_error error, const ward_report *report, const ward_diag *diag)
{
    json_t *object =
        error != WARD_OK
            ? json_pack("{s:s, s:s}", "error", error_class(error), "detail", diag->text)
            : json_pack("{s:s, s:s, s:o}", "codec", ward_codec_name(report->codec), "status",
                        ward_health_name(report->status), "reason",
                        wardi_json_reason(&report->reason));
    wardi_json_print(object);
}

static void print_report(const ward_report *report)
{
    const ward_reason *reason = &report->reason;
    wardi_output_styled(stdout, wardi_style_of(ward_child_health_from(report->status)),
                        ward_health_name(report->status));
    if (reason->length > 0) {
        fputs(": ", stdout);
        wardi_output_safe(stdout, reason->text, reason->length);
    }
    if (reason->cut) fputs("…", stdout);
    printf(" (%s)\n", ward_codec_name(report->codec));
}

static bool answer(const char *hex, uint8_t *bytes, bool json, bool lines)
{
    ward_report report;
    ward_diag diag;
    ward_error error = decode(hex, bytes, &report, &diag);
    if (json)
        print_json(error, &report, &diag);
    else if (error == WARD_OK)
        print_report(&report);
    else if (lines)
        printf("error: %s\n", diag.text);
    else
        wardi_complain("frame decode: %s", diag.text);
    return error == WARD_OK;
}

/* Whoever writes a line and waits for its answer gets it at once. */
static int answer_lines(bool json)
{
    char *line = NULL;
    size_t room = 0;
    bool all = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (getline(&line, &room, stdin) >= 0 && !ferror(stdout))
        all = answer(line, (uint8_t *)line, json, true) && all;
    free(line);
    if (ferror(stdin)) {
        wardi_complain("frame decode: cannot read standard input: %s", strerror(errno));
        return WARDI_EXIT_FAILED;
    }
    return all ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
}

int wardi_frame_decode_run(const void *settings, char **args, int arg_count)
{
    const wardi_frame_settings *frame = settings;
    int status = WARDI_EXIT_OK;
    for (int i = 0; i < arg_count; i++) {
        int one = WARDI_EXIT_OK;
        /* Hex is read into its own place: a byte is never longer than its two digits. */
        if (strcmp(args[i], "-") == 0)
            one = answer_lines(frame->json);
        else if (!answer(args[i], (uint8_t *)args[i], frame->json, false))
            one = WARDI_EXIT_FAILED;
        if (one != WARDI_EXIT_OK) status = one;
    }
    return wardi_output_finish(status, WARDI_EXIT_FAILED);
}

/* ---- encode ---- */

static ward_codec codec_of(const char *name)
{
    if (name != NULL && strcmp(name, "cbor") == 0) return WARD_CODEC_CBOR;
    if (name != NULL && strcmp(name, "json") == 0) return WARD_CODEC_JSON;
    return WARD_CODEC_BORSH;
}

static int usage(const char *text)
{
    wardi_complain("frame encode: %s\nTry `ward frame encode --help`.", text);
    return WARDI_EXIT_USAGE;
}

static bool status_of(const char *name, ward_health *ret_status)
{
    for (int i = 0; i < WARD_HEALTH_COUNT; i++) {
        if (strcmp(ward_health_name((ward_health)i), name) != 0) continue;
        *ret_status = (ward_health)i;
        return true;
    }
    return false;
}

static int encode(const wardi_frame_settings *frame, ward_health status, const char *reason)
{
    size_t length = strlen(reason), capacity = 64 + 6 * length, written;
    uint8_t *bytes = wardi_alloc(capacity);
    if (bytes == NULL || ward_frame_encode(codec_of(frame->codec), status, reason, length, bytes,
                                           capacity, &written) != WARD_OK) {
        wardi_free(bytes);
        wardi_complain("frame encode: the frame cannot be written: out of memory");
        return WARDI_EXIT_FAILED;
    }
    if (frame->raw)
        fwrite(bytes, 1, written, stdout);
    else
        for (size_t i = 0; i < written; i++)
            printf("%02x%s", bytes[i], i + 1 < written ? "" : "\n");
    wardi_free(bytes);
    return wardi_output_finish(WARDI_EXIT_OK, WARDI_EXIT_FAILED);
}

int wardi_frame_encode_run(const void *settings, char **args, int arg_count)
{
    const wardi_frame_settings *frame = settings;
    const char *reason = arg_count > 1 ? args[1] : "";
    ward_health status;
    if (!status_of(args[0], &status)) return usage("the status is healthy, degraded or unhealthy");
    if (status == WARD_HEALTH_HEALTHY && reason[0] != '\0')
        return usage("a healthy frame carries no reason; leave it out");
    if (frame->raw && wardi_output_is_terminal(stdout))
        return usage("--raw prints bytes, which are nothing for a terminal; send them to a file");
    return encode(frame, status, reason);
}
