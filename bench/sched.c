/* The scheduler with native actors, before anything of Wasm: one worker, the calling thread on the
 * other core. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "sched/sched.h"

enum {
    MESSAGES = 2000000, /* in one round */
    ACTORS_MAX = 1000000,
    SWEPT = 100000,
    TIMED = 1000000,
    ROUNDS = 7,
};

typedef struct receiver {
    wardi_actor actor;
    uint64_t handled; /* its own */
    char to_whole_lines[64 - (sizeof(wardi_actor) + 8) % 64];
} receiver;

static wardi_next receive(wardi_actor *self, wardi_message *m)
{
    receiver *r = self->context;
    r->handled++;
    wardi_message_answer(self->sched, m, WARD_OK);
    return WARDI_READY;
}

static const wardi_behaviour receiver_behaviour = {.receive = receive};

static wardi_sched *scheduler(void)
{
    wardi_sched *s = NULL;
    ward_diag diag;
    wardi_sched_options options = {.workers = 1, .spin_ns_max = 200 * WARDI_US};
    bench_must(wardi_sched_new(&options, &s, &diag), &diag, "scheduler");
    return s;
}

static receiver *receivers(wardi_sched *s, size_t count, const wardi_behaviour *behaviour)
{
    static const wardi_mailbox_options mailbox = {
        .user_max = 1024, .full = WARDI_FULL_BLOCK, .block_ns = 60 * WARDI_S};
    static const wardi_mailbox_options small = {
        .user_max = 4, .full = WARDI_FULL_BLOCK, .block_ns = 60 * WARDI_S};
    receiver *all = wardi_alloc_aligned(64, count * sizeof *all);
    ward_diag diag = {.text = "no memory"};
    bench_must(all != NULL ? WARD_OK : WARD_ERROR_NO_MEMORY, &diag, "actors");
    for (size_t i = 0; i < count; i++) {
        bench_must(wardi_actor_init(&all[i].actor, s, behaviour, count < 1000 ? &mailbox : &small),
                   &diag, "actor");
        all[i].actor.context = &all[i];
    }
    return all;
}

/* Takes from the thread's cache: it is warm after the first. */
static wardi_message *message(uint8_t lane)
{
    wardi_message *m = wardi_message_new(1);
    ward_diag diag = {.text = "no memory"};
    bench_must(m != NULL ? WARD_OK : WARD_ERROR_NO_MEMORY, &diag, "message");
    m->lane = lane;
    return m;
}

/* ---- a request and its answer ---- */

typedef struct call {
    wardi_sched *sched;
    wardi_actor_id to;
} call;

BENCH_INLINE void request_op(void *context)
{
    call *c = context;
    wardi_message *m = message(WARDI_LANE_SYSTEM);
    wardi_message_ask_thread(m);
    if (wardi_sched_send(c->sched, c->to, m) != WARD_OK) abort();
    if (wardi_message_await(c->sched, m, UINT64_MAX) != WARD_OK) abort();
    wardi_message_free(c->sched, m);
}

void bench_sched_request_reply(const bench *b)
{
    wardi_sched *s = scheduler();
    receiver *r = receivers(s, 1, &receiver_behaviour);
    call c = {.sched = s, .to = r->actor.id};
    bench_report("sched_request_reply", b->samples, request_op, &c);
    wardi_sched_free(s);
    wardi_free(r);
}

/* ---- a stream of messages ---- */

/* Nanoseconds a message, until the last is handled. */
static double stream_ns(wardi_sched *s, receiver *to, size_t count, size_t messages)
{
    uint64_t start = wardi_now_ns();
    wardi_message *m = NULL;
    size_t at = 0;
    for (size_t i = 0; i < messages; i++) {
        m = message(WARDI_LANE_USER);
        if (i == messages - 1) wardi_message_ask_thread(m);
        if (wardi_sched_send(s, to[at].actor.id, m) != WARD_OK) abort();
        at = at + 1 < count ? at + 1 : 0;
    }
    if (wardi_message_await(s, m, UINT64_MAX) != WARD_OK) abort();
    wardi_message_free(s, m);
    return (double)(wardi_now_ns() - start) / (double)messages;
}

