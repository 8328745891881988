/* Imports that a higher room offers: their types, the guest's memory, its end, and waiting. */
#include "support.h"

/* What the owner of an instance keeps, as imports see it. */
typedef struct owner {
    int started, asked, over, cancelled;
    bool ready; /* what is waited for has come */
    uint64_t number, token_seen;
    wardi_guest last; /* as the import saw it */
} owner;

/* ---- the imports ---- */

static wardi_answer import_nothing(wardi_guest *guest)
{
    ((owner *)guest->context)->last = *guest;
    return WARDI_ANSWERED;
}

static wardi_answer import_add(wardi_guest *guest)
{
    guest->result->i32 = guest->args[0].i32 + guest->args[1].i32;
    return WARDI_ANSWERED;
}

static wardi_answer import_mix(wardi_guest *guest)
{
    double sum = guest->args[0].i32 + (double)guest->args[1].i64 + (double)guest->args[2].f32;
    guest->result->f64 = sum + guest->args[3].f64;
    return WARDI_ANSWERED;
}

static wardi_answer import_half(wardi_guest *guest)
{
    guest->result->f32 = guest->args[0].f32 / 2;
    return WARDI_ANSWERED;
}

static wardi_answer import_number(wardi_guest *guest)
{
    guest->result->u64 = ((owner *)guest->context)->number;
    return WARDI_ANSWERED;
}

static wardi_answer import_sum(wardi_guest *guest)
{
    uint64_t address = guest->args[0].u32, length = guest->args[1].u32;
    const uint8_t *bytes = wardi_guest_bytes(guest, address, length);
    if (bytes == NULL)
        return wardi_guest_end(guest, "ABI broken: sum(%llu,\n%llu) is outside of the memory",
                               (unsigned long long)address, (unsigned long long)length);
    int32_t sum = 0;
    for (uint64_t i = 0; i < length; i++) sum += bytes[i];
    guest->result->i32 = sum;
    return WARDI_ANSWERED;
}

/* wait(token, milliseconds) -> token + 1, when the owner is ready; 0: when its time is over */
static wardi_answer wait_begin(wardi_guest *guest)
{
    owner *of = guest->context;
    of->started++;
    if (guest->args[1].i32 < 0) return wardi_guest_end(guest, "ABI broken: negative time");
    if (of->ready) {
        guest->result->u64 = 77;
        return WARDI_ANSWERED;
    }
    assert_int_equal(guest->wake_ns, UINT64_MAX);
    if (guest->args[1].i32 != 0) guest->wake_ns = wardi_now_ns() + guest->args[1].u32 * WARDI_MS;
    guest->wait[0] = (uint64_t)of->started;
    guest->wait[1] = guest->args[0].u64;
    return WARDI_WAITS;
}

static wardi_answer wait_done(wardi_guest *guest)
{
    owner *of = guest->context;
    of->asked++;
    assert_int_equal(guest->wait[0], of->started);
    assert_int_equal(guest->wait[1], guest->args[0].u64);
    bool late = wardi_now_ns() >= guest->wake_ns;
    if (!of->ready && !late) return WARDI_WAITS;
    of->over++;
    if (of->number == 13) return wardi_guest_end(guest, "no luck with %d", 13);
    guest->result->u64 = late ? 0 : guest->args[0].u64 + 1;
    if (guest->memory_length != 0) guest->memory[0] = 0x5a;
    return WARDI_ANSWERED;
}

static void wait_cancel(wardi_guest *guest)
{
    owner *of = guest->context;
    assert_int_equal(guest->wait[1], guest->args[0].u64);
    of->cancelled++;
    of->token_seen = guest->args[0].u64;
}

static const wardi_import table[] = {
    {"ward", "nothing", "", 0, import_nothing, NULL, NULL},
    {"ward", "add", "ii", 'i', import_add, NULL, NULL},
    {"ward", "mix", "iIfF", 'F', import_mix, NULL, NULL},
    {"ward", "half", "f", 'f', import_half, NULL, NULL},
    {"ward", "number", "", 'I', import_number, NULL, NULL},
    {"ward", "sum", "ii", 'i', import_sum, NULL, NULL},
    {"ward", "wait", "Ii", 'I', wait_begin, wait_done, wait_cancel},
    {"other", "numbed", "", 'I', import_number, NULL, NULL},
    {"other", "wait_only", "Ii", 'I', wait_begin, wait_done, NULL},
};

