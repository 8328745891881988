/* journal: what happened and why, on disk: every event, and the evidence of every end of a run.
 *
 * One SQLite file in WAL mode, written by a thread of its own in batches. Nobody waits for it: what
 * its bounded queue cannot take is counted, and the count is written in the place of what is
 * missing. A disk that is full or gone is tried again; meanwhile the host goes on, and
 * wardi_journal_status says so. Others may read the file at any time. */
#ifndef WARDI_JOURNAL_H
#define WARDI_JOURNAL_H

#include <ward/evidence.h>

#include "core/core.h"
#include "feed/feed.h"

typedef struct wardi_journal wardi_journal;

typedef struct wardi_journal_options {
    const char *path;      /* of the file; its directory is made, one level */
    uint64_t retention_ns; /* what is older goes; 0: 7 days */
    uint64_t bytes_max; /* of the file and its log; the oldest makes way; 0: 256 MiB; at least 8 */
    uint32_t slots;     /* events that wait at most, a power of two, 640 bytes each; 0: 65,536 */
    /* as ward_supervisor_evidence, on the journal's thread; NULL: no evidence is kept */
    ward_error (*evidence)(void *context, const char *name, ward_evidence *ret_evidence);
    void *evidence_context;
} wardi_journal_options;

/** Opens the file or makes it, migrates what an older Ward wrote, and starts the thread. Errors: IO
 * (what and where), STATE (another process writes it, or it is of a newer Ward), NO_MEMORY. */
ward_error wardi_journal_open(const wardi_journal_options *options, wardi_journal **ret_journal,
                              ward_diag *ret_diag);
/** A ward_event_callback; its context is the journal. Never waits. All events of one supervisor:
 * what is missing in their sequence is written down as lost, and what does not ascend is lost
 * itself. */
void wardi_journal_take(void *journal, const ward_event *event);
/** Writes what is left, for at most `timeout_ns` and a tenth of a second, ends the thread and
 * closes. Nobody gives events any more; `evidence` is not called once this has returned: between
 * ward_supervisor_stop and ward_supervisor_free is its place. False: something was left behind, and
 * the journal is freed all the same, if need be by its thread, once the disk lets go of that. NULL
 * is fine. */
bool wardi_journal_close(wardi_journal *journal, uint64_t timeout_ns);

/** The number of this run of the host: one more than that of the last run in the file. It is
 * another one only after the file was replaced by one that has that run already. */
uint64_t wardi_journal_run(const wardi_journal *journal);

typedef struct wardi_journal_status {
    bool failing;     /* the last attempt to write failed; the text says why */
    char text[256];   /* "": it writes */
    uint64_t written; /* events, since it was opened */
    uint64_t lost;    /* events for which there was no room, here or before they came here */
    uint64_t waiting; /* in the queue */
    uint64_t bytes;   /* of the file and its log, as of the last batch */
} wardi_journal_status;

/** Any thread; takes no lock that is held while writing. */
void wardi_journal_status_get(const wardi_journal *journal, wardi_journal_status *ret_status);

/* ---- reading: by this or any other process; each call opens and closes, and may wait for disk */

typedef struct wardi_journal_event {
    uint64_t run; /* of the host */
    /* not 0: no event, but the place where so many are missing; of `event` only `sequence`, the
     * first of them, and `wall_ns` count */
    uint64_t lost;
    ward_event event; /* its texts are borrowed for the duration of the callback */
} wardi_journal_event;

typedef struct wardi_journal_query {
    const char *path;
    uint64_t since_wall_ns, until_wall_ns; /* from the one, before the other; 0: no bound */
    uint64_t after_run, after_sequence;    /* only what came after that event; 0, 0: no bound */
    /* NULL: all; of a component its instances too, and the group of its name. What is missing might
     * have been of it: it is told in any case, and whatever `kinds` says. */
    const char *component;
    uint32_t kinds; /* bits 1 << ward_event_kind; 0: all */
    uint64_t limit; /* at most so many; 0: no bound */
    bool last;      /* of more, the newest `limit`; still oldest first */
    /** False: enough. */
    bool (*each)(void *context, const wardi_journal_event *event);
    void *context;
} wardi_journal_query;

/** Oldest first, up to what there is when it is called: `each` may take its time, and holds up
 * nobody. Errors: NOT_FOUND (no such file), IO, STATE (of a newer Ward), NO_MEMORY. */
ward_error wardi_journal_read(const wardi_journal_query *query, ward_diag *ret_diag);
/** The newest evidence of the child, or that of the number given (0: the newest). `ret_evidence` is
 * started with WARD_INIT. Errors: as above; NOT_FOUND also: there is none. */
ward_error wardi_journal_evidence(const char *path, const char *component, uint64_t number,
                                  ward_evidence *ret_evidence, ward_diag *ret_diag);

#endif
