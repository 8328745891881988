/* soak [--seconds N] [--round N] [--seed N] ACTOR.wat: see soak.h. Prints a line a round, and ends
 * with status 0 when all has added up. */
#include "soak.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

ward_supervisor *supervisor;
tally total;

static struct {
    uint64_t seconds, round_seconds, seed;
    const char *actor;
} options = {.seconds = 10, .round_seconds = 2, .seed = 1};

/* ---- time, chance ---- */

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void sleep_ns(uint64_t ns)
{
    struct timespec span = {.tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND)};
    nanosleep(&span, NULL);
}

/* splitmix64 */
uint64_t draw(chance *c)
{
    uint64_t x = c->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* ---- failing ---- */

static uint64_t began_ns;

void soak_fail(const char *format, ...)
{
    va_list args;
    fprintf(stderr,
            "soak: FAILED after %llu s: ", (unsigned long long)((now_ns() - began_ns) / SECOND));
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nsoak: the same chance again: --seed %llu --seconds %llu --round %llu\n",
            (unsigned long long)options.seed, (unsigned long long)options.seconds,
            (unsigned long long)options.round_seconds);
    abort();
}

/* ---- the watch: no thread hangs ---- */

static struct {
    _Atomic uint64_t since_ns; /* 0: it does nothing */
    _Atomic(const char *) what, whom;
} activities[THREADS];
static atomic_bool over;

void doing(int thread, const char *what, const char *whom)
{
    atomic_store(&activities[thread].what, what);
    atomic_store(&activities[thread].whom, whom);
    atomic_store(&activities[thread].since_ns, what != NULL ? now_ns() : 0);
}

static void *watch(void *unused)
{
    while (!atomic_load(&over)) {
        for (int i = 0; i < THREADS; i++) {
            uint64_t since_ns = atomic_load(&activities[i].since_ns);
            if (since_ns == 0 || now_ns() < since_ns + 2 * PATIENCE_NS) continue;
            const char *what = atomic_load(&activities[i].what);
            const char *whom = atomic_load(&activities[i].whom);
            if (what != NULL) soak_fail("thread %d hangs: %s %s", i, what, whom ? whom : "");
        }
        sleep_ns(100 * MS);
    }
    return unused;
}

/* ---- what the process holds ---- */

typedef struct holdings {
    size_t resident_kib, heap_kib;
    int files, threads;
} holdings;

