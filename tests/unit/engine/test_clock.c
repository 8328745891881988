/* The clock: it rests while no guest runs, and a guest's deadline holds all the same. */
#include "support.h"

#include <dirent.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* How often the clock thread has gone to sleep, from the kernel's own count. */
static unsigned long long clock_sleeps(void)
{
    char path[300], line[200];
    unsigned long long sleeps = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        bool ours = false;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen(path, "re");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            ours = ours || strcmp(line, "Name:\tward-clock\n") == 0;
            if (ours) sscanf(line, "voluntary_ctxt_switches: %llu", &sleeps);
        }
        if (status != NULL) fclose(status);
    }
    closedir(tasks);
    return sleeps;
}

static const char wat[] = "(module (func (export \"f\") (result i32) i32.const 1)"
                          " (func (export \"spin\") (result i32) (loop br 0) i32.const 0))";

static void sleep_ms(uint64_t ms)
{
    wardi_sleep_until_ns(wardi_now_ns() + ms * WARDI_MS);
}

static void test_rests_while_no_guest_runs(void **state)
{
    test_guest guest = guest_start(*state, wat, NULL);
    sleep_ms(100);
    unsigned long long before = clock_sleeps();
    assert_true(before != 0);
    sleep_ms(300);
    assert_true(clock_sleeps() - before < 5);
    guest_stop(&guest);
}

static void test_deadline_after_a_rest(void **state)
{
    test_guest guest = guest_start(*state, wat, NULL);
    for (int i = 0; i < 3; i++) {
        wardi_value result;
        sleep_ms(50);
        assert_int_equal(guest_i32(&guest, "f"), 1);
        sleep_ms(50);
        uint64_t began_ns = wardi_now_ns();
        assert_int_equal(guest_call_for(&guest, "spin", NULL, 0, &result, 1, 30 * WARDI_MS),
                         WARD_ERROR_DEADLINE);
        assert_true(wardi_now_ns() - began_ns >= 30 * WARDI_MS);
        assert_true(wardi_now_ns() - began_ns < 10 * WARDI_S);
    }
    guest_stop(&guest);
}

/* It waits for a while in which the clock may rest, then spins: its deadline counts from the call.
 */
static void test_waiting_is_time_too(void **state)
{
    static const char waits_then_spins[] =
        "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
        "   (func $poll (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1)"
        " (func (export \"f\") (result i32)"
        "   (i32.store8 (i32.const 72) (i32.const 0)) (i32.store (i32.const 80) (i32.const 1))"
        "   (i64.store (i32.const 88) (i64.const 2000000000))"
        "   (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 0)))"
        "   (loop br 0) i32.const 0))";
    test_guest guest = guest_start(*state, waits_then_spins, NULL);
    wardi_value result;
    uint64_t began_ns = wardi_now_ns();
    assert_int_equal(guest_call_for(&guest, "f", NULL, 0, &result, 1, 2500 * WARDI_MS),
                     WARD_ERROR_DEADLINE);
    uint64_t lasted_ns = wardi_now_ns() - began_ns;
    assert_true(lasted_ns >= 2500 * WARDI_MS);
    assert_true(lasted_ns < 4000 * WARDI_MS); /* not 2 s of waiting and 2.5 s of spinning */
    guest_stop(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rests_while_no_guest_runs),
        cmocka_unit_test(test_deadline_after_a_rest),
        cmocka_unit_test(test_waiting_is_time_too),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