static int offers_setup(void **state)
{
    wardi_engine_options options = {
        .memories_max = 64, .imports = table, .import_count = WARD_COUNT(table)};
    ward_diag diag = {0};
    ward_error error = wardi_engine_new(&options, (wardi_engine **)state, &diag);
    if (error != WARD_OK) fprintf(stderr, "%s\n", diag.text);
    return error != WARD_OK;
}

static test_guest start(void **state, const char *wat, owner *of, uint64_t fuel)
{
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest", .context = of};
    options.limits.fuel_per_call = fuel;
    return guest_start(*state, wat, &options);
}

/* Every test of calls runs on the plain and on the metered engine. */
static const uint64_t fuels[] = {0, 1000000};

/* ---- types, memory ---- */

static const char calls_wat[] =
    "(module (import \"ward\" \"nothing\" (func $nothing))"
    " (import \"ward\" \"add\" (func $add (param i32 i32) (result i32)))"
    " (import \"ward\" \"mix\" (func $mix (param i32 i64 f32 f64) (result f64)))"
    " (import \"ward\" \"half\" (func $half (param f32) (result f32)))"
    " (import \"ward\" \"number\" (func $number (result i64)))"
    " (import \"ward\" \"sum\" (func $sum (param i32 i32) (result i32)))"
    " (memory (export \"memory\") 1) (data (i32.const 65532) \"\\01\\02\\03\\04\")"
    " (func (export \"nothing\") call $nothing)"
    " (func (export \"add\") (result i32) (call $add (i32.const -7) (i32.const 5)))"
    " (func (export \"mix\") (result f64)"
    "   (call $mix (i32.const -1) (i64.const 0x100000000) (f32.const 0.5) (f64.const 0.25)))"
    " (func (export \"half\") (result f32) (call $half (f32.const 3)))"
    " (func (export \"number\") (result i64) call $number)"
    " (func (export \"grow\") (result i32) (memory.grow (i32.const 1)))"
    " (func $inner (export \"sum\") (param i32 i32) (result i32)"
    "   (call $sum (local.get 0) (local.get 1)))"
    " (func (export \"outer\") (result i32) (call $inner (i32.const 65533) (i32.const 4))))";

static void test_types(void **state)
{
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        owner of = {.number = UINT64_C(0xfedcba9876543210)};
        test_guest guest = start(state, calls_wat, &of, fuels[i]);
        wardi_value result = {0};
        const wardi_module_facts *facts = wardi_module_facts_of(guest.module);
        assert_false(facts->waits);
        assert_true(facts->imports[0].offered && !facts->imports[0].waits);
        assert_int_equal(guest_call(&guest, "nothing", NULL, 0, NULL, 0), WARD_OK);
        assert_ptr_equal(of.last.instance, guest.instance);
        assert_int_equal(of.last.memory_length, 65536);
        assert_int_equal(guest_i32(&guest, "add"), -2);
        assert_int_equal(guest_call(&guest, "mix", NULL, 0, &result, 1), WARD_OK);
        double mixed;
        memcpy(&mixed, &result.bits, sizeof mixed);
        assert_true(mixed == 4294967295.75);
        assert_int_equal(guest_call(&guest, "half", NULL, 0, &result, 1), WARD_OK);
        assert_int_equal(result.bits, 0x3fc00000);
        assert_int_equal(guest_call(&guest, "number", NULL, 0, &result, 1), WARD_OK);
        assert_int_equal(result.bits, of.number);
        guest_stop(&guest);
    }
}

static int32_t sum_of(test_guest *guest, uint32_t address, uint32_t length)
{
    wardi_value args[] = {{WARDI_I32, address}, {WARDI_I32, length}}, result = {0};
    ward_error error = guest_call(guest, "sum", args, 2, &result, 1);
    return error == WARD_OK ? (int32_t)result.bits : -1;
}

