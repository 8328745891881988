/* What is given to a journal is in its file, in order, and says so where it is not. */
#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "record/record.h"

/* ---- events ---- */

static ward_event full_event(ward_event_kind kind)
{
    ward_event event = kit_event(kind, "shop.api");
    event.wall_ns = UINT64_C(1790000000123456789);
    event.from_state = WARD_STATE_READY;
    event.state = WARD_STATE_FAILED;
    event.from_health = WARD_CHILD_DEGRADED;
    event.health = WARD_CHILD_FAILED;
    event.source = WARD_SOURCE_POLICY;
    event.probe_error = WARD_PROBE_PAYLOAD;
    event.ready = event.flapping = event.instance = true;
    event.cause = WARD_CAUSE_START_TIMEOUT;
    event.attempt = UINT32_MAX;
    event.delay_ns = UINT64_MAX;
    event.reason = "over the \xc3\xa4 'edge'";
    event.version = "1.2.3";
    event.evidence = UINT64_MAX;
    return event;
}

/* Every field, by the document that has them all. */
static void assert_same(const ward_event *got, const ward_event *wanted)
{
    json_t *a = wardi_event_json_whole(got), *b = wardi_event_json_whole(wanted);
    char *text = json_dumps(a, 0);
    if (!json_equal(a, b)) fail_msg("%s", text);
    free(text);
    json_decref(a);
    json_decref(b);
}

static void every_kind_comes_back(void **state)
{
    ward_event events[2 * KIT_KINDS];
    (void)state;
    kit_open();
    for (int i = 0; i < KIT_KINDS; i++) {
        events[2 * i] = full_event((ward_event_kind)i);
        events[2 * i + 1] = kit_event((ward_event_kind)i, "");
        wardi_journal_take(kit_journal, &events[2 * i]);
        wardi_journal_take(kit_journal, &events[2 * i + 1]);
    }
    kit_close();
    assert_int_equal(kit_read_all(), 2 * KIT_KINDS);
    for (int i = 0; i < 2 * KIT_KINDS; i++) {
        assert_int_equal(kit_rows[i].run, 1);
        assert_int_equal(kit_rows[i].lost, 0);
        assert_same(&kit_rows[i].event.event, &events[i]);
    }
}

/* It is in the file soon, while the journal is open and others come. */
static void it_is_written_at_once(void **state)
{
    (void)state;
    kit_open();
    for (size_t i = 1; i <= 20; i++) {
        kit_give(WARD_EVENT_READY, "api");
        kit_wait(kit_read_all() == i);
    }
    wardi_journal_status status = kit_status();
    assert_int_equal(status.written, 20);
    assert_int_equal(status.waiting, 0);
    assert_int_equal(status.lost, 0);
    assert_false(status.failing);
    assert_string_equal(status.text, "");
    assert_true(status.bytes > 0);
}

static void runs_follow_each_other(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 3; run++) {
        kit_open();
        assert_int_equal(wardi_journal_run(kit_journal), run);
        kit_sequence = 0;
        kit_give(WARD_EVENT_READY, "api");
        kit_close();
    }
    assert_int_equal(kit_read_all(), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(kit_rows[i].run, i + 1);
        assert_int_equal(kit_rows[i].event.event.sequence, 1);
    }
    assert_int_equal(kit_number("SELECT count(*) FROM runs WHERE ended_wall_ns >= started_wall_ns"),
                     3);
}

/* ---- filters ---- */

static void give_story(void)
{
    static const char *const names[] = {"api", "web.0", "web", "web.10", "web.0.1", "webs"};
    for (size_t i = 0; i < 60; i++) {
        const char *name = names[i % WARD_COUNT(names)];
        ward_event event = kit_event(i % 2 == 0 ? WARD_EVENT_STATE : WARD_EVENT_GROUP_HEALTH, name);
        event.wall_ns = 1000 + i;
        event.instance = strncmp(name, "web.", 4) == 0;
        wardi_journal_take(kit_journal, &event);
    }
}

