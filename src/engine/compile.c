/* Threads that see to compilations, so that no caller is held longer than its deadline, and one
 * slow module holds up none but those behind it, for its own deadline at most.
 *
 * A job is held by its thread and by everyone who waits for it; the last to leave drops it. Who
 * wants what is being compiled already waits for that. A job that all have given up goes on for the
 * cache while its thread is not needed for another. */
#include "engine_priv.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* Two, so that one slow module leaves a thread for the others. */
#define THREADS_DEFAULT 2u
/* Its own, and one that does what would block. */
#define REACTOR_THREADS 2u
/* The compiler recurses with the nesting of a module. */
#define STACK_BYTES (8u << 20)

static void job_unlink(compile_pool *pool, compile_job *job)
{
    compile_job **link = &pool->jobs;
    while (*link != job) link = &(*link)->next;
    *link = job->next;
    atomic_fetch_sub(&pool->job_count, 1);
}

/* The lock is held, and given up for the last holder's drop. */
static void job_leave(compile_pool *pool, compile_job *job)
{
    if (--job->holders != 0) return;
    pthread_mutex_unlock(&pool->lock);
    job->drop(job);
    pthread_mutex_lock(&pool->lock);
}

static compile_job *job_queued(const compile_pool *pool)
{
    compile_job *job = pool->jobs;
    while (job != NULL && job->began_ns != 0) job = job->next;
    return job;
}

static compile_job *job_next(compile_pool *pool)
{
    while (!pool->stop && job_queued(pool) == NULL) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    if (pool->stop) return NULL;
    compile_job *job = job_queued(pool);
    job->began_ns = wardi_now_ns();
    pthread_cond_broadcast(&pool->changed);
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
        job_unlink(pool, job);
        pthread_cond_broadcast(&pool->changed);
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
    *pool = (compile_pool){.thread_max = threads != 0 ? threads : THREADS_DEFAULT};
    pool->threads = wardi_alloc_array(pool->thread_max, sizeof *pool->threads);
    if (pool->threads == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %u compile threads",
                          pool->thread_max);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return WARD_OK;
}

/* Ends its process: what runs in ours can only be waited for. The lock is held, under which the
 * process is reaped as well, so that its number is still its own. */
static void job_end(compile_job *job)
{
    if (job->process == 0) return;
    job->ended = true;
    kill(job->process, SIGKILL);
}

void compile_pool_done(compile_pool *pool)
{
    if (pool->threads == NULL) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    for (compile_job *job = pool->jobs; job != NULL; job = job->next) job_end(job);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    for (compile_job *job = pool->jobs, *next; job != NULL; job = next) {
        next = job->next;
        job->drop(job);
    }
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    wardi_free(pool->threads);
    pool->threads = NULL;
}

void compile_job_began(compile_pool *pool, compile_job *job, pid_t process)
{
    pthread_mutex_lock(&pool->lock);
    job->process = process;
    if (pool->stop) job_end(job);
    pthread_mutex_unlock(&pool->lock);
}

pid_t compile_job_reap(compile_pool *pool, compile_job *job, int *ret_status,
                       struct rusage *ret_usage)
{
    pid_t reaped;
    pthread_mutex_lock(&pool->lock);
    do reaped = wait4(job->process, ret_status, 0, ret_usage);
    while (reaped < 0 && errno == EINTR);
    job->process = 0;
    pthread_mutex_unlock(&pool->lock);
    return reaped;
}

/* ---- handing in and waiting ---- */

static compile_job *job_of_key(const compile_pool *pool, const uint8_t key[WARDI_SHA256_BYTES])
{
    for (compile_job *job = pool->jobs; job != NULL; job = job->next)
        if (!job->ended && memcmp(job->key, key, WARDI_SHA256_BYTES) == 0) return job;
    return NULL;
}

/* When a job waits for a place, one that nobody waits for any more is ended. */
static void job_make_way(const compile_pool *pool)
{
    bool full = pool->idle == 0 && pool->thread_count == pool->thread_max;
    if (!full || job_queued(pool) == NULL) return;
    compile_job *job = pool->jobs;
    while (job != NULL && (job->began_ns == 0 || job->holders != 1 || job->ended)) job = job->next;
    if (job != NULL) job_end(job);
}

/* Under the lock. False: there is no thread, and none can be had. */
static bool job_submit(compile_pool *pool, compile_job *job)
{
    bool add = pool->idle == 0 && pool->thread_count < pool->thread_max;
    if (add && !thread_add(pool) && pool->thread_count == 0) return false;
    job->next = NULL;
    job->done = false;
    job->began_ns = 0;
    job->process = 0;
    job->ended = false;
    job->holders = 1; /* its thread */
    compile_job **link = &pool->jobs;
    while (*link != NULL) link = &(*link)->next;
    *link = job;
    atomic_fetch_add(&pool->job_count, 1);
    pthread_cond_signal(&pool->work);
    job_make_way(pool);
    return true;
}

/* The time before its turn is given to the deadline on top: it was not the job's. */
static bool job_wait(compile_pool *pool, const compile_job *job, uint64_t *deadline_ns)
{
    uint64_t asked_ns = wardi_now_ns();
    while (!job->done && job->began_ns == 0) pthread_cond_wait(&pool->changed, &pool->lock);
    uint64_t began_ns = job->began_ns > asked_ns ? job->began_ns : asked_ns;
    if (deadline_ns == NULL) {
        while (!job->done) pthread_cond_wait(&pool->changed, &pool->lock);
        return true;
    }
    *deadline_ns = wardi_add_sat(*deadline_ns, began_ns - asked_ns);
    struct timespec until = {.tv_sec = (time_t)(*deadline_ns / WARDI_S),
                             .tv_nsec = (long)(*deadline_ns % WARDI_S)};
    for (int failed = 0; !job->done && failed != ETIMEDOUT;)
        failed = pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
    return job->done;
}

ward_error compile_pool_run(compile_pool *pool, compile_job **job, uint64_t *deadline_ns,
                            ward_diag *ret_diag)
{
    compile_job *own = *job;
    pthread_mutex_lock(&pool->lock);
    compile_job *same = job_of_key(pool, own->key);
    if (same == NULL && !job_submit(pool, own)) {
        pthread_mutex_unlock(&pool->lock);
        own->drop(own);
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY,
                          "cannot start a compile thread: too many threads for this user or "
                          "container; raise the limit on processes (ulimit -u, pids.max)");
    }
    *job = same != NULL ? same : own;
    (*job)->holders++;
    bool done = job_wait(pool, *job, deadline_ns);
    if (!done) {
        job_leave(pool, *job);
        job_make_way(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    if (same != NULL) own->drop(own);
    return done ? WARD_OK : WARD_ERROR_DEADLINE;
}

void compile_pool_leave(compile_pool *pool, compile_job *job)
{
    pthread_mutex_lock(&pool->lock);
    job_leave(pool, job);
    pthread_mutex_unlock(&pool->lock);
}
