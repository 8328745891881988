#include <stdlib.h>
#include <string.h>

#include "journal/journal_priv.h"

enum { DELETED_MIN = 64 }; /* of the oldest, when there is no room */

void batch_clear(batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        free(b->entries[i].document); /* jansson's */
        b->entries[i].document = NULL;
    }
    b->count = b->documents = 0;
    b->lost = 0;
}

bool batch_is_empty(const batch *b)
{
    return b->count == 0 && b->lost == 0;
}

/* ---- rows ---- */

static void bind_number(sqlite3_stmt *statement, int at, uint64_t number)
{
    sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static bool insert_event(store *s, const ward_event *event)
{
    sqlite3_stmt *row = s->statements[INSERT_EVENT];
    bind_number(row, 1, s->run);
    bind_number(row, 2, event->sequence);
    bind_number(row, 3, event->wall_ns);
    sqlite3_bind_int(row, 4, (int)event->kind);
    bind_text(row, 5, event->component);
    bind_text(row, 6, event->version);
    bind_text(row, 7, event->reason);
    sqlite3_bind_int(row, 8, (int)event->from_state);
    sqlite3_bind_int(row, 9, (int)event->state);
    sqlite3_bind_int(row, 10, (int)event->from_health);
    sqlite3_bind_int(row, 11, (int)event->health);
    sqlite3_bind_int(row, 12, (int)event->source);
    sqlite3_bind_int(row, 13, (int)event->probe_error);
    sqlite3_bind_int(row, 14, event->ready);
    sqlite3_bind_int(row, 15, event->flapping);
    sqlite3_bind_int(row, 16, (int)event->cause);
    bind_number(row, 17, event->attempt);
    bind_number(row, 18, event->delay_ns);
    sqlite3_bind_int(row, 19, event->instance);
    bind_number(row, 20, event->evidence);
    return store_do(s, INSERT_EVENT);
}

static bool insert_lost(store *s, uint64_t sequence, uint64_t wall_ns, uint64_t count)
{
    sqlite3_stmt *row = s->statements[INSERT_LOST];
    bind_number(row, 1, s->run);
    bind_number(row, 2, sequence);
    bind_number(row, 3, wall_ns);
    bind_number(row, 4, count);
    return store_do(s, INSERT_LOST);
}

static bool insert_evidence(store *s, const entry *e)
{
    sqlite3_stmt *row = s->statements[INSERT_EVIDENCE];
    bind_number(row, 1, s->run);
    bind_number(row, 2, e->event.event.sequence);
    bind_number(row, 3, e->event.event.wall_ns);
    bind_text(row, 4, e->event.component);
    bind_number(row, 5, e->event.event.evidence);
    bind_text(row, 6, e->document); /* NULL is NULL */
    return store_do(s, INSERT_EVIDENCE);
}

static bool insert_entry(store *s, const entry *e)
{
    const ward_event *event = &e->event.event;
    if (e->lost != 0 && !insert_lost(s, event->sequence - e->lost, event->wall_ns, e->lost))
        return false;
    return insert_event(s, event) && (!e->evident || insert_evidence(s, e));
}

static bool insert_all(store *s, const batch *b, uint64_t gone)
{
    if (gone != 0 && !insert_lost(s, s->last_sequence + 1, wardi_wall_ns(), gone)) return false;
    for (size_t i = 0; i < b->count; i++)
        if (!insert_entry(s, &b->entries[i])) return false;
    return b->lost == 0 || insert_lost(s, b->lost_first, wardi_wall_ns(), b->lost);
}

/* ---- transactions ---- */

/* A log that can't be written back, because somebody reads on and on what stands at its beginning,
 * must not fill the disk. */
static bool log_fits(store *s, ward_diag *ret_diag)
{
    if (store_bytes_log(s) <= store_log_bytes_max(s)) return true;
    if (store_bytes_log(s) + store_bytes_used(s) <= s->bytes_max) return true;
    if (retain_checkpoint(s, wardi_now_ns(), true) && s->log_pages == 0) return true;
    s->is_sound = true;
    wardi_fail(ret_diag, WARD_ERROR_IO,
               "%s: its log is full, because a process reads it without an end: end that reader",
               s->path);
    return false;
}

bool store_write(store *s, const batch *b, uint64_t gone, ward_diag *ret_diag)
{
    bool more;
    uint64_t deleted = 2 * b->count > DELETED_MIN ? 2 * b->count : DELETED_MIN;
    if (!log_fits(s, ret_diag)) return false;
    bool well = store_do(s, BEGIN) && insert_all(s, b, gone) && retain_size(s, deleted, &more) &&
                store_do(s, COMMIT);
    return well || store_undo(s, "it can't be written", ret_diag);
}

bool store_end_run(store *s, ward_diag *ret_diag)
{
    bind_number(s->statements[END_RUN], 1, s->run);
    bind_number(s->statements[END_RUN], 2, wardi_wall_ns());
    return store_do(s, END_RUN) || store_undo(s, "it can't be written", ret_diag);
}
