/* CBOR payloads beyond the vectors: hostile, cut, doubled, nested, tagged. Each case runs against a
 * guard page. */
#include "codec/codec.h"
#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FFFD "\xef\xbf\xbd"
#define STATUS "\x66status"
#define REASON "\x66reason"
#define DEGRADED                                                                                   \
    STATUS "\x68"                                                                                  \
           "degraded"

static guard pages;

static int pages_new(void **state)
{
    (void)state;
    pages = guard_new();
    return 0;
}

static int pages_free(void **state)
{
    (void)state;
    guard_free(&pages);
    return 0;
}

static ward_error decode(const char *cbor, size_t length, ward_report *report)
{
    return wardi_cbor_decode(guard_copy(&pages, cbor, length), length, report);
}

static void says_bytes(int line, const char *cbor, size_t length, ward_health status,
                       const char *reason, bool cut)
{
    ward_report report;
    memset(&report, 0xa5, sizeof report);
    if (decode(cbor, length, &report) != WARD_OK) fail_msg("line %d: refused", line);
    if (report.status != status) fail_msg("line %d: %s", line, ward_health_name(report.status));
    if (strcmp(report.reason.text, reason) != 0)
        fail_msg("line %d: \"%s\"", line, report.reason.text);
    if (report.reason.cut != cut) fail_msg("line %d: cut is %d", line, report.reason.cut);
    assert_int_equal(report.reason.length, strlen(reason));
}

static void refused_bytes(int line, const char *cbor, size_t length)
{
    ward_report report;
    if (decode(cbor, length, &report) == WARD_OK) fail_msg("line %d: accepted", line);
}

/* Literals, which may hold NUL bytes. */
#define SAYS(cbor, reason, cut)                                                                    \
    says_bytes(__LINE__, cbor, sizeof(cbor) - 1, WARD_HEALTH_DEGRADED, reason, cut)
#define REFUSED(cbor) refused_bytes(__LINE__, cbor, sizeof(cbor) - 1)

static void reads_whole_reports(void **state)
{
    (void)state;
    SAYS("\xa1" DEGRADED, "", false);
    SAYS("\xa2" DEGRADED REASON "\x61r", "r", false);
    SAYS("\xa2" REASON "\x61r" DEGRADED, "r", false);
    SAYS("\xa2" DEGRADED REASON "\xf6", "", false); /* null */
    SAYS("\xa2" DEGRADED REASON "\xf7", "", false); /* undefined */
    SAYS("\xa2" DEGRADED REASON "\xa0", "", false);
    SAYS("\xa2" DEGRADED REASON "\xa1" REASON "\xf6", "", false);
    SAYS("\xa2" DEGRADED REASON "\xbf\x61x\x01" REASON "\x61r\xff", "r", false);
    says_bytes(__LINE__, "\xa2" STATUS "\x67healthy" REASON "\x61r", 25, WARD_HEALTH_HEALTHY, "",
               false);
}

static void reads_lengths_of_any_width(void **state)
{
    (void)state;
    SAYS("\xb8\x01\x78\x06status\x79\x00\x08"
         "degraded",
         "", false);
    SAYS("\xb9\x00\x02" DEGRADED REASON "\x7a\x00\x00\x00\x01r", "r", false);
    SAYS("\xba\x00\x00\x00\x02" DEGRADED REASON "\x7b\x00\x00\x00\x00\x00\x00\x00\x01r", "r",
         false);
    SAYS("\xbb\x00\x00\x00\x00\x00\x00\x00\x01" DEGRADED, "", false);
}

static void reads_indefinite_maps_and_texts(void **state)
{
    (void)state;
    SAYS("\xbf" DEGRADED "\xff", "", false);
    SAYS("\xbf\x7f\x63sta\x63tus\xff\x7f\x61"
         "d\x60\x67"
         "egraded\xff\xff",
         "", false);
    SAYS("\xbf" DEGRADED REASON "\x7f\xff\xff", "", false);
    SAYS("\xbf" DEGRADED REASON "\x7f\x78\x01"
         "a\x61"
         "b\xff\xff",
         "ab", false);
    /* Each chunk is text by itself: a character split over two is ill-formed. */
    SAYS("\xbf" DEGRADED REASON "\x7f\x61\xc3\x61\xa9\xff\xff", FFFD FFFD, false);
    SAYS("\xbf\x7f\x63sta\x64tus!\xff\x01" DEGRADED "\xff", "", false);
    SAYS("\xbf\x7f\x70no key that we l\x62ok\xff\x01" DEGRADED "\xff", "", false);
}

