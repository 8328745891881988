/* Guests that break the contract of module `ward`, or strain it: wild memory in every import, what
 * makes no sense, imports at the wrong time, and floods. The host stands, and says what was wrong.
 */
#include "host/guest.h"

#include "host_kit.h"

/* ---- the poker: a guest that calls any import with any arguments ---- */

enum {
    INBOX = 1024, /* where messages are put */
    ARGS = 8,     /* in a message: the import's index, eight arguments of 8 bytes, the rest */
    REST = 8 + 8 * ARGS, /* in a message */
    TEXT = INBOX + REST, /* where the rest lies in the guest */
    RESULT = 4096,       /* the result as eight bytes, and behind it */
    OUT = RESULT + 8,    /* what imports write */
    OUT_MAX = 512,
    MEMORY_END = 65536,
};

typedef struct text_buffer {
    char bytes[65536];
    wardi_text text;
} text_buffer;

static const char *type_of(char letter)
{
    return letter == 'i' ? "i32" : letter == 'I' ? "i64" : "f64";
}

static void put_import(wardi_text *wat, const wardi_import *import, size_t index)
{
    wardi_text_printf(wat, "(import \"ward\" \"%s\" (func $f%zu (param", import->name, index);
    for (const char *p = import->params; *p != '\0'; p++)
        wardi_text_printf(wat, " %s", type_of(*p));
    wardi_text_printf(wat, ") (result %s)))\n", type_of(import->result));
}

/* If the message begins with `index`: the call, its result to RESULT. */
static void put_case(wardi_text *wat, const wardi_import *import, size_t index)
{
    wardi_text_printf(wat, "(if (i32.eq (local.get $op) (i32.const %zu)) (then\n", index);
    wardi_text_printf(wat, " (i64.store (i32.const %d) (%s (call $f%zu", RESULT,
                      import->result == 'i' ? "i64.extend_i32_s" : "i64.add (i64.const 0)", index);
    for (size_t i = 0; import->params[i] != '\0'; i++)
        wardi_text_printf(wat, " (%s.load offset=%zu (local.get $at))", type_of(import->params[i]),
                          8 + 8 * i);
    wardi_text_puts(wat, ")))))\n");
}

static const char *poker(void)
{
    static text_buffer made;
    if (made.text.length != 0) return made.bytes;
    made.text = WARDI_TEXT(made.bytes);
    wardi_text *wat = &made.text;
    wardi_text_puts(wat, "(module\n");
    for (size_t i = 0; i < guest_import_count; i++) put_import(wat, &guest_imports[i], i);
    wardi_text_printf(
        wat,
        "(memory (export \"memory\") 1 1)\n"
        "(func (export \"ward_alloc\") (param i32) (result i32) i32.const %d)\n"
        "(func (export \"result\") (result i64) (i64.load (i32.const %d)))\n"
        "(func (export \"handle-message\") (param $at i32) (param $n i32) (result i64)\n"
        " (local $op i32) (local.set $op (i32.load (local.get $at)))\n"
        " (memory.fill (i32.const %d) (i32.const 0) (i32.const %d))\n",
        INBOX, RESULT, OUT, OUT_MAX);
    for (size_t i = 0; i < guest_import_count; i++) put_case(wat, &guest_imports[i], i);
    wardi_text_printf(wat, " (i64.const %lld)))", (long long)(8LL + OUT_MAX) << 32 | RESULT);
    assert_false(wat->cut);
    return made.bytes;
}

static const char *const everything[] = {"#"};
static const char *const topics[] = {"t.#"};
static const ward_grants all = {.send = {everything, 1, NULL, 0},
                                .called_by = {everything, 1, NULL, 0},
                                .publish = {topics, 1, NULL, 0},
                                .subscribe = {topics, 1, NULL, 0},
                                .list = {everything, 1, NULL, 0}};

static ward_child_options usual_child(const ward_grants *grants)
{
    static const char *const metadata[] = {"zone=north"};
    ward_child_options options = WARD_INIT(ward_child_options);
    options.interval_ns = 3600 * WARDI_S;
    options.grants = grants;
    options.metadata = metadata;
    options.metadata_count = 1;
    options.message_bytes_max = 4096;
    options.backoff.shape = WARD_BACKOFF_OFF;
    options.backoff.initial_ns = MS;
    options.backoff.restarts_max = 255;
    return options;
}

static void add_guest(const char *name, const char *wat, const ward_grants *grants)
{
    add((child_spec){.name = name, .wat = wat, .options = usual_child(grants)}, NULL);
}

static void start_pokers(const ward_grants *grants)
{
    add_guest("a", poker(), grants);
    add_guest("b", poker(), &all);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    wait_for(0, "b", WARD_EVENT_READY, true);
}

