/* Grants: nothing by default, deny beats allow, each verb by its own lists, and mistakes named. */
#include "kit.h"

static wardi_grants *made(const ward_grants *grants)
{
    wardi_grants *g = NULL;
    ward_diag diag = {0};
    if (wardi_grants_new(grants, &g, &diag) != WARD_OK) fail_msg("%s", diag.text);
    return g;
}

static void test_nothing_by_default(void **state)
{
    (void)state;
    static const ward_grants nothing;
    wardi_grants *all[] = {NULL, made(NULL), made(&nothing)};
    for (size_t i = 0; i < WARD_COUNT(all); i++) {
        for (wardi_verb v = 0; v < WARDI_VERBS; v++) {
            assert_false(wardi_grants_allow(all[i], v, "a"));
            assert_false(wardi_grants_allow(all[i], v, NULL));
        }
        wardi_grants_free(all[i]);
    }
}

/* A grant of one verb is none of another. */
static void test_verbs_are_apart(void **state)
{
    (void)state;
    for (wardi_verb granted = 0; granted < WARDI_VERBS; granted++) {
        ward_grants grants = {0};
        const ward_grant all = {.allow = (const char *const[]){"#"}, .allow_count = 1};
        switch (granted) {
        case WARDI_SEND: grants.send = all; break;
        case WARDI_CALLED_BY: grants.called_by = all; break;
        case WARDI_PUBLISH: grants.publish = all; break;
        case WARDI_SUBSCRIBE: grants.subscribe = all; break;
        case WARDI_LIST: grants.list = all; break;
        case WARDI_VERBS: break;
        }
        wardi_grants *g = made(&grants);
        for (wardi_verb v = 0; v < WARDI_VERBS; v++)
            assert_int_equal(wardi_grants_allow(g, v, "a.b"), v == granted);
        wardi_grants_free(g);
    }
}

static void test_deny_beats_allow(void **state)
{
    (void)state;
    const ward_grants grants = {
        .send = {.allow = (const char *const[]){"db", "*.example.com", "a/#"},
                 .allow_count = 3,
                 .deny = (const char *const[]){"bad.example.com", "a/secret/#", "db"},
                 .deny_count = 3},
        .list = {.deny = (const char *const[]){"x"}, .deny_count = 1},
    };
    static const struct {
        const char *name;
        bool allowed;
    } rows[] = {
        {"good.example.com", true},
        {"bad.example.com", false},
        {"evilexample.com", false},
        {"a/b", true},
        {"a/secret", false},
        {"a/secret/b", false},
        {"a/secrets", true},
        {"a/../b", false},
        {"db", false},
        {"*.example.com", false},
        {"a/#", false},
        {"", false},
    };
    wardi_grants *g = made(&grants);
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        if (wardi_grants_allow(g, WARDI_SEND, rows[i].name) != rows[i].allowed)
            fail_msg("%s", rows[i].name);
    assert_false(wardi_grants_allow(g, WARDI_LIST, "y")); /* not denied is not yet allowed */
    wardi_grants_free(g);
}

/* Of one of many: its own name counts, and that of all of them. */
static void test_members(void **state)
{
    (void)state;
    const ward_grants grants = {
        .send = {.allow = (const char *const[]){"web", "db.1", "bad", "x.*"},
                 .allow_count = 4,
                 .deny = (const char *const[]){"web.3", "bad", "x"},
                 .deny_count = 3}};
    static const struct {
        const char *name, *group;
        bool allowed;
    } rows[] = {
        {"web.1", "web", true}, {"web.1", NULL, false}, {"web.3", "web", false},
        {"db.1", "db", true},   {"db.2", "db", false},  {"bad.1", "bad", false},
        {"x.1", "x", false},    {"x.1", NULL, true},    {"webby.1", "webby", false},
        {"db.1", "a..b", true}, {"a..b", "web", true},
    };
    wardi_grants *g = made(&grants);
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        if (wardi_grants_allow_member(g, WARDI_SEND, rows[i].name, rows[i].group) !=
            rows[i].allowed)
            fail_msg("%s", rows[i].name);
    assert_false(wardi_grants_allow_member(NULL, WARDI_SEND, "web.1", "web"));
    wardi_grants_free(g);
}

