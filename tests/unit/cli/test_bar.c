/* The line of progress, at any width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/bar.h"

static void expect(wardi_bar_state state, int columns, uint64_t seconds, const char *line)
{
    char room[300];
    wardi_text text = WARDI_TEXT(room);
    wardi_bar_text(&text, &state, columns, seconds * WARDI_S + 999 * WARDI_MS);
    if (strcmp(room, line) != 0) fail_msg("%s|, not %s|", room, line);
}

static void it_tells_how_far_it_is(void **state)
{
    (void)state;
    expect((wardi_bar_state){"starting", 45120, 100000, NULL}, 79, 12,
           "starting 45,120/100,000 [#############.................] 12 s");
    expect((wardi_bar_state){"starting", 0, 2, NULL}, 79, 0,
           "starting 0/2 [..............................] 0 s");
    expect((wardi_bar_state){"starting", 2, 2, NULL}, 79, 3,
           "starting 2/2 [##############################] 3 s");
    expect((wardi_bar_state){"starting", 3, 2, NULL}, 79, 3,
           "starting 2/2 [##############################] 3 s");
    expect((wardi_bar_state){"compiling", 1, 4, "a.wasm"}, 79, 3,
           "compiling 1/4 a.wasm [#######.......................] 3 s");
    expect((wardi_bar_state){"compiling", 0, 0, "a.wasm"}, 79, 70, "compiling a.wasm 70 s");
    expect((wardi_bar_state){"compiling", 0, 0, NULL}, 79, 1, "compiling 1 s");
}

static void it_fits_where_it_can(void **state)
{
    (void)state;
    wardi_bar_state some = {"starting", 1, 2, NULL};
    expect(some, 25, 1, "starting 1/2 [###...] 1 s");
    expect(some, 24, 1, "starting 1/2 1 s");
    expect(some, 16, 1, "starting 1/2 1 s");
    expect(some, 15, 1, "starting 1/2");
    expect(some, 8, 1, "starting");
    expect(some, 3, 1, "sta");
    expect(some, 0, 1, "");
    expect(some, -1, 1, "");
    char name[2000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int columns = 0; columns < 400; columns++) {
        char room[600];
        wardi_text text = WARDI_TEXT(room);
        wardi_bar_text(&text, &(wardi_bar_state){"compiling", 1, 2, name}, columns, 0);
        assert_true((int)text.length <= columns);
    }
}

static void names_are_letters(void **state)
{
    (void)state;
    expect((wardi_bar_state){"compiling", 0, 0, "a\x1b[2J\nb\xe2\x80\xae.wasm"}, 79, 0,
           "compiling a?[2J?b???.wasm 0 s");
}

static bool never(void *context, wardi_bar_state *ret_state)
{
    (void)ret_state;
    *(bool *)context = true;
    return false;
}

/* Standard error is none here, or it is said so. */
static void where_nobody_sees_it_there_is_none(void **state)
{
    (void)state;
    bool looked = false;
    setenv("CI", "1", 1);
    wardi_bar *bar = wardi_bar_new(never, &looked);
    assert_null(bar);
    wardi_bar_free(bar);
    assert_false(looked);
    wardi_bar_hold();
    wardi_bar_hold(); /* by the same thread once more */
    wardi_bar_let();
    wardi_bar_let();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_how_far_it_is),
        cmocka_unit_test(it_fits_where_it_can),
        cmocka_unit_test(names_are_letters),
        cmocka_unit_test(where_nobody_sees_it_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
