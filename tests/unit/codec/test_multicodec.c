/* Prefixes: every spelling, every error, and what lies just beside them. */
#include "codec/codec.h"
#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct row {
    const char *bytes; /* with a NUL behind, so that zeroes need care: see `length` */
    size_t length;
    ward_error error;
    ward_codec codec;
    size_t taken;
    uint64_t code; /* when unsupported */
} row;

#define GOOD(bytes, codec, taken)                                                                  \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, WARD_OK, WARD_CODEC_##codec, taken, 0                            \
    }
#define BAD(bytes, error, code)                                                                    \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, WARD_ERROR_FRAME_##error, (ward_codec)0, 0, code                 \
    }

static const row rows[] = {
    GOOD("\x81\x0e", BORSH, 2),
    GOOD("\x80\x04", JSON, 2),
    GOOD("\x51", CBOR, 1),
    GOOD("\x51\x51", CBOR, 1),
    GOOD("\x07\x01", BORSH, 2),
    GOOD("\x02\x00", JSON, 2),
    GOOD("\x00\x51", CBOR, 2),
    GOOD("\xd1\x00", CBOR, 2), /* non-minimal */
    GOOD("\xd1\x80\x00", CBOR, 3),
    GOOD("\xd1\x80\x80\x80\x00", CBOR, 5),
    GOOD("\x81\x8e\x00", BORSH, 3),
    GOOD("\x81\x8e\x80\x80\x00", BORSH, 5),
    GOOD("\x80\x84\x80\x00", JSON, 4),
    GOOD("\x80\x84\x80\x80\x00", JSON, 5),
    BAD("", EMPTY, 0),
    BAD("\x80", TRUNCATED, 0),
    BAD("\x81", TRUNCATED, 0),
    BAD("\xd1\x80\x80\x80", TRUNCATED, 0),
    BAD("\x80\x80\x80\x80\x80", TOO_LARGE, 0),
    BAD("\xd1\x80\x80\x80\x80\x00", TOO_LARGE, 0),
    BAD("\x81\x8e\x80\x80\x80\x80\x80", TOO_LARGE, 0),
    BAD("\x00", UNSUPPORTED, 0),
    BAD("\x02", UNSUPPORTED, 2),
    BAD("\x07", UNSUPPORTED, 7),
    BAD("\x00\x50", UNSUPPORTED, 0),
    BAD("\x02\x01", UNSUPPORTED, 2),
    BAD("\x07\x02", UNSUPPORTED, 7),
    BAD("\x50", UNSUPPORTED, 0x50),
    BAD("\x52", UNSUPPORTED, 0x52),
    BAD("\x01\x00", UNSUPPORTED, 1),
    BAD("\x82\x0e", UNSUPPORTED, 0x702),
    BAD("\x81\x0f", UNSUPPORTED, 0x781),
    BAD("\x80\x05", UNSUPPORTED, 0x280),
    BAD("\xff\xff\x03", UNSUPPORTED, 0xffff),
    BAD("\xd1\x80\x80\x80\x10", UNSUPPORTED, UINT64_C(0x100000051)),
    BAD("\xff\xff\xff\xff\x7f", UNSUPPORTED, UINT64_C(0x7ffffffff)),
};

static void every_row_has_its_outcome(void **state)
{
    (void)state;
    guard g = guard_new();
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        const row *r = &rows[i];
        ward_codec codec = (ward_codec)0;
        size_t taken = 99;
        uint64_t code = 0xabcdef;
        const uint8_t *bytes = guard_copy(&g, r->bytes, r->length);
        ward_error error = wardi_prefix_decode(bytes, r->length, &codec, &taken, &code);
        if (error != r->error) fail_msg("row %zu: %s", i, ward_error_name(error));
        if (codec != r->codec) fail_msg("row %zu: codec %x", i, (unsigned)codec);
        if (taken != (error == WARD_OK ? r->taken : 99)) fail_msg("row %zu: %zu bytes", i, taken);
        uint64_t wanted = error == WARD_ERROR_FRAME_UNSUPPORTED ? r->code : 0xabcdef;
        if (code != wanted) fail_msg("row %zu: code %llx", i, (unsigned long long)code);
    }
    guard_free(&g);
}

