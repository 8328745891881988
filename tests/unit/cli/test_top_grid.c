/* Cells: widths, cuts, and what a hostile text cannot do. */
#include "unit/cli/top_kit.h"

static top_grid grid;

static void expect_put(int width, const char *text, const char *shown, int used)
{
    assert_true(top_grid_resize(&grid, 1, 40));
    int took = top_grid_put(&grid, 0, 0, width, WARDI_PLAIN, text);
    if (strcmp(line_of(&grid, 0), shown) != 0) fail_msg("%s, not %s", line_room, shown);
    assert_int_equal(took, used);
    top_grid_done(&grid);
}

static void texts_fit_or_are_cut(void **state)
{
    (void)state;
    expect_put(10, "plain", "plain", 5);
    expect_put(5, "plain", "plain", 5);
    expect_put(4, "plain", "pla…", 4);
    expect_put(1, "plain", "…", 1);
    expect_put(0, "plain", "", 0);
    expect_put(-3, "plain", "", 0);
    expect_put(10, "", "", 0);
    expect_put(10, "Gauß →", "Gauß →", 6);
    expect_put(99, "wider than the grid: it ends at its edge and is cut there",
               "wider than the grid: it ends at its edg…", 40);
}

static void wide_ones_take_two(void **state)
{
    (void)state;
    expect_put(10, "日本", "日本", 4);
    expect_put(4, "日本", "日本", 4);
    expect_put(3, "日本", "日…", 3);
    expect_put(2, "日本", "…", 1); /* half of one is none */
    expect_put(10, "🦀!", "🦀!", 3);
}

static void marks_share_a_cell(void **state)
{
    (void)state;
    expect_put(10, "e\xcc\x81t", "e\xcc\x81t", 2);
    expect_put(10, "\xcc\x81t", "t", 1); /* with nothing to stand over */
    char tower[400] = "a";
    for (int i = 0; i < 100; i++) strcat(tower, "\xcc\x81");
    assert_true(top_grid_resize(&grid, 1, 40));
    assert_int_equal(top_grid_put(&grid, 0, 0, 40, 0, tower), 1);
    assert_true(strlen(grid.cells[0].text) < sizeof grid.cells[0].text);
    top_grid_done(&grid);
}

static void what_is_hostile_is_escaped(void **state)
{
    (void)state;
    expect_put(30, "a\x1b[2Jb", "a\\x1b[2Jb", 9);
    expect_put(30, "two\nlines\tand", "two\\nlines\\tand", 15);
    expect_put(30,
               "\xc2\x9b"
               "2J",
               "\\x9b2J", 6); /* C1 */
    expect_put(30, "\x7f\xff\xc3", "\\x7f\\xff\\xc3", 12);
    expect_put(30, "x\xe2\x80\xaey", "x\\u202ey", 8);                     /* turns the direction */
    expect_put(30, "x\xe2\x80\x8dy\xef\xb8\x8f", "x\\u200dy\\ufe0f", 14); /* joins, varies */
    expect_put(4, "ab\x1b", "ab…", 3); /* an escape is shown whole or not */
    expect_put(30, "C:\\dir", "C:\\dir", 6);
}

static void cells_outside_are_not_touched(void **state)
{
    (void)state;
    assert_true(top_grid_resize(&grid, 2, 5));
    top_grid_put(&grid, 0, 0, 5, WARDI_PLAIN, "aaaaa");
    top_grid_put(&grid, 1, 0, 5, WARDI_PLAIN, "bbbbb");
    top_grid_put(&grid, 0, 2, 2, WARDI_RED, "x");
    top_grid_put(&grid, -1, 0, 5, WARDI_RED, "no");
    top_grid_put(&grid, 2, 0, 5, WARDI_RED, "no");
    top_grid_put(&grid, 0, 5, 5, WARDI_RED, "no");
    top_grid_put(&grid, 0, -2, 5, WARDI_RED, "no");
    assert_string_equal(line_of(&grid, 0), "aax a");
    assert_string_equal(line_of(&grid, 1), "bbbbb");
    assert_int_equal(grid.cells[2].style, WARDI_RED);
    assert_int_equal(grid.cells[1].style, WARDI_PLAIN);
    top_grid_put_right(&grid, 1, 1, 4, WARDI_PLAIN, "日");
    assert_string_equal(line_of(&grid, 1), "b  日");
    top_grid_put_right(&grid, 1, 0, 3, WARDI_PLAIN, "12345");
    assert_string_equal(line_of(&grid, 1), "12…日");
    top_grid_done(&grid);
}

static void lines_are_wrapped_at_whole_characters(void **state)
{
    (void)state;
    assert_int_equal(top_wrap("short", 10), 5);
    assert_int_equal(top_wrap("short\nnext", 10), 5);
    assert_int_equal(top_wrap("\nnext", 10), 0);
    assert_int_equal(top_wrap("0123456789", 4), 4);
    assert_int_equal(top_wrap("日本語", 5), 6);
    assert_int_equal(top_wrap("日", 1), 3); /* or nobody would get anywhere */
    assert_int_equal(top_wrap("ab\x1b[2J", 5), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_fit_or_are_cut),
        cmocka_unit_test(wide_ones_take_two),
        cmocka_unit_test(marks_share_a_cell),
        cmocka_unit_test(what_is_hostile_is_escaped),
        cmocka_unit_test(cells_outside_are_not_touched),
        cmocka_unit_test(lines_are_wrapped_at_whole_characters),
    };
    take_locale(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
