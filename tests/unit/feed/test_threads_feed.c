/* The feed: what is given is taken, in order and whole, or counted as lost; and no taker sleeps
 * through something that was given. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "feed/feed.h"

enum { SLOTS = 64, EVENTS = 200000 };

typedef struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool rings;
    unsigned count;
} bell;

static void ring(void *context)
{
    bell *b = context;
    pthread_mutex_lock(&b->lock);
    b->rings = true;
    b->count++;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

static void wait_for_it(bell *b)
{
    pthread_mutex_lock(&b->lock);
    while (!b->rings) pthread_cond_wait(&b->rung, &b->lock);
    b->rings = false;
    pthread_mutex_unlock(&b->lock);
}

static ward_event event_number(uint64_t number, char reason[32])
{
    snprintf(reason, 32, "reason %llu", (unsigned long long)number);
    return (ward_event){.size = sizeof(ward_event),
                        .sequence = number,
                        .component = "component",
                        .version = "1.2",
                        .reason = reason};
}

static wardi_feed *open_feed(bell *b)
{
    wardi_feed_options options = {.slots = SLOTS, .wake = ring, .wake_context = b};
    *b = (bell){.lock = PTHREAD_MUTEX_INITIALIZER, .rung = PTHREAD_COND_INITIALIZER};
    return wardi_feed_new(&options);
}

static void test_full(void **state)
{
    (void)state;
    bell b;
    char reason[32];
    wardi_feed_event taken;
    wardi_feed *feed = open_feed(&b);
    assert_non_null(feed);
    assert_false(wardi_feed_take(feed, &taken));
    for (uint64_t i = 0; i < SLOTS + 5; i++) {
        ward_event event = event_number(i, reason);
        wardi_feed_give(feed, &event);
    }
    assert_int_equal(b.count, 1); /* it had found nothing, once */
    assert_int_equal(wardi_feed_lost(feed), 5);
    assert_int_equal(wardi_feed_lost(feed), 0);
    for (uint64_t i = 0; i < SLOTS; i++) {
        assert_true(wardi_feed_take(feed, &taken));
        assert_int_equal(taken.event.sequence, i);
        event_number(i, reason);
        assert_string_equal(taken.event.reason, reason);
        assert_ptr_equal(taken.event.reason, taken.reason);
    }
    assert_false(wardi_feed_take(feed, &taken));
    wardi_feed_free(feed);
}

/* A taker that has never looked is woken too. */
static void test_first(void **state)
{
    (void)state;
    bell b;
    char reason[32];
    wardi_feed_event taken;
    wardi_feed *feed = open_feed(&b);
    ward_event event = event_number(1, reason);
    wardi_feed_give(feed, &event);
    assert_int_equal(b.count, 1);
    assert_true(wardi_feed_take(feed, &taken));
    wardi_feed_free(feed);
}

static void *give_all(void *feed)
{
    char reason[32];
    for (uint64_t i = 0; i < EVENTS; i++) {
        ward_event event = event_number(i, reason);
        wardi_feed_give(feed, &event);
    }
    ward_event last = event_number(UINT64_MAX, reason);
    wardi_feed_give(feed, &last);
    return NULL;
}

static void test_between_threads(void **state)
{
    (void)state;
    bell b;
    pthread_t giver;
    char reason[32];
    wardi_feed_event taken;
    wardi_feed *feed = open_feed(&b);
    uint64_t next = 0, count = 0, lost = 0;
    assert_int_equal(pthread_create(&giver, NULL, give_all, feed), 0);
    for (bool over = false; !over;) {
        if (!wardi_feed_take(feed, &taken)) {
            lost += wardi_feed_lost(feed);
            if (count + lost == EVENTS + 1) break;
            wait_for_it(&b);
            continue;
        }
        count++;
        over = taken.event.sequence == UINT64_MAX;
        if (over) break;
        assert_true(taken.event.sequence >= next);
        next = taken.event.sequence + 1;
        event_number(taken.event.sequence, reason);
        assert_string_equal(taken.event.reason, reason);
    }
    pthread_join(giver, NULL);
    lost += wardi_feed_lost(feed);
    assert_int_equal(count + lost, EVENTS + 1);
    wardi_feed_free(feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_between_threads),
    };
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
