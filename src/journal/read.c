/* Reading, by any process, while the journal is written: some rows at a time, each in a transaction
 * of its own. A reader that held one open for as long as its terminal takes would keep the log from
 * being written back. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "journal/journal_priv.h"
#include "record/record.h"

enum { ROWS = 256, BUSY_MS = 5000 };

typedef struct event_row {
    uint64_t run, lost;
    wardi_feed_event event;
} event_row;

typedef struct reading {
    const wardi_journal_query *query;
    ward_diag *diag;
    sqlite3 *db;
    sqlite3_stmt *statement;
    event_row *rows; /* ROWS */
    place after, last;
    uint64_t left;
} reading;

/* ---- opening ---- */

/* SQLite needs to write beside a file to read it, unless it may believe that nobody writes it: so
 * of a copy in a place where nothing can be written. */
static ward_error open_alone(const char *path, sqlite3 **ret_db)
{
    static const char unsafe[] = "%?#";
    char name[JOURNAL_PATH_BYTES];
    wardi_text text = WARDI_TEXT(name);
    wardi_text_printf(&text, "%s-wal", path);
    if (access(name, F_OK) == 0) return WARD_ERROR_IO;
    text = WARDI_TEXT(name);
    wardi_text_puts(&text, "file:");
    for (const char *at = path; *at != '\0'; at++)
        if (strchr(unsafe, *at) != NULL)
            wardi_text_printf(&text, "%%%02x", (unsigned)(unsigned char)*at);
        else
            wardi_text_add(&text, at, 1);
    wardi_text_puts(&text, "?immutable=1");
    if (text.cut) return WARD_ERROR_IO;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    return sqlite3_open_v2(name, ret_db, flags, NULL) == SQLITE_OK ? WARD_OK : WARD_ERROR_IO;
}

/* `*ret_version` 0: it is empty, as it is for a moment when it is made. */
static ward_error open_to_read(const char *path, sqlite3 **ret_db, int *ret_version,
                               ward_diag *ret_diag)
{
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND,
                          "%s: there is no journal: it is written while `ward run` runs", path);
    if (access(path, R_OK) != 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: it can't be read: %s", path,
                          strerror(errno));
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    bool opened = sqlite3_open_v2(path, ret_db, flags, NULL) == SQLITE_OK;
    sqlite3_busy_timeout(*ret_db, BUSY_MS);
    ward_error error = opened ? schema_check(*ret_db, path, schema_version, ret_version, ret_diag)
                              : store_fail(*ret_db, path, "it can't be opened", ret_diag);
    if (error != WARD_ERROR_IO || (sqlite3_errcode(*ret_db) & 0xff) != SQLITE_CANTOPEN)
        return error;
    sqlite3 *alone = NULL;
    if (open_alone(path, &alone) != WARD_OK) {
        sqlite3_close(alone);
        return error;
    }
    sqlite3_close(*ret_db);
    *ret_db = alone;
    return schema_check(alone, path, schema_version, ret_version, ret_diag);
}

static ward_error open_current(const char *path, sqlite3 **ret_db, int *ret_version,
                               ward_diag *ret_diag)
{
    ward_error error = open_to_read(path, ret_db, ret_version, ret_diag);
    if (error != WARD_OK || *ret_version == 0 || *ret_version == schema_version) return error;
    return wardi_fail(ret_diag, WARD_ERROR_STATE,
                      "%s: it is of an older Ward: `ward run` brings it up to date", path);
}

/* ---- which rows ---- */

#define FILTER                                                                                     \
    " wall_ns >= ?3 AND wall_ns < ?4"                                                              \
    " AND (lost <> 0 OR ((?5 = 0 OR (?5 >> kind) & 1)"                                             \
    " AND (?6 IS NULL OR component = ?6 OR (instance AND substr(component, 1, length(?6) + 1)"     \
    " = ?6 || '.' AND instr(substr(component, length(?6) + 2), '.') = 0))))"

static void bind_filter(const reading *r, sqlite3_stmt *statement)
{
    const wardi_journal_query *query = r->query;
    uint64_t since = query->since_wall_ns < INT64_MAX ? query->since_wall_ns : INT64_MAX;
    uint64_t until = query->until_wall_ns - 1 < INT64_MAX ? query->until_wall_ns : INT64_MAX;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)r->after.run);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)r->after.sequence);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)since);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)until);
    sqlite3_bind_int64(statement, 5, query->kinds);
    sqlite3_bind_text(statement, 6, query->component, -1, SQLITE_STATIC);
}

static ward_error fail(reading *r)
{
    return store_fail(r->db, r->query->path, "it can't be read", r->diag);
}

