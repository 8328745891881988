/* Asking a child from outside its actor: how long, and for its health. */
#ifndef WARDI_HOST_ASK_H
#define WARDI_HOST_ASK_H

#include <ward/message.h>

#include "host/host_priv.h"

/* How long who asks waits who did not say. */
static inline uint64_t ask_timeout(uint64_t timeout_ns)
{
    return timeout_ns != 0 ? timeout_ns : 10 * WARDI_S;
}

void report_of(const ward_verdict *verdict, ward_report *ret_report);
/* The child of a pinned actor. NULL: it is none's, and unpinned. */
child *child_of(wardi_actor *actor);
/* The pinned child's answer, if it takes no message to get it, and no longer than `timeout_ns`.
 * Any thread. */
bool ask_here(child *c, uint64_t timeout_ns, ward_verdict *ret_verdict);
/* Asks by message. WARD_OK: the caller has it, for ask_await. */
ward_error ask_send(ward_supervisor *s, ward_child_id id, uint64_t deadline_ns,
                    wardi_message **ret_message);
/* Waits for its answer, or for a busy guest of whom one can be given. Takes the message. */
ward_error ask_await(ward_supervisor *s, ward_child_id id, wardi_message *message,
                     uint64_t deadline_ns, ward_report *ret_report);

#endif
