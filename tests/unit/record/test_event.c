/* Events as JSON, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit.h"

static void assert_alike(const ward_event *got, const ward_event *wanted)
{
    assert_int_equal(got->size, sizeof *got);
    assert_int_equal(got->kind, wanted->kind);
    assert_int_equal(got->sequence, wanted->sequence);
    assert_int_equal(got->wall_ns, wanted->wall_ns);
    assert_string_equal(got->component, wanted->component);
    assert_int_equal(got->from_state, wanted->from_state);
    assert_int_equal(got->state, wanted->state);
    assert_int_equal(got->from_health, wanted->from_health);
    assert_int_equal(got->health, wanted->health);
    assert_int_equal(got->source, wanted->source);
    assert_int_equal(got->probe_error, wanted->probe_error);
    assert_int_equal(got->ready, wanted->ready);
    assert_int_equal(got->flapping, wanted->flapping);
    assert_int_equal(got->cause, wanted->cause);
    assert_int_equal(got->attempt, wanted->attempt);
    assert_int_equal(got->delay_ns, wanted->delay_ns);
    assert_string_equal(got->reason, wanted->reason);
    assert_string_equal(got->version, wanted->version);
    assert_int_equal(got->instance, wanted->instance);
    assert_int_equal(got->evidence, wanted->evidence);
}

/* Through bytes, as over a socket. */
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

static void assert_comes_back(const ward_event *event)
{
    ward_event got;
    ward_diag diag;
    json_t *document = through_bytes(wardi_event_json_whole(event));
    if (wardi_event_of_json(document, &got, &diag) != WARD_OK) fail_msg("%s", diag.text);
    assert_alike(&got, event);
    json_decref(document);
}

static void every_kind_comes_back_whole(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIT_EVENT_KINDS; kind++) {
        ward_event event = kit_event((ward_event_kind)kind);
        assert_string_not_equal(ward_event_kind_name(event.kind), "unknown");
        assert_comes_back(&event);
        event = (ward_event){.kind = (ward_event_kind)kind,
                             .component = "",
                             .reason = "",
                             .version = "",
                             .wall_ns = 1};
        assert_comes_back(&event);
    }
    assert_string_equal(ward_event_kind_name((ward_event_kind)KIT_EVENT_KINDS), "unknown");
}

/* The whole form is the plain one, and more behind it. */
static void the_whole_begins_as_the_plain(void **state)
{
    (void)state;
    for (int kind = 0; kind < KIT_EVENT_KINDS; kind++) {
        ward_event event = kit_event((ward_event_kind)kind);
        json_t *plain = wardi_event_json(&event), *whole = wardi_event_json_whole(&event);
        char *few = json_dumps(plain, JSON_COMPACT), *many = json_dumps(whole, JSON_COMPACT);
        assert_memory_equal(few, many, strlen(few) - 1);
        free(few);
        free(many);
        json_decref(plain);
        json_decref(whole);
    }
}

/* What is printed: scripts read it, byte for byte. */
static void plain_forms(void **state)
{
    static const char *const wanted[KIT_EVENT_KINDS] = {
        [WARD_EVENT_STATE] = "\"event\":\"state\",\"component\":\"api\",\"from\":\"ready\",\"to\":"
                             "\"failed\",\"version\":\"2\",\"cause\":\"crash\",\"evidence\":5,"
                             "\"reason\":\"why\"}",
        [WARD_EVENT_HEALTH] =
            "\"event\":\"health\",\"component\":\"api\",\"from\":\"degraded\",\"to\":\"failed\","
            "\"source\":\"policy\",\"probe_error\":\"payload\",\"reason\":\"why\"}",
        [WARD_EVENT_READY] =
            "\"event\":\"ready\",\"component\":\"api\",\"ready\":true,\"reason\":\"why\"}",
        [WARD_EVENT_RESTART] = "\"event\":\"restart\",\"component\":\"api\",\"cause\":\"crash\","
                               "\"attempt\":2,\"delay_ns\":9,\"reason\":\"why\"}",
        [WARD_EVENT_GIVEN_UP] = "\"event\":\"given_up\",\"component\":\"api\",\"cause\":\"crash\","
                                "\"reason\":\"why\"}",
        [WARD_EVENT_FLAPPING] = "\"event\":\"flapping\",\"component\":\"api\",\"flapping\":true}",
        [WARD_EVENT_STOPPED] = "\"event\":\"stopped\",\"component\":\"api\"}",
        [WARD_EVENT_GROUP] = "\"event\":\"group\",\"group\":\"api\",\"to\":\"why\",\"cause\":"
                             "\"crash\",\"delay_ns\":9}",
        [WARD_EVENT_SET_ASIDE] =
            "\"event\":\"set_aside\",\"component\":\"api\",\"reason\":\"why\"}",
        [WARD_EVENT_DENIED] = "\"event\":\"denied\",\"component\":\"api\",\"reason\":\"why\"}",
        [WARD_EVENT_GROUP_HEALTH] = "\"event\":\"group_health\",\"group\":\"api\",\"from\":"
                                    "\"degraded\",\"to\":\"failed\",\"ready\":true,\"reason\":"
                                    "\"why\"}",
        [WARD_EVENT_OPERATOR] = "\"event\":\"operator\",\"component\":\"api\",\"reason\":\"why\"}",
        [WARD_EVENT_ADDED] = "\"event\":\"added\",\"component\":\"api\",\"reason\":\"why\"}",
        [WARD_EVENT_REMOVED] = "\"event\":\"removed\",\"component\":\"api\",\"reason\":\"why\"}",
        [WARD_EVENT_MISSING] = "\"event\":\"missing\",\"component\":\"api\",\"reason\":\"why\"}",
    };
    static const char head[] = "{\"time\":\"2026-09-21T14:13:20.123456Z\",\"sequence\":7,";
    (void)state;
    for (int kind = 0; kind < KIT_EVENT_KINDS; kind++) {
        ward_event event = kit_event((ward_event_kind)kind);
        event.component = "api";
        event.version = "2";
        event.reason = "why";
        event.evidence = 5;
        event.cause = WARD_CAUSE_CRASH;
        event.attempt = 2;
        event.delay_ns = 9;
        json_t *document = wardi_event_json(&event);
        char *bytes = json_dumps(document, JSON_COMPACT);
        assert_memory_equal(bytes, head, sizeof head - 1);
        assert_string_equal(bytes + sizeof head - 1, wanted[kind]);
        free(bytes);
        json_decref(document);
    }
}

