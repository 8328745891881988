/* What stands where, at any size, and with anything in it. */
#include "unit/cli/top_kit.h"

static top_state s;
static top_grid grid;

static int begin(void **state)
{
    (void)state;
    top_state_init(&s);
    return 0;
}

static int end(void **state)
{
    (void)state;
    top_state_done(&s);
    top_grid_done(&grid);
    return 0;
}

static void draw(int lines, int columns)
{
    assert_true(top_grid_resize(&grid, lines, columns));
    top_resize(&s, lines, columns);
    top_draw(&grid, &s, 100 * WARDI_S, 100 * WARDI_S);
}

/* The line that holds the words; -1: there is none. */
static int line_with(const char *words)
{
    for (int line = 0; line < grid.lines; line++)
        if (strstr(line_of(&grid, line), words) != NULL) return line;
    return -1;
}

static void expect(const char *words)
{
    if (line_with(words) >= 0) return;
    for (int line = 0; line < grid.lines; line++) fprintf(stderr, "|%s\n", line_of(&grid, line));
    fail_msg("nowhere: %s", words);
}

/* Two of many: one is ill, one works. */
static top_answer *an_answer(uint64_t total)
{
    top_resize(&s, s.lines, s.columns);
    top_answer *a = answer_for(&s, total);
    a->host = (top_host){.version = "1.2.3",
                         .uptime_ns = 90061 * WARDI_S,
                         .workers = 4,
                         .workers_busy = 3,
                         .memory_bytes = 64 << 20,
                         .restarts = 1234,
                         .counts = {1, 0, 0, 0, 0, 12345},
                         .alive = true,
                         .events_a_second = 12.3,
                         .cpu = 0.5};
    if (a->count < 2) return a;
    a->rows[0] = (top_row){.name = "ill",
                           .condition = "unhealthy",
                           .reason = "disk full",
                           .since_wall_ns = 88 * WARDI_S,
                           .has_figures = true,
                           .restarts = 7,
                           .waiting_max = 64};
    a->rows[1] = (top_row){.name = "works",
                           .condition = "healthy",
                           .ready = true,
                           .has_figures = true,
                           .has_rates = true,
                           .waiting = 12,
                           .waiting_max = 64,
                           .memory_bytes = 1258291,
                           .memory_bytes_max = 256 << 20,
                           .probes = 3,
                           .latency_ns = 1234000,
                           .messages_a_second = 42,
                           .cpu = 0.123};
    return a;
}

static void a_usual_terminal(void **state)
{
    (void)state;
    top_take(&s, an_answer(500), 0);
    draw(24, 80);
    expect("ward 1.2.3  up 1d 1h");
    expect("12,346 components  1 unhealthy  12,345 healthy");
    expect("workers 3/4 busy  cpu 50%  memory 64M  events 12/s  restarts 1,234");
    assert_int_equal(line_with("NAME"), 3);
    assert_int_equal(line_with("CONDITION▼"), 3);
    assert_int_equal(line_with(">!ill"), 4);
    assert_string_equal(line_of(&grid, 5),
                        "  works        healthy       0   12/64     42  1.2ms 1.2M/256M  12%");
    assert_int_equal(line_with("ill unhealthy for 12s: disk full"), 22);
    assert_int_equal(line_with("q quit"), 23);
    assert_int_equal(line_with("1 of 500"), 23);
    draw(40, 120);
    expect("RDY");
    assert_true(line_with("disk full") == 4);
}

static void small_ones_keep_what_matters(void **state)
{
    (void)state;
    top_take(&s, an_answer(500), 0);
    draw(10, 40);
    expect(">!ill");
    expect("unhealthy  disk full");
    expect("1 of 500");
    assert_int_equal(line_with("MBOX"), -1);
    draw(4, 20);
    expect(">!ill");
    draw(3, 20);
    expect(">!ill");
    draw(2, 20);
    expect("too small");
    draw(24, 10);
    expect("too small…");
}

/* Whatever the size and the state, it is drawn within the grid, and with each cell a character. */
static void any_size_is_drawn(void **state)
{
    (void)state;
    top_take(&s, an_answer(50), 0);
    for (int how = 0; how < 8; how++) {
        s.details = (how & 1) != 0;
        s.help = (how & 2) != 0;
        strcpy(s.trouble, (how & 4) != 0 ? "gone" : "");
        s.scroll = 1000;
        for (int lines = 1; lines < 45; lines++)
            for (int columns = 1; columns < 140; columns += 3) draw(lines, columns);
        assert_true(s.scroll < 1000 || !(s.details || s.help));
    }
}

