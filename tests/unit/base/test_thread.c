/* A thread that is to run soon after it wakes; and those that it makes. */
#include <pthread.h>
#include <setjmp.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thread_that_hastens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
