/* A whole host in a world that a seed makes: a supervisor with its real scheduler, tree, health and
 * components, over the fake engine and a clock that only the world moves, on one thread.
 *
 * The world notes what it does and what it is told, in books of its own; check.c holds them against
 * what the host says. Members are children, letters are messages to them. A guest is a program that
 * draws its next deed from the seed (guest.c), and so is the operator (operator.c). */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ward/ward.h>

#include "fake/fake.h"
#include "host/host_priv.h"
#include "sim/clock.h"

enum {
    MEMBERS_MAX = 4200,
    GROUPS_MAX = 8,
    NEEDS_MAX = 3,
    SENDERS_MAX = 64, /* that send; one more is OUTSIDE */
    LETTERS_MAX = 1 << 15,
    TIMERS_KEPT = 4, /* open timers that a member remembers; it may have more */
    FAILURES_MAX = 256,
    OUTSIDE = SENDERS_MAX, /* as a sender */
    ANYBODY = -1,          /* as a receiver: published */
    NO_GROUP = -1,
};

/* What has become of a letter that was taken by a mailbox. */
typedef enum fate {
    FATE_UNDERWAY,
    FATE_ENTERED, /* its receiver has it */
    FATE_DEFERRED,
    FATE_ANSWERED, /* handled, or replied to */
    FATE_DIED,     /* its receiver was ended */
} fate;

typedef struct letter {
    int32_t from, to;
    bool asks;
    bool later; /* by a timer */
    bool came;
    bool never;      /* it was cancelled, or its run ended, before it was due */
    uint64_t due_ns; /* of a timer's */
    fate fate;
    uint64_t over_step; /* when it got its fate */
} letter;

typedef struct member {
    char name[24];
    bool exists, native, instance, asked_for_removal;
    int32_t group;
    uint32_t needs[NEEDS_MAX], need_count;
    ward_child_options options; /* as they were added; pointers are stale */
    fake_guest *guest;          /* NULL: native. Instances share one */
    child *child;               /* NULL: unknown, or gone */
    int mood;                   /* ward_health, of its next checks */

    ward_child_status status; /* as the host said last */

    /* by what was told of it */
    ward_state state;
    bool ready;
    uint64_t ready_last_ns, down_last_ns, was_ready_ns;
    uint32_t starts, restarts, by_cause[WARD_CAUSES_MAX];
    uint32_t ends, evidences;
    uint32_t ends_counted; /* of those that led to a restart */
    uint64_t end_ns;
    ward_cause evidence_cause;
    bool restart_told; /* since the last start */
    bool excused;      /* somebody asked for a start, or its group was restarted */
    uint64_t failures_ns[FAILURES_MAX];
    uint32_t failure_count;

    /* by what its guest went through */
    bool inside;
    bool up;                 /* of a native one: started, and not stopped yet */
    uint32_t current, retry; /* letters; 0: none */
    uint32_t deaths;         /* by the letter that it handled last */
    uint64_t entered, others, set_aside, set_aside_told;
    uint64_t attempts, refused, expired_late;
    bool subscribed;
    uint64_t deferred_number;
    uint32_t deferred;
    uint64_t last_from[SENDERS_MAX + 1];
    struct {
        uint64_t timer; /* its number; 0: none */
        uint32_t letter;
    } timers[TIMERS_KEPT];
} member;

typedef struct sim_group {
    char name[24];
    bool exists;
    bool many; /* of one component */
    int32_t above;
    ward_group_health policy;
    ward_child_health health; /* by what was told */
    bool ready;
} sim_group;

typedef struct world {
    uint64_t seed;
    wardi_rng rng;
    uint64_t steps;
    bool calm;                    /* no faults any more */
    bool stopping;                /* the supervisor */
    bool large;                   /* checks go in turns */
    uint32_t faults;              /* of a thousand calls */
    uint32_t failing_allocations; /* still to come, at one of four */
    bool memory_failed;           /* once: what needed it may be missing */
    bool events_lost;
    uint64_t sequence;
    uint64_t trace;

    ward_host *host;
    ward_supervisor *supervisor;
    wardi_sched_world sched_world;
    uint32_t member_count, group_count, letter_count, guest_count, check_at;
    sim_group groups[GROUPS_MAX];
    member members[MEMBERS_MAX];
    letter letters[LETTERS_MAX];
    fake_guest *guests[MEMBERS_MAX];
} world;

/* One at a time: callbacks of guests find it here. */
extern world *the_world;

/* ---- chance ---- */

uint64_t below(uint64_t limit);
/* True once in so many. */
bool once_in(uint64_t many);
/* A fault of guests, of so many in a thousand of them. */
bool fault(uint32_t share);

/* ---- failing ---- */

/* Ends the seed, and prints the command that runs it again. */
_Noreturn void sim_fail(const char *what, const char *who, const char *file, int line);
#define MUST(holds, who) ((holds) ? (void)0 : sim_fail(#holds, who, __FILE__, __LINE__))

/* ---- the world (world.c) ---- */

void world_begin(uint64_t seed);
/* To its rest: all that must serve does, then all is stopped; returns the trace. */
uint64_t world_end(void);
/* Adds what the seed draws. */
void world_add_member(void);
/* The member of that name. */
member *member_of(const char *name);
bool is_below(const member *m, int32_t number);
/* One step of the scheduler. False: nothing happens by itself. */
bool world_step(void);

/* ---- letters (letter.c) ---- */

/* Its number; 0: the world has enough of them. */
uint32_t letter_new(int32_t from, int32_t to, bool asks);
/* At least 8 bytes. Returns how many there are. */
uint32_t letter_write(uint32_t number, uint8_t bytes[128]);
uint32_t letter_read(const uint8_t *bytes, size_t length);
/* What the sender was told of a send. */
void letter_sent(uint32_t number, ward_error error);
/* It is sent at `due_ns`, or not at all. */
void letter_later(uint32_t number, uint64_t due_ns);
/* Its timer was taken back; or its run has ended. */
void letter_never(uint32_t number);
/* The member's run has ended, and with it what was to come. */
void letters_end(member *m);
/* A guest begins to handle it, and ends. */
void letter_enter(member *m, uint32_t number);
void letter_leave(member *m, uint32_t number, ward_error error);
void letter_fate(uint32_t number, fate what);
/* It was to try one again, and does not. */
void letter_expired(member *m);
/* What an asker was told. */
void letter_answer(uint32_t number, ward_error error, const uint8_t *bytes, size_t length);

/* ---- guests (guest.c) ---- */

void guest_program(fake_guest *guest, uint64_t start_timeout_ns);
void native_program(ward_native_options *options, member *m);

/* ---- the operator (operator.c): from outside, and from other threads while guests run ---- */

void operator_asks(void);
void operator_acts(void);

/* ---- checks (check.c) ---- */

void on_event(void *context, const ward_event *event);
void on_evidence(void *context, const ward_evidence *evidence);
/* Its budget is whole again. */
void forget_failures(member *m);
/* All that must hold between two steps. */
void check_step(void);
/* Everything, of everybody. */
void check_all(void);
/* A member that is not where it stays when nothing more happens; or NULL. */
const char *first_restless(void);
const char *first_unready(void);

#endif