static void filters(void **state)
{
    (void)state;
    kit_open();
    give_story();
    kit_close();
    assert_int_equal(kit_read((wardi_journal_query){.component = "api"}), 10);
    assert_int_equal(kit_read((wardi_journal_query){.component = "web"}), 30);
    assert_int_equal(kit_read((wardi_journal_query){.component = "web.0"}), 20); /* and web.0.1 */
    assert_int_equal(kit_read((wardi_journal_query){.component = "we"}), 0);
    assert_int_equal(kit_read((wardi_journal_query){.component = "' OR 1 --"}), 0);
    assert_int_equal(kit_read((wardi_journal_query){.kinds = 1u << WARD_EVENT_STATE}), 30);
    assert_int_equal(kit_read((wardi_journal_query){.kinds = 1u << WARD_EVENT_READY}), 0);
    assert_int_equal(
        kit_read((wardi_journal_query){.kinds = 1u << WARD_EVENT_STATE, .component = "web"}), 10);
    assert_int_equal(kit_read((wardi_journal_query){.since_wall_ns = 1010}), 50);
    assert_int_equal(kit_read((wardi_journal_query){.until_wall_ns = 1010}), 10);
    assert_int_equal(kit_read((wardi_journal_query){.since_wall_ns = 1010, .until_wall_ns = 1011}),
                     1);
    assert_int_equal(kit_read((wardi_journal_query){.since_wall_ns = UINT64_MAX}), 0);
    assert_int_equal(kit_read((wardi_journal_query){.until_wall_ns = UINT64_MAX}), 60);
}

