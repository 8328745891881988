/* Evidence of how runs end, on its way to standard output: rows below the line of the change for
 * people, one line with all of it for scripts.
 *
 * People are not told the same twice: of ends that are alike one is shown, and of very many at once
 * the first few. What is held back is counted and said; scripts get every one. */
#ifndef WARDI_CLI_EVIDENCE_H
#define WARDI_CLI_EVIDENCE_H

#include "cli/cli.h"

/* ---- which ends are shown ---- */

enum {
    WARDI_EVIDENCE_SHOWN_KEPT = 64,
    WARDI_EVIDENCE_BURST = 4, /* so many are shown in WARDI_EVIDENCE_BURST_NS */
};
#define WARDI_EVIDENCE_BURST_NS (10 * WARDI_S)
#define WARDI_EVIDENCE_AGAIN_NS (600 * WARDI_S) /* then what was shown has scrolled away */
#define WARDI_EVIDENCE_SAID_NS WARDI_S          /* how long what is held back stays unsaid */

typedef struct wardi_evidence_shown {
    uint64_t signature, at_ns, wall_ns;
} wardi_evidence_shown;

/** Zeroes are a new one. One thread's. */
typedef struct wardi_evidence_gate {
    wardi_evidence_shown shown[WARDI_EVIDENCE_SHOWN_KEPT];
    uint64_t shown_count;
    uint64_t alike, many;     /* held back, and not said yet */
    uint64_t like_ns;         /* wall time of the one that all `alike` are like; 0: of several */
    uint64_t held_back_at_ns; /* the first of them */
} wardi_evidence_gate;

/** Whether the evidence is shown; else it is counted. `now_ns` is monotonic. */
bool wardi_evidence_asks(wardi_evidence_gate *gate, const ward_evidence *evidence, bool instance,
                         uint64_t now_ns);
/** When what was held back is to be said; UINT64_MAX: nothing was. */
uint64_t wardi_evidence_said_due_ns(const wardi_evidence_gate *gate);

/* ---- for people ---- */

/** Whether there is more to see than its event says. */
bool wardi_evidence_tells(const ward_evidence *evidence);
void wardi_evidence_print(FILE *to, const ward_evidence *evidence);
/** One row in its place. */
void wardi_evidence_print_missing(FILE *to, const char *why);
/** Says what was held back, if anything was, and forgets it. */
void wardi_evidence_print_held_back(FILE *to, wardi_evidence_gate *gate);
/** "unreachable in _health", and below it, `indent` spaces in, at most `frames_max` frames. */
void wardi_trap_print(FILE *to, const ward_trap *trap, int indent, uint32_t frames_max);

#endif
