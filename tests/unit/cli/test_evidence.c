/* What people are shown of the ends of runs: which, and how it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/evidence.h"

static wardi_evidence_gate gate;
static ward_evidence evidence;

/* A crash of "api" in its health check, at noon of the first day of 1970. */
static int crash(void **state)
{
    (void)state;
    gate = (wardi_evidence_gate){0};
    evidence = (ward_evidence){.size = sizeof evidence,
                               .number = 1,
                               .wall_ns = 43200 * WARDI_S,
                               .component = "api",
                               .cause = WARD_CAUSE_CRASH,
                               .uptime_ns = 4 * WARDI_S,
                               .memory_bytes = 65536,
                               .memory_bytes_max = 4 << 20};
    evidence.trap = (ward_trap){.error = WARD_ERROR_TRAP,
                                .export_name = "_health",
                                .cause = "unreachable",
                                .frame_count = 1,
                                .frames = {{.function = "look", .function_index = 7}}};
    return 0;
}

/* ---- which ---- */

static bool asks(uint64_t now_ns)
{
    return wardi_evidence_asks(&gate, &evidence, false, now_ns);
}

static void assert_held_back(uint64_t alike, uint64_t many)
{
    assert_int_equal(gate.alike, alike);
    assert_int_equal(gate.many, many);
}

static void alike_is_shown_once(void **state)
{
    (void)state;
    assert_true(asks(100));
    assert_int_equal(wardi_evidence_said_due_ns(&gate), UINT64_MAX);
    evidence.uptime_ns++;
    evidence.number++;
    evidence.memory_bytes *= 2;
    assert_false(asks(200));
    assert_false(asks(300));
    assert_held_back(2, 0);
    assert_int_equal(gate.like_ns, evidence.wall_ns);
    assert_int_equal(wardi_evidence_said_due_ns(&gate), 200 + WARDI_EVIDENCE_SAID_NS);
    assert_true(asks(100 + WARDI_EVIDENCE_AGAIN_NS));
}

static void alike_to_several(void **state)
{
    (void)state;
    assert_true(asks(1));
    evidence.cause = WARD_CAUSE_HANG;
    evidence.wall_ns++;
    assert_true(asks(2));
    assert_false(asks(3));
    assert_int_equal(gate.like_ns, evidence.wall_ns);
    evidence.cause = WARD_CAUSE_CRASH;
    assert_false(asks(4));
    assert_held_back(2, 0);
    assert_int_equal(gate.like_ns, 0); /* there is no one of them to name */
}

/* Each of these makes it another end than the one shown first. */
static void other_is_shown(void **state)
{
    uint64_t now_ns = WARDI_S;
    (void)state;
    assert_true(asks(now_ns));
    for (int i = 0; i < 6; i++) {
        crash(state);
        assert_true(asks(now_ns));
        if (i == 0) evidence.cause = WARD_CAUSE_HANG;
        if (i == 1) evidence.trap.cause[0] = 'U';
        if (i == 2) evidence.trap.export_name[0] = '-';
        if (i == 3) evidence.trap.frames[0].function_offset = 1;
        if (i == 4) evidence.trap.frame_count = 0;
        if (i == 5) evidence.component[0] = 'A';
        assert_true(asks(now_ns));
    }
}

static void instances_are_alike(void **state)
{
    (void)state;
    strcpy(evidence.component, "web.1");
    assert_true(wardi_evidence_asks(&gate, &evidence, true, 1));
    strcpy(evidence.component, "web.17");
    assert_false(wardi_evidence_asks(&gate, &evidence, true, 2));
    assert_true(wardi_evidence_asks(&gate, &evidence, false, 3)); /* a component of that name */
}

/* A storm of ends, no two of them alike: a few are shown, and after a while a few more. */
static void few_at_once(void **state)
{
    enum { ENDS = 1000 };
    uint64_t now_ns = WARDI_S, shown = 0;
    (void)state;
    for (int i = 0; i < ENDS; i++) {
        snprintf(evidence.component, sizeof evidence.component, "c%d", i);
        shown += asks(now_ns);
    }
    assert_int_equal(shown, WARDI_EVIDENCE_BURST);
    assert_held_back(0, ENDS - WARDI_EVIDENCE_BURST);
    assert_false(asks(now_ns + WARDI_EVIDENCE_BURST_NS - 1));
    assert_true(asks(now_ns + WARDI_EVIDENCE_BURST_NS));
}

/* ---- how it reads ---- */

static char *printed(void (*print)(FILE *to))
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    print(to);
    fclose(to);
    return text;
}

static void assert_printed(void (*print)(FILE *to), const char *wanted)
{
    char *text = printed(print);
    assert_string_equal(text, wanted);
    free(text);
}

static void print_evidence(FILE *to)
{
    wardi_evidence_print(to, &evidence);
}

static void print_held_back(FILE *to)
{
    wardi_evidence_print_held_back(to, &gate);
}

