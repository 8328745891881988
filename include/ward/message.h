/* Messages to the children of a running supervisor, and their answers.
 *
 * A child handles one message at a time, in the order in which each sender sent them; a request for
 * its health comes before all others. While it starts, or waits to be started again, messages wait
 * in its mailbox, which is bounded (ward_child_options). A message that ends the guest is answered
 * with the cause, the child is restarted as after any failure, and the others are kept. Any thread
 * may call these, but not the event callback. */
#ifndef WARD_MESSAGE_H
#define WARD_MESSAGE_H

#include <ward/frame.h>
#include <ward/supervisor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Names a child until it is removed, and nobody after that; 0 is nobody. */
typedef uint64_t ward_child_id;

/** The child of that name. Errors: NOT_FOUND; STATE: the supervisor has not been started. */
WARD_API ward_error ward_supervisor_find(const ward_supervisor *supervisor, const char *name,
                                         ward_child_id *ret_id);

/** HealthCheck: the child checks its health, as at an interval, and answers; what it says counts
 * neither for rise nor for fall. It is answered in every state: "Component starting", …; of a guest
 * that starts or is busy, from outside and at once. The `codec` of the report says nothing. A guest
 * that is idle is asked on the calling thread, which needs 1 MiB of stack, unless its health policy
 * allows it more time than there is. `timeout_ns` 0 means 10 s. Errors: ACTOR_GONE, MAILBOX_FULL,
 * REPLY_TIMEOUT, NO_MEMORY. */
WARD_API ward_error ward_supervisor_health(ward_supervisor *supervisor, ward_child_id to,
                                           uint64_t timeout_ns, ward_report *ret_report);

/** Told of each child that is not Healthy, with its report, and of each that did not answer in
 * time: REPLY_TIMEOUT, and no report. Called on several threads at once, but never after the sweep
 * has returned; must not call back into the supervisor. */
typedef void (*ward_sweep_callback)(void *context, ward_child_id id, ward_error error,
                                    const ward_report *report);

/** Options of a sweep. Zero means the default. */
typedef struct ward_sweep_options {
    size_t size;                   /**< set by WARD_INIT */
    uint64_t timeout_ns;           /**< of all of it; default 10 s */
    ward_sweep_callback on_answer; /**< NULL: only counted */
    void *context;                 /**< handed to on_answer */
} ward_sweep_options;

/** How a sweep ended. */
typedef struct ward_sweep_result {
    size_t size;                           /**< set by WARD_INIT */
    uint64_t by_health[WARD_HEALTH_COUNT]; /**< children that answered so, indexed by ward_health */
    uint64_t unanswered;                   /**< children that did not */
} ward_sweep_result;

/** Asks every child for its health once, as ward_supervisor_health does, on the calling thread and
 * the workers at the same time; some 0.1 µs a child and core. Children that come and go meanwhile
 * may be asked or not. Allocates a bit a child. `options` may be NULL; `ret_result` is started with
 * WARD_INIT. A guest that hangs in its health export holds up others only where more hang than
 * there are workers. Errors: STATE: the supervisor has not been started; INVALID_ARGUMENT,
 * NO_MEMORY; REPLY_TIMEOUT: some did not answer, and the result is filled in all the same. */
WARD_API ward_error ward_supervisor_sweep(ward_supervisor *supervisor,
                                          const ward_sweep_options *options,
                                          ward_sweep_result *ret_result);

/** InterComponent: bytes for the guest's `handle-message: (address: i32, length: i32) -> i64`,
 * whose answer nobody waits for. They are copied. Errors: ACTOR_GONE, MAILBOX_FULL,
 * MAILBOX_TIMEOUT, NO_MEMORY. */
WARD_API ward_error ward_supervisor_send(ward_supervisor *supervisor, ward_child_id to,
                                         const uint8_t *bytes, size_t length);

/** The same with an answer: up to `capacity` bytes of it are copied to `ret_bytes`, `*ret_length`
 * receives all of its length. A request that is not handled by then is not handled at all.
 * `timeout_ns` 0 means 10 s. Errors: as send; REPLY_TIMEOUT, MESSAGE_EXPIRED, MESSAGE_DROPPED,
 * UNDELIVERED; of the guest EXPORT_MISSING, EXPORT_TYPE, TRAP, DEADLINE, FUEL, EXIT;
 * BUFFER_TOO_SMALL: the start is copied. */
WARD_API ward_error ward_supervisor_request(ward_supervisor *supervisor, ward_child_id to,
                                            const uint8_t *bytes, size_t length, uint8_t *ret_bytes,
                                            size_t capacity, size_t *ret_length,
                                            uint64_t timeout_ns);

