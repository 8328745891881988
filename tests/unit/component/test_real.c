/* The cases of the contract once more, with real modules in the real engine. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "component/component.h"

static wardi_engine *engine;
static ward_component_options options;
static ward_component *component;
static ward_verdict verdict;
static ward_diag diag;

static int open_engine(void **state)
{
    (void)state;
    wardi_engine_options engine_options = {.memories_max = 64};
    wardi_ticks_init();
    return wardi_engine_new(&engine_options, &engine, NULL) == WARD_OK ? 0 : -1;
}

static int close_engine(void **state)
{
    (void)state;
    wardi_engine_free(engine);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    options = (ward_component_options)WARD_INIT(ward_component_options);
    options.name = "real";
    component = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ward_component_free(component);
    return 0;
}

static void make(const char *wat)
{
    ward_component_free(component);
    options.bytes = (const uint8_t *)wat;
    options.byte_count = strlen(wat);
    ward_error error = wardi_component_new(engine, &options, &component, &diag);
    if (error != WARD_OK) print_error("%s\n", diag.text);
    assert_int_equal(error, WARD_OK);
}

static void start(const char *wat)
{
    make(wat);
    ward_error error = ward_component_start(component, &diag);
    if (error != WARD_OK) print_error("%s\n%s\n", wat, diag.text);
    assert_int_equal(error, WARD_OK);
}

static void start_fails(const char *wat, ward_error error, const char *words)
{
    make(wat);
    diag.text[0] = '\0';
    assert_int_equal(ward_component_start(component, &diag), error);
    if (strstr(diag.text, words) == NULL) print_error("%s\n", diag.text);
    assert_non_null(strstr(diag.text, words));
    assert_int_equal(ward_component_state(component), WARD_STATE_FAILED);
}

static void expect(ward_child_health health, ward_source source, ward_probe_error error,
                   const char *reason)
{
    ward_component_check(component, &verdict);
    assert_string_equal(verdict.reason.text, reason);
    assert_int_equal(verdict.health, health);
    assert_int_equal(verdict.source, source);
    assert_int_equal(verdict.probe_error, error);
}

static void expect_malformed(ward_probe_error error, const char *text)
{
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_POLICY, error, "");
    assert_string_equal(verdict.contributors[0].text, text);
}

/* A guest whose `_health` says `body`, with `frame` at `address`. */
static const char *guest(const char *result, const char *body, uint32_t address,
                         const uint8_t *frame, size_t length)
{
    static char wat[16384];
    char escaped[3 * 2048 + 1];
    assert_true(length <= 2048);
    escaped[0] = '\0';
    for (size_t i = 0; i < length; i++) snprintf(escaped + 3 * i, 4, "\\%02x", frame[i]);
    snprintf(wat, sizeof wat,
             "(module (memory (export \"memory\") 1) (data (i32.const %u) \"%s\")"
             " (func (export \"_health\") (result %s) %s))",
             (unsigned)address, escaped, result, body);
    return wat;
}

static const char *guest_i32(uint32_t address, const uint8_t *frame, size_t length)
{
    char body[40];
    snprintf(body, sizeof body, "i32.const %u", (unsigned)address);
    return guest("i32", body, address, frame, length);
}

static const char *guest_i64(uint32_t address, const uint8_t *frame, size_t length)
{
    char body[60];
    snprintf(body, sizeof body, "i64.const 0x%08x%08x", (unsigned)length, (unsigned)address);
    return guest("i64", body, address, frame, length);
}

static const char *guest_saying(const char *result, const char *body)
{
    return guest(result, body, 0, NULL, 0);
}

#define EMPTY "(module)"
#define LOOPS "(loop $l (br $l))"

/* ---- states ---- */

static void test_states(void **state)
{
    (void)state;
    make(EMPTY);
    expect(WARD_CHILD_FAILED, WARD_SOURCE_STATE, WARD_PROBE_OK, "WASM runtime not loaded");
    assert_int_equal(ward_component_load(component, NULL), WARD_OK);
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, WARD_PROBE_OK, "Component starting");
    assert_int_equal(ward_component_start(component, NULL), WARD_OK);
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_STATE, WARD_PROBE_OK, "");
    assert_int_equal(ward_component_stop(component, NULL), WARD_OK);
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, WARD_PROBE_OK, "Component in state: terminated");
    assert_int_equal(ward_component_stop(component, NULL), WARD_OK);
    assert_int_equal(ward_component_start(component, NULL), WARD_OK);
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_STATE, WARD_PROBE_OK, "");
}

