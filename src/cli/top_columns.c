/* The table: which columns there is room for, and what stands in them. */
#include <string.h>

#include "cli/top.h"

/* ---- figures, in few letters ---- */

/* With a decimal where it tells something, and is not rounded to one digit more. */
static void put_number(wardi_text *text, double value, const char *unit)
{
    wardi_text_printf(text, value < 9.95 ? "%.1f%s" : "%.0f%s", value, unit);
}

void top_text_rate(wardi_text *text, double rate)
{
    static const char *const units[] = {"", "k", "M", "G"};
    size_t unit = 0;
    if (rate < 0.05) {
        wardi_text_puts(text, "0");
        return;
    }
    if (rate >= 9999.5)
        for (; rate >= 999.5 && unit + 1 < WARD_COUNT(units); unit++) rate /= 1000;
    put_number(text, rate, units[unit]);
}

void top_text_latency(wardi_text *text, double ns)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    size_t unit = 0;
    for (; ns >= 999.5 && unit + 1 < WARD_COUNT(units); unit++) ns /= 1000;
    if (unit == 0)
        wardi_text_printf(text, "%.0fns", ns);
    else
        put_number(text, ns, units[unit]);
}

void top_text_share(wardi_text *text, double share)
{
    double percent = share * 100 < 999 ? share * 100 : 999; /* a long call that has just ended */
    if (percent < 0.05)
        wardi_text_puts(text, "0%");
    else
        put_number(text, percent, "%");
}

void top_text_bytes(wardi_text *text, uint64_t bytes)
{
    static const char *const units[] = {"B", "K", "M", "G", "T", "P"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < WARD_COUNT(units); unit++) value /= 1024;
    if (unit == 0 || value - (double)(uint64_t)value < 0.05)
        wardi_text_printf(text, "%.0f%s", value, units[unit]);
    else
        put_number(text, value, units[unit]);
}

void top_text_span(wardi_text *text, uint64_t ns)
{
    unsigned long long s = ns / WARDI_S;
    if (s < 60)
        wardi_text_printf(text, "%llus", s);
    else if (s < 3600)
        wardi_text_printf(text, "%llum %llus", s / 60, s % 60);
    else if (s < 86400)
        wardi_text_printf(text, "%lluh %llum", s / 3600, s / 60 % 60);
    else
        wardi_text_printf(text, "%llud %lluh", s / 86400, s / 3600 % 24);
}

/* ---- columns ---- */

typedef enum column_id {
    COLUMN_NAME,
    COLUMN_CONDITION,
    COLUMN_READY,
    COLUMN_RESTARTS,
    COLUMN_MAILBOX,
    COLUMN_MESSAGES,
    COLUMN_LATENCY,
    COLUMN_MEMORY,
    COLUMN_CPU,
    COLUMN_REASON,
} column_id;
enum { COLUMNS = 10, MARK_WIDTH = 2, NAME_WIDTH_MAX = 40, NO_SORT = -1 };

typedef struct column {
    const char *title;
    int width; /* at least */
    bool right;
    int sort;
} column;

static const column columns[COLUMNS] = {
    [COLUMN_NAME] = {"NAME", 12, false, TOP_BY_NAME},
    [COLUMN_CONDITION] = {"CONDITION", 10, false, TOP_BY_CONDITION},
    [COLUMN_READY] = {"RDY", 3, false, NO_SORT},
    [COLUMN_RESTARTS] = {"RST", 4, true, TOP_BY_RESTARTS},
    [COLUMN_MAILBOX] = {"MBOX", 7, true, TOP_BY_MAILBOX},
    [COLUMN_MESSAGES] = {"MSG/S", 6, true, TOP_BY_MESSAGES},
    [COLUMN_LATENCY] = {"LAT", 6, true, TOP_BY_LATENCY},
    [COLUMN_MEMORY] = {"MEM", 9, true, TOP_BY_MEMORY},
    [COLUMN_CPU] = {"CPU", 4, true, TOP_BY_CPU},
    [COLUMN_REASON] = {"REASON", 11, false, NO_SORT},
};

/* Which goes first where there is no room for all: the last of these. */
static const column_id worth[COLUMNS] = {
    COLUMN_NAME,   COLUMN_CONDITION, COLUMN_REASON,  COLUMN_CPU,      COLUMN_RESTARTS,
    COLUMN_MEMORY, COLUMN_MAILBOX,   COLUMN_LATENCY, COLUMN_MESSAGES, COLUMN_READY,
};

/* Widths by column; 0: it is not there. */
static void widths_of(int width, int ret_widths[COLUMNS])
{
    int left = width - MARK_WIDTH;
    memset(ret_widths, 0, COLUMNS * sizeof *ret_widths);
    for (int i = 0; i < COLUMNS; i++) {
        const column *c = &columns[worth[i]];
        int wanted = c->width + (i > 0); /* and a blank before it */
        if (wanted > left && i > 0) continue;
        ret_widths[worth[i]] = c->width < left ? c->width : left;
        left -= wanted;
    }
    if (left <= 0) return;
    int more = left / 3 < NAME_WIDTH_MAX - columns[COLUMN_NAME].width
                   ? left / 3
                   : NAME_WIDTH_MAX - columns[COLUMN_NAME].width;
    if (ret_widths[COLUMN_REASON] == 0) more = left;
    ret_widths[COLUMN_NAME] += more;
    if (ret_widths[COLUMN_REASON] != 0) ret_widths[COLUMN_REASON] += left - more;
}

