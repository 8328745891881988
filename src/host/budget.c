/* A child's budget of processor time: what it uses beyond it is owed, and while it owes, messages
 * wait in its mailbox. Checks, stops and answers that its guest waits for do not. */
#include <time.h>

#include "host/host_priv.h"

struct budget {
    wardi_meter meter;
    uint64_t until_ns;       /* it owes so long; 0: it does not */
    _Atomic uint64_t delays; /* any thread reads */
    _Atomic uint64_t delayed_ns;
};

ward_error budget_new(child *c, uint64_t cpu_ns, uint64_t interval_ns, ward_diag *ret_diag)
{
    if (cpu_ns == 0) return WARD_OK;
    c->budget = wardi_alloc(sizeof *c->budget);
    if (c->budget == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a budget");
    c->budget->meter = (wardi_meter){.budget = cpu_ns, .interval_ns = interval_ns};
    return WARD_OK;
}

/* Of this thread: whoever is preempted meanwhile uses nothing. */
static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * WARDI_S + (uint64_t)now.tv_nsec;
}

uint64_t budget_enter(const child *c)
{
    return c->budget != NULL ? cpu_ns() : 0;
}

void budget_leave(child *c, uint64_t entered_ns)
{
    struct budget *b = c->budget;
    if (b == NULL) return;
    uint64_t now_ns = wardi_sched_now(c->supervisor->sched);
    wardi_meter_use(&b->meter, cpu_ns() - entered_ns, now_ns);
    uint64_t wait_ns = wardi_meter_wait_ns(&b->meter, now_ns);
    bool owed = b->until_ns != 0;
    b->until_ns = wait_ns != 0 ? wardi_add_sat(now_ns, wait_ns) : 0;
    if (b->until_ns == 0) return;
    child_timer(c);
    if (owed) return;
    atomic_fetch_add_explicit(&b->delays, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&b->delayed_ns, wait_ns, memory_order_relaxed);
}

uint64_t budget_due_ns(const child *c)
{
    return c->budget != NULL && c->budget->until_ns != 0 ? c->budget->until_ns : WARDI_FOREVER;
}

void budget_tell(const child *c, ward_child_status *status)
{
    if (c->budget == NULL) return;
    status->cpu_delays = atomic_load_explicit(&c->budget->delays, memory_order_relaxed);
    status->cpu_delayed_ns = atomic_load_explicit(&c->budget->delayed_ns, memory_order_relaxed);
}
