/* What a child's guest has of its host: between the files of the imports of module `ward`.
 *
 * Only the actor of the child, and so only its guest, touches any of it. docs/guest-abi.md has the
 * contract. A guest that names bytes outside its memory has broken it, and is ended; what merely
 * can't be done is a code. */
#ifndef WARDI_HOST_GUEST_H
#define WARDI_HOST_GUEST_H

#include "host/host_priv.h"
#include "host/message.h"

/* Codes, as the guest sees them; sdk/c/ward_guest.h has the same. */
typedef enum guest_code {
    GUEST_OK = 0,
    GUEST_INVALID = -1,     /* an argument makes no sense */
    GUEST_NOT_FOUND = -2,   /* nobody has that name; there is no such handle, request, … */
    GUEST_DENIED = -3,      /* not granted */
    GUEST_FULL = -4,        /* the receiver's mailbox */
    GUEST_GONE = -5,        /* the receiver has been removed */
    GUEST_TIMEOUT = -6,     /* no answer in time */
    GUEST_CYCLE = -7,       /* the receiver waits for us, maybe through others */
    GUEST_TOO_LARGE = -8,   /* over message_bytes_max */
    GUEST_LIMIT = -9,       /* too many of something, or too often */
    GUEST_NO_MEMORY = -10,  /* of the host */
    GUEST_FAILED = -11,     /* the receiver was ended by the message */
    GUEST_NO_HANDLER = -12, /* the receiver handles no messages */
    GUEST_DROPPED = -13,    /* from the receiver's mailbox, or with the receiver */
    GUEST_UNANSWERED = -14, /* the receiver handled it, and gave no answer */
    GUEST_UNAVAILABLE = -15 /* not now: no message is being handled; or not here: no supervisor */
} guest_code;

enum {
    GUEST_REQUESTS_MAX = 16, /* that are open */
    GUEST_REPLIES_MAX = 64,  /* that are deferred */
    GUEST_TARGETS_MAX = 4096,
    GUEST_SUBSCRIPTIONS_MAX = 256,
    GUEST_NAME_MAX = 127,
    GUEST_TOPIC_MAX = 255,
    GUEST_SELF = 0x7fffffff, /* a handle that nobody need give: the guest itself */
};

/* What a handle stands for: a child's actor, or a group of instances, each of which may be meant.
 */
typedef struct guest_target {
    bool is_group;
    uint32_t generation; /* of the group's node */
    uint64_t id;         /* the actor's, or the node's index */
} guest_target;

/* A request of the guest's. Its number is serial << 8 | index, and never used twice. */
typedef struct guest_request {
    uint64_t number; /* 0: free */
    wardi_actor_id to;
    uint64_t deadline_ns;
    wardi_message *answer; /* NULL: not there yet */
} guest_request;

/* A message whose answer comes later; numbered likewise. */
typedef struct guest_reply {
    uint64_t number; /* 0: free */
    wardi_message *message;
} guest_reply;

/* A message that leaves later. */
typedef struct guest_timer {
    uint64_t due_ns, number;
    guest_target to;
    wardi_message *message;
} guest_timer;

struct guest {
    guest_target *targets; /* by handle */
    uint32_t target_count, target_room;
    uint64_t serial;
    uint64_t current; /* number of the message that is being handled; 0: it has none yet */
    guest_request requests[GUEST_REQUESTS_MAX];
    guest_reply replies[GUEST_REPLIES_MAX];
    guest_timer *timers; /* a heap: the earliest first */
    uint32_t timer_room;
    wardi_bucket denials; /* events of them, not they themselves */
    wardi_bucket lines;   /* of its log */
    uint64_t lines_told;  /* of those refused */
    char words[256];      /* of the last failure: for the guest's own log */
    /* any thread reads */
    _Atomic uint32_t timer_count;
    _Atomic uint64_t denied, logged, suppressed, timers_lost;
    _Atomic(struct metrics *) metrics;
};

