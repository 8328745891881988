/* Shared by the files of health alone. */
#ifndef WARDI_HEALTH_PRIV_H
#define WARDI_HEALTH_PRIV_H

#include "health/health.h"

/** The health of one dimension; what is not healthy says so, figures included, in `text`. */
ward_child_health wardi_resource_judge(ward_resource resource, const wardi_resource_evidence *found,
                                       const ward_health_policy *policy, wardi_text *text);

/** Sentence for a state that is not Ready: "Component starting", "Component in state: terminated".
 */
void wardi_state_text(ward_state state, ward_reason *ret_reason);

#endif