void top_draw_titles(top_grid *grid, int line, const top_state *s)
{
    int widths[COLUMNS], at = MARK_WIDTH;
    widths_of(grid->columns, widths);
    unsigned style = WARDI_BOLD | TOP_REVERSE;
    top_grid_put(grid, line, 0, grid->columns, style, "");
    for (int c = 0; c < COLUMNS; c++) {
        char title[32];
        wardi_text text = WARDI_TEXT(title);
        if (widths[c] == 0) continue;
        bool sorted = columns[c].sort == (int)s->sort;
        wardi_text_printf(&text, "%s%s", columns[c].title, !sorted ? "" : s->reverse ? "▲" : "▼");
        if (columns[c].right)
            top_grid_put_right(grid, line, at, widths[c], style, title);
        else
            top_grid_put(grid, line, at, widths[c], style, title);
        at += widths[c] + 1;
    }
}

/* ---- a row ---- */

/* Of a name that is too long both ends: instances differ in the last. */
static void put_name(wardi_text *text, const top_row *row, int width)
{
    size_t room = (size_t)width - (row->is_group && width > 1), length = strlen(row->name);
    if (length <= room) {
        wardi_text_puts(text, row->name);
    } else {
        size_t end = room / 2, begin = room - end - 1;
        wardi_text_add(text, row->name, wardi_utf8_fit(row->name, length, begin));
        wardi_text_puts(text, "…");
        wardi_text_puts(text, row->name + length - end);
    }
    if (row->is_group) wardi_text_puts(text, "/");
}

static void put_mailbox(wardi_text *text, const top_row *row)
{
    unsigned long long waiting = row->waiting, most = row->waiting_max;
    wardi_text_printf(text, "%llu", waiting);
    if (waiting < 1000 && most < 1000) wardi_text_printf(text, "/%llu", most);
}

static void put_restarts(wardi_text *text, const top_row *row)
{
    if (row->restarts < 10000)
        wardi_text_printf(text, "%llu", (unsigned long long)row->restarts);
    else
        top_text_rate(text, (double)row->restarts);
}

static void put_memory(wardi_text *text, const top_row *row)
{
    top_text_bytes(text, row->memory_bytes);
    if (row->memory_bytes_max == 0 || row->memory_bytes_max > (UINT64_C(1) << 60)) return;
    wardi_text_puts(text, "/");
    top_text_bytes(text, row->memory_bytes_max);
}

static void put_figure(wardi_text *text, const top_row *row, column_id of)
{
    if (!row->has_figures) return;
    switch (of) {
    case COLUMN_RESTARTS: put_restarts(text, row); break;
    case COLUMN_MAILBOX: put_mailbox(text, row); break;
    case COLUMN_MEMORY: put_memory(text, row); break;
    case COLUMN_LATENCY:
        if (row->probes != 0)
            top_text_latency(text, row->latency_ns);
        else
            wardi_text_puts(text, "-");
        break;
    default:
        if (!row->has_rates)
            wardi_text_puts(text, "-");
        else if (of == COLUMN_CPU)
            top_text_share(text, row->cpu);
        else
            top_text_rate(text, row->messages_a_second);
    }
}

static void put_reason(wardi_text *text, const top_row *row)
{
    if (row->reason[0] != '\0')
        wardi_text_puts(text, row->reason);
    else if (row->instances != 0)
        wardi_text_printf(text, "%llu instances", (unsigned long long)row->instances);
}

static void put_cell(wardi_text *text, const top_row *row, column_id of, int width)
{
    switch (of) {
    case COLUMN_NAME: put_name(text, row, width); break;
    case COLUMN_CONDITION: wardi_text_puts(text, row->condition); break;
    case COLUMN_READY: wardi_text_puts(text, row->ready ? "yes" : "no"); break;
    case COLUMN_REASON: put_reason(text, row); break;
    default: put_figure(text, row, of);
    }
}

/* Beside the colour, and in its place: how bad it is. */
static const char *mark_of(const char *condition)
{
    static const char *const marks[TOP_CONDITIONS] = {"!", "~", "~", ".", "-", " "};
    for (int c = 0; c < TOP_CONDITIONS; c++)
        if (strcmp(top_conditions[c], condition) == 0) return marks[c];
    return "?";
}

void top_draw_row(top_grid *grid, int line, const top_row *row, bool selected)
{
    int widths[COLUMNS], at = MARK_WIDTH;
    unsigned all = selected ? TOP_REVERSE : 0;
    unsigned of_condition = wardi_style_of_condition(row->condition);
    widths_of(grid->columns, widths);
    top_grid_put(grid, line, 0, grid->columns, all, "");
    top_grid_put(grid, line, 0, 1, all, selected ? ">" : " ");
    top_grid_put(grid, line, 1, 1, all | of_condition, mark_of(row->condition));
    for (int c = 0; c < COLUMNS; c++) {
        char cell[TOP_REASON_BYTES];
        wardi_text text = WARDI_TEXT(cell);
        if (widths[c] == 0) continue;
        if (row->is_group && c > COLUMN_CONDITION) { /* it has no figures: their place is free */
            put_reason(&text, row);
            top_grid_put(grid, line, at, grid->columns - at, all, cell);
            return;
        }
        put_cell(&text, row, (column_id)c, widths[c]);
        unsigned style = all | (c == COLUMN_CONDITION ? of_condition : WARDI_PLAIN);
        if (columns[c].right)
            top_grid_put_right(grid, line, at, widths[c], style, cell);
        else
            top_grid_put(grid, line, at, widths[c], style, cell);
        at += widths[c] + 1;
    }
}
