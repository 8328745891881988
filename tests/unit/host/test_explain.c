/* What ward_child_explain computes, against what real guests take. */
#include "host_kit.h"

/* Well at its first check only. */
#define WELL_ONCE(then)                                                                            \
    "(module " FRAME_MEMORY(                                                                       \
        "\\81\\0e\\02\\01\\00\\00\\00x") "(global $n (mut i32) (i32.const 0))"                     \
                                         "(func (export \"_health\") (result i32)"                 \
                                         "  (global.set $n (i32.add (global.get $n) (i32.const "   \
                                         "1)))"                                                    \
                                         "  (if (i32.ge_u (global.get $n) (i32.const 2)) "         \
                                         "(then " then ")) i32.const 0))"
static const char ill_later[] = WELL_ONCE("(return (i32.const 16))");
static const char traps_later[] = WELL_ONCE("unreachable");
#define TAKES_MESSAGES(then)                                                                       \
    "(func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"                       \
    "(func (export \"handle-message\") (param $at i32) (param i32) (result i64) " then             \
    " i64.const 0)"
/* Any message makes it hang, but "!" traps. */
static const char breaks_on_message[] = "(module (memory (export \"memory\") 1)" TAKES_MESSAGES(
    "(if (i32.eq (i32.load8_u (local.get $at)) (i32.const 33)) (then unreachable))"
    "(loop $l br $l)") ")";
/* A message takes 300 ms, in which the guest waits: one subscription to the clock is at 64. */
static const char ill_later_and_waits[] =
    "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
    "  (func $poll (param i32 i32 i32 i32) (result i32)))" FRAME_MEMORY(
        "\\81\\0e\\02\\01\\00\\00\\00x") "(data (i32.const 80) \"\\01\")"
                                         "(data (i32.const 88) \"\\00\\a3\\e1\\11\")"
                                         "(global $n (mut i32) (i32.const 0))"
                                         "(func (export \"_health\") (result i32)"
                                         "  (global.set $n (i32.add (global.get $n) (i32.const "
                                         "1)))"
                                         "  (select (i32.const 16) (i32.const 0) (i32.ge_u "
                                         "(global.get $n) (i32.const 2))))" TAKES_MESSAGES(
                                             "(drop (call $poll (i32.const 64) (i32.const 256) "
                                             "(i32.const 1) (i32.const 512)))") ")";
static const char cleans_up_for_ever[] =
    "(module (func (export \"_health\") (result i32) i32.const 0)"
    "  (func (export \"_cleanup\") (loop $l br $l)))";

/* Bounded by 1 s where nothing else is said, so that a wrong sum cannot hide behind 10 s. */
static const ward_backoff fixed = {
    .shape = WARD_BACKOFF_FIXED, .initial_ns = 40 * MS, .jitter = -1, .restarts_max = 255};

static ward_component_options component_of(child_spec spec)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = spec.name;
    component.bytes = (const uint8_t *)spec.wat;
    component.byte_count = strlen(spec.wat);
    component.health = spec.health;
    component.start_timeout_ns = spec.start_timeout_ns;
    component.stop_timeout_ns = 300 * MS;
    return component;
}

static ward_explanation explained(const ward_child_options *options, ward_fault fault,
                                  const ward_child_options *mate)
{
    ward_explanation e = WARD_INIT(ward_explanation);
    ward_explain_options ask = WARD_INIT(ward_explain_options);
    ward_diag diag;
    ask.child = options;
    ask.fault = fault;
    ask.along = &mate;
    ask.along_count = mate != NULL;
    if (ward_child_explain(&ask, &e, &diag) != WARD_OK) fail_msg("%s", diag.text);
    uint64_t worst[2] = {0}, typical[2] = {0};
    for (size_t i = 0; i < e.term_count; i++) {
        worst[e.terms[i].of_recovery] += e.terms[i].worst_ns;
        typical[e.terms[i].of_recovery] += e.terms[i].typical_ns;
    }
    assert_true(worst[0] == e.detect_worst_ns && typical[0] == e.detect_typical_ns);
    assert_true(worst[1] == e.recover_worst_ns && typical[1] == e.recover_typical_ns);
    return e;
}

