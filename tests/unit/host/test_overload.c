/* Overload: threads send ten times what guests handle. Every message has its place in the counts,
 * every refusal that a sender has seen is one of them, and afterwards all is as before. How long
 * that takes is bench/overload.c's to say. */
#include "host_kit.h"

/* Works for some 20 µs, and answers with what it got. */
static const char works[] =
    "(module (memory (export \"memory\") 1)"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
    " (func (export \"handle-message\") (param $at i32) (param $length i32) (result i64)"
    "   (local $left i32)"
    "   (local.set $left (i32.const 20000))"
    "   (loop $on (br_if $on (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))"
    "   (i64.or (i64.shl (i64.extend_i32_u (local.get $length)) (i64.const 32))"
    "     (i64.extend_i32_u (local.get $at)))))";

enum { GUESTS = 4, FLOODERS = 3, SENT_MIN = 3000, TIMES_OVER = 10 };

typedef struct receiver {
    const char *name;
    ward_mailbox_full full;
    ward_child_id id;
    /* what the senders have seen */
    _Atomic uint64_t sent, refused, dropped, expired, answered;
} receiver;

static receiver receivers[GUESTS] = {
    {.name = "rejects", .full = WARD_MAILBOX_REJECT},
    {.name = "drops", .full = WARD_MAILBOX_DROP_OLDEST},
    {.name = "declines", .full = WARD_MAILBOX_DROP_NEWEST},
    {.name = "blocks", .full = WARD_MAILBOX_BLOCK},
};
static atomic_int wrong;

static ward_message_counts counts_of(const receiver *r)
{
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    assert_int_equal(ward_supervisor_message_counts(supervisor, r->name, &counts), WARD_OK);
    return counts;
}

/* One that makes its senders wait is not flooded by them. */
static bool is_flooded(const receiver *r)
{
    ward_message_counts c = counts_of(r);
    return r->full == WARD_MAILBOX_BLOCK || (c.sent > SENT_MIN && c.sent > TIMES_OVER * c.handled);
}

/* Once they have been: they go on handling when nobody sends any more. */
static bool all_flooded(void)
{
    static atomic_bool have_been;
    bool all = true;
    for (size_t i = 0; i < GUESTS; i++) all = all && is_flooded(&receivers[i]);
    if (all) atomic_store(&have_been, true);
    return atomic_load(&have_been);
}

static void note(receiver *r, ward_error error)
{
    atomic_fetch_add(&r->sent, 1);
    switch (error) {
    case WARD_OK: break;
    case WARD_ERROR_MAILBOX_FULL:
    case WARD_ERROR_MAILBOX_TIMEOUT: atomic_fetch_add(&r->refused, 1); break;
    case WARD_ERROR_MESSAGE_DROPPED: atomic_fetch_add(&r->dropped, 1); break;
    case WARD_ERROR_MESSAGE_EXPIRED:
    case WARD_ERROR_REPLY_TIMEOUT: atomic_fetch_add(&r->expired, 1); break;
    default: atomic_fetch_add(&wrong, 1);
    }
}

static ward_error ask(receiver *r, uint64_t timeout_ns)
{
    uint64_t said = atomic_load(&r->sent), heard = 0;
    ward_error error =
        ward_supervisor_request(supervisor, r->id, (const uint8_t *)&said, sizeof said,
                                (uint8_t *)&heard, sizeof heard, NULL, timeout_ns);
    note(r, error);
    if (error == WARD_OK && heard != said) atomic_fetch_add(&wrong, 1);
    if (error == WARD_OK) atomic_fetch_add(&r->answered, 1);
    return error;
}

static uint64_t patience_ns; /* until then */

static bool goes_on(void)
{
    return !all_flooded() && wardi_now_ns() < patience_ns;
}

static void *flood(void *argument)
{
    while (goes_on())
        for (unsigned i = 0; i < 64; i++) {
            receiver *r = &receivers[i % GUESTS];
            if (r->full == WARD_MAILBOX_BLOCK && i >= GUESTS) continue; /* it would slow the rest */
            note(r, ward_supervisor_send(supervisor, r->id, (const uint8_t *)"flood", 5));
        }
    return argument;
}

static void *ask_all(void *argument)
{
    for (unsigned i = 0; goes_on(); i++) ask(&receivers[i % GUESTS], i % 8 * MS + MS);
    return argument;
}

static void expect_balance(const receiver *r)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    ward_message_counts c;
    do {
        assert_true(wardi_now_ns() < patience);
        c = counts_of(r);
    } while (c.pending != 0 || c.sent != c.handled + c.refused + c.dropped + c.expired);
    assert_int_equal(c.sent, r->sent);
    assert_int_equal(c.refused, r->refused);
    assert_true(c.handled >= r->answered);
    assert_true(c.dropped >= r->dropped); /* of those that were only sent, nobody is told */
    bool may_drop = r->full == WARD_MAILBOX_DROP_OLDEST || r->full == WARD_MAILBOX_DROP_NEWEST;
    assert_int_equal(c.dropped != 0, may_drop);
    if (may_drop) assert_int_equal(c.refused, 0);
    if (r->full == WARD_MAILBOX_REJECT) assert_true(c.refused != 0);
}

static void overload_is_counted_and_left_again(void **state)
{
    (void)state;
    pthread_t threads[FLOODERS + 1];
    for (size_t i = 0; i < GUESTS; i++)
        add((child_spec){.name = receivers[i].name,
                         .wat = works,
                         .options = {.interval_ns = 3600 * WARDI_S,
                                     .mailbox_max = 16,
                                     .mailbox_full = receivers[i].full,
                                     .mailbox_block_ns = MS}},
            NULL);
    start();
    for (size_t i = 0; i < GUESTS; i++) {
        wait_for(0, receivers[i].name, WARD_EVENT_READY, true);
        ward_supervisor_find(supervisor, receivers[i].name, &receivers[i].id);
    }
    patience_ns = wardi_now_ns() + PATIENCE_NS;
    for (size_t i = 0; i < WARD_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < FLOODERS ? flood : ask_all, NULL),
                         0);
    for (size_t i = 0; i < WARD_COUNT(threads); i++) pthread_join(threads[i], NULL);
    assert_true(all_flooded());
    for (size_t i = 0; i < GUESTS; i++) expect_balance(&receivers[i]);
    for (size_t i = 0; i < 100 * GUESTS; i++)
        assert_int_equal(ask(&receivers[i % GUESTS], PATIENCE_NS), WARD_OK);
    for (size_t i = 0; i < GUESTS; i++) expect_balance(&receivers[i]);
    assert_int_equal(atomic_load(&wrong), 0);
    for (size_t i = 0; i < GUESTS; i++)
        assert_int_equal(find(0, receivers[i].name, WARD_EVENT_RESTART, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(overload_is_counted_and_left_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
