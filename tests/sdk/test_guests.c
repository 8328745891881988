/* tests/guests/sdk_guest.c, built every way the SDK promises, in the real engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <ward/ward.h>

static ward_host *host;

static int open_host(void **state)
{
    (void)state;
    ward_host_options options = WARD_INIT(ward_host_options);
    options.cache_directory = "";
    return ward_host_open(&options, &host, NULL);
}

static int close_host(void **state)
{
    (void)state;
    ward_host_close(host);
    return 0;
}

static ward_component *start(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.wasm", GUESTS_DIR, name);
    ward_component_options options = WARD_INIT(ward_component_options);
    options.name = name;
    options.path = path;
    ward_component *component = NULL;
    ward_diag diag = {WARD_OK, ""};
    ward_error error = ward_component_new(host, &options, &component, &diag);
    if (!error) error = ward_component_start(component, &diag);
    if (error) fail_msg("%s: %s", name, diag.text);
    return component;
}

static void set(ward_component *component, int situation, double figure)
{
    ward_value args[2] = {{.kind = WARD_I32, .of.i32 = situation},
                          {.kind = WARD_F64, .of.f64 = figure}};
    size_t count = 0;
    ward_diag diag = {WARD_OK, ""};
    if (ward_component_call(component, "set", args, 2, NULL, &count, 0, &diag) != WARD_OK)
        fail_msg("%s", diag.text);
}

static void assert_verdict(ward_component *component, ward_child_health health, const char *reason)
{
    ward_verdict verdict;
    ward_component_check(component, &verdict);
    assert_string_equal(verdict.reason.text, reason);
    assert_int_equal(verdict.health, health);
    assert_int_equal(verdict.source, WARD_SOURCE_PROBE);
    assert_int_equal(verdict.probe_error, WARD_PROBE_OK);
}

static void assert_reasons(ward_component *component)
{
    char zeros[WARD_REASON_BYTES_MAX];
    memset(zeros, '0', sizeof zeros);
    memcpy(zeros + 246, "…", sizeof "…");

    assert_verdict(component, WARD_CHILD_DEGRADED, "initialised, not yet set");
    set(component, 0, 0);
    assert_verdict(component, WARD_CHILD_HEALTHY, "");
    set(component, 2, 93.26);
    assert_verdict(component, WARD_CHILD_DEGRADED, "disk 93.3% full, -3 of 4 writers, 0xff");
    set(component, 3, 0);
    assert_verdict(component, WARD_CHILD_FAILED, "データベース接続不可 -9000000000");
    set(component, 4, 0);
    assert_verdict(component, WARD_CHILD_DEGRADED, zeros);
    set(component, 5, 0);
    assert_verdict(component, WARD_CHILD_DEGRADED, "");
    set(component, 77, 0);
    assert_verdict(component, WARD_CHILD_FAILED, "situation 77");
}

static void assert_trap_is_survived(ward_component *component)
{
    ward_verdict verdict;
    set(component, 6, 0);
    ward_component_check(component, &verdict);
    assert_int_equal(verdict.probe_error, WARD_PROBE_TRAP);
    assert_int_equal(verdict.health, WARD_CHILD_DEGRADED);
    set(component, 0, 0);
    assert_verdict(component, WARD_CHILD_HEALTHY, "");
}

static void assert_bytes(ward_component *component)
{
    uint8_t answer[1024], message[1025] = "hello, wörld";
    size_t length = 0;
    ward_diag diag = {WARD_OK, ""};
    if (ward_component_call_bytes(component, "shout", message, 13, answer, sizeof answer, &length,
                                  0, &diag) != WARD_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(length, 13);
    assert_memory_equal(answer, "HELLO, WöRLD", 13);
    assert_int_equal(ward_component_call_bytes(component, "shout", message, 1024, answer,
                                               sizeof answer, &length, 0, &diag),
                     WARD_OK);
    assert_int_equal(length, 1024);
    /* the inbox holds 1024 bytes */
    assert_int_not_equal(ward_component_call_bytes(component, "shout", message, 1025, answer,
                                                   sizeof answer, &length, 0, &diag),
                         WARD_OK);
}

/* And a second start begins anew. */
static void assert_cleanup_runs(ward_component *component)
{
    assert_int_equal(ward_component_start(component, NULL), WARD_OK);
    assert_verdict(component, WARD_CHILD_DEGRADED, "initialised, not yet set");
    set(component, 8, 0);
    assert_int_equal(ward_component_stop(component, NULL), WARD_ERROR_TRAP);
}

static void test_guest(void **state)
{
    const char *name = *state;
    ward_component *component = start(name);
    ward_module_info info;
    assert_int_equal(ward_component_module_info(component, &info), WARD_OK);
    assert_int_equal(info.health_form,
                     strstr(name, "i32") != NULL ? WARD_HEALTH_FORM_I32 : WARD_HEALTH_FORM_I64);
    if (strstr(name, "none") != NULL) {
        assert_int_equal(info.import_count, 0);
        assert_true(info.fast_path);
    }
    assert_reasons(component);
    assert_trap_is_survived(component);
    assert_bytes(component);
    assert_int_equal(ward_component_stop(component, NULL), WARD_OK);
    assert_cleanup_runs(component);
    ward_component_free(component);
}

static void test_tiny(void **state)
{
    (void)state;
    ward_component *component = start("sdk_tiny");
    assert_verdict(component, WARD_CHILD_HEALTHY, "");
    ward_component_free(component);
}

static void test_objects(void **state)
{
    (void)state;
    ward_component *component = start("sdk_objects");
    for (int i = 0; i < 3; i++) assert_verdict(component, WARD_CHILD_HEALTHY, "");
    ward_component_free(component);
}

#define GUEST(guest)                                                                               \
    {                                                                                              \
        guest, test_guest, NULL, NULL, guest                                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUEST("sdk_c_i64_none"),      GUEST("sdk_c_i64_reactor"),   GUEST("sdk_c_i64_command"),
        GUEST("sdk_c_i32_none"),      GUEST("sdk_c_i32_reactor"),   GUEST("sdk_c_i32_command"),
        GUEST("sdk_c_unoptimised"),   GUEST("sdk_c_smallest"),      GUEST("sdk_cxx_i64_none"),
        GUEST("sdk_cxx_i64_reactor"), GUEST("sdk_cxx_i64_command"), GUEST("sdk_cxx_i32_none"),
        GUEST("sdk_cxx_i32_reactor"), GUEST("sdk_cxx_i32_command"), GUEST("sdk_cxx_unoptimised"),
        GUEST("sdk_cxx_smallest"),    cmocka_unit_test(test_tiny),  cmocka_unit_test(test_objects),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