/* What the plain form says is read; times to the microsecond. */
static void the_plain_form_is_read_too(void **state)
{
    ward_event got, event = kit_event(WARD_EVENT_HEALTH);
    (void)state;
    json_t *document = through_bytes(wardi_event_json(&event));
    assert_int_equal(wardi_event_of_json(document, &got, NULL), WARD_OK);
    ward_event wanted = {.kind = WARD_EVENT_HEALTH,
                         .sequence = 7,
                         .wall_ns = event.wall_ns / 1000 * 1000,
                         .component = event.component,
                         .from_health = event.from_health,
                         .health = event.health,
                         .source = event.source,
                         .probe_error = event.probe_error,
                         .reason = event.reason,
                         .version = ""};
    assert_alike(&got, &wanted);
    json_decref(document);
    event = kit_event(WARD_EVENT_GROUP);
    event.component = "";
    document = through_bytes(wardi_event_json(&event));
    assert_int_equal(wardi_event_of_json(document, &got, NULL), WARD_OK);
    assert_string_equal(got.component, "");
    assert_string_equal(got.reason, event.reason);
    json_decref(document);
}

/* ---- what is no event ---- */

static void assert_refused(const char *bytes, const char *words)
{
    ward_event got = {.kind = WARD_EVENT_DENIED, .sequence = 77};
    ward_diag diag = {0};
    json_t *document = json_loads(bytes, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    assert_non_null(document);
    assert_int_equal(wardi_event_of_json(document, &got, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(diag.error, WARD_ERROR_INVALID_ARGUMENT);
    assert_string_equal(diag.text, words);
    assert_int_equal(got.sequence, 77);
    assert_int_equal(wardi_event_of_json(document, &got, NULL), WARD_ERROR_INVALID_ARGUMENT);
    json_decref(document);
}

#define TIME "\"time\":\"2026-11-30T12:00:00.000001Z\","
static void others_are_refused(void **state)
{
    (void)state;
    assert_refused("[]", "event: `event` is not there");
    assert_refused("3", "event: `event` is not there");
    assert_refused("{\"event\":3}", "event: `event` is not a text");
    assert_refused("{\"event\":\"unknown\"}",
                   "event: `event` is not a name that this version of Ward knows");
    assert_refused("{\"event\":\"ready\"}", "event: `sequence` is not there");
    assert_refused("{\"event\":\"ready\",\"sequence\":1e300}",
                   "event: `sequence` is not a whole number");
    assert_refused("{\"event\":\"ready\",\"sequence\":\"1\"}",
                   "event: `sequence` is not a whole number");
    assert_refused("{\"event\":\"ready\",\"sequence\":1,\"time\":\"now\"}",
                   "event: `time` is not a time such as 2026-11-30T12:00:00.000001Z");
    assert_refused("{" TIME "\"event\":\"state\",\"sequence\":1,\"from\":\"ready\"}",
                   "event: `to` is not there");
    assert_refused("{" TIME "\"event\":\"state\",\"sequence\":1,\"from\":\"healthy\",\"to\":null}",
                   "event: `from` is not a name that this version of Ward knows");
    assert_refused("{" TIME "\"event\":\"ready\",\"sequence\":1,\"ready\":1}",
                   "event: `ready` is not true or false");
    assert_refused("{" TIME "\"event\":\"restart\",\"sequence\":1,\"attempt\":4294967296}",
                   "event: `attempt` is not a whole number from 0 to 4294967295");
    assert_refused("{" TIME "\"event\":\"restart\",\"sequence\":1,\"attempt\":-1}",
                   "event: `attempt` is not a whole number from 0 to 4294967295");
    assert_refused("{" TIME "\"event\":\"ready\",\"sequence\":1,\"component\":[]}",
                   "event: `component` is not a text");
}

static void times(void **state)
{
    static const char *const wrong[] = {
        "2026-02-30T12:00:00.000001Z",
        "2026-13-01T12:00:00.000001Z",
        "2026-11-30T24:00:00.000001Z",
        "2026-11-30T12:60:00.000001Z",
        "2026-11-30T12:00:61.000001Z",
        "1969-12-31T23:59:59.999999Z",
        "2554-01-01T00:00:00.000000Z",
        "2026-11-30 12:00:00.000001Z",
        "2026-11-30T12:00:00.00000-Z",
        "2026-11-30T12:00:00.000001z",
        "",
    };
    static const uint64_t right[] = {0, 1000, UINT64_C(951782400000000000), UINT64_C(1) << 63};
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        char bytes[128];
        ward_event got;
        snprintf(bytes, sizeof bytes, "{\"time\":\"%s\",\"event\":\"ready\",\"sequence\":1}",
                 wrong[i]);
        json_t *document = json_loads(bytes, 0, NULL);
        assert_int_equal(wardi_event_of_json(document, &got, NULL), WARD_ERROR_INVALID_ARGUMENT);
        json_decref(document);
    }
    for (size_t i = 0; i < WARD_COUNT(right); i++) {
        ward_event got, event = kit_event(WARD_EVENT_READY);
        event.wall_ns = right[i];
        json_t *document = wardi_event_json(&event);
        assert_int_equal(wardi_event_of_json(document, &got, NULL), WARD_OK);
        assert_int_equal(got.wall_ns, right[i] / 1000 * 1000);
        json_decref(document);
    }
}

/* ---- lines of guests ---- */

static void lines_come_back(void **state)
{
    ward_log_field fields[2] = {{"user", "7"}, {"path", "/\xc3\xa4"}};
    ward_log_field room[WARD_LOG_FIELDS_MAX];
    ward_log_line got, line = {.component = "api",
                               .level = WARD_LOG_WARN,
                               .wall_ns = UINT64_C(1790000000123456000),
                               .text = "slow\n",
                               .fields = fields,
                               .field_count = 2,
                               .suppressed = 4};
    (void)state;
    json_t *document = through_bytes(wardi_line_json(&line));
    assert_int_equal(wardi_line_of_json(document, room, &got, NULL), WARD_OK);
    assert_string_equal(got.component, "api");
    assert_int_equal(got.level, WARD_LOG_WARN);
    assert_int_equal(got.wall_ns, line.wall_ns);
    assert_string_equal(got.text, "slow\n");
    assert_int_equal(got.field_count, 2);
    assert_string_equal(got.fields[1].key, "path");
    assert_string_equal(got.fields[1].value, "/\xc3\xa4");
    json_object_set_new(json_object_get(document, "fields"), "user", json_integer(7));
    ward_diag diag;
    assert_int_equal(wardi_line_of_json(document, room, &got, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_string_equal(diag.text, "line: `fields` is not an object of texts alone");
    json_decref(document);
    document = wardi_line_json_suppressed(&line);
    assert_int_equal(json_integer_value(json_object_get(document, "count")), 4);
    assert_int_equal(wardi_line_of_json(document, room, &got, NULL), WARD_ERROR_INVALID_ARGUMENT);
    json_decref(document);
}

static void many_fields_are_refused(void **state)
{
    ward_log_field room[WARD_LOG_FIELDS_MAX];
    ward_log_line got, line = {.component = "api", .text = ""};
    (void)state;
    json_t *document = wardi_line_json(&line);
    for (int i = 0; i <= WARD_LOG_FIELDS_MAX; i++) {
        char key[8];
        ward_error wanted = i < WARD_LOG_FIELDS_MAX ? WARD_OK : WARD_ERROR_INVALID_ARGUMENT;
        snprintf(key, sizeof key, "%d", i);
        json_object_set_new(json_object_get(document, "fields"), key, json_string(""));
        assert_int_equal(wardi_line_of_json(document, room, &got, NULL), wanted);
    }
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_whole),
        cmocka_unit_test(the_whole_begins_as_the_plain),
        cmocka_unit_test(plain_forms),
        cmocka_unit_test(the_plain_form_is_read_too),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(times),
        cmocka_unit_test(lines_come_back),
        cmocka_unit_test(many_fields_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