static void hostile_texts_do_no_harm(void **state)
{
    (void)state;
    top_answer *a = an_answer(50);
    strcpy(a->rows[0].name, "evil\x1b[2J\xe2\x80\xae");
    strcpy(a->rows[0].reason, "\r\n\x1b]0;title\x07 日本 e\xcc\x81");
    strcpy(a->rows[0].condition, "\x1b[31m");
    a->detail = strdup("one\x1b[2J\ntwo\ttabs\xff\n");
    top_take(&s, a, 0);
    s.details = true;
    strcpy(a->query.detail, s.selected_name);
    for (int columns = 20; columns < 200; columns++) {
        draw(24, columns);
        for (int i = 0; i < grid.lines * grid.columns; i++) {
            const char *cell = grid.cells[i].text;
            assert_true(cell[0] == '\0' || (unsigned char)cell[0] >= ' ');
            assert_null(strstr(cell, "\xe2\x80\xae"));
            assert_true((unsigned char)cell[0] != 0x7f);
        }
    }
    expect("one\\x1b[2J");
    expect("two\\ttabs\\xff");
    expect("日本 e\xcc\x81");
}

static void signs_are_no_colours_alone(void **state)
{
    static const char *const lines[TOP_CONDITIONS] = {" !", " ~", " ~", " .", " -", "  "};
    (void)state;
    assert_true(top_grid_resize(&grid, 1, 80));
    for (int c = 0; c < TOP_CONDITIONS; c++) {
        top_row row = {.name = "x"};
        strcpy(row.condition, top_conditions[c]);
        top_draw_row(&grid, 0, &row, false);
        assert_int_equal(strncmp(line_of(&grid, 0), lines[c], 2), 0);
        assert_non_null(strstr(line_of(&grid, 0), top_conditions[c]));
        top_draw_row(&grid, 0, &row, true);
        assert_int_equal(line_of(&grid, 0)[0], '>');
    }
}

static void names_that_are_too_long_show_both_ends(void **state)
{
    (void)state;
    top_row row = {.condition = "healthy"};
    strcpy(row.name, "a-very-long-name-of-some-service-indeed.12345");
    assert_true(top_grid_resize(&grid, 1, 80));
    top_draw_row(&grid, 0, &row, false);
    assert_int_equal(strncmp(line_of(&grid, 0), "  a-ver….12345 ", 16), 0);
    row.is_group = true;
    row.instances = 3;
    top_draw_row(&grid, 0, &row, false);
    assert_non_null(strstr(line_of(&grid, 0), "/"));
    assert_non_null(strstr(line_of(&grid, 0), "3 instances"));
}

static void what_goes_on_is_said(void **state)
{
    (void)state;
    draw(24, 80);
    expect("asking…");
    top_take(&s, an_answer(500), 0);
    strcpy(s.words, "foo");
    s.paused = true;
    s.folded = true;
    draw(24, 80);
    expect("[filter foo] [groups] [paused]");
    s.paused = false;
    s.depth = 1;
    strcpy(s.levels[0], "web");
    draw(24, 80);
    expect("[in web] [each 2s]");
    s.typing = true;
    draw(24, 80);
    expect("names with: foo_");
    s.typing = false;
    s.question = true;
    s.command = (top_command){.request = "stop", .name = "web", .is_group = true};
    draw(24, 80);
    expect("stop group web? y or n");
    s.question = false;
    strcpy(s.said, "stop web: it is stopped already");
    draw(24, 80);
    expect("it is stopped already");
    s.answered_ns = 88 * WARDI_S;
    strcpy(s.trouble, "no ward answers at /run/x");
    draw(24, 80);
    assert_int_equal(line_with("NO ANSWER for 12s, asking again: no ward answers at /run/x"), 0);
    expect(">!ill"); /* what was known stays */
    s.answer->host.alive = false;
    strcpy(s.answer->host.journal, "disk full");
    draw(24, 140);
    expect("GETTING NOWHERE");
    expect("JOURNAL: disk full");
}

