/* What each key does; where the selection is when rows come, go and move. */
#include "unit/cli/top_kit.h"

static top_state s;

static int begin(void **state)
{
    (void)state;
    top_state_init(&s);
    top_resize(&s, 24, 80);
    return 0;
}

static int end(void **state)
{
    (void)state;
    top_state_done(&s);
    return 0;
}

static int rows(void)
{
    top_layout layout;
    assert_true(top_layout_of(&s, &layout));
    return layout.rows;
}

/* The host answers what is asked, until nothing more is. */
static void answer(uint64_t total)
{
    for (int i = 0; i < 3; i++)
        if (top_take(&s, answer_for(&s, total), 0) != TOP_ASK) return;
    fail_msg("it asks and asks");
}

static void the_selection_moves(void **state)
{
    (void)state;
    answer(1000);
    expect_selected(&s, "m.0");
    assert_int_equal(top_key(&s, TOP_KEY_UP), TOP_DRAW);
    expect_selected(&s, "m.0");
    assert_int_equal(top_key(&s, 'j'), TOP_DRAW);
    expect_selected(&s, "m.1");
    for (int i = 0; i < rows(); i++) top_key(&s, TOP_KEY_DOWN);
    assert_int_equal(s.selected, rows() + 1);
    assert_int_equal(s.first, 2); /* no more than is needed */
    top_key(&s, 'k');
    assert_int_equal(s.first, 2);
    top_key(&s, TOP_KEY_HOME);
    assert_int_equal(s.first, 0);
    expect_selected(&s, "m.0");
    /* The last rows have not been asked for yet. */
    assert_int_equal(top_key(&s, TOP_KEY_END), TOP_ASK);
    assert_int_equal(s.selected, 999);
    assert_null(top_row_at(&s, 999));
    answer(1000);
    expect_selected(&s, "m.999");
    assert_int_equal(s.first, 1000 - rows());
    assert_int_equal(top_key(&s, TOP_KEY_DOWN), TOP_DRAW);
    expect_selected(&s, "m.999");
    assert_int_equal(top_key(&s, TOP_KEY_PAGE_UP), TOP_DRAW);
    assert_int_equal(s.selected, 999 - rows());
}

static void pages_are_asked_for_before_they_are_needed(void **state)
{
    (void)state;
    answer(100000);
    top_query query;
    top_query_of(&s, &query);
    assert_int_equal(query.offset, 0);
    assert_int_equal(query.limit, 3 * rows());
    assert_int_equal(top_key(&s, TOP_KEY_PAGE_DOWN), TOP_DRAW); /* it is there */
    top_key(&s, TOP_KEY_PAGE_DOWN);
    assert_int_equal(top_key(&s, TOP_KEY_PAGE_DOWN), TOP_ASK);
    answer(100000);
    top_query_of(&s, &query);
    assert_int_equal(query.offset, s.first - (uint64_t)rows());
    /* What is out of reach is not gone to. */
    top_key(&s, TOP_KEY_END);
    assert_int_equal(s.selected, TOP_OFFSET_MAX - 1);
    top_query_of(&s, &query);
    assert_true(query.offset + query.limit <= 10000 + 1000);
}

static void nothing_is_asked_twice_over(void **state)
{
    (void)state;
    answer(50);
    top_key(&s, TOP_KEY_END);
    /* Half of them have gone since: fewer rows than were told of. */
    top_answer *a = answer_for(&s, 50);
    a->count = a->count > 5 ? 5 : a->count;
    assert_int_equal(top_take(&s, a, 0), TOP_DRAW);
}

/* Rows 0..9, the named one at `place`. */
static void answer_with(const char *name, size_t place)
{
    top_answer *a = answer_for(&s, 10);
    strcpy(a->rows[place].name, name);
    top_take(&s, a, 0);
}

static void the_selection_stays_with_whom_it_is_on(void **state)
{
    (void)state;
    answer_with("it", 4);
    for (int i = 0; i < 4; i++) top_key(&s, TOP_KEY_DOWN);
    expect_selected(&s, "it");
    answer_with("it", 7);
    assert_int_equal(s.selected, 7);
    expect_selected(&s, "it");
    answer_with("other", 2); /* it is gone: the place stays */
    assert_int_equal(s.selected, 7);
    /* At the top it stays at the top: there the worst are to be seen. */
    top_key(&s, TOP_KEY_HOME);
    answer_with("worst", 0);
    expect_selected(&s, "worst");
    answer_with("worst", 5);
    assert_int_equal(s.selected, 0);
}