static void test_memory_and_its_end(void **state)
{
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        owner of = {0};
        test_guest guest = start(state, calls_wat, &of, fuels[i]);
        assert_int_equal(sum_of(&guest, 65532, 4), 10);
        assert_int_equal(sum_of(&guest, 65536, 0), 0);
        assert_int_equal(sum_of(&guest, 65533, 4), -1);
        assert_int_equal(sum_of(&guest, 65537, 0), -1);
        assert_int_equal(sum_of(&guest, UINT32_MAX, 1), -1);
        assert_int_equal(sum_of(&guest, 4, UINT32_MAX), -1);
        assert_int_equal(guest_i32(&guest, "grow"), 1);
        assert_int_equal(sum_of(&guest, 65533, 4), 9); /* seen at once */
        guest_stop(&guest);
    }
}

static void test_end_has_words_and_backtrace(void **state)
{
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        owner of = {0};
        test_guest guest = start(state, calls_wat, &of, fuels[i]);
        wardi_value result = {.bits = 99};
        assert_int_equal(guest_call(&guest, "outer", NULL, 0, &result, 1), WARD_ERROR_TRAP);
        assert_string_equal(guest.trap.cause, "ABI broken: sum(65533, 4) is outside of the memory");
        assert_int_equal(guest.trap.error, WARD_ERROR_TRAP);
        assert_int_equal(guest.trap.frame_count, 2);
        assert_string_equal(guest.trap.frames[0].function, "inner");
        assert_int_equal(guest.trap.frames[1].function_index, 13);
        assert_int_equal(result.bits, 99);
        assert_int_equal(guest_i32(&guest, "add"), -2); /* as after every trap */
        guest_stop(&guest);
    }
}

/* Without a memory, and before the instance is made. */
static void test_memory_of_start_section_and_none(void **state)
{
    static const char start_wat[] =
        "(module (import \"ward\" \"sum\" (func $sum (param i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (data (i32.const 8) \"\\05\\06\") (global $g (mut i32)"
        " (i32.const 0)) (func $start (global.set $g (call $sum (i32.const 8) (i32.const 2))))"
        " (start $start) (func (export \"get\") (result i32) global.get $g))";
    static const char none_wat[] =
        "(module (import \"ward\" \"sum\" (func $sum (param i32 i32) (result i32)))"
        " (func (export \"none\") (result i32) (call $sum (i32.const 0) (i32.const 1))))";
    owner of = {0};
    test_guest guest = start(state, start_wat, &of, 0);
    assert_int_equal(guest_i32(&guest, "get"), 11);
    guest_stop(&guest);
    wardi_value result;
    guest = start(state, none_wat, &of, 0);
    assert_int_equal(guest_call(&guest, "none", NULL, 0, &result, 1), WARD_ERROR_TRAP);
    guest_stop(&guest);
}

/* ---- what is offered ---- */

static void refuse(void **state, const char *wat, const char *expected)
{
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_OK);
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_ERROR_IMPORT_MISSING);
    assert_string_equal(guest.diag.text, expected);
    guest_stop(&guest);
}

static void test_refusals(void **state)
{
    refuse(state, "(module (import \"ward\" \"add\" (func (param i32 i64) (result i32))))",
           "1 of 1 imports is not offered; Ward offers WASI preview 1 (wasi_snapshot_preview1), "
           "ward, other:\n  ward.add: func (i32, i64) -> i32 (offered as func (i32, i32) -> i32)");
    refuse(state,
           "(module (import \"ward\" \"add\" (func (param i32 i32) (result i32)))"
           " (import \"ward\" \"numbers\" (func (result i64)))"
           " (import \"env\" \"fd_reed\" (func)) (import \"env\" \"what\" (func)))",
           "3 of 4 imports are not offered; Ward offers WASI preview 1 (wasi_snapshot_preview1), "
           "ward, other:\n  ward.numbers: func () -> i64 (offered: ward.number)"
           "\n  env.fd_reed: func () (offered: wasi_snapshot_preview1.fd_read)"
           "\n  env.what: func () (offered: ward.wait)");
    /* Two are as close, one in the module that is meant. */
    refuse(state, "(module (import \"other\" \"numbee\" (func)))",
           "1 of 1 imports is not offered; Ward offers WASI preview 1 (wasi_snapshot_preview1), "
           "ward, other:\n  other.numbee: func () (offered: other.numbed)");
}