static size_t import_index(const char *name)
{
    for (size_t i = 0; i < guest_import_count; i++)
        if (strcmp(guest_imports[i].name, name) == 0) return i;
    fail_msg("no import %s", name);
    return 0;
}

/* A call of an import, as the poker takes it; `rest` lies at TEXT. */
typedef struct poke {
    const char *import;
    uint64_t args[ARGS];
    const void *rest;
    size_t rest_length;
} poke;

static size_t poke_bytes(const poke *p, uint8_t bytes[INBOX])
{
    uint64_t index = import_index(p->import);
    assert_true(REST + p->rest_length <= INBOX);
    memcpy(bytes, &index, 8);
    memcpy(bytes + 8, p->args, sizeof p->args);
    if (p->rest_length != 0) memcpy(bytes + REST, p->rest, p->rest_length);
    return REST + p->rest_length;
}

static char out[OUT_MAX + 1]; /* what the import wrote */

static ward_error poke_at(const char *who, poke p, int64_t *ret_result)
{
    uint8_t bytes[INBOX], answer[8 + OUT_MAX] = {0};
    size_t length = 0;
    ward_error error = ward_supervisor_request(supervisor, id_of(who), bytes, poke_bytes(&p, bytes),
                                               answer, sizeof answer, &length, PATIENCE_NS);
    if (error != WARD_OK) return error;
    if (length == 0) return WARD_OK; /* it replied before it returned */
    assert_int_equal(length, sizeof answer);
    memcpy(ret_result, answer, 8);
    memcpy(out, answer + 8, OUT_MAX);
    return WARD_OK;
}

static int64_t does(const char *who, poke p)
{
    int64_t result = INT64_MIN;
    ward_error error = poke_at(who, p, &result);
    if (error != WARD_OK) fail_msg("%s: %s", p.import, ward_error_name(error));
    return result;
}

/* With one text as its first two arguments. */
static int64_t names(const char *who, const char *import, const char *text, size_t length)
{
    return does(who, (poke){import, {TEXT, length}, text, length});
}

static int64_t handle_of(const char *who, const char *name)
{
    return names(who, "find", name, strlen(name));
}

static const char *last_error(const char *who)
{
    does(who, (poke){"last_error", {OUT, OUT_MAX}, NULL, 0});
    return out;
}

/* ---- wild memory ---- */

/* Calls `visit` with the place of each argument that is an address, a length behind it. Of a run of
 * i32 the last ones are pairs, and one that is left over in front is something else. */
static void each_span(void (*visit)(const wardi_import *import, size_t first))
{
    for (size_t i = 0; i < guest_import_count; i++) {
        const char *params = guest_imports[i].params;
        size_t begin = strspn(params, "I"), count = strspn(params + begin, "i");
        for (size_t at = begin + count % 2; at < begin + count; at += 2)
            visit(&guest_imports[i], at);
    }
}

static size_t visits;

static void ends_in_a_trap(const wardi_import *import, size_t first)
{
    static const uint64_t wild[][2] = {{MEMORY_END - 3, 4},   {MEMORY_END, 1}, {UINT32_MAX, 1},
                                       {UINT32_MAX - 15, 32}, {0, UINT32_MAX}, {1, MEMORY_END}};
    for (size_t i = 0; i < WARD_COUNT(wild); i++) {
        char expected[100];
        int64_t result;
        poke p = {.import = import->name};
        p.args[first] = wild[i][0];
        p.args[first + 1] = wild[i][1];
        size_t from = record.count;
        assert_int_equal(poke_at("a", p, &result), WARD_ERROR_TRAP);
        long at = wait_for(from, "a", WARD_EVENT_RESTART, 0);
        snprintf(expected, sizeof expected, "ward.%s was given %llu bytes at address %llu, ",
                 import->name, (unsigned long long)wild[i][1], (unsigned long long)wild[i][0]);
        if (strstr(record.events[at].reason, expected) == NULL)
            fail_msg("%s: %s", expected, record.events[at].reason);
    }
    visits++;
}

static void test_wild_memory_everywhere(void **state)
{
    (void)state;
    visits = 0;
    start_pokers(&all);
    each_span(ends_in_a_trap);
    assert_true(visits >= 25);
    assert_int_equal(handle_of("a", "b"), 0); /* it serves */
}

/* No bytes are nowhere: their address is not looked at. */
static void is_no_breach(const wardi_import *import, size_t first)
{
    poke p = {.import = import->name};
    p.args[first] = UINT32_MAX;
    does("a", p);
}

