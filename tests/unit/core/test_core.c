/* The vocabulary: every error and every enum value has its name, and helpers keep to their bounds.
 */
#include "core/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Numbers are part of the ABI: this list may grow and never change. */
static const struct {
    const char *name;
    int number;
} errors[] = {
    {"invalid_argument", 1},
    {"no_memory", 2},
    {"io", 3},
    {"not_found", 4},
    {"state", 5},
    {"busy", 6},
    {"buffer_too_small", 8},
    {"internal", 9},
    {"config", 10},
    {"not_wasm", 20},
    {"truncated", 21},
    {"compile", 22},
    {"import_missing", 25},
    {"export_missing", 26},
    {"export_type", 27},
    {"trap", 40},
    {"deadline", 41},
    {"fuel", 42},
    {"exit", 43},
    {"limit_memory", 44},
    {"limit_table", 45},
    {"limit_components", 46},
    {"limit_compile", 47},
    {"interrupted", 48},
    {"frame_empty", 60},
    {"frame_truncated", 61},
    {"frame_too_large", 62},
    {"frame_unsupported", 63},
    {"frame_payload", 64},
    {"cycle", 80},
    {"duplicate", 81},
    {"mailbox_full", 100},
    {"mailbox_timeout", 101},
    {"would_block", 102},
    {"actor_gone", 103},
    {"message_expired", 104},
    {"message_dropped", 105},
    {"undelivered", 106},
    {"unanswered", 107},
    {"reply_timeout", 108},
    {"denied", 109},
};

static void every_error_keeps_its_number_and_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(errors); i++)
        assert_string_equal(ward_error_name((ward_error)errors[i].number), errors[i].name);
    size_t named = 0;
    for (int number = -1; number < 1000; number++)
        if (strcmp(ward_error_name((ward_error)number), "unknown") != 0) named++;
    assert_int_equal(named, WARD_COUNT(errors) + 1); /* and WARD_OK */
}

static void every_error_says_what_people_and_surfaces_need(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(errors); i++) {
        ward_error error = (ward_error)errors[i].number;
        int http = ward_error_http_status(error), grpc = ward_error_grpc_status(error);
        if (http < 400 || http > 599) fail_msg("%s: HTTP %d", errors[i].name, http);
        if (grpc < 1 || grpc > 16) fail_msg("%s: gRPC %d", errors[i].name, grpc);
        ward_error_class class_of = ward_error_class_of(error);
        if (class_of <= WARD_ERROR_CLASS_NONE || class_of > WARD_ERROR_CLASS_BUG)
            fail_msg("%s: class %d", errors[i].name, (int)class_of);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(errors[i].name, errors[k].name);
            assert_int_not_equal(errors[i].number, errors[k].number);
            assert_string_not_equal(ward_error_text(error),
                                    ward_error_text((ward_error)errors[k].number));
        }
        assert_true(strlen(ward_error_text(error)) > 3);
    }
    assert_int_equal(ward_error_class_of(WARD_ERROR_TRAP), WARD_ERROR_CLASS_GUEST);
    assert_int_equal(ward_error_class_of(WARD_ERROR_BUSY), WARD_ERROR_CLASS_RETRY);
    assert_int_equal(ward_error_http_status(WARD_ERROR_NOT_FOUND), 404);
    assert_int_equal(ward_error_grpc_status(WARD_ERROR_DEADLINE), 4);
    assert_string_equal(ward_error_text(WARD_ERROR_FRAME_PAYLOAD),
                        "Failed to deserialize HealthStatus (tried Borsh, CBOR, JSON)");
}

static void ok_and_unknown_numbers(void **state)
{
    (void)state;
    assert_string_equal(ward_error_name(WARD_OK), "ok");
    assert_string_equal(ward_error_text(WARD_OK), "ok");
    assert_int_equal(ward_error_class_of(WARD_OK), WARD_ERROR_CLASS_NONE);
    assert_int_equal(ward_error_http_status(WARD_OK), 200);
    assert_int_equal(ward_error_grpc_status(WARD_OK), 0);
    ward_error other = (ward_error)12345;
    assert_string_equal(ward_error_name(other), "unknown");
    assert_string_equal(ward_error_text(other), "unknown error");
    assert_int_equal(ward_error_class_of(other), WARD_ERROR_CLASS_BUG);
    assert_int_equal(ward_error_http_status(other), 500);
    assert_int_equal(ward_error_grpc_status(other), 13);
}