static int entries_of(const char *path)
{
    int count = 0;
    DIR *directory = opendir(path);
    if (directory == NULL) soak_fail("%s can't be read", path);
    while (readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

static size_t resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) soak_fail("statm can't be read");
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static holdings holdings_now(void)
{
    return (holdings){.resident_kib = resident_kib(),
                      .heap_kib = mallinfo2().uordblks / 1024,
                      .files = entries_of("/proc/self/fd"),
                      .threads = entries_of("/proc/self/task")};
}

static unsigned long long count_of(_Atomic uint64_t *counter)
{
    return atomic_load(counter);
}

static void print_line(const holdings *h)
{
    printf("%6llu %10zu %9zu %6d %8d %10llu %10llu %10llu %10llu %9llu %9llu %7llu\n",
           (unsigned long long)((now_ns() - began_ns) / SECOND), h->resident_kib, h->heap_kib,
           h->files, h->threads, count_of(&total.requests), count_of(&total.answers),
           count_of(&total.sends), count_of(&total.refused), count_of(&total.restarts),
           count_of(&total.set_aside), count_of(&total.given_up));
    fflush(stdout);
}

/* Memory is compared by the means of two quarters, the second and the last: chance makes one round
 * hold a little more than another. Short runs have no quarters; there LeakSanitizer speaks. */
enum { LINES_MAX = 4096, LINES_TO_COMPARE = 40, GROWTH_KIB = 2048 };
static holdings lines[LINES_MAX];
static size_t line_count;

static size_t mean(size_t first, size_t end, size_t offset)
{
    size_t sum = 0;
    for (size_t i = first; i < end; i++) {
        size_t value;
        memcpy(&value, (const char *)&lines[i] + offset, sizeof value);
        sum += value;
    }
    return sum / (end - first);
}

static void expect_no_growth(const char *what, size_t offset)
{
    size_t quarter = line_count / 4;
    size_t before = mean(quarter, 2 * quarter, offset);
    size_t after = mean(line_count - quarter, line_count, offset);
    printf("%s: %zu KiB in the second quarter, %zu KiB in the last\n", what, before, after);
    if (after > before + before / 20 + GROWTH_KIB) soak_fail("%s has grown", what);
}

static void expect_the_same(const holdings *h)
{
    const holdings *first = &lines[0];
    if (h->files != first->files) soak_fail("%d files are open, %d were", h->files, first->files);
    if (h->threads != first->threads)
        soak_fail("%d threads run, %d did", h->threads, first->threads);
}

static void note_line(void)
{
    holdings h = holdings_now();
    print_line(&h);
    if (line_count < LINES_MAX) lines[line_count++] = h;
    expect_the_same(&h);
}

/* ---- all of it ---- */

static void must(ward_error error, const ward_diag *diag, const char *what)
{
    if (error != WARD_OK) soak_fail("%s: %s", what, diag->text);
}

static ward_host *open_world(void)
{
    ward_diag diag = {0};
    ward_host *host = NULL;
    ward_host_options host_options = WARD_INIT(ward_host_options);
    host_options.cache_directory = "";
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.seed = options.seed;
    own.on_event = on_event;
    own.failures_max = 255;
    own.workers = 3;
    must(ward_host_open(&host_options, &host, &diag), &diag, "open");
    must(ward_supervisor_new(host, &own, &supervisor, &diag), &diag, "new");
    world_add(options.actor);
    must(ward_supervisor_start(supervisor, &diag), &diag, "start");
    return host;
}

static void close_world(ward_host *host)
{
    ward_diag diag = {0};
    doing(THREAD_MAIN, "stop", "all");
    must(ward_supervisor_stop(supervisor, PATIENCE_NS, &diag), &diag, "stop");
    doing(THREAD_MAIN, "free", "all");
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    doing(THREAD_MAIN, NULL, NULL);
    world_check_stopped();
}

static bool number_of(const char *text, uint64_t *ret_number)
{
    char *end;
    *ret_number = strtoull(text, &end, 10);
    return *text != '\0' && *end == '\0';
}

static bool read_arguments(int count, char **args)
{
    for (int i = 1; i < count; i++) {
        bool more = i + 1 < count;
        bool fine = true;
        if (strcmp(args[i], "--seconds") == 0 && more)
            fine = number_of(args[++i], &options.seconds);
        else if (strcmp(args[i], "--round") == 0 && more)
            fine = number_of(args[++i], &options.round_seconds) && options.round_seconds != 0;
        else if (strcmp(args[i], "--seed") == 0 && more)
            fine = number_of(args[++i], &options.seed);
        else
            options.actor = args[i];
        if (!fine) return false;
    }
    return options.actor != NULL;
}

static void run(void)
{
    chance c = {options.seed};
    uint64_t end_ns = began_ns + options.seconds * SECOND;
    printf("%6s %10s %9s %6s %8s %10s %10s %10s %10s %9s %9s %7s\n", "second", "rss KiB",
           "heap KiB", "files", "threads", "requests", "answers", "sends", "refused", "restarts",
           "set aside", "given up");
    do {
        load_begin(draw(&c));
        sleep_ns(options.round_seconds * SECOND);
        load_end();
        world_rest();
        load_join();
        note_line();
    } while (now_ns() < end_ns);
    if (line_count < LINES_TO_COMPARE) return;
    expect_no_growth("resident memory", offsetof(holdings, resident_kib));
    expect_no_growth("the heap", offsetof(holdings, heap_kib));
}

int main(int argc, char **argv)
{
    pthread_t watcher;
    if (!read_arguments(argc, argv)) {
        fprintf(stderr, "usage: %s [--seconds N] [--round N] [--seed N] ACTOR.wat\n", argv[0]);
        return 2;
    }
    began_ns = now_ns();
    if (pthread_create(&watcher, NULL, watch, NULL) != 0) soak_fail("no thread to watch");
    ward_host *host = open_world();
    run();
    close_world(host);
    atomic_store(&over, true);
    pthread_join(watcher, NULL);
    printf("seed %llu: %llu requests, each with one outcome (%llu answers, %llu errors), %llu "
           "events, %llu requests of an operator\n",
           (unsigned long long)options.seed, count_of(&total.requests), count_of(&total.answers),
           count_of(&total.errors), count_of(&total.events), count_of(&total.asked));
    return 0;
}