static void test_nothing_may_lie_anywhere(void **state)
{
    (void)state;
    start_pokers(&all);
    each_span(is_no_breach);
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char bare[] =
        "(module (import \"ward\" \"self\" (func $self (param i32 i32) (result i32)))"
        " (func (export \"none\") (result i32) (call $self (i32.const 0) (i32.const 0)))"
        " (func (export \"some\") (result i32) (call $self (i32.const 0) (i32.const 1))))";
    ward_value result;
    size_t count = 1;
    add_guest("a", bare, &all);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_invoke(supervisor, id_of("a"), "none", NULL, 0, &result,
                                            &count, PATIENCE_NS),
                     WARD_OK);
    assert_int_equal(result.of.i32, 1); /* "a" */
    assert_int_equal(ward_supervisor_invoke(supervisor, id_of("a"), "some", NULL, 0, &result,
                                            &count, PATIENCE_NS),
                     WARD_ERROR_TRAP);
}

/* ---- what makes no sense ---- */

static void test_names_that_are_none(void **state)
{
    (void)state;
    char longest[300];
    memset(longest, 'n', sizeof longest);
    start_pokers(&all);
    assert_int_equal(names("a", "find", "b\0", 2), GUEST_INVALID);
    assert_int_equal(names("a", "find", longest, 128), GUEST_INVALID);
    assert_int_equal(names("a", "find", "", 0), GUEST_DENIED);         /* no pattern covers it */
    assert_int_equal(names("a", "find", "\xff\xfe", 2), GUEST_DENIED); /* nor this */
    assert_int_equal(does("a", (poke){"publish", {TEXT, 2}, "t\0", 2}), GUEST_INVALID);
    assert_int_equal(does("a", (poke){"publish", {TEXT, 2}, "\xc3(", 2}), GUEST_INVALID);
    assert_int_equal(does("a", (poke){"publish", {TEXT, 3}, "t.*", 3}), GUEST_INVALID);
    assert_int_equal(does("a", (poke){"publish", {TEXT, 256}, longest, 256}), GUEST_INVALID);
    assert_int_equal(names("a", "subscribe", "t.#.x", 5), GUEST_INVALID);
    assert_int_equal(names("a", "subscribe", "", 0), GUEST_INVALID);
    assert_int_equal(names("a", "unsubscribe", "t..x", 4), GUEST_INVALID);
    assert_int_equal(names("a", "unsubscribe", "t.x", 3), GUEST_NOT_FOUND);
    assert_int_equal(names("a", "counter", "", 0), GUEST_INVALID);
    assert_int_equal(names("a", "gauge", "caf\xc3\xa9", 5), GUEST_INVALID);
    assert_int_equal(names("a", "histogram", longest, 64), GUEST_INVALID);
    assert_int_equal(names("a", "counter", longest, 63), GUEST_OK);
    assert_int_equal(names("a", "gauge", longest, 63), GUEST_INVALID); /* it is a counter */
}

/* A refusal tells the application in valid UTF-8, whatever the guest called it. */
static void test_denials_are_valid_text(void **state)
{
    (void)state;
    start_pokers(NULL);
    assert_int_equal(names("a", "find", "\xff\xfe", 2), GUEST_DENIED);
    long at = wait_for(0, "a", WARD_EVENT_DENIED, 0);
    const char *reason = record.events[at].reason;
    size_t length = strlen(reason);
    for (size_t i = 0; i < length;) {
        size_t character = wardi_utf8_length((const uint8_t *)reason + i, length - i);
        assert_int_not_equal(character, 0);
        i += character;
    }
}

/* The key is bytes: one with a NUL in it is not the text before that. */
static void test_metadata_key_with_nul(void **state)
{
    (void)state;
    char key[900] = "zone=north";
    start_pokers(&all);
    for (size_t length = 11; length < sizeof key; length += 100)
        assert_int_equal(does("a", (poke){"metadata", {TEXT, length, OUT, OUT_MAX}, key, length}),
                         GUEST_NOT_FOUND);
    assert_int_equal(does("a", (poke){"metadata", {TEXT, 0, OUT, OUT_MAX}, NULL, 0}),
                     GUEST_NOT_FOUND);
    assert_int_equal(does("a", (poke){"metadata", {TEXT, 4, OUT, OUT_MAX}, "zone", 4}), 5);
    assert_string_equal(out, "north");
    assert_int_equal(does("a", (poke){"metadata", {TEXT, 4, OUT, 2}, "zone", 4}), 5);
    assert_string_equal(out, "no"); /* what fits */
}

