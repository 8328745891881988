/* The cases of the contract, section by section, through a whole check. */
#include "fake/fixture.h"

static const uint8_t borsh_healthy[] = {0x81, 0x0e, 0x00};
static const uint8_t borsh_degraded[] = {0x81, 0x0e, 0x01, 4, 0, 0, 0, 's', 'l', 'o', 'w'};
static const uint8_t borsh_unhealthy[] = {0x07, 0x01, 0x02, 4, 0, 0, 0, 'd', 'o', 'w', 'n'};
static const char cbor_degraded[] = "\x51\xa2\x66status\x68"
                                    "degraded\x66reason\x64slow";
static const char json_unhealthy[] = "\x80\x04{\"status\":\"unhealthy\",\"reason\":\"down\"}";

static void start_i32(void)
{
    fake_health(&f.guest, WARDI_I32);
    fixture_start();
}

static void start_i64(void)
{
    fake_health(&f.guest, WARDI_I64);
    fixture_start();
}

static void returns(int64_t value)
{
    f.guest.health_bits = (uint64_t)value & UINT32_MAX;
}

static uint64_t slice(uint64_t address, uint64_t length)
{
    return length << 32 | address;
}

/* A probe error under the default policy: Healthy, and visible. */
static void expect_malformed(ward_probe_error error, const char *text)
{
    uint64_t before = fixture_figures().probe_errors[error];
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_POLICY, "");
    assert_int_equal(f.verdict.probe_error, error);
    assert_int_equal(f.verdict.contributor_count, 1);
    assert_string_equal(f.verdict.contributors[0].text, text);
    assert_int_equal(fixture_figures().probe_errors[error], before + 1);
}

static void test_no_export(void **state)
{
    (void)state;
    fixture_start();
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_STATE, "");
    assert_int_equal(atomic_load(&f.guest.calls), 0);
    ward_figures figures = fixture_figures();
    assert_int_equal(figures.checks, 1);
    assert_int_equal(figures.probes, 0);
}

static void test_not_started_never_enters(void **state)
{
    (void)state;
    fake_health(&f.guest, WARDI_I32);
    fixture_new();
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "WASM runtime not loaded");
    ward_component_load(f.component, NULL);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, "Component starting");
    fixture_start();
    ward_component_stop(f.component, NULL);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, "Component in state: terminated");
    assert_int_equal(atomic_load(&f.guest.calls), 0);
}

static void test_reports_in_every_codec(void **state)
{
    (void)state;
    start_i32();
    fake_frame(&f.guest, 1000, borsh_healthy, sizeof borsh_healthy);
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    assert_int_equal(f.verdict.contributor_count, 0);
    fake_frame(&f.guest, 1000, borsh_degraded, sizeof borsh_degraded);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "slow");
    fake_frame(&f.guest, 1000, borsh_unhealthy, sizeof borsh_unhealthy);
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, "down");
    fake_frame(&f.guest, 1000, (const uint8_t *)cbor_degraded, sizeof cbor_degraded - 1);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "slow");
    fake_frame(&f.guest, 1000, (const uint8_t *)json_unhealthy, sizeof json_unhealthy - 1);
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, "down");
    assert_int_equal(f.verdict.probe_error, WARD_PROBE_OK);
    assert_int_equal(f.guest.timeout_seen, WARDI_S);
}

static void test_i32_values(void **state)
{
    (void)state;
    start_i32();
    returns(0);
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    returns(-1);
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    returns(-2);
    expect_malformed(WARD_PROBE_RETURN_VALUE, "Invalid _health return value: -2");
    returns(INT32_MIN);
    expect_malformed(WARD_PROBE_RETURN_VALUE, "Invalid _health return value: -2147483648");
    returns(65536);
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 65536");
    returns(INT32_MAX);
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 2147483647");
}

static void test_i32_at_the_end_of_memory(void **state)
{
    (void)state;
    start_i32();
    fake_frame(&f.guest, FAKE_MEMORY_BYTES - sizeof borsh_degraded, borsh_degraded,
               sizeof borsh_degraded);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "slow");
    f.guest.memory[FAKE_MEMORY_BYTES - 1] = 0x80;
    returns(FAKE_MEMORY_BYTES - 1);
    expect_malformed(WARD_PROBE_PREFIX_TRUNCATED, "Health frame ends inside its multicodec prefix");
}