/* NULL: out of memory. Made at the first need. */
guest *guest_of(child *c);
/* NULL: there was no need yet. */
static inline guest *guest_if_any(const child *c)
{
    return atomic_load_explicit(&c->guest, memory_order_relaxed);
}
void metrics_free(guest *g);

/* ---- in and out of a call ---- */

/* The child; NULL: the component has no supervisor. */
static inline child *guest_child(const wardi_guest *call)
{
    return call->context;
}
static inline wardi_answer guest_say(wardi_guest *call, int32_t value)
{
    call->result->i64 = 0; /* the upper half of a narrow one is nobody's */
    call->result->i32 = value;
    return WARDI_ANSWERED;
}
static inline wardi_answer guest_say_wide(wardi_guest *call, int64_t value)
{
    call->result->i64 = value;
    return WARDI_ANSWERED;
}

typedef struct guest_span {
    uint8_t *bytes;
    uint32_t length;
} guest_span;

/* The bytes that the arguments from `first` on name, address and length. False: they are not all in
 * memory, and the import returns guest_breach. */
bool guest_span_of(const wardi_guest *call, unsigned first, guest_span *ret_span);
wardi_answer guest_breach(wardi_guest *call, const char *import, unsigned first);
/* As a C text. False: it is longer, or has a NUL inside. */
bool guest_text(guest_span span, char *text, size_t capacity);
/* Copies what fits; returns the whole length, which is the result of every such import. */
int32_t guest_put(guest_span span, const char *text, size_t length);
/* Notes why, for `ward.last_error`. The child may be NULL: nobody to note it for. */
void guest_note(child *c, const char *format, ...) WARD_PRINTF(2, 3);
/* The code, and why. A macro, so that who checks the callers sees which code. */
#define guest_fail(c_, code_, ...) (guest_note((c_), __VA_ARGS__), (code_))
guest_code guest_code_of(ward_error error);
/* Not granted: noted, counted, told. */
guest_code guest_refuse(child *c, const char *words);
guest_code guest_deny(child *c, wardi_verb verb, const char *name);

/* A number that was never given; `index` is for who gives it to find it by. */
uint64_t guest_number_next(guest *g, size_t index);
/* What the handle stands for; the child may be NULL, and then it is a code. */
guest_code guest_target_of(child *c, uint32_t handle, guest_target *ret_target);
/* Whose turn it is to be meant. */
guest_code guest_target_choose(child *c, guest_target target, wardi_actor_id *ret_to);
/* The bytes as a message, or a code. */
guest_code guest_message_of(child *c, guest_span span, wardi_message **ret_message);

/* The message that is being handled; NULL: there is none, or it has been answered. */
wardi_message *guest_current(child *c);
guest_code guest_no_message(child *c);

/* ---- the imports ---- */

wardi_answer guest_find(wardi_guest *call);
wardi_answer guest_send(wardi_guest *call);
wardi_answer guest_request_begin(wardi_guest *call);
wardi_answer guest_request_cancel(wardi_guest *call);
wardi_answer guest_request_end(wardi_guest *call); /* this one and the next wait */
wardi_answer guest_request_all(wardi_guest *call);
wardi_answer guest_request_done(wardi_guest *call);
void guest_request_forget(wardi_guest *call);
wardi_answer guest_send_after(wardi_guest *call);
wardi_answer guest_cancel_timer(wardi_guest *call);
wardi_answer guest_sender(wardi_guest *call);
wardi_answer guest_correlation(wardi_guest *call);
wardi_answer guest_defer(wardi_guest *call);
wardi_answer guest_reply_to(wardi_guest *call);
wardi_answer guest_topic(wardi_guest *call);
wardi_answer guest_publish(wardi_guest *call);
wardi_answer guest_subscribe(wardi_guest *call);
wardi_answer guest_unsubscribe(wardi_guest *call);
wardi_answer guest_log(wardi_guest *call);
wardi_answer guest_counter(wardi_guest *call);
wardi_answer guest_gauge(wardi_guest *call);
wardi_answer guest_histogram(wardi_guest *call);

/* Those of a run that is over. It has a guest. */
void guest_timers_over(child *c);

#endif
