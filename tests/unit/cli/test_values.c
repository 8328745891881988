/* Durations, sizes, ratios and counts as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/values.h"

typedef struct whole_case {
    const char *text;
    uint64_t value;     /* when `advice` is NULL */
    const char *advice; /* part of it */
} whole_case;

typedef const char *(*whole_reader)(const char *text, uint64_t *ret_value, char *advice);

static void run_whole(whole_reader read, const whole_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char buffer[WARDI_ADVICE_BYTES];
        uint64_t value = 4711;
        const char *advice = read(cases[i].text, &value, buffer);
        if (cases[i].advice == NULL) {
            if (advice != NULL) fail_msg("\"%s\" is refused: %s", cases[i].text, advice);
            if (value != cases[i].value)
                fail_msg("\"%s\" is %llu", cases[i].text, (unsigned long long)value);
            continue;
        }
        if (advice == NULL) fail_msg("\"%s\" is accepted", cases[i].text);
        if (strstr(advice, cases[i].advice) == NULL) fail_msg("\"%s\": %s", cases[i].text, advice);
        assert_int_equal(value, 4711);
    }
}

static void durations(void **state)
{
    static const whole_case cases[] = {
        {"250ms", 250000000, NULL},
        {"1.5s", 1500000000, NULL},
        {"1m30s", 90000000000, NULL},
        {"1h0m1ns", 3600000000001, NULL},
        {"2d", 172800000000000, NULL},
        {"7ns", 7, NULL},
        {"12us", 12000, NULL},
        {"12\xc2\xb5s", 12000, NULL},
        {"0s", 0, NULL},
        {"0.000000001s", 1, NULL},
        {"18446744073709551615ns", UINT64_MAX, NULL},
        {"18446744073709551616ns", 0, "write a number"},
        {"213504d", 0, "584 years"},
        {"10", 0, "write 10s or 10ms"},
        {"10 s", 0, "write 10s"},
        {"10 sec", 0, "write 10s"},
        {"10sec", 0, "write 10s"},
        {"5 minutes", 0, "write 5m"},
        {"1.5 hours", 0, "write 1.5h"},
        {"", 0, "write a number"},
        {"s", 0, "write a number"},
        {"-1s", 0, "write a number"},
        {"1s ", 0, "write a number"},
        {" 1s", 0, "write a number"},
        {"1.s", 0, "write a number"},
        {".5s", 0, "write a number"},
        {"1e3s", 0, "write a number"},
        {"1s5", 0, "write a number"},
        {"1sm", 0, "write a number"},
    };
    (void)state;
    run_whole(wardi_value_duration, cases, WARD_COUNT(cases));
}

static void sizes(void **state)
{
    static const whole_case cases[] = {
        {"64MiB", 64 << 20, NULL},
        {"1.5GiB", 1610612736, NULL},
        {"17B", 17, NULL},
        {"0B", 0, NULL},
        {"4KiB", 4096, NULL},
        {"2TiB", UINT64_C(2) << 40, NULL},
        {"16777216TiB", 0, "16 million TiB"},
        {"64", 0, "write 64B or 64MiB"},
        {"1GB", 0, "write 1GiB"},
        {"64MB", 0, "write 64MiB"},
        {"64M", 0, "write 64MiB"},
        {"64 MiB", 0, "write 64MiB"},
        {"64mib", 0, "write 64MiB"},
        {"4Ki", 0, "write 4KiB"},
        {"", 0, "write a number"},
        {"MiB", 0, "write a number"},
        {"-1MiB", 0, "write a number"},
        {"1MiB2", 0, "write a number"},
    };
    (void)state;
    run_whole(wardi_value_size, cases, WARD_COUNT(cases));
}

static void counts(void **state)
{
    static const whole_case cases[] = {
        {"0", 0, NULL},
        {"1000", 1000, NULL},
        {"18446744073709551615", UINT64_MAX, NULL},
        {"18446744073709551616", 0, "whole number"},
        {"1.0", 0, "whole number"},
        {"-1", 0, "whole number"},
        {"1k", 0, "whole number"},
        {"", 0, "whole number"},
        {"0x10", 0, "whole number"},
    };
    (void)state;
    run_whole(wardi_value_count, cases, WARD_COUNT(cases));
}

static void ratios(void **state)
{
    char advice[WARDI_ADVICE_BYTES];
    double ratio = 0;
    (void)state;
    assert_null(wardi_value_ratio("80%", &ratio, advice));
    assert_float_equal(ratio, 0.8, 1e-12);
    assert_null(wardi_value_ratio("0.25", &ratio, advice));
    assert_float_equal(ratio, 0.25, 1e-12);
    assert_null(wardi_value_ratio("1", &ratio, advice));
    assert_float_equal(ratio, 1, 1e-12);
    assert_null(wardi_value_ratio("0%", &ratio, advice));
    assert_float_equal(ratio, 0, 1e-12);
    assert_string_equal(wardi_value_ratio("80", &ratio, advice), "write 80%");
    assert_string_equal(wardi_value_ratio("80 %", &ratio, advice), "write 80%");
    assert_non_null(wardi_value_ratio("", &ratio, advice));
    assert_non_null(wardi_value_ratio("-5%", &ratio, advice));
    assert_non_null(wardi_value_ratio("nan", &ratio, advice));
}

static void numbers(void **state)
{
    char advice[WARDI_ADVICE_BYTES];
    double number = 0;
    (void)state;
    assert_null(wardi_value_number("1.5", &number, advice));
    assert_float_equal(number, 1.5, 1e-12);
    assert_non_null(wardi_value_number("inf", &number, advice));
    assert_non_null(wardi_value_number("2x", &number, advice));
}

static void closest(void **state)
{
    static const char *const names[] = {"health", "limits", "path", "db"};
    (void)state;
    assert_string_equal(wardi_closest("heath", names, 4), "health");
    assert_string_equal(wardi_closest("limit", names, 4), "limits");
    assert_string_equal(wardi_closest("dv", names, 4), "db");
    assert_null(wardi_closest("x", names, 4));
    assert_null(wardi_closest("networking", names, 4));
    assert_null(wardi_closest("health", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations), cmocka_unit_test(sizes),   cmocka_unit_test(counts),
        cmocka_unit_test(ratios),    cmocka_unit_test(numbers), cmocka_unit_test(closest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