static uint64_t between(long from, long to)
{
    return record.events[to].event.wall_ns - record.events[from].event.wall_ns;
}

/* Never more than computed; and no less than `least_ns`, so that it cannot hold by being huge. */
static void check_within(const char *what, uint64_t took_ns, uint64_t worst_ns, uint64_t least_ns)
{
    if (took_ns > worst_ns || took_ns < least_ns)
        fail_msg("%s: took %gms; computed %gms at worst, and it should be %gms at least", what,
                 (double)took_ns / 1e6, (double)worst_ns / 1e6, (double)least_ns / 1e6);
}

/* Runs it, with a mate of its group or alone, and measures the first failure. `from` is the event
 * at which it went wrong. */
static void measure(child_spec spec, ward_fault fault, child_spec *mate, ward_event_kind from,
                    int value)
{
    ward_component_options component = component_of(spec), other = {0};
    ward_child_options options = spec.options, mates = {0};
    options.size = sizeof options;
    options.component = &component;
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
    if (mate != NULL) {
        other = component_of(*mate);
        mates = mate->options;
        mates.size = sizeof mates;
        mates.component = &other;
        assert_int_equal(ward_supervisor_add(supervisor, &mates, NULL), WARD_OK);
    }
    ward_explanation e = explained(&options, fault, mate != NULL ? &mates : NULL);
    start();
    long wrong = wait_for(0, spec.name, from, value);
    long failed = wait_for((size_t)wrong, spec.name, WARD_EVENT_STATE, WARD_STATE_FAILED);
    long ready = wait_for((size_t)failed, spec.name, WARD_EVENT_READY, true);
    uint64_t least_ns = (options.fall - 1) * options.interval_ns;
    if (fault == WARD_FAULT_HANG) least_ns += spec.health.timeout_ns;
    check_within("detection", between(wrong, failed), e.detect_worst_ns, least_ns * 9 / 10);
    uint64_t waited_ns = options.backoff.initial_ns + (mate != NULL ? other.stop_timeout_ns : 0);
    check_within("recovery", between(failed, ready), e.recover_worst_ns,
                 mate != NULL ? waited_ns - options.backoff.initial_ns : waited_ns * 9 / 10);
    assert_true(e.recover_worst_ns >= waited_ns);
}

static void a_hang(void **state)
{
    (void)state;
    /* From the start on: at its first check, so there is an interval to spare for a busy machine,
     * and a long one. */
    measure((child_spec){.name = "a",
                         .wat = hangs,
                         .health.timeout_ns = 150 * MS,
                         .start_timeout_ns = WARDI_S,
                         .options = {.interval_ns = 600 * MS, .fall = 3, .backoff = fixed}},
            WARD_FAULT_HANG, NULL, WARD_EVENT_STATE, WARD_STATE_READY);
}

/* Checks that take longer than the interval come an interval after the end of the one before. */
static void a_hang_longer_than_the_interval(void **state)
{
    (void)state;
    measure((child_spec){.name = "a",
                         .wat = hangs,
                         .health.timeout_ns = 400 * MS,
                         .start_timeout_ns = WARDI_S,
                         .options = {.interval_ns = 300 * MS, .fall = 3, .backoff = fixed}},
            WARD_FAULT_HANG, NULL, WARD_EVENT_STATE, WARD_STATE_READY);
}

static void an_unhealthy_answer(void **state)
{
    (void)state;
    measure((child_spec){.name = "a",
                         .wat = ill_later,
                         .health.timeout_ns = 200 * MS,
                         .start_timeout_ns = WARDI_S,
                         .options = {.interval_ns = 50 * MS, .fall = 4, .backoff = fixed}},
            WARD_FAULT_UNHEALTHY, NULL, WARD_EVENT_READY, true);
}

static void a_trap(void **state)
{
    (void)state;
    measure((child_spec){.name = "a",
                         .wat = traps_later,
                         .health.timeout_ns = 200 * MS,
                         .start_timeout_ns = WARDI_S,
                         .options = {.interval_ns = 50 * MS, .fall = 2, .backoff = fixed}},
            WARD_FAULT_TRAP, NULL, WARD_EVENT_READY, true);
}

