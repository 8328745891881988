/* Native children: parts of the application itself, supervised beside components.
 *
 * A native child is started, checked, restarted and given up by the same rules, has the same states
 * and events, may need components and be needed by them, and handles messages. Its callbacks run on
 * the supervisor's workers, one at a time for one child, and no lock is held: they may send, ask
 * and add, but not stop or free the supervisor.
 *
 * It is part of the process, and that is the difference: Ward can't end a callback. One that does
 * not return is seen (another worker stands in for its own, and the child's status is Degraded:
 * "Busy in handle for 5s"), but only the tree lets go of it, when a stop takes too long; and
 * ward_supervisor_free waits until it returns. */
#ifndef WARD_NATIVE_H
#define WARD_NATIVE_H

#include <ward/component.h>
#include <ward/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A message as its receiver sees it. Borrowed for the duration of the handle callback. */
typedef struct ward_message {
    size_t size;          /**< of the struct that the library has filled */
    const uint8_t *bytes; /**< what was sent */
    size_t length;        /**< of bytes */
    const char *sender;   /**< the child that sent it; "": the application */
    const char *topic;    /**< by which it was published; "": it was sent */
    uint64_t correlation; /**< the sender's own number for it; 0: none */
    bool wants_answer;    /**< somebody waits for ward_message_reply */
} ward_message;

/** Answers the message that is being handled, in its handle callback. The bytes are copied, and may
 * be the message's own; the answer leaves when the callback returns WARD_OK. To a message that
 * wants none: nothing. Errors: STATE (it has been answered), BUFFER_TOO_SMALL (more than 1 MiB),
 * NO_MEMORY, INVALID_ARGUMENT. */
WARD_API ward_error ward_message_reply(const ward_message *message, const uint8_t *bytes,
                                       size_t length);

/** A native child. Zero means the default; strings are copied, `context` is borrowed until the
 * supervisor is freed. */
typedef struct ward_native_options {
    size_t size;         /**< set by WARD_INIT */
    const char *name;    /**< required; as a component's */
    const char *version; /**< for people; default "" */
    void *context;       /**< handed to every callback */
    /** Returns WARD_OK when the child serves. Else nothing of it is left, and the diag's text, if
     * it is set, is the reason. NULL: it always serves. */
    ward_error (*start)(void *context, ward_diag *ret_diag);
    /** Gives back what start took: once for each start that returned WARD_OK, however the run
     * ended. NULL: there is nothing. */
    void (*stop)(void *context);
    /** How it is. Healthy unless it says otherwise; of the reason only the text counts, up to its
     * NUL. NULL: healthy while it is Ready. */
    void (*health)(void *context, ward_report *ret_report);
    /** Handles a message. WARD_OK: the sender gets the reply, or UNANSWERED without one. Else it
     * gets the error. An error that would end a guest ends the child, for the diag's text: TRAP, it
     * crashed; DEADLINE, it hung; EXIT, it has ended; FUEL and INTERRUPTED likewise. It is stopped,
     * and restarted as its policy says. NULL: every message is answered EXPORT_MISSING. */
    ward_error (*handle)(void *context, const ward_message *message, ward_diag *ret_diag);
    uint64_t busy_after_ns;  /**< in one callback for longer: Degraded. Default 1 s, at most 24 h */
    ward_thresholds mailbox; /**< of WARD_RESOURCE_MAILBOX; default: unset */
    /** What became of a request that was sent in its name (ward_supervisor_request_as), once for
     * each: WARD_OK and the answer's bytes, or why there is none. Borrowed for the duration of the
     * callback. What comes between two runs is not handed over; what comes after a restart is.
     * NULL: it can't ask. */
    void (*answer)(void *context, uint64_t correlation, ward_error status, const uint8_t *bytes,
                   size_t length);
} ward_native_options;

#ifdef __cplusplus
}
#endif
#endif
