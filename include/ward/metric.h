/* A component's own metrics: what its guest counts and measures, for the application to read. */
#ifndef WARD_METRIC_H
#define WARD_METRIC_H

#include <ward/supervisor.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WARD_METRICS_MAX = 64,           /**< of one component */
    WARD_METRIC_NAME_BYTES_MAX = 63, /**< [A-Za-z_:][A-Za-z0-9_:]* */
    /** with bounds of 1, 2.5 and 5 times every power of ten from 1e-6 to 1e6, and one without */
    WARD_METRIC_BUCKETS = 40,
};

/** What a metric does. */
typedef enum ward_metric_kind {
    WARD_METRIC_COUNTER,   /**< `value` only rises, from the component's creation on */
    WARD_METRIC_GAUGE,     /**< `value` was set last */
    WARD_METRIC_HISTOGRAM, /**< `count` values, `sum` in all, by size in `buckets` */
} ward_metric_kind;

/** A metric as it stands. */
typedef struct ward_metric {
    char name[WARD_METRIC_NAME_BYTES_MAX + 1]; /**< as the guest calls it */
    ward_metric_kind kind;                     /**< which of the fields count */
    double value;                              /**< of a counter or a gauge */
    uint64_t count;                            /**< of a histogram: how many values */
    double sum;                                /**< of a histogram: of all values */
    uint64_t buckets[WARD_METRIC_BUCKETS];     /**< values up to its bound, and above the last's */
} ward_metric;

/** The upper bound of a bucket; infinity for the last. Static. Any thread. */
WARD_API double ward_metric_bound(size_t bucket);

/** Fills `ret_metrics` with the metrics of the child `name`, in the order in which the guest first
 * named them. `*ret_count` holds the room and receives their number. They outlive restarts. Any
 * thread, once started. Errors: NOT_FOUND, BUFFER_TOO_SMALL: the first are there. */
WARD_API ward_error ward_supervisor_metrics(const ward_supervisor *supervisor, const char *name,
                                            ward_metric *ret_metrics, size_t *ret_count);

#ifdef __cplusplus
}
#endif
#endif