static void test_name_offered_twice(void **state)
{
    (void)state;
    static const wardi_import twice[] = {
        {"ward", "nothing", "", 0, import_nothing, NULL, NULL},
        {"ward", "nothing", "i", 0, import_nothing, NULL, NULL},
    };
    wardi_engine_options options = {.memories_max = 4, .imports = twice, .import_count = 2};
    wardi_engine *engine = NULL;
    ward_diag diag = {0};
    assert_int_equal(wardi_engine_new(&options, &engine, &diag), WARD_ERROR_INTERNAL);
    assert_null(engine);
    assert_non_null(strstr(diag.text, "cannot offer ward.nothing: "));
}

/* ---- waiting ---- */

static const char waits_wat[] =
    "(module (import \"ward\" \"wait\" (func $wait (param i64 i32) (result i64)))"
    " (import \"ward\" \"add\" (func $add (param i32 i32) (result i32)))"
    " (memory (export \"memory\") 1)"
    " (func $inner (param i64 i32) (result i64) (call $wait (local.get 0) (local.get 1)))"
    " (func (export \"wait\") (param i64 i32) (result i64)"
    "   (call $inner (local.get 0) (local.get 1)))"
    " (func (export \"_health\") (result i32)"
    "   (i32.wrap_i64 (call $inner (i64.const 41) (i32.const 5))))"
    " (func (export \"add\") (result i32) (call $add (i32.const 30) (i32.const 12))))";

static wardi_progress begin(test_guest *guest, uint64_t token, uint32_t ms, uint64_t timeout_ns,
                            uint64_t *ret_wake_ns)
{
    wardi_func func;
    wardi_progress progress = WARDI_CALL_OVER;
    wardi_value args[] = {{WARDI_I64, token}, {WARDI_I32, ms}};
    assert_true(wardi_instance_func(guest->instance, "wait", &func));
    assert_int_equal(wardi_call_start(guest->instance, &func, args, 2, 1, timeout_ns, &progress,
                                      ret_wake_ns, &guest->diag),
                     WARD_OK);
    return progress;
}

static uint64_t took(test_guest *guest)
{
    wardi_value result = {0};
    ward_error error = wardi_call_take(guest->instance, &result, &guest->trap, &guest->diag);
    if (error != WARD_OK) fail_msg("%s", guest->diag.text);
    return result.bits;
}

static void assert_ends(const owner *of, int over, int cancelled)
{
    assert_int_equal(of->over, over);
    assert_int_equal(of->cancelled, cancelled);
}

static void test_wait_until_its_time(void **state)
{
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        owner of = {0};
        test_guest guest = start(state, waits_wat, &of, fuels[i]);
        uint64_t wake_ns = 0, now_ns = wardi_now_ns();
        assert_true(wardi_module_facts_of(guest.module)->waits);
        assert_string_equal(wardi_module_facts_of(guest.module)->waits_on, "wait");
        assert_int_equal(begin(&guest, 6, 20, PATIENCE_NS, &wake_ns), WARDI_CALL_WAITS);
        assert_true(wake_ns >= now_ns + 20 * WARDI_MS && wake_ns < now_ns + PATIENCE_NS / 2);
        assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_WAITS);
        wardi_sleep_until_ns(wake_ns);
        assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_OVER);
        assert_int_equal(took(&guest), 0);
        assert_ends(&of, 1, 0);
        guest_stop(&guest);
        assert_ends(&of, 1, 0);
    }
}

static void test_woken_early_and_again(void **state)
{
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        owner of = {0};
        test_guest guest = start(state, waits_wat, &of, fuels[i]);
        for (uint64_t token = 1; token <= 3; token++) {
            uint64_t wake_ns = 0;
            uint8_t *memory;
            size_t length;
            of.ready = false;
            assert_int_equal(begin(&guest, token << 40, 0, PATIENCE_NS, &wake_ns),
                             WARDI_CALL_WAITS);
            assert_true(wake_ns > wardi_now_ns() + PATIENCE_NS / 2); /* nothing but its deadline */
            of.ready = true;
            assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_OVER);
            assert_int_equal(took(&guest), (token << 40) + 1);
            assert_true(wardi_instance_memory(guest.instance, &memory, &length));
            assert_int_equal(memory[0], 0x5a);
            assert_ends(&of, (int)token, 0);
        }
        uint64_t wake_ns;
        assert_int_equal(begin(&guest, 1, 0, PATIENCE_NS, &wake_ns), WARDI_CALL_OVER);
        assert_int_equal(took(&guest), 77); /* it was there already, and nobody has waited */
        assert_ends(&of, 3, 0);
        assert_int_equal(guest_i32(&guest, "add"), 42);
        guest_stop(&guest);
    }
}

