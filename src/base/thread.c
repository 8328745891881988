#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

/* The first version of the kernel's struct sched_attr, which older C libraries do not have. */
typedef struct thread_scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
} thread_scheduling;

enum { RESET_ON_FORK = 1, NICE = -10 };

/* The shortest slice that Linux gives, from 6.12 on; older kernels take no notice. And more weight
 * than those have who keep the processors busy, where that is allowed: who wakes again before he
 * has made up for what he ran before waits for the next tick, 4 ms, and with a tenth of the weight
 * to make up for, he hardly ever has to. Threads that this one makes are as all others. */
void wardi_thread_hasten(void)
{
    thread_scheduling scheduling = {.size = sizeof scheduling};
    long failed = syscall(SYS_sched_getattr, 0, &scheduling, sizeof scheduling, 0);
    if (failed != 0 || scheduling.policy != SCHED_OTHER) return;
    int32_t nice = scheduling.nice;
    scheduling.flags |= RESET_ON_FORK;
    scheduling.slice_ns = 100 * WARDI_US;
    if (nice > NICE) scheduling.nice = NICE;
    if (syscall(SYS_sched_setattr, 0, &scheduling, 0) == 0) return;
    scheduling.nice = nice;
    syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

bool wardi_thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(ret_thread, NULL, run, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void wardi_cond_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, uint64_t due_ns)
{
    struct timespec due = {.tv_sec = (time_t)(due_ns / WARDI_S),
                           .tv_nsec = (long)(due_ns % WARDI_S)};
    if (due_ns == UINT64_MAX)
        pthread_cond_wait(changed, lock);
    else
        pthread_cond_clockwait(changed, lock, CLOCK_MONOTONIC, &due);
}