static void steps_over_unknown_keys_of_any_type(void **state)
{
    (void)state;
    SAYS("\xa2\x01\x20" DEGRADED, "", false);
    SAYS("\xa2\x41x\x42yz" DEGRADED, "", false);
    SAYS("\xa2\x82\x01\x02\xa1\x01\x9f\x01\xff" DEGRADED, "", false);
    SAYS("\xa2\xf5\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00" DEGRADED, "", false);
    SAYS("\xa2\xf9\x3c\x00\xfa\x3f\x80\x00\x00" DEGRADED, "", false);
    SAYS("\xa2\x61x\x5f\x41y\x40\xff" DEGRADED, "", false);
    SAYS("\xa2\x61x\xbf\x01\x02\xff" DEGRADED, "", false);
    SAYS("\xa2\x61x\x1b\xff\xff\xff\xff\xff\xff\xff\xff" DEGRADED, "", false);
    SAYS("\xa2\xf8\x20\xf8\xff" DEGRADED, "", false);
    /* Bytes that spell a key are no key. */
    SAYS("\xa2\x46reason\x61r" DEGRADED, "", false);
}

static void steps_over_tags(void **state)
{
    (void)state;
    SAYS("\xd9\xd9\xf7\xa1" DEGRADED, "", false);
    SAYS("\xc1\xc2\xa2\xc3" STATUS "\xd8\x20\x68"
         "degraded\xd8\x21" REASON "\xc0\x61r",
         "r", false);
    SAYS("\xa2" DEGRADED REASON "\xc0\xa1" REASON "\x61r", "r", false);
    SAYS("\xa2\x61x\xc1\x01" DEGRADED, "", false);
    REFUSED("\xc1");
    REFUSED("\xdf\xa1" DEGRADED);
    REFUSED("\xa2" DEGRADED REASON "\x7f\xc1\x61r\xff");
}

static void the_end_of_the_window_cuts_the_reason(void **state)
{
    (void)state;
    SAYS("\xa2" DEGRADED REASON "\x64", "", true);
    SAYS("\xa2" DEGRADED REASON "\x64Hig", "Hig", true);
    SAYS("\xa2" DEGRADED REASON "\x64H\xe2\x82", "H", true);
    SAYS("\xa2" DEGRADED REASON "\x7b\xff\xff\xff\xff\xff\xff\xff\xffHigh", "High", true);
    SAYS("\xa2" DEGRADED REASON "\x7b\x80\x00\x00\x00\x00\x00\x00\x00", "", true);
    SAYS("\xbf" DEGRADED REASON "\x7f", "", true);
    SAYS("\xbf" DEGRADED REASON "\x7f\x64High", "High", true);
    SAYS("\xbf" DEGRADED REASON "\x7f\x64High\x63", "High", true);
    SAYS("\xbf" DEGRADED REASON "\x7f\x64High\x79\x00", "High", true);
    SAYS("\xbf" DEGRADED REASON "\x7f\x64High\x64\xe2\x82", "High", true);
    SAYS("\xa2" DEGRADED REASON "\xa1" REASON "\x64Hig", "Hig", true);
    says_bytes(__LINE__, "\xa2" STATUS "\x67healthy" REASON "\x64r", 25, WARD_HEALTH_HEALTHY, "",
               false);
}

static void the_end_of_the_window_after_the_reason_loses_nothing(void **state)
{
    (void)state;
    SAYS("\xa3" DEGRADED REASON "\x61r", "r", false);
    SAYS("\xbf" DEGRADED REASON "\x61r", "r", false);
    SAYS("\xa3" DEGRADED REASON "\x61r\x61x\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01", "r", false);
    SAYS("\xbb\xff\xff\xff\xff\xff\xff\xff\xff" DEGRADED REASON "\x61r", "r", false);
    SAYS("\xa2" DEGRADED REASON "\xa2" REASON "\x61r", "r", false);
    SAYS("\xa3" REASON "\x61r" DEGRADED, "r", false);
}

static void too_little_is_refused(void **state)
{
    (void)state;
    REFUSED("");
    REFUSED("\xa0");
    REFUSED("\xa1");
    REFUSED("\xb8");
    REFUSED("\xbf");
    REFUSED("\xbf\xff");
    REFUSED("\xa1" STATUS);
    REFUSED("\xa1" STATUS "\x68"
            "degrade");
    REFUSED("\xa2" DEGRADED);
    REFUSED("\xbf" DEGRADED);
    REFUSED("\xa2" DEGRADED REASON);
    REFUSED("\xa2" DEGRADED REASON "\x78");
    REFUSED("\xa2" DEGRADED REASON "\x7b\x00\x00\x00\x00\x00\x00\x00");
    REFUSED("\xa2" DEGRADED REASON "\xa1");
    REFUSED("\xa2" DEGRADED REASON "\xa1" REASON);
    REFUSED("\xbb\xff\xff\xff\xff\xff\xff\xff\xff" DEGRADED);
}

