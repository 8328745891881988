/* Linked into every test: keeps cmocka from taking over the signals that guests' traps arrive by.
 *
 * cmocka sets its own handlers for them around every test and fixture, and so takes away the
 * engine's: the first guest that traps would then count as a crash of the test. A real crash still
 * ends the binary, with a core or a sanitizer's report. */
#include <signal.h>

void (*signal(int number, void (*handler)(int)))(int)
{
    (void)number, (void)handler;
    return SIG_DFL;
}
