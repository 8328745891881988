/* Stands in for the functions that Ward's own engine has beyond Wasmtime's C API (src/lib.rs),
 * when an installed Wasmtime is linked instead. False makes Ward refuse components that import WASI
 * preview 2: without a reactor, one that sleeps would end the process. What a call copies keeps the
 * engine's own bound of 128 MiB. All else works. */
#include <stdbool.h>
#include <stddef.h>

bool ward_engine_enter_reactor(void);
bool ward_engine_enter_reactor(void)
{
    return false;
}

void ward_engine_copy_bytes_max(void *context, size_t bytes);
void ward_engine_copy_bytes_max(void *context, size_t bytes)
{
    (void)context, (void)bytes;
}
