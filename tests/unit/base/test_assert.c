#include "base/base.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs a failing assertion in a child: how the child ended, and what it wrote. */
static int fail_in_a_child(char *ret_said, size_t capacity)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        volatile int two = 2;
        WARD_ASSERT(two + two == 5);
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], ret_said + length, capacity - 1 - length)) > 0)
        length += (size_t)got;
    ret_said[length] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_failed_assertion_says_what_and_where_and_aborts(void **state)
{
    (void)state;
    char said[1000];
    int status = fail_in_a_child(said, sizeof said);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "two + two == 5"));
    assert_non_null(strstr(said, "test_assert.c"));
}

static void one_that_holds_evaluates_once(void **state)
{
    (void)state;
    int count = 0;
    WARD_ASSERT(++count == 1);
    assert_int_equal(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_assertion_says_what_and_where_and_aborts),
        cmocka_unit_test(one_that_holds_evaluates_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
