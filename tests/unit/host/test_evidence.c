/* What is kept of the end of a run, and of messages that end runs too often. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actor_kit.h"

static ward_evidence evidence;

static void wait_for_evidence(const char *name, uint64_t number)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    evidence = (ward_evidence)WARD_INIT(ward_evidence);
    while (ward_supervisor_evidence(supervisor, name, &evidence) != WARD_OK ||
           evidence.number < number) {
        assert_true(wardi_now_ns() < patience);
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
}

static void test_a_trap_in_a_message(void **state)
{
    (void)state;
    int64_t result;
    start_actors(&all);
    assert_int_equal(ward_supervisor_evidence(supervisor, "a", &evidence), WARD_ERROR_NOT_FOUND);
    assert_int_equal(does("a", "l"), 0);
    assert_int_equal(does("b", "sa"), 0);
    wait_until_kept("a", "SENT");
    assert_int_equal(tell("a", "t", &result), WARD_ERROR_TRAP);
    wait_for_evidence("a", 1);
    assert_string_equal(evidence.component, "a");
    assert_int_equal(evidence.cause, WARD_CAUSE_CRASH);
    assert_non_null(strstr(evidence.reason.text, "unreachable"));
    assert_int_equal(evidence.state, WARD_STATE_READY);
    assert_int_equal(evidence.trap.error, WARD_ERROR_TRAP);
    assert_string_equal(evidence.trap.export_name, "handle-message");
    assert_in_range(evidence.detected_ns, 1, PATIENCE_NS);
    assert_true(evidence.trap.frame_count >= 1);
    assert_int_equal(evidence.memory_bytes, 131072);
    assert_true(evidence.uptime_ns > 0);
    assert_int_equal(evidence.line_count, 1);
    assert_string_equal(evidence.lines[0].text, "line");
    assert_int_equal(evidence.lines[0].level, WARD_LOG_WARN);
    assert_true(evidence.message_count >= 3);
    const ward_message_header *last = &evidence.messages[evidence.message_count - 1];
    assert_true(last->over);
    assert_int_equal(last->outcome, WARD_ERROR_TRAP);
    assert_int_equal(last->length, 1);
    assert_string_equal(last->sender, "");
    bool from_b = false;
    for (size_t i = 0; i < evidence.message_count; i++)
        from_b = from_b || strcmp(evidence.messages[i].sender, "b") == 0;
    assert_true(from_b);
}

static void test_only_the_last_messages(void **state)
{
    (void)state;
    int64_t result;
    start_actors(&all);
    for (int i = 0; i < 100; i++) does("a", "i");
    assert_int_equal(tell("a", "t", &result), WARD_ERROR_TRAP);
    wait_for_evidence("a", 1);
    assert_int_equal(evidence.message_count, WARD_EVIDENCE_MESSAGES);
    for (size_t i = 1; i < evidence.message_count; i++)
        assert_true(evidence.messages[i - 1].began_wall_ns <=
                    evidence.messages[i].began_wall_ns + MS);
    assert_int_equal(evidence.messages[WARD_EVIDENCE_MESSAGES - 1].outcome, WARD_ERROR_TRAP);
    assert_int_equal(evidence.messages[0].outcome, WARD_OK);
    assert_int_equal(evidence.messages_handled, 101);
}

/* A hang in the health check is one, with where it hung, and what it was before. */
static void test_a_hang(void **state)
{
    (void)state;
    add((child_spec){.name = "stuck", .wat = hangs, .health = {.timeout_ns = 5 * MS}}, NULL);
    start();
    wait_for_evidence("stuck", 1);
    assert_int_equal(evidence.cause, WARD_CAUSE_HANG);
    assert_int_equal(evidence.trap.error, WARD_ERROR_DEADLINE);
    assert_in_range(evidence.detected_ns, 5 * MS, PATIENCE_NS);
    assert_string_equal(evidence.trap.export_name, "_health");
    assert_int_equal(evidence.message_count, 0);
    assert_true(evidence.change_count >= 1);
    assert_true(evidence.changes[0].is_health);
    assert_int_equal(evidence.changes[0].to, WARD_CHILD_DEGRADED);
    wait_for_evidence("stuck", 2);
}

