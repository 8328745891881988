/* top: how a ward that runs is doing, on a terminal, and kept fresh. Shared by top*.c alone.
 *
 * What was fetched (top_data.c) and what the person has chosen (top_keys.c) become a grid of cells
 * (top_draw.c, top_columns.c); all of that is pure, and knows no terminal. A thread asks the host
 * (top_fetch.c), so that keys are heard while it does not answer; the main thread alone touches the
 * terminal (top_screen.c), which is left as it was found, whatever ends the program. */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include <jansson.h>

#include "cli/cli.h"

enum {
    TOP_NAME_BYTES = 128,
    TOP_REASON_BYTES = 600,
    TOP_PAGE_MAX = 1000,   /* rows of an answer, as the host allows */
    TOP_OFFSET_MAX = 9000, /* a page begins at most so far behind; further on is out of reach */
    TOP_CONDITIONS = 6,
    TOP_LEVELS_MAX = 16, /* of groups in groups that can be gone into */
};
#define TOP_INTERVAL_NS (2 * WARDI_S)
#define TOP_INTERVAL_MIN_NS (250 * WARDI_MS)
#define TOP_INTERVAL_MAX_NS (64 * WARDI_S)

/* ---- orders ---- */

typedef enum top_sort {
    TOP_BY_CONDITION, /* the worst first */
    TOP_BY_NAME,
    TOP_BY_AGE, /* what changed last */
    TOP_BY_RESTARTS,
    TOP_BY_MAILBOX,
    TOP_BY_MESSAGES, /* these three of the last moments, where all can be looked at */
    TOP_BY_LATENCY,
    TOP_BY_MEMORY,
    TOP_BY_CPU,
} top_sort;
enum { TOP_SORTS = 9 };

/* As the host and --sort call it; ends with NULL. */
extern const char *const top_sort_names[TOP_SORTS + 1];
/* NULL: TOP_BY_CONDITION. */
top_sort top_sort_of(const char *name);
/* The host knows sums since the beginning, and not what goes on now. */
bool top_sort_is_rate(top_sort sort);

/* ---- what is asked ---- */

typedef struct top_query {
    top_sort sort;
    bool reverse, folded;       /* folded: groups, and what is in no other, one level at a time */
    char group[TOP_NAME_BYTES]; /* the level; "": the top */
    char words[TOP_NAME_BYTES]; /* in names; "": any */
    uint64_t offset;
    uint32_t limit;
    char detail[TOP_NAME_BYTES]; /* to be told whole; "": nobody */
    bool detail_is_group;
} top_query;

/* What a person wants done. */
typedef struct top_command {
    const char *request;       /* "restart"; NULL: nothing */
    char name[TOP_NAME_BYTES]; /* of whom */
    bool is_group;
} top_command;

/* ---- what is answered (top_data.c) ---- */

typedef struct top_row {
    bool is_group, ready, has_figures;
    bool has_rates; /* it was seen before */
    char name[TOP_NAME_BYTES], condition[16];
    char reason[TOP_REASON_BYTES];
    uint64_t since_wall_ns, instances;
    uint64_t restarts, waiting, waiting_max, handled, memory_bytes, memory_bytes_max;
    uint64_t probes, probe_ns_total, inside_ns;
    double messages_a_second, cpu; /* cpu: 1 is a whole core */
    double latency_ns;             /* mean of the checks since it was seen before, else of all */
} top_row;

typedef struct top_host {
    char version[32];
    uint64_t run, uptime_ns, workers, workers_busy, workers_stuck;
    uint64_t memory_bytes, cpu_ns, events, restarts;
    uint64_t counts[TOP_CONDITIONS]; /* of components, in the order of top_conditions */
    bool leaving, alive;             /* alive: its clock and its workers get on */
    char journal[200];               /* what is wrong with it; "" */
    double events_a_second, cpu;     /* negative: not known yet */
} top_host;

/* What there is room for, up to a whole character. */
void top_copy(char *to, size_t size, const char *from);

/* The worst first. */
extern const char *const top_conditions[TOP_CONDITIONS];

