/* Timers of guests, in a world whose time the test moves: when they fire, in which order, what is
 * refused, and what becomes of them with their run. */
#include "fake_pair.h"

static int64_t arm(uint64_t delay_ns, uint32_t to, const char *text)
{
    wardi_raw args[] = {u64(delay_ns), u64(to), u64(TEXT_AT), u64(strlen(text))};
    return does("send_after", 4, args, text);
}

static int32_t cancel(int64_t timer)
{
    wardi_raw arg = u64((uint64_t)timer);
    return (int32_t)does("cancel_timer", 1, &arg, "");
}

/* ---- when ---- */

static void test_in_their_order(void **state)
{
    (void)state;
    begin_usual();
    assert_true(arm(30 * WARDI_MS, GUEST_SELF, "3") > 0);
    assert_true(arm(10 * WARDI_MS, GUEST_SELF, "1") > 0);
    assert_true(arm(20 * WARDI_MS, GUEST_SELF, "2") > 0);
    assert_true(arm(10 * WARDI_MS, GUEST_SELF, "1'") > 0);
    assert_string_equal(heard, "");
    assert_int_equal(status_of("a").timers, 4);
    pass(10 * WARDI_MS - 1);
    assert_string_equal(heard, "");
    pass(1);
    assert_string_equal(heard, "a1 a1' ");
    pass(10 * WARDI_MS);
    assert_string_equal(heard, "a1 a1' a2 ");
    pass(100 * WARDI_MS);
    assert_string_equal(heard, "a1 a1' a2 a3 ");
    assert_int_equal(status_of("a").timers, 0);
    assert_int_equal(status_of("a").timers_lost, 0);
    assert_int_equal(status_of("a").denied, 0);
}

static void test_at_once_and_never(void **state)
{
    (void)state;
    begin_usual();
    assert_true(arm(0, GUEST_SELF, "0") > 0);
    pass(0);
    assert_string_equal(heard, "a0 ");
    int64_t never = arm(INT64_MAX, GUEST_SELF, "never");
    assert_true(never > 0);
    pass(UINT64_C(100) * 365 * 86400 * WARDI_S);
    assert_string_equal(heard, "a0 ");
    assert_int_equal(status_of("a").timers, 1);
    assert_int_equal(cancel(never), GUEST_OK);
    assert_int_equal(arm(UINT64_C(1) << 63, GUEST_SELF, "?"), GUEST_INVALID);
    assert_int_equal(arm(UINT64_MAX, GUEST_SELF, "?"), GUEST_INVALID);
}

/* More than are sent in one go. */
static void test_many_at_the_same_time(void **state)
{
    (void)state;
    char expected[1024] = "";
    begin((ward_child_options){.timers_max = 200, .mailbox_max = 256},
          (ward_child_options){.mailbox_max = 256});
    for (int i = 0; i < 150; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", i);
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "a%s ", text);
        assert_true(arm(5 * WARDI_MS, GUEST_SELF, text) > 0);
    }
    pass(5 * WARDI_MS);
    assert_string_equal(heard, expected);
}

/* Its guest is asleep, and what is for others leaves all the same. */
static void test_while_it_waits(void **state)
{
    (void)state;
    begin((ward_child_options){.message_timeout_ns = UINT64_C(1) << 50}, (ward_child_options){0});
    uint32_t b = find("b");
    wardi_raw arg = u64(UINT64_C(1) << 50);
    arm(5 * WARDI_MS, b, "on time");
    prepare("sleep", 1, &arg, "");
    assert_int_equal(ward_supervisor_send(supervisor, id_of("a"), (const uint8_t *)"!", 1),
                     WARD_OK);
    pass(5 * WARDI_MS);
    assert_string_equal(heard, "bon time ");
}

/* A check may be made on the thread of whoever asks, which is none of the scheduler's. */
static void test_armed_in_a_health_check(void **state)
{
    (void)state;
    ward_report report;
    begin_usual();
    wardi_raw args[] = {u64(5 * WARDI_MS), u64(GUEST_SELF), u64(TEXT_AT), u64(4)};
    prepare("send_after", 4, args, "beat");
    arms_in_health = true;
    assert_int_equal(ward_supervisor_health(supervisor, id_of("a"), 0, &report), WARD_OK);
    arms_in_health = false;
    assert_true(next.result > 0);
    pass(5 * WARDI_MS);
    assert_string_equal(heard, "abeat ");
}

/* ---- cancelled ---- */

