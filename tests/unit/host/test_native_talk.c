/* Native children in their own name: who guests see, what comes back, and what is refused. */
#include "actor_kit.h"

static struct {
    pthread_mutex_t lock;
    char text[512]; /* "number error bytes;" of each answer */
} answers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_answer(void *context, uint64_t correlation, ward_error status, const uint8_t *bytes,
                      size_t length)
{
    (void)context;
    pthread_mutex_lock(&answers.lock);
    size_t at = strlen(answers.text), skip = length > 8 ? 8 : 0; /* the actor's result */
    snprintf(answers.text + at, sizeof answers.text - at, "%llu %s %.*s;",
             (unsigned long long)correlation, ward_error_name(status), (int)(length - skip),
             bytes != NULL ? (const char *)bytes + skip : "");
    pthread_mutex_unlock(&answers.lock);
}

static void wait_for_answers(const char *text)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    for (bool there = false; !there;) {
        pthread_mutex_lock(&answers.lock);
        there = strcmp(answers.text, text) == 0;
        if (!there && wardi_now_ns() > patience) fail_msg("\"%s\", not \"%s\"", answers.text, text);
        pthread_mutex_unlock(&answers.lock);
    }
}

static ward_error say(const char *from, const char *to, const char *text)
{
    return ward_supervisor_send_as(supervisor, id_of(from), id_of(to), (const uint8_t *)text,
                                   strlen(text));
}

static ward_error ask(const char *to, const char *text, uint64_t number, uint64_t timeout_ns)
{
    return ward_supervisor_request_as(supervisor, id_of("n"), id_of(to), (const uint8_t *)text,
                                      strlen(text), number, timeout_ns);
}

static _Atomic(const char *) came_from;

/* "NAME" tells that component "FROM n", in its callback, and answers with what came of it; "=" with
 * its sender. */
static ward_error on_message(void *context, const ward_message *message, ward_diag *ret_diag)
{
    char name[32];
    (void)context, (void)ret_diag;
    atomic_store(&came_from, strcmp(message->sender, "n") == 0 ? "n" : "another");
    if (message->length == 1 && message->bytes[0] == '=')
        return ward_message_reply(message, (const uint8_t *)message->sender,
                                  strlen(message->sender));
    snprintf(name, sizeof name, "%.*s", (int)message->length, (const char *)message->bytes);
    const char *came = ward_error_name(say("n", name, "FROM n"));
    return ward_message_reply(message, (const uint8_t *)came, strlen(came));
}

