/* What is sent to many by their one name: who of them gets it, who may send, and what comes when
 * none is ready, or none is left. */
#include "fake_pair.h"

enum { MANY = 3 };

static const char *const b_alone[] = {"b"}, *const a_alone[] = {"a"};
static const ward_grants usual = {.send = {anybody, 1, NULL, 0},
                                  .called_by = {anybody, 1, NULL, 0}};

/* One "a", and "b.0" to "b.2". */
static void begin_many(const ward_grants *a, const ward_grants *b)
{
    begin((ward_child_options){.grants = a},
          (ward_child_options){.grants = b, .instances = MANY, .mailbox_max = 16});
}

static int64_t sends(uint32_t to, const char *text)
{
    wardi_raw args[] = {u64(to), u64(TEXT_AT), u64(strlen(text))};
    int64_t code = (int32_t)does("send", 3, args, text);
    pass(WARDI_MS);
    return code;
}

static int64_t request(uint32_t to)
{
    wardi_raw args[] = {u64(to), u64(TEXT_AT), u64(1), u64(TEXT_AT), u64(0), u64(0)};
    return does("request", 6, args, "?");
}

static unsigned times_heard(const char *what)
{
    unsigned times = 0;
    for (const char *at = heard; (at = strstr(at, what)) != NULL; at++) times++;
    return times;
}

/* ---- whose turn it is ---- */

static void test_in_turn(void **state)
{
    (void)state;
    begin_many(NULL, NULL);
    uint32_t b = find("b");
    assert_int_equal(b, 0);
    assert_int_equal(find("b"), 0);
    for (int i = 0; i < 4 * MANY; i++) assert_int_equal(sends(b, "x"), GUEST_OK);
    for (int i = 0; i < MANY; i++) assert_int_equal(request(b), 0);
    assert_int_equal(times_heard("b.0x"), 4);
    assert_int_equal(times_heard("b.1x"), 4);
    assert_int_equal(times_heard("b.2x"), 4);
    assert_int_equal(times_heard("b.0?"), 1);
    assert_int_equal(times_heard("b.1?"), 1);
    assert_int_equal(times_heard("b.2?"), 1);
}

static void test_who_is_ready(void **state)
{
    (void)state;
    begin_many(NULL, NULL);
    uint32_t b = find("b");
    asks("b.1", WARD_REQUEST_STOP);
    for (int i = 0; i < 4; i++) assert_int_equal(sends(b, "x"), GUEST_OK);
    assert_int_equal(times_heard("b.0x"), 2);
    assert_int_equal(times_heard("b.2x"), 2);
    assert_int_equal(counts_of("b.1").pending, 0);
    asks("b.0", WARD_REQUEST_STOP);
    assert_int_equal(sends(b, "y"), GUEST_OK);
    asks("b.0", WARD_REQUEST_START);
    asks("b.1", WARD_REQUEST_START);
    for (int i = 0; i < MANY; i++) assert_int_equal(sends(b, "z"), GUEST_OK);
    assert_int_equal(times_heard("b.2y"), 1);
    assert_int_equal(times_heard("b.0z"), 1);
    assert_int_equal(times_heard("b.1z"), 1);
    assert_int_equal(times_heard("b.2z"), 1);
}

/* It waits where it was sent, as with one that is down. */
static void test_none_is_ready(void **state)
{
    (void)state;
    begin_many(NULL, NULL);
    uint32_t b = find("b");
    asks("b", WARD_REQUEST_STOP);
    for (int i = 0; i < MANY; i++) assert_int_equal(sends(b, "x"), GUEST_OK);
    assert_string_equal(heard, "");
    for (int i = 0; i < MANY; i++) {
        char name[8];
        snprintf(name, sizeof name, "b.%d", i);
        assert_int_equal(counts_of(name).pending, 1);
    }
    asks("b", WARD_REQUEST_START);
    assert_int_equal(times_heard("x"), MANY);
}

static void test_some_are_gone(void **state)
{
    (void)state;
    begin_many(NULL, NULL);
    uint32_t b = find("b");
    asks("b.0", WARD_REQUEST_REMOVE);
    for (int i = 0; i < 4; i++) assert_int_equal(sends(b, "x"), GUEST_OK);
    assert_int_equal(times_heard("b.1x"), 2);
    assert_int_equal(times_heard("b.2x"), 2);
    asks("b.1", WARD_REQUEST_REMOVE);
    asks("b.2", WARD_REQUEST_REMOVE);
    assert_int_equal(sends(b, "x"), GUEST_GONE);
    assert_int_equal(request(b), GUEST_GONE);
    assert_int_equal(find("b"), (uint32_t)GUEST_NOT_FOUND);
}