static void test_numbers_never_given(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 255, 256, 0x101, 1 << 20, UINT64_MAX, INT64_MAX};
    start_pokers(&all);
    assert_int_equal(does("a", (poke){"send", {0}, NULL, 0}), GUEST_NOT_FOUND);
    assert_int_equal(handle_of("a", "b"), 0);
    for (size_t i = 0; i < WARD_COUNT(numbers); i++) {
        uint64_t number = numbers[i];
        assert_int_equal(does("a", (poke){"request_end", {number}, NULL, 0}), GUEST_NOT_FOUND);
        assert_int_equal(does("a", (poke){"request_cancel", {number}, NULL, 0}), GUEST_NOT_FOUND);
        assert_int_equal(does("a", (poke){"reply", {number}, NULL, 0}), GUEST_NOT_FOUND);
        assert_int_equal(does("a", (poke){"cancel_timer", {number}, NULL, 0}), GUEST_NOT_FOUND);
        if (number == 0) continue;
        assert_int_equal(does("a", (poke){"send", {(uint32_t)number}, NULL, 0}),
                         (uint32_t)number == 0 ? GUEST_OK : GUEST_NOT_FOUND);
        assert_int_equal(does("a", (poke){"request", {(uint32_t)number | 1}, NULL, 0}),
                         GUEST_NOT_FOUND);
        assert_int_equal(does("a", (poke){"send_after", {1, (uint32_t)number | 1}, NULL, 0}),
                         GUEST_NOT_FOUND);
    }
}

static void test_figures_out_of_range(void **state)
{
    (void)state;
    double nan = __builtin_nan("");
    uint64_t nan_bits;
    memcpy(&nan_bits, &nan, 8);
    start_pokers(&all);
    handle_of("a", "b");
    assert_int_equal(does("a", (poke){"request_begin", {0, 0, 0, UINT64_MAX}, NULL, 0}),
                     GUEST_INVALID);
    assert_int_equal(does("a", (poke){"request", {0, 0, 0, 0, 0, 1ULL << 63}, NULL, 0}),
                     GUEST_INVALID);
    assert_int_equal(does("a", (poke){"sleep", {UINT64_MAX}, NULL, 0}), GUEST_INVALID);
    assert_string_equal(last_error("a"), "a sleep is not shorter than nothing");
    assert_int_equal(does("a", (poke){"send_after", {UINT64_MAX}, NULL, 0}), GUEST_INVALID);
    assert_int_equal(does("a", (poke){"send_after", {1ULL << 63}, NULL, 0}), GUEST_INVALID);
    assert_string_equal(last_error("a"), "a timer's delay is not below 0");
    assert_true(does("a", (poke){"send_after", {INT64_MAX}, NULL, 0}) > 0);
    assert_int_equal(does("a", (poke){"counter", {TEXT, 1, UINT64_MAX}, "n", 1}), GUEST_INVALID);
    assert_string_equal(last_error("a"), "a counter only rises");
    assert_int_equal(does("a", (poke){"histogram", {TEXT, 1, nan_bits}, "h", 1}), GUEST_INVALID);
    assert_int_equal(does("a", (poke){"log", {5}, NULL, 0}), GUEST_INVALID);
    assert_int_equal(does("a", (poke){"log", {UINT32_MAX}, NULL, 0}), GUEST_INVALID);
    assert_int_equal(does("a", (poke){"list", {0, OUT, 127}, NULL, 0}), GUEST_INVALID);
    assert_int_equal(does("a", (poke){"list", {UINT32_MAX, OUT, OUT_MAX}, NULL, 0}), 0);
    assert_int_equal(does("a", (poke){"random", {0, MEMORY_END}, NULL, 0}), 0);
}

static void test_messages_too_large(void **state)
{
    (void)state;
    start_pokers(&all);
    handle_of("a", "b");
    assert_int_equal(does("a", (poke){"send", {0, 0, 4097}, NULL, 0}), GUEST_TOO_LARGE);
    assert_int_equal(does("a", (poke){"request", {0, 0, 4097, 0, 0, 0}, NULL, 0}), GUEST_TOO_LARGE);
    assert_int_equal(does("a", (poke){"request_begin", {0, 0, 4097, 0}, NULL, 0}), GUEST_TOO_LARGE);
    assert_int_equal(does("a", (poke){"publish", {TEXT, 3, 0, 4097}, "t.x", 3}), GUEST_TOO_LARGE);
    assert_int_equal(does("a", (poke){"reply", {1, 0, 4097}, NULL, 0}), GUEST_TOO_LARGE);
}

/* ---- numbers of messages ---- */

static void test_each_message_has_its_number(void **state)
{
    (void)state;
    start_pokers(&all);
    int64_t first = does("a", (poke){"correlation", {0}, NULL, 0});
    int64_t second = does("a", (poke){"correlation", {0}, NULL, 0});
    assert_true(first > 0 && second > 0);
    assert_int_not_equal(first, second);
    /* that of a message which is over answers no other */
    assert_int_equal(does("a", (poke){"reply", {(uint64_t)first}, NULL, 0}), GUEST_NOT_FOUND);
    assert_int_equal(does("a", (poke){"reply", {(uint64_t)second}, NULL, 0}), GUEST_NOT_FOUND);
}

