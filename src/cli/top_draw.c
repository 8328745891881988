/* Where everything stands, at any size of the terminal. */
#include <string.h>

#include "cli/top.h"

bool top_layout_of(const top_state *s, top_layout *ret_layout)
{
    enum { LINES_MIN = 3, COLUMNS_MIN = 20, TABLE_MIN = 4 };
    if (s->lines < LINES_MIN || s->columns < COLUMNS_MIN) return false;
    top_layout l = {.head = s->lines >= 16 ? 3 : s->lines >= 9 ? 2 : 1};
    if (s->lines < 5) l.head = 0;
    l.titles = l.head;
    l.foot = s->lines - 1;
    l.about = s->lines >= 12 && !s->details ? s->lines - 2 : -1;
    int body = s->lines - l.head - 2 - (l.about >= 0);
    l.rows = body;
    if (s->details) {
        l.rows = body >= 4 * TABLE_MIN ? body / 3 : body > 1 ? 1 : 0;
        l.details = l.titles + 1 + l.rows;
        l.detail = body - l.rows;
    }
    *ret_layout = l;
    return true;
}

/* ---- the head ---- */

static int put(top_grid *grid, int line, int at, unsigned style, const char *text)
{
    return at + top_grid_put(grid, line, at, grid->columns - at, style, text);
}

static void badges_of(const top_state *s, wardi_text *text)
{
    if (s->words[0] != '\0') wardi_text_printf(text, " [filter %s]", s->words);
    if (s->folded && s->depth == 0) wardi_text_puts(text, " [groups]");
    if (s->folded && s->depth > 0) wardi_text_printf(text, " [in %s]", top_level(s));
    if (s->sort == TOP_BY_AGE) wardi_text_printf(text, " [by age%s]", s->reverse ? "▲" : "▼");
    if (s->answer != NULL && s->answer->by_sums) wardi_text_puts(text, " [by sums]");
    wardi_text_puts(text, s->paused ? " [paused]" : " [each ");
    if (!s->paused) wardi_text_duration(text, s->interval_ns);
    if (!s->paused) wardi_text_puts(text, "]");
}

static void draw_title(top_grid *grid, int line, const top_state *s)
{
    char badges[TOP_NAME_BYTES + 200], title[320];
    wardi_text right = WARDI_TEXT(badges), left = WARDI_TEXT(title);
    const top_answer *a = s->answer;
    badges_of(s, &right);
    wardi_text_printf(&left, "ward %s", a != NULL ? a->host.version : "");
    if (a != NULL) wardi_text_puts(&left, "  up ");
    if (a != NULL) top_text_span(&left, a->host.uptime_ns);
    if (a != NULL && a->host.leaving) wardi_text_puts(&left, "  STOPPING");
    wardi_text_printf(&left, "  %s", s->socket);
    int room = grid->columns - (int)strlen(badges);
    if (room < 20) room = grid->columns / 2;
    top_grid_put(grid, line, 0, room, WARDI_BOLD, title);
    top_grid_put_right(grid, line, room, grid->columns - room, WARDI_PLAIN, badges);
}

static void draw_trouble(top_grid *grid, int line, const top_state *s, uint64_t now_ns)
{
    char words[500];
    wardi_text text = WARDI_TEXT(words);
    uint64_t gone_ns = now_ns > s->answered_ns ? now_ns - s->answered_ns : 0;
    wardi_text_puts(&text, "NO ANSWER for ");
    top_text_span(&text, gone_ns);
    wardi_text_printf(&text, ", asking again: %s", s->trouble);
    top_grid_put(grid, line, 0, grid->columns, WARDI_RED | TOP_REVERSE, words);
}

static void draw_counts(top_grid *grid, int line, const top_host *host)
{
    char words[80];
    wardi_text text = WARDI_TEXT(words);
    uint64_t all = 0;
    for (int c = 0; c < TOP_CONDITIONS; c++) all += host->counts[c];
    wardi_text_count(&text, all);
    wardi_text_puts(&text, all == 1 ? " component " : " components");
    int at = put(grid, line, 0, WARDI_PLAIN, words);
    for (int c = 0; c < TOP_CONDITIONS; c++) {
        if (host->counts[c] == 0) continue;
        text = WARDI_TEXT(words);
        wardi_text_puts(&text, "  ");
        wardi_text_count(&text, host->counts[c]);
        wardi_text_printf(&text, " %s", top_conditions[c]);
        unsigned style = wardi_style_of_condition(top_conditions[c]);
        at = put(grid, line, at, style | (c == 0 ? TOP_STRONG : 0), words);
    }
}

