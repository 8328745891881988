/* The grid of cells that a screen is made of, and how text comes into it. */
#include <string.h>
#include <wchar.h>

#include "cli/top.h"

bool top_grid_resize(top_grid *grid, int lines, int columns)
{
    top_cell *cells = wardi_alloc_array((size_t)lines * (size_t)columns + 1, sizeof *cells);
    if (cells == NULL) return false;
    wardi_free(grid->cells);
    *grid = (top_grid){.lines = lines, .columns = columns, .cells = cells};
    top_grid_clear(grid);
    return true;
}

void top_grid_clear(top_grid *grid)
{
    for (int i = 0; i < grid->lines * grid->columns; i++) grid->cells[i] = (top_cell){.text = " "};
}

void top_grid_done(top_grid *grid)
{
    wardi_free(grid->cells);
    *grid = (top_grid){0};
}

/* ---- characters ---- */

/* One character of a text, as it is shown: itself, or an escape for it. */
typedef struct glyph {
    char text[14];
    size_t bytes; /* that it was in the text */
    int width;
} glyph;

static uint32_t code_of(const unsigned char *bytes, size_t length)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = bytes[0] & masks[length];
    for (size_t i = 1; i < length; i++) code = code << 6 | (bytes[i] & 0x3f);
    return code;
}

/* What is not seen, and yet moves what is: directions, joiners, variants, tags. */
static bool is_sly(uint32_t c)
{
    return c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfe00 && c <= 0xfe0f) || c >= 0xe0000;
}

static glyph escaped(uint32_t code, size_t bytes)
{
    glyph g = {.bytes = bytes};
    wardi_text text = WARDI_TEXT(g.text);
    if (code == '\n')
        wardi_text_puts(&text, "\\n");
    else if (code == '\t')
        wardi_text_puts(&text, "\\t");
    else if (code < 0x100)
        wardi_text_printf(&text, "\\x%02x", (unsigned)code);
    else
        wardi_text_printf(&text, "\\u%04x", (unsigned)code);
    g.width = (int)text.length;
    return g;
}

static glyph glyph_of(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    size_t length = wardi_utf8_length(bytes, strnlen(at, 4));
    if (length == 0) return escaped(bytes[0], 1);
    uint32_t code = code_of(bytes, length);
    int width = wcwidth((wchar_t)code);
    if (width < 0 || is_sly(code)) return escaped(code, length);
    glyph g = {.bytes = length, .width = width};
    memcpy(g.text, at, length);
    return g;
}

/* ---- putting ---- */

static top_cell *cell_at(top_grid *grid, int line, int column)
{
    return &grid->cells[line * grid->columns + column];
}

/* Marks over a letter share its cell, as many as there is room for. */
static void put_over(top_grid *grid, int line, int column, const glyph *g)
{
    top_cell *cell = cell_at(grid, line, column);
    if (cell->text[0] == '\0' && column > 0) cell--; /* of a wide one, the first half */
    if (strlen(cell->text) + g->bytes < sizeof cell->text) strcat(cell->text, g->text);
}

static void put_glyph(top_grid *grid, int line, int column, unsigned style, const glyph *g)
{
    if (g->text[0] == '\\' && g->width > 1) { /* an escape: each letter in its place */
        for (int i = 0; i < g->width; i++)
            *cell_at(grid, line, column + i) =
                (top_cell){.text = {g->text[i]}, .style = (uint8_t)style};
        return;
    }
    top_cell *cell = cell_at(grid, line, column);
    *cell = (top_cell){.style = (uint8_t)style};
    memcpy(cell->text, g->text, sizeof cell->text);
    if (g->width == 2) cell[1] = (top_cell){.style = (uint8_t)style};
}

/* In columns; no more than `most` and what is behind it. */
static int width_of(const char *text, int most)
{
    int width = 0;
    while (*text != '\0' && width <= most) {
        glyph g = glyph_of(text);
        width += g.width;
        text += g.bytes;
    }
    return width;
}

static int clip(const top_grid *grid, int line, int column, int width)
{
    if (line < 0 || line >= grid->lines || column < 0 || column >= grid->columns) return 0;
    return width < grid->columns - column ? width : grid->columns - column;
}

int top_grid_put(top_grid *grid, int line, int column, int width, unsigned style, const char *text)
{
    int used = 0;
    width = clip(grid, line, column, width);
    if (width <= 0) return 0;
    int room = width_of(text, width) > width ? width - 1 : width; /* the last is for "…" */
    while (*text != '\0') {
        glyph g = glyph_of(text);
        if (used + g.width > room) break;
        if (g.width != 0)
            put_glyph(grid, line, column + used, style, &g);
        else if (used > 0)
            put_over(grid, line, column + used - 1, &g);
        used += g.width;
        text += g.bytes;
    }
    if (*text != '\0')
        *cell_at(grid, line, column + used++) = (top_cell){.text = "…", .style = (uint8_t)style};
    for (int i = used; i < width; i++)
        *cell_at(grid, line, column + i) = (top_cell){.text = " ", .style = (uint8_t)style};
    return used;
}

void top_grid_put_right(top_grid *grid, int line, int column, int width, unsigned style,
                        const char *text)
{
    int wanted = width_of(text, width);
    int before = wanted < width ? width - wanted : 0;
    top_grid_put(grid, line, column, before, style, "");
    top_grid_put(grid, line, column + before, width - before, style, text);
}

size_t top_wrap(const char *text, int columns)
{
    const char *at = text;
    int width = 0;
    while (*at != '\0' && *at != '\n') {
        glyph g = glyph_of(at);
        if (width + g.width > columns) break;
        width += g.width;
        at += g.bytes;
    }
    if (at == text && *at != '\0' && *at != '\n') at += glyph_of(at).bytes; /* wider than all */
    return (size_t)(at - text);
}