/* What the varint says, said again by shifting: over all one-, two- and three-byte prefixes. */
static void all_short_prefixes_agree_with_a_plain_reading(void **state)
{
    (void)state;
    for (uint32_t all = 0; all < 1u << 24; all += all < 1u << 16 ? 1 : 251) {
        uint8_t bytes[3] = {(uint8_t)all, (uint8_t)(all >> 8), (uint8_t)(all >> 16)};
        uint64_t value = 0, code = 0;
        size_t used = 0;
        do {
            value |= (uint64_t)(bytes[used] & 0x7f) << (7 * used);
        } while (bytes[used++] >= 0x80 && used < 3);
        unsigned pair = (unsigned)bytes[0] << 8 | bytes[1];
        bool spelt = pair == 0x0701 || pair == 0x0200 || pair == 0x0051;
        if (spelt) {
            value = pair;
            used = 2;
        }
        bool known = value == 0x51 || value == 0x200 || value == 0x701;
        ward_error wanted = !spelt && bytes[used - 1] >= 0x80 ? WARD_ERROR_FRAME_TRUNCATED
                            : known                           ? WARD_OK
                                                              : WARD_ERROR_FRAME_UNSUPPORTED;
        ward_codec codec;
        size_t taken;
        ward_error error = wardi_prefix_decode(bytes, 3, &codec, &taken, &code);
        if (error != wanted) fail_msg("%06x: %s", all, ward_error_name(error));
        if (error == WARD_OK && ((uint64_t)codec != value || taken != used))
            fail_msg("%06x: codec %x, %zu bytes", all, (unsigned)codec, taken);
    }
}

static void diags_name_the_code_and_the_way_out(void **state)
{
    (void)state;
    ward_report report;
    ward_diag diag;
    assert_int_equal(ward_frame_decode((const uint8_t *)"\xff\xff\x03", 3, &report, &diag),
                     WARD_ERROR_FRAME_UNSUPPORTED);
    assert_non_null(strstr(diag.text, "0xffff"));
    assert_non_null(strstr(diag.text, "81 0e"));
    assert_int_equal(ward_frame_decode(NULL, 0, &report, &diag), WARD_ERROR_FRAME_EMPTY);
    assert_non_null(strstr(diag.text, "81 0e"));
    assert_int_equal(ward_frame_decode((const uint8_t *)"\x80", 1, &report, &diag),
                     WARD_ERROR_FRAME_TRUNCATED);
    assert_non_null(strstr(diag.text, "80 04"));
    assert_int_equal(ward_frame_decode((const uint8_t *)"\x81\x0e", 2, &report, &diag),
                     WARD_ERROR_FRAME_PAYLOAD);
    assert_non_null(strstr(diag.text, "borsh"));
    assert_int_equal(ward_frame_decode((const uint8_t *)"\x81\x0e\x77", 3, &report, &diag),
                     WARD_ERROR_FRAME_PAYLOAD);
    assert_non_null(strstr(diag.text, "77"));
    uint64_t code = 0;
    assert_int_equal(wardi_frame_decode((const uint8_t *)"\x12", 1, &report, &code),
                     WARD_ERROR_FRAME_UNSUPPORTED);
    assert_int_equal(code, 0x12);
    assert_int_equal(wardi_frame_decode((const uint8_t *)"\x12", 1, &report, NULL),
                     WARD_ERROR_FRAME_UNSUPPORTED);
}

static void codecs_have_names(void **state)
{
    (void)state;
    assert_string_equal(ward_codec_name(WARD_CODEC_BORSH), "borsh");
    assert_string_equal(ward_codec_name(WARD_CODEC_CBOR), "cbor");
    assert_string_equal(ward_codec_name(WARD_CODEC_JSON), "json");
    assert_string_equal(ward_codec_name((ward_codec)0), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_outcome),
        cmocka_unit_test(all_short_prefixes_agree_with_a_plain_reading),
        cmocka_unit_test(diags_name_the_code_and_the_way_out),
        cmocka_unit_test(codecs_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