static void test_i32_without_memory(void **state)
{
    (void)state;
    f.guest.no_memory = true;
    start_i32();
    returns(0);
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    returns(8);
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 8");
}

static void test_i64_values(void **state)
{
    (void)state;
    start_i64();
    f.guest.health_bits = 0;
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    fake_frame(&f.guest, 16, borsh_degraded, sizeof borsh_degraded);
    f.guest.health_bits = slice(16, sizeof borsh_degraded);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "slow");
    f.guest.health_bits = slice(16, sizeof borsh_degraded - 2); /* exact: what is cut is cut */
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "sl");
    assert_true(f.verdict.reason.cut);
    f.guest.health_bits = slice(16, 0);
    expect_malformed(WARD_PROBE_PREFIX_EMPTY, "Health frame is empty");
    f.guest.health_bits = slice(FAKE_MEMORY_BYTES, 0);
    expect_malformed(WARD_PROBE_PREFIX_EMPTY, "Health frame is empty");
    f.guest.health_bits = slice(FAKE_MEMORY_BYTES - 4, 5);
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 65532");
    f.guest.health_bits = slice(UINT32_MAX, 1);
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 4294967295");
    f.guest.health_bits = UINT64_MAX;
    expect_malformed(WARD_PROBE_POINTER, "Invalid memory pointer: 4294967295");
}

static void test_i64_is_not_held_to_the_window(void **state)
{
    (void)state;
    f.options.health.frame_bytes_max = 16;
    start_i64();
    uint8_t frame[7 + 200] = {0x81, 0x0e, 0x01, 200, 0, 0, 0};
    memset(frame + 7, 'r', 200);
    fake_frame(&f.guest, 16, frame, sizeof frame);
    f.guest.health_bits = slice(16, sizeof frame);
    ward_component_check(f.component, &f.verdict);
    assert_int_equal(f.verdict.reason.length, 200);
    assert_false(f.verdict.reason.cut);
}

static void test_window_cuts_the_reason(void **state)
{
    (void)state;
    f.options.health.frame_bytes_max = 9;
    start_i32();
    fake_frame(&f.guest, 16, borsh_degraded, sizeof borsh_degraded);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "sl");
    assert_true(f.verdict.reason.cut);
}

static void test_prefixes(void **state)
{
    (void)state;
    static const uint8_t five[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    static const uint8_t ffff[] = {0xff, 0xff, 0x03, 0x00};
    static const uint8_t variant[] = {0x81, 0x0e, 0x03};
    start_i64();
    fake_frame(&f.guest, 16, five, sizeof five);
    f.guest.health_bits = slice(16, 1);
    expect_malformed(WARD_PROBE_PREFIX_TRUNCATED, "Health frame ends inside its multicodec prefix");
    f.guest.health_bits = slice(16, sizeof five);
    expect_malformed(WARD_PROBE_PREFIX_TOO_LARGE, "Multicodec prefix is longer than 5 bytes");
    fake_frame(&f.guest, 16, ffff, sizeof ffff);
    f.guest.health_bits = slice(16, sizeof ffff);
    expect_malformed(WARD_PROBE_PREFIX_UNSUPPORTED, "Unsupported multicodec: 0xffff");
    fake_frame(&f.guest, 16, variant, sizeof variant);
    f.guest.health_bits = slice(16, sizeof variant);
    expect_malformed(WARD_PROBE_PAYLOAD,
                     "Failed to deserialize HealthStatus (tried Borsh, CBOR, JSON)");
}

static void test_policies_reach_the_verdict(void **state)
{
    (void)state;
    f.options.health.on_malformed = WARD_FALLBACK_FAILED;
    f.options.health.on_trap = WARD_FALLBACK_STATE;
    start_i32();
    returns(-2);
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_POLICY, "Invalid _health return value: -2");
    f.guest.health_error = WARD_ERROR_TRAP;
    f.guest.cause = "unreachable";
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_POLICY, "");
    assert_int_equal(f.verdict.probe_error, WARD_PROBE_TRAP);
}