static void nobody_is_said(void **state)
{
    (void)state;
    top_take(&s, an_answer(0), 0);
    draw(24, 80);
    expect("there is nobody here");
    strcpy(s.words, "zzz");
    draw(24, 80);
    expect("nobody has that in the name");
}

static void texts_scroll(void **state)
{
    (void)state;
    top_answer *a = an_answer(50);
    char lines[2000];
    wardi_text text = WARDI_TEXT(lines);
    for (int i = 0; i < 60; i++) wardi_text_printf(&text, "line %d.\n", i);
    a->detail = strdup(lines);
    top_take(&s, a, 0);
    s.details = true;
    strcpy(a->query.detail, s.selected_name);
    draw(24, 80);
    expect("line 0.");
    assert_int_equal(line_with("line 59."), -1);
    s.scroll = 10;
    draw(24, 80);
    assert_int_equal(line_with("line 9."), -1);
    expect("line 10.");
    s.scroll = 500; /* no further than the end */
    draw(24, 80);
    expect("line 59.");
    assert_int_equal(line_with("line 59."), 22);
    strcpy(s.answer->query.detail, "another"); /* which is not this one's */
    draw(24, 80);
    assert_int_equal(line_with("line"), -1);
}

static void figures_are_short(void **state)
{
    static const struct {
        void (*put)(wardi_text *text, double value);
        double value;
        const char *text;
    } doubles[] = {
        {top_text_rate, 0, "0"},
        {top_text_rate, 0.04, "0"},
        {top_text_rate, 0.26, "0.3"},
        {top_text_rate, 9.96, "10"},
        {top_text_rate, 9999, "9999"},
        {top_text_rate, 12345, "12k"},
        {top_text_rate, 1.2e6, "1.2M"},
        {top_text_latency, 0, "0ns"},
        {top_text_latency, 850, "850ns"},
        {top_text_latency, 1234, "1.2us"},
        {top_text_latency, 999.7, "1.0us"},
        {top_text_latency, 5.5e8, "550ms"},
        {top_text_latency, 7e10, "70s"},
        {top_text_share, 0.0001, "0%"},
        {top_text_share, 0.003, "0.3%"},
        {top_text_share, 1, "100%"},
        {top_text_share, 50, "999%"},
    };
    static const struct {
        void (*put)(wardi_text *text, uint64_t value);
        uint64_t value;
        const char *text;
    } numbers[] = {
        {top_text_bytes, 0, "0B"},
        {top_text_bytes, 999, "999B"},
        {top_text_bytes, 1000, "1.0K"},
        {top_text_bytes, 65536, "64K"},
        {top_text_bytes, 256 << 20, "256M"},
        {top_text_bytes, 1258291, "1.2M"},
        {top_text_bytes, UINT64_C(1) << 40, "1T"},
        {wardi_text_count, 0, "0"},
        {wardi_text_count, 999, "999"},
        {wardi_text_count, 1000, "1,000"},
        {wardi_text_count, 1234567, "1,234,567"},
        {top_text_span, 7 * WARDI_S, "7s"},
        {top_text_span, 725 * WARDI_S, "12m 5s"},
        {top_text_span, 7260 * WARDI_S, "2h 1m"},
        {top_text_span, 273600 * WARDI_S, "3d 4h"},
    };
    (void)state;
    char room[40];
    for (size_t i = 0; i < WARD_COUNT(doubles) + WARD_COUNT(numbers); i++) {
        wardi_text text = WARDI_TEXT(room);
        size_t n = i - WARD_COUNT(doubles);
        if (i < WARD_COUNT(doubles))
            doubles[i].put(&text, doubles[i].value);
        else
            numbers[n].put(&text, numbers[n].value);
        assert_string_equal(room, i < WARD_COUNT(doubles) ? doubles[i].text : numbers[n].text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_usual_terminal),
        TEST(small_ones_keep_what_matters),
        TEST(any_size_is_drawn),
        TEST(hostile_texts_do_no_harm),
        TEST(signs_are_no_colours_alone),
        TEST(names_that_are_too_long_show_both_ends),
        TEST(what_goes_on_is_said),
        TEST(nobody_is_said),
        TEST(texts_scroll),
        TEST(figures_are_short),
    };
    take_locale(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
