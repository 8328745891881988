/* JSON payloads beyond the vectors: hostile, cut, doubled, nested. Each case runs against a guard
 * page. */
#include "codec/codec.h"
#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define FFFD "\xef\xbf\xbd"
#define D "{\"status\":\"degraded\","

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

static ward_error decode(const char *json, ward_report *report)
{
    const uint8_t *at = guard_copy(&pages, json, strlen(json));
    return wardi_json_decode(at, strlen(json), report);
}

static void says(const char *json, ward_health status, const char *reason, bool cut)
{
    ward_report report;
    memset(&report, 0xa5, sizeof report);
    if (decode(json, &report) != WARD_OK) fail_msg("refused: %s", json);
    if (report.status != status) fail_msg("%s: %s", json, ward_health_name(report.status));
    if (strcmp(report.reason.text, reason) != 0) fail_msg("%s: \"%s\"", json, report.reason.text);
    if (report.reason.cut != cut) fail_msg("%s: cut is %d", json, report.reason.cut);
    assert_int_equal(report.reason.length, strlen(reason));
}

static void refused(const char *json)
{
    ward_report report;
    if (decode(json, &report) == WARD_OK) fail_msg("accepted: %s", json);
}

static void reads_whole_reports(void **state)
{
    (void)state;
    says("{\"status\":\"healthy\"}", WARD_HEALTH_HEALTHY, "", false);
    says("{\"status\":\"healthy\",\"reason\":\"ignored\"}", WARD_HEALTH_HEALTHY, "", false);
    says(D "\"reason\":\"r\"}", WARD_HEALTH_DEGRADED, "r", false);
    says("{\"reason\":\"r\",\"status\":\"unhealthy\"}", WARD_HEALTH_UNHEALTHY, "r", false);
    says("{\"status\":\"degraded\"}", WARD_HEALTH_DEGRADED, "", false);
    says(" \t\r\n{ \"status\" : \"degraded\" , \"reason\" : null } x", WARD_HEALTH_DEGRADED, "",
         false);
    says(D "\"reason\":{}}", WARD_HEALTH_DEGRADED, "", false);
    says(D "\"reason\":{\"reason\":null}}", WARD_HEALTH_DEGRADED, "", false);
    says(D "\"reason\":{\"at\":[1],\"reason\":\"r\",\"x\":{}}}", WARD_HEALTH_DEGRADED, "r", false);
}

static void reads_every_escape(void **state)
{
    (void)state;
    says(D "\"reason\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\"}", WARD_HEALTH_DEGRADED,
         "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac", false);
    says(D "\"reason\":\"a\\uD83D\\uDD25b\"}", WARD_HEALTH_DEGRADED,
         "a\xf0\x9f\x94\xa5"
         "b",
         false);
    says(D "\"reason\":\"\\ud800\\udc00\\udbff\\udfff\"}", WARD_HEALTH_DEGRADED,
         "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", false);
    says("{\"st\\u0061tus\":\"d\\u0065graded\",\"\\u0072eason\":\"r\"}", WARD_HEALTH_DEGRADED, "r",
         false);
    says(D "\"rea\\u0073o\\u00e9\":\"no\",\"reasons\\n\":1}", WARD_HEALTH_DEGRADED, "", false);
    says(D "\"a\\nlong key that is no key of ours\":\"\\n\"}", WARD_HEALTH_DEGRADED, "", false);
}

static void half_pairs_are_replaced(void **state)
{
    (void)state;
    says(D "\"reason\":\"\\ud83d\"}", WARD_HEALTH_DEGRADED, FFFD, false);
    says(D "\"reason\":\"\\udd25\"}", WARD_HEALTH_DEGRADED, FFFD, false);
    says(D "\"reason\":\"\\ud83dx\"}", WARD_HEALTH_DEGRADED, FFFD "x", false);
    says(D "\"reason\":\"\\ud83d\\n\"}", WARD_HEALTH_DEGRADED, FFFD "\n", false);
    says(D "\"reason\":\"\\ud83d\\u0041\"}", WARD_HEALTH_DEGRADED, FFFD "A", false);
    says(D "\"reason\":\"\\ud83d\\ue000\"}", WARD_HEALTH_DEGRADED, FFFD "\xee\x80\x80", false);
    says(D "\"reason\":\"\\ud83d\\ud83d\\udd25\"}", WARD_HEALTH_DEGRADED, FFFD "\xf0\x9f\x94\xa5",
         false);
    says(D "\"reason\":\"\\ud83dabcdef\"}", WARD_HEALTH_DEGRADED, FFFD "abcdef", false);
}

static void ill_formed_utf8_is_replaced_between_escapes(void **state)
{
    (void)state;
    says(D "\"reason\":\"a\xff\\n\xe2\x82\\n\xc3\xa9\"}", WARD_HEALTH_DEGRADED,
         "a" FFFD "\n" FFFD "\n\xc3\xa9", false);
    says(D "\"\xff\":\"\xff\",\"reason\":\"r\"}", WARD_HEALTH_DEGRADED, "r", false);
}