static void send(const char *name, const char *text)
{
    ward_child_id id;
    assert_int_equal(ward_supervisor_find(supervisor, name, &id), WARD_OK);
    assert_int_equal(ward_supervisor_send(supervisor, id, (const uint8_t *)text, strlen(text)),
                     WARD_OK);
}

/* What a message does is seen from the moment at which it begins to be handled; on a busy machine
 * that is not the one at which it was sent. */
#define UNTIL_HANDLED_NS (WARDI_S / 2)

static void measure_message(ward_fault fault, const char *text, uint64_t least_ns)
{
    child_spec spec = {.name = "a",
                       .wat = breaks_on_message,
                       .health.timeout_ns = 200 * MS,
                       .start_timeout_ns = WARDI_S,
                       .options = {.interval_ns = 3600 * WARDI_S,
                                   .message_timeout_ns = 300 * MS,
                                   .backoff = fixed}};
    ward_component_options component = component_of(spec);
    spec.options.size = sizeof spec.options;
    spec.options.component = &component;
    assert_int_equal(ward_supervisor_add(supervisor, &spec.options, NULL), WARD_OK);
    ward_explanation e = explained(&spec.options, fault, NULL);
    start();
    long ready = wait_for(0, "a", WARD_EVENT_READY, true);
    uint64_t sent_ns = wardi_wall_ns();
    send("a", text);
    /* Not one before: on a busy machine a start may be past its time, and is tried again. */
    long failed = wait_for((size_t)ready, "a", WARD_EVENT_STATE, WARD_STATE_FAILED);
    ready = wait_for((size_t)failed, "a", WARD_EVENT_READY, true);
    check_within("detection", record.events[failed].event.wall_ns - sent_ns,
                 e.detect_worst_ns + UNTIL_HANDLED_NS, least_ns);
    check_within("recovery", between(failed, ready), e.recover_worst_ns, 40 * MS * 9 / 10);
}

static void a_hang_in_a_message(void **state)
{
    (void)state;
    measure_message(WARD_FAULT_MESSAGE_HANG, "~", 300 * MS * 9 / 10);
}

static void a_trap_in_a_message(void **state)
{
    (void)state;
    measure_message(WARD_FAULT_MESSAGE_TRAP, "!", 0);
}

/* Checks find it busy nearly always; those that did are made up for between messages. */
static void an_unhealthy_answer_between_messages(void **state)
{
    (void)state;
    child_spec spec = {
        .name = "a",
        .wat = ill_later_and_waits,
        .health.timeout_ns = 200 * MS,
        .start_timeout_ns = WARDI_S,
        .options = {
            .interval_ns = 100 * MS, .fall = 2, .message_timeout_ns = 600 * MS, .backoff = fixed}};
    ward_component_options component = component_of(spec);
    spec.options.size = sizeof spec.options;
    spec.options.component = &component;
    assert_int_equal(ward_supervisor_add(supervisor, &spec.options, NULL), WARD_OK);
    ward_explanation e = explained(&spec.options, WARD_FAULT_UNHEALTHY, NULL);
    start();
    long ready = wait_for(0, "a", WARD_EVENT_READY, true);
    for (int i = 0; i < 60; i++) send("a", "x");
    long failed = wait_for((size_t)ready, "a", WARD_EVENT_STATE, WARD_STATE_FAILED);
    check_within("detection", between(ready, failed), e.detect_worst_ns, 300 * MS * 9 / 10);
}

/* What its group stops with it is waited for, and the sum knows. */
static void with_a_mate_that_stops_slowly(void **state)
{
    (void)state;
    add_group((ward_group_options){.name = "pair", .strategy = WARD_ONE_FOR_ALL});
    child_spec mate = {.name = "mate", .wat = cleans_up_for_ever, .options.group = "pair"};
    measure(
        (child_spec){
            .name = "a",
            .wat = ill_later,
            .health.timeout_ns = 200 * MS,
            .start_timeout_ns = WARDI_S,
            .options = {.group = "pair", .interval_ns = 50 * MS, .fall = 2, .backoff = fixed}},
        WARD_FAULT_UNHEALTHY, &mate, WARD_EVENT_READY, true);
}

