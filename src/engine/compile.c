/* Threads that compile, so that no caller is held longer than its deadline.
 *
 * A job has two holders, its thread and the one who waits; the last to leave drops it. One who
 * gives up leaves the job running: what it makes still goes into the cache. */
#include "engine_priv.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

/* Its own, and one that does what would block. */
#define REACTOR_THREADS 2u
/* The compiler recurses with the nesting of a module. */
#define STACK_BYTES (8u << 20)

static void job_leave(compile_pool *pool, compile_job *job)
{
    unsigned left = --job->holders;
    if (left != 0) return;
    pthread_mutex_unlock(&pool->lock);
    job->drop(job);
    pthread_mutex_lock(&pool->lock);
}

static compile_job *job_next(compile_pool *pool)
{
    while (pool->first == NULL && !pool->stop) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    if (pool->stop) return NULL;
    compile_job *job = pool->first;
    pool->first = job->next;
    if (pool->first == NULL) pool->last = NULL;
    return job;
}

static void *compile_thread(void *argument)
{
    compile_pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    for (compile_job *job; (job = job_next(pool)) != NULL;) {
        pthread_mutex_unlock(&pool->lock);
        job->run(job);
        pthread_mutex_lock(&pool->lock);
        job->done = true;
        pthread_cond_broadcast(&pool->finished);
        job_leave(pool, job);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals are the application's, and none is handled on a thread of ours, but for those that tell
 * of a crash: blocked, they would end the process without a word. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

static bool thread_add(compile_pool *pool)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    sigfillset(&all);
    for (size_t i = 0; i < WARD_COUNT(crashes); i++) sigdelset(&all, crashes[i]);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t *thread = &pool->threads[pool->thread_count];
    int failed = pthread_create(thread, &attributes, compile_thread, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed != 0) return false;
    pthread_setname_np(*thread, "ward-compile");
    pool->thread_count++;
    return true;
}

/* ---- threads of the engine's own ---- */

typedef struct roll_call {
    pthread_mutex_t lock;
    pthread_t threads[256];
    size_t count;
} roll_call;

/* Waits until all are there. */
static void *answer(void *argument)
{
    roll_call *roll = argument;
    pthread_mutex_lock(&roll->lock);
    pthread_mutex_unlock(&roll->lock);
    return NULL;
}

bool compile_threads_fit(size_t wanted)
{
    roll_call roll = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_attr_t attributes;
    if (wanted > WARD_COUNT(roll.threads)) wanted = WARD_COUNT(roll.threads);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64u << 10);
    pthread_mutex_lock(&roll.lock);
    while (roll.count < wanted &&
           pthread_create(&roll.threads[roll.count], &attributes, answer, &roll) == 0)
        roll.count++;
    pthread_mutex_unlock(&roll.lock);
    for (size_t i = 0; i < roll.count; i++) pthread_join(roll.threads[i], NULL);
    pthread_attr_destroy(&attributes);
    return roll.count == wanted;
}

size_t compile_threads_wanted(uint32_t compilers)
{
    cpu_set_t cpus;
    size_t processors = 1;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) processors = (size_t)CPU_COUNT(&cpus);
    return processors + compilers + REACTOR_THREADS;
}

static atomic_bool reactor_is_there;
static _Thread_local bool entered;

bool engine_reactor_enter(void)
{
    if (entered) return true;
    bool fits = atomic_load_explicit(&reactor_is_there, memory_order_relaxed);
    if (!fits && !compile_threads_fit(REACTOR_THREADS)) return false;
    entered = ward_engine_enter_reactor();
    if (entered) atomic_store_explicit(&reactor_is_there, true, memory_order_relaxed);
    return entered;
}

/* ---- the pool ---- */

ward_error compile_pool_init(compile_pool *pool, uint32_t threads, ward_diag *ret_diag)
{
    *pool = (compile_pool){.thread_max = threads != 0 ? threads : 1};
    pool->threads = wardi_alloc_array(pool->thread_max, sizeof *pool->threads);
    if (pool->threads == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %u compile threads",
                          pool->thread_max);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->finished, &attributes);
    pthread_condattr_destroy(&attributes);
    return WARD_OK;
}

void compile_pool_done(compile_pool *pool)
{
    if (pool->threads == NULL) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    for (compile_job *job = pool->first, *next; job != NULL; job = next) {
        next = job->next;
        job->drop(job);
    }
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->finished);
    pthread_mutex_destroy(&pool->lock);
    wardi_free(pool->threads);
    pool->threads = NULL;
}

/* Under the lock. False: there is no thread, and none can be had. */
static bool job_submit(compile_pool *pool, compile_job *job)
{
    bool add = pool->idle == 0 && pool->thread_count < pool->thread_max;
    if (add && !thread_add(pool) && pool->thread_count == 0) return false;
    job->next = NULL;
    job->done = false;
    job->holders = 2;
    if (pool->last != NULL)
        pool->last->next = job;
    else
        pool->first = job;
    pool->last = job;
    pthread_cond_signal(&pool->work);
    return true;
}

static bool job_wait(compile_pool *pool, const compile_job *job, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / WARDI_S),
                             .tv_nsec = (long)(deadline_ns % WARDI_S)};
    int failed = 0;
    while (!job->done && failed != ETIMEDOUT)
        failed = deadline_ns == 0 ? pthread_cond_wait(&pool->finished, &pool->lock)
                                  : pthread_cond_timedwait(&pool->finished, &pool->lock, &until);
    return job->done;
}

ward_error compile_pool_run(compile_pool *pool, compile_job *job, uint64_t deadline_ns,
                            ward_diag *ret_diag)
{
    pthread_mutex_lock(&pool->lock);
    if (!job_submit(pool, job)) {
        pthread_mutex_unlock(&pool->lock);
        job->drop(job);
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY,
                          "cannot start a compile thread: too many threads for this user or "
                          "container; raise the limit on processes (ulimit -u, pids.max)");
    }
    bool done = job_wait(pool, job, deadline_ns);
    if (done)
        job->holders--; /* its thread left while it held the lock: the job is ours alone */
    else
        job_leave(pool, job);
    pthread_mutex_unlock(&pool->lock);
    return done ? WARD_OK : WARD_ERROR_DEADLINE;
}