/* Checks a name function against the words for 0, 1, …, and that there are no more. */
#define NAMES_ARE(function, type, ...)                                                             \
    do {                                                                                           \
        static const char *const words[] = {__VA_ARGS__};                                          \
        for (size_t i = 0; i < WARD_COUNT(words); i++)                                             \
            assert_string_equal(function((type)i), words[i]);                                      \
        assert_string_equal(function((type)WARD_COUNT(words)), "unknown");                         \
        assert_string_equal(function((type)-1), "unknown");                                        \
    } while (0)

static void every_enum_value_has_a_name(void **state)
{
    (void)state;
    NAMES_ARE(ward_state_name, ward_state, "creating", "starting", "ready", "stopping",
              "terminated", "failed");
    NAMES_ARE(ward_health_name, ward_health, "healthy", "degraded", "unhealthy");
    NAMES_ARE(ward_child_health_name, ward_child_health, "healthy", "degraded", "failed");
    NAMES_ARE(ward_source_name, ward_source, "state", "probe", "resource", "policy");
    NAMES_ARE(ward_probe_error_name, ward_probe_error, "ok", "timeout", "trap", "return_value",
              "pointer", "prefix_empty", "prefix_truncated", "prefix_too_large",
              "prefix_unsupported", "payload");
    NAMES_ARE(ward_resource_name, ward_resource, "memory", "growths_refused", "fuel", "traps",
              "restarts", "busy", "mailbox");
    assert_string_equal(ward_state_name((ward_state)WARD_STATE_COUNT), "unknown");
    assert_string_not_equal(ward_state_name((ward_state)(WARD_STATE_COUNT - 1)), "unknown");
    assert_string_equal(ward_health_name((ward_health)WARD_HEALTH_COUNT), "unknown");
    assert_string_equal(ward_source_name((ward_source)WARD_SOURCE_COUNT), "unknown");
    assert_string_equal(ward_probe_error_name((ward_probe_error)WARD_PROBE_ERROR_COUNT), "unknown");
    assert_string_equal(ward_resource_name((ward_resource)WARD_RESOURCE_COUNT), "unknown");
}

static void health_maps_both_ways(void **state)
{
    (void)state;
    assert_int_equal(ward_child_health_from(WARD_HEALTH_HEALTHY), WARD_CHILD_HEALTHY);
    assert_int_equal(ward_child_health_from(WARD_HEALTH_DEGRADED), WARD_CHILD_DEGRADED);
    assert_int_equal(ward_child_health_from(WARD_HEALTH_UNHEALTHY), WARD_CHILD_FAILED);
    for (int i = 0; i < WARD_HEALTH_COUNT; i++)
        assert_int_equal(ward_health_from(ward_child_health_from((ward_health)i)), i);
    /* What is not known is not called well. */
    assert_int_equal(ward_child_health_from((ward_health)77), WARD_CHILD_FAILED);
    assert_int_equal(ward_health_from((ward_child_health)77), WARD_HEALTH_UNHEALTHY);
}

static void failing_fills_the_diag(void **state)
{
    (void)state;
    ward_diag diag;
    assert_int_equal(wardi_fail(&diag, WARD_ERROR_BUSY, "%s is %d", "x", 7), WARD_ERROR_BUSY);
    assert_int_equal(diag.error, WARD_ERROR_BUSY);
    assert_string_equal(diag.text, "x is 7");
    /* Its own text may be among the arguments. */
    wardi_fail(&diag, WARD_ERROR_IO, "reading: %s", diag.text);
    assert_string_equal(diag.text, "reading: x is 7");
    assert_int_equal(wardi_fail(NULL, WARD_ERROR_IO, "%s", "nobody reads this"), WARD_ERROR_IO);
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    wardi_fail(&diag, WARD_ERROR_IO, "%s", long_text);
    assert_int_equal(strlen(diag.text), sizeof diag.text - 1);
}

