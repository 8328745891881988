/* What the tests of `ward top` share: answers by hand, and lines of the grid as text. */
#ifndef TOP_KIT_H
#define TOP_KIT_H

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/top.h"

static inline int take_locale(void **state)
{
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    return 0;
}

/* An answer to what is asked now, with the rows of the page that it asks for: row 7 is "m.7". */
static inline top_answer *answer_for(const top_state *s, uint64_t total)
{
    top_answer *a = wardi_alloc(sizeof *a);
    assert_non_null(a);
    top_query_of(s, &a->query);
    a->total = total;
    a->offset = a->query.offset < total ? a->query.offset : total;
    a->count = a->query.limit < total - a->offset ? a->query.limit : (size_t)(total - a->offset);
    a->rows = wardi_alloc_array(a->count + 1, sizeof *a->rows);
    assert_non_null(a->rows);
    strcpy(a->host.version, "1.2.3");
    a->host.alive = true;
    a->host.events_a_second = a->host.cpu = -1;
    for (size_t i = 0; i < a->count; i++) {
        top_row *row = &a->rows[i];
        snprintf(row->name, sizeof row->name, "m.%llu", (unsigned long long)(a->offset + i));
        strcpy(row->condition, "healthy");
        row->ready = row->has_figures = true;
    }
    return a;
}

static inline void expect_selected(const top_state *s, const char *name)
{
    const top_row *row = top_row_at(s, s->selected);
    assert_non_null(row);
    assert_string_equal(row->name, name);
}

/* One line, without the blanks at its end. */
static inline void top_grid_text(const top_grid *grid, int line, wardi_text *to)
{
    int end = grid->columns;
    const top_cell *cells = &grid->cells[line * grid->columns];
    while (end > 0 && strcmp(cells[end - 1].text, " ") == 0) end--;
    for (int i = 0; i < end; i++) wardi_text_puts(to, cells[i].text);
}

static char line_room[2048];

static inline const char *line_of(const top_grid *grid, int line)
{
    wardi_text text = WARDI_TEXT(line_room);
    top_grid_text(grid, line, &text);
    return line_room;
}

#endif
