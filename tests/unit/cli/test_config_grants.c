/* Grants and metadata of ward.yaml: what is no pattern, what leads nowhere, and what a component of
 * the component model can't have. */
#include <unistd.h>

#include "config_kit.h"

#define B "  b: {path: b.wasm}\n"

static const bad_case bad_cases[] = {
    /* patterns */
    {HEAD "  a: {path: a.wasm, grants: {send: [b..c]}}\n",
     "3:37: grants.send: \"b..c\" is no pattern: a segment is empty: no separator stands first, "
     "last or behind another, and '.' and '..' are no segments\n"},
    {HEAD "  a: {path: a.wasm, grants: {called_by: [\"b*\"]}}\n",
     "3:42: grants.called_by: \"b*\" is no pattern: a wildcard is part of a segment: '*' is any "
     "one "
     "segment, '#' at the end any number of them; parts of one can't be left open\n"},
    {HEAD "  a: {path: a.wasm, grants: {publish: {allow: [a/b], deny: [\"\\x1b[2J\"]}}}\n",
     "3:48: grants.publish: \"a/b\" is no pattern: a '/' stands in it: a topic's levels are a.b.c\n"
     "3:61: grants.publish: \"\\x1b[2J\" is no pattern: a character is none of A-Z, a-z, 0-9, '_', "
     "'-' and the separators\n"},
    {HEAD "  a:\n    path: a.wasm\n    grants:\n      list:\n        - #\n        - [x]\n",
     "7:9: grants.list: \"\" is no pattern: it is empty; one that begins with '#' stands in "
     "quotes: "
     "\"#\"\n"
     "8:11: grants.list: this is no pattern: it is a list or a map; write one pattern a line\n"},

    /* stars that YAML takes for its own */
    {HEAD "  a: {path: a.wasm, grants: {publish: [*]}}\n",
     "3:41: not YAML: invalid alias detected; a pattern stands in quotes: \"*\"\n"},
    {HEAD "  a: {path: a.wasm, grants: {publish: [*.x]}}\n",
     "3:40: an alias (*…) is not read; put what components share under `defaults`, and a pattern "
     "in "
     "quotes: \"*\"\n"},

    /* shapes */
    {HEAD "  a: {path: a.wasm, grants: [b]}\n",
     "3:29: grants takes keys of its own; write them below it, indented\n"},
    {HEAD "  a: {path: a.wasm, grants: {send: b}}\n",
     "3:36: grants.send takes a list of patterns; write [db, \"cache.*\"], or with exceptions "
     "{allow: [db, \"cache.*\"], deny: [...]}\n"},
    {HEAD "  a: {path: a.wasm, grants: {publish: {allow: x}}}\n",
     "3:47: grants.publish takes a list of patterns; write [orders.created, \"orders.*\"], or with "
     "exceptions {allow: [orders.created, \"orders.*\"], deny: [...]}\n"},
    {HEAD "  a: {path: a.wasm, grants: {send: {deny: [b]}}}\n",
     "3:36: grants.send has no `allow`, and without one nothing is granted; write {allow: [\"#\"], "
     "deny: [...]} for all but some\n"},
    {HEAD "  a: {path: a.wasm, grants: {send: {allow: [a], denny: [b]}}}\n",
     "3:49: \"denny\" is no key of `grants.send`; did you mean `deny`?\n"},
    {HEAD "  a: {path: a.wasm, grants: {send: {allow: [a], allow: [b]}}}\n",
     "3:49: \"allow\" stands here for the second time, after line 3; keep one\n"},
    {HEAD "  a: {path: a.wasm, grants: {sent: [a]}}\n",
     "3:30: \"sent\" is no key of `grants`; did you mean `send`?\n"},

    /* metadata and limits */
    {HEAD "  a: {path: a.wasm, metadata: [x]}\n",
     "3:31: metadata takes a map; write {NAME: value}\n"},
    {HEAD "  a: {path: a.wasm, metadata: {\"x=y\": 1}}\n",
     "3:32: metadata: a name is empty or has a `=` in it; write NAME: value\n"},
    {HEAD "  a: {path: a.wasm, metadata: {x: [y]}}\n",
     "3:35: metadata takes texts, and this is a list; write one text a line\n"},
    {HEAD "  a: {path: a.wasm, limits: {message: 65MiB}}\n",
     "3:39: limits.message: \"65MiB\" is too much; the most is 64MiB\n"},
    {HEAD "  a: {path: a.wasm, limits: {log_rate: 0}}\n",
     "3:40: limits.log_rate: \"0\" is too little; the least is 1\n"},
};