static void *start_in_thread(void *result)
{
    *(ward_error *)result = ward_component_start(component, NULL);
    return NULL;
}

static void *stop_in_thread(void *result)
{
    *(ward_error *)result = ward_component_stop(component, NULL);
    return NULL;
}

/* Runs `work` on another thread, and checks while the component is in `during`. */
static ward_error seen_during(void *(*work)(void *), ward_state during)
{
    pthread_t thread;
    ward_error error = WARD_OK;
    assert_int_equal(pthread_create(&thread, NULL, work, &error), 0);
    uint64_t patience_ns = wardi_now_ns() + 20 * WARDI_S;
    while (ward_component_state(component) != during && wardi_now_ns() < patience_ns) {}
    ward_component_check(component, &verdict);
    assert_int_equal(ward_component_start(component, NULL), WARD_ERROR_BUSY);
    assert_int_equal(ward_component_stop(component, NULL), WARD_ERROR_BUSY);
    pthread_join(thread, NULL);
    return error;
}

static void test_starting_and_stopping(void **state)
{
    (void)state;
    options.start_timeout_ns = WARDI_S;
    options.stop_timeout_ns = WARDI_S;
    make("(module (func (export \"_initialize\") " LOOPS "))");
    assert_int_equal(ward_component_load(component, NULL), WARD_OK);
    assert_int_equal(seen_during(start_in_thread, WARD_STATE_STARTING), WARD_ERROR_DEADLINE);
    assert_string_equal(verdict.reason.text, "Component starting");
    assert_int_equal(ward_component_state(component), WARD_STATE_FAILED);
    start("(module (func (export \"_cleanup\") " LOOPS "))");
    assert_int_equal(seen_during(stop_in_thread, WARD_STATE_STOPPING), WARD_ERROR_DEADLINE);
    assert_string_equal(verdict.reason.text, "Component stopping");
    assert_int_equal(ward_component_state(component), WARD_STATE_TERMINATED);
}

static void test_starts_that_fail(void **state)
{
    (void)state;
    options.start_timeout_ns = 300 * WARDI_MS;
    start_fails("(module (func $f unreachable) (start $f))", WARD_ERROR_TRAP,
                "real: start: unreachable");
    expect(WARD_CHILD_FAILED, WARD_SOURCE_STATE, WARD_PROBE_OK, "real: start: unreachable");
    start_fails("(module (func (export \"_start\") unreachable))", WARD_ERROR_TRAP,
                "real: _start: unreachable");
    start_fails("(module (func $f " LOOPS ") (start $f))", WARD_ERROR_DEADLINE,
                "real did not start within its start_timeout of 300ms: start");
    start_fails("(module (func (export \"_start\") " LOOPS "))", WARD_ERROR_DEADLINE,
                "real did not start within its start_timeout of 300ms: _start");
}

static void test_what_is_no_guest(void **state)
{
    (void)state;
    start("(module (memory 4096))"); /* exactly the limit */
    start_fails("(module (memory 4097))", WARD_ERROR_LIMIT_MEMORY, "real: needs 256MiB, limit");
    start_fails("(module (memory 16384))", WARD_ERROR_LIMIT_MEMORY,
                "real: needs 1GiB, limit 256MiB: raise limits.memory");
    start_fails("(module (table 100001 funcref))", WARD_ERROR_LIMIT_TABLE, "limits.table_elements");
    start_fails("(module (import \"env\" \"log\" (func)))", WARD_ERROR_IMPORT_MISSING, "env.log");
    start_fails("(module (func (export \"_health\") (param i32) (result i32) i32.const 0))",
                WARD_ERROR_EXPORT_TYPE,
                "real: the health export `_health` is func (i32) -> i32; accepted: func () -> i32, "
                "or func () -> i64");
    start_fails("(module (global (export \"_health\") i32 (i32.const 0)))", WARD_ERROR_EXPORT_TYPE,
                "`_health` is global i32");
    start_fails("(module (func (export \"_cleanup\") (param i32)))", WARD_ERROR_EXPORT_TYPE,
                "`_cleanup` is func (i32); accepted: func ()");
    start_fails("(module (func (export \"_health\") (result i32)))", WARD_ERROR_COMPILE, "");
    options.path = "/nowhere/at/all.wasm";
    options.bytes = NULL;
    ward_component_free(component);
    assert_int_equal(wardi_component_new(engine, &options, &component, NULL), WARD_OK);
    assert_int_equal(ward_component_start(component, &diag), WARD_ERROR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "/nowhere/at/all.wasm"));
    options.path = NULL;
}