static void fewer_rows_take_the_selection_back(void **state)
{
    (void)state;
    answer(100);
    top_key(&s, TOP_KEY_END);
    answer(100);
    answer(3);
    assert_int_equal(s.selected, 2);
    assert_int_equal(s.first, 0);
    answer(0);
    assert_int_equal(s.selected, 0);
    assert_null(top_row_at(&s, 0));
    assert_int_equal(top_key(&s, TOP_KEY_DOWN), TOP_DRAW);
    assert_int_equal(top_key(&s, TOP_KEY_ENTER), TOP_NOTHING);
    assert_int_equal(top_key(&s, 'r'), TOP_NOTHING);
}

static void sizes_keep_the_selection_in_sight(void **state)
{
    (void)state;
    answer(1000);
    for (int i = 0; i < 10; i++) top_key(&s, TOP_KEY_DOWN);
    for (int lines = 60; lines > 0; lines--) {
        top_resize(&s, lines, 80);
        answer(1000);
        top_layout layout;
        if (!top_layout_of(&s, &layout)) continue;
        assert_true(s.selected >= s.first);
        if (layout.rows > 0) assert_true(s.selected < s.first + (uint64_t)layout.rows);
        assert_true(layout.titles + 1 + layout.rows + layout.detail <= layout.foot);
    }
    expect_selected(&s, "m.10");
}

static void orders_follow_each_other(void **state)
{
    (void)state;
    answer(10);
    for (int i = 1; i <= TOP_SORTS; i++) {
        assert_int_equal(top_key(&s, 's'), TOP_ASK);
        assert_int_equal(s.sort, i % TOP_SORTS);
    }
    top_key(&s, TOP_KEY_DOWN);
    assert_int_equal(top_key(&s, 'S'), TOP_ASK);
    assert_true(s.reverse);
    assert_int_equal(s.selected, 0);
    top_query query;
    top_query_of(&s, &query);
    assert_true(query.reverse);
    top_key(&s, 's'); /* a new order begins at its own front */
    assert_false(s.reverse);
    /* What was asked before is no answer any more. */
    top_answer *late = answer_for(&s, 7);
    late->query.sort = TOP_BY_CPU;
    top_take(&s, late, 0);
    assert_int_equal(s.answer->total, 10);
}

static void words_filter(void **state)
{
    (void)state;
    answer(10);
    top_key(&s, '/');
    assert_int_equal(top_key(&s, 'q'), TOP_ASK); /* a letter like any other */
    top_key(&s, 'x');
    assert_string_equal(s.words, "qx");
    top_key(&s, TOP_KEY_BACKSPACE);
    assert_int_equal(top_key(&s, 0x1b5b), TOP_NOTHING);
    assert_int_equal(top_key(&s, '\t'), TOP_NOTHING);
    assert_string_equal(s.words, "q");
    top_key(&s, TOP_KEY_ENTER);
    assert_false(s.typing);
    top_query query;
    top_query_of(&s, &query);
    assert_string_equal(query.words, "q");
    top_key(&s, '/');
    top_key(&s, 'z');
    top_key(&s, TOP_KEY_ESCAPE); /* as it was before */
    assert_string_equal(s.words, "q");
    assert_int_equal(top_key(&s, TOP_KEY_ESCAPE), TOP_ASK);
    assert_string_equal(s.words, "");
    top_key(&s, '/');
    for (int i = 0; i < 500; i++) top_key(&s, 'a');
    assert_int_equal(strlen(s.words), sizeof s.words - 1);
}

static void groups_are_gone_into_and_out_of(void **state)
{
    (void)state;
    answer(3);
    assert_int_equal(top_key(&s, 'g'), TOP_ASK);
    static const char *const names[] = {"web", "inner"};
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        top_answer *a = answer_for(&s, 3);
        a->rows[0].is_group = true;
        strcpy(a->rows[0].name, names[i]);
        top_take(&s, a, 0);
        assert_int_equal(top_key(&s, TOP_KEY_ENTER), TOP_ASK);
        assert_string_equal(top_level(&s), names[i]);
    }
    top_query query;
    top_query_of(&s, &query);
    assert_true(query.folded);
    assert_string_equal(query.group, "inner");
    top_key(&s, TOP_KEY_ESCAPE);
    assert_string_equal(top_level(&s), "web");
    top_key(&s, TOP_KEY_LEFT);
    assert_string_equal(top_level(&s), "");
    assert_int_equal(top_key(&s, TOP_KEY_ESCAPE), TOP_NOTHING);
    assert_true(s.folded);
    top_key(&s, 'g');
    assert_false(s.folded);
}