static void test_deadline_while_waiting(void **state)
{
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        owner of = {0};
        test_guest guest = start(state, waits_wat, &of, fuels[i]);
        uint64_t wake_ns = 0, began_ns = wardi_now_ns();
        wardi_value result = {.bits = 99};
        assert_int_equal(begin(&guest, 8, 0, 30 * WARDI_MS, &wake_ns), WARDI_CALL_WAITS);
        wardi_sleep_until_ns(wake_ns);
        assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_OVER);
        assert_true(wardi_now_ns() - began_ns >= 30 * WARDI_MS);
        assert_int_equal(wardi_call_take(guest.instance, &result, &guest.trap, &guest.diag),
                         WARD_ERROR_DEADLINE);
        assert_string_equal(guest.trap.cause, "ran past its deadline of 30ms");
        assert_int_equal(guest.trap.frame_count, 2);
        assert_string_equal(guest.trap.frames[0].function, "inner");
        assert_int_equal(result.bits, 99);
        assert_ends(&of, 0, 1);
        assert_int_equal(of.token_seen, 8);
        assert_int_equal(guest_i32(&guest, "add"), 42);
        guest_stop(&guest);
        assert_ends(&of, 0, 1);
    }
}

static void test_instance_freed_while_waiting(void **state)
{
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        owner of = {0};
        test_guest guest = start(state, waits_wat, &of, fuels[i]);
        uint64_t wake_ns;
        assert_int_equal(begin(&guest, 9, 0, PATIENCE_NS, &wake_ns), WARDI_CALL_WAITS);
        assert_ends(&of, 0, 0);
        guest_stop(&guest);
        assert_ends(&of, 0, 1);
        assert_int_equal(of.token_seen, 9);
    }
}

static void test_interrupted_while_waiting(void **state)
{
    owner of = {0};
    test_guest guest = start(state, waits_wat, &of, 0);
    uint64_t wake_ns;
    wardi_value result;
    assert_int_equal(begin(&guest, 10, 0, PATIENCE_NS, &wake_ns), WARDI_CALL_WAITS);
    of.ready = true; /* too late: the interrupt comes first */
    wardi_instance_interrupt(guest.instance, wardi_instance_activity(guest.instance));
    assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_OVER);
    assert_int_equal(wardi_call_take(guest.instance, &result, &guest.trap, &guest.diag),
                     WARD_ERROR_INTERRUPTED);
    assert_int_equal(guest.trap.frame_count, 2);
    assert_ends(&of, 0, 1);
    guest_stop(&guest);
    assert_ends(&of, 0, 1);
}

/* No hook for it: nothing to run, and nothing is leaked. */
static void test_cancel_is_optional(void **state)
{
    static const char wat[] =
        "(module (import \"other\" \"wait_only\" (func $wait (param i64 i32) (result i64)))"
        " (func (export \"wait\") (param i64 i32) (result i64)"
        "   (call $wait (local.get 0) (local.get 1))))";
    owner of = {0};
    test_guest guest = start(state, wat, &of, 0);
    uint64_t wake_ns;
    assert_int_equal(begin(&guest, 1, 0, PATIENCE_NS, &wake_ns), WARDI_CALL_WAITS);
    guest_stop(&guest);
}

static void test_end_from_start_and_from_done(void **state)
{
    owner of = {0};
    test_guest guest = start(state, waits_wat, &of, 0);
    uint64_t wake_ns;
    wardi_value result;
    assert_int_equal(begin(&guest, 1, UINT32_MAX, PATIENCE_NS, &wake_ns), WARDI_CALL_OVER);
    assert_int_equal(wardi_call_take(guest.instance, &result, &guest.trap, NULL), WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "ABI broken: negative time");
    assert_int_equal(guest.trap.frame_count, 2);
    assert_ends(&of, 0, 0);
    of.number = 13;
    assert_int_equal(begin(&guest, 1, 0, PATIENCE_NS, &wake_ns), WARDI_CALL_WAITS);
    of.ready = true;
    assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_OVER);
    assert_int_equal(wardi_call_take(guest.instance, &result, &guest.trap, NULL), WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "no luck with 13");
    assert_int_equal(guest.trap.frame_count, 2);
    assert_ends(&of, 1, 0);
    guest_stop(&guest);
    assert_ends(&of, 1, 0);
}

