/* kill -9 at any moment: the file opens again, and what was committed is there, without a hole. */
#include "kit.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { ROUNDS = 40 };

/* What the process that is killed says it has written. */
static _Atomic uint64_t *said;

/* Of the child: gives events until it is killed, in storms and singly. */
static void write_until_killed(void)
{
    ward_diag diag;
    wardi_journal *journal = NULL;
    wardi_journal_options options = {.path = kit_path, .slots = 4096, .bytes_max = 8 << 20};
    if (wardi_journal_open(&options, &journal, &diag) != WARD_OK) _exit(2);
    atomic_store(&said[1], wardi_journal_run(journal));
    for (uint64_t i = 1;; i++) {
        wardi_journal_status status;
        ward_event event = {.size = sizeof event,
                            .kind = WARD_EVENT_HEALTH,
                            .sequence = i,
                            .wall_ns = wardi_wall_ns(),
                            .component = "api",
                            .reason = "why",
                            .version = "1"};
        wardi_journal_take(journal, &event);
        if (i % 512 != 0) continue;
        do {
            wardi_journal_status_get(journal, &status);
            atomic_store(&said[0], status.written);
        } while (status.waiting > 2048);
    }
}

/* Each run that is there is whole from its first event, unless that was the oldest of all; the last
 * has at least what was said to be written. */
static void check_runs(uint64_t run, uint64_t written)
{
    char sql[256];
    assert_int_equal(kit_number("SELECT count(*) FROM events WHERE lost <> 0"), 0);
    assert_int_equal(kit_number("SELECT count(*) FROM (SELECT max(sequence) - min(sequence) + 1 -"
                                " count(*) AS holes FROM events GROUP BY run) WHERE holes <> 0"),
                     0);
    assert_int_equal(kit_number("SELECT count(*) FROM (SELECT run, min(sequence) AS first FROM"
                                " events GROUP BY run) WHERE first <> 1 AND"
                                " run <> (SELECT min(run) FROM events)"),
                     0);
    snprintf(sql, sizeof sql, "SELECT ifnull(max(sequence), 0) FROM events WHERE run = %llu",
             (unsigned long long)run);
    assert_true((uint64_t)kit_number(sql) >= written);
}

static void kill_at_random_moments(void **state)
{
    wardi_rng rng;
    (void)state;
    said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(said != MAP_FAILED);
    uint64_t seed = wardi_rng_seed();
    wardi_rng_init(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        int result;
        atomic_store(&said[0], 0);
        atomic_store(&said[1], 0);
        pid_t child = fork();
        if (child == 0) write_until_killed();
        /* From its very first steps to well into what is written back and deleted. */
        uint64_t wait_ns = wardi_rng_next(&rng) % (round % 4 == 0 ? 5 * WARDI_MS : 150 * WARDI_MS);
        wardi_sleep_until_ns(wardi_now_ns() + wait_ns);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
        kit_open();
        uint64_t run = atomic_load(&said[1]);
        if (run != 0) assert_int_equal(wardi_journal_run(kit_journal), run + 1);
        if (run != 0) check_runs(run, atomic_load(&said[0]));
        kit_close();
        assert_int_equal(kit_number("SELECT count(*) FROM pragma_integrity_check"
                                    " WHERE integrity_check <> 'ok'"),
                         0);
    }
    munmap(said, 4096);
    assert_true(kit_number("SELECT count(*) FROM events") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {KIT_TEST(kill_at_random_moments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
