/* Evidence: what is known of the end of a child's run, kept before anything of it is torn down. */
#ifndef WARD_EVIDENCE_H
#define WARD_EVIDENCE_H

#include <ward/supervisor.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WARD_EVIDENCE_MESSAGES = 32,
    WARD_EVIDENCE_LINES = 16,
    WARD_EVIDENCE_LINE_BYTES = 160,
    WARD_EVIDENCE_CHANGES = 16,
    WARD_EVIDENCE_WHAT_BYTES = 32,
    WARD_SET_ASIDE_KEPT = 8,
    WARD_SET_ASIDE_BYTES = 256,
};

/** What came with a message. */
typedef enum ward_message_kind {
    WARD_MESSAGE_BYTES,  /**< sent, or asked */
    WARD_MESSAGE_INVOKE, /**< a function, `what` */
    WARD_MESSAGE_TOPIC,  /**< published under the topic `what` */
} ward_message_kind;

/** All of a message but its bytes. */
typedef struct ward_message_header {
    ward_message_kind kind;              /**< what came */
    uint64_t began_wall_ns;              /**< when its handling began; since the epoch */
    uint64_t took_ns;                    /**< until its end, waits included; or until now */
    uint64_t correlation;                /**< its sender's number for it; 0: none */
    uint32_t length;                     /**< of its bytes */
    bool over;                           /**< false: it was being handled */
    ward_error outcome;                  /**< what its sender was told */
    char sender[128];                    /**< "": the application, or removed since */
    char what[WARD_EVIDENCE_WHAT_BYTES]; /**< cut */
} ward_message_header;

/** A line that its guest logged. */
typedef struct ward_evidence_line {
    uint64_t wall_ns;                    /**< since the epoch */
    ward_log_level level;                /**< how much it matters */
    char text[WARD_EVIDENCE_LINE_BYTES]; /**< cut */
} ward_evidence_line;

/** A change of its state or of its health. */
typedef struct ward_evidence_change {
    uint64_t wall_ns; /**< since the epoch */
    bool is_health;   /**< which of the two */
    int from;         /**< ward_state, or ward_child_health */
    int to;           /**< the same */
} ward_evidence_change;

/** The end of a run. */
struct ward_evidence {
    size_t size;              /**< set by WARD_INIT */
    uint64_t number;          /**< of the ends of this child's runs: from 1 */
    uint64_t wall_ns;         /**< when it was taken; since the epoch */
    char component[128];      /**< the child */
    char version[128];        /**< of it, cut */
    ward_cause cause;         /**< crash, hang, health, … */
    ward_reason reason;       /**< in words */
    ward_state state;         /**< before the end */
    ward_child_health health; /**< before the end */
    ward_trap trap;           /**< how its guest was ended in this run; error WARD_OK: it was not */
    uint64_t memory_bytes;    /**< of its guest */
    uint64_t memory_bytes_max; /**< the limit */
    uint64_t fuel_peak;        /**< costliest call of the run, but one that a deadline ended */
    uint64_t fuel_per_call;    /**< the limit; 0: not metered */
    uint64_t uptime_ns;        /**< of the run; 0: it never was up */
    /** for how long, at most, what ended it had gone on when it was found: from the beginning of
     * the call that trapped or hung, of the start that failed, or from the last check that found
     * it well; 0: not known */
    uint64_t detected_ns;
    uint64_t messages_handled;                            /**< since the child was added */
    uint32_t messages_waiting;                            /**< in its mailbox */
    size_t message_count;                                 /**< of messages */
    size_t line_count;                                    /**< of lines */
    size_t change_count;                                  /**< of changes */
    ward_message_header messages[WARD_EVIDENCE_MESSAGES]; /**< the last, newest last */
    ward_evidence_line lines[WARD_EVIDENCE_LINES];        /**< the last, newest last */
    ward_evidence_change changes[WARD_EVIDENCE_CHANGES];  /**< the last, newest last */
    char core_dump[512];      /**< the file that it was written to; "": none was asked for */
    ward_diag core_dump_diag; /**< WARD_OK, or why there is none */
};

/** The evidence of the last end of a run of the child `name`, as far as `ret_evidence`'s size
 * covers. Of at most 4,096 children: then the oldest makes way. Any thread, once started. Errors:
 * NOT_FOUND (no such child, or it never ended). */
WARD_API ward_error ward_supervisor_evidence(const ward_supervisor *supervisor, const char *name,
                                             ward_evidence *ret_evidence);

/** A message that ended its receiver as often as ward_child_options.poison_after says. */
typedef struct ward_set_aside {
    ward_message_header header;          /**< its last handling */
    uint32_t deaths;                     /**< of the receiver */
    uint32_t byte_count;                 /**< of bytes; header.length tells of more */
    uint8_t bytes[WARD_SET_ASIDE_BYTES]; /**< its beginning */
} ward_set_aside;

/** Fills `ret_messages` with the last messages that the child `name` has set aside, newest first,
 * at most WARD_SET_ASIDE_KEPT. `*ret_count` holds the room and receives their number. Any thread,
 * once started. Errors: NOT_FOUND. */
WARD_API ward_error ward_supervisor_set_aside(const ward_supervisor *supervisor, const char *name,
                                              ward_set_aside *ret_messages, size_t *ret_count);

#ifdef __cplusplus
}
#endif
#endif
