/* Evidence as JSON, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit.h"

static ward_evidence evidence, got;

static int set_up(void **state)
{
    (void)state;
    kit_evidence(&evidence);
    memset(&got, 0, sizeof got);
    got.size = sizeof got;
    return 0;
}

static json_t *through_bytes(json_t *document)
{
    assert_non_null(document);
    char *bytes = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    json_t *read = json_loads(bytes, JSON_ALLOW_NUL, NULL);
    assert_non_null(read);
    free(bytes);
    return read;
}

/* A message that is not over has no outcome yet. */
static void forget_outcomes(ward_evidence *of)
{
    for (size_t i = 0; i < WARD_EVIDENCE_MESSAGES; i++)
        if (!of->messages[i].over) of->messages[i].outcome = WARD_OK;
}

static void comes_back_whole(void **state)
{
    ward_diag diag;
    (void)state;
    forget_outcomes(&evidence);
    json_t *document = through_bytes(wardi_evidence_json_whole(&evidence));
    if (wardi_evidence_of_json(document, &got, &diag) != WARD_OK) fail_msg("%s", diag.text);
    assert_memory_equal(&got, &evidence, sizeof got);
    json_decref(document);
    memset(&evidence, 0, sizeof evidence);
    evidence.size = sizeof evidence;
    document = through_bytes(wardi_evidence_json_whole(&evidence));
    assert_int_equal(wardi_evidence_of_json(document, &got, NULL), WARD_OK);
    assert_memory_equal(&got, &evidence, sizeof got);
    json_decref(document);
}

static void the_plain_form_is_read_too(void **state)
{
    (void)state;
    json_t *document = through_bytes(wardi_evidence_json(&evidence));
    assert_null(json_object_get(document, "version"));
    assert_null(json_object_get(document, "wall_ns"));
    assert_int_equal(wardi_evidence_of_json(document, &got, NULL), WARD_OK);
    assert_int_equal(got.wall_ns, evidence.wall_ns / 1000 * 1000);
    assert_int_equal(got.trap.frame_count, WARD_FRAMES_MAX);
    assert_int_equal(got.trap.frames[1].module_offset, 1001);
    assert_int_equal(got.messages[31].correlation, UINT64_MAX - 31);
    assert_int_equal(got.core_dump_diag.error, WARD_ERROR_IO);
    assert_string_equal(got.core_dump_diag.text, "no room");
    json_decref(document);
}

static void an_older_caller(void **state)
{
    (void)state;
    json_t *document = wardi_evidence_json_whole(&evidence);
    got.size = offsetof(ward_evidence, version);
    assert_int_equal(wardi_evidence_of_json(document, &got, NULL), WARD_OK);
    assert_int_equal(got.size, offsetof(ward_evidence, version));
    assert_int_equal(got.number, 3);
    assert_string_equal(got.component, "shop.api");
    assert_string_equal(got.version, "");
    assert_int_equal(got.message_count, 0);
    json_decref(document);
}

/* What a hostile file or server can send: each change alone makes it no evidence. */
static void others_are_refused(void **state)
{
    static const struct {
        const char *path, *value, *words;
    } cases[] = {
        {"event", "\"state\"", "`event` is not a name that this version of Ward knows"},
        {"number", "1.5", "`number` is not a whole number"},
        {"component", "7", "`component` is not a text"},
        {"cause", "\"fate\"", "`cause` is not a name that this version of Ward knows"},
        {"reason", "{}", "`reason` is not a text"},
        {"state", "null", "`state` is not there"},
        {"trap", "[]", "`trap.error` is not there"},
        {"trap", "{\"error\":\"trap\",\"cause\":\"\",\"export\":\"\",\"backtrace\":7}",
         "`trap.backtrace` is not a list of at most 24"},
        {"trap", "{\"error\":\"trap\",\"cause\":\"\",\"export\":\"\",\"backtrace\":[null]}",
         "`trap.backtrace[0].function` is not there"},
        {"trap",
         "{\"error\":\"trap\",\"cause\":\"\",\"export\":\"\",\"exit_code\":2147483648,"
         "\"backtrace\":[]}",
         "`trap.exit_code` is not a whole number from -2147483648 to 2147483647"},
        {"messages_waiting", "-1", "`messages_waiting` is not a whole number from 0 to 4294967295"},
        {"messages", "[1]", "`messages[0].time` is not there"},
        {"log", "{}", "`log` is not a list of at most 16"},
        {"changes", "[{\"time\":\"2026-11-30T12:00:00.000001Z\",\"of\":\"luck\"}]",
         "`changes[0].of` is not a name that this version of Ward knows"},
        {"changes",
         "[{\"time\":\"2026-11-30T12:00:00.000001Z\",\"of\":\"health\",\"from\":\"creating\"}]",
         "`changes[0].from` is not a name that this version of Ward knows"},
        {"core_dump", "false", "`core_dump` is not a text"},
        {"reason_cut", "0", "`reason_cut` is not true or false"},
    };
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        ward_diag diag;
        char wanted[160];
        json_t *document = wardi_evidence_json_whole(&evidence);
        json_object_set_new(document, cases[i].path,
                            json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
        assert_int_equal(wardi_evidence_of_json(document, &got, &diag),
                         WARD_ERROR_INVALID_ARGUMENT);
        snprintf(wanted, sizeof wanted, "evidence: %s", cases[i].words);
        assert_string_equal(diag.text, wanted);
        json_decref(document);
    }
    assert_int_equal(got.number, 0); /* untouched by them all */
}

