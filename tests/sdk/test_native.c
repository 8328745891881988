/* sdk/c/ward_host.h natively: a test stands in for the host, and sees what its guest asks of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ward_guest.h>

/* ---- the host: those imports that are used here ---- */

static struct {
    uint32_t level, text_length, fields_length;
    char text[WARD_GUEST_LINE_BYTES_MAX], fields[WARD_GUEST_FIELDS_BYTES_MAX];
} logged;

int32_t ward_import_log(uint32_t level, const uint8_t *text, uint32_t text_length,
                        const uint8_t *fields, uint32_t fields_length)
{
    assert_true(text_length <= sizeof logged.text && fields_length <= sizeof logged.fields);
    logged.level = level;
    logged.text_length = text_length;
    logged.fields_length = fields_length;
    memcpy(logged.text, text, text_length);
    if (fields_length != 0) memcpy(logged.fields, fields, fields_length);
    return WARD_CODE_OK;
}

static const char *own_name = "orders";

int32_t ward_import_self(char *name, uint32_t capacity)
{
    if (own_name == NULL) return WARD_CODE_UNAVAILABLE;
    size_t length = strlen(own_name);
    if (capacity != 0) memcpy(name, own_name, length < capacity ? length : capacity);
    return (int32_t)length;
}

static int64_t listed;
int64_t ward_import_list(uint32_t start, char *names, uint32_t capacity)
{
    (void)start;
    assert_int_equal(capacity, 128); /* and a NUL */
    memcpy(names, "a\nb\n", 4);
    return listed;
}

/* ---- texts that come ---- */

static void test_texts_end(void **state)
{
    (void)state;
    for (uint32_t capacity = 0; capacity < 12; capacity++) {
        char *text = malloc(capacity + 1); /* the guard is of AddressSanitizer, and of the last */
        memset(text, 'x', capacity + 1);
        assert_int_equal(ward_self(text, capacity), 6);
        assert_int_equal(text[capacity], 'x');
        if (capacity != 0) {
            size_t fits = capacity - 1 < 6 ? capacity - 1 : 6;
            assert_int_equal(strlen(text), fits);
            assert_memory_equal(text, "orders", fits);
        }
        free(text);
    }
    char text[4] = "old";
    own_name = NULL;
    assert_int_equal(ward_self(text, sizeof text), WARD_CODE_UNAVAILABLE);
    assert_string_equal(text, "");
}

static void test_lists(void **state)
{
    (void)state;
    char names[129];
    uint32_t next = 1;
    listed = 4;
    assert_int_equal(ward_list(0, names, sizeof names, &next), 4);
    assert_string_equal(names, "a\nb\n");
    assert_int_equal(next, 0);
    listed = INT64_C(7) << 32 | 4;
    assert_int_equal(ward_list(0, names, sizeof names, &next), 4);
    assert_int_equal(next, 7);
    listed = WARD_CODE_INVALID;
    assert_int_equal(ward_list(0, names, sizeof names, &next), WARD_CODE_INVALID);
    assert_int_equal(next, 0);
    assert_string_equal(names, "");
}

/* ---- lines ---- */

static void assert_logged(uint32_t level, const char *text, const char *fields, size_t length)
{
    assert_int_equal(logged.level, level);
    assert_int_equal(logged.text_length, strlen(text));
    assert_memory_equal(logged.text, text, strlen(text));
    assert_int_equal(logged.fields_length, length);
    if (length != 0) assert_memory_equal(logged.fields, fields, length);
}

static void test_lines(void **state)
{
    (void)state;
    static const ward_field fields[] = {{"order", "4711"}, {"", ""}, {"k", "v"}};
    ward_log(WARD_LOG_INFO, "%d of %s", 3, "four");
    assert_logged(2, "3 of four", "", 0);
    ward_log_with(WARD_LOG_ERROR, fields, 3, "%s", "out");
    assert_logged(4, "out",
                  "order\0"
                  "4711\0\0\0k\0v",
                  17);
    ward_log_with(WARD_LOG_TRACE, NULL, 0, "none");
    assert_logged(0, "none", "", 0);
}

static void test_long_lines_are_cut(void **state)
{
    (void)state;
    char longest[WARD_GUEST_LINE_BYTES_MAX + 100];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ward_log(WARD_LOG_DEBUG, "%s", longest);
    assert_int_equal(logged.text_length, WARD_GUEST_LINE_BYTES_MAX);
    assert_memory_equal(logged.text + logged.text_length - 3, "…", 3);
}

/* A field goes whole or not at all, and one that is left out leaves room for the next. */
static void test_fields_that_do_not_fit(void **state)
{
    (void)state;
    char value[WARD_GUEST_FIELDS_BYTES_MAX];
    memset(value, 'v', sizeof value);
    for (size_t length = 2030; length < sizeof value; length++) {
        value[length] = '\0';
        ward_field fields[] = {{"a", "b"}, {"long", value}, {"c", "d"}};
        ward_log_with(WARD_LOG_INFO, fields, 3, "-");
        size_t whole = 4 + 5 + length + 1, sum = whole <= WARD_GUEST_FIELDS_BYTES_MAX ? whole : 4;
        if (sum + 4 <= WARD_GUEST_FIELDS_BYTES_MAX) sum += 4;
        assert_int_equal(logged.fields_length, sum);
        value[length] = 'v';
    }
}

static void test_format_ends(void **state)
{
    (void)state;
    char text[8];
    assert_int_equal(ward_format(text, sizeof text, "%d", 1234567), 7);
    assert_string_equal(text, "1234567");
    assert_int_equal(ward_format(text, sizeof text, "%d", 12345678), 7);
    assert_string_equal(text, "1234…");
    ward_bytes bytes = ward_text(text);
    assert_int_equal(bytes.length, 7);
    assert_ptr_equal(bytes.bytes, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_end),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_fields_that_do_not_fit),
        cmocka_unit_test(test_format_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