/* ---- figures ---- */

static ward_child_options plain(const ward_component_options *component)
{
    ward_child_options options = WARD_INIT(ward_child_options);
    options.component = component;
    return options;
}

static void defaults_are_those_of_the_library(void **state)
{
    (void)state;
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = "a";
    ward_child_options options = plain(&component);
    ward_explanation e = explained(&options, WARD_FAULT_HANG, NULL);
    /* an interval; a message and a check, three times, and two intervals after them, for together
     * they take longer than one; the cap with its jitter, start, a check */
    assert_true(e.detected && e.restarted);
    assert_true(e.detect_worst_ns == (10 + 3 * (10 + 1) + 2 * 10) * WARDI_S + 6 * 2 * MS);
    assert_true(e.detect_typical_ns == 26 * WARDI_S + MS);
    assert_true(e.recover_worst_ns == (33 + 10 + 1) * WARDI_S + 4 * MS);
    assert_true(e.recover_typical_ns == 100 * MS);
    options.startup_interval_ns = 2 * WARDI_S;
    e = explained(&options, WARD_FAULT_HANG, NULL);
    uint64_t message_ns = 10 * WARDI_S + 2 * MS, check_ns = WARDI_S + 2 * MS;
    assert_true(e.recover_worst_ns == (33 + 10) * WARDI_S + 2 * MS +
                                          29 * (2 * WARDI_S + message_ns + check_ns) + message_ns +
                                          check_ns);
    e = explained(&options, WARD_FAULT_MESSAGE_HANG, NULL);
    assert_true(e.detect_worst_ns == message_ns && e.detect_typical_ns == 10 * WARDI_S + MS);
    e = explained(&options, WARD_FAULT_MESSAGE_TRAP, NULL);
    assert_true(e.detected && e.detect_worst_ns == 0);
    options.message_timeout_ns = 3 * WARDI_S;
    options.startup_interval_ns = 0;
    e = explained(&options, WARD_FAULT_MESSAGE_HANG, NULL);
    assert_true(e.detect_worst_ns == 3 * WARDI_S + 2 * MS);
    assert_true(e.recover_worst_ns == (33 + 10 + 1) * WARDI_S + 4 * MS);
    e = explained(&options, WARD_FAULT_HANG, NULL);
    assert_true(e.detect_worst_ns == (31 + 3) * WARDI_S + 4 * MS);
}

static void what_leads_to_nothing(void **state)
{
    (void)state;
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = "a";
    component.health.on_trap = WARD_FALLBACK_STATE;
    ward_child_options options = plain(&component);
    assert_false(explained(&options, WARD_FAULT_TRAP, NULL).detected);
    assert_true(explained(&options, WARD_FAULT_HANG, NULL).detected);
    options.restart = WARD_RESTART_TEMPORARY;
    ward_explanation e = explained(&options, WARD_FAULT_HANG, NULL);
    assert_false(e.restarted);
    assert_true(e.detected && e.recover_worst_ns == 0);
}

