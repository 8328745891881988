/* What is too old or too much goes, the oldest first, and nothing else. */
#include "kit.h"

#include <sys/stat.h>

#define MIB (UINT64_C(1) << 20)
#define DAY_NS (86400 * WARDI_S)

static uint64_t file_bytes(void)
{
    struct stat status;
    char log[KIT_PATH + 80];
    uint64_t bytes = stat(kit_path, &status) == 0 ? (uint64_t)status.st_size : 0;
    snprintf(log, sizeof log, "%s-wal", kit_path);
    return stat(log, &status) == 0 ? bytes + (uint64_t)status.st_size : bytes;
}

/* Long reasons, so that few of them fill it. */
static void give_long(uint64_t count)
{
    char reason[256];
    memset(reason, 'r', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    for (uint64_t i = 0; i < count; i++) {
        if (i % 512 == 0) kit_wait(kit_status().waiting < 1024);
        ward_event event = kit_event(WARD_EVENT_HEALTH, "api");
        event.reason = reason;
        wardi_journal_take(kit_journal, &event);
    }
}

static void by_size(void **state)
{
    enum { EVENTS = 60000 }; /* some 18 MiB */
    (void)state;
    kit_open_with((wardi_journal_options){.slots = 4096, .bytes_max = 8 * MIB});
    for (int i = 0; i < 6; i++) {
        give_long(EVENTS / 6);
        kit_wait(kit_status().waiting == 0);
        if (file_bytes() > 8 * MIB + MIB / 2) fail_msg("%llu", (unsigned long long)file_bytes());
    }
    assert_true(kit_status().bytes <= 8 * MIB + MIB / 2);
    assert_int_equal(kit_status().lost, 0);
    kit_close();
    int64_t count = kit_number("SELECT count(*) FROM events");
    assert_true(count > 10000 && count < 30000);
    assert_int_equal(kit_number("SELECT max(sequence) FROM events"), EVENTS);
    assert_int_equal(kit_number("SELECT min(sequence) FROM events"), EVENTS - count + 1);
}

static void smaller_than_before(void **state)
{
    (void)state;
    kit_open_with((wardi_journal_options){.slots = 4096, .bytes_max = 32 * MIB});
    give_long(70000);
    kit_close();
    assert_true(file_bytes() > 16 * MIB);
    kit_open_with((wardi_journal_options){.slots = 4096, .bytes_max = 8 * MIB});
    kit_wait(file_bytes() <= 8 * MIB + MIB / 2);
    assert_int_equal(kit_number("SELECT max(sequence) FROM events"), 70000);
}

/* Evidence goes with the event that it is of, and a run with its last event. */
static void all_of_it_goes(void **state)
{
    (void)state;
    kit_open();
    kit_close();
    kit_sql("INSERT INTO evidence VALUES (1, 5, 5, 'api', 1, '{}'), (2, 5000, 5, 'api', 2, '{}');"
            "INSERT INTO runs VALUES (2, 5, NULL, '0');"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
            " INSERT INTO events SELECT 1 + (i > 2500), i, 1000 + i, 1, 'api', '', '', 0, 0, 0, 0,"
            " 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM n;");
    kit_open(); /* all is of 1970; the newest thousand stays */
    kit_wait(kit_number("SELECT count(*) FROM events") <= 1001);
    assert_int_equal(kit_number("SELECT min(sequence) FROM events"), 4001);
    assert_int_equal(kit_number("SELECT count(*) FROM evidence"), 1);
    assert_int_equal(kit_number("SELECT min(run) FROM runs"), 2);
    assert_int_equal(kit_number("SELECT max(run) FROM runs"), 3);
}

/* ---- clocks ---- */

/* Rows of one run with these times, `each` of every one. */
static void fill(store *s, const uint64_t *wall_ns, size_t count, uint64_t each)
{
    sqlite3_stmt *row = s->statements[INSERT_LOST];
    assert_true(store_do(s, BEGIN));
    for (size_t i = 0; i < count * each; i++) {
        sqlite3_bind_int64(row, 1, 1);
        sqlite3_bind_int64(row, 2, (sqlite3_int64)i + 1);
        sqlite3_bind_int64(row, 3, (sqlite3_int64)wall_ns[i / each]);
        sqlite3_bind_int64(row, 4, 1);
        assert_true(store_do(s, INSERT_LOST));
    }
    assert_true(store_do(s, COMMIT));
}

static void open_store(store *s)
{
    ward_diag diag;
    assert_int_equal(store_init(s, kit_path, 64 * MIB, &diag), WARD_OK);
    if (store_open(s, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

/* As often as there is more to do; at most a few thousand rows each time. */
static int64_t age(store *s, uint64_t before_ns, uint64_t now_ns)
{
    bool more = true;
    for (int steps = 0; more; steps++) {
        int64_t count = kit_number("SELECT count(*) FROM events");
        assert_true(steps < 1000);
        assert_true(retain_age(s, before_ns, now_ns, &more));
        assert_true(count - kit_number("SELECT count(*) FROM events") <= 4096);
    }
    return kit_number("SELECT ifnull(min(sequence), 0) FROM events");
}

static void by_age(void **state)
{
    static const uint64_t times[] = {1 * DAY_NS, 2 * DAY_NS, 3 * DAY_NS, 4 * DAY_NS, 5 * DAY_NS};
    store s;
    (void)state;
    open_store(&s);
    fill(&s, times, WARD_COUNT(times), 3000);
    assert_int_equal(age(&s, 1 * DAY_NS, 5 * DAY_NS), 1);
    assert_int_equal(age(&s, 3 * DAY_NS, 5 * DAY_NS), 6001);
    assert_int_equal(age(&s, 4 * DAY_NS, 5 * DAY_NS), 9001);
    assert_int_equal(age(&s, 100 * DAY_NS, 100 * DAY_NS), 14001);
    store_close(&s);
}

/* A clock that was ahead, then set right: what it stamped is no older than what came after it, and
 * does not keep that for ever. One that jumped back takes nothing along that is young. */
static void clocks_that_jump(void **state)
{
    static const uint64_t ahead[] = {1 * DAY_NS, 9000 * DAY_NS, 2 * DAY_NS, 9 * DAY_NS, 9 * DAY_NS};
    static const uint64_t behind[] = {9 * DAY_NS, 1 * DAY_NS, 9 * DAY_NS, 9 * DAY_NS};
    store s;
    (void)state;
    open_store(&s);
    fill(&s, ahead, WARD_COUNT(ahead), 5000);
    assert_int_equal(age(&s, 3 * DAY_NS, 10 * DAY_NS), 15001);
    assert_true(sqlite3_exec(s.db, "DELETE FROM events", NULL, NULL, NULL) == SQLITE_OK);
    fill(&s, behind, WARD_COUNT(behind), 5000);
    assert_int_equal(age(&s, 3 * DAY_NS, 10 * DAY_NS), 1);
    assert_int_equal(kit_number("SELECT count(*) FROM events"), 20000);
    assert_int_equal(age(&s, 9 * DAY_NS + 1, 16 * DAY_NS), 19001);
    store_close(&s);
}

static void the_steady_clock(void **state)
{
    const uint64_t hour = 3600 * WARDI_S;
    steady clock = {0};
    (void)state;
    assert_int_equal(steady_wall_ns(&clock, 50 * DAY_NS, 1), 50 * DAY_NS);
    assert_int_equal(steady_wall_ns(&clock, 50 * DAY_NS + hour, 1 + hour), 50 * DAY_NS + hour);
    /* A jump ahead does not count at once, nor when it is taken back; */
    assert_int_equal(steady_wall_ns(&clock, 900 * DAY_NS, 1 + 2 * hour), 50 * DAY_NS + 2 * hour);
    assert_int_equal(steady_wall_ns(&clock, 50 * DAY_NS + 3 * hour, 1 + 3 * hour),
                     50 * DAY_NS + 3 * hour);
    /* one that lasts does; */
    assert_int_equal(steady_wall_ns(&clock, 900 * DAY_NS, 1 + 4 * hour), 50 * DAY_NS + 4 * hour);
    assert_int_equal(steady_wall_ns(&clock, 900 * DAY_NS + hour, 1 + 5 * hour),
                     900 * DAY_NS + hour);
    /* and one back counts at once: nothing is older by it. */
    assert_int_equal(steady_wall_ns(&clock, 3 * DAY_NS, 1 + 6 * hour), 3 * DAY_NS);
}

/* A reader that never ends must not fill the disk: it is said, and over when it ends. */
static void a_reader_without_an_end(void **state)
{
    sqlite3 *reader = NULL;
    (void)state;
    kit_open_with((wardi_journal_options){.slots = 4096, .bytes_max = 8 * MIB});
    give_long(15000);
    kit_wait(kit_status().waiting == 0);
    assert_int_equal(sqlite3_open(kit_path, &reader), SQLITE_OK);
    sqlite3_busy_timeout(reader, 10000);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM events", NULL, NULL, NULL),
                     SQLITE_OK);
    for (int i = 0; i < 100000 && !kit_status().failing; i++) {
        give_long(kit_status().waiting < 512 ? 1 : 0);
        if (i % 100 == 0) kit_pause();
    }
    kit_wait(kit_status().failing);
    assert_non_null(strstr(kit_status().text, "end that reader"));
    assert_true(file_bytes() < 16 * MIB);
    sqlite3_close(reader);
    kit_wait(!kit_status().failing && kit_status().waiting == 0);
    assert_int_equal(kit_status().lost + kit_status().written, kit_sequence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(by_size),
        KIT_TEST(smaller_than_before),
        KIT_TEST(all_of_it_goes),
        KIT_TEST(by_age),
        KIT_TEST(clocks_that_jump),
        KIT_TEST(the_steady_clock),
        KIT_TEST(a_reader_without_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