static void add_native(const char *name, const ward_grants *grants, bool hears)
{
    ward_diag diag;
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = name;
    native.handle = on_message;
    native.answer = hears ? on_answer : NULL;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    options.grants = grants;
    options.interval_ns = 3600 * WARDI_S;
    if (ward_supervisor_add(supervisor, &options, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static void begin(const ward_grants *natives, const ward_grants *guests)
{
    answers.text[0] = '\0';
    add_native("n", natives, true);
    add_native("deaf", natives, false);
    start_actors(guests);
    wait_for(0, "n", WARD_EVENT_READY, true);
}

static void asks(const char *name, ward_request request, ward_state then)
{
    size_t from = record.count;
    assert_int_equal(ward_supervisor_ask(supervisor, name, request, NULL), WARD_OK);
    wait_for(from, name, WARD_EVENT_STATE, (int)then);
}

/* ---- what there is ---- */

static void test_send(void **state)
{
    (void)state;
    ward_message_counts before = WARD_INIT(ward_message_counts), after = before;
    begin(&all, &all);
    assert_int_equal(say("n", "a", "hello"), WARD_OK);
    wait_until_kept("a", "hello");
    uint8_t answer[32];
    size_t length = 0;
    assert_int_equal(ward_supervisor_request(supervisor, id_of("n"), (const uint8_t *)"b", 1,
                                             answer, sizeof answer, &length, PATIENCE_NS),
                     WARD_OK);
    assert_memory_equal(answer, "ok", 2); /* from its own callback */
    wait_until_kept("b", "FROM n");
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    assert_int_equal(say("n", "n", "="), WARD_OK); /* nobody asked */
    while (strcmp(atomic_load(&came_from), "n") != 0) assert_true(wardi_now_ns() < patience);
    ward_supervisor_message_counts(supervisor, "c", &before);
    assert_int_equal(say("n", "c", "COUNTED"), WARD_OK);
    ward_supervisor_message_counts(supervisor, "c", &after);
    assert_int_equal(after.sent, before.sent + 1);
}

/* The guest sees who asks, and answers: at once, later, or with its end. */
static void test_request(void **state)
{
    (void)state;
    begin(&all, &all);
    assert_int_equal(ask("a", "n", 7, 0), WARD_OK);
    wait_for_answers("7 ok n;");
    assert_int_equal(ask("a", "d", 8, 0), WARD_OK);
    while (does("a", "y") != 0) {} /* until it has come, and was put off */
    wait_for_answers("7 ok n;8 ok late;");
    assert_int_equal(ask("a", "t", 9, 0), WARD_OK);
    wait_for_answers("7 ok n;8 ok late;9 trap ;");
    assert_int_equal(ask("n", "=", 10, 0), WARD_OK); /* itself: it does not wait for itself */
    wait_for_answers("7 ok n;8 ok late;9 trap ;10 ok n;");
}

static void test_publish(void **state)
{
    (void)state;
    size_t count = 0;
    begin(&all, &all);
    assert_int_equal(does("a", "bnews.x"), 0);
    assert_int_equal(ward_supervisor_publish_as(supervisor, id_of("n"), "news.x",
                                                (const uint8_t *)"IT ", 3, &count),
                     WARD_OK);
    assert_int_equal(count, 1);
    wait_until_kept("a", "IT news.x");
}

/* ---- what is refused ---- */

static void test_grants(void **state)
{
    (void)state;
    static const char *const only_a[] = {"a"};
    static const ward_grants to_a = {.send = {only_a, 1, NULL, 0}};
    begin(&to_a, &all);
    assert_int_equal(say("n", "a", "x"), WARD_OK);
    assert_int_equal(say("n", "b", "x"), WARD_ERROR_DENIED);
    assert_int_equal(ask("b", "x", 1, 0), WARD_ERROR_DENIED);
    assert_int_equal(say("n", "deaf", "x"), WARD_ERROR_DENIED);
    assert_int_equal(ward_supervisor_publish_as(supervisor, id_of("n"), "news.x", NULL, 0, NULL),
                     WARD_ERROR_DENIED);
    wait_for_answers("");
}

static void test_not_called_by(void **state)
{
    (void)state;
    static const char *const b[] = {"b"};
    static const ward_grants by_b = {.called_by = {b, 1, NULL, 0}};
    begin(&all, &by_b);
    assert_int_equal(say("n", "a", "x"), WARD_ERROR_DENIED);
    assert_int_equal(say("n", "deaf", "="), WARD_OK); /* a part of the application as well */
}

static void test_who_is_none(void **state)
{
    (void)state;
    begin(&all, &all);
    ward_child_id n = id_of("n"), deaf = id_of("deaf");
    assert_int_equal(say("a", "b", "x"), WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(ward_supervisor_publish_as(supervisor, id_of("a"), "news.x", NULL, 0, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(ward_supervisor_publish_as(supervisor, n, "news.*", NULL, 0, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(ward_supervisor_request_as(supervisor, deaf, n, NULL, 0, 1, 0),
                     WARD_ERROR_INVALID_ARGUMENT); /* it has no answer callback */
    asks("deaf", WARD_REQUEST_REMOVE, WARD_STATE_TERMINATED);
    while (ward_supervisor_find(supervisor, "deaf", &deaf) == WARD_OK) {}
    assert_int_equal(ward_supervisor_send_as(supervisor, deaf, n, NULL, 0), WARD_ERROR_ACTOR_GONE);
    assert_int_equal(ward_supervisor_send_as(supervisor, n, deaf, NULL, 0), WARD_ERROR_ACTOR_GONE);
    assert_int_equal(ward_supervisor_send_as(supervisor, 0, n, NULL, 0), WARD_ERROR_ACTOR_GONE);
}

static void test_not_started(void **state)
{
    (void)state;
    assert_int_equal(ward_supervisor_send_as(supervisor, 1, 1, NULL, 0), WARD_ERROR_STATE);
}

/* ---- time, and runs ---- */

static void test_not_handled_in_time(void **state)
{
    (void)state;
    begin(&all, &all);
    asks("a", WARD_REQUEST_STOP, WARD_STATE_TERMINATED);
    assert_int_equal(ask("a", "x", 1, MS), WARD_OK);
    uint64_t until = wardi_now_ns() + 2 * MS;
    while (wardi_now_ns() < until) {}
    asks("a", WARD_REQUEST_START, WARD_STATE_READY);
    wait_for_answers("1 message_expired ;");
}

/* What comes while it is down finds nobody; a later one does. */
static void test_down_meanwhile(void **state)
{
    (void)state;
    begin(&all, &all);
    assert_int_equal(ask("a", "d", 1, 0), WARD_OK);
    asks("n", WARD_REQUEST_STOP, WARD_STATE_TERMINATED);
    while (does("a", "y") != 0) {}
    assert_int_equal(ask("b", "n", 2, 0), WARD_OK);
    does("b", "i"); /* it is behind that one */
    ward_report report;
    assert_int_equal(ward_supervisor_health(supervisor, id_of("n"), 0, &report), WARD_OK);
    asks("n", WARD_REQUEST_START, WARD_STATE_READY);
    assert_int_equal(ask("b", "n", 3, 0), WARD_OK);
    wait_for_answers("3 ok n;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_send),           TEST(test_request),
        TEST(test_publish),        TEST(test_grants),
        TEST(test_not_called_by),  TEST(test_who_is_none),
        TEST(test_not_started),    TEST(test_not_handled_in_time),
        TEST(test_down_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