/* A place that a statement gives; unchanged when it gives none. */
static ward_error find_place(reading *r, const char *sql, uint64_t number, place *ret_place)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(r->db, sql, -1, &statement, NULL) != SQLITE_OK) return fail(r);
    bind_filter(r, statement);
    sqlite3_bind_int64(statement, 7, (sqlite3_int64)number);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_place = (place){(uint64_t)sqlite3_column_int64(statement, 0),
                             (uint64_t)sqlite3_column_int64(statement, 1)};
    ward_error error = code == SQLITE_ROW || code == SQLITE_DONE ? WARD_OK : fail(r);
    sqlite3_finalize(statement);
    return error;
}

/* Of the newest `limit` the first, as what comes after the one before it. */
static ward_error skip_to_last(reading *r)
{
    return find_place(r,
                      "SELECT run, sequence FROM events WHERE (run, sequence) > (?1, ?2) AND" FILTER
                      " ORDER BY run DESC, sequence DESC LIMIT 1 OFFSET ?7",
                      r->query->limit, &r->after);
}

/* ---- rows ---- */

static uint64_t number_at(sqlite3_stmt *row, int column)
{
    return (uint64_t)sqlite3_column_int64(row, column);
}

/* Into `*ret_value`; false: no value of the enumeration. */
static bool name_at(sqlite3_stmt *row, int column, int count, int *ret_value)
{
    sqlite3_int64 value = sqlite3_column_int64(row, column);
    *ret_value = (int)value;
    return value >= 0 && value < count;
}

/* Of the file as it is: it may have been damaged, or written by somebody else. */
static bool event_at(sqlite3_stmt *from, ward_event *event)
{
    enum { HEALTHS = 3 };
    int kind, from_state, state, from_health, health, source, probe_error, cause;
    bool well = name_at(from, 3, WARD_EVENT_KIND_COUNT, &kind) &&
                name_at(from, 7, WARD_STATE_COUNT, &from_state) &&
                name_at(from, 8, WARD_STATE_COUNT, &state) &&
                name_at(from, 9, HEALTHS, &from_health) && name_at(from, 10, HEALTHS, &health) &&
                name_at(from, 11, WARD_SOURCE_COUNT, &source) &&
                name_at(from, 12, WARD_PROBE_ERROR_COUNT, &probe_error) &&
                name_at(from, 15, WARD_CAUSE_COUNT, &cause);
    if (!well) return false;
    event->kind = (ward_event_kind)kind;
    event->from_state = (ward_state)from_state;
    event->state = (ward_state)state;
    event->from_health = (ward_child_health)from_health;
    event->health = (ward_child_health)health;
    event->source = (ward_source)source;
    event->probe_error = (ward_probe_error)probe_error;
    event->cause = (ward_cause)cause;
    event->ready = sqlite3_column_int(from, 13) != 0;
    event->flapping = sqlite3_column_int(from, 14) != 0;
    event->attempt = (uint32_t)number_at(from, 16);
    event->delay_ns = number_at(from, 17);
    event->instance = sqlite3_column_int(from, 18) != 0;
    event->evidence = number_at(from, 19);
    return true;
}

static const char *text_at(sqlite3_stmt *row, int column)
{
    const unsigned char *text = sqlite3_column_text(row, column);
    return text != NULL ? (const char *)text : "";
}

static bool row_at(sqlite3_stmt *from, event_row *to)
{
    ward_event event = {.size = sizeof event,
                        .sequence = number_at(from, 1),
                        .wall_ns = number_at(from, 2),
                        .component = text_at(from, 4),
                        .version = text_at(from, 5),
                        .reason = text_at(from, 6)};
    to->run = number_at(from, 0);
    to->lost = number_at(from, 20);
    if (to->lost == 0 && !event_at(from, &event)) return false;
    wardi_feed_event_fill(&to->event, &event);
    return true;
}

/* Up to ROWS of them, `*ret_count`. */
static ward_error read_rows(reading *r, size_t *ret_count)
{
    size_t count = 0, most = r->left < ROWS ? (size_t)r->left : ROWS;
    ward_error error = WARD_OK;
    int code = SQLITE_DONE;
    bind_filter(r, r->statement);
    sqlite3_bind_int64(r->statement, 7, (sqlite3_int64)r->last.run);
    sqlite3_bind_int64(r->statement, 8, (sqlite3_int64)r->last.sequence);
    sqlite3_bind_int64(r->statement, 9, (sqlite3_int64)most);
    while (error == WARD_OK && (code = sqlite3_step(r->statement)) == SQLITE_ROW) {
        event_row *to = &r->rows[count++];
        if (row_at(r->statement, to)) continue;
        error = wardi_fail(r->diag, WARD_ERROR_IO,
                           "%s: event %llu of run %llu is none that Ward wrote: the file is "
                           "damaged; move it away, and a new one is begun",
                           r->query->path, (unsigned long long)number_at(r->statement, 1),
                           (unsigned long long)to->run);
    }
    if (error == WARD_OK && code != SQLITE_DONE) error = fail(r);
    sqlite3_reset(r->statement);
    *ret_count = count;
    return error;
}