/* ---- what a guest says ---- */

static void test_reports(void **state)
{
    (void)state;
    static const ward_codec codecs[] = {WARD_CODEC_BORSH, WARD_CODEC_CBOR, WARD_CODEC_JSON};
    static const char reason[] = "r\xc3\xa9sum\xc3\xa9 \"\\ \xf0\x9f\x94\xa5";
    uint8_t frame[WARD_FRAME_BYTES_MAX];
    size_t length;
    for (size_t i = 0; i < WARD_COUNT(codecs); i++)
        for (int status = 0; status < WARD_HEALTH_COUNT; status++) {
            assert_int_equal(ward_frame_encode(codecs[i], (ward_health)status, reason,
                                               strlen(reason), frame, sizeof frame, &length),
                             WARD_OK);
            const char *want = status == WARD_HEALTH_HEALTHY ? "" : reason;
            ward_child_health health = ward_child_health_from((ward_health)status);
            start(guest_i32(1024, frame, length));
            expect(health, WARD_SOURCE_PROBE, WARD_PROBE_OK, want);
            start(guest_i64(1024, frame, length));
            expect(health, WARD_SOURCE_PROBE, WARD_PROBE_OK, want);
            /* at the very end of memory, where a window of a fixed length would reach beyond */
            start(guest_i32(65536 - (uint32_t)length, frame, length));
            expect(health, WARD_SOURCE_PROBE, WARD_PROBE_OK, want);
        }
}

static void test_values(void **state)
{
    (void)state;
    start(guest_saying("i32", "i32.const 0"));
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, WARD_PROBE_OK, "");
    start(guest_saying("i32", "i32.const -1"));
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, WARD_PROBE_OK, "");
    start(guest_saying("i32", "i32.const -2"));
    expect_malformed(WARD_PROBE_RETURN_VALUE, "Invalid _health return value: -2");
    start(guest_saying("i32", "i32.const 65536"));
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 65536");
    start(guest_i32(65535, (const uint8_t *)"\x80", 1)); /* the last byte */
    expect_malformed(WARD_PROBE_PREFIX_TRUNCATED, "Health frame ends inside its multicodec prefix");
}

static void test_i64_values(void **state)
{
    (void)state;
    start(guest_saying("i64", "i64.const 0"));
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, WARD_PROBE_OK, "");
    start(guest_saying("i64", "i64.const 8"));
    expect_malformed(WARD_PROBE_PREFIX_EMPTY, "Health frame is empty");
    start(guest_saying("i64", "i64.const 0x0000000500010000"));
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 65536");
    start(guest_saying("i64", "i64.const -1"));
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 4294967295");
}

static void test_prefixes_and_payloads(void **state)
{
    (void)state;
    static const struct {
        uint8_t frame[8];
        size_t length;
        ward_probe_error error;
        const char *text;
    } rows[] = {
        {{0x80}, 1, WARD_PROBE_PREFIX_TRUNCATED, "Health frame ends inside its multicodec prefix"},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80},
         6,
         WARD_PROBE_PREFIX_TOO_LARGE,
         "Multicodec prefix is longer than 5 bytes"},
        {{0xff, 0xff, 0x03, 0}, 4, WARD_PROBE_PREFIX_UNSUPPORTED, "Unsupported multicodec: 0xffff"},
        {{0x81, 0x0e, 0x03},
         3,
         WARD_PROBE_PAYLOAD,
         "Failed to deserialize HealthStatus (tried Borsh, CBOR, JSON)"},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        start(guest_i64(1024, rows[i].frame, rows[i].length));
        expect_malformed(rows[i].error, rows[i].text);
    }
}