static void test_all_are_gone(void **state)
{
    (void)state;
    begin_many(NULL, NULL);
    uint32_t b = find("b");
    asks("b", WARD_REQUEST_REMOVE);
    assert_int_equal(sends(b, "x"), GUEST_GONE);
    assert_int_equal(find("b"), (uint32_t)GUEST_NOT_FOUND);
}

/* A timer looks whose turn it is when it fires. */
static void test_by_a_timer(void **state)
{
    (void)state;
    begin_many(NULL, NULL);
    wardi_raw args[] = {u64(10 * WARDI_MS), u64(find("b")), u64(TEXT_AT), u64(1)};
    for (int i = 0; i < 4; i++) assert_true(does("send_after", 4, args, "x") > 0);
    asks("b.0", WARD_REQUEST_STOP);
    asks("b.2", WARD_REQUEST_STOP);
    pass(10 * WARDI_MS);
    assert_string_equal(heard, "b.1x b.1x b.1x b.1x ");
    assert_true(does("send_after", 4, args, "x") > 0);
    asks("b", WARD_REQUEST_REMOVE);
    pass(10 * WARDI_MS);
    assert_int_equal(status_of("a").timers_lost, 1);
}

/* One of them that asks the others does not ask itself, as long as there is another. */
static void test_among_themselves(void **state)
{
    (void)state;
    begin_many(NULL, &usual);
    who = "b.1";
    uint32_t b = find("b");
    for (int i = 0; i < 4; i++) assert_int_equal(request(b), 0);
    assert_int_equal(times_heard("b.1?"), 0);
    assert_int_equal(times_heard("?"), 4);
    asks("b.0", WARD_REQUEST_STOP);
    asks("b.2", WARD_REQUEST_STOP);
    assert_int_equal(request(b), GUEST_CYCLE);
}

/* ---- grants ---- */

static void expect_found(const char *const *allow, const char *const *deny, const char *name,
                         bool granted)
{
    const ward_grants grants = {.send = {allow, 1, deny, deny != NULL}};
    begin_many(&grants, NULL);
    int32_t handle = (int32_t)find(name);
    if ((handle == 0) != granted) fail_msg("%s by %s: %d", name, allow[0], handle);
    close_all(NULL);
    supervisor = NULL;
    host = NULL;
}

static void test_granted_by_either_name(void **state)
{
    (void)state;
    static const char *const each_b[] = {"b.*"}, *const b_1[] = {"b.1"}, *const x[] = {"*.x"};
    expect_found(b_alone, NULL, "b", true);
    expect_found(b_alone, NULL, "b.1", true);
    expect_found(each_b, NULL, "b", true);
    expect_found(each_b, NULL, "b.1", true);
    expect_found(b_1, NULL, "b.1", true);
    expect_found(b_1, NULL, "b.2", false);
    expect_found(b_1, NULL, "b", false); /* the turn might be another's */
    expect_found(b_alone, b_1, "b", false);
    expect_found(b_alone, b_1, "b.1", false);
    expect_found(b_alone, b_1, "b.2", true);
    expect_found(each_b, b_alone, "b.2", false);
    expect_found(anybody, x, "b.2", true);
    expect_found(b_alone, NULL, "b.9", false); /* whether it exists it does not learn */
}

static void test_called_by_either_name(void **state)
{
    (void)state;
    static const ward_grants by_a = {.send = {anybody, 1, NULL, 0},
                                     .called_by = {a_alone, 1, NULL, 0}};
    static const ward_grants by_b = {.send = {anybody, 1, NULL, 0},
                                     .called_by = {b_alone, 1, NULL, 0}};
    begin_many(&by_b, &by_a);
    assert_int_equal(find("b"), 0);
    assert_int_equal(find("b.2"), 1);
    who = "b.1";
    assert_int_equal(find("a"), 0);
    assert_int_equal(find("b"), (uint32_t)GUEST_DENIED);
    assert_int_equal(find("b.2"), (uint32_t)GUEST_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_in_turn),
        TEST(test_who_is_ready),
        TEST(test_none_is_ready),
        TEST(test_some_are_gone),
        TEST(test_all_are_gone),
        TEST(test_by_a_timer),
        TEST(test_among_themselves),
        TEST(test_granted_by_either_name),
        TEST(test_called_by_either_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
