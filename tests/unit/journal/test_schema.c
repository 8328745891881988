/* Files of other versions, of other programs, and of no program at all. */
#include "kit.h"

/* The file that version 1 wrote stays readable, and is what migrations begin with. */
static void load_version_1(void)
{
    static char sql[64 * 1024];
    FILE *file = fopen(TEST_DIR "/unit/journal/version_1.sql", "r");
    assert_non_null(file);
    size_t length = fread(sql, 1, sizeof sql - 1, file);
    assert_true(length > 0 && length < sizeof sql - 1);
    sql[length] = '\0';
    fclose(file);
    kit_make_directory();
    kit_sql(sql);
}

static void version_1_goes_on(void **state)
{
    ward_evidence evidence = WARD_INIT(ward_evidence);
    (void)state;
    load_version_1();
    kit_open();
    assert_int_equal(wardi_journal_run(kit_journal), 3);
    kit_give(WARD_EVENT_READY, "api");
    kit_close();
    assert_int_equal(kit_read_all(), 5);
    assert_string_equal(kit_rows[1].event.component, "shop.api");
    assert_int_equal(kit_rows[1].event.event.cause, WARD_CAUSE_HANG);
    assert_int_equal(kit_rows[2].lost, 17);
    assert_int_equal(kit_rows[4].run, 3);
    assert_int_equal(wardi_journal_evidence(kit_path, "shop.api", 0, &evidence, NULL), WARD_OK);
    assert_int_equal(evidence.number, 2);
    assert_int_equal(kit_number("PRAGMA user_version"), schema_version);
}

/* ---- steps that do not exist yet ---- */

static ward_error migrate(const char *const *steps, int count, ward_diag *ret_diag)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(kit_path, &db), SQLITE_OK);
    ward_error error = schema_migrate(db, kit_path, steps, count, ret_diag);
    assert_true(sqlite3_get_autocommit(db));
    sqlite3_close(db);
    return error;
}

static void steps_are_taken_in_order(void **state)
{
    const char *const steps[] = {
        schema_steps[0],
        "ALTER TABLE runs ADD COLUMN host TEXT NOT NULL DEFAULT 'here'",
        "UPDATE runs SET host = host || run; CREATE TABLE more (x)",
    };
    ward_diag diag;
    (void)state;
    load_version_1();
    assert_int_equal(migrate(steps, 3, &diag), WARD_OK);
    assert_int_equal(kit_number("PRAGMA user_version"), 3);
    assert_int_equal(kit_number("SELECT count(*) FROM runs WHERE host = 'here' || run"), 2);
    assert_int_equal(migrate(steps, 3, &diag), WARD_OK); /* and none twice */
    /* This Ward is older than that file now. */
    kit_refused(kit_path, WARD_ERROR_STATE, "its schema is version 3, of a newer Ward");
    wardi_journal_query query = {.path = kit_path, .each = kit_take_row};
    assert_int_equal(wardi_journal_read(&query, &diag), WARD_ERROR_STATE);
    assert_non_null(strstr(diag.text, "this one knows versions up to 1"));
    assert_int_equal(kit_number("SELECT count(*) FROM more"), 0); /* untouched */
}

/* The step before it stays, and of the one that fails nothing. */
static void a_step_that_fails(void **state)
{
    const char *const steps[] = {
        schema_steps[0],
        "CREATE TABLE more (x)",
        "CREATE TABLE most (x); INSERT INTO nowhere VALUES (1)",
    };
    ward_diag diag;
    (void)state;
    load_version_1();
    assert_int_equal(migrate(steps, 3, &diag), WARD_ERROR_IO);
    assert_non_null(strstr(diag.text, "can't be brought up to date: no such table: nowhere"));
    assert_int_equal(kit_number("PRAGMA user_version"), 2);
    assert_int_equal(kit_number("SELECT count(*) FROM sqlite_master WHERE name = 'more'"), 1);
    assert_int_equal(kit_number("SELECT count(*) FROM sqlite_master WHERE name = 'most'"), 0);
    assert_int_equal(kit_number("SELECT count(*) FROM events"), 4);
}

/* ---- what is no journal ---- */

static void of_another_program(void **state)
{
    (void)state;
    kit_make_directory();
    kit_sql("CREATE TABLE songs (title)");
    kit_refused(kit_path, WARD_ERROR_STATE, "of another program");
    kit_sql("PRAGMA user_version = 1");
    kit_refused(kit_path, WARD_ERROR_STATE, "of another program");
    assert_int_equal(kit_number("SELECT count(*) FROM songs"), 0);
    wardi_journal_query query = {.path = kit_path, .each = kit_take_row};
    assert_int_equal(wardi_journal_read(&query, NULL), WARD_ERROR_STATE);
}

static void no_database(void **state)
{
    (void)state;
    kit_make_directory();
    FILE *file = fopen(kit_path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) fputs("this is a letter to my mother\n", file);
    fclose(file);
    kit_refused(kit_path, WARD_ERROR_IO, "move it away, and a new one is begun");
    wardi_journal_query query = {.path = kit_path, .each = kit_take_row};
    assert_int_equal(wardi_journal_read(&query, NULL), WARD_ERROR_IO);
}

/* The names in the file are those of this Ward, whichever wrote it. */
static void names_are_kept_current(void **state)
{
    (void)state;
    kit_open();
    kit_give(WARD_EVENT_GROUP_HEALTH, "api");
    kit_close();
    kit_sql("UPDATE vocabulary SET name = 'old' WHERE of = 'kind';"
            "DELETE FROM vocabulary WHERE of = 'cause'");
    kit_open();
    kit_close();
    assert_int_equal(kit_number("SELECT count(*) FROM vocabulary WHERE name = 'old'"), 0);
    assert_int_equal(kit_number("SELECT count(*) FROM vocabulary WHERE of = 'cause'"),
                     WARD_CAUSE_COUNT);
    assert_int_equal(kit_number("SELECT count(*) FROM log WHERE kind = 'group_health' AND"
                                " state = 'creating' AND health = 'healthy' AND cause = 'none'"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(version_1_goes_on), KIT_TEST(steps_are_taken_in_order),
        KIT_TEST(a_step_that_fails), KIT_TEST(of_another_program),
        KIT_TEST(no_database),       KIT_TEST(names_are_kept_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
