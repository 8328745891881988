/* The health of a group: k of n. Sorted from the best down, the k-th of its children speaks for it:
 * so many are at least as well. */
#include "health/health.h"

ward_error wardi_group_health_check(const ward_group_health *policy, ward_diag *ret_diag)
{
    switch (policy->rule) {
    case WARD_GROUP_ALL:
    case WARD_GROUP_ANY:
        if (policy->least == 0) return WARD_OK;
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "a group's health: all and any take no figure");
    case WARD_GROUP_AT_LEAST:
        if (policy->least > 0) return WARD_OK;
        break;
    case WARD_GROUP_AT_LEAST_PERCENT:
        if (policy->least > 0 && policy->least <= 100) return WARD_OK;
        break;
    }
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "a group's health: its rule is all, any, at least a number from 1, or at "
                      "least a percentage from 1 to 100");
}

uint32_t wardi_group_least(const ward_group_health *policy, uint32_t children)
{
    switch (policy->rule) {
    case WARD_GROUP_ALL: break;
    case WARD_GROUP_ANY: return 1;
    case WARD_GROUP_AT_LEAST: return policy->least;
    case WARD_GROUP_AT_LEAST_PERCENT:
        return (uint32_t)(((uint64_t)children * policy->least + 99) / 100);
    }
    return children;
}

ward_child_health wardi_group_judge(const ward_group_health *policy,
                                    const wardi_group_counts *counts)
{
    uint32_t least = wardi_group_least(policy, counts->children);
    if (counts->healthy >= least) return WARD_CHILD_HEALTHY;
    return counts->healthy + counts->degraded >= least ? WARD_CHILD_DEGRADED : WARD_CHILD_FAILED;
}

bool wardi_group_ready(const ward_group_health *policy, const wardi_group_counts *counts)
{
    return counts->ready >= wardi_group_least(policy, counts->children);
}
