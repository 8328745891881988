/* Patterns: what is one, what one matches, and covers and overlaps against all there is. */
#include "kit.h"

static bool matches(const char *pattern, const char *name)
{
    if (wardi_access_fault(pattern, WARDI_NAME_PATTERN) != NULL) fail_msg("pattern %s", pattern);
    return wardi_access_fault(name, WARDI_NAME) == NULL && wardi_pattern_covers(pattern, name);
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        {"a", "a", true},
        {"a", "b", false},
        {"a", "aa", false},
        {"aa", "a", false},
        {"a", "A", false},
        {"a.b", "a.b", true},
        {"a.b", "a/b", false},
        {"a.b", "a", false},
        {"a", "a.b", false},
        {"*", "a", true},
        {"*", "a.b", false},
        {"*", "", false},
        {"*.example.com", "www.example.com", true},
        {"*.example.com", "evilexample.com", false},
        {"*.example.com", "a.b.example.com", false},
        {"*.example.com", "example.com", false},
        {"*.example.com", ".example.com", false},
        {"*.example.com", "www.example.com.evil", false},
        {"*.example.com", "www.example/com", false},
        {"a/*", "a/b", true},
        {"a/*", "a/../b", false},
        {"a/*", "a/..", false},
        {"a/*", "a/.", false},
        {"a/*", "a-evil", false},
        {"a/*", "a/", false},
        {"a/*", "a//", false},
        {"a/*", "a/b/", false},
        {"a/*", "a/b/c", false},
        {"a/*", "a/b.c", false},
        {"a/*", "a.b", false},
        {"a/*", "a", false},
        {"a/*", "/a/b", false},
        {"a/*", "a/*", false}, /* nobody's name has a wildcard */
        {"a/*", "a/b c", false},
        {"a/*", "a/b\n", false},
        {"a/*/c", "a/b/c", true},
        {"a/*/c", "a/../c", false},
        {"a/*/c", "a//c", false},
        {"*/*", "a/b", true},
        {"*/*", "a.b", false},
        {"#", "a", true},
        {"#", "a.b/c", true},
        {"#", "", false},
        {"#", "a..b", false},
        {"#", "a/../b", false},
        {"#", "#", false},
        {"a/#", "a", true},
        {"a/#", "a/b", true},
        {"a/#", "a/b.c/d", true},
        {"a/#", "a.b", false},
        {"a/#", "ab", false},
        {"a/#", "a/", false},
        {"a/#", "a/../b", false},
        {"a.*.#", "a", false},
        {"a.*.#", "a.b", true},
        {"a.*.#", "a.b.c.d", true},
        {"-a_.Z9", "-a_.Z9", true},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        if (matches(rows[i].pattern, rows[i].name) != rows[i].matches)
            fail_msg("\"%s\" and \"%s\"", rows[i].pattern, rows[i].name);
}

