/* The six states and the moves between them. */
#include "component/component.h"

static const bool legal[WARD_STATE_COUNT][WARD_STATE_COUNT] = {
    [WARD_STATE_CREATING] = {[WARD_STATE_STARTING] = true, [WARD_STATE_TERMINATED] = true},
    [WARD_STATE_STARTING] = {[WARD_STATE_READY] = true, [WARD_STATE_FAILED] = true},
    [WARD_STATE_READY] = {[WARD_STATE_STOPPING] = true, [WARD_STATE_FAILED] = true},
    [WARD_STATE_STOPPING] = {[WARD_STATE_TERMINATED] = true},
    [WARD_STATE_TERMINATED] = {[WARD_STATE_STARTING] = true},
    [WARD_STATE_FAILED] = {[WARD_STATE_STARTING] = true, [WARD_STATE_TERMINATED] = true},
};

bool wardi_lifecycle_legal(ward_state from, ward_state to)
{
    return (unsigned)from < WARD_STATE_COUNT && (unsigned)to < WARD_STATE_COUNT && legal[from][to];
}

ward_error wardi_lifecycle_check(ward_state from, ward_state to, ward_diag *ret_diag)
{
    if (wardi_lifecycle_legal(from, to)) return WARD_OK;
    char words[100];
    wardi_text ways = WARDI_TEXT(words);
    for (int way = 0; way < WARD_STATE_COUNT; way++)
        if (wardi_lifecycle_legal(from, (ward_state)way))
            wardi_text_printf(&ways, "%s%s", ways.length != 0 ? " or " : "",
                              ward_state_name((ward_state)way));
    return wardi_fail(ret_diag, WARD_ERROR_STATE,
                      "a component that is %s cannot become %s: from there it becomes %s",
                      ward_state_name(from), ward_state_name(to), words);
}
