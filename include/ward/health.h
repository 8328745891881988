/* The words of health: states, what a guest reports, what a supervisor acts on, and the verdict of
 * one check.
 *
 * All types here are plain values: copy them freely, on any thread; nothing is owned.
 * docs/health-monitoring.md tells what they mean for operators. */
#ifndef WARD_HEALTH_H
#define WARD_HEALTH_H

#include <ward/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Life of a component. Legal moves are a table (src/component/lifecycle.c); an illegal one is
 * WARD_ERROR_STATE. */
typedef enum ward_state {
    WARD_STATE_CREATING,   /**< known, never started */
    WARD_STATE_STARTING,   /**< being loaded, instantiated or initialised */
    WARD_STATE_READY,      /**< serving */
    WARD_STATE_STOPPING,   /**< `_cleanup` may be running */
    WARD_STATE_TERMINATED, /**< stopped; its resources are given back */
    WARD_STATE_FAILED,     /**< could not start, or was declared failed; the reason says why */
} ward_state;
enum { WARD_STATE_COUNT = 6 };

/** What a guest reports of itself. */
typedef enum ward_health {
    WARD_HEALTH_HEALTHY,
    WARD_HEALTH_DEGRADED,
    WARD_HEALTH_UNHEALTHY,
} ward_health;
enum { WARD_HEALTH_COUNT = 3 };

/** What a supervisor acts on. Maps one to one onto ward_health, both ways. */
typedef enum ward_child_health {
    WARD_CHILD_HEALTHY,
    WARD_CHILD_DEGRADED, /**< keeps running: it may heal by itself */
    WARD_CHILD_FAILED,   /**< must be restarted */
} ward_child_health;

/** How many children of a group must be well for the group to be. */
typedef enum ward_group_rule {
    WARD_GROUP_ALL,              /**< all (default) */
    WARD_GROUP_ANY,              /**< one */
    WARD_GROUP_AT_LEAST,         /**< `least` of them */
    WARD_GROUP_AT_LEAST_PERCENT, /**< `least` of a hundred, rounded up */
} ward_group_rule;

/** How the health of a group is judged: it is that of the worst child among the best so many, and
 * the group is ready when so many are. So `any` is as well as its best child, `all` as its worst.
 */
typedef struct ward_group_health {
    ward_group_rule rule; /**< how many */
    uint32_t least;       /**< AT_LEAST: from 1; AT_LEAST_PERCENT: from 1 to 100; else 0 */
} ward_group_health;

/** Where a verdict came from. */
typedef enum ward_source {
    WARD_SOURCE_STATE,    /**< the component's state alone */
    WARD_SOURCE_PROBE,    /**< the guest's own answer, or the lack of one */
    WARD_SOURCE_RESOURCE, /**< a resource past its threshold */
    WARD_SOURCE_POLICY,   /**< a probe that went wrong, judged by on_trap or on_malformed */
} ward_source;
enum { WARD_SOURCE_COUNT = 4 };

/** Everything that can go wrong with one call of the health export. */
typedef enum ward_probe_error {
    WARD_PROBE_OK,
    WARD_PROBE_TIMEOUT,            /**< ended by its deadline */
    WARD_PROBE_TRAP,               /**< the export trapped, ran out of fuel or exited */
    WARD_PROBE_RETURN_VALUE,       /**< i32 form: a negative value other than -1 */
    WARD_PROBE_POINTER,            /**< an address outside the memory, or no memory is exported */
    WARD_PROBE_PREFIX_EMPTY,       /**< the frame has no byte */
    WARD_PROBE_PREFIX_TRUNCATED,   /**< the frame ends inside its prefix */
    WARD_PROBE_PREFIX_TOO_LARGE,   /**< the prefix is longer than 5 bytes */
    WARD_PROBE_PREFIX_UNSUPPORTED, /**< the prefix names another codec */
    WARD_PROBE_PAYLOAD,            /**< no codec could read the payload */
} ward_probe_error;
enum { WARD_PROBE_ERROR_COUNT = 10, WARD_PROBE_ERRORS_MAX = 16 /**< room for later ones */ };

