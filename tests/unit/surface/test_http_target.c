/* Targets and header values, without a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "surface/http.h"

static http_fault read_target(const char *text, http_target *target)
{
    static char bytes[9000];
    const char *why = NULL;
    WARD_ASSERT(strlen(text) < sizeof bytes);
    strcpy(bytes, text);
    http_fault fault = http_target_read(bytes, target, &why);
    assert_int_equal(fault != HTTP_TARGET_OK, why != NULL);
    return fault;
}

static void paths_are_split_and_decoded(void **state)
{
    http_target t;
    (void)state;
    assert_int_equal(read_target("/components/a%2Eb/livez?x=%31+2&y&&=3&x=4#frag?z", &t),
                     HTTP_TARGET_OK);
    assert_int_equal(t.segment_count, 3);
    assert_string_equal(t.segments[1], "a.b");
    assert_int_equal(t.param_count, 4);
    assert_string_equal(http_target_param(&t, "x"), "1 2");
    assert_string_equal(http_target_param(&t, "y"), "");
    assert_string_equal(http_target_param(&t, ""), "3");
    assert_null(http_target_param(&t, "z"));
    assert_int_equal(read_target("/", &t), HTTP_TARGET_OK);
    assert_int_equal(t.segment_count, 1);
    assert_string_equal(t.segments[0], "");
    assert_int_equal(read_target("http://h/livez", &t), HTTP_TARGET_OK);
    assert_string_equal(t.segments[0], "livez");
    /* An encoded slash parts nothing, a plus in a path is one. */
    assert_int_equal(read_target("/a%2fb+c", &t), HTTP_TARGET_OK);
    assert_string_equal(t.segments[0], "a/b+c");
    assert_int_equal(read_target("/1/2/3/4/5/6/7/8/9", &t), HTTP_TARGET_NOT_FOUND);
}

static void nonsense_is_malformed(void **state)
{
    static const char *const wrong[] = {"",        "x",    "http://h",   "/%",  "/%0",
                                        "/%00",    "/%gg", "/%80",       "/?%", "/?a=%ff",
                                        "/%c0%af", "*",    "/%ed%a0%80", "?a"};
    http_target t;
    char many[400] = "/?";
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++)
        if (read_target(wrong[i], &t) != HTTP_TARGET_MALFORMED) fail_msg("%s", wrong[i]);
    for (int i = 0; i < HTTP_PARAMS_MAX; i++) strcat(many, "a&");
    assert_int_equal(read_target(many, &t), HTTP_TARGET_OK);
    assert_int_equal(t.param_count, HTTP_PARAMS_MAX);
    strcat(many, "a");
    assert_int_equal(read_target(many, &t), HTTP_TARGET_MALFORMED);
}

static void ids_of_events_are_read_strictly(void **state)
{
    static const char *const wrong[] = {"",
                                        "-",
                                        "1",
                                        "1-",
                                        "-1",
                                        "1-2 ",
                                        " 1-2",
                                        "1--2",
                                        "1-2-3",
                                        "0x1-2",
                                        "+1-2",
                                        "99999999999999999999-1",
                                        "1-99999999999999999999"};
    uint64_t run = 0, sequence = 0;
    (void)state;
    assert_true(http_event_id_read("3-17", &run, &sequence));
    assert_int_equal(run, 3);
    assert_int_equal(sequence, 17);
    for (size_t i = 0; i < WARD_COUNT(wrong); i++)
        if (http_event_id_read(wrong[i], &run, &sequence)) fail_msg("%s", wrong[i]);
}

static void times_are_ago_or_of_rfc_3339(void **state)
{
    static const char *const wrong[] = {"",
                                        "1",
                                        "h",
                                        "1x",
                                        "-1s",
                                        "1h ",
                                        "2026-12-01",
                                        "2026-12-01T08:00:00",
                                        "2026-13-01T08:00:00Z",
                                        "2026-12-01T08:00:00.Z",
                                        "2026-12-01T08:00:00+0100",
                                        "1969-12-31T23:59:59Z",
                                        "99999999999999999999s",
                                        "9999999999d"};
    const uint64_t now = UINT64_C(1796112000) * WARDI_S; /* 2026-12-01T08:00:00Z */
    uint64_t at = 0;
    (void)state;
    assert_true(http_time_read("2026-12-01T08:00:00Z", now, &at));
    assert_int_equal(at, now);
    assert_true(http_time_read("2026-12-01t09:30:00.25+01:30", now, &at));
    assert_int_equal(at, now + WARDI_S / 4);
    assert_true(http_time_read("1h30m", now, &at));
    assert_int_equal(at, now - 5400 * WARDI_S);
    assert_true(http_time_read("99d", 5, &at));
    assert_int_equal(at, 1);
    for (size_t i = 0; i < WARD_COUNT(wrong); i++)
        if (http_time_read(wrong[i], now, &at)) fail_msg("%s", wrong[i]);
}

static void an_accept_header_names_a_type_or_not(void **state)
{
    static const char type[] = "application/health+json";
    static const char *const yes[] = {"application/health+json", "Application/Health+JSON",
                                      "text/plain, application/health+json;q=0.1",
                                      "application/health+json ; charset=utf-8"};
    static const char *const no[] = {"",
                                     "*/*",
                                     "application/*",
                                     "application/health+jsonx",
                                     "application/health+json;q=0",
                                     ",,;",
                                     "application/health+json; q=0.000"};
    (void)state;
    assert_false(http_accept_names(NULL, type));
    for (size_t i = 0; i < WARD_COUNT(yes); i++)
        if (!http_accept_names(yes[i], type)) fail_msg("%s", yes[i]);
    for (size_t i = 0; i < WARD_COUNT(no); i++)
        if (http_accept_names(no[i], type)) fail_msg("%s", no[i]);
}

static void json_is_escaped_and_never_broken(void **state)
{
    http_text text = {0};
    (void)state;
    http_json_open(&text, '{');
    http_json_key(&text, "a");
    http_json_bytes(&text, "\"\\\n\x01\x7f\xff\0z\xe2\x82\xac{", 12);
    http_json_key_time(&text, "t", UINT64_C(1796112000000001000));
    http_json_key_time(&text, "n", 0);
    http_json_key(&text, "l");
    http_json_open(&text, '[');
    http_json_double(&text, 0.5);
    http_json_i64(&text, -1);
    http_json_bool(&text, true);
    http_json_close(&text, ']');
    http_json_close(&text, '}');
    assert_string_equal(text.bytes,
                        "{\"a\":\"\\\"\\\\\\n\\u0001\\u007f\xef\xbf\xbd\\u0000z\xe2\x82\xac{\","
                        "\"t\":\"2026-12-01T08:00:00.000001Z\",\"n\":null,\"l\":[0.5,-1,true]}");
    http_text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_split_and_decoded),
        cmocka_unit_test(nonsense_is_malformed),
        cmocka_unit_test(ids_of_events_are_read_strictly),
        cmocka_unit_test(times_are_ago_or_of_rfc_3339),
        cmocka_unit_test(an_accept_header_names_a_type_or_not),
        cmocka_unit_test(json_is_escaped_and_never_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