static void test_cancelled(void **state)
{
    (void)state;
    begin_usual();
    int64_t first = arm(10 * WARDI_MS, GUEST_SELF, "1");
    int64_t second = arm(20 * WARDI_MS, GUEST_SELF, "2");
    assert_int_equal(cancel(first), GUEST_OK);
    assert_int_equal(cancel(first), GUEST_NOT_FOUND);
    pass(20 * WARDI_MS);
    assert_string_equal(heard, "a2 ");
    assert_int_equal(cancel(second), GUEST_NOT_FOUND); /* it has come */
    assert_int_equal(cancel(0), GUEST_NOT_FOUND);
    assert_int_equal(cancel(-1), GUEST_NOT_FOUND);
    assert_true(arm(10 * WARDI_MS, GUEST_SELF, "3") > second); /* numbers don't come again */
}

/* Wherever one is taken out, the others come in their order: the last of the heap, 8, may have to
 * rise above where the one was. */
static void test_cancelled_anywhere(void **state)
{
    (void)state;
    static const int due[] = {1, 50, 2, 60, 70, 3, 4, 61, 62, 71, 72, 5, 6, 7, 8};
    static const int sorted[] = {1, 2, 3, 4, 5, 6, 7, 8, 50, 60, 61, 62, 70, 71, 72};
    begin_usual();
    for (size_t out = 0; out < WARD_COUNT(due); out++) {
        char expected[100] = "", text[8];
        int64_t timers[WARD_COUNT(due)];
        heard[0] = '\0';
        for (size_t i = 0; i < WARD_COUNT(due); i++) {
            snprintf(text, sizeof text, "%d", due[i]);
            timers[i] = arm((uint64_t)due[i] * 10 * WARDI_MS, GUEST_SELF, text);
            assert_true(timers[i] > 0);
        }
        assert_int_equal(cancel(timers[out]), GUEST_OK);
        assert_int_equal(status_of("a").timers, WARD_COUNT(due) - 1);
        pass(WARDI_S);
        for (size_t i = 0; i < WARD_COUNT(sorted); i++)
            if (sorted[i] != due[out])
                snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "a%d ",
                         sorted[i]);
        assert_string_equal(heard, expected);
    }
}

/* ---- refused ---- */

static void test_as_many_as_are_allowed(void **state)
{
    (void)state;
    char words[100] = "";
    begin((ward_child_options){.timers_max = 3}, (ward_child_options){0});
    for (uint64_t i = 0; i < 3; i++) assert_true(arm((1 + i) * 10 * WARDI_MS, GUEST_SELF, "x") > 0);
    assert_int_equal(arm(WARDI_MS, GUEST_SELF, "x"), GUEST_LIMIT);
    wardi_raw args[] = {u64(TEXT_AT), u64(sizeof words)};
    does("last_error", 2, args, "");
    memcpy(words, guests[0].memory + TEXT_AT, sizeof words - 1);
    assert_string_equal(words, "3 timers are open; no more can be");
    pass(10 * WARDI_MS);
    assert_true(arm(WARDI_MS, GUEST_SELF, "x") > 0); /* one has come */
}

static void test_the_usual_limit(void **state)
{
    (void)state;
    begin_usual();
    for (int i = 0; i < 64; i++) assert_true(arm(WARDI_S, GUEST_SELF, "x") > 0);
    assert_int_equal(arm(WARDI_S, GUEST_SELF, "x"), GUEST_LIMIT);
    ward_child_options options = WARD_INIT(ward_child_options);
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = "n";
    options.native = &native;
    options.timers_max = 65537;
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_ERROR_INVALID_ARGUMENT);
}

static void test_to_whom_it_may(void **state)
{
    (void)state;
    begin((ward_child_options){.message_bytes_max = 4}, (ward_child_options){0});
    assert_int_equal(arm(WARDI_MS, 0, "x"), GUEST_NOT_FOUND); /* it has found nobody yet */
    assert_int_equal(find("a"), (uint32_t)GUEST_DENIED);
    assert_int_equal(find("b"), 0);
    assert_int_equal(arm(WARDI_MS, 1, "x"), GUEST_NOT_FOUND);
    assert_int_equal(arm(WARDI_MS, (uint32_t)GUEST_DENIED, "x"), GUEST_NOT_FOUND);
    assert_int_equal(arm(WARDI_MS, 0, "five!"), GUEST_TOO_LARGE);
    assert_int_equal(status_of("a").timers, 0);
    assert_true(arm(WARDI_MS, 0, "four") > 0);
    pass(WARDI_MS);
    assert_string_equal(heard, "bfour ");
}

static atomic_long allocations_left;
static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    return atomic_fetch_sub(&allocations_left, 1) > 0;
}

