/* Waiting: futexes, or with a world the scheduler itself goes on. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "sched/sched_priv.h"

void wait_relax(void)
{
#if defined(__x86_64__)
    _mm_pause();
#endif
}

/* One step of the world in place of sleeping: the next decision, or the next point in time. */
static bool wait_simulated(wardi_sched *sched, uint64_t deadline_ns)
{
    if (sched_now(sched) >= deadline_ns) return false;
    if (wardi_sched_step(sched)) return true;
    if (deadline_ns == UINT64_MAX) return false; /* nothing can ever end the wait */
    sched->world.sleep_until_ns(sched->world.context, deadline_ns);
    return true;
}

bool wait_word(wardi_sched *sched, _Atomic uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
    if (sched->simulated) return wait_simulated(sched, deadline_ns);
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / WARDI_S),
                             .tv_nsec = (long)(deadline_ns % WARDI_S)};
    /* BITSET because only it takes an absolute time; the monotonic clock is its default. */
    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
                          deadline_ns == UINT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    return result == 0 || errno != ETIMEDOUT;
}

void wait_wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}
