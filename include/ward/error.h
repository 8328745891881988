/* Errors: one type for everything that a caller can be told, and the details of one failure.
 *
 * Functions that can fail return a ward_error. WARD_OK is 0. On failure outputs (`ret_…`) are
 * untouched, and a callback that was handed in is never run. What, where and the way out stand in
 * the ward_diag that the caller may pass. */
#ifndef WARD_ERROR_H
#define WARD_ERROR_H

#include <ward/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Every error; the list with classes and texts is error.def. */
typedef enum ward_error {
    WARD_OK = 0,
#define WARD_ERROR(name, number, class, http, grpc, text) WARD_ERROR_##name = number,
#include <ward/error.def>
} ward_error;

/** Who can do something about an error. */
typedef enum ward_error_class {
    WARD_ERROR_CLASS_NONE,   /**< WARD_OK */
    WARD_ERROR_CLASS_RETRY,  /**< the same call may succeed later */
    WARD_ERROR_CLASS_CALLER, /**< the call, its arguments or the configuration are wrong */
    WARD_ERROR_CLASS_GUEST,  /**< the guest is wrong or misbehaved */
    WARD_ERROR_CLASS_LIMIT,  /**< a configured limit was reached */
    WARD_ERROR_CLASS_BUG,    /**< Ward is wrong: please report it */
} ward_error_class;

/** Details of one failure, filled by the function that failed. A plain value of the caller's:
 * nothing to free. */
typedef struct ward_diag {
    ward_error error; /**< what the function returned */
    /** one or more lines: what, where, the way out; NUL-terminated UTF-8, no trailing newline */
    char text[1000];
} ward_diag;

/** Name as in error.def, lower case with underscores: "frame_empty". Static; "unknown" for other
 * numbers. Any thread. */
WARD_API const char *ward_error_name(ward_error error);
/** Text as in error.def, for people. Static. Any thread. */
WARD_API const char *ward_error_text(ward_error error);
/** Class as in error.def. Any thread. */
WARD_API ward_error_class ward_error_class_of(ward_error error);
/** HTTP status that a surface answers with; 200 for WARD_OK. Any thread. */
WARD_API int ward_error_http_status(ward_error error);
/** gRPC status code that a surface answers with; 0 for WARD_OK. Any thread. */
WARD_API int ward_error_grpc_status(ward_error error);

#ifdef __cplusplus
}
#endif
#endif