typedef struct top_answer {
    top_query query;
    top_host host;
    uint64_t total;  /* rows that there are */
    uint64_t offset; /* of the first in `rows` */
    size_t count;
    bool by_sums; /* by sums since the beginning, though the order is one of rates */
    top_row *rows;
    char *detail;      /* lines; NULL: none */
    char trouble[400]; /* "": it is an answer; else why it is none, and nothing else is */
} top_answer;

void top_answer_free(top_answer *answer); /* NULL is fine */
void top_row_read(top_row *ret_row, const json_t *member);
void top_host_read(top_host *ret_host, const json_t *json);
/* By what is now, equals by name. */
void top_rows_sort(top_row *rows, size_t count, top_sort sort, bool reverse);

/* What rows were like before. All zero is empty. */
typedef struct top_sample {
    uint64_t at_ns;
    top_row row;
} top_sample;
typedef struct top_history {
    top_sample *samples; /* in order of their names */
    size_t count;
    top_host host;
    uint64_t host_at_ns; /* 0: there is none */
} top_history;
/* Fills in the rates of the rows, and remembers them. Spans of less than half a second tell
 * nothing: what was there before stands. Without memory there are no rates. */
void top_history_rows(top_history *history, top_row *rows, size_t count, uint64_t now_ns);
void top_history_host(top_history *history, top_host *host, uint64_t now_ns);
void top_history_done(top_history *history);

/* ---- what the person sees of it, and does (top_keys.c) ---- */

/* Beside these, what a key writes. */
enum {
    TOP_KEY_UP = 0x1000,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
    TOP_KEY_LEFT,
    TOP_KEY_RIGHT,
    TOP_KEY_ENTER,
    TOP_KEY_ESCAPE,
    TOP_KEY_BACKSPACE,
    TOP_KEY_REDRAW, /* Ctrl-L */
};

typedef enum top_action {
    TOP_NOTHING,
    TOP_DRAW,
    TOP_ASK,   /* and ask the host: it is about other rows */
    TOP_ORDER, /* the host is given state.command */
    TOP_CLEAR, /* the terminal's content is not what it should be */
    TOP_LEAVE,
} top_action;

typedef struct top_state {
    int lines, columns; /* of the terminal */
    top_sort sort;
    bool reverse, folded, paused, help, details;
    bool typing;   /* `words` are being written */
    bool question; /* whether to do `command` */
    int depth;     /* folded: how many groups down */
    char levels[TOP_LEVELS_MAX][TOP_NAME_BYTES];
    char words[TOP_NAME_BYTES], words_before[TOP_NAME_BYTES];
    uint64_t first, selected; /* rows, counted from 0 */
    bool moved;               /* the selection stays with whom it is on, not with its place */
    char selected_name[TOP_NAME_BYTES];
    bool selected_is_group;
    int scroll; /* of details and help */
    uint64_t interval_ns;
    top_command command;
    char said[300];       /* what became of it; "" */
    char socket[200];     /* where the host is asked */
    char trouble[400];    /* why there is no answer now; "" */
    uint64_t answered_ns; /* when there was one last, monotonic */
    top_answer *answer;   /* the last good one; NULL: none yet */
} top_state;

void top_state_init(top_state *s);
void top_state_done(top_state *s);
/* `key` is one of TOP_KEY_…, or a character. */
top_action top_key(top_state *s, int key);
/* Takes the answer; the selection stays where it should. Whether more has to be asked. */
top_action top_take(top_state *s, top_answer *answer, uint64_t now_ns);
top_action top_resize(top_state *s, int lines, int columns);
/* What is to be asked now. */
void top_query_of(const top_state *s, top_query *ret_query);
/* The group whose members are shown; "": the top. */
const char *top_level(const top_state *s);
/* The row at that place; NULL: not known (yet). */
const top_row *top_row_at(const top_state *s, uint64_t place);
/* Rows that can be reached. */
uint64_t top_reach(const top_state *s);

/* ---- where everything stands (top_draw.c) ---- */

typedef struct top_layout {
    int head;            /* lines above the table: 1 to 3 */
    int titles, rows;    /* the line of the titles; lines for rows, below it */
    int details, detail; /* the first line of details, and how many; 0: none */
    int about, foot;     /* lines about the selected one, and of keys; -1: none */
} top_layout;

