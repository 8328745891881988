/* How the file stays small: the oldest go, in steps that are over in milliseconds. */
#include "journal/journal_priv.h"

enum {
    STEP_ROWS = 2048,
    KEPT_MIN = 1000, /* the newest stay, however old they are */
};
#define AHEAD_NS (3600 * WARDI_S)     /* a row further in the future is of a clock that was wrong */
#define SETTLED_NS (3600 * WARDI_S)   /* a jump ahead that lasts so long was none */
#define SYNC_AFTER_NS (5 * WARDI_S)   /* what a power cut may take */
#define TRY_AGAIN_NS (100 * WARDI_MS) /* when a reader keeps the log from being written back */

/* ---- which clock ---- */

uint64_t steady_wall_ns(steady *clock, uint64_t wall_ns, uint64_t now_ns)
{
    uint64_t expected = wardi_add_sat(clock->wall_ns, now_ns - clock->at_ns);
    bool ahead = clock->at_ns != 0 && wall_ns > wardi_add_sat(expected, 60 * WARDI_S);
    if (ahead && clock->ahead_since_ns == 0) clock->ahead_since_ns = now_ns;
    if (ahead && now_ns - clock->ahead_since_ns < SETTLED_NS) return expected;
    *clock = (steady){.wall_ns = wall_ns, .at_ns = now_ns};
    return wall_ns;
}

/* ---- what goes ---- */

static bool nth(store *s, action which, uint64_t offset, place *ret_place)
{
    sqlite3_stmt *row = s->statements[which];
    sqlite3_bind_int64(row, 1, (sqlite3_int64)offset);
    bool found = sqlite3_step(row) == SQLITE_ROW;
    if (found)
        *ret_place =
            (place){(uint64_t)sqlite3_column_int64(row, 0), (uint64_t)sqlite3_column_int64(row, 1)};
    sqlite3_reset(row);
    return found;
}

static bool is_before(place a, place b)
{
    return a.run < b.run || (a.run == b.run && a.sequence < b.sequence);
}

static void bind_place(sqlite3_stmt *statement, place at)
{
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)at.run);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)at.sequence);
}

/* Up to and with `last`; of the runs those that have no event left. */
static bool delete_to(store *s, place last)
{
    bind_place(s->statements[DELETE_EVENTS], last);
    bind_place(s->statements[DELETE_EVIDENCE], last);
    bind_place(s->statements[DELETE_RUNS], (place){last.run, s->run});
    return store_do(s, DELETE_EVENTS) && store_do(s, DELETE_EVIDENCE) && store_do(s, DELETE_RUNS);
}

/* ---- by size ---- */

static uint64_t file_bytes_max(const store *s)
{
    return s->bytes_max - store_log_bytes_max(s);
}

bool retain_size(store *s, uint64_t count, bool *ret_more)
{
    place last;
    *ret_more = false;
    if (store_bytes_used(s) <= file_bytes_max(s)) return true;
    if (count > STEP_ROWS * 2) count = STEP_ROWS * 2;
    /* Few rows may be very long. */
    while (count > 0 && !nth(s, NTH_OLDEST, count, &last)) count /= 2;
    if (count == 0) return true;
    nth(s, NTH_OLDEST, count - 1, &last);
    if (!delete_to(s, last)) return false;
    *ret_more = store_bytes_used(s) > file_bytes_max(s);
    return true;
}

bool retain_shrink(store *s, bool *ret_more)
{
    *ret_more = store_number(s, PAGE_COUNT, 0) * s->page_bytes > file_bytes_max(s) &&
                store_number(s, FREE_PAGES, 0) > 0;
    return !*ret_more || store_do(s, SHRINK);
}

/* ---- by age ---- */

/* A row is at least as old as any that was written after it. So what is old takes along what stands
 * before it, whatever clock that was stamped by. What is neither old nor from the future ends the
 * search. `ret_last` stays as it is when nothing is old. False: it can't be read. */
static bool find_old(store *s, uint64_t before_wall_ns, uint64_t now_wall_ns, place *ret_last,
                     bool *ret_more)
{
    sqlite3_stmt *row = s->statements[OLDEST];
    int code, rows = 0;
    bind_place(row, s->scanned);
    sqlite3_bind_int(row, 3, STEP_ROWS);
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        uint64_t wall_ns = (uint64_t)sqlite3_column_int64(row, 2);
        bool old = wall_ns < before_wall_ns;
        if (!old && wall_ns <= wardi_add_sat(now_wall_ns, AHEAD_NS)) break;
        s->scanned =
            (place){(uint64_t)sqlite3_column_int64(row, 0), (uint64_t)sqlite3_column_int64(row, 1)};
        if (old) *ret_last = s->scanned;
        rows++;
    }
    sqlite3_reset(row);
    *ret_more = rows == STEP_ROWS;
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

bool retain_age(store *s, uint64_t before_wall_ns, uint64_t now_wall_ns, bool *ret_more)
{
    place last = {0}, newest, most;
    if (!find_old(s, before_wall_ns, now_wall_ns, &last, ret_more)) return false;
    bool found = last.run != 0;
    if (found || !*ret_more) s->scanned = (place){0};
    if (!found) return true;
    if (!nth(s, NTH_NEWEST, KEPT_MIN, &newest)) {
        *ret_more = false;
        return true;
    }
    if (is_before(newest, last)) {
        last = newest;
        *ret_more = false;
    }
    if (nth(s, NTH_OLDEST, 2 * STEP_ROWS - 1, &most) && is_before(most, last)) {
        last = most;
        *ret_more = true;
    }
    bool well = store_do(s, BEGIN) && delete_to(s, last) && store_do(s, COMMIT);
    if (!well && !sqlite3_get_autocommit(s->db)) store_do(s, ROLLBACK);
    return well;
}

/* ---- the log ---- */

bool retain_checkpoint(store *s, uint64_t now_ns, bool at_once)
{
    int pages, done;
    bool full = store_bytes_log(s) >= store_log_bytes_max(s) / 4; /* one batch may be half of it */
    bool late = s->unsynced_since_ns != 0 && now_ns - s->unsynced_since_ns >= SYNC_AFTER_NS;
    if (!at_once && ((!full && !late) || now_ns < s->checkpoint_after_ns)) return true;
    int code = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
    if (code != SQLITE_OK && code != SQLITE_BUSY) return false;
    s->checkpoint_after_ns = now_ns + TRY_AGAIN_NS;
    if (code == SQLITE_BUSY || pages != done) return true; /* somebody else does it, or reads */
    s->checkpoint_after_ns = 0;
    s->log_pages = 0; /* the next commit begins it anew, unless a reader came */
    s->unsynced_since_ns = 0;
    return true;
}

uint64_t retain_sync_ns(const store *s)
{
    if (s->db == NULL || s->unsynced_since_ns == 0) return UINT64_MAX;
    uint64_t due_ns = wardi_add_sat(s->unsynced_since_ns, SYNC_AFTER_NS);
    return due_ns > s->checkpoint_after_ns ? due_ns : s->checkpoint_after_ns;
}