/* False: enough. */
static bool hand_out(reading *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const event_row *from = &r->rows[i];
        wardi_journal_event event = {from->run, from->lost, from->event.event};
        r->after = (place){from->run, from->event.event.sequence};
        if (!r->query->each(r->query->context, &event)) return false;
    }
    r->left -= count;
    return count == ROWS && r->left > 0;
}

/* ---- reading ---- */

static ward_error read_all(reading *r)
{
    ward_error error =
        find_place(r, "SELECT run, sequence FROM events ORDER BY run DESC, sequence DESC LIMIT 1",
                   0, &r->last);
    if (error == WARD_OK && r->query->last && r->query->limit != 0) error = skip_to_last(r);
    if (error != WARD_OK) return error;
    if (sqlite3_prepare_v2(r->db,
                           "SELECT * FROM events WHERE (run, sequence) > (?1, ?2)"
                           " AND (run, sequence) <= (?7, ?8) AND" FILTER
                           " ORDER BY run, sequence LIMIT ?9",
                           -1, &r->statement, NULL) != SQLITE_OK)
        return fail(r);
    size_t count = 0;
    do error = read_rows(r, &count);
    while (error == WARD_OK && hand_out(r, count));
    return error;
}

ward_error wardi_journal_read(const wardi_journal_query *query, ward_diag *ret_diag)
{
    reading r = {.query = query,
                 .diag = ret_diag,
                 .after = {query->after_run, query->after_sequence},
                 .left = query->limit != 0 ? query->limit : UINT64_MAX};
    int version = 0;
    ward_error error = open_current(query->path, &r.db, &version, ret_diag);
    if (error == WARD_OK && version != 0) {
        r.rows = wardi_alloc_array(ROWS, sizeof *r.rows);
        error = r.rows != NULL
                    ? read_all(&r)
                    : wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory to read the journal");
    }
    wardi_free(r.rows);
    sqlite3_finalize(r.statement);
    sqlite3_close(r.db);
    return error;
}

/* ---- evidence ---- */

static ward_error evidence_at(sqlite3_stmt *from, const char *path, ward_evidence *ret_evidence,
                              ward_diag *ret_diag)
{
    const char *bytes = (const char *)sqlite3_column_text(from, 0);
    size_t length = (size_t)sqlite3_column_bytes(from, 0);
    if (bytes == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND,
                          "%s: that evidence had made way for that of a later end before it could "
                          "be written",
                          path);
    json_error_t mistake;
    ward_diag diag = {0};
    json_t *document = json_loadb(bytes, length, JSON_ALLOW_NUL, &mistake);
    ward_error error = document != NULL ? wardi_evidence_of_json(document, ret_evidence, &diag)
                                        : WARD_ERROR_INVALID_ARGUMENT;
    const char *words = document != NULL ? diag.text : mistake.text;
    if (error != WARD_OK)
        error = wardi_fail(ret_diag, WARD_ERROR_IO, "%s: the evidence is damaged: %s", path, words);
    json_decref(document);
    return error;
}

static ward_error find_evidence(sqlite3 *db, const char *path, const char *component,
                                uint64_t number, ward_evidence *ret_evidence, ward_diag *ret_diag)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db,
                           "SELECT document FROM evidence WHERE component = ?1"
                           " AND (?2 = 0 OR number = ?2) ORDER BY run DESC, sequence DESC LIMIT 1",
                           -1, &statement, NULL) != SQLITE_OK)
        return store_fail(db, path, "it can't be read", ret_diag);
    sqlite3_bind_text(statement, 1, component, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)number);
    int code = sqlite3_step(statement);
    ward_error error = WARD_OK;
    if (code == SQLITE_ROW)
        error = evidence_at(statement, path, ret_evidence, ret_diag);
    else if (code == SQLITE_DONE)
        error = wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "%s: there is no %sevidence of `%s`",
                           path, number != 0 ? "such " : "", component);
    else
        error = store_fail(db, path, "it can't be read", ret_diag);
    sqlite3_finalize(statement);
    return error;
}

ward_error wardi_journal_evidence(const char *path, const char *component, uint64_t number,
                                  ward_evidence *ret_evidence, ward_diag *ret_diag)
{
    sqlite3 *db = NULL;
    int version = 0;
    ward_error error = open_current(path, &db, &version, ret_diag);
    if (error == WARD_OK && version == 0)
        error = wardi_fail(ret_diag, WARD_ERROR_NOT_FOUND, "%s: there is no evidence of `%s`", path,
                           component);
    else if (error == WARD_OK)
        error = find_evidence(db, path, component, number, ret_evidence, ret_diag);
    sqlite3_close(db);
    return error;
}
