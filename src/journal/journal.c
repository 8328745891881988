/* The journal's thread, and what others see of it.
 *
 * The thread takes what the feed has into a batch and writes that in one transaction. Of few events
 * each is written at once; of many, one transaction is begun each PACE_NS and takes all that came
 * meanwhile, so that commits cost little of a core and nothing waits for longer. What can't be
 * written stays in the batch, and what comes in the feed, until it can. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "journal/journal_priv.h"
#include "record/record.h"

enum { SLOTS = 65536 };
#define PACE_NS (2 * WARDI_MS)
#define TRY_AGAIN_NS WARDI_S
#define TRY_AGAIN_CLOSING_NS (100 * WARDI_MS)
#define CARE_NS WARDI_S                /* between looks at what is old or too much, */
#define CARE_IDLE_NS (10 * WARDI_S)    /* and when nothing is written */
#define CLOSE_LATE_NS (100 * WARDI_MS) /* for a thread that is about to end */
#define RETENTION_NS (7 * 86400 * WARDI_S)
static const uint64_t bytes_max_default = UINT64_C(256) << 20, bytes_max_min = UINT64_C(8) << 20;

/* What the thread has to itself. */
typedef struct writer {
    store store;
    batch batch;
    ward_evidence evidence;
    uint64_t next;    /* sequence of the event that should come; 0: none has come yet */
    uint64_t pace_ns; /* the feed is not looked into before */
    uint64_t try_ns;  /* not 0: failing, and then it is tried again */
    uint64_t care_ns; /* when it is looked for what is old */
    uint64_t gone;    /* written to a file that was taken away */
    steady clock;
} writer;

struct wardi_journal {
    wardi_journal_options options;
    wardi_feed *feed;
    int wake; /* an eventfd */
    pthread_t thread;
    _Atomic uint64_t given;                    /* by wardi_journal_take */
    _Atomic uint64_t fed_not;                  /* the feed had no room */
    _Atomic uint64_t handled, written, missed; /* by the thread */
    _Atomic uint64_t bytes, run;               /* by the thread */
    _Atomic uint64_t deadline_ns;              /* of closing; 0: it is not closed */
    pthread_mutex_t lock;                      /* guards the rest; nothing is waited for under it */
    pthread_cond_t changed;
    bool failing, ended, complete, abandoned;
    char text[sizeof((wardi_journal_status *)0)->text];
    pthread_mutex_t asking; /* held while evidence is asked for; guards `mute` */
    bool mute;              /* nobody may be asked any more */
    writer writer;
};

/* ---- waking and waiting ---- */

static void wake(void *context)
{
    wardi_journal *j = context;
    uint64_t one = 1;
    ssize_t written = write(j->wake, &one, sizeof one); /* full is awake already */
    (void)written;
}

static void wait_until(wardi_journal *j, uint64_t until_ns)
{
    uint64_t now_ns = wardi_now_ns(), count;
    if (until_ns <= now_ns) return;
    struct timespec span = {.tv_sec = (time_t)((until_ns - now_ns) / WARDI_S),
                            .tv_nsec = (long)((until_ns - now_ns) % WARDI_S)};
    struct pollfd file = {.fd = j->wake, .events = POLLIN};
    if (ppoll(&file, 1, &span, NULL) > 0 && read(j->wake, &count, sizeof count) < 0) return;
}

/* ---- gathering ---- */

/* Adds what the feed had no room for since it was last asked. Any thread. */
static uint64_t fed_not(wardi_journal *j)
{
    uint64_t lost = wardi_feed_lost(j->feed);
    return atomic_fetch_add(&j->fed_not, lost) + lost;
}

/* The run is over and its evidence is what the host has last of it; a later end may have made it
 * go. */
static char *evidence_of(wardi_journal *j, const ward_event *event)
{
    ward_evidence *evidence = &j->writer.evidence;
    evidence->size = sizeof *evidence;
    pthread_mutex_lock(&j->asking);
    ward_error error = WARD_ERROR_NOT_FOUND;
    if (!j->mute)
        error = j->options.evidence(j->options.evidence_context, event->component, evidence);
    pthread_mutex_unlock(&j->asking);
    if (error != WARD_OK || evidence->number != event->evidence) return NULL;
    json_t *document = wardi_evidence_json_whole(evidence);
    char *bytes = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    return bytes;
}