static void put_rate(wardi_text *text, double rate, bool is_share)
{
    if (rate < 0)
        wardi_text_puts(text, "-");
    else if (is_share)
        top_text_share(text, rate);
    else
        top_text_rate(text, rate);
}

static int draw_workers(top_grid *grid, int line, const top_host *host)
{
    char words[80];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_printf(&text, "workers %llu/%llu busy", (unsigned long long)host->workers_busy,
                      (unsigned long long)host->workers);
    if (!host->alive) wardi_text_puts(&text, ", GETTING NOWHERE");
    return put(grid, line, 0, host->alive ? WARDI_PLAIN : WARDI_RED | TOP_STRONG, words);
}

static void draw_figures(top_grid *grid, int line, const top_host *host)
{
    char words[300];
    wardi_text text = WARDI_TEXT(words);
    int at = draw_workers(grid, line, host);
    wardi_text_puts(&text, "  cpu ");
    put_rate(&text, host->cpu, true);
    wardi_text_puts(&text, "  memory ");
    top_text_bytes(&text, host->memory_bytes);
    wardi_text_puts(&text, "  events ");
    put_rate(&text, host->events_a_second, false);
    wardi_text_puts(&text, "/s  restarts ");
    wardi_text_count(&text, host->restarts);
    at = put(grid, line, at, WARDI_PLAIN, words);
    if (host->journal[0] == '\0') return;
    text = WARDI_TEXT(words);
    wardi_text_printf(&text, "  JOURNAL: %s", host->journal);
    put(grid, line, at, WARDI_RED | TOP_STRONG, words);
}

static void draw_head(top_grid *grid, const top_layout *l, const top_state *s, uint64_t now_ns)
{
    const top_answer *a = s->answer;
    if (s->trouble[0] != '\0' && l->head > 0)
        draw_trouble(grid, 0, s, now_ns);
    else if (l->head > 1)
        draw_title(grid, 0, s);
    else if (l->head == 1 && a != NULL)
        draw_counts(grid, 0, &a->host);
    if (a == NULL) return;
    if (l->head > 1) draw_counts(grid, 1, &a->host);
    if (l->head > 2) draw_figures(grid, 2, &a->host);
}

/* ---- the table ---- */

static void draw_nothing(top_grid *grid, int line, const top_state *s)
{
    const char *words = s->answer == NULL ? "asking…"
                        : s->words[0] != '\0'
                            ? "nobody has that in the name: Esc takes the filter off"
                            : "there is nobody here";
    top_grid_put(grid, line, 2, grid->columns - 2, WARDI_DIM, words);
}

static void draw_table(top_grid *grid, const top_layout *l, const top_state *s)
{
    top_draw_titles(grid, l->titles, s);
    uint64_t reach = top_reach(s);
    if (reach == 0 && l->rows > 0) draw_nothing(grid, l->titles + 1, s);
    for (int i = 0; i < l->rows && s->first + (uint64_t)i < reach; i++) {
        uint64_t place = s->first + (uint64_t)i;
        const top_row *row = top_row_at(s, place);
        int line = l->titles + 1 + i;
        if (row != NULL)
            top_draw_row(grid, line, row, place == s->selected);
        else
            top_grid_put(grid, line, 0, grid->columns, WARDI_DIM, "  …");
    }
}

/* ---- text that may be longer than its place ---- */

/* Draws lines of `text` into `lines` lines, after `*scroll` of them, which is made less where the
 * text does not go on for so long. */
static void draw_text(top_grid *grid, int line, int lines, const char *text, int *scroll)
{
    int count = 0;
    for (const char *at = text; *at != '\0'; count++) {
        at += top_wrap(at, grid->columns);
        if (*at == '\n') at++;
    }
    if (*scroll > count - lines) *scroll = count > lines ? count - lines : 0;
    count = 0;
    for (const char *at = text; *at != '\0' && count - *scroll < lines; count++) {
        char one[2048];
        wardi_text room = WARDI_TEXT(one);
        size_t length = top_wrap(at, grid->columns);
        wardi_text_add(&room, at, length);
        if (count >= *scroll)
            top_grid_put(grid, line + count - *scroll, 0, grid->columns, WARDI_PLAIN, one);
        at += length;
        if (*at == '\n') at++;
    }
}

static void draw_details(top_grid *grid, const top_layout *l, top_state *s)
{
    char words[TOP_NAME_BYTES + 80];
    wardi_text text = WARDI_TEXT(words);
    const top_answer *a = s->answer;
    if (l->detail <= 0) return;
    wardi_text_printf(&text, " %s   Esc closes, PgUp and PgDn scroll", s->selected_name);
    top_grid_put(grid, l->details, 0, grid->columns, WARDI_BOLD | TOP_REVERSE, words);
    bool known = a != NULL && a->detail != NULL && strcmp(a->query.detail, s->selected_name) == 0;
    draw_text(grid, l->details + 1, l->detail - 1, known ? a->detail : "asking…", &s->scroll);
}