static void assert_rows(size_t count, uint64_t first)
{
    assert_int_equal(kit_row_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(kit_rows[i].event.event.sequence, first + i);
}

static void limits_and_places(void **state)
{
    (void)state;
    kit_open();
    give_story();
    kit_close();
    kit_read((wardi_journal_query){.limit = 7});
    assert_rows(7, 1);
    kit_read((wardi_journal_query){.limit = 7, .last = true});
    assert_rows(7, 54);
    kit_read((wardi_journal_query){.limit = 100, .last = true});
    assert_rows(60, 1);
    kit_read((wardi_journal_query){.last = true});
    assert_rows(60, 1);
    kit_read((wardi_journal_query){.after_run = 1, .after_sequence = 20});
    assert_rows(40, 21);
    kit_read((wardi_journal_query){.after_run = 1, .after_sequence = 20, .limit = 5, .last = true});
    assert_rows(5, 56);
    kit_read((wardi_journal_query){.after_run = 1, .after_sequence = 58, .limit = 5, .last = true});
    assert_rows(2, 59);
    kit_read((wardi_journal_query){.after_run = 0, .after_sequence = 999});
    assert_rows(60, 1);
    kit_read((wardi_journal_query){.after_run = 2});
    assert_rows(0, 1);
    kit_read((wardi_journal_query){.component = "api", .limit = 2, .last = true});
    assert_int_equal(kit_row_count, 2);
    assert_int_equal(kit_rows[0].event.event.sequence, 49);
    assert_int_equal(kit_rows[1].event.event.sequence, 55);
    kit_stop_after = 3;
    kit_read_all();
    kit_stop_after = 0;
    assert_rows(3, 1);
}

/* More than is read at a time, and a run in between. */
static void many_are_resumed(void **state)
{
    (void)state;
    kit_open();
    kit_give_many(700, "api");
    kit_close();
    kit_sequence = 0;
    kit_open();
    kit_give_many(700, "api");
    kit_close();
    assert_int_equal(kit_read_all(), 1400);
    assert_int_equal(kit_read((wardi_journal_query){.limit = 511}), 511);
    wardi_journal_query query = {.limit = 100};
    size_t count = 0;
    for (;;) {
        size_t got = kit_read(query);
        if (got == 0) break;
        count += got;
        query.after_run = kit_rows[got - 1].run;
        query.after_sequence = kit_rows[got - 1].event.event.sequence;
    }
    assert_int_equal(count, 1400);
    assert_int_equal(query.after_run, 2);
    assert_int_equal(query.after_sequence, 700);
}

/* A reader that takes its time does not hold up who writes, nor is it told what came later. */
static bool write_more(void *context, const wardi_journal_event *event)
{
    (void)context, (void)event;
    if (kit_row_count++ < 3) {
        uint64_t written = kit_status().written;
        kit_give_many(300, "api");
        kit_wait(kit_status().written == written + 300);
    }
    return true;
}

static void reading_while_it_is_written(void **state)
{
    (void)state;
    kit_open();
    kit_give_many(300, "api");
    kit_wait(kit_status().written == 300);
    wardi_journal_query query = {.path = kit_path, .each = write_more};
    kit_row_count = 0;
    assert_int_equal(wardi_journal_read(&query, NULL), WARD_OK);
    assert_int_equal(kit_row_count, 300);
}

/* ---- evidence ---- */

static uint64_t kept_number;
static unsigned asked;

static ward_error give_evidence(void *context, const char *name, ward_evidence *ret_evidence)
{
    assert_ptr_equal(context, &kept_number);
    asked++;
    if (strcmp(name, "gone") == 0) return WARD_ERROR_NOT_FOUND;
    size_t size = ret_evidence->size;
    *ret_evidence = (ward_evidence){.size = size, .number = kept_number, .cause = WARD_CAUSE_HANG};
    snprintf(ret_evidence->component, sizeof ret_evidence->component, "%s", name);
    wardi_reason_set(&ret_evidence->reason, "it hung");
    return WARD_OK;
}

static void give_end(const char *component, uint64_t number)
{
    ward_event event = kit_event(WARD_EVENT_STATE, component);
    uint64_t written = kit_status().written;
    event.state = WARD_STATE_FAILED;
    event.evidence = number;
    wardi_journal_take(kit_journal, &event);
    kit_wait(kit_status().written == written + 1);
}

static ward_error find(const char *component, uint64_t number, uint64_t *ret_number)
{
    ward_evidence evidence = WARD_INIT(ward_evidence);
    ward_diag diag;
    ward_error error = wardi_journal_evidence(kit_path, component, number, &evidence, &diag);
    if (error == WARD_OK) {
        assert_string_equal(evidence.component, component);
        assert_string_equal(evidence.reason.text, "it hung");
        *ret_number = evidence.number;
    }
    return error;
}

static void evidence_is_kept(void **state)
{
    uint64_t number = 0;
    (void)state;
    asked = 0;
    kit_open_with((wardi_journal_options){
        .slots = 64, .evidence = give_evidence, .evidence_context = &kept_number});
    for (kept_number = 1; kept_number <= 3; kept_number++) give_end("api", kept_number);
    kept_number = 7;
    give_end("web", 7);
    give_end("web", 8); /* it is told of the 7th, and that is none of the 8th */
    give_end("gone", 1);
    kit_give(WARD_EVENT_STATE, "api");
    kit_give(WARD_EVENT_HEALTH, "api");
    kit_close();
    assert_int_equal(asked, 6);
    assert_int_equal(find("api", 0, &number), WARD_OK);
    assert_int_equal(number, 3);
    assert_int_equal(find("api", 2, &number), WARD_OK);
    assert_int_equal(number, 2);
    assert_int_equal(find("api", 4, &number), WARD_ERROR_NOT_FOUND);
    assert_int_equal(find("nobody", 0, &number), WARD_ERROR_NOT_FOUND);
    assert_int_equal(find("web", 7, &number), WARD_OK);
    assert_int_equal(find("web", 8, &number), WARD_ERROR_NOT_FOUND);
    assert_int_equal(find("gone", 1, &number), WARD_ERROR_NOT_FOUND);
    assert_int_equal(kit_number("SELECT count(*) FROM evidence"), 6);
    kit_sql("UPDATE evidence SET document = '{\"event\":7}' WHERE number = 2");
    assert_int_equal(find("api", 2, &number), WARD_ERROR_IO);
    kit_sql("UPDATE evidence SET document = '{' WHERE number = 2");
    assert_int_equal(find("api", 2, &number), WARD_ERROR_IO);
}

/* ---- what is missing ---- */

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool waits; /* the thread does */

/* Holds up the journal's thread: the queue fills meanwhile. */
static ward_error wait_for_test(void *context, const char *name, ward_evidence *ret_evidence)
{
    (void)context, (void)name, (void)ret_evidence;
    atomic_store(&waits, true);
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return WARD_ERROR_NOT_FOUND;
}

static void open_held(uint32_t slots)
{
    pthread_mutex_lock(&held);
    atomic_store(&waits, false);
    kit_open_with((wardi_journal_options){.slots = slots, .evidence = wait_for_test});
    ward_event event = kit_event(WARD_EVENT_STATE, "api");
    event.evidence = 1;
    wardi_journal_take(kit_journal, &event);
    kit_wait(atomic_load(&waits)); /* it is out of the queue */
    for (uint32_t i = 0; i < slots; i++) kit_give(WARD_EVENT_HEALTH, "api");
}

static void what_is_lost_is_counted(void **state)
{
    (void)state;
    open_held(64);
    for (int i = 0; i < 100; i++) kit_give(WARD_EVENT_HEALTH, "api");
    assert_int_equal(kit_status().lost, 100);
    assert_int_equal(kit_status().waiting, 65);
    pthread_mutex_unlock(&held);
    kit_wait(kit_status().written == 65);
    kit_wait(kit_read_all() == 66); /* at the end, before anything follows */
    assert_int_equal(kit_rows[65].lost, 100);
    assert_int_equal(kit_rows[65].event.event.sequence, 66);
    kit_give(WARD_EVENT_HEALTH, "api");
    kit_close();
    assert_int_equal(kit_read_all(), 67);
    assert_int_equal(kit_rows[66].event.event.sequence, 166);
    assert_int_equal(kit_rows[66].lost, 0);
    assert_int_equal(kit_number("SELECT lost FROM log WHERE kind = 'lost'"), 100);
}

/* In the sequence itself, as when there was no memory for an event. */
static void gaps_are_told(void **state)
{
    (void)state;
    kit_open();
    kit_give(WARD_EVENT_READY, "api");
    kit_sequence += 41;
    kit_give(WARD_EVENT_READY, "api");
    kit_sequence = 10; /* what does not ascend is none that could be placed */
    kit_give(WARD_EVENT_READY, "api");
    kit_sequence = 43;
    kit_give(WARD_EVENT_READY, "web");
    kit_wait(kit_status().written == 3);
    assert_int_equal(kit_status().lost, 42);
    assert_int_equal(kit_status().waiting, 0);
    kit_close();
    assert_int_equal(kit_read_all(), 4);
    assert_int_equal(kit_rows[1].lost, 41);
    assert_int_equal(kit_rows[1].event.event.sequence, 2);
    assert_int_equal(kit_rows[3].event.event.sequence, 44);
    /* Whoever asks for one component is told that some of it may be missing. */
    assert_int_equal(kit_read((wardi_journal_query){.component = "web"}), 2);
    assert_int_equal(kit_rows[0].lost, 41);
}

/* ---- life ---- */

static void closing_writes_all(void **state)
{
    (void)state;
    kit_open_with((wardi_journal_options){.slots = 8192});
    for (int i = 0; i < 8000; i++) kit_give(WARD_EVENT_HEALTH, "api");
    kit_close();
    assert_int_equal(kit_read_all(), 8000);
    assert_true(wardi_journal_close(NULL, 0));
}

/* The disk, or here another process's transaction, holds its thread up for longer than there is
 * time: it ends and frees what is left when it is let go, and gives the file back. */
static void closing_does_not_wait(void **state)
{
    sqlite3 *other = NULL;
    wardi_journal *journal;
    (void)state;
    kit_open();
    assert_int_equal(sqlite3_open(kit_path, &other), SQLITE_OK);
    sqlite3_busy_timeout(other, 10000);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 10; i++) kit_give(WARD_EVENT_HEALTH, "api");
    journal = kit_journal;
    kit_journal = NULL;
    assert_false(wardi_journal_close(journal, 0));
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    wardi_journal_options options = {.path = kit_path, .slots = 64};
    kit_wait(wardi_journal_open(&options, &kit_journal, NULL) == WARD_OK);
    assert_int_equal(wardi_journal_run(kit_journal), 2);
}

