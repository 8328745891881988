/* The table of moves, all thirty-six of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "component/component.h"

/* Rows are from, columns to, in the order of ward_state. */
static const char *const want[WARD_STATE_COUNT] = {
    [WARD_STATE_CREATING] = "-S--T-",   /* start; stop of what never ran */
    [WARD_STATE_STARTING] = "--R--F",   /* it starts or it fails */
    [WARD_STATE_READY] = "---P-F",      /* stop; declared failed, or poisoned */
    [WARD_STATE_STOPPING] = "----T-",   /* always ends Terminated */
    [WARD_STATE_TERMINATED] = "-S----", /* start again */
    [WARD_STATE_FAILED] = "-S--T-",     /* start again; stop */
};

static void test_every_move(void **state)
{
    (void)state;
    for (int from = 0; from < WARD_STATE_COUNT; from++)
        for (int to = 0; to < WARD_STATE_COUNT; to++) {
            bool legal = want[from][to] != '-';
            assert_int_equal(wardi_lifecycle_legal((ward_state)from, (ward_state)to), legal);
            ward_diag diag = {0};
            ward_error error = wardi_lifecycle_check((ward_state)from, (ward_state)to, &diag);
            assert_int_equal(error, legal ? WARD_OK : WARD_ERROR_STATE);
            assert_int_equal(diag.error, error);
            if (legal) continue;
            assert_non_null(strstr(diag.text, ward_state_name((ward_state)from)));
            assert_non_null(strstr(diag.text, ward_state_name((ward_state)to)));
        }
}

static void test_words(void **state)
{
    (void)state;
    ward_diag diag;
    wardi_lifecycle_check(WARD_STATE_READY, WARD_STATE_STARTING, &diag);
    assert_string_equal(diag.text, "a component that is ready cannot become starting: from there "
                                   "it becomes stopping or failed");
    assert_int_equal(wardi_lifecycle_check(WARD_STATE_READY, WARD_STATE_STARTING, NULL),
                     WARD_ERROR_STATE);
}

static void test_no_such_state(void **state)
{
    (void)state;
    assert_false(wardi_lifecycle_legal((ward_state)WARD_STATE_COUNT, WARD_STATE_READY));
    assert_false(wardi_lifecycle_legal(WARD_STATE_READY, (ward_state)-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_move),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_such_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