static void test_policies(void **state)
{
    (void)state;
    static const ward_child_health healths[] = {[WARD_FALLBACK_STATE] = WARD_CHILD_HEALTHY,
                                                [WARD_FALLBACK_DEGRADED] = WARD_CHILD_DEGRADED,
                                                [WARD_FALLBACK_FAILED] = WARD_CHILD_FAILED};
    for (ward_fallback policy = WARD_FALLBACK_STATE; policy <= WARD_FALLBACK_FAILED; policy++) {
        bool well = healths[policy] == WARD_CHILD_HEALTHY;
        options.health.on_trap = policy;
        options.health.on_malformed = WARD_FALLBACK_DEFAULT;
        start(guest_saying("i32", "unreachable"));
        expect(healths[policy], WARD_SOURCE_POLICY, WARD_PROBE_TRAP,
               well ? "" : "_health trapped: unreachable");
        options.health.on_trap = WARD_FALLBACK_DEFAULT;
        options.health.on_malformed = policy;
        start(guest_saying("i32", "i32.const -2"));
        expect(healths[policy], WARD_SOURCE_POLICY, WARD_PROBE_RETURN_VALUE,
               well ? "" : "Invalid _health return value: -2");
    }
}

/* ---- what a guest does ---- */

static void test_trap_and_after(void **state)
{
    (void)state;
    start("(module (global $n (mut i32) (i32.const 0)) (func (export \"_health\") (result i32)"
          " (global.set $n (i32.add (global.get $n) (i32.const 1)))"
          " (if (i32.eq (global.get $n) (i32.const 1)) (then unreachable)) i32.const 0))");
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_POLICY, WARD_PROBE_TRAP,
           "_health trapped: unreachable");
    ward_trap trap;
    ward_component_last_trap(component, &trap);
    assert_int_equal(trap.error, WARD_ERROR_TRAP);
    assert_string_equal(trap.export_name, "_health");
    assert_true(trap.frame_count > 0);
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, WARD_PROBE_OK, "");
}

static void test_endless_loop(void **state)
{
    (void)state;
    options.health.timeout_ns = 50 * WARDI_MS;
    start(guest_saying("i32", LOOPS " i32.const 0"));
    for (int i = 0; i < 3; i++) {
        uint64_t began_ns = wardi_now_ns();
        expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, WARD_PROBE_TIMEOUT,
               "Health check timeout (>50ms)");
        assert_in_range(wardi_now_ns() - began_ns, 50 * WARDI_MS, 10 * WARDI_S);
        assert_true(verdict.duration_ns >= 50 * WARDI_MS);
    }
    ward_figures figures = WARD_INIT(ward_figures);
    ward_component_figures(component, &figures);
    assert_int_equal(figures.probe_errors[WARD_PROBE_TIMEOUT], 3);
}

static void test_cleanup(void **state)
{
    (void)state;
    options.stop_timeout_ns = 50 * WARDI_MS;
    static const struct {
        const char *wat, *words;
        ward_error error;
    } rows[] = {
        {"(module (func (export \"_cleanup\")))", "", WARD_OK},
        {"(module (func (export \"_cleanup\") unreachable))", "real: _cleanup: unreachable",
         WARD_ERROR_TRAP},
        {"(module (func (export \"_cleanup\") " LOOPS "))",
         "real: _cleanup: ran past its deadline of 50ms", WARD_ERROR_DEADLINE},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        start(rows[i].wat);
        diag.text[0] = '\0';
        assert_int_equal(ward_component_stop(component, &diag), rows[i].error);
        assert_string_equal(diag.text, rows[i].words);
        assert_int_equal(ward_component_state(component), WARD_STATE_TERMINATED);
        assert_int_equal(ward_component_stop(component, NULL), WARD_OK);
        assert_int_equal(ward_component_start(component, NULL), WARD_OK);
    }
}

static void *spin_in_thread(void *result)
{
    *(ward_error *)result =
        ward_component_call(component, "spin", NULL, 0, NULL, NULL, 2 * WARDI_S, NULL);
    return NULL;
}