static void test_trap(void **state)
{
    (void)state;
    static const ward_error errors[] = {WARD_ERROR_TRAP, WARD_ERROR_FUEL, WARD_ERROR_EXIT};
    start_i32();
    for (size_t i = 0; i < WARD_COUNT(errors); i++) {
        f.guest.health_error = errors[i];
        f.guest.cause = "unreachable";
        fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_POLICY, "_health trapped: unreachable");
        assert_int_equal(f.verdict.probe_error, WARD_PROBE_TRAP);
        ward_trap trap;
        ward_component_last_trap(f.component, &trap);
        assert_int_equal(trap.error, errors[i]);
        assert_string_equal(trap.export_name, "_health");
        assert_int_equal(fixture_figures().traps, i + 1);
    }
    f.guest.health_error = WARD_OK; /* a core module's instance can be used again */
    returns(0);
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
}

static void test_endless_loop(void **state)
{
    (void)state;
    f.options.health.timeout_ns = 250 * WARDI_MS;
    start_i32();
    f.guest.health_error = WARD_ERROR_DEADLINE;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "Health check timeout (>250ms)");
    assert_int_equal(f.verdict.probe_error, WARD_PROBE_TIMEOUT);
    assert_int_equal(f.guest.timeout_seen, 250 * WARDI_MS);
    assert_int_equal(fixture_figures().probe_errors[WARD_PROBE_TIMEOUT], 1);
    assert_int_equal(fixture_figures().traps, 1);
    assert_int_equal(ward_component_state(f.component), WARD_STATE_READY);
}

static void test_engine_trouble_is_said(void **state)
{
    (void)state;
    start_i32();
    f.guest.health_error = WARD_ERROR_NO_MEMORY;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_POLICY, "_health trapped: out of memory");
    assert_int_equal(fixture_figures().traps, 0); /* the guest was not ended */
}

/* ---- component model ---- */

static void test_list(void **state)
{
    (void)state;
    fake_health_shape(&f.guest, WARDI_RESULT_LIST_U8);
    fixture_start();
    memcpy(f.guest.answer_bytes, borsh_degraded, sizeof borsh_degraded);
    f.guest.answer_length = sizeof borsh_degraded;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "slow");
    f.guest.answer_length = 0;
    expect_malformed(WARD_PROBE_PREFIX_EMPTY, "Health frame is empty");
}

static void test_cases(void **state)
{
    (void)state;
    fake_health_shape(&f.guest, WARDI_RESULT_CASES);
    fixture_start();
    strcpy(f.guest.answer.case_name, "healthy");
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    strcpy(f.guest.answer.case_name, "degraded");
    memset(f.guest.answer_bytes, 'x', 254);
    memcpy(f.guest.answer_bytes + 254, "\xc3\xa9", 2);
    f.guest.answer_length = 256;
    ward_component_check(f.component, &f.verdict);
    assert_int_equal(f.verdict.health, WARD_CHILD_DEGRADED);
    assert_int_equal(f.verdict.reason.length, 254); /* not inside the last character */
    assert_true(f.verdict.reason.cut);
    strcpy(f.guest.answer.case_name, "unhealthy");
    f.guest.answer_length = 4;
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, "xxxx");
    assert_false(f.verdict.reason.cut);
    strcpy(f.guest.answer.case_name, "so-so");
    expect_malformed(WARD_PROBE_PAYLOAD,
                     "Unknown health \"so-so\" (known: healthy, degraded, unhealthy)");
}

static void test_trap_poisons_a_component(void **state)
{
    (void)state;
    fake_health_shape(&f.guest, WARDI_RESULT_LIST_U8);
    fixture_start();
    f.guest.health_error = WARD_ERROR_TRAP;
    f.guest.cause = "unreachable";
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_POLICY, "_health trapped: unreachable");
    assert_int_equal(ward_component_state(f.component), WARD_STATE_FAILED);
    assert_int_equal(atomic_load(&f.guest.instances), 0);
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "health trapped: unreachable");
    f.guest.health_error = WARD_OK;
    memcpy(f.guest.answer_bytes, borsh_healthy, sizeof borsh_healthy);
    f.guest.answer_length = sizeof borsh_healthy;
    fixture_start();
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
}

/* ---- busy ---- */

static ward_verdict during;
static uint64_t hold_ns;

static void check_while_busy(fake_guest *guest, const char *name)
{
    (void)guest;
    if (strcmp(name, "work") != 0) return;
    wardi_sleep_until_ns(wardi_now_ns() + hold_ns);
    ward_component_check(f.component, &during);
}