/* False: it is too small for anything. */
bool top_layout_of(const top_state *s, top_layout *ret_layout);

/* A cell: a character with what belongs to it; "": the second half of the one before. */
typedef struct top_cell {
    char text[14];
    uint8_t style; /* wardi_style, and: */
} top_cell;
enum { TOP_REVERSE = 0x10, TOP_STRONG = 0x20 }; /* TOP_STRONG: bold beside a colour */

typedef struct top_grid {
    int lines, columns;
    top_cell *cells;
} top_grid;

/* False: no memory. */
bool top_grid_resize(top_grid *grid, int lines, int columns);
void top_grid_clear(top_grid *grid);
void top_grid_done(top_grid *grid);
/* Writes into `width` columns from there on, cut with "…" if it is longer, and filled up with
 * blanks. What controls a terminal, has no width, or turns the direction of writing, is escaped.
 * Returns the columns that the text took. */
int top_grid_put(top_grid *grid, int line, int column, int width, unsigned style, const char *text);
/* The same, to the right end of the width. */
void top_grid_put_right(top_grid *grid, int line, int column, int width, unsigned style,
                        const char *text);
/* How many bytes of `text` stand on its first line at that width. */
size_t top_wrap(const char *text, int columns);

/* Draws all of it. Whoever has scrolled too far is taken back. */
void top_draw(top_grid *grid, top_state *s, uint64_t now_wall_ns, uint64_t now_ns);

/* ---- the table (top_columns.c) ---- */

void top_draw_titles(top_grid *grid, int line, const top_state *s);
void top_draw_row(top_grid *grid, int line, const top_row *row, bool selected);
/* "2.0", "450", "12k" */
void top_text_rate(wardi_text *text, double rate);
/* "850ns", "1.2ms" */
void top_text_latency(wardi_text *text, double ns);
/* "0.3%", "100%" */
void top_text_share(wardi_text *text, double share);
/* "3d 4h", "12m 5s", "7s". */
void top_text_span(wardi_text *text, uint64_t ns);
/* "1.2M" */
void top_text_bytes(wardi_text *text, uint64_t bytes);

/* ---- asking (top_fetch.c) ---- */

typedef struct top_fetch top_fetch;

/* Asks on a thread of its own. NULL: said why. `wake_fd` is written when there is an answer. */
top_fetch *top_fetch_new(const char *socket, int wake_fd);
/* What is asked from now on, at that interval (UINT64_MAX: only now), the first time at once. */
void top_fetch_ask(top_fetch *f, const top_query *query, uint64_t interval_ns);
/* Gives the host a command; what became of it is in `ret_said` of the next top_fetch_take. */
void top_fetch_order(top_fetch *f, const top_command *command);
/* The newest answer, the caller's; NULL: none since the last. `ret_said`: "", or what became of a
 * command. */
top_answer *top_fetch_take(top_fetch *f, char *ret_said, size_t size);
const char *top_fetch_socket(const top_fetch *f);
/* Waits for the answer that is under way no longer than a moment. NULL is fine. */
void top_fetch_free(top_fetch *f);

/* ---- the terminal (top_screen.c) ---- */

typedef struct top_screen top_screen;

/* Whether there is a terminal to draw on; false: said why not. */
bool top_screen_fits(void);
/* NULL: said why it can't be. Takes the terminal, and the signals that end or stop a program: they
 * are handed over by top_screen_wait. */
top_screen *top_screen_open(void);
void top_screen_size(const top_screen *screen, int *ret_lines, int *ret_columns);
void top_screen_show(top_screen *screen, const top_grid *grid, bool anew);
/* Waits for a key, a signal, or a byte in `wake_fd`. */
typedef enum top_wait {
    TOP_WAIT_NOTHING,
    TOP_WAIT_KEY,
    TOP_WAIT_ANSWER,
    TOP_WAIT_RESIZED,
    TOP_WAIT_BACK, /* from being stopped */
    TOP_WAIT_END,  /* a signal wants so, or the terminal is gone; *ret_key is the signal */
} top_wait;
top_wait top_screen_wait(top_screen *screen, int wake_fd, int timeout_ms, int *ret_key);
/* Gives the terminal back. NULL is fine. */
void top_screen_close(top_screen *screen);

#endif
