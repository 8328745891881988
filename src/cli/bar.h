/* bar: one line at the bottom of a terminal, on standard error, that tells how far a long
 * beginning is: "starting 45,120/100,000 [#####.......] 12 s".
 *
 * It comes after half a second and goes without a trace, is drawn by a thread of its own that only
 * looks at what others count, and makes way for whatever else is written to the terminal. There is
 * none where nobody would see it: no terminal, TERM=dumb, or CI in the environment. */
#ifndef WARDI_CLI_BAR_H
#define WARDI_CLI_BAR_H

#include "cli/cli.h"

typedef struct wardi_bar wardi_bar;

typedef struct wardi_bar_state {
    const char *doing;   /* "starting" */
    uint64_t done, most; /* most 0: nobody knows how much it is, and there is no bar */
    const char *what;    /* is under way at this moment; NULL: does not matter */
} wardi_bar_state;

/** What there is to tell, asked ten times a second on a thread of its own. False: it is over. */
typedef bool (*wardi_bar_look)(void *context, wardi_bar_state *ret_state);

/** NULL: there is none, or no memory for it; nothing depends on it. One at a time. */
wardi_bar *wardi_bar_new(wardi_bar_look look, void *context);
/** Takes the line away; `look` is not called any more. NULL is fine. */
void wardi_bar_free(wardi_bar *bar);

/** Of one module that is compiled: `context` is its path. */
bool wardi_bar_of_file(void *context, wardi_bar_state *ret_state);

/** Around whatever else is written to the terminal: the line is gone from hold to let, and comes
 * back by itself. One thread at a time, which may do so again in between. Any thread. */
void wardi_bar_hold(void);
void wardi_bar_let(void);

/** The line, of at most `columns` letters. Pure. */
void wardi_bar_text(wardi_text *to, const wardi_bar_state *state, int columns, uint64_t elapsed_ns);

#endif