static int64_t last_result(const char *who)
{
    ward_value result = {0};
    size_t count = 1;
    assert_int_equal(ward_supervisor_invoke(supervisor, id_of(who), "result", NULL, 0, &result,
                                            &count, PATIENCE_NS),
                     WARD_OK);
    return result.of.i64;
}

/* A message that was called by hand is none: nobody is its sender, and nothing answers it. */
static void test_invoked_by_hand(void **state)
{
    (void)state;
    static const char *const asks[] = {"sender", "correlation", "defer", "topic"};
    const ward_value args[] = {{.kind = WARD_I32, .of.i32 = INBOX},
                               {.kind = WARD_I32, .of.i32 = REST}};
    start_pokers(&all);
    for (size_t i = 0; i < WARD_COUNT(asks); i++) {
        uint8_t bytes[INBOX];
        poke p = {.import = asks[i]};
        ward_value result;
        size_t count = 1, length = poke_bytes(&p, bytes);
        assert_int_equal(ward_supervisor_send(supervisor, id_of("b"), bytes, length), WARD_OK);
        assert_int_equal(ward_supervisor_invoke(supervisor, id_of("b"), "handle-message", args, 2,
                                                &result, &count, PATIENCE_NS),
                         WARD_OK);
        assert_int_equal(last_result("b"), GUEST_UNAVAILABLE);
    }
}

/* ---- at the wrong time ---- */

/* Tries them all in `_initialize`, `ward_alloc` and `_health`, and answers with what it got. */
static const char elsewhere[] =
    "(module"
    " (import \"ward\" \"find\" (func $find (param i32 i32) (result i32)))"
    " (import \"ward\" \"request\""
    "   (func $request (param i32 i32 i32 i32 i32 i64) (result i64)))"
    " (import \"ward\" \"request_begin\" (func $begin (param i32 i32 i32 i64) (result i64)))"
    " (import \"ward\" \"request_end\" (func $end (param i64 i32 i32) (result i64)))"
    " (import \"ward\" \"request_cancel\" (func $cancel (param i64) (result i32)))"
    " (import \"ward\" \"sender\" (func $sender (param i32 i32) (result i32)))"
    " (import \"ward\" \"topic\" (func $topic (param i32 i32) (result i32)))"
    " (import \"ward\" \"correlation\" (func $correlation (result i64)))"
    " (import \"ward\" \"defer\" (func $defer (result i64)))"
    " (import \"ward\" \"reply\" (func $reply (param i64 i32 i32) (result i32)))"
    " (memory (export \"memory\") 1) (data (i32.const 16) \"b\")"
    " (func $try (param $at i32) (local $h i32) (local $r i64)"
    "   (local.set $h (call $find (i32.const 16) (i32.const 1)))"
    "   (local.set $r (call $begin (local.get $h) (i32.const 0) (i32.const 64) (i64.const 0)))"
    "   (i64.store offset=0 (local.get $at)"
    "     (call $request (local.get $h) (i32.const 0) (i32.const 80) (i32.const 0) (i32.const 0)"
    "       (i64.const 0)))"
    "   (i64.store offset=8 (local.get $at) (call $end (local.get $r) (i32.const 0)"
    "     (i32.const 0)))"
    "   (i64.store offset=16 (local.get $at) (i64.extend_i32_s (call $cancel (local.get $r))))"
    "   (i64.store offset=24 (local.get $at) (i64.extend_i32_s"
    "     (call $sender (i32.const 0) (i32.const 0))))"
    "   (i64.store offset=32 (local.get $at) (i64.extend_i32_s"
    "     (call $topic (i32.const 0) (i32.const 0))))"
    "   (i64.store offset=40 (local.get $at) (call $correlation))"
    "   (i64.store offset=48 (local.get $at) (call $defer))"
    "   (i64.store offset=56 (local.get $at) (i64.extend_i32_s"
    "     (call $reply (call $correlation) (i32.const 0) (i32.const 0)))))"
    " (func (export \"_initialize\") (call $try (i32.const 4096)))"
    " (func (export \"_health\") (result i32) (call $try (i32.const 4160)) i32.const 0)"
    " (func (export \"ward_alloc\") (param i32) (result i32)"
    "   (call $try (i32.const 4224)) i32.const 1024)"
    " (func (export \"handle-message\") (param i32 i32) (result i64)"
    "   (i64.const 0xc000001000)))";

static void assert_no_message(const int64_t results[8])
{
    for (size_t i = 3; i < 7; i++) assert_int_equal(results[i], GUEST_UNAVAILABLE);
    assert_int_equal(results[7], GUEST_NOT_FOUND);
}