/* Without memory nothing is armed; what is armed needs none to fire. */
static void test_no_memory(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'x', sizeof text); /* not inline */
    text[sizeof text - 1] = '\0';
    begin_usual();
    assert_int_equal(find("b"), 0); /* it has what all guests have at their first need */
    wardi_raw args[] = {u64(WARDI_MS), u64(GUEST_SELF), u64(TEXT_AT), u64(sizeof text - 1)};
    prepare("send_after", 4, args, text);
    int64_t result = GUEST_NO_MEMORY;
    for (long n = 0; result == GUEST_NO_MEMORY; n++) {
        assert_true(n < 10);
        wardi_message_trim();
        prepare("send_after", 4, args, text);
        arms_in_health = true;
        atomic_store(&allocations_left, n);
        wardi_alloc_gate_set(gate, NULL);
        ward_report report;
        assert_int_equal(ward_supervisor_health(supervisor, id_of("a"), 0, &report), WARD_OK);
        wardi_alloc_gate_set(NULL, NULL);
        arms_in_health = false;
        result = next.result;
        assert_int_equal(status_of("a").timers, result > 0);
        assert_true(n > 0 || result == GUEST_NO_MEMORY);
    }
    assert_true(result > 0);
    pass(WARDI_MS);
    assert_int_equal(strlen(heard), 1 + strlen(text) + 1);
}

/* ---- lost, and counted ---- */

static void test_a_full_mailbox(void **state)
{
    (void)state;
    begin((ward_child_options){0}, (ward_child_options){.mailbox_max = 2});
    uint32_t b = find("b");
    asks("b", WARD_REQUEST_STOP);
    for (int i = 0; i < 5; i++) assert_true(arm(WARDI_MS, b, "x") > 0);
    assert_int_equal(counts_of("b").sent, 0); /* when they fire, and not before */
    pass(WARDI_MS);
    assert_int_equal(counts_of("b").sent, 5);
    assert_int_equal(counts_of("b").pending, 2);
    assert_int_equal(counts_of("b").refused, 3);
    assert_int_equal(status_of("a").timers_lost, 3);
}

static void test_a_receiver_that_is_gone(void **state)
{
    (void)state;
    begin_usual();
    uint32_t b = find("b");
    assert_true(arm(10 * WARDI_MS, b, "x") > 0);
    asks("b", WARD_REQUEST_REMOVE);
    pass(10 * WARDI_MS);
    assert_string_equal(heard, "");
    assert_int_equal(status_of("a").timers_lost, 1);
    assert_int_equal(status_of("a").timers, 0);
}

/* ---- with their run ---- */

static void ends_with_its_run(void (*end)(void))
{
    begin_usual();
    uint32_t b = find("b");
    for (int i = 0; i < 3; i++) assert_true(arm(10 * WARDI_MS, b, "late") > 0);
    end();
    assert_int_equal(status_of("a").timers, 0);
    asks("a", WARD_REQUEST_START);
    pass(50 * WARDI_MS);
    assert_string_equal(heard, "");
    assert_int_equal(counts_of("b").sent, 0);
    assert_int_equal(status_of("a").timers_lost, 0);
    assert_true(arm(10 * WARDI_MS, GUEST_SELF, "new") > 0);
    pass(10 * WARDI_MS);
    assert_string_equal(heard, "anew ");
}

static void restart(void)
{
    asks("a", WARD_REQUEST_RESTART);
}

static void stop(void)
{
    asks("a", WARD_REQUEST_STOP);
}

static void trap(void)
{
    assert_int_equal(ward_supervisor_send(supervisor, id_of("a"), (const uint8_t *)"t", 1),
                     WARD_OK);
    pass(WARDI_MS);
    assert_int_equal(status_of("a").restarts, 1);
}

static void test_with_a_restart(void **state)
{
    (void)state;
    ends_with_its_run(restart);
}

static void test_with_a_stop(void **state)
{
    (void)state;
    ends_with_its_run(stop);
}

static void test_with_a_trap(void **state)
{
    (void)state;
    ends_with_its_run(trap);
}

static void test_with_a_removal(void **state)
{
    (void)state;
    begin_usual();
    assert_true(arm(10 * WARDI_MS, find("b"), "late") > 0);
    asks("a", WARD_REQUEST_REMOVE);
    pass(50 * WARDI_MS);
    assert_string_equal(heard, "");
}

static void test_with_everything(void **state)
{
    (void)state;
    begin_usual();
    assert_true(arm(10 * WARDI_MS, find("b"), "late") > 0); /* what is left is a leak */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_in_their_order),
        TEST(test_at_once_and_never),
        TEST(test_many_at_the_same_time),
        TEST(test_while_it_waits),
        TEST(test_armed_in_a_health_check),
        TEST(test_cancelled),
        TEST(test_cancelled_anywhere),
        TEST(test_as_many_as_are_allowed),
        TEST(test_the_usual_limit),
        TEST(test_to_whom_it_may),
        TEST(test_no_memory),
        TEST(test_a_full_mailbox),
        TEST(test_a_receiver_that_is_gone),
        TEST(test_with_a_restart),
        TEST(test_with_a_stop),
        TEST(test_with_a_trap),
        TEST(test_with_a_removal),
        TEST(test_with_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