static void work(void)
{
    assert_int_equal(ward_component_call(f.component, "work", NULL, 0, NULL, NULL, 0, NULL),
                     WARD_OK);
}

static void test_busy(void **state)
{
    (void)state;
    hold_ns = 0;
    f.options.health.busy_after_ns = 300 * WARDI_MS;
    fake_func(&f.guest, "work", 0, NULL, run_nothing);
    f.guest.during = check_while_busy;
    start_i32();
    work(); /* nothing was ever checked */
    assert_int_equal(during.health, WARD_CHILD_HEALTHY);
    assert_int_equal(during.age_ns, 0);

    fake_frame(&f.guest, 16, borsh_unhealthy, sizeof borsh_unhealthy);
    ward_component_check(f.component, &f.verdict);
    int calls = atomic_load(&f.guest.calls);
    work();
    assert_int_equal(atomic_load(&f.guest.calls), calls + 1); /* the probe did not enter */
    assert_int_equal(during.health, WARD_CHILD_FAILED);
    assert_int_equal(during.source, WARD_SOURCE_PROBE);
    assert_string_equal(during.reason.text, "down");
    assert_string_equal(during.contributors[0].text, "down");
    assert_int_equal(during.contributor_count, 1);
    assert_true(during.age_ns > 0);

    returns(-2); /* Healthy by policy, with an error */
    ward_component_check(f.component, &f.verdict);
    work();
    assert_int_equal(during.health, WARD_CHILD_HEALTHY);
    assert_int_equal(during.probe_error, WARD_PROBE_RETURN_VALUE);
    assert_string_equal(during.reason.text, "");
    assert_string_equal(during.contributors[0].text, "Invalid _health return value: -2");

    hold_ns = 310 * WARDI_MS;
    work();
    assert_int_equal(during.health, WARD_CHILD_DEGRADED);
    assert_int_equal(during.source, WARD_SOURCE_STATE);
    assert_memory_equal(during.reason.text, "Busy in work for ", 17);
}

static void test_busy_forgets_an_earlier_run(void **state)
{
    (void)state;
    hold_ns = 0;
    fake_func(&f.guest, "work", 0, NULL, run_nothing);
    f.guest.during = check_while_busy;
    start_i32();
    fake_frame(&f.guest, 16, borsh_unhealthy, sizeof borsh_unhealthy);
    ward_component_check(f.component, &f.verdict);
    ward_component_stop(f.component, NULL);
    fixture_start();
    work();
    assert_int_equal(during.health, WARD_CHILD_HEALTHY);
}

static void test_busy_without_an_export(void **state)
{
    (void)state;
    f.options.health.busy_after_ns = 300 * WARDI_MS;
    fake_func(&f.guest, "work", 0, NULL, run_nothing);
    f.guest.during = check_while_busy;
    fixture_start();
    hold_ns = 0;
    work();
    assert_int_equal(during.health, WARD_CHILD_HEALTHY);
    assert_int_equal(during.source, WARD_SOURCE_STATE);
    hold_ns = 310 * WARDI_MS;
    work();
    assert_int_equal(during.health, WARD_CHILD_DEGRADED);
    assert_memory_equal(during.reason.text, "Busy in work for ", 17);
}

static void test_busy_repeats_a_resource(void **state)
{
    (void)state;
    hold_ns = 0;
    f.options.health.resources[WARD_RESOURCE_RESTARTS].degraded_at = 2;
    fake_func(&f.guest, "work", 0, NULL, run_nothing);
    f.guest.during = check_while_busy;
    fixture_start();
    wardi_component_restarts_set(f.component, 2);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_RESOURCE, "2 restarts in 1m");
    work();
    assert_int_equal(during.source, WARD_SOURCE_RESOURCE);
    assert_int_equal(during.contributors[0].resource, WARD_RESOURCE_RESTARTS);
    assert_string_equal(during.reason.text, "2 restarts in 1m");
    assert_in_range(during.age_ns, 1, 60 * WARDI_S);
}

/* What others tell of it is judged from outside as well, once it has been busy for long. */
static void test_busy_for_long_hears_the_mailbox(void **state)
{
    (void)state;
    f.options.health.busy_after_ns = WARDI_MS;
    f.options.health.resources[WARD_RESOURCE_MAILBOX].degraded_at = 0.9;
    fake_func(&f.guest, "work", 0, NULL, run_nothing);
    f.guest.during = check_while_busy;
    hold_ns = 5 * WARDI_MS;
    fixture_start();
    wardi_component_mailbox_set(f.component, 60, 64);
    work();
    assert_int_equal(during.health, WARD_CHILD_DEGRADED);
    assert_int_equal(during.contributor_count, 2);
    assert_string_equal(during.contributors[1].text, "mailbox 60 of 64 (94 %)");
    hold_ns = 0;
}

