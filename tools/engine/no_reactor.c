/* Stands in for the one function that Ward's own engine has beyond Wasmtime's C API (src/lib.rs),
 * when an installed Wasmtime is linked instead. False makes Ward refuse components that import WASI
 * preview 2: without a reactor, one that sleeps would end the process. All else works. */
#include <stdbool.h>

bool ward_engine_enter_reactor(void);
bool ward_engine_enter_reactor(void)
{
    return false;
}