static void test_at_the_wrong_time(void **state)
{
    (void)state;
    int64_t results[24];
    size_t length = 0;
    ward_report report;
    add_guest("b", poker(), &all);
    add_guest("a", elsewhere, &all);
    start();
    wait_for(0, "b", WARD_EVENT_READY, true);
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_health(supervisor, id_of("a"), PATIENCE_NS, &report), WARD_OK);
    assert_int_equal(report.status, WARD_HEALTH_HEALTHY);
    assert_int_equal(ward_supervisor_request(supervisor, id_of("a"), (const uint8_t *)"x", 1,
                                             (uint8_t *)results, sizeof results, &length,
                                             PATIENCE_NS),
                     WARD_OK);
    assert_int_equal(length, sizeof results);
    for (size_t i = 0; i < 3; i++) assert_no_message(&results[8 * i]);
    for (size_t i = 0; i < 2; i++) { /* _initialize, _health: nothing can wait */
        assert_int_equal(results[8 * i], GUEST_UNAVAILABLE);
        assert_int_equal(results[8 * i + 1], GUEST_UNAVAILABLE);
        assert_int_equal(results[8 * i + 2], GUEST_OK); /* it is still there to be cancelled */
    }
    assert_int_equal(results[16], 8 + OUT_MAX); /* ward_alloc: as in the message itself */
    assert_int_equal(results[17], 8 + OUT_MAX);
    assert_int_equal(results[18], GUEST_NOT_FOUND);
}

/* Nothing of a run outlives it, not even what its `_cleanup` began, or a start that failed. The
 * first start of this one fails, having found b; it knows by its subscription that it is not the
 * first. */
static const char relapsing[] =
    "(module"
    " (import \"ward\" \"find\" (func $find (param i32 i32) (result i32)))"
    " (import \"ward\" \"send\" (func $send (param i32 i32 i32) (result i32)))"
    " (import \"ward\" \"publish\" (func $publish (param i32 i32 i32 i32) (result i32)))"
    " (import \"ward\" \"subscribe\" (func $subscribe (param i32 i32) (result i32)))"
    " (import \"ward\" \"request_begin\" (func $begin (param i32 i32 i32 i64) (result i64)))"
    " (memory (export \"memory\") 1) (data (i32.const 16) \"b\") (data (i32.const 32) \"t.x\")"
    " (func $ask (drop (call $find (i32.const 16) (i32.const 1)))"
    "   (drop (call $begin (i32.const 0) (i32.const 0) (i32.const 1024) (i64.const 0))))"
    " (func (export \"_initialize\")"
    "   (if (i32.eqz (call $publish (i32.const 32) (i32.const 3) (i32.const 0) (i32.const 0)))"
    "     (then (drop (call $subscribe (i32.const 32) (i32.const 3))) (call $ask) unreachable)))"
    " (func (export \"_cleanup\") (call $ask))"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
    " (func (export \"handle-message\") (param i32 i32) (result i64)"
    "   (i32.store (i32.const 64) (call $send (i32.const 0) (i32.const 0) (i32.const 0)))"
    "   (i64.const 0x400000040)))";

static void assert_handle_0_is_gone(void)
{
    int32_t result = 0;
    size_t length = 0;
    assert_int_equal(ward_supervisor_request(supervisor, id_of("a"), (const uint8_t *)"x", 1,
                                             (uint8_t *)&result, sizeof result, &length,
                                             PATIENCE_NS),
                     WARD_OK);
    assert_int_equal(result, GUEST_NOT_FOUND);
}

static void test_nothing_outlives_a_run(void **state)
{
    (void)state;
    add_guest("b", poker(), &all);
    add_guest("a", relapsing, &all);
    start();
    wait_for(0, "a", WARD_EVENT_STATE, WARD_STATE_FAILED);
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_handle_0_is_gone();
    size_t from = record.count;
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_RESTART, NULL), WARD_OK);
    wait_for(from, "a", WARD_EVENT_READY, true);
    assert_handle_0_is_gone();
}

/* ---- floods ---- */

static const uint8_t idle_poke[REST]; /* calls `find` of nothing */

static void test_too_many_requests(void **state)
{
    (void)state;
    int64_t numbers[GUEST_REQUESTS_MAX];
    start_pokers(&all);
    handle_of("a", "b");
    poke begin = {"request_begin", {0, TEXT, REST, 0}, idle_poke, REST};
    for (size_t i = 0; i < GUEST_REQUESTS_MAX; i++) {
        numbers[i] = does("a", begin);
        assert_true(numbers[i] > 0);
    }
    assert_int_equal(does("a", begin), GUEST_LIMIT);
    assert_string_equal(last_error("a"), "16 requests are open; no more can be");
    poke request = {"request", {0, TEXT, REST, 0, 0, 0}, idle_poke, REST};
    assert_int_equal(does("a", request), GUEST_LIMIT);
    poke cancel = {"request_cancel", {(uint64_t)numbers[3]}, NULL, 0};
    assert_int_equal(does("a", cancel), GUEST_OK);
    assert_int_equal(does("a", cancel), GUEST_NOT_FOUND);
    int64_t again = does("a", begin);
    assert_true(again > 0 && again != numbers[3]); /* never used twice */
    assert_int_equal(does("a", (poke){"request_end", {(uint64_t)numbers[0]}, NULL, 0}),
                     8 + OUT_MAX);
}