static ward_error meanwhile;
static ward_diag meanwhile_diag;

static void call_during_the_probe(fake_guest *guest, const char *name)
{
    (void)guest;
    if (strcmp(name, "_health") != 0) return;
    meanwhile = ward_component_call(f.component, "work", NULL, 0, NULL, NULL, 0, &meanwhile_diag);
}

static void test_call_during_a_probe(void **state)
{
    (void)state;
    fake_func(&f.guest, "work", 0, NULL, run_nothing);
    f.guest.during = call_during_the_probe;
    start_i32();
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    assert_int_equal(meanwhile, WARD_ERROR_BUSY);
    assert_memory_equal(meanwhile_diag.text, "echo is busy with _health for ", 30);
}

/* ---- resources ---- */

static void test_resources(void **state)
{
    (void)state;
    ward_thresholds *at = f.options.health.resources;
    at[WARD_RESOURCE_MEMORY].degraded_at = 0.9;
    at[WARD_RESOURCE_GROWTHS_REFUSED].degraded_at = 1;
    at[WARD_RESOURCE_TRAPS].unhealthy_at = 2;
    f.options.limits.memory_bytes_max = 1 << 20;
    start_i32();
    returns(0);
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    atomic_store(&f.guest.memory_bytes, 960 << 10);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_RESOURCE, "memory 960KiB of 1MiB (94 %)");
    atomic_store(&f.guest.memory_bytes, 1 << 10);
    atomic_store(&f.guest.growths_refused, 3);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_RESOURCE,
                  "3 memory growths refused since the last check");
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, ""); /* told once */
    f.guest.health_error = WARD_ERROR_TRAP;
    f.guest.cause = "unreachable";
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_POLICY, "_health trapped: unreachable");
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_RESOURCE, "2 traps in 1m");
    assert_string_equal(f.verdict.contributors[0].text, "_health trapped: unreachable");
}

static void test_fuel(void **state)
{
    (void)state;
    f.options.limits.fuel_per_call = 1000;
    f.options.health.resources[WARD_RESOURCE_FUEL].degraded_at = 0.9;
    fake_func(&f.guest, "work", 0, NULL, run_nothing);
    start_i32();
    assert_true(f.guest.metered_seen);
    returns(0);
    f.guest.fuel = 950;
    work();
    f.guest.fuel = 10;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_RESOURCE, "fuel 950 of 1000 (95 %)");
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    assert_int_equal(fixture_figures().fuel_peak, 950);
    ward_component_stop(f.component, NULL);
    fixture_start();
    assert_int_equal(fixture_figures().fuel_peak, 0);
}

static ward_error run_slowly(fake_guest *guest, const wardi_value *args, wardi_value *results,
                             uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)args, (void)results, (void)timeout_ns, (void)trap;
    wardi_sleep_until_ns(wardi_now_ns() + 50 * WARDI_MS);
    return WARD_OK;
}

static void test_share_of_time_busy(void **state)
{
    (void)state;
    f.options.health.resources[WARD_RESOURCE_BUSY].degraded_at = 0.1;
    fake_func(&f.guest, "work", 0, NULL, run_slowly);
    fixture_start();
    work();
    ward_component_check(f.component, &f.verdict);
    assert_int_equal(f.verdict.health, WARD_CHILD_DEGRADED);
    assert_memory_equal(f.verdict.reason.text, "busy ", 5);
    wardi_sleep_until_ns(wardi_now_ns() + 2 * WARDI_MS);
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_STATE, "");
}

