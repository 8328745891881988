/* What the files of this room share: the store, which is the open file and all that is done to it.
 * It is the journal's thread's alone. */
#ifndef WARDI_JOURNAL_PRIV_H
#define WARDI_JOURNAL_PRIV_H

#include <sqlite3.h>
#include <sys/types.h>

#include "journal/journal.h"

enum {
    BATCH_EVENTS = 4096,  /* in one transaction at most */
    BATCH_DOCUMENTS = 64, /* evidence in one: some 10 KiB each */
    LOST_KIND = -1,       /* of a row that stands for events that are missing */
    JOURNAL_PATH_BYTES = 4096,
};
/** "WARD": tells the file from another's. */
#define JOURNAL_APPLICATION_ID 0x57415244

/* ---- schema.c ---- */

/** Steps from each version to the next; the first makes an empty file version 1. What is written
 * into user_version is the number of steps done. New kinds of events, states or causes are a step,
 * too, if an empty one: an older Ward does not know them. */
extern const char *const schema_steps[];
extern const int schema_version;

/** Brings the file to version `count`, one transaction a step. Errors: STATE (newer, or of another
 * program), IO, NO_MEMORY. */
ward_error schema_migrate(sqlite3 *db, const char *path, const char *const *steps, int count,
                          ward_diag *ret_diag);
/** Whether it is a journal that this Ward reads. `*ret_version` is 0 when it is empty. */
ward_error schema_check(sqlite3 *db, const char *path, int newest, int *ret_version,
                        ward_diag *ret_diag);
/** Writes down what the numbers in the columns are called. */
bool schema_name(sqlite3 *db);

/* ---- store.c ---- */

typedef enum action {
    INSERT_EVENT,
    INSERT_LOST,
    INSERT_EVIDENCE,
    END_RUN,
    BEGIN,
    COMMIT,
    ROLLBACK,
    PAGE_COUNT,
    FREE_PAGES,
    OLDEST,
    NTH_OLDEST,
    NTH_NEWEST,
    DELETE_EVENTS,
    DELETE_EVIDENCE,
    DELETE_RUNS,
    SHRINK,
    STATEMENT_COUNT,
} action;

typedef struct file_id {
    dev_t device;
    ino_t inode; /* 0: there was none */
} file_id;

enum { STORE_FILES = 3 };

/* A place in the order of all events. */
typedef struct place {
    uint64_t run, sequence;
} place;

typedef struct store {
    char path[JOURNAL_PATH_BYTES];
    uint64_t bytes_max;
    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int lock; /* held: nobody else writes; -1: not open */
    file_id files[STORE_FILES];
    uint64_t run, started_wall_ns;
    uint64_t last_sequence; /* of this run, in the file when it was opened; 0: none was */
    bool is_sound;          /* what failed last would fail with a new connection too */
    uint64_t page_bytes;
    uint64_t log_pages; /* in the log, as of the last commit */
    uint64_t
        unsynced_since_ns; /* of the first commit that is not on the disk for sure; 0: all are */
    uint64_t checkpoint_after_ns;
    place scanned; /* by age, up to here: what comes from a clock that was ahead */
} store;

/** Fills the path in; nothing is opened. Errors: INVALID_ARGUMENT (too long). */
ward_error store_init(store *s, const char *path, uint64_t bytes_max, ward_diag *ret_diag);
/** Opens or makes the file, and begins or goes on with the run of `s`. Errors: IO, STATE,
 * NO_MEMORY; then it is closed. */
ward_error store_open(store *s, ward_diag *ret_diag);
void store_close(store *s);
/** Whether the names still lead to the files that are open. */
bool store_is_in_place(const store *s);
/** Says what went wrong last, and what can be done; WARD_ERROR_IO, or NO_MEMORY. */
ward_error store_fail(sqlite3 *db, const char *path, const char *what, ward_diag *ret_diag);
/** The same, and rolls back what was begun; false. */
bool store_undo(store *s, const char *what, ward_diag *ret_diag);
/** Steps a statement that gives no row, and makes it ready to be used again. */
bool store_do(store *s, action what);
/** The one number that a statement gives; `otherwise` if it gives none. */
uint64_t store_number(store *s, action what, uint64_t otherwise);
/** Bytes of the file in use, and of the log. */
uint64_t store_bytes_used(store *s);
uint64_t store_bytes_log(const store *s);
/** The part of bytes_max that is the log's. It is written back long before it is that big, but for
 * a reader that holds it up. */
uint64_t store_log_bytes_max(const store *s);

/* ---- write.c ---- */

typedef struct entry {
    wardi_feed_event event;
    uint64_t lost;  /* so many are missing right before it */
    char *document; /* its evidence, as JSON; freed by the batch */
    bool evident;   /* it has evidence, be it that the document is missing */
} entry;

/** What is to be written, in memory until it is. */
typedef struct batch {
    entry *entries; /* BATCH_EVENTS */
    size_t count, documents;
    uint64_t lost;       /* so many are missing behind the last one */
    uint64_t lost_first; /* the first of those */
} batch;

void batch_clear(batch *b);
bool batch_is_empty(const batch *b);
/** In one transaction, which also makes room when there is none left. `gone`: so many behind
 * last_sequence were written to a file that is no more. False: nothing was written, and the diag
 * says why. */
bool store_write(store *s, const batch *b, uint64_t gone, ward_diag *ret_diag);
/** Writes down that the run has ended. */
bool store_end_run(store *s, ward_diag *ret_diag);

/* ---- retain.c ---- */

/** Deletes at most `count` of the oldest if there is more than there may be. In a transaction.
 * `*ret_more`: it was not enough. */
bool retain_size(store *s, uint64_t count, bool *ret_more);
/** One step of deleting what is older than `before_wall_ns`; of its own transaction. */
bool retain_age(store *s, uint64_t before_wall_ns, uint64_t now_wall_ns, bool *ret_more);
/** One step of giving pages back that are over what there may be. */
bool retain_shrink(store *s, bool *ret_more);
/** Writes the log back into the file if it is time to. */
bool retain_checkpoint(store *s, uint64_t now_ns, bool at_once);
/** When it is, for what is in the log now to be safe from a power cut; UINT64_MAX: it is. */
uint64_t retain_sync_ns(const store *s);

/** The wall clock without what it jumps ahead. */
typedef struct steady {
    uint64_t wall_ns, at_ns; /* what it said when */
    uint64_t ahead_since_ns; /* 0: the wall clock is not ahead */
} steady;

/** What is surely past: the wall clock, but a jump ahead counts only when it has lasted. */
uint64_t steady_wall_ns(steady *clock, uint64_t wall_ns, uint64_t now_ns);

#endif