static void bad(void **state)
{
    (void)state;
    check_bad(bad_cases, WARD_COUNT(bad_cases));
}

static void too_many(void **state)
{
    char *yaml = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&yaml, &length);
    (void)state;
    fputs(HEAD "  a: {path: a.wasm, grants: {publish: [x", to);
    for (int i = 0; i < WARD_GRANT_PATTERNS_MAX; i++) fputs(",x", to);
    fputs("]}}\n", to);
    fclose(to);
    check_bad(&(bad_case){yaml, "3:39: grants.publish: more than 1024 patterns; one with '*' or "
                                "'#' stands for many\n"},
              1);
    free(yaml);
}

/* ---- what is no mistake, and most often a slip ---- */

static const bad_case warned[] = {
    /* both halves are there, or neither is asked for */
    {HEAD "  a: {path: a.wasm, grants: {send: [b]}}\n"
          "  b: {path: b.wasm, grants: {called_by: [a]}}\n",
     ""},
    {HEAD "  a: {path: a.wasm, grants: {send: [b]}}\n"
          "  b: {path: b.wasm, grants: {called_by: [\"*\"]}}\n",
     ""},
    {HEAD "  a: {path: a.wasm, grants: {send: [\"#\"], list: [\"*\"]}}\n" B, ""},
    {HEAD "  a: {path: a.wasm, grants: {publish: [nobody], subscribe: [nobody]}}\n", ""},
    /* one half */
    {HEAD "  a: {path: a.wasm, grants: {send: [b]}}\n" B,
     "3:37: a may send to b, but b does not grant to be called by a; write `called_by: [a]` there, "
     "or take this out\n"},
    {HEAD "  a: {path: a.wasm, grants: {send: [b]}}\n"
          "  b: {path: b.wasm, grants: {called_by: {allow: [\"#\"], deny: [a]}}}\n",
     "3:37: a may send to b, but b does not grant to be called by a; write `called_by: [a]` there, "
     "or take this out\n"},
    {HEAD "  a: {path: a.wasm, grants: {called_by: [b]}}\n" B,
     "3:42: a may be called by b, but b is not granted to send to a; write `send: [a]` there, or "
     "take this out\n"},
    /* names that nobody has, where they matter most: in what is denied */
    {HEAD "  a: {path: a.wasm, grants: {send: [cahce]}}\n  cache: {path: b.wasm}\n",
     "3:37: there is no component \"cahce\"; did you mean `cache`?\n"},
    {HEAD "  a: {path: a.wasm, grants: {called_by: {allow: [\"#\"], deny: [cahce]}, list: [x]}}\n"
          "  cache: {path: b.wasm}\n",
     "3:63: there is no component \"cahce\"; did you mean `cache`?\n"
     "3:79: there is no component \"x\"; add it, or take this out\n"},
    /* instances go by their own names, and by that of all */
    {HEAD "  a: {path: a.wasm, grants: {send: [b, b.1, \"b.*\"]}}\n"
          "  b: {path: b.wasm, instances: 2, grants: {called_by: [a]}}\n",
     ""},
    {HEAD "  a: {path: a.wasm, grants: {send: [b.2]}}\n"
          "  b: {path: b.wasm, instances: 2, grants: {called_by: [a]}}\n",
     "3:37: there is no component \"b.2\"; add it, or take this out\n"
     "4:56: b may be called by a, but a is not granted to send to b; write `send: [b]` there, or "
     "take this out\n"},
    {HEAD "  a: {path: a.wasm, instances: 2, grants: {send: [b]}}\n"
          "  b: {path: b.wasm, grants: {called_by: [\"a.*\"]}}\n",
     ""},
    {HEAD "  a: {path: a.wasm, instances: 2, grants: {send: [b]}}\n"
          "  b: {path: b.wasm, grants: {called_by: [a]}}\n",
     ""},
    {HEAD "  a: {path: a.wasm, instances: 2, grants: {send: [b]}}\n"
          "  b: {path: b.wasm, grants: {called_by: {allow: [a], deny: [\"*.0\"]}}}\n",
     "3:51: a may send to b, but b does not grant to be called by a; write `called_by: [a]` there, "
     "or take this out\n"},
    {HEAD "  a: {path: a.wasm, instances: 2, grants: {send: [b]}}\n" B,
     "3:51: a may send to b, but b does not grant to be called by a; write `called_by: [a]` there, "
     "or take this out\n"},
    /* of the defaults one half is enough, and who is unknown is said once */
    {"version: 1\ndefaults: {grants: {called_by: [a, z]}}\ncomponents:\n"
     "  a: {path: a.wasm}\n" B,
     "2:36: there is no component \"z\"; add it, or take this out\n"},
};