/* False: it is none that may follow, and counted as lost. */
static bool keep_order(wardi_journal *j, entry *e)
{
    writer *w = &j->writer;
    uint64_t sequence = e->event.event.sequence;
    if (sequence == 0 || sequence > INT64_MAX || (w->next != 0 && sequence < w->next)) {
        atomic_fetch_add(&j->handled, 1);
        atomic_fetch_add(&j->missed, 1);
        return false;
    }
    e->lost = w->next != 0 ? sequence - w->next : 0;
    atomic_fetch_add(&j->missed, e->lost);
    w->next = sequence + 1;
    return true;
}

static void take_evidence(wardi_journal *j, entry *e)
{
    const ward_event *event = &e->event.event;
    e->evident =
        event->kind == WARD_EVENT_STATE && event->evidence != 0 && j->options.evidence != NULL;
    if (!e->evident) return;
    e->document = evidence_of(j, event);
    j->writer.batch.documents++;
}

/* When the feed is empty, what is missing up to its newest comes behind the last event. That is
 * asked for first: so no event that is still to come is taken for lost. */
static void gather(wardi_journal *j)
{
    writer *w = &j->writer;
    batch *b = &w->batch;
    if (b->lost != 0) return; /* comes last */
    uint64_t newest = wardi_feed_newest(j->feed);
    while (b->count < BATCH_EVENTS && b->documents < BATCH_DOCUMENTS) {
        entry *e = &b->entries[b->count];
        if (!wardi_feed_take(j->feed, &e->event)) {
            if (w->next == 0 || newest < w->next || newest > INT64_MAX) return;
            b->lost = newest + 1 - w->next;
            b->lost_first = w->next;
            w->next += b->lost;
            atomic_fetch_add(&j->missed, b->lost);
            return;
        }
        if (!keep_order(j, e)) continue;
        take_evidence(j, e);
        b->count++;
    }
}

/* ---- writing ---- */

static void say(wardi_journal *j, const ward_diag *diag)
{
    pthread_mutex_lock(&j->lock);
    wardi_text text = WARDI_TEXT(j->text);
    j->failing = diag != NULL;
    wardi_text_puts(&text, diag != NULL ? diag->text : "");
    pthread_mutex_unlock(&j->lock);
}

/* An error may have been of the connection, so the next attempt has a new one. */
static void fail(wardi_journal *j, const ward_diag *diag)
{
    writer *w = &j->writer;
    bool closing = atomic_load(&j->deadline_ns) != 0;
    if (!w->store.is_sound) store_close(&w->store);
    w->try_ns = wardi_now_ns() + (closing ? TRY_AGAIN_CLOSING_NS : TRY_AGAIN_NS);
    say(j, diag);
}

static void succeed(wardi_journal *j)
{
    writer *w = &j->writer;
    atomic_store(&j->bytes, store_bytes_used(&w->store) + store_bytes_log(&w->store));
    if (w->try_ns == 0) return;
    w->try_ns = 0;
    say(j, NULL);
}

/* The first event that is not written yet. */
static uint64_t first_left(const writer *w)
{
    const batch *b = &w->batch;
    if (b->count != 0) return b->entries[0].event.event.sequence - b->entries[0].lost;
    return b->lost != 0 ? b->lost_first : w->next;
}

/* The file that the names lead to, or a new one. What was in the one before and is not in this one
 * is gone, and this one says so. */
static bool reopen(wardi_journal *j, ward_diag *ret_diag)
{
    writer *w = &j->writer;
    store *s = &w->store;
    if (s->db != NULL && store_is_in_place(s)) return true;
    store_close(s);
    if (store_open(s, ret_diag) != WARD_OK) return false;
    atomic_store(&j->run, s->run);
    uint64_t first = first_left(w);
    w->gone = first > s->last_sequence + 1 ? first - s->last_sequence - 1 : 0;
    return true;
}

static void write_batch(wardi_journal *j)
{
    writer *w = &j->writer;
    ward_diag diag;
    uint64_t care_ns = wardi_now_ns() + CARE_NS;
    if (!reopen(j, &diag) || !store_write(&w->store, &w->batch, w->gone, &diag)) {
        fail(j, &diag);
        return;
    }
    if (w->batch.count == BATCH_EVENTS) w->pace_ns = 0;
    if (w->care_ns > care_ns) w->care_ns = care_ns;
    w->gone = 0;
    atomic_fetch_add(&j->written, w->batch.count);
    atomic_fetch_add(&j->handled, w->batch.count);
    batch_clear(&w->batch);
    succeed(j);
}

/* ---- taking care ---- */

