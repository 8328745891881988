#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdint.h>

/** Both clocks: the monotonic one, and the wall's. */
void sim_clock_set(uint64_t now_ns, uint64_t wall_ns);
/** Time passes. */
void sim_clock_pass(uint64_t ns);
/** Somebody sets the wall clock. */
void sim_clock_jump(int64_t ns);

#endif