static void warnings(void **state)
{
    size_t wrong = 0;
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(warned); i++) {
        wardi_config *config = parsed(warned[i].yaml, NULL);
        char *text = listed(&config->warnings);
        if (strcmp(text, warned[i].expected) != 0)
            print_error("of\n%s\nexpected\n%sgot\n%s", warned[i].yaml, warned[i].expected, text);
        wrong += strcmp(text, warned[i].expected) != 0;
        free(text);
        wardi_config_free(config);
    }
    assert_int_equal(wrong, 0);
}

static void defaults(void **state)
{
    static const char yaml[] = "version: 1\n"
                               "defaults:\n"
                               "  grants: {send: {allow: [\"#\"], deny: [b]}, publish: [x]}\n"
                               "  metadata: {A: 1, B: 1}\n"
                               "components:\n"
                               "  a: {path: a.wasm, grants: {send: [\"*\"]}, metadata: {B: 2}}\n" B;
    wardi_config *config = parsed(yaml, NULL);
    const ward_child_options *a = &config->children[0].options, *b = &config->children[1].options;
    (void)state;
    /* A grant is replaced as a whole, what it denied included; the others stay. */
    assert_int_equal(a->grants->send.allow_count, 1);
    assert_string_equal(a->grants->send.allow[0], "*");
    assert_int_equal(a->grants->send.deny_count, 0);
    assert_string_equal(a->grants->publish.allow[0], "x");
    assert_int_equal(b->grants->send.deny_count, 1);
    assert_int_equal(a->metadata_count, 2);
    assert_string_equal(a->metadata[0], "A=1");
    assert_string_equal(a->metadata[1], "B=2");
    assert_string_equal(b->metadata[1], "B=1");
    wardi_config_free(config);
}

/* ---- the component model ---- */

static char *said_of(const char *yaml, const char *directory)
{
    wardi_mistakes mistakes = {0};
    wardi_config *config = NULL;
    ward_error error = wardi_config_parse(yaml, strlen(yaml), directory, &config, &mistakes);
    char *text = listed(&mistakes);
    assert_int_equal(error, mistakes.count == 0 ? WARD_OK : WARD_ERROR_CONFIG);
    wardi_config_free(config);
    wardi_mistakes_done(&mistakes);
    return text;
}

static void put(const char *directory, const char *name, const char *bytes, size_t length)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    fwrite(bytes, 1, length, to);
    fclose(to);
}

static void component_model(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t length;
        bool known;
    } files[] = {
        {"c.wasm", "\0asm\x0d\0\1\0", 8, true},    {"m.wasm", "\0asm\1\0\0\0", 8, false},
        {"c.wat", "\n (component)", 13, true},     {"m.wat", "(module)", 8, false},
        {"d.wat", ";; x\n(component)", 16, false}, /* a comment first: told when it is loaded */
    };
    char directory[] = "/tmp/ward-test-XXXXXX", yaml[600], expected[1200];
    (void)state;
    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        put(directory, files[i].name, files[i].bytes, files[i].length);
        snprintf(yaml, sizeof yaml,
                 "version: 1\ndefaults: {metadata: {a: b}, grants: {list: [\"#\"]}}\ncomponents:\n"
                 "  a:\n    path: %s\n    limits: {message: 1KiB, log_rate: 5, fuel: 5}\n"
                 "    grants: {publish: [x]}\n    wasi: {dirs: [{host: ., guest: /}]}\n",
                 files[i].name);
        const char *why = "is of the component model, which has no imports of Ward's and handles "
                          "no messages; take this out";
        snprintf(expected, sizeof expected,
                 "6:23: limits.message: %s/%s %s\n6:39: limits.log_rate: %s/%s %s\n"
                 "7:23: grants.publish: %s/%s %s\n"
                 "8:18: wasi.dirs: %s/%s is of the component model, and nothing would bound the "
                 "files that it opens; only core modules are granted directories\n",
                 directory, files[i].name, why, directory, files[i].name, why, directory,
                 files[i].name, why, directory, files[i].name);
        char *said = said_of(yaml, directory);
        assert_string_equal(said, files[i].known ? expected : "");
        free(said);
        char path[128];
        snprintf(path, sizeof path, "%s/%s", directory, files[i].name);
        unlink(path);
    }
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad),      cmocka_unit_test(too_many),        cmocka_unit_test(warnings),
        cmocka_unit_test(defaults), cmocka_unit_test(component_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