static void permissions(void **state)
{
    struct stat status;
    char path[KIT_PATH + 80];
    static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-lock"};
    (void)state;
    kit_open();
    kit_give(WARD_EVENT_READY, "api");
    kit_wait(kit_status().written == 1);
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/state/%s", kit_directory, names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    snprintf(path, sizeof path, "%s/state", kit_directory);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void one_writer(void **state)
{
    char words[64];
    (void)state;
    kit_open();
    snprintf(words, sizeof words, "process %d writes it already", (int)getpid());
    kit_refused(kit_path, WARD_ERROR_STATE, words);
    pid_t other = fork();
    if (other == 0) {
        wardi_journal *journal;
        ward_diag diag;
        wardi_journal_options options = {.path = kit_path, .slots = 64};
        ward_error error = wardi_journal_open(&options, &journal, &diag);
        _exit(error == WARD_ERROR_STATE && strstr(diag.text, words) != NULL ? 0 : 1);
    }
    int result;
    assert_int_equal(waitpid(other, &result, 0), other);
    assert_int_equal(result, 0);
    kit_give(WARD_EVENT_READY, "api");
    kit_close();
    kit_open();
    assert_int_equal(wardi_journal_run(kit_journal), 2);
}

static void bad_paths(void **state)
{
    char path[KIT_PATH + 80], long_path[JOURNAL_PATH_BYTES + 10];
    (void)state;
    kit_refused("", WARD_ERROR_INVALID_ARGUMENT, "no byte");
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    kit_refused(long_path, WARD_ERROR_INVALID_ARGUMENT, "too many bytes");
    snprintf(path, sizeof path, "%s/a/b/journal.db", kit_directory);
    kit_refused(path, WARD_ERROR_IO, "/a/b can't be made: No such file or directory");
    kit_refused("/dev/null/journal.db", WARD_ERROR_IO, "Not a directory");
    kit_refused("/proc/journal.db", WARD_ERROR_IO, "can't be opened: ");
    snprintf(path, sizeof path, "%s", kit_directory);
    kit_refused(path, WARD_ERROR_IO, "");
}

static void reading_what_is_not_there(void **state)
{
    ward_diag diag;
    uint64_t number;
    wardi_journal_query query = {.path = kit_path, .each = kit_take_row};
    (void)state;
    assert_int_equal(wardi_journal_read(&query, &diag), WARD_ERROR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "there is no journal"));
    assert_int_equal(find("api", 0, &number), WARD_ERROR_NOT_FOUND);
    kit_make_directory();
    fclose(fopen(kit_path, "w")); /* as it is for a moment when it is made */
    assert_int_equal(kit_read_all(), 0);
    assert_int_equal(find("api", 0, &number), WARD_ERROR_NOT_FOUND);
}