/** What health does with a probe that went wrong. */
typedef enum ward_fallback {
    WARD_FALLBACK_DEFAULT, /**< on_trap: DEGRADED; on_malformed: STATE */
    /** the health of the state, which is Healthy when Ready; the error stays visible */
    WARD_FALLBACK_STATE,
    WARD_FALLBACK_DEGRADED, /**< Degraded, with the error as its reason */
    WARD_FALLBACK_FAILED,   /**< Failed, with the error as its reason */
} ward_fallback;

/** Resource dimensions that can contribute to a verdict. */
typedef enum ward_resource {
    WARD_RESOURCE_MEMORY, /**< linear memory used / its limit */
    /** memory growths refused since the last check, a count */
    WARD_RESOURCE_GROWTHS_REFUSED,
    /** fuel of the costliest call since the last check / the budget of a call */
    WARD_RESOURCE_FUEL,
    WARD_RESOURCE_TRAPS,    /**< traps in the window, a count */
    WARD_RESOURCE_RESTARTS, /**< restarts in the window, a count */
    WARD_RESOURCE_BUSY,     /**< share of time inside the guest since the last check */
    WARD_RESOURCE_MAILBOX,  /**< messages that wait / those that may; of a supervised component */
} ward_resource;
enum { WARD_RESOURCE_COUNT = 7, WARD_RESOURCES_MAX = 12 /**< room for later ones */ };

enum { WARD_REASON_BYTES_MAX = 255 };

/** A reason: valid UTF-8, at most WARD_REASON_BYTES_MAX bytes, NUL-terminated; it may hold NUL
 * bytes of the guest's, so `length` counts. Only `length + 1` bytes of `text` are ever written. */
typedef struct ward_reason {
    uint16_t length; /**< bytes without the final NUL */
    bool cut;        /**< the guest said more than fits here or into the window */
    char text[WARD_REASON_BYTES_MAX + 1]; /**< the reason */
} ward_reason;

enum { WARD_CONTRIBUTORS_MAX = 1 + WARD_RESOURCES_MAX };

/** One voice of a verdict: the probe's, or one resource's. */
typedef struct ward_contributor {
    ward_source source;       /**< whose voice it is */
    ward_resource resource;   /**< when source is WARD_SOURCE_RESOURCE */
    ward_child_health health; /**< what it says */
    char text[120];           /**< its reason, cut at a whole character; NUL-terminated UTF-8 */
} ward_contributor;

/** The verdict of one whole check. Fields past a count or length are not initialised. */
typedef struct ward_verdict {
    ward_child_health health;     /**< the worst of all voices */
    ward_source source;           /**< whose voice that was */
    ward_probe_error probe_error; /**< kept even where policy turned it into Healthy */
    /** voices that were not healthy, and the probe's error if there was one */
    uint32_t contributor_count;
    /** time inside the guest's health export; 0 when the verdict needed no call */
    uint64_t duration_ns;
    /** 0, or the age of the probe that a busy component's verdict stands on */
    uint64_t age_ns;
    ward_reason reason; /**< that of the worst voice; empty when Healthy */
    /** the first contributor_count are valid */
    ward_contributor contributors[WARD_CONTRIBUTORS_MAX];
} ward_verdict;

/** Lower-case name of each value: "ready", "degraded", "failed", "probe", "timeout", "memory".
 * Static; "unknown" when out of range. Any thread. */
WARD_API const char *ward_state_name(ward_state state);
WARD_API const char *ward_health_name(ward_health health); /**< healthy, degraded, unhealthy */
WARD_API const char *ward_child_health_name(
    ward_child_health health);                             /**< healthy, degraded, failed */
WARD_API const char *ward_source_name(ward_source source); /**< state, probe, … */
WARD_API const char *ward_probe_error_name(ward_probe_error error); /**< "ok" for none */
WARD_API const char *ward_resource_name(ward_resource resource);    /**< memory, … */

/** What a supervisor makes of a guest's report: Unhealthy becomes Failed. Any thread. */
WARD_API ward_child_health ward_child_health_from(ward_health health);
/** What a HealthCheck is answered with: Failed becomes Unhealthy. Any thread. */
WARD_API ward_health ward_health_from(ward_child_health health);

#ifdef __cplusplus
}
#endif
#endif