static void the_end_of_the_window_cuts_the_reason(void **state)
{
    (void)state;
    says(D "\"reason\":\"", WARD_HEALTH_DEGRADED, "", true);
    says(D "\"reason\":\"High", WARD_HEALTH_DEGRADED, "High", true);
    says(D "\"reason\":\"High\\", WARD_HEALTH_DEGRADED, "High", true);
    says(D "\"reason\":\"High\\u", WARD_HEALTH_DEGRADED, "High", true);
    says(D "\"reason\":\"High\\u00e", WARD_HEALTH_DEGRADED, "High", true);
    says(D "\"reason\":\"High\\u00e9", WARD_HEALTH_DEGRADED, "High\xc3\xa9", true);
    says(D "\"reason\":\"High\\ud83d", WARD_HEALTH_DEGRADED, "High", true);
    says(D "\"reason\":\"High\\ud83d\\udd2", WARD_HEALTH_DEGRADED, "High", true);
    says(D "\"reason\":\"High\\ud83d\\udd25", WARD_HEALTH_DEGRADED, "High\xf0\x9f\x94\xa5", true);
    says(D "\"reason\":\"High\\n\xe2\x82", WARD_HEALTH_DEGRADED, "High\n", true);
    says(D "\"reason\":\"High\xe2\x82", WARD_HEALTH_DEGRADED, "High", true);
    says(D "\"reason\":{\"reason\":\"High", WARD_HEALTH_DEGRADED, "High", true);
    says("{\"status\":\"healthy\",\"reason\":\"High", WARD_HEALTH_HEALTHY, "", false);
}

/* A reason that is whole is not marked, even when the object's end is lost. */
static void the_end_of_the_window_after_the_reason_loses_nothing(void **state)
{
    (void)state;
    says(D "\"reason\":\"High\"", WARD_HEALTH_DEGRADED, "High", false);
    says(D "\"reason\":\"High\",\"more\":[1,{\"x\":", WARD_HEALTH_DEGRADED, "High", false);
    says(D "\"reason\":{\"reason\":\"High\"", WARD_HEALTH_DEGRADED, "High", false);
    says(D "\"reason\":{\"reason\":\"High\"}", WARD_HEALTH_DEGRADED, "High", false);
    says(D "\"reason\":null", WARD_HEALTH_DEGRADED, "", false);
    says("{\"reason\":\"High\",\"status\":\"degraded\"", WARD_HEALTH_DEGRADED, "High", false);
}

static void too_little_is_refused(void **state)
{
    (void)state;
    const char *rows[] = {"",
                          " ",
                          "{",
                          "{}",
                          "{\"",
                          "{\"status\"",
                          "{\"status\":",
                          "{\"status\":\"degr",
                          "{\"status\":\"degraded\"",
                          D,
                          D "\"reason",
                          D "\"reason\"",
                          D "\"reason\":",
                          D "\"reason\":nul",
                          D "\"reason\":{",
                          D "\"reason\":{\"reason\":",
                          "{\"reason\":\"High\",\"status\":\"degrad",
                          "{\"reason\":\"High"};
    for (size_t i = 0; i < WARD_COUNT(rows); i++) refused(rows[i]);
}

static void malformed_is_refused(void **state)
{
    (void)state;
    const char *rows[] = {
        "[]",
        "\"degraded\"",
        "{status:\"degraded\"}",
        "{\"status\":\"Degraded\"}",
        "{\"status\":\"degradedd\"}",
        "{\"status\":\"\"}",
        "{\"status\":null}",
        "{\"status\":{\"status\":\"degraded\"}}",
        "{\"status\":\"degraded\",}",
        "{\"status\":\"degraded\" \"reason\":\"r\"}",
        "{\"status\" \"degraded\"}",
        D "\"reason\":1}",
        D "\"reason\":true}",
        D "\"reason\":[\"r\"]}",
        D "\"reason\":{\"reason\":{\"reason\":\"r\"}}}",
        D "\"reason\":{\"reason\":1}}",
        D "\"reason\":\"\\x41\"}",
        D "\"reason\":\"\\u004g\"}",
        D "\"reason\":\"a\nb\"}",
        D "\"reason\":\"r\",}",
        D "\"reason\":\"r\"]",
        D "\"reason\":\"r\",\"x\":nulk}",
        D "\"reason\":\"r\",\"x\":[1,]}",
        D "\"reason\":\"r\",\"x\":[1}",
        D "\"reason\":\"r\",\"x\":{\"y\"}}",
        D "\"reason\":\"r\",\"x\":{1:2}}",
        D "\"reason\":\"r\",\"x\":\"\\q\"}",
        D "\"reason\":\"r\",\"x\":'y'}",
        "\xef\xbb\xbf{\"status\":\"healthy\"}",
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) refused(rows[i]);
}