/* Each row: of which kinds the text is one, and a word of the fault as a topic pattern. */
static void test_faults(void **state)
{
    (void)state;
    enum { N = 1 << WARDI_NAME, NP = 1 << WARDI_NAME_PATTERN, T = 1 << WARDI_TOPIC };
    enum { TP = 1 << WARDI_TOPIC_PATTERN, ALL = N | NP | T | TP };
    static const char deep[] = "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17";
    static char longest[WARDI_PATTERN_BYTES_MAX + 1], longer[WARDI_PATTERN_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    memset(longer, 'x', sizeof longer - 1);
    const struct {
        const char *text;
        int kinds;
        const char *says;
    } rows[] = {
        {"a.b-C_9", ALL, NULL},
        {"*", NP | TP, NULL},
        {"a.*.#", NP | TP, NULL},
        {"a/b", N | NP, "a.b.c"},
        {"a/#", NP, "a.b.c"},
        {NULL, 0, "empty"},
        {"", 0, "empty"},
        {".", 0, "empty"},
        {"..", 0, "empty"},
        {"a..b", 0, "empty"},
        {".a", 0, "empty"},
        {"a.", 0, "empty"},
        {"a/../b", 0, "a.b.c"},
        {"a...b", 0, "separator"},
        {"a*", 0, "part of a segment"},
        {"*a", 0, "part of a segment"},
        {"a.b*.c", 0, "part of a segment"},
        {"**", 0, "any number of them"},
        {"a.##", 0, "any number of them"},
        {"#.a", 0, "before the end"},
        {"#.#", 0, "before the end"},
        {"a b", 0, "character"},
        {"a\\b", 0, "character"},
        {"\xc3\xa9", 0, "character"},
        {deep, N | NP, "16 levels"},
        {deep + 2, ALL, NULL},
        {longest, ALL, NULL},
        {longer, 0, "255 bytes"},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        for (wardi_text_kind kind = WARDI_NAME; kind <= WARDI_TOPIC_PATTERN; kind++)
            if ((wardi_access_fault(rows[i].text, kind) == NULL) != (rows[i].kinds >> kind & 1))
                fail_msg("row %zu: \"%s\" as kind %d", i, rows[i].text, kind);
        const char *fault = wardi_access_fault(rows[i].text, WARDI_TOPIC_PATTERN);
        if (fault != NULL && strstr(fault, rows[i].says) == NULL)
            fail_msg("\"%s\": %s", rows[i].text, fault);
    }
    assert_non_null(strstr(wardi_access_fault("a.*", WARDI_TOPIC), "spell it out"));
}

/* A text that does not end is read no further than the longest, plus one byte. */
static void test_reads_no_further(void **state)
{
    (void)state;
    char *text = malloc(WARDI_PATTERN_BYTES_MAX + 1); /* AddressSanitizer sees what lies behind */
    assert_non_null(text);
    memset(text, 'x', WARDI_PATTERN_BYTES_MAX + 1);
    assert_non_null(wardi_access_fault(text, WARDI_NAME));
    free(text);
}

static kit_texts patterns, topics;

/* Every pattern against every pattern, held against all topics that are a level deeper. */
static void test_brute_force(void **state)
{
    (void)state;
    kit_enumerate(&patterns, "ab*#", ".", 4);
    kit_enumerate(&topics, "ab", ".", 5);
    static bool matched[512][64];
    assert_true(patterns.count < WARD_COUNT(matched) && topics.count < WARD_COUNT(matched[0]));
    size_t covered = 0, overlapping = 0;
    for (size_t p = 0; p < patterns.count; p++) {
        for (size_t t = 0; t < topics.count; t++) {
            matched[p][t] = plain_match(patterns.text[p], topics.text[t]);
            if (wardi_pattern_covers(patterns.text[p], topics.text[t]) != matched[p][t] ||
                wardi_pattern_overlaps(patterns.text[p], topics.text[t]) != matched[p][t])
                fail_msg("%s and the topic %s", patterns.text[p], topics.text[t]);
        }
    }
    for (size_t p = 0; p < patterns.count; p++) {
        for (size_t q = 0; q < patterns.count; q++) {
            bool covers = true, overlaps = false;
            for (size_t t = 0; t < topics.count; t++) {
                covers &= matched[p][t] || !matched[q][t];
                overlaps |= matched[p][t] && matched[q][t];
            }
            if (wardi_pattern_covers(patterns.text[p], patterns.text[q]) != covers)
                fail_msg("%s covers %s: %d", patterns.text[p], patterns.text[q], covers);
            if (wardi_pattern_overlaps(patterns.text[p], patterns.text[q]) != overlaps)
                fail_msg("%s overlaps %s: %d", patterns.text[p], patterns.text[q], overlaps);
            covered += covers;
            overlapping += overlaps;
        }
    }
    assert_true(covered > patterns.count && overlapping > covered);
    assert_true(overlapping < patterns.count * patterns.count / 2);
}

/* Names have two separators: plain names are matched exactly, overlaps is exact. */
static void test_brute_force_names(void **state)
{
    (void)state;
    static kit_texts mixed, names;
    kit_enumerate(&mixed, "ab*#", "./", 3);
    kit_enumerate(&names, "ab", "./", 4);
    for (size_t p = 0; p < mixed.count; p++) {
        for (size_t n = 0; n < names.count; n++)
            if (wardi_pattern_covers(mixed.text[p], names.text[n]) !=
                plain_match(mixed.text[p], names.text[n]))
                fail_msg("%s and the name %s", mixed.text[p], names.text[n]);
        for (size_t q = 0; q < mixed.count; q++) {
            bool overlaps = false;
            for (size_t n = 0; n < names.count && !overlaps; n++)
                overlaps = plain_match(mixed.text[p], names.text[n]) &&
                           plain_match(mixed.text[q], names.text[n]);
            if (wardi_pattern_overlaps(mixed.text[p], mixed.text[q]) != overlaps)
                fail_msg("%s overlaps %s: %d", mixed.text[p], mixed.text[q], overlaps);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),           cmocka_unit_test(test_faults),
        cmocka_unit_test(test_reads_no_further),  cmocka_unit_test(test_brute_force),
        cmocka_unit_test(test_brute_force_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
