/* Grants: whom a component may reach, who may reach it, and by which topics.
 *
 * The default is to grant nothing. What is granted is said by patterns: a name whose segments,
 * between '.' or '/', may be `*`, which stands for exactly one; a last segment `#` stands for any
 * number, none included. `*.example.com` matches `a.example.com`, neither `evilexample.com` nor
 * `a.b.example.com`; `a/#` matches `a` and everything beneath. Letters count as they are. A name
 * with an empty segment is matched by nothing, and that is what `..` is made of. At most 255 bytes
 * a pattern; docs/decisions/0014-capabilities.md has the reasons. */
#ifndef WARD_GRANTS_H
#define WARD_GRANTS_H

#include <ward/export.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { WARD_GRANT_PATTERNS_MAX = 1024 };

/** What one verb is granted: what a pattern of `allow` matches and none of `deny` does. All zero is
 * nothing. At most WARD_GRANT_PATTERNS_MAX patterns each. */
typedef struct ward_grant {
    const char *const *allow; /**< patterns of what is granted */
    size_t allow_count;       /**< of allow */
    const char *const *deny;  /**< patterns of what is not, whatever allow says */
    size_t deny_count;        /**< of deny */
} ward_grant;

/** All that a component is granted. A message needs two grants: `send` of its sender, and
 * `called_by` of its receiver. */
typedef struct ward_grants {
    ward_grant send;      /**< names that it may send to */
    ward_grant called_by; /**< names that may send to it */
    ward_grant publish;   /**< topics that it may publish to */
    /** topics that it may subscribe to. A subscription is a pattern itself: one pattern of `allow`
     * must match all that it could, and none of `deny` any of that */
    ward_grant subscribe;
    ward_grant list; /**< names that it may see in lists */
} ward_grants;

#ifdef __cplusplus
}
#endif
#endif