static void reasons_are_cut_at_whole_characters(void **state)
{
    (void)state;
    ward_reason reason, copy;
    memset(&copy, 0xa5, sizeof copy);
    wardi_reason_set(&reason, "High latency");
    assert_string_equal(reason.text, "High latency");
    assert_int_equal(reason.length, 12);
    assert_false(reason.cut);
    wardi_reason_copy(&copy, &reason);
    assert_memory_equal(copy.text, "High latency", 13);
    assert_int_equal((unsigned char)copy.text[13], 0xa5); /* no more than needed */
    char long_text[300];
    memset(long_text, 'x', 253);
    strcpy(long_text + 253, "表end");
    wardi_reason_set(&reason, long_text);
    assert_int_equal(reason.length, 253);
    assert_true(reason.cut);
    wardi_reason_copy(&copy, &reason);
    assert_true(copy.cut);
    wardi_reason_printf(&reason, "%d%%", 93);
    assert_string_equal(reason.text, "93%");
    assert_int_equal(reason.length, 3);
    assert_false(reason.cut);
    wardi_reason_printf(&reason, "%s", long_text);
    assert_int_equal(reason.length, 253);
    assert_true(reason.cut);
}

static void names_are_words(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "A9", "a.b_c-d", "_x", "9"};
    static const char *const bad[] = {"",    ".a", "-a",  "a b", "a/b",
                                      "a:b", "é",  "a\n", "a\\", "a\"b"};
    for (size_t i = 0; i < WARD_COUNT(good); i++) assert_true(wardi_name_valid(good[i]));
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        if (wardi_name_valid(bad[i])) fail_msg("\"%s\" is valid", bad[i]);
    assert_false(wardi_name_valid(NULL));
    char name[130];
    memset(name, 'x', sizeof name);
    name[127] = '\0';
    assert_true(wardi_name_valid(name));
    name[127] = 'x';
    name[128] = '\0';
    assert_false(wardi_name_valid(name));
}

typedef struct options_v2 {
    size_t size;
    uint32_t a, b;
    uint64_t later;
} options_v2;

/* What an older caller has of options_v2. */
enum { V1_BYTES = offsetof(options_v2, later) };

static void sized_options_work_across_versions(void **state)
{
    (void)state;
    options_v2 from = {.size = V1_BYTES, .a = 1, .b = 2, .later = 99};
    options_v2 to;
    memset(&to, 0xa5, sizeof to);
    assert_true(wardi_options_copy(&to, sizeof to, &from, V1_BYTES)); /* an older caller */
    assert_int_equal(to.b, 2);
    assert_int_equal(to.later, 0);
    memset(&to, 0xa5, sizeof to);
    assert_true(wardi_options_copy(&to, sizeof to, &from, sizeof from)); /* the same version */
    assert_int_equal(to.later, 99);
    memset(&to, 0xa5, sizeof to);
    assert_false(wardi_options_copy(&to, V1_BYTES, &from, sizeof from)); /* a newer one */
    from.later = 0;
    assert_true(wardi_options_copy(&to, V1_BYTES, &from, sizeof from)); /* that asks nothing new */
    assert_int_equal(to.a, 1);
    assert_true(to.later == UINT64_C(0xa5a5a5a5a5a5a5a5));
    assert_false(wardi_options_copy(&to, sizeof to, &from, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_keeps_its_number_and_name),
        cmocka_unit_test(every_error_says_what_people_and_surfaces_need),
        cmocka_unit_test(ok_and_unknown_numbers),
        cmocka_unit_test(every_enum_value_has_a_name),
        cmocka_unit_test(health_maps_both_ways),
        cmocka_unit_test(failing_fills_the_diag),
        cmocka_unit_test(reasons_are_cut_at_whole_characters),
        cmocka_unit_test(names_are_words),
        cmocka_unit_test(sized_options_work_across_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