static void numbers_follow_the_grammar(void **state)
{
    (void)state;
    const char *good[] = {"0", "-0", "1", "10", "-1.5", "0.0", "1e5", "1E+5", "1.25e-10", "1e999"};
    const char *bad[] = {"01", "+1", "-", ".5", "1.", "1.e1", "1e", "1e+", "0x1", "--1", "NaN"};
    char json[128];
    for (size_t i = 0; i < WARD_COUNT(good); i++) {
        snprintf(json, sizeof json, "{\"x\":%s,\"status\":\"degraded\"}", good[i]);
        says(json, WARD_HEALTH_DEGRADED, "", false);
    }
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        snprintf(json, sizeof json, "{\"x\":%s,\"status\":\"degraded\"}", bad[i]);
        refused(json);
    }
}

static void of_a_key_that_comes_twice_the_last_counts(void **state)
{
    (void)state;
    says("{\"status\":\"healthy\",\"status\":\"unhealthy\",\"reason\":\"a\",\"reason\":\"b\"}",
         WARD_HEALTH_UNHEALTHY, "b", false);
    says(D "\"reason\":\"a\",\"reason\":null}", WARD_HEALTH_DEGRADED, "", false);
    says(D "\"reason\":\"a\",\"reason\":\"", WARD_HEALTH_DEGRADED, "", true);
    says(D "\"reason\":\"a\",\"status\":\"heal", WARD_HEALTH_DEGRADED, "a", false);
    refused("{\"status\":1,\"status\":\"healthy\"}");
}

static void nesting(char *json, size_t capacity, unsigned depth, bool objects)
{
    wardi_text text = wardi_text_on(json, capacity);
    wardi_text_puts(&text, "{\"x\":");
    for (unsigned i = 0; i < depth; i++) wardi_text_puts(&text, objects ? "{\"y\":" : "[");
    wardi_text_puts(&text, "0");
    for (unsigned i = 0; i < depth; i++) wardi_text_puts(&text, objects ? "}" : "]");
    wardi_text_puts(&text, ",\"status\":\"degraded\"}");
    assert_false(text.cut);
}

static void nesting_has_a_bound(void **state)
{
    (void)state;
    char json[1024];
    for (unsigned objects = 0; objects < 2; objects++) {
        nesting(json, sizeof json, 31, objects != 0);
        says(json, WARD_HEALTH_DEGRADED, "", false);
        nesting(json, sizeof json, 32, objects != 0);
        refused(json);
    }
    /* A whole reason does not excuse what is wrong, only what is missing. */
    char deep[512] = D "\"reason\":\"r\",\"x\":";
    memset(deep + strlen(deep), '[', 300);
    refused(deep);
}

/* Control characters, quotes and backslashes at every offset of a word-wise scan. */
static void every_byte_at_every_offset(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        for (unsigned at = 0; at < 19; at++) {
            char json[64] = D "\"reason\":\"", text[32];
            memset(text, 'x', 20);
            text[at] = (char)c;
            text[20] = '\0';
            strcat(strcat(json, text), "\"}");
            if (c == '"' || c == '\\' || c < 0x20) {
                refused(json);
                continue;
            }
            char wanted[64] = "";
            memcpy(wanted, text, at);
            if (c >= 0x80)
                strcat(wanted, FFFD);
            else
                wanted[at] = (char)c;
            strcat(wanted, text + at + 1);
            says(json, WARD_HEALTH_DEGRADED, wanted, false);
        }
    }
}

static void a_nul_is_part_of_a_reason_only_when_escaped(void **state)
{
    (void)state;
    static const char json[] = D "\"reason\":\"a\0b\"}";
    ward_report report;
    assert_int_equal(wardi_json_decode((const uint8_t *)json, sizeof json - 1, &report),
                     WARD_ERROR_FRAME_PAYLOAD);
    assert_int_equal(decode(D "\"reason\":\"a\\u0000b\"}", &report), WARD_OK);
    assert_int_equal(report.reason.length, 3);
    assert_memory_equal(report.reason.text, "a\0b", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_whole_reports),
        cmocka_unit_test(reads_every_escape),
        cmocka_unit_test(half_pairs_are_replaced),
        cmocka_unit_test(ill_formed_utf8_is_replaced_between_escapes),
        cmocka_unit_test(the_end_of_the_window_cuts_the_reason),
        cmocka_unit_test(the_end_of_the_window_after_the_reason_loses_nothing),
        cmocka_unit_test(too_little_is_refused),
        cmocka_unit_test(malformed_is_refused),
        cmocka_unit_test(numbers_follow_the_grammar),
        cmocka_unit_test(of_a_key_that_comes_twice_the_last_counts),
        cmocka_unit_test(nesting_has_a_bound),
        cmocka_unit_test(every_byte_at_every_offset),
        cmocka_unit_test(a_nul_is_part_of_a_reason_only_when_escaped),
    };
    return cmocka_run_group_tests(tests, pages_new, pages_free);
}