/* One small step of each, so that what comes meanwhile is not kept waiting. */
static bool take_steps(wardi_journal *j, bool *ret_more)
{
    writer *w = &j->writer;
    store *s = &w->store;
    bool older = false, bigger = false, longer = false;
    uint64_t wall_ns = wardi_wall_ns(), kept_ns = j->options.retention_ns;
    uint64_t past_ns = steady_wall_ns(&w->clock, wall_ns, wardi_now_ns());
    uint64_t before_ns = past_ns > kept_ns ? past_ns - kept_ns : 0;
    bool well = retain_age(s, before_ns, wall_ns, &older) && store_do(s, BEGIN) &&
                retain_size(s, BATCH_EVENTS, &bigger) && store_do(s, COMMIT) &&
                retain_shrink(s, &longer);
    *ret_more = older || bigger || longer;
    return well;
}

/* True: there is more to do. A file that nobody writes to is looked after too: it may be gone. */
static bool take_care(wardi_journal *j, uint64_t now_ns)
{
    writer *w = &j->writer;
    store *s = &w->store;
    ward_diag diag;
    bool more = false;
    if (!reopen(j, &diag)) {
        fail(j, &diag);
        return false;
    }
    if (!take_steps(j, &more)) {
        store_undo(s, "what is old can't be deleted", &diag);
        fail(j, &diag);
        return false;
    }
    succeed(j);
    if (!more) w->care_ns = now_ns + CARE_IDLE_NS;
    return more;
}

static void write_back_log(wardi_journal *j)
{
    writer *w = &j->writer;
    ward_diag diag;
    if (w->store.db == NULL || retain_checkpoint(&w->store, wardi_now_ns(), false)) return;
    store_undo(&w->store, "its log can't be written back", &diag);
    fail(j, &diag);
}

/* ---- the thread ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t deadline_of(const wardi_journal *j)
{
    uint64_t deadline_ns = atomic_load(&j->deadline_ns);
    return deadline_ns != 0 ? deadline_ns : UINT64_MAX;
}

/* Between two looks into the feed. The feed wakes for the first event after it was found empty, so
 * that a storm costs its giver one wake-up each time. */
static void pace(wardi_journal *j)
{
    writer *w = &j->writer;
    while (wardi_now_ns() < w->pace_ns && atomic_load(&j->deadline_ns) == 0)
        wait_until(j, w->pace_ns);
    w->pace_ns = wardi_now_ns() + PACE_NS;
}

static bool end_run(wardi_journal *j)
{
    ward_diag diag;
    if (reopen(j, &diag) && store_end_run(&j->writer.store, &diag)) return true;
    fail(j, &diag);
    return false;
}

/* Until it is closed and all is written, or there is no time left: then false. */
static bool write_all(wardi_journal *j)
{
    writer *w = &j->writer;
    for (;;) {
        pace(j);
        gather(j);
        uint64_t now_ns = wardi_now_ns(), deadline_ns = deadline_of(j);
        bool empty = batch_is_empty(&w->batch), may_try = now_ns >= w->try_ns;
        if (deadline_ns != UINT64_MAX && empty && may_try && end_run(j)) return true;
        if (now_ns >= deadline_ns) return false;
        if (now_ns < w->try_ns)
            wait_until(j, earlier(w->try_ns, deadline_ns));
        else if (!empty)
            write_batch(j);
        else if ((now_ns < w->care_ns && w->try_ns == 0) || !take_care(j, now_ns))
            wait_until(j, earlier(earlier(w->care_ns, retain_sync_ns(&w->store)), deadline_ns));
        write_back_log(j);
    }
}

static void free_all(wardi_journal *j)
{
    batch_clear(&j->writer.batch);
    wardi_free(j->writer.batch.entries);
    wardi_feed_free(j->feed);
    if (j->wake >= 0) close(j->wake);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    pthread_mutex_destroy(&j->asking);
    wardi_free(j);
}

static void *run(void *context)
{
    wardi_journal *j = context;
    bool complete = write_all(j);
    store_close(&j->writer.store);
    pthread_mutex_lock(&j->lock);
    j->ended = true;
    j->complete = complete;
    bool abandoned = j->abandoned;
    pthread_cond_signal(&j->changed);
    pthread_mutex_unlock(&j->lock);
    if (abandoned) free_all(j);
    return NULL;
}

/* ---- life ---- */