static void a_crash(void **state)
{
    (void)state;
    assert_printed(print_evidence, "              cause    crash after 4s; memory 64KiB of 4MiB\n"
                                   "              trap     unreachable in _health\n"
                                   "                       0: look  (function 7)\n");
}

static ward_message_header message_at(uint64_t number)
{
    return (ward_message_header){.kind = WARD_MESSAGE_INVOKE,
                                 .began_wall_ns = 43200 * WARDI_S + number * WARDI_MS,
                                 .took_ns = 12 * WARDI_US,
                                 .length = 64,
                                 .over = true,
                                 .sender = "shop",
                                 .what = "add"};
}

/* The newest is first; the rest is counted. Nothing of a guest's moves a cursor. */
static void with_all_there_is(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    evidence.fuel_peak = 90;
    evidence.fuel_per_call = 100;
    for (size_t i = 0; i < 5; i++) evidence.messages[evidence.message_count++] = message_at(i);
    evidence.messages[4].over = false;
    evidence.messages[3].outcome = WARD_ERROR_TRAP;
    evidence.messages[3].sender[0] = '\0';
    evidence.messages[2].kind = WARD_MESSAGE_TOPIC;
    evidence.messages_handled = 99;
    evidence.messages_waiting = 2;
    for (size_t i = 0; i < 4; i++)
        evidence.lines[evidence.line_count++] = (ward_evidence_line){
            .wall_ns = 43200 * WARDI_S, .level = WARD_LOG_WARN, .text = "one\ntwo\033[2J"};
    strcpy(evidence.core_dump, "dumps/api.1.coredump.wasm");
    evidence.trap.frame_count = 10;
    char *text = printed(print_evidence);
    static const char *const wanted[] = {
        "; fuel at most 90 of 100 a call\n",
        "                       … 2 more\n",
        "              messages 12:00:00.004  64B from shop to call add, 12us so far\n"
        "                       12:00:00.003  64B from the application to call add, 12us: trap\n"
        "                       12:00:00.002  64B from shop under add, 12us: ok\n"
        "                       2 more before\n"
        "                       99 handled since it was added, 2 waiting\n",
        "              log      12:00:00.000  warn: one\\ntwo\\x1b[2J\n",
        "                       1 more before\n",
        "              dump     dumps/api.1.coredump.wasm\n",
    };
    for (size_t i = 0; i < WARD_COUNT(wanted); i++)
        if (strstr(text, wanted[i]) == NULL) fail_msg("no %s in\n%s", wanted[i], text);
    free(text);
}

/* The engine has not counted a call that a deadline ended: no figure rather than a wrong one. */
static void no_fuel_of_a_hang(void **state)
{
    (void)state;
    evidence.fuel_per_call = 100;
    evidence.trap.error = WARD_ERROR_DEADLINE;
    char *text = printed(print_evidence);
    assert_null(strstr(text, "fuel"));
    free(text);
}

static void no_dump(void **state)
{
    (void)state;
    evidence.core_dump_diag = (ward_diag){WARD_ERROR_IO, "dumps/api.1: No space left on device"};
    char *text = printed(print_evidence);
    assert_non_null(strstr(text, "dump     none: dumps/api.1: No space left on device\n"));
    free(text);
}

/* A start that failed for want of a module, and a command that is done, say it in one line. */
static void nothing_to_add(void **state)
{
    (void)state;
    assert_true(wardi_evidence_tells(&evidence));
    evidence.cause = WARD_CAUSE_EXIT;
    assert_false(wardi_evidence_tells(&evidence));
    evidence.trap.exit_code = 3;
    assert_true(wardi_evidence_tells(&evidence));
    evidence = (ward_evidence){.cause = WARD_CAUSE_START};
    assert_false(wardi_evidence_tells(&evidence));
    evidence.line_count = 1;
    assert_true(wardi_evidence_tells(&evidence));
}

static void what_is_held_back_is_said(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    assert_printed(print_held_back, "");
    gate.alike = 1;
    gate.like_ns = evidence.wall_ns;
    assert_printed(print_held_back, "… evidence of 1 more end is not shown: like that of "
                                    "12:00:00.000; --json has it\n");
    assert_printed(print_held_back, "");
    gate.many = 996;
    assert_printed(print_held_back,
                   "… evidence of 996 more ends is not shown: too many at once; --json has it\n");
    gate.alike = 2;
    gate.many = 3;
    gate.like_ns = 0;
    assert_printed(print_held_back, "… evidence of 5 more ends is not shown: 2 like what was "
                                    "shown, 3 too many at once; --json has it\n");
}

#define TEST(name) cmocka_unit_test_setup(name, crash)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(alike_is_shown_once),
        TEST(alike_to_several),
        TEST(other_is_shown),
        TEST(instances_are_alike),
        TEST(few_at_once),
        TEST(a_crash),
        TEST(with_all_there_is),
        TEST(no_fuel_of_a_hang),
        TEST(no_dump),
        TEST(nothing_to_add),
        TEST(what_is_held_back_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
