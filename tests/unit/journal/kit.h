/* A journal in a directory of its own, and what its tests ask of it. Header only, because each test
 * is one file. */
#ifndef WARD_TESTS_JOURNAL_KIT_H
#define WARD_TESTS_JOURNAL_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/journal_priv.h"

enum { KIT_PATH = 512, KIT_SECONDS = 60, KIT_KINDS = WARD_EVENT_KIND_COUNT };

static char kit_directory[KIT_PATH], kit_path[KIT_PATH + 64];
static wardi_journal *kit_journal;
static uint64_t kit_sequence;

static inline int kit_set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(kit_directory, sizeof kit_directory, "%s/ward-journal-XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(kit_directory) == NULL) return -1;
    snprintf(kit_path, sizeof kit_path, "%s/state/journal.db", kit_directory);
    kit_sequence = 0;
    kit_journal = NULL;
    return 0;
}

static inline int kit_tear_down(void **state)
{
    char command[2 * KIT_PATH + 32];
    (void)state;
    wardi_journal_close(kit_journal, WARDI_S);
    snprintf(command, sizeof command, "rm -rf '%s' '%s-lock'", kit_directory, kit_directory);
    return system(command);
}

static inline void kit_open_with(wardi_journal_options options)
{
    ward_diag diag;
    options.path = kit_path;
    if (wardi_journal_open(&options, &kit_journal, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static inline void kit_open(void)
{
    kit_open_with((wardi_journal_options){.slots = 1024});
}

static inline void kit_close(void)
{
    wardi_journal *journal = kit_journal;
    kit_journal = NULL;
    assert_true(wardi_journal_close(journal, KIT_SECONDS * WARDI_S));
}

static inline ward_event kit_event(ward_event_kind kind, const char *component)
{
    return (ward_event){.size = sizeof(ward_event),
                        .kind = kind,
                        .sequence = ++kit_sequence,
                        .wall_ns = wardi_wall_ns(),
                        .component = component,
                        .reason = "why",
                        .version = "1"};
}

static inline void kit_give(ward_event_kind kind, const char *component)
{
    ward_event event = kit_event(kind, component);
    wardi_journal_take(kit_journal, &event);
}

static inline wardi_journal_status kit_status(void)
{
    wardi_journal_status status;
    wardi_journal_status_get(kit_journal, &status);
    return status;
}

static inline void kit_pause(void)
{
    struct timespec span = {.tv_nsec = 1000000};
    nanosleep(&span, NULL);
}

/** Until the condition holds; a minute is long enough for any machine. */
#define kit_wait(condition)                                                                        \
    do {                                                                                           \
        uint64_t kit_until = wardi_now_ns() + KIT_SECONDS * WARDI_S;                               \
        while (!(condition)) {                                                                     \
            if (wardi_now_ns() > kit_until) fail_msg("never: %s", #condition);                     \
            kit_pause();                                                                           \
        }                                                                                          \
    } while (0)

static inline void kit_give_many(uint64_t count, const char *component)
{
    for (uint64_t i = 0; i < count; i++) {
        if (i % 256 == 0) kit_wait(kit_status().waiting < 256);
        kit_give(WARD_EVENT_HEALTH, component);
    }
}

/* ---- reading ---- */

enum { KIT_ROWS = 512 };

typedef struct kit_row {
    uint64_t run, lost;
    wardi_feed_event event;
} kit_row;

static kit_row kit_rows[KIT_ROWS];
static size_t kit_row_count;
static uint64_t kit_stop_after;

static inline bool kit_take_row(void *context, const wardi_journal_event *event)
{
    (void)context;
    if (kit_row_count < KIT_ROWS) {
        kit_row *row = &kit_rows[kit_row_count];
        ward_event copy = event->event;
        row->run = event->run;
        row->lost = event->lost;
        wardi_feed_event_fill(&row->event, &copy);
    }
    kit_row_count++;
    return kit_stop_after == 0 || kit_row_count < kit_stop_after;
}

static inline size_t kit_read(wardi_journal_query query)
{
    ward_diag diag;
    kit_row_count = 0;
    query.path = kit_path;
    query.each = kit_take_row;
    if (wardi_journal_read(&query, &diag) != WARD_OK) fail_msg("%s", diag.text);
    return kit_row_count;
}

static inline size_t kit_read_all(void)
{
    return kit_read((wardi_journal_query){0});
}

/* ---- the file itself ---- */

static inline void kit_sql(const char *sql)
{
    sqlite3 *db = NULL;
    char *words = NULL;
    assert_int_equal(sqlite3_open(kit_path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK) fail_msg("%s", words);
    sqlite3_close(db);
}

static inline int64_t kit_number(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(kit_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

static inline void kit_make_directory(void)
{
    char command[KIT_PATH + 32];
    snprintf(command, sizeof command, "mkdir -p '%s/state'", kit_directory);
    assert_int_equal(system(command), 0);
}

/** Opening is refused with this error, and words that have all of `words`. */
static inline void kit_refused(const char *path, ward_error error, const char *words)
{
    ward_diag diag = {0};
    wardi_journal *journal = NULL;
    wardi_journal_options options = {.path = path, .slots = 64};
    assert_int_equal(wardi_journal_open(&options, &journal, &diag), error);
    assert_null(journal);
    assert_int_equal(diag.error, error);
    if (strstr(diag.text, words) == NULL) fail_msg("no \"%s\" in: %s", words, diag.text);
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

#endif