static void test_a_start_that_fails(void **state)
{
    (void)state;
    add((child_spec){.name = "bad", .wat = traps_in_start}, NULL);
    start();
    wait_for_evidence("bad", 1);
    assert_int_equal(evidence.cause, WARD_CAUSE_START);
    assert_in_range(evidence.detected_ns, 1, PATIENCE_NS);
    assert_int_equal(evidence.trap.error, WARD_ERROR_TRAP);
}

/* A guest that traps in its first message and says Unhealthy from its second one on; the run in
 * between ends by what it says, not by the trap of the run before. */
static const char traps_or_ails[] =
    "(module (memory (export \"memory\") 1) (global $ails (mut i32) (i32.const 0))"
    " (data (i32.const 0) \"\\81\\0e\\00\")"
    " (data (i32.const 16) \"\\81\\0e\\02\\03\\00\\00\\00bad\")"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
    " (func (export \"handle-message\") (param $at i32) (param i32) (result i64)"
    "   (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 116)) (then unreachable))"
    "   (global.set $ails (i32.const 16)) (i64.const 0))"
    " (func (export \"_health\") (result i32) (global.get $ails)))";

static void test_a_trap_of_the_run_before(void **state)
{
    (void)state;
    int64_t result;
    add((child_spec){.name = "a", .wat = traps_or_ails}, NULL);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_int_equal(tell("a", "t", &result), WARD_ERROR_TRAP);
    wait_for_evidence("a", 1);
    assert_int_equal(evidence.trap.error, WARD_ERROR_TRAP);
    tell("a", "u", &result);
    wait_for_evidence("a", 2);
    assert_int_equal(evidence.cause, WARD_CAUSE_HEALTH);
    assert_int_equal(evidence.trap.error, WARD_OK);
    assert_int_equal(evidence.trap.frame_count, 0);
}

/* Found three checks after the last that was well; and each run anew. */
static void test_how_long_it_was_unwell(void **state)
{
    (void)state;
    int64_t result;
    ward_child_options options = {.interval_ns = 20 * MS, .fall = 3};
    add((child_spec){.name = "a", .wat = traps_or_ails, .options = options}, NULL);
    start();
    uint64_t began_ns = wardi_now_ns();
    wait_for(0, "a", WARD_EVENT_READY, true);
    for (uint64_t number = 1; number <= 2; number++) {
        while (tell("a", "u", &result) != WARD_OK) wardi_sleep_until_ns(wardi_now_ns() + MS);
        wait_for_evidence("a", number);
        assert_int_equal(evidence.cause, WARD_CAUSE_HEALTH);
        assert_in_range(evidence.detected_ns, 40 * MS, wardi_now_ns() - began_ns);
    }
}

/* The event of each end names what was taken of it, and no other event does. */
static void test_events_name_it(void **state)
{
    (void)state;
    int64_t result;
    start_actors(&all);
    size_t at = 0, named = 0;
    for (uint64_t number = 1; number <= 2; number++) {
        assert_int_equal(tell("a", "t", &result), WARD_ERROR_TRAP);
        at = (size_t)wait_for(at, "a", WARD_EVENT_STATE, WARD_STATE_FAILED);
        assert_int_equal(record.events[at].event.evidence, number);
        assert_int_equal(record.events[at].event.cause, WARD_CAUSE_CRASH);
        assert_int_not_equal(record.events[at].event.detected_ns, 0);
        at = (size_t)wait_for(at, "a", WARD_EVENT_STATE, WARD_STATE_READY);
    }
    for (size_t i = 0; i <= at; i++) named += record.events[i].event.evidence != 0;
    assert_int_equal(named, 2);
}

/* ---- told at once, and core dumps ---- */

static atomic_int told;

static void on_evidence(void *context, const ward_evidence *given)
{
    assert_ptr_equal(context, &told);
    assert_true(given->size == sizeof evidence);
    atomic_fetch_add(&told, 1);
}