static void test_figures(void **state)
{
    (void)state;
    start_i32();
    returns(0);
    ward_figures before = fixture_figures();
    assert_true(before.created_wall_ns != 0 && before.started_wall_ns >= before.created_wall_ns);
    for (int i = 0; i < 10; i++) ward_component_check(f.component, &f.verdict);
    ward_figures after = fixture_figures();
    assert_int_equal(after.checks, 10);
    assert_int_equal(after.probes, 10);
    assert_int_equal(after.state, WARD_STATE_READY);
    assert_int_equal(after.memory_bytes, FAKE_MEMORY_BYTES);
    assert_true(after.probe_ns_total > 0);
    ward_component_stop(f.component, NULL);
    after = fixture_figures();
    uint64_t ran = after.uptime_ns;
    assert_true(ran > 0);
    assert_int_equal(after.memory_bytes, 0);
    wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
    assert_int_equal(fixture_figures().uptime_ns, ran); /* stands still */
    fixture_start();
    assert_true(fixture_figures().uptime_ns < ran + 10 * WARDI_S);

    ward_figures old;
    memset(&old, 0x5a, sizeof old);
    old.size = offsetof(ward_figures, memory_bytes);
    ward_component_figures(f.component, &old);
    assert_int_equal(old.size, offsetof(ward_figures, memory_bytes));
    assert_int_equal(old.state, WARD_STATE_READY);
    assert_int_equal(old.memory_bytes, UINT64_C(0x5a5a5a5a5a5a5a5a)); /* past its size */
}

static void expect_info(bool fast, ward_health_form form, const char *why)
{
    ward_module_info info;
    assert_int_equal(ward_component_module_info(f.component, &info), WARD_OK);
    assert_int_equal(info.fast_path, fast);
    assert_int_equal(info.health_form, form);
    assert_string_equal(info.fast_path_reason, why);
    assert_int_equal(info.export_count, f.guest.export_count);
    ward_component_free(f.component);
    f.component = NULL;
}

static void test_module_info(void **state)
{
    (void)state;
    ward_module_info info;
    fixture_new();
    assert_int_equal(ward_component_module_info(f.component, &info), WARD_ERROR_STATE);
    fixture_start();
    expect_info(false, WARD_HEALTH_FORM_NONE, "there is no health export to call");
    start_i32();
    expect_info(true, WARD_HEALTH_FORM_I32, "it imports nothing that may wait");
    f.guest.waits_on = "wasi_snapshot_preview1.poll_oneoff";
    fixture_start();
    expect_info(false, WARD_HEALTH_FORM_I32,
                "it imports wasi_snapshot_preview1.poll_oneoff, which may wait: every call runs "
                "on a fiber");
    f.guest.waits_on = NULL;
    f.options.limits.fuel_per_call = 5;
    fixture_start();
    expect_info(false, WARD_HEALTH_FORM_I32,
                "fuel is metered: it has to be given and counted around each call");
    f.guest.export_count = 0;
    fake_health_shape(&f.guest, WARDI_RESULT_CASES);
    fixture_start();
    expect_info(false, WARD_HEALTH_FORM_TYPED, "component-model functions have no unchecked call");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_no_export),
        FIXTURE_TEST(test_not_started_never_enters),
        FIXTURE_TEST(test_reports_in_every_codec),
        FIXTURE_TEST(test_i32_values),
        FIXTURE_TEST(test_i32_at_the_end_of_memory),
        FIXTURE_TEST(test_i32_without_memory),
        FIXTURE_TEST(test_i64_values),
        FIXTURE_TEST(test_i64_is_not_held_to_the_window),
        FIXTURE_TEST(test_window_cuts_the_reason),
        FIXTURE_TEST(test_prefixes),
        FIXTURE_TEST(test_policies_reach_the_verdict),
        FIXTURE_TEST(test_trap),
        FIXTURE_TEST(test_endless_loop),
        FIXTURE_TEST(test_engine_trouble_is_said),
        FIXTURE_TEST(test_list),
        FIXTURE_TEST(test_cases),
        FIXTURE_TEST(test_trap_poisons_a_component),
        FIXTURE_TEST(test_busy),
        FIXTURE_TEST(test_busy_forgets_an_earlier_run),
        FIXTURE_TEST(test_busy_without_an_export),
        FIXTURE_TEST(test_busy_repeats_a_resource),
        FIXTURE_TEST(test_busy_for_long_hears_the_mailbox),
        FIXTURE_TEST(test_call_during_a_probe),
        FIXTURE_TEST(test_resources),
        FIXTURE_TEST(test_fuel),
        FIXTURE_TEST(test_share_of_time_busy),
        FIXTURE_TEST(test_figures),
        FIXTURE_TEST(test_module_info),
    };
    wardi_ticks_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