static void details_follow_the_selection(void **state)
{
    (void)state;
    answer(50);
    assert_int_equal(top_key(&s, TOP_KEY_ENTER), TOP_ASK);
    answer(50);
    assert_string_equal(s.answer->query.detail, "m.0");
    s.scroll = 5;
    assert_int_equal(top_key(&s, TOP_KEY_DOWN), TOP_ASK); /* about another */
    assert_int_equal(s.scroll, 0);
    top_query query;
    top_query_of(&s, &query);
    assert_string_equal(query.detail, "m.1");
    answer(50);
    assert_int_equal(top_key(&s, TOP_KEY_PAGE_DOWN), TOP_DRAW);
    assert_true(s.scroll > 0);
    assert_int_equal(s.selected, 1);
    top_key(&s, TOP_KEY_ESCAPE);
    assert_false(s.details);
    top_query_of(&s, &query);
    assert_string_equal(query.detail, "");
}

static void nothing_is_done_without_a_yes(void **state)
{
    static const struct {
        int key;
        const char *request;
    } commands[] = {{'r', "restart"}, {'x', "stop"}, {'t', "start"}, {'l', "release"}};
    static const int nos[] = {'n', TOP_KEY_ENTER, TOP_KEY_ESCAPE, ' ', 'q', 'r'};
    (void)state;
    answer(10);
    top_key(&s, TOP_KEY_DOWN);
    for (size_t i = 0; i < WARD_COUNT(commands); i++) {
        for (size_t no = 0; no < WARD_COUNT(nos); no++) {
            assert_int_equal(top_key(&s, commands[i].key), TOP_DRAW);
            assert_true(s.question);
            assert_int_equal(top_key(&s, nos[no]), TOP_DRAW);
            assert_false(s.question);
            assert_string_equal(s.said, "nothing was done");
        }
        top_key(&s, commands[i].key);
        /* Rows move while the question stands: it is about the same one. */
        answer_with("someone.else", 1);
        assert_int_equal(top_key(&s, 'y'), TOP_ORDER);
        assert_string_equal(s.command.request, commands[i].request);
        assert_string_equal(s.command.name, i == 0 ? "m.1" : "someone.else");
    }
}

static void the_interval_has_bounds(void **state)
{
    (void)state;
    answer(1);
    for (int i = 0; i < 20; i++) assert_int_equal(top_key(&s, '-'), TOP_ASK);
    assert_int_equal(s.interval_ns, TOP_INTERVAL_MIN_NS);
    for (int i = 0; i < 20; i++) top_key(&s, '+');
    assert_int_equal(s.interval_ns, TOP_INTERVAL_MAX_NS);
    assert_int_equal(top_key(&s, 'p'), TOP_ASK);
    assert_true(s.paused);
}

static void trouble_keeps_what_is_known(void **state)
{
    (void)state;
    answer(10);
    top_answer *none = answer_for(&s, 0);
    strcpy(none->trouble, "no ward answers");
    assert_int_equal(top_take(&s, none, 5), TOP_DRAW);
    assert_int_equal(s.answer->total, 10);
    assert_string_equal(s.trouble, "no ward answers");
    assert_int_equal(top_key(&s, 'x'), TOP_NOTHING); /* nobody would hear of it */
    answer(11);
    assert_string_equal(s.trouble, "");
    assert_int_equal(s.answer->total, 11);
}

static void other_keys(void **state)
{
    (void)state;
    answer(10);
    assert_int_equal(top_key(&s, TOP_KEY_REDRAW), TOP_CLEAR);
    assert_int_equal(top_key(&s, 'Z'), TOP_NOTHING);
    assert_int_equal(top_key(&s, -1), TOP_NOTHING);
    top_key(&s, '?');
    assert_true(s.help);
    assert_int_equal(top_key(&s, 'j'), TOP_DRAW);
    assert_int_equal(s.scroll, 1);
    assert_int_equal(s.selected, 0);
    assert_int_equal(top_key(&s, 'q'), TOP_DRAW); /* out of the help alone */
    assert_int_equal(top_key(&s, 'q'), TOP_LEAVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_selection_moves),
        TEST(pages_are_asked_for_before_they_are_needed),
        TEST(nothing_is_asked_twice_over),
        TEST(the_selection_stays_with_whom_it_is_on),
        TEST(fewer_rows_take_the_selection_back),
        TEST(sizes_keep_the_selection_in_sight),
        TEST(orders_follow_each_other),
        TEST(words_filter),
        TEST(groups_are_gone_into_and_out_of),
        TEST(details_follow_the_selection),
        TEST(nothing_is_done_without_a_yes),
        TEST(the_interval_has_bounds),
        TEST(trouble_keeps_what_is_known),
        TEST(other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