/* In the name of a native child: it is the sender, guests see its name and answer it, and its
 * grants are asked as a component's, `called_by` of the receiver among them. Any thread, and its
 * callbacks from when it is started; `from` is for ward_supervisor_find to say. */

/** As ward_supervisor_send. Errors: the same; DENIED; STATE: the supervisor has not been started;
 * INVALID_ARGUMENT: `from` is no native child; in a callback WOULD_BLOCK: the mailbox is full, and
 * makes its senders wait. */
WARD_API ward_error ward_supervisor_send_as(ward_supervisor *supervisor, ward_child_id from,
                                            ward_child_id to, const uint8_t *bytes, size_t length);
/** A request that nobody waits for: what becomes of it is told to the child's answer callback, with
 * the caller's own number, `correlation`. One that is not handled within `timeout_ns` (0: 10 s) is
 * not handled at all: MESSAGE_EXPIRED; of one that is, the receiver's own limits say how long it
 * may take. Errors: as send_as; INVALID_ARGUMENT as well: it has no answer callback. Then the
 * callback is told nothing. */
WARD_API ward_error ward_supervisor_request_as(ward_supervisor *supervisor, ward_child_id from,
                                               ward_child_id to, const uint8_t *bytes,
                                               size_t length, uint64_t correlation,
                                               uint64_t timeout_ns);
/** As ward_supervisor_publish. Errors: the same; DENIED, ACTOR_GONE; INVALID_ARGUMENT also: `from`
 * is no native child. */
WARD_API ward_error ward_supervisor_publish_as(ward_supervisor *supervisor, ward_child_id from,
                                               const char *topic, const uint8_t *bytes,
                                               size_t length, size_t *ret_count);

enum { WARD_INVOKE_VALUES_MAX = 16, WARD_INVOKE_NAME_BYTES_MAX = 95 };

/** Invoke: as ward_component_call, by message. At most WARD_INVOKE_VALUES_MAX arguments and as many
 * results. Errors: as ward_component_call and ward_supervisor_request. */
WARD_API ward_error ward_supervisor_invoke(ward_supervisor *supervisor, ward_child_id to,
                                           const char *function, const ward_value *args,
                                           size_t arg_count, ward_value *ret_results,
                                           size_t *ret_count, uint64_t timeout_ns);

/** Publishes bytes under a topic, `a.b.c`: a message to each child that subscribes to it, which
 * nobody answers. They are copied once. `*ret_count` (may be NULL) receives how many mailboxes took
 * it. Errors: INVALID_ARGUMENT (the topic), STATE, NO_MEMORY. */
WARD_API ward_error ward_supervisor_publish(ward_supervisor *supervisor, const char *topic,
                                            const uint8_t *bytes, size_t length, size_t *ret_count,
                                            ward_diag *ret_diag);
/** The child hears of topics that the pattern matches: `*` is any one level, a last `#` any number
 * of them. As its guest can by itself, as far as it is granted. Until it is removed. Errors:
 * INVALID_ARGUMENT (the pattern), STATE, NO_MEMORY. */
WARD_API ward_error ward_supervisor_subscribe(ward_supervisor *supervisor, ward_child_id id,
                                              const char *pattern, ward_diag *ret_diag);
/** Errors: NOT_FOUND: it has no subscription to that pattern. INVALID_ARGUMENT, STATE. */
WARD_API ward_error ward_supervisor_unsubscribe(ward_supervisor *supervisor, ward_child_id id,
                                                const char *pattern);

/** What became of a child's messages. sent = handled + refused + dropped + expired + undelivered +
 * set_aside + pending, exactly when nothing is under way. */
typedef struct ward_message_counts {
    size_t size;      /**< set by WARD_INIT */
    uint64_t sent;    /**< attempts */
    uint64_t handled; /**< whatever came of it */
    uint64_t refused; /**< the mailbox was full, the child had ended, or has no handle-message */
    uint64_t dropped; /**< from a full mailbox, by its policy */
    uint64_t expired; /**< not handled within their time */
    uint64_t undelivered; /**< in the mailbox when the child was removed */
    uint64_t pending;     /**< in the mailbox now, or to be tried again */
    uint64_t set_aside;   /**< have ended it too often */
} ward_message_counts;
/** Errors: NOT_FOUND; STATE: the supervisor has not been started. */
WARD_API ward_error ward_supervisor_message_counts(const ward_supervisor *supervisor,
                                                   const char *name,
                                                   ward_message_counts *ret_counts);

#ifdef __cplusplus
}
#endif
#endif
