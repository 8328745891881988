/* Whole frames: round trips in every codec, capacities, fallback. */
#include "codec/codec.h"
#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const ward_codec codecs[] = {WARD_CODEC_BORSH, WARD_CODEC_CBOR, WARD_CODEC_JSON};

typedef struct text {
    const char *bytes;
    size_t length;
    const char *comes_back; /* NULL: the same */
    size_t comes_back_length;
} text;

#define SAME(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1, NULL, 0                                                      \
    }
#define AS(literal, back)                                                                          \
    {                                                                                              \
        literal, sizeof(literal) - 1, back, sizeof(back) - 1                                       \
    }
#define FFFD "\xef\xbf\xbd"

static const text texts[] = {
    SAME(""),
    SAME("x"),
    SAME("High latency"),
    SAME("データベース接続不可"),
    SAME("🔥 disk 🔥👩‍🚒"),
    SAME("قاعدة البيانات غير متاحة"),
    SAME("a\0b\0"),
    SAME("\0"),
    SAME("\"quoted\" and \\back\\slashed\\"),
    SAME("\x01\x02\x07\x08\t\n\x0b\x0c\r\x1b\x1f\x7f"),
    SAME("</script>\xe2\x80\xa8\xe2\x80\xa9"),
    AS("a\xff"
       "b",
       "a" FFFD "b"),
    AS("\xed\xa0\xbd\xed\xb4\xa5", FFFD FFFD FFFD FFFD FFFD FFFD),
    AS("\xe2\x82", FFFD),
    AS("\"\xe2\x82\"", "\"" FFFD "\""),
};

static void round_trip(ward_codec codec, ward_health status, const text *t, const guard *pages)
{
    uint8_t frame[64 + 6 * 1000];
    size_t length = 0;
    assert_int_equal(
        ward_frame_encode(codec, status, t->bytes, t->length, frame, sizeof frame, &length),
        WARD_OK);
    ward_report report;
    memset(&report, 0xa5, sizeof report);
    const uint8_t *at = guard_copy(pages, frame, length);
    assert_int_equal(ward_frame_decode(at, length, &report, NULL), WARD_OK);
    assert_int_equal(report.status, status);
    assert_int_equal(report.codec, codec);
    const char *wanted = t->comes_back != NULL ? t->comes_back : t->bytes;
    size_t wanted_length = t->comes_back != NULL ? t->comes_back_length : t->length;
    if (status == WARD_HEALTH_HEALTHY) wanted_length = 0;
    size_t kept = wardi_utf8_fit(wanted, wanted_length, WARD_REASON_BYTES_MAX);
    assert_int_equal(report.reason.length, kept);
    assert_memory_equal(report.reason.text, wanted, kept);
    assert_int_equal(report.reason.text[kept], '\0');
    assert_int_equal(report.reason.cut, kept < wanted_length);
}

static void reasons_come_back(void **state)
{
    (void)state;
    guard pages = guard_new();
    for (size_t c = 0; c < WARD_COUNT(codecs); c++)
        for (unsigned status = 0; status < WARD_HEALTH_COUNT; status++)
            for (size_t i = 0; i < WARD_COUNT(texts); i++)
                round_trip(codecs[c], (ward_health)status, &texts[i], &pages);
    guard_free(&pages);
}

static void reasons_of_any_length_come_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 23, 24, 244, 245, 254, 255, 256, 257, 1000};
    static const char *const units[] = {"x", "é", "表", "🔥", "\"", "\x01"};
    guard pages = guard_new();
    char bytes[1000];
    for (size_t u = 0; u < WARD_COUNT(units); u++) {
        size_t unit = strlen(units[u]);
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = units[u][i % unit];
        for (size_t i = 0; i < WARD_COUNT(lengths); i++) {
            text t = {.bytes = bytes, .length = lengths[i] - lengths[i] % unit};
            for (size_t c = 0; c < WARD_COUNT(codecs); c++)
                round_trip(codecs[c], WARD_HEALTH_DEGRADED, &t, &pages);
        }
    }
    guard_free(&pages);
}

/* Every capacity short of enough is BUFFER_TOO_SMALL, writes nothing past it and leaves the length
 * alone; the exact one is enough. */
static void encoding_keeps_to_its_capacity(void **state)
{
    (void)state;
    guard pages = guard_new();
    static const char reason[] = "say \"no\"\x01\xff 🔥";
    for (size_t c = 0; c < WARD_COUNT(codecs); c++) {
        uint8_t whole[WARD_FRAME_BYTES_MAX];
        size_t length = 0;
        assert_int_equal(ward_frame_encode(codecs[c], WARD_HEALTH_UNHEALTHY, reason,
                                           sizeof reason - 1, whole, sizeof whole, &length),
                         WARD_OK);
        for (size_t capacity = 0; capacity <= length; capacity++) {
            uint8_t *at = guard_last(&pages, capacity);
            size_t got = 12345;
            ward_error error = ward_frame_encode(codecs[c], WARD_HEALTH_UNHEALTHY, reason,
                                                 sizeof reason - 1, at, capacity, &got);
            if (capacity < length) {
                assert_int_equal(error, WARD_ERROR_BUFFER_TOO_SMALL);
                assert_int_equal(got, 12345);
                continue;
            }
            assert_int_equal(error, WARD_OK);
            assert_int_equal(got, length);
            assert_memory_equal(at, whole, length);
        }
    }
    guard_free(&pages);
}

