/* The simulation of the whole: worlds of a few to thousands of children, with every fault that
 * there is, each from a seed; see world.h, and check.c for what must hold.
 *
 * WARD_SEEDS=10000 runs that many seeds (1000 unless set), WARD_SEED=17 runs one. A seed that fails
 * prints the command that runs it again; those that once failed are in kept.def, and run first. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/world.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 200 }; /* an order of magnitude slower */
#else
enum { SEEDS = 1000 };
#endif
enum { STEPS = 100, TWICE = 25 };

static const uint64_t kept[] = {
#define KEPT(seed) seed,
#include "sim/kept.def"
#undef KEPT
};

static uint64_t run_seed(uint64_t seed)
{
    world_begin(seed);
    uint64_t steps = STEPS + the_world->member_count * (the_world->large ? 2 : 6);
    for (uint64_t i = 0; i < steps; i++) {
        operator_acts();
        world_step();
    }
    return world_end();
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* A crash tells its seed as well, before whoever handled it first does. */
static struct sigaction before;
static void on_crash(int number, siginfo_t *info, void *context)
{
    char line[80];
    int length = snprintf(line, sizeof line, "Again: WARD_SEED=%llu build/tests/sim\n",
                          (unsigned long long)(the_world != NULL ? the_world->seed : 0));
    (void)!write(STDERR_FILENO, line, (size_t)length);
    sigaction(SIGSEGV, &before, NULL);
    if ((before.sa_flags & SA_SIGINFO) != 0) before.sa_sigaction(number, info, context);
}

static void every_seed(void **state)
{
    (void)state;
    if (getenv("WARD_SEED") != NULL) {
        printf("trace %llx\n", (unsigned long long)run_seed(number_of("WARD_SEED", 0)));
        return;
    }
    for (size_t i = 0; i < WARD_COUNT(kept); i++) run_seed(kept[i]);
    uint64_t seeds = number_of("WARD_SEEDS", SEEDS);
    for (uint64_t seed = 1; seed <= seeds; seed++) run_seed(seed);
}

static void the_same_seed_the_same_world(void **state)
{
    (void)state;
    uint64_t traces[TWICE];
    if (getenv("WARD_SEED") != NULL) return;
    for (uint64_t i = 0; i < TWICE; i++) {
        traces[i] = run_seed(i + 1);
        assert_int_equal(traces[i], run_seed(i + 1));
        for (uint64_t k = 0; k < i; k++) assert_int_not_equal(traces[k], traces[i]);
    }
}

int main(void)
{
    struct sigaction crash = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &crash, &before);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_the_same_world),
        cmocka_unit_test(every_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
