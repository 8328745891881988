/* Threads: started, waiting, and one that is to run soon after it wakes. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

static int niceness(void)
{
    return getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void *ordinary(void *result)
{
    *(int *)result = niceness();
    return NULL;
}

typedef struct found {
    int before, after, made;
} found;

static void *hasty(void *result)
{
    found *f = result;
    pthread_t other;
    f->before = niceness();
    wardi_thread_hasten();
    f->after = niceness();
    if (pthread_create(&other, NULL, ordinary, &f->made) != 0) return NULL;
    pthread_join(other, NULL);
    return result;
}

static bool may_be_nasty(int niceness_before)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NICE, &limit) != 0) return false;
    return geteuid() == 0 || 20 - (long)limit.rlim_cur < niceness_before;
}

static void a_thread_that_hastens(void **state)
{
    (void)state;
    found f = {0};
    void *done = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hasty, &f), 0);
    assert_int_equal(pthread_join(thread, &done), 0);
    assert_non_null(done);
    assert_true(f.after <= f.before);
    if (!may_be_nasty(f.before)) assert_int_equal(f.after, f.before);
    /* Nobody else gains by it. */
    assert_true(f.made >= f.before || f.made == 0);
}

/* ---- starting and waiting ---- */

static void *signals_of(void *blocked)
{
    pthread_sigmask(SIG_SETMASK, NULL, blocked);
    return NULL;
}

static void a_thread_takes_no_signal(void **state)
{
    (void)state;
    pthread_t thread;
    sigset_t blocked, before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_true(wardi_thread_start(&thread, signals_of, &blocked));
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGWINCH};
    for (size_t i = 0; i < WARD_COUNT(numbers); i++) {
        assert_int_equal(sigismember(&blocked, numbers[i]), 1);
        assert_int_equal(sigismember(&after, numbers[i]), sigismember(&before, numbers[i]));
    }
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void *change(void *done)
{
    pthread_mutex_lock(&lock);
    *(bool *)done = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void waiting_ends_in_time(void **state)
{
    (void)state;
    pthread_t thread;
    bool done = false;
    uint64_t due_ns = wardi_now_ns() + 20 * WARDI_MS;
    pthread_mutex_lock(&lock);
    while (wardi_now_ns() < due_ns) wardi_cond_wait_until(&changed, &lock, due_ns);
    wardi_cond_wait_until(&changed, &lock, 0); /* long past */
    assert_true(wardi_thread_start(&thread, change, &done));
    while (!done) wardi_cond_wait_until(&changed, &lock, UINT64_MAX);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_hastens),
        cmocka_unit_test(a_thread_takes_no_signal),
        cmocka_unit_test(waiting_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