/* Numbers that no Ward writes are damage, and are said to be. */
static void damaged_rows(void **state)
{
    static const char *const columns[] = {"kind",   "from_state", "state", "from_health",
                                          "health", "source",     "cause", "probe_error"};
    (void)state;
    kit_open();
    kit_give(WARD_EVENT_READY, "api");
    kit_close();
    for (size_t i = 0; i < WARD_COUNT(columns); i++) {
        char sql[128];
        ward_diag diag;
        wardi_journal_query query = {.path = kit_path, .each = kit_take_row};
        snprintf(sql, sizeof sql, "UPDATE events SET %s = 4294967296", columns[i]);
        kit_sql(sql);
        assert_int_equal(wardi_journal_read(&query, &diag), WARD_ERROR_IO);
        assert_non_null(strstr(diag.text, "event 1 of run 1 is none that Ward wrote"));
        snprintf(sql, sizeof sql, "UPDATE events SET %s = 0", columns[i]);
        kit_sql(sql);
        assert_int_equal(kit_read_all(), 1);
    }
}

/* ---- no memory ---- */

static int allocations_left;

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    return allocations_left-- > 0;
}

static void without_memory(void **state)
{
    (void)state;
    kit_make_directory();
    for (int allowed = 0; kit_journal == NULL; allowed++) {
        ward_diag diag = {0};
        wardi_journal_options options = {.path = kit_path, .slots = 64};
        assert_true(allowed < 16);
        allocations_left = allowed;
        wardi_alloc_gate_set(gate, NULL);
        ward_error error = wardi_journal_open(&options, &kit_journal, &diag);
        wardi_alloc_gate_set(NULL, NULL);
        if (error == WARD_OK) break;
        assert_int_equal(error, WARD_ERROR_NO_MEMORY);
        assert_int_equal(diag.error, WARD_ERROR_NO_MEMORY);
    }
    allocations_left = 0;
    wardi_journal_query query = {.path = kit_path, .each = kit_take_row};
    wardi_alloc_gate_set(gate, NULL);
    ward_error error = wardi_journal_read(&query, NULL);
    wardi_alloc_gate_set(NULL, NULL);
    assert_int_equal(error, WARD_ERROR_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(every_kind_comes_back),
        KIT_TEST(it_is_written_at_once),
        KIT_TEST(runs_follow_each_other),
        KIT_TEST(filters),
        KIT_TEST(limits_and_places),
        KIT_TEST(many_are_resumed),
        KIT_TEST(reading_while_it_is_written),
        KIT_TEST(evidence_is_kept),
        KIT_TEST(what_is_lost_is_counted),
        KIT_TEST(gaps_are_told),
        KIT_TEST(closing_writes_all),
        KIT_TEST(closing_does_not_wait),
        KIT_TEST(permissions),
        KIT_TEST(one_writer),
        KIT_TEST(bad_paths),
        KIT_TEST(reading_what_is_not_there),
        KIT_TEST(damaged_rows),
        KIT_TEST(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