static int compare_doubles(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void print_rounds(const char *name, const char *unit, double *rounds, bool rising)
{
    qsort(rounds, ROUNDS, sizeof *rounds, compare_doubles);
    double median = rounds[ROUNDS / 2];
    double worst = rounds[rising ? ROUNDS - 1 : 0];
    bench_figures figures = {.p50 = median,
                             .p99 = worst,
                             .p999 = worst,
                             .mean = median,
                             .single_p50 = median,
                             .samples = ROUNDS};
    bench_print(name, unit, &figures);
}

/* Each of so many actors gets one in turn; nanoseconds a message. */
static void stream_rounds(const bench *b, size_t count, double *ns)
{
    size_t messages = b->samples < MESSAGES / 20 ? MESSAGES / 20 : MESSAGES;
    wardi_sched *s = scheduler();
    receiver *r = receivers(s, count, &receiver_behaviour);
    stream_ns(s, r, count, messages); /* makes the lanes */
    for (int k = 0; k < ROUNDS; k++) ns[k] = stream_ns(s, r, count, messages);
    wardi_sched_free(s);
    wardi_free(r);
}

void bench_sched_messages(const bench *b)
{
    double ns[ROUNDS];
    stream_rounds(b, ACTORS_MAX, ns);
    print_rounds("sched_message_1m", "ns", ns, true);
    stream_rounds(b, 1, ns);
    for (int k = 0; k < ROUNDS; k++) ns[k] = 1e9 / ns[k];
    print_rounds("sched_messages_per_second", "1/s", ns, false);
}

/* ---- everybody asked once ---- */

void bench_sched_sweep_100k(const bench *b)
{
    (void)b;
    wardi_sched *s = scheduler();
    receiver *r = receivers(s, SWEPT, &receiver_behaviour);
    wardi_message **asked = wardi_alloc_array(SWEPT, sizeof *asked);
    if (asked == NULL) abort();
    double ms[ROUNDS];
    for (int k = -1; k < ROUNDS; k++) { /* the first only warms up */
        uint64_t start = wardi_now_ns();
        for (size_t i = 0; i < SWEPT; i++) {
            wardi_sched_hint(s, r[i + 8 < SWEPT ? i + 8 : i].actor.id);
            asked[i] = message(WARDI_LANE_SYSTEM);
            wardi_message_ask_thread(asked[i]);
            if (wardi_sched_send(s, r[i].actor.id, asked[i]) != WARD_OK) abort();
        }
        for (size_t i = 0; i < SWEPT; i++) {
            __builtin_prefetch(&asked[i + 8 < SWEPT ? i + 8 : i]->status, 1);
            if (wardi_message_await(s, asked[i], UINT64_MAX) != WARD_OK) abort();
            wardi_message_free(s, asked[i]);
        }
        if (k >= 0) ms[k] = (double)(wardi_now_ns() - start) / 1e6;
    }
    print_rounds("sched_sweep_100k", "ms", ms, true);
    wardi_sched_free(s);
    wardi_free(asked);
    wardi_free(r);
}

/* ---- a million timers of one second ---- */

static wardi_next set_again(wardi_actor *self)
{
    receiver *r = self->context;
    r->handled++;
    wardi_actor_timer_set(self, wardi_sched_now(self->sched) + WARDI_S);
    return WARDI_READY;
}

/* The first one comes spread over a second. */
static wardi_next set_first(wardi_actor *self, wardi_message *m)
{
    wardi_actor_timer_set(self, wardi_sched_now(self->sched) + m->correlation);
    wardi_message_answer(self->sched, m, WARD_OK);
    return WARDI_READY;
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * WARDI_S + (uint64_t)spent.tv_nsec;
}

/* CPU time of the whole process a firing: the timer, the run, and setting it again. */
void bench_sched_timers_million(const bench *b)
{
    (void)b;
    static const wardi_behaviour behaviour = {.receive = set_first, .timer = set_again};
    wardi_sched *s = scheduler();
    receiver *r = receivers(s, TIMED, &behaviour);
    for (size_t i = 0; i < TIMED; i++) {
        wardi_message *m = message(WARDI_LANE_SYSTEM);
        m->correlation = WARDI_S + i % 1000 * WARDI_MS;
        if (i == TIMED - 1) wardi_message_ask_thread(m);
        if (wardi_sched_send(s, r[i].actor.id, m) != WARD_OK) abort();
        if (i == TIMED - 1 && wardi_message_await(s, m, UINT64_MAX) == WARD_OK)
            wardi_message_free(s, m);
    }
    double ns[ROUNDS];
    wardi_sleep_until_ns(wardi_now_ns() + 2 * WARDI_S);
    for (int k = 0; k < ROUNDS; k++) {
        wardi_sched_figures before, after;
        uint64_t start = thread_cpu_ns();
        wardi_sched_figures_get(s, &before);
        start = thread_cpu_ns();
        wardi_sleep_until_ns(wardi_now_ns() + WARDI_S);
        uint64_t spent = thread_cpu_ns() - start;
        wardi_sched_figures_get(s, &after);
        ns[k] = (double)spent / (double)(after.timers_fired - before.timers_fired);
    }
    print_rounds("sched_timers_million", "ns", ns, true);
    wardi_sched_free(s);
    wardi_free(r);
}