static const char help[] =
    "Up Down k j     one row           PgUp PgDn   a page\n"
    "Home End        first and last row\n"
    "Enter Right     all about it, or into a group;  Esc Left  back\n"
    "/               only names with these letters;  Esc takes them off\n"
    "s S             next order, and the other way round\n"
    "g               groups, a level at a time, or all components\n"
    "p               pause             + -         ask less often, more often\n"
    "r x t l         restart, stop, start, release, after a question\n"
    "Ctrl-L          draw anew         q           quit\n"
    "\n"
    "!  unhealthy    ~  unready or degraded    .  starting    -  stopped\n"
    "RDY    whether it serves\n"
    "RST    restarts since Ward came up\n"
    "MBOX   messages in its mailbox, and how many it holds\n"
    "MSG/S  messages that it handled, a second\n"
    "LAT    how long a health check takes inside of it\n"
    "MEM    memory, and its limit\n"
    "CPU    share of a core, inside of it, in calls that have ended\n"
    "\n"
    "Rates are of the time between two answers. With more than 1,000 rows, MSG/S, LAT\n"
    "and CPU order by sums since Ward came up; rows after the 9,000th are out of reach:\n"
    "/ and S bring them near.\n";

/* ---- the end ---- */

static void draw_about(top_grid *grid, int line, const top_state *s, uint64_t now_wall_ns)
{
    char words[TOP_REASON_BYTES + 300];
    wardi_text text = WARDI_TEXT(words);
    const top_row *row = top_row_at(s, s->selected);
    if (line < 0 || row == NULL) return;
    wardi_text_printf(&text, "%s %s", row->name, row->condition);
    if (row->since_wall_ns != 0 && row->since_wall_ns < now_wall_ns) {
        wardi_text_puts(&text, " for ");
        top_text_span(&text, now_wall_ns - row->since_wall_ns);
    }
    if (row->reason[0] != '\0') wardi_text_printf(&text, ": %s", row->reason);
    top_grid_put(grid, line, 0, grid->columns, WARDI_PLAIN, words);
}

static void put_place(wardi_text *text, const top_state *s)
{
    if (s->answer == NULL || s->answer->total == 0) return;
    wardi_text_count(text, s->selected + 1);
    wardi_text_puts(text, " of ");
    wardi_text_count(text, s->answer->total);
}

static void draw_foot(top_grid *grid, int line, const top_state *s)
{
    char words[400], place[60];
    wardi_text text = WARDI_TEXT(words), right = WARDI_TEXT(place);
    unsigned style = WARDI_PLAIN;
    put_place(&right, s);
    if (s->question) {
        wardi_text_printf(&text, "%s %s%s? y or n", s->command.request,
                          s->command.is_group ? "group " : "", s->command.name);
        style = WARDI_YELLOW | TOP_REVERSE;
    } else if (s->typing) {
        wardi_text_printf(&text, "names with: %s_   Enter keeps it, Esc takes it off", s->words);
        style = WARDI_BOLD;
    } else if (s->said[0] != '\0') {
        wardi_text_puts(&text, s->said);
        style = WARDI_BOLD;
    } else {
        wardi_text_puts(&text, "q quit  ? help  Enter details  / filter  s S sort  g groups  "
                               "p pause  + - interval  r x t l restart stop start release");
    }
    int room = grid->columns - (int)right.length - 1;
    if (room < grid->columns / 2) room = grid->columns;
    top_grid_put(grid, line, 0, room, style, words);
    top_grid_put_right(grid, line, room, grid->columns - room, WARDI_PLAIN, place);
}

void top_draw(top_grid *grid, top_state *s, uint64_t now_wall_ns, uint64_t now_ns)
{
    top_layout l;
    top_grid_clear(grid);
    if (!top_layout_of(s, &l)) {
        top_grid_put(grid, 0, 0, grid->columns, WARDI_PLAIN, "too small; q quits");
        return;
    }
    draw_head(grid, &l, s, now_ns);
    if (s->help) {
        draw_text(grid, l.titles, l.foot - l.titles, help, &s->scroll);
        top_grid_put(grid, l.foot, 0, grid->columns, WARDI_PLAIN,
                     "?, q or Esc: back   Up, Down, PgUp and PgDn scroll");
        return;
    }
    draw_table(grid, &l, s);
    if (s->details) draw_details(grid, &l, s);
    draw_about(grid, l.about, s, now_wall_ns);
    draw_foot(grid, l.foot, s);
}