/* WARD_FRAME_BYTES_MAX is a promise: the reason that grows most fits. */
static void the_largest_frame_fits(void **state)
{
    (void)state;
    static const char worst[] = {'\x01', '\xff', '"', 'x'};
    char reason[WARD_REASON_BYTES_MAX];
    for (size_t w = 0; w < sizeof worst; w++) {
        memset(reason, worst[w], sizeof reason);
        for (size_t c = 0; c < WARD_COUNT(codecs); c++) {
            uint8_t frame[WARD_FRAME_BYTES_MAX];
            size_t length;
            assert_int_equal(ward_frame_encode(codecs[c], WARD_HEALTH_UNHEALTHY, reason,
                                               sizeof reason, frame, sizeof frame, &length),
                             WARD_OK);
        }
    }
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    uint8_t frame[64];
    size_t length = 12345;
    assert_int_equal(ward_frame_encode((ward_codec)0x52, WARD_HEALTH_DEGRADED, "r", 1, frame,
                                       sizeof frame, &length),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(
        ward_frame_encode(WARD_CODEC_JSON, (ward_health)3, "r", 1, frame, sizeof frame, &length),
        WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(
        ward_frame_encode((ward_codec)0x52, WARD_HEALTH_HEALTHY, "", 0, frame, 0, &length),
        WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(length, 12345);
    assert_int_equal(
        ward_frame_encode(WARD_CODEC_BORSH, WARD_HEALTH_DEGRADED, NULL, 0, frame, 7, &length),
        WARD_OK);
    assert_memory_equal(frame, "\x81\x0e\x01\0\0\0\0", 7);
}

/* Every payload under every prefix: the payload decides, and says so. */
static void a_wrong_label_is_read_all_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } prefixes[] = {{"\x81\x0e", 2}, {"\x51", 1},     {"\x80\x04", 2},    {"\x07\x01", 2},
                    {"\x00\x51", 2}, {"\x02\x00", 2}, {"\xd1\x80\x00", 3}};
    for (size_t c = 0; c < WARD_COUNT(codecs); c++) {
        uint8_t whole[128], frame[160];
        size_t length;
        assert_int_equal(ward_frame_encode(codecs[c], WARD_HEALTH_UNHEALTHY, "reason 🔥", 11, whole,
                                           sizeof whole, &length),
                         WARD_OK);
        size_t own = codecs[c] == WARD_CODEC_CBOR ? 1 : 2;
        for (size_t p = 0; p < WARD_COUNT(prefixes); p++) {
            memcpy(frame, prefixes[p].bytes, prefixes[p].length);
            memcpy(frame + prefixes[p].length, whole + own, length - own);
            ward_report report;
            assert_int_equal(
                ward_frame_decode(frame, prefixes[p].length + length - own, &report, NULL),
                WARD_OK);
            assert_int_equal(report.codec, codecs[c]);
            assert_int_equal(report.status, WARD_HEALTH_UNHEALTHY);
            assert_string_equal(report.reason.text, "reason 🔥");
        }
    }
}

/* The proof in frame.c: the first byte of a payload leaves one codec at most. */
static void no_payload_is_readable_in_two_codecs(void **state)
{
    (void)state;
    static const char *const tails[] = {
        "",
        "\x05\0\0\0hello",
        "{\"status\":\"degraded\",\"reason\":\"r\"}",
        "\xa1\x66status\x67healthy",
        "\x66status\x67healthy",
    };
    for (unsigned first = 0; first < 256; first++) {
        for (size_t t = 0; t < WARD_COUNT(tails); t++) {
            uint8_t bytes[64] = {(uint8_t)first};
            size_t length = t == 1 ? 9 : strlen(tails[t]);
            memcpy(bytes + 1, tails[t], length);
            ward_report report;
            int readers = (wardi_borsh_decode(bytes, length + 1, &report) == WARD_OK) +
                          (wardi_cbor_decode(bytes, length + 1, &report) == WARD_OK) +
                          (wardi_json_decode(bytes, length + 1, &report) == WARD_OK);
            assert_true(readers <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_come_back),
        cmocka_unit_test(reasons_of_any_length_come_back),
        cmocka_unit_test(encoding_keeps_to_its_capacity),
        cmocka_unit_test(the_largest_frame_fits),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(a_wrong_label_is_read_all_the_same),
        cmocka_unit_test(no_payload_is_readable_in_two_codecs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