static void malformed_is_refused(void **state)
{
    (void)state;
    REFUSED("\x68"
            "degraded");
    REFUSED("\x81" DEGRADED);
    REFUSED("\xa1" STATUS "\x68"
            "Degraded");
    REFUSED("\xa1" STATUS "\x60");
    REFUSED("\xa1" STATUS "\x01");
    REFUSED("\xa1" STATUS "\x5f\x48"
            "degraded\xff");
    REFUSED("\xa1" STATUS "\x7f\x67"
            "degrade\xff");
    REFUSED("\xa1" STATUS "\x7f\x6d"
            "degradedxxxxx\xff");
    REFUSED("\xa2" DEGRADED REASON "\x41r");
    REFUSED("\xa2" DEGRADED REASON "\x01");
    REFUSED("\xa2" DEGRADED REASON "\xf5");
    REFUSED("\xa2" DEGRADED REASON "\xf8\x16"); /* null in two bytes is no null */
    REFUSED("\xa2" DEGRADED REASON "\x81\x61r");
    REFUSED("\xa2" DEGRADED REASON "\xa1" REASON "\xa1" REASON "\x61r");
    REFUSED("\xbf" DEGRADED REASON "\x7f\x41r\xff\xff");     /* bytes among text chunks */
    REFUSED("\xbf" DEGRADED REASON "\x7f\x7f\x61r\xff\xff"); /* chunks in chunks */
    REFUSED("\xbf" DEGRADED "\x61x\xff");                    /* a key without a value */
    /* What follows a whole reason may be missing, but not wrong. */
    REFUSED("\xa3" DEGRADED REASON "\x61r\x1c");
    REFUSED("\xa3" DEGRADED REASON "\x61r\x61x\xff");
    REFUSED("\xa3" DEGRADED REASON "\x61r\x61x\xf8\x1f");
    REFUSED("\xa3" DEGRADED REASON "\x61r\x61x\xbf\x01\xff");
}

static void reserved_heads_are_refused(void **state)
{
    (void)state;
    for (unsigned major = 0; major < 8; major++) {
        for (unsigned info = 28; info < 32; info++) {
            char cbor[] = "\xa2\x61x\x00\xff" DEGRADED;
            cbor[3] = (char)(major << 5 | info);
            bool fine = info == 31 && major >= 2 && major <= 5;
            if (fine)
                says_bytes(__LINE__, cbor, sizeof cbor - 1, WARD_HEALTH_DEGRADED, "", false);
            else
                refused_bytes(__LINE__, cbor, sizeof cbor - 1);
        }
    }
}

static void of_a_key_that_comes_twice_the_last_counts(void **state)
{
    (void)state;
    SAYS("\xa4" STATUS "\x67healthy" REASON "\x61"
         "a" DEGRADED REASON "\x61"
         "b",
         "b", false);
    SAYS("\xa3" DEGRADED REASON "\x61"
         "a" REASON "\xf6",
         "", false);
    SAYS("\xa3" DEGRADED REASON "\x61"
         "a" REASON "\x62"
         "b",
         "b", true);
    SAYS("\xa3" DEGRADED REASON "\x61"
         "a" STATUS "\x67heal",
         "a", false);
    REFUSED("\xa2" STATUS "\x01" DEGRADED);
}

static void nesting_has_a_bound(void **state)
{
    (void)state;
    static const unsigned char openers[] = {0x81, 0x9f, 0xa1, 0xbf};
    for (size_t kind = 0; kind < WARD_COUNT(openers); kind++) {
        for (unsigned depth = 31; depth <= 32; depth++) {
            char cbor[256] = "\xa2\x61x";
            size_t at = 3;
            bool map = kind >= 2, indefinite = kind % 2 == 1;
            for (unsigned i = 0; i < depth; i++) {
                cbor[at++] = (char)openers[kind];
                if (map) cbor[at++] = 0x01;
            }
            cbor[at++] = 0x00;
            for (unsigned i = 0; i < depth && indefinite; i++) cbor[at++] = '\xff';
            memcpy(cbor + at, DEGRADED, sizeof DEGRADED - 1);
            at += sizeof DEGRADED - 1;
            if (depth == 31)
                says_bytes(__LINE__, cbor, at, WARD_HEALTH_DEGRADED, "", false);
            else
                refused_bytes(__LINE__, cbor, at);
        }
    }
    char deep[512] = "\xa3" DEGRADED REASON "\x61r\x61x";
    size_t at = strlen(deep);
    memset(deep + at, 0x81, 300);
    refused_bytes(__LINE__, deep, at + 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_whole_reports),
        cmocka_unit_test(reads_lengths_of_any_width),
        cmocka_unit_test(reads_indefinite_maps_and_texts),
        cmocka_unit_test(steps_over_unknown_keys_of_any_type),
        cmocka_unit_test(steps_over_tags),
        cmocka_unit_test(the_end_of_the_window_cuts_the_reason),
        cmocka_unit_test(the_end_of_the_window_after_the_reason_loses_nothing),
        cmocka_unit_test(too_little_is_refused),
        cmocka_unit_test(malformed_is_refused),
        cmocka_unit_test(reserved_heads_are_refused),
        cmocka_unit_test(of_a_key_that_comes_twice_the_last_counts),
        cmocka_unit_test(nesting_has_a_bound),
    };
    return cmocka_run_group_tests(tests, pages_new, pages_free);
}