static void test_a_core_dump(void **state)
{
    (void)state;
    int64_t result;
    char directory[] = "/tmp/ward-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    ward_supervisor_options options = usual_options();
    options.on_evidence = on_evidence;
    options.evidence_context = &told;
    options.core_dump_directory = directory;
    ward_supervisor_free(supervisor);
    assert_int_equal(ward_supervisor_new(host, &options, &supervisor, NULL), WARD_OK);
    start_actors(&all);
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(tell("a", "t", &result), WARD_ERROR_TRAP);
        wait_for_evidence("a", (uint64_t)i);
        snprintf(path, sizeof path, "%s/a.%d.coredump.wasm", directory, i % 3);
        assert_string_equal(evidence.core_dump, path);
    }
    assert_true(atomic_load(&told) == 5);
    for (int i = 0; i < 3; i++) {
        uint8_t magic[4] = {0};
        snprintf(path, sizeof path, "%s/a.%d.coredump.wasm", directory, i);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        assert_int_equal(fread(magic, 1, 4, file), 4);
        assert_memory_equal(magic, "\0asm", 4);
        fclose(file);
        unlink(path);
    }
    assert_int_equal(rmdir(directory), 0); /* three, and no more */
    assert_int_equal(tell("b", "t", &result), WARD_ERROR_TRAP);
    wait_for_evidence("b", 1);
    assert_string_equal(evidence.core_dump, "");
    assert_int_equal(evidence.core_dump_diag.error, WARD_ERROR_IO);
}

/* ---- poison ---- */

static ward_message_counts counts_of(const char *name)
{
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    assert_int_equal(ward_supervisor_message_counts(supervisor, name, &counts), WARD_OK);
    return counts;
}

static void test_poison(void **state)
{
    (void)state;
    int64_t result;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.poison_after = 3;
    add_actor_with("a", &all, options);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_int_equal(tell("a", "t", &result), WARD_ERROR_TRAP); /* tried three times */
    assert_int_equal(status_of("a").restarts_by_cause[WARD_CAUSE_CRASH] >= 2, true);
    long at = wait_for(0, "a", WARD_EVENT_SET_ASIDE, 0);
    assert_non_null(strstr(record.events[at].reason, "1 bytes from the application"));
    ward_set_aside aside[2];
    size_t count = 2;
    assert_int_equal(ward_supervisor_set_aside(supervisor, "a", aside, &count), WARD_OK);
    assert_int_equal(count, 1);
    assert_int_equal(aside[0].deaths, 3);
    assert_int_equal(aside[0].byte_count, 1);
    assert_int_equal(aside[0].bytes[0], 't');
    assert_int_equal(does("a", "i"), 1); /* and on it goes */
    wait_for_evidence("a", 3);
    ward_message_counts counts = counts_of("a");
    assert_int_equal(counts.set_aside, 1);
    assert_int_equal(counts.handled, 1);
    assert_int_equal(counts.sent, counts.handled + counts.set_aside);
}

/* What was behind it waits, and is handled in order, after the poison. */
static void test_poison_keeps_the_order(void **state)
{
    (void)state;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.poison_after = 2;
    add_actor_with("a", &all, options);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    static const char *const texts[] = {"A", "t", "B", "C"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ward_supervisor_send(supervisor, id_of("a"), (const uint8_t *)texts[i], 1),
                         WARD_OK);
    wait_until_kept("a", "C");
    size_t count = 2;
    ward_set_aside aside[2];
    assert_int_equal(ward_supervisor_set_aside(supervisor, "a", aside, &count), WARD_OK);
    assert_int_equal(count, 1);
    assert_int_equal(aside[0].deaths, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_trap_in_a_message),
        TEST(test_only_the_last_messages),
        TEST(test_a_hang),
        TEST(test_a_start_that_fails),
        TEST(test_a_trap_of_the_run_before),
        TEST(test_how_long_it_was_unwell),
        TEST(test_events_name_it),
        TEST(test_a_core_dump),
        TEST(test_poison),
        TEST(test_poison_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
