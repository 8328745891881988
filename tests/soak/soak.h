/* The soak: a tree of guests and native children, and threads that send, ask, flood, kill, stop and
 * restart at random, through the public API alone.
 *
 * It goes by rounds. In each, the threads of load.c do their worst; then they end, world.c starts
 * what was stopped, and the tree comes to rest: what is not given up is ready, nothing waits, and
 * every message has its place in the counts, exactly. What the process holds then (memory, threads,
 * files) is a line of the table, and may not grow. Chance is seeded, the threads are not: a seed
 * that failed makes the same kind of day again, not the same one. */
#ifndef SOAK_H
#define SOAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ward/ward.h>

#define MS UINT64_C(1000000)
#define SECOND (UINT64_C(1000) * MS)
/* Bounds on hangs, not expectations: nothing here takes a tenth of them. */
#define PATIENCE_NS (60 * SECOND)

enum {
    CALM = 16,     /* guests that only the threads write to: their counts are known */
    WILD = 32,     /* guests that talk among each other */
    NATIVES = 8,   /* children of the application */
    MANY = 8,      /* instances of one component */
    VISITORS = 12, /* guests that come and go */
    MEMBERS = CALM + WILD + NATIVES + MANY + VISITORS,
    LOADERS = 9,    /* threads */
    BYTES_MAX = 64, /* of a message */
};

typedef enum kind { KIND_CALM, KIND_WILD, KIND_NATIVE, KIND_MANY, KIND_VISITOR } kind;

/* A child as the soak knows it. */
typedef struct member {
    char name[24];
    kind kind;
    int index; /* among its kind */
    /* what the threads have sent to it, and what was refused: all there is, of a calm one */
    _Atomic uint64_t sent, refused;
    atomic_int started; /* a native: starts less stops, 0 or 1 */
    ward_state state;   /* by its events, which come one at a time */
    uint64_t ends;      /* runs that ended by themselves, by its events */
} member;

extern member members[MEMBERS];
extern ward_supervisor *supervisor;

/* ---- soak.c ---- */

/* Says where and with which seed, and ends the process with a core. */
_Noreturn void soak_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_ns(void);
void sleep_ns(uint64_t ns);

/* A thread says what it begins; one that does not say anything else for PATIENCE_NS has hung. */
void doing(int thread, const char *what, const char *whom);
enum { THREAD_MAIN = LOADERS, THREADS };

typedef struct tally {
    _Atomic uint64_t requests, answers, errors, sends, refused, asked, events, restarts, set_aside,
        given_up;
} tally;
extern tally total;

/* ---- chance ---- */

typedef struct chance {
    uint64_t state;
} chance;
uint64_t draw(chance *c);
static inline unsigned below(chance *c, unsigned n)
{
    return (unsigned)(draw(c) % n);
}

/* ---- world.c ---- */

void world_add(const char *actor_path);
/* Adds a visitor again, unless it is there. */
void visitor_add(member *m);
/* The load is told to end. Starts what was stopped, and waits until all that is not given up is
 * ready; releases what is, and waits until the load has ended, until all is ready, nothing waits
 * and the counts agree; then calls everybody by name. */
void world_rest(void);
/* It may stay down until the end of a round. */
bool world_may_be_down(const member *m);
/* While all runs: no count is off by more than what can be under way. */
void world_check_running(const member *m);
/* Checks the ends. */
void world_check_stopped(void);
/* In words, for a message of failure. */
const char *world_last_end(const member *m);
void on_event(void *context, const ward_event *event);

/* ---- load.c ---- */

void load_begin(uint64_t seed);
/* Tells the threads. They end when what they wait for has come; then they are joined. */
void load_end(void);
bool load_has_ended(void);
void load_join(void);

#endif