static void more_than_there_is_room_for(void **state)
{
    static const char *const lists[] = {"messages", "log", "changes"};
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(lists); i++) {
        json_t *document = wardi_evidence_json_whole(&evidence);
        json_t *list = json_object_get(document, lists[i]);
        json_array_append(list, json_array_get(list, 0));
        assert_int_equal(wardi_evidence_of_json(document, &got, NULL), WARD_ERROR_INVALID_ARGUMENT);
        json_decref(document);
    }
    json_t *document = wardi_evidence_json_whole(&evidence);
    char *text = malloc(100001);
    memset(text, 'x', 100000);
    text[100000] = '\0';
    json_object_set_new(document, "reason", json_string(text));
    json_object_set_new(document, "version", json_string(text));
    free(text);
    assert_int_equal(wardi_evidence_of_json(document, &got, NULL), WARD_OK);
    assert_int_equal(got.reason.length, WARD_REASON_BYTES_MAX);
    assert_int_equal(strlen(got.version), sizeof got.version - 1);
    json_decref(document);
}

/* Every key of the plain form is needed but those that may be null, and one that is
 * younger than what journals may hold. */
static void missing_keys(void **state)
{
    static const char *const optional[] = {"trap", "core_dump", "core_dump_error", "detected_ns"};
    (void)state;
    json_t *document = wardi_evidence_json(&evidence);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(document, next, key, value)
    {
        json_t *copy = json_copy(document);
        ward_error wanted = WARD_ERROR_INVALID_ARGUMENT;
        for (size_t i = 0; i < WARD_COUNT(optional); i++)
            if (strcmp(key, optional[i]) == 0) wanted = WARD_OK;
        json_object_del(copy, key);
        if (wardi_evidence_of_json(copy, &got, NULL) != wanted) fail_msg("%s", key);
        json_decref(copy);
    }
    json_decref(document);
}

/* A name may be cut inside a character, and a line of JSON must come out all the same. */
static void names_that_are_cut(void **state)
{
    (void)state;
    strcpy(evidence.trap.export_name, "a\xc3");
    strcpy(evidence.trap.frames[0].function, "\xe2\x82");
    json_t *trap = wardi_trap_json(&evidence.trap);
    assert_non_null(trap);
    assert_string_equal(json_string_value(json_object_get(trap, "export")), "a\xef\xbf\xbd");
    json_decref(trap);
    evidence.trap.error = WARD_OK;
    trap = wardi_trap_json(&evidence.trap);
    assert_true(json_is_null(trap));
    json_decref(trap);
}

static void what_is_missing(void **state)
{
    ward_event event = kit_event(WARD_EVENT_STATE);
    (void)state;
    event.evidence = 4;
    json_t *document = wardi_evidence_json_missing(&event, "it made way");
    char *bytes = json_dumps(document, JSON_COMPACT);
    assert_string_equal(bytes, "{\"time\":\"2026-09-21T14:13:20.123456Z\",\"event\":"
                               "\"evidence_lost\",\"component\":\"shop.api\",\"number\":4,"
                               "\"reason\":\"it made way\"}");
    assert_int_equal(wardi_evidence_of_json(document, &got, NULL), WARD_ERROR_INVALID_ARGUMENT);
    free(bytes);
    json_decref(document);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(comes_back_whole),
        TEST(the_plain_form_is_read_too),
        TEST(an_older_caller),
        TEST(others_are_refused),
        TEST(more_than_there_is_room_for),
        TEST(missing_keys),
        TEST(names_that_are_cut),
        TEST(what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
