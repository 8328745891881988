/* What guests log. */
#ifndef WARD_LOG_H
#define WARD_LOG_H

#include <ward/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How much a line matters. */
typedef enum ward_log_level {
    WARD_LOG_TRACE,
    WARD_LOG_DEBUG,
    WARD_LOG_INFO,
    WARD_LOG_WARN,
    WARD_LOG_ERROR,
} ward_log_level;

enum {
    WARD_LOG_FIELDS_MAX = 16,
    WARD_LOG_TEXT_BYTES_MAX = 1024,
    WARD_LOG_FIELDS_BYTES_MAX = 2048, /**< keys and values of a line together, a NUL behind each */
};

/** A field of a line. */
typedef struct ward_log_field {
    const char *key;   /**< UTF-8 */
    const char *value; /**< UTF-8 */
} ward_log_field;

/** A line that a guest logged. Borrowed for the duration of the callback. All texts are valid
 * UTF-8; they may hold line ends and other control characters. */
typedef struct ward_log_line {
    size_t size;                  /**< of the struct that the library has filled */
    const char *component;        /**< whose */
    ward_log_level level;         /**< how much it matters */
    uint64_t wall_ns;             /**< since the epoch */
    const char *text;             /**< cut to WARD_LOG_TEXT_BYTES_MAX */
    const ward_log_field *fields; /**< in the guest's order */
    size_t field_count;           /**< of fields */
    uint64_t suppressed;          /**< lines of it that its rate has kept back since the last one */
} ward_log_line;

/** Receives lines, on the worker that runs the guest: for several components at the same time, and
 * each waits for it. It must not call back into the supervisor. */
typedef void (*ward_log_callback)(void *context, const ward_log_line *line);

/** "trace", "debug", …. Static. Any thread. */
WARD_API const char *ward_log_level_name(ward_log_level level);

#ifdef __cplusplus
}
#endif
#endif