/* Stops go one after the other along needs, and so do starts. */
static void chains_of_needs(void **state)
{
    (void)state;
    const char *const names[] = {"d", "c", "b"};
    ward_component_options components[4];
    ward_child_options options[4];
    const ward_child_options *along[3];
    for (int i = 0; i < 4; i++) {
        components[i] = (ward_component_options)WARD_INIT(ward_component_options);
        components[i].name = i < 3 ? names[i] : "a";
        components[i].start_timeout_ns = components[i].stop_timeout_ns = WARDI_S;
        components[i].health.timeout_ns = 100 * MS;
        options[i] = plain(&components[i]);
        options[i].message_timeout_ns = 50 * MS;     /* no longer than a check */
        if (i > 0) options[i].needs = &names[i - 1]; /* a needs b, b needs c, c needs d */
        options[i].need_count = i > 0;
        if (i < 3) along[i] = &options[i];
    }
    uint64_t alone_ns = explained(&options[3], WARD_FAULT_UNHEALTHY, NULL).recover_worst_ns;
    ward_explanation e = WARD_INIT(ward_explanation);
    ward_explain_options ask = WARD_INIT(ward_explain_options);
    ask = (ward_explain_options){.size = sizeof ask,
                                 .child = &options[3],
                                 .fault = WARD_FAULT_UNHEALTHY,
                                 .along = along,
                                 .along_count = 3};
    assert_int_equal(ward_child_explain(&ask, &e, NULL), WARD_OK);
    /* each stops in a check and a clean-up, and starts in a start and a check; with their ticks */
    uint64_t each_ns = 1100 * MS + 4 * MS;
    assert_true(e.recover_worst_ns == alone_ns + 6 * each_ns);
    /* Without needs they stop at the same time, and nobody waits for a start. */
    for (int i = 0; i < 4; i++) options[i].need_count = 0;
    assert_int_equal(ward_child_explain(&ask, &e, NULL), WARD_OK);
    assert_true(e.recover_worst_ns == alone_ns + each_ns);
    /* A message that is under way comes to its end, as far as the shutdown's time allows. */
    options[1].message_timeout_ns = 500 * MS;
    assert_int_equal(ward_child_explain(&ask, &e, NULL), WARD_OK);
    assert_true(e.recover_worst_ns == alone_ns + 1500 * MS + 4 * MS);
    options[1].message_timeout_ns = 3600 * WARDI_S;
    options[1].shutdown_timeout_ns = 2 * WARDI_S;
    assert_int_equal(ward_child_explain(&ask, &e, NULL), WARD_OK);
    assert_true(e.recover_worst_ns == alone_ns + 2 * WARDI_S + 5 * WARDI_S);
    /* Killed: only a check that is under way. */
    for (int i = 0; i < 3; i++) options[i].shutdown = WARD_SHUTDOWN_IMMEDIATE;
    assert_int_equal(ward_child_explain(&ask, &e, NULL), WARD_OK);
    assert_true(e.recover_worst_ns == alone_ns + 102 * MS);
    /* Needs in a circle are refused where they are added; here they must only come to an end. */
    for (int i = 0; i < 3; i++) options[i].need_count = 1;
    options[0].needs = &names[2];
    assert_int_equal(ward_child_explain(&ask, &e, NULL), WARD_OK);
}

static void what_is_refused(void **state)
{
    (void)state;
    ward_explanation e = WARD_INIT(ward_explanation);
    ward_explain_options ask = WARD_INIT(ward_explain_options);
    ward_diag diag;
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_child_options options = plain(&component), bare = WARD_INIT(ward_child_options);
    assert_int_equal(ward_child_explain(NULL, &e, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(ward_child_explain(&ask, &e, &diag), WARD_ERROR_INVALID_ARGUMENT);
    ask.child = &bare;
    assert_int_equal(ward_child_explain(&ask, &e, &diag), WARD_ERROR_INVALID_ARGUMENT);
    ask.child = &options;
    ask.fault = (ward_fault)WARD_FAULT_COUNT;
    assert_int_equal(ward_child_explain(&ask, &e, &diag), WARD_ERROR_INVALID_ARGUMENT);
    ask.fault = WARD_FAULT_HANG;
    options.interval_ns = 1;
    assert_int_equal(ward_child_explain(&ask, &e, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_string_equal(diag.text, "a check interval must be at least 1ms");
    assert_int_equal(e.term_count, 0);
    assert_string_equal(ward_fault_name(WARD_FAULT_HANG), "hang");
    assert_string_equal(ward_fault_name(WARD_FAULT_MESSAGE_HANG), "message_hang");
    assert_string_equal(ward_fault_name((ward_fault)WARD_FAULT_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hang),
        TEST(a_hang_longer_than_the_interval),
        TEST(an_unhealthy_answer),
        TEST(a_trap),
        TEST(a_hang_in_a_message),
        TEST(a_trap_in_a_message),
        TEST(an_unhealthy_answer_between_messages),
        TEST(with_a_mate_that_stops_slowly),
        cmocka_unit_test(defaults_are_those_of_the_library),
        cmocka_unit_test(what_leads_to_nothing),
        cmocka_unit_test(chains_of_needs),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