/* All of them at once, or none. */
static void test_all_members(void **state)
{
    (void)state;
    const ward_grants grants = {
        .send = {.allow = (const char *const[]){"web", "db.*", "app.1", "c.#", "d", "e.*", "f"},
                 .allow_count = 7,
                 .deny = (const char *const[]){"c.3", "d", "*.x", "f.1.y"},
                 .deny_count = 4},
        .list = {.allow = (const char *const[]){"#"}, .allow_count = 1}};
    static const struct {
        const char *group;
        bool allowed;
    } rows[] = {{"web", false}, {"db", false}, {"app", false}, {"c", false},
                {"d", false},   {"e", false},  {"f", false},   {"a..b", false}};
    wardi_grants *g = made(&grants);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) /* each of them could be NAME.x */
        if (wardi_grants_allow_all(g, WARDI_SEND, rows[i].group) != rows[i].allowed)
            fail_msg("%s", rows[i].group);
    assert_true(wardi_grants_allow_all(g, WARDI_LIST, "web"));
    assert_false(wardi_grants_allow_all(NULL, WARDI_LIST, "web"));
    wardi_grants_free(g);
    const ward_grants some = {
        .send = {.allow = (const char *const[]){"web", "db.*", "app.1", "c.#", "d", "f"},
                 .allow_count = 6,
                 .deny = (const char *const[]){"c.3", "d", "f.1.y"},
                 .deny_count = 3}};
    static const struct {
        const char *group;
        bool allowed;
    } others[] = {{"web", true}, {"db", true}, {"app", false},
                  {"c", false},  {"d", false}, {"f", true}};
    g = made(&some);
    for (size_t i = 0; i < WARD_COUNT(others); i++)
        if (wardi_grants_allow_all(g, WARDI_SEND, others[i].group) != others[i].allowed)
            fail_msg("%s", others[i].group);
    wardi_grants_free(g);
}

static void test_subscriptions(void **state)
{
    (void)state;
    const ward_grants grants = {
        .publish = {.allow = (const char *const[]){"a.*"}, .allow_count = 1},
        .subscribe = {.allow = (const char *const[]){"a.#", "x.*"},
                      .allow_count = 2,
                      .deny = (const char *const[]){"a.*.secret"},
                      .deny_count = 1},
    };
    static const struct {
        const char *pattern;
        bool allowed;
    } rows[] = {
        {"a", true},           {"a.b", true},    {"a.*", true},   {"a.b.c", true}, {"a.#", false},
        {"a.b.*", false},      {"a.b.#", false}, {"a.*.c", true}, {"*", false},    {"#", false},
        {"a.b.secret", false}, {"x.y", true},    {"x.*", true},   {"x.#", false},  {"x", false},
        {"x.y.z", false},      {"a.b*", false},  {"a/b", false},
    };
    wardi_grants *g = made(&grants);
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        if (wardi_grants_allow(g, WARDI_SUBSCRIBE, rows[i].pattern) != rows[i].allowed)
            fail_msg("%s", rows[i].pattern);
    assert_true(wardi_grants_allow(g, WARDI_PUBLISH, "a.b"));
    assert_false(wardi_grants_allow(g, WARDI_PUBLISH, "a.*")); /* a topic, no pattern */
    wardi_grants_free(g);
}

/* For every pair of one allow and one deny: as if each topic that is asked for were looked at. */
static void test_subscriptions_by_force(void **state)
{
    (void)state;
    static kit_texts patterns, topics;
    kit_enumerate(&patterns, "ab*#", ".", 2);
    kit_enumerate(&topics, "ab", ".", 3);
    for (size_t a = 0; a < patterns.count; a++) {
        for (size_t d = 0; d < patterns.count; d++) {
            const char *allow = patterns.text[a], *deny = patterns.text[d];
            ward_grants grants = {.subscribe = {&allow, 1, &deny, 1}};
            wardi_grants *g = made(&grants);
            for (size_t q = 0; q < patterns.count; q++) {
                bool allowed = true;
                for (size_t t = 0; t < topics.count; t++)
                    if (plain_match(patterns.text[q], topics.text[t]))
                        allowed &= plain_match(allow, topics.text[t]) &&
                                   !plain_match(deny, topics.text[t]);
                if (wardi_grants_allow(g, WARDI_SUBSCRIBE, patterns.text[q]) != allowed)
                    fail_msg("allow %s, deny %s: %s", allow, deny, patterns.text[q]);
            }
            wardi_grants_free(g);
        }
    }
}