static void test_too_many_timers(void **state)
{
    (void)state;
    start_pokers(&all);
    poke later = {"send_after", {3600 * WARDI_S, GUEST_SELF, TEXT, REST}, idle_poke, REST};
    for (int i = 0; i < 64; i++) assert_true(does("a", later) > 0);
    assert_int_equal(does("a", later), GUEST_LIMIT);
    assert_string_equal(last_error("a"), "64 timers are open; no more can be");
    assert_int_equal(does("a", (poke){"request", {GUEST_SELF, TEXT, REST}, idle_poke, REST}),
                     GUEST_CYCLE);
    assert_int_equal(does("a", (poke){"send", {GUEST_SELF, TEXT, REST}, idle_poke, REST}),
                     GUEST_OK);
}

/* Four guests keep sixteen requests open each, all of which "a" has deferred; then the fifth asks.
 */
static void test_too_many_deferred(void **state)
{
    (void)state;
    static const char *const askers[] = {"p0", "p1", "p2", "p3", "p4"};
    uint8_t defer[INBOX];
    poke p = {.import = "defer"};
    size_t length = poke_bytes(&p, defer);
    start_pokers(&all);
    poke begin = {"request_begin", {0, TEXT, length, 0}, defer, length};
    for (size_t i = 0; i < WARD_COUNT(askers); i++) {
        size_t from = record.count;
        add_guest(askers[i], poker(), &all);
        wait_for(from, askers[i], WARD_EVENT_READY, true);
        assert_int_equal(handle_of(askers[i], "a"), 0);
        for (size_t k = 0; i < 4 && k < GUEST_REQUESTS_MAX; k++)
            assert_true(does(askers[i], begin) > 0);
    }
    assert_int_equal(does("a", p), GUEST_LIMIT);
    /* the 65th is answered at once, with what its guest returned */
    poke ask = {"request", {0, TEXT, length, OUT, OUT_MAX, 0}, defer, length};
    assert_int_equal(does("p4", ask), 8 + OUT_MAX);
    assert_int_equal(*(int64_t *)(void *)out, GUEST_LIMIT);
    assert_string_equal(last_error("a"), "64 answers are deferred; no more can be");
}

static void test_too_many_subscriptions(void **state)
{
    (void)state;
    char pattern[32];
    start_pokers(&all);
    for (int i = 0; i < GUEST_SUBSCRIPTIONS_MAX; i++) {
        int length = snprintf(pattern, sizeof pattern, "t.n%d", i);
        assert_int_equal(names("a", "subscribe", pattern, (size_t)length), GUEST_OK);
    }
    assert_int_equal(names("a", "subscribe", "t.more", 6), GUEST_LIMIT);
    assert_string_equal(last_error("a"), "256 subscriptions; no more can be");
    assert_int_equal(names("a", "subscribe", "t.n7", 4), GUEST_OK); /* it is there already */
    assert_int_equal(names("a", "unsubscribe", "t.n7", 4), GUEST_OK);
    assert_int_equal(names("a", "subscribe", "t.more", 6), GUEST_OK);
}

static void test_too_many_metrics(void **state)
{
    (void)state;
    char name[32];
    start_pokers(&all);
    for (int i = 0; i < WARD_METRICS_MAX; i++) {
        int length = snprintf(name, sizeof name, "m%d", i);
        assert_int_equal(names("a", i % 2 ? "gauge" : "histogram", name, (size_t)length), GUEST_OK);
    }
    assert_int_equal(names("a", "counter", "more", 4), GUEST_LIMIT);
    assert_string_equal(last_error("a"), "64 metrics; no more can be");
    assert_int_equal(names("a", "gauge", "m1", 2), GUEST_OK);
}

static ward_error no_start(void *context, ward_diag *ret_diag)
{
    (void)context;
    (void)ret_diag;
    return WARD_OK;
}

static void test_too_many_handles(void **state)
{
    (void)state;
    char name[32];
    ward_native_options native = WARD_INIT(ward_native_options);
    native.start = no_start;
    native.name = name;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    for (int i = 0; i <= GUEST_TARGETS_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
    }
    add_guest("a", poker(), &all);
    start(); /* more events than the record has room for */
    for (int i = 0; i < GUEST_TARGETS_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(handle_of("a", name), i);
    }
    snprintf(name, sizeof name, "n%d", GUEST_TARGETS_MAX);
    assert_int_equal(handle_of("a", name), GUEST_LIMIT);
    assert_int_equal(handle_of("a", "n17"), 17);
}