/* The probe takes the fast path where it can; here that would end the process. */
static void test_health_that_waits(void **state)
{
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        owner of = {0};
        test_guest guest = start(state, waits_wat, &of, fuels[i]);
        wardi_func func;
        uint64_t bits = 99;
        assert_true(wardi_instance_func(guest.instance, "_health", &func));
        assert_int_equal(
            wardi_call_probe(guest.instance, &func, wardi_ticks(), PATIENCE_NS, &bits, NULL),
            WARD_OK);
        assert_int_equal(bits, 0);
        assert_ends(&of, 1, 0);
        assert_int_equal(
            wardi_call_probe(guest.instance, &func, wardi_ticks(), WARDI_MS, &bits, &guest.trap),
            WARD_ERROR_DEADLINE);
        assert_ends(&of, 1, 1);
        assert_int_equal(guest.trap.frame_count, 2);
        guest_stop(&guest);
    }
}

/* Who stands by sees within some milliseconds that it has come, though nobody resumes. */
static void test_standing_by_asks_now_and_then(void **state)
{
    owner of = {0};
    test_guest guest = start(state, waits_wat, &of, 0);
    wardi_value args[] = {{WARDI_I64, 1}, {WARDI_I32, 40}}, result;
    assert_int_equal(guest_call(&guest, "wait", args, 2, &result, 1), WARD_OK);
    assert_ends(&of, 1, 0);
    if (of.asked < 12 || of.asked > 60) fail_msg("asked %d times in 40 ms", of.asked);
    guest_stop(&guest);
}

static void test_start_section_that_waits(void **state)
{
    static const char wat[] =
        "(module (import \"ward\" \"wait\" (func $wait (param i64 i32) (result i64)))"
        " (global $g (mut i64) (i64.const 5)) (func (export \"get\") (result i64) global.get $g)"
        " (func $start (global.set $g (call $wait (i64.const 1) (i32.const 50)))) (start $start))";
    owner of = {0};
    test_guest guest = start(state, wat, &of, 0);
    wardi_value result;
    assert_int_equal(guest_call(&guest, "get", NULL, 0, &result, 1), WARD_OK);
    assert_int_equal(result.bits, 0);
    wardi_instance_free(guest.instance);
    guest.instance = NULL;
    wardi_instance_options options = {.limits = usual_limits(), .context = &of};
    assert_int_equal(guest_make(&guest, &options, 5 * WARDI_MS), WARD_ERROR_DEADLINE);
    assert_ends(&of, 1, 1);
    guest_stop(&guest);
}

static bool refuse_all(void *context, size_t size)
{
    (void)context, (void)size;
    return false;
}

static void test_no_memory_to_wait(void **state)
{
    owner of = {0};
    test_guest guest = start(state, waits_wat, &of, 0);
    wardi_func func;
    uint64_t bits;
    assert_true(wardi_instance_func(guest.instance, "_health", &func));
    wardi_alloc_gate_set(refuse_all, NULL);
    ward_error error =
        wardi_call_probe(guest.instance, &func, wardi_ticks(), PATIENCE_NS, &bits, &guest.trap);
    wardi_alloc_gate_set(NULL, NULL);
    assert_int_equal(error, WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "the host has no memory for a guest that waits");
    assert_int_equal(of.started, 0);
    guest_stop(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_memory_and_its_end),
        cmocka_unit_test(test_end_has_words_and_backtrace),
        cmocka_unit_test(test_memory_of_start_section_and_none),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_name_offered_twice),
        cmocka_unit_test(test_wait_until_its_time),
        cmocka_unit_test(test_woken_early_and_again),
        cmocka_unit_test(test_deadline_while_waiting),
        cmocka_unit_test(test_instance_freed_while_waiting),
        cmocka_unit_test(test_interrupted_while_waiting),
        cmocka_unit_test(test_cancel_is_optional),
        cmocka_unit_test(test_end_from_start_and_from_done),
        cmocka_unit_test(test_health_that_waits),
        cmocka_unit_test(test_standing_by_asks_now_and_then),
        cmocka_unit_test(test_start_section_that_waits),
        cmocka_unit_test(test_no_memory_to_wait),
    };
    return cmocka_run_group_tests(tests, offers_setup, engine_teardown);
}