/* What was handed in may change afterwards. */
static void test_owns_its_patterns(void **state)
{
    (void)state;
    char text[] = "a";
    const char *list[] = {text};
    ward_grants grants = {.send = {.allow = list, .allow_count = 1}};
    wardi_grants *g = made(&grants);
    text[0] = 'b';
    list[0] = NULL;
    assert_true(wardi_grants_allow(g, WARDI_SEND, "a"));
    assert_false(wardi_grants_allow(g, WARDI_SEND, "b"));
    wardi_grants_free(g);
}

static void refused(const ward_grants *grants, const char *where, const char *what)
{
    wardi_grants *const untouched = (wardi_grants *)0x1;
    wardi_grants *g = untouched;
    ward_diag diag = {0};
    assert_int_equal(wardi_grants_new(grants, &g, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_ptr_equal(g, untouched);
    assert_int_equal(diag.error, WARD_ERROR_INVALID_ARGUMENT);
    if (strstr(diag.text, where) == NULL || strstr(diag.text, what) == NULL)
        fail_msg("%s", diag.text);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    const char *list[] = {"a", "b.*", "a*"};
    refused(&(ward_grants){.send = {.allow = list, .allow_count = 3}}, "send.allow[2]", "\"a*\"");
    refused(&(ward_grants){.called_by = {.deny = list, .deny_count = 3}}, "called_by.deny[2]",
            "part of a segment");
    const char *path[] = {"a/b"};
    refused(&(ward_grants){.publish = {.allow = path, .allow_count = 1}}, "publish.allow[0]",
            "a.b.c");
    refused(&(ward_grants){.subscribe = {.deny = path, .deny_count = 1}}, "subscribe.deny[0]",
            "a.b.c");
    const char *none[] = {NULL};
    refused(&(ward_grants){.list = {.allow = none, .allow_count = 1}}, "list.allow[0]", "empty");
    refused(&(ward_grants){.list = {.allow_count = 1}}, "list.allow", "no patterns");
    static const char *many[WARD_GRANT_PATTERNS_MAX + 1];
    for (size_t i = 0; i < WARD_COUNT(many); i++) many[i] = "a";
    refused(&(ward_grants){.list = {.deny = many, .deny_count = WARD_COUNT(many)}}, "list.deny",
            "1024");
    wardi_grants_free(
        made(&(ward_grants){.list = {.deny = many, .deny_count = WARD_COUNT(many) - 1}}));
}

static void explains(const wardi_grants *g, wardi_verb verb, const char *name, const char *what)
{
    char bytes[500];
    wardi_text text = WARDI_TEXT(bytes);
    wardi_grants_explain(g, verb, name, &text);
    if (*what == '\0' ? text.length != 0 : strstr(bytes, what) == NULL)
        fail_msg("\"%s\" instead of \"%s\"", bytes, what);
}

static void test_explains(void **state)
{
    (void)state;
    const char *allow[] = {"a.#"}, *deny[] = {"a.b.*"};
    wardi_grants *g = made(&(ward_grants){.subscribe = {allow, 1, deny, 1}});
    explains(g, WARDI_SUBSCRIBE, "a.c", "");
    explains(g, WARDI_SUBSCRIBE, "a.#", "\"a.b.*\" in subscribe.deny");
    explains(g, WARDI_SUBSCRIBE, "b", "no pattern of subscribe.allow covers \"b\"");
    explains(g, WARDI_PUBLISH, "a", "publish.allow");
    explains(g, WARDI_SEND, "\x1b[2J", "a character");
    explains(NULL, WARDI_LIST, "a", "list.allow");
    for (wardi_verb v = 0; v < WARDI_VERBS; v++) explains(NULL, v, "a", wardi_verb_name(v));
    wardi_grants_free(g);
}

static bool refuse(void *context, size_t size)
{
    (void)context, (void)size;
    return false;
}

static void test_no_memory(void **state)
{
    (void)state;
    wardi_grants *g = NULL;
    wardi_alloc_gate_set(refuse, NULL);
    ward_error error = wardi_grants_new(NULL, &g, NULL);
    wardi_alloc_gate_set(NULL, NULL);
    assert_int_equal(error, WARD_ERROR_NO_MEMORY);
    assert_null(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_by_default),
        cmocka_unit_test(test_verbs_are_apart),
        cmocka_unit_test(test_deny_beats_allow),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_all_members),
        cmocka_unit_test(test_subscriptions),
        cmocka_unit_test(test_subscriptions_by_force),
        cmocka_unit_test(test_owns_its_patterns),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_explains),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