static void test_busy(void **state)
{
    (void)state;
    options.health.busy_after_ns = 500 * WARDI_MS;
    start("(module (memory (export \"memory\") 1)"
          " (data (i32.const 8) \"\\81\\0e\\02\\04\\00\\00\\00down\")"
          " (func (export \"spin\") " LOOPS ")"
          " (func (export \"_health\") (result i32) i32.const 8))");
    expect(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, WARD_PROBE_OK, "down");
    pthread_t thread;
    ward_error error = WARD_OK;
    bool young = false, old = false;
    assert_int_equal(pthread_create(&thread, NULL, spin_in_thread, &error), 0);
    uint64_t patience_ns = wardi_now_ns() + 20 * WARDI_S;
    while (!old && wardi_now_ns() < patience_ns) {
        uint64_t began_ns = wardi_now_ns();
        ward_component_check(component, &verdict);
        assert_true(wardi_now_ns() - began_ns < 1500 * WARDI_MS); /* it does not queue behind */
        if (verdict.health == WARD_CHILD_FAILED) {
            assert_string_equal(verdict.reason.text, "down");
            young = young || verdict.age_ns > 0;
        } else {
            assert_memory_equal(verdict.reason.text, "Busy in spin for ", 17);
            old = true;
        }
        wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
    }
    pthread_join(thread, NULL);
    assert_true(young && old);
    assert_int_equal(error, WARD_ERROR_DEADLINE);
    expect(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, WARD_PROBE_OK, "down");
}

static void test_memory_pressure(void **state)
{
    (void)state;
    options.limits.memory_bytes_max = 16 * 65536;
    options.health.resources[WARD_RESOURCE_MEMORY].degraded_at = 0.9;
    options.health.resources[WARD_RESOURCE_GROWTHS_REFUSED].unhealthy_at = 1;
    start("(module (memory (export \"memory\") 1) (func (export \"grow\") (param i32) (result i32)"
          " (memory.grow (local.get 0))))");
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_STATE, WARD_PROBE_OK, "");
    ward_value pages = {.kind = WARD_I32, .of.i32 = 14}, before;
    size_t count = 1;
    assert_int_equal(ward_component_call(component, "grow", &pages, 1, &before, &count, 0, NULL),
                     WARD_OK);
    assert_int_equal(before.of.i32, 1);
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_RESOURCE, WARD_PROBE_OK,
           "memory 960KiB of 1MiB (94 %)");
    ward_component_call(component, "grow", &pages, 1, &before, &count, 0, NULL);
    assert_int_equal(before.of.i32, -1);
    expect(WARD_CHILD_FAILED, WARD_SOURCE_RESOURCE, WARD_PROBE_OK,
           "1 memory growth refused since the last check");
    assert_int_equal(verdict.contributor_count, 2);
}

/* ---- calls ---- */

static void test_call_numbers(void **state)
{
    (void)state;
    start("(module (func (export \"swap\") (param i32 i64 f32 f64) (result f64 f32 i64 i32)"
          " local.get 3 local.get 2 local.get 1 local.get 0))");
    ward_value args[4] = {{.kind = WARD_I32, .of.i32 = -7},
                          {.kind = WARD_I64, .of.i64 = INT64_MIN},
                          {.kind = WARD_F32, .of.f32 = -0.5f},
                          {.kind = WARD_F64, .of.f64 = 1e300}};
    ward_value results[4];
    size_t count = 4;
    assert_int_equal(ward_component_call(component, "swap", args, 4, results, &count, 0, &diag),
                     WARD_OK);
    assert_int_equal(count, 4);
    assert_true(results[0].kind == WARD_F64 && results[0].of.f64 == 1e300);
    assert_true(results[1].kind == WARD_F32 && results[1].of.f32 == -0.5f);
    assert_true(results[2].kind == WARD_I64 && results[2].of.i64 == INT64_MIN);
    assert_true(results[3].kind == WARD_I32 && results[3].of.i32 == -7);
}

static void test_call_bytes(void **state)
{
    (void)state;
    start("(module (memory (export \"memory\") 1)"
          " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
          " (func (export \"echo\") (param i32 i32) (result i64)"
          " (i64.or (i64.shl (i64.extend_i32_u (local.get 1)) (i64.const 32))"
          " (i64.extend_i32_u (local.get 0)))))");
    uint8_t answer[16];
    size_t length;
    assert_int_equal(ward_component_call_bytes(component, "echo", (const uint8_t *)"hello", 5,
                                               answer, sizeof answer, &length, 0, &diag),
                     WARD_OK);
    assert_int_equal(length, 5);
    assert_memory_equal(answer, "hello", 5);
    static uint8_t much[65536];
    assert_int_equal(ward_component_call_bytes(component, "echo", much, sizeof much, answer,
                                               sizeof answer, &length, 0, &diag),
                     WARD_ERROR_TRAP);
    assert_non_null(strstr(diag.text, "out of bounds"));
}

/* ---- the component model ---- */

