/* Shared by the files of supervise alone. */
#ifndef WARDI_SUPERVISE_PRIV_H
#define WARDI_SUPERVISE_PRIV_H

#include "supervise/supervise.h"

/** What the restart type alone says. `ended_well`: by itself, with status 0. */
bool wardi_restart_wanted(ward_restart policy, bool ended_well);

#endif