/* ---- more than once ---- */

static void test_replies_twice(void **state)
{
    (void)state;
    static const char twice[] =
        "(module (import \"ward\" \"correlation\" (func $correlation (result i64)))"
        " (import \"ward\" \"defer\" (func $defer (result i64)))"
        " (import \"ward\" \"reply\" (func $reply (param i64 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (data (i32.const 16) \"first\")"
        " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
        " (func (export \"second\") (result i32) (i32.load (i32.const 64)))"
        " (func (export \"late\") (result i64) (i64.load (i32.const 72)))"
        " (func (export \"handle-message\") (param i32 i32) (result i64) (local $n i64)"
        "   (local.set $n (call $correlation))"
        "   (if (i32.ne (call $reply (local.get $n) (i32.const 16) (i32.const 5)) (i32.const 0))"
        "     (then unreachable))"
        "   (i32.store (i32.const 64) (call $reply (local.get $n) (i32.const 16) (i32.const 3)))"
        "   (i64.store (i32.const 72) (call $defer))"
        "   (i64.const 0x500000400)))";
    char answer[16] = "";
    size_t length = 0, count = 1;
    ward_value result;
    add_guest("a", twice, &all);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_request(supervisor, id_of("a"), (const uint8_t *)"x", 1,
                                             (uint8_t *)answer, sizeof answer, &length,
                                             PATIENCE_NS),
                     WARD_OK);
    assert_string_equal(answer, "first");
    ward_supervisor_invoke(supervisor, id_of("a"), "second", NULL, 0, &result, &count, PATIENCE_NS);
    assert_int_equal(result.of.i32, GUEST_NOT_FOUND);
    ward_supervisor_invoke(supervisor, id_of("a"), "late", NULL, 0, &result, &count, PATIENCE_NS);
    assert_int_equal(result.of.i64, GUEST_UNAVAILABLE);
}

/* The last chance to answer what was deferred. */
static void test_replies_in_cleanup(void **state)
{
    (void)state;
    static const char closing[] =
        "(module (import \"ward\" \"defer\" (func $defer (result i64)))"
        " (import \"ward\" \"reply\" (func $reply (param i64 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (data (i32.const 16) \"bye\")"
        " (global $n (mut i64) (i64.const 0))"
        " (func (export \"_cleanup\")"
        "   (drop (call $reply (global.get $n) (i32.const 16) (i32.const 3))))"
        " (func (export \"handle-message\") (param i32 i32) (result i64)"
        "   (global.set $n (call $defer)) i64.const 0))";
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    add_guest("a", closing, &all);
    add_guest("b", poker(), &all);
    start();
    assert_int_equal(handle_of("b", "a"), 0);
    int64_t number = does("b", (poke){"request_begin", {0}, NULL, 0});
    do {
        assert_true(wardi_now_ns() < patience);
        assert_int_equal(ward_supervisor_message_counts(supervisor, "a", &counts), WARD_OK);
    } while (counts.handled == 0);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_STOP, NULL), WARD_OK);
    assert_int_equal(does("b", (poke){"request_end", {(uint64_t)number, OUT, OUT_MAX}, NULL, 0}),
                     3);
    assert_string_equal(out, "bye");
}

/* A receiver that does not grant it refuses, and the application hears of it. */
static void test_not_called_by(void **state)
{
    (void)state;
    static const ward_grants closed = {0};
    add_guest("a", poker(), &all);
    add_guest("b", poker(), &closed);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    wait_for(0, "b", WARD_EVENT_READY, true);
    assert_int_equal(handle_of("a", "b"), GUEST_DENIED);
    long at = wait_for(0, "a", WARD_EVENT_DENIED, 0);
    assert_string_equal(record.events[at].reason, "\"b\" does not grant to be called by \"a\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wild_memory_everywhere),
        TEST(test_nothing_may_lie_anywhere),
        TEST(test_no_memory),
        TEST(test_names_that_are_none),
        TEST(test_denials_are_valid_text),
        TEST(test_metadata_key_with_nul),
        TEST(test_numbers_never_given),
        TEST(test_figures_out_of_range),
        TEST(test_messages_too_large),
        TEST(test_each_message_has_its_number),
        TEST(test_invoked_by_hand),
        TEST(test_at_the_wrong_time),
        TEST(test_nothing_outlives_a_run),
        TEST(test_too_many_requests),
        TEST(test_too_many_timers),
        TEST(test_too_many_deferred),
        TEST(test_too_many_subscriptions),
        TEST(test_too_many_metrics),
        TEST(test_too_many_handles),
        TEST(test_replies_twice),
        TEST(test_replies_in_cleanup),
        TEST(test_not_called_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