static bool make_parts(wardi_journal *j, const wardi_journal_options *options)
{
    wardi_feed_options feed = {
        .slots = options->slots != 0 ? options->slots : SLOTS, .wake = wake, .wake_context = j};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&j->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&j->lock, NULL);
    pthread_mutex_init(&j->asking, NULL);
    j->options = *options;
    j->options.path = NULL; /* the store has a copy */
    if (j->options.retention_ns == 0) j->options.retention_ns = RETENTION_NS;
    j->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    j->feed = wardi_feed_new(&feed);
    j->writer.batch.entries = wardi_alloc_array(BATCH_EVENTS, sizeof(entry));
    return j->wake >= 0 && j->feed != NULL && j->writer.batch.entries != NULL;
}

static ward_error start(wardi_journal *j, const wardi_journal_options *options, ward_diag *ret_diag)
{
    uint64_t bytes_max = options->bytes_max != 0 ? options->bytes_max : bytes_max_default;
    if (bytes_max < bytes_max_min) bytes_max = bytes_max_min;
    ward_error error = store_init(&j->writer.store, options->path, bytes_max, ret_diag);
    if (error == WARD_OK) error = store_open(&j->writer.store, ret_diag);
    if (error != WARD_OK) return error;
    store *s = &j->writer.store;
    atomic_store(&j->run, s->run);
    atomic_store(&j->bytes, store_bytes_used(s) + store_bytes_log(s));
    if (pthread_create(&j->thread, NULL, run, j) == 0) return WARD_OK;
    store_close(s);
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "%s: there is no thread for it", s->path);
}

ward_error wardi_journal_open(const wardi_journal_options *options, wardi_journal **ret_journal,
                              ward_diag *ret_diag)
{
    wardi_journal *j = wardi_alloc(sizeof *j);
    if (j == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the journal");
    ward_error error = make_parts(j, options)
                           ? start(j, options, ret_diag)
                           : wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY,
                                        "no memory or no descriptor for the journal");
    if (error != WARD_OK) {
        free_all(j);
        return error;
    }
    *ret_journal = j;
    return WARD_OK;
}

void wardi_journal_take(void *journal, const ward_event *event)
{
    wardi_journal *j = journal;
    atomic_fetch_add_explicit(&j->given, 1, memory_order_relaxed);
    wardi_feed_give(j->feed, event);
}

/* A disk may keep the thread for as long as it likes: then the thread frees what is left when it
 * comes back, and asks nobody for anything. */
bool wardi_journal_close(wardi_journal *j, uint64_t timeout_ns)
{
    if (j == NULL) return true;
    uint64_t deadline_ns = wardi_add_sat(wardi_now_ns(), timeout_ns);
    uint64_t last_ns = wardi_add_sat(deadline_ns, CLOSE_LATE_NS);
    struct timespec last = {.tv_sec = (time_t)(last_ns / WARDI_S),
                            .tv_nsec = (long)(last_ns % WARDI_S)};
    pthread_t thread = j->thread;
    atomic_store(&j->deadline_ns, deadline_ns);
    wake(j);
    pthread_mutex_lock(&j->lock);
    int waited = 0;
    while (!j->ended && waited == 0) waited = pthread_cond_timedwait(&j->changed, &j->lock, &last);
    bool complete = j->ended && j->complete;
    pthread_mutex_unlock(&j->lock);
    pthread_mutex_lock(&j->asking);
    j->mute = true;
    pthread_mutex_unlock(&j->asking);
    pthread_mutex_lock(&j->lock);
    bool ended = j->ended;
    j->abandoned = !ended;
    pthread_mutex_unlock(&j->lock);
    if (!ended) {
        pthread_detach(thread);
        return false;
    }
    pthread_join(thread, NULL);
    free_all(j);
    return complete;
}

uint64_t wardi_journal_run(const wardi_journal *journal)
{
    return atomic_load(&journal->run);
}

void wardi_journal_status_get(const wardi_journal *journal, wardi_journal_status *ret_status)
{
    wardi_journal *j = (wardi_journal *)(uintptr_t)journal;
    uint64_t handled = atomic_load(&j->handled), lost = fed_not(j),
             missed = atomic_load(&j->missed);
    uint64_t given = atomic_load(&j->given);
    *ret_status =
        (wardi_journal_status){.written = atomic_load(&j->written),
                               .lost = lost > missed ? lost : missed,
                               .waiting = given > handled + lost ? given - handled - lost : 0,
                               .bytes = atomic_load(&j->bytes)};
    pthread_mutex_lock(&j->lock);
    ret_status->failing = j->failing;
    memcpy(ret_status->text, j->text, sizeof j->text);
    pthread_mutex_unlock(&j->lock);
}