#define COMPONENT(core_function, data)                                                             \
    "(component (core module $m (memory (export \"memory\") 1) (data (i32.const 0) \"" data "\")"  \
    " (func (export \"health\") (result i32) " core_function "))"                                  \
    " (core instance $i (instantiate $m)) (func (export \"health\") (result (list u8))"            \
    " (canon lift (core func $i \"health\") (memory (core memory $i \"memory\")))))"

static void test_component_model(void **state)
{
    (void)state;
    start(COMPONENT("i32.const 0",
                    "\\08\\00\\00\\00\\0b\\00\\00\\00\\81\\0e\\01\\04\\00\\00\\00slow"));
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, WARD_PROBE_OK, "slow");
    ward_module_info info;
    assert_int_equal(ward_component_module_info(component, &info), WARD_OK);
    assert_true(info.is_component && !info.fast_path);
    assert_int_equal(info.health_form, WARD_HEALTH_FORM_LIST);
    start(COMPONENT("unreachable", ""));
    ward_component_check(component, &verdict);
    assert_int_equal(verdict.health, WARD_CHILD_DEGRADED);
    assert_int_equal(verdict.probe_error, WARD_PROBE_TRAP);
    assert_int_equal(ward_component_state(component), WARD_STATE_FAILED);
    ward_component_check(component, &verdict);
    assert_int_equal(verdict.health, WARD_CHILD_FAILED);
    assert_int_equal(ward_component_start(component, NULL), WARD_OK);
}

/* ---- memory ---- */

static int left = -1; /* allocations that still succeed; negative: all. Only one fails */
static bool fired;

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    fired = fired || left == 0;
    return left < 0 || left-- > 0;
}

/* From scratch for every N; and what failed starts once there is memory. */
static void test_allocation_fails_everywhere(void **state)
{
    (void)state;
    const char *wat = guest_saying("i32", "i32.const 0");
    int failures = 0;
    fired = true;
    wardi_alloc_gate_set(gate, NULL);
    for (int n = 0; n < 200 && fired; n++) {
        make(wat);
        fired = false;
        left = n;
        ward_error error = ward_component_start(component, &diag);
        left = -1;
        if (error != WARD_OK) {
            assert_int_equal(error, WARD_ERROR_NO_MEMORY);
            assert_int_equal(ward_component_state(component), WARD_STATE_FAILED);
            assert_int_equal(ward_component_start(component, &diag), WARD_OK);
            failures++;
        }
        expect(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, WARD_PROBE_OK, "");
        assert_int_equal(ward_component_stop(component, &diag), WARD_OK);
    }
    assert_false(fired);
    assert_true(failures > 5);
    wardi_alloc_gate_set(NULL, NULL);
}

static void test_check_allocates_nothing(void **state)
{
    (void)state;
    start(guest_saying("i32", "i32.const 0"));
    wardi_alloc_gate_set(gate, NULL);
    left = 0;
    fired = false;
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, WARD_PROBE_OK, "");
    assert_false(fired);
    left = -1;
    wardi_alloc_gate_set(NULL, NULL);
}

static void test_many_restarts(void **state)
{
    (void)state;
    start(guest_saying("i32", "i32.const 0"));
    for (int i = 0; i < 300; i++) { /* more than the engine has room for at once */
        expect(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, WARD_PROBE_OK, "");
        assert_int_equal(ward_component_stop(component, NULL), WARD_OK);
        assert_int_equal(ward_component_start(component, NULL), WARD_OK);
    }
}

#define REAL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL_TEST(test_states),
        REAL_TEST(test_starting_and_stopping),
        REAL_TEST(test_starts_that_fail),
        REAL_TEST(test_what_is_no_guest),
        REAL_TEST(test_reports),
        REAL_TEST(test_values),
        REAL_TEST(test_i64_values),
        REAL_TEST(test_prefixes_and_payloads),
        REAL_TEST(test_policies),
        REAL_TEST(test_trap_and_after),
        REAL_TEST(test_endless_loop),
        REAL_TEST(test_cleanup),
        REAL_TEST(test_busy),
        REAL_TEST(test_memory_pressure),
        REAL_TEST(test_call_numbers),
        REAL_TEST(test_call_bytes),
        REAL_TEST(test_component_model),
        REAL_TEST(test_allocation_fails_everywhere),
        REAL_TEST(test_check_allocates_nothing),
        REAL_TEST(test_many_restarts),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
