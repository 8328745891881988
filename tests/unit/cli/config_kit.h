/* What the tests of ward.yaml share: files in short, and mistakes as text. */
#ifndef CONFIG_KIT_H
#define CONFIG_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/config.h"

#define HEAD "version: 1\ncomponents:\n"
#define A HEAD "  a: {path: a.wasm}\n"

typedef struct bad_case {
    const char *yaml;
    const char *expected; /* LINE:COLUMN: message, a line each */
} bad_case;

static inline char *listed(const wardi_mistakes *mistakes)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    for (size_t i = 0; i < mistakes->kept; i++)
        fprintf(to, "%u:%u: %s\n", mistakes->items[i].place.line, mistakes->items[i].place.column,
                mistakes->items[i].text);
    fclose(to);
    return text;
}

static inline void check_bad(const bad_case *cases, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        wardi_mistakes mistakes = {0};
        wardi_config *config = NULL;
        ward_error error =
            wardi_config_parse(cases[i].yaml, strlen(cases[i].yaml), NULL, &config, &mistakes);
        char *text = listed(&mistakes);
        if (strcmp(text, cases[i].expected) != 0)
            print_error("of\n%s\nexpected\n%sgot\n%s", cases[i].yaml, cases[i].expected, text);
        wrong += strcmp(text, cases[i].expected) != 0;
        assert_int_equal(error, WARD_ERROR_CONFIG);
        assert_null(config);
        assert_int_equal(mistakes.count, mistakes.kept);
        free(text);
        wardi_mistakes_done(&mistakes);
    }
    assert_int_equal(wrong, 0);
}

static inline wardi_config *parsed(const char *yaml, const char *directory)
{
    wardi_mistakes mistakes = {0};
    wardi_config *config = NULL;
    ward_error error = wardi_config_parse(yaml, strlen(yaml), directory, &config, &mistakes);
    char *text = listed(&mistakes);
    if (error != WARD_OK) fail_msg("%s: %s", ward_error_name(error), text);
    free(text);
    wardi_mistakes_done(&mistakes);
    return config;
}

#endif
