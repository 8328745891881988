/* `ward top`: the loop that brings keys, answers and the screen together. */
#include "cli/top.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/settings.h"

typedef struct top {
    top_state state;
    top_grid grid;
    top_fetch *fetch;
    top_screen *screen;
    int wake_fd;
    int status;
} top;

/* Ages are shown in seconds. */
enum { REDRAW_MS = 1000 };

static void show(top *t, bool anew)
{
    top_draw(&t->grid, &t->state, wardi_wall_ns(), wardi_now_ns());
    top_screen_show(t->screen, &t->grid, anew);
}

static void ask(const top *t)
{
    top_query query;
    top_query_of(&t->state, &query);
    top_fetch_ask(t->fetch, &query, t->state.paused ? UINT64_MAX : t->state.interval_ns);
}

/* False: it is the end. */
static bool act(top *t, top_action action)
{
    switch (action) {
    case TOP_NOTHING: return true;
    case TOP_LEAVE: return false;
    case TOP_ASK: ask(t); break;
    case TOP_ORDER: top_fetch_order(t->fetch, &t->state.command); break;
    case TOP_DRAW:
    case TOP_CLEAR: break;
    }
    show(t, action == TOP_CLEAR);
    return true;
}

static bool take_answer(top *t)
{
    char said[sizeof t->state.said];
    top_answer *answer = top_fetch_take(t->fetch, said, sizeof said);
    if (said[0] != '\0') memcpy(t->state.said, said, sizeof said);
    if (answer == NULL) return act(t, TOP_DRAW);
    return act(t, top_take(&t->state, answer, wardi_now_ns()));
}

static bool take_size(top *t, bool anew)
{
    int lines, columns;
    top_screen_size(t->screen, &lines, &columns);
    if (!top_grid_resize(&t->grid, lines, columns)) {
        t->status = WARDI_EXIT_FAILED;
        return false;
    }
    top_action action = top_resize(&t->state, lines, columns);
    if (action == TOP_ASK) ask(t);
    show(t, anew);
    return true;
}

static bool turn(top *t)
{
    int key = 0;
    switch (top_screen_wait(t->screen, t->wake_fd, REDRAW_MS, &key)) {
    case TOP_WAIT_KEY: return act(t, top_key(&t->state, key));
    case TOP_WAIT_ANSWER: return take_answer(t);
    case TOP_WAIT_RESIZED:
    case TOP_WAIT_BACK: return take_size(t, true);
    case TOP_WAIT_END:
        if (key != SIGINT) t->status = 128 + key;
        return false;
    case TOP_WAIT_NOTHING: show(t, false); return true;
    }
    return true;
}

static void begin(top *t, const wardi_top_settings *given, const char *words)
{
    top_state *s = &t->state;
    top_state_init(s);
    s->sort = top_sort_of(given->sort);
    s->reverse = given->reverse;
    s->folded = given->groups;
    if (given->interval_ns != 0) s->interval_ns = given->interval_ns;
    if (s->interval_ns < TOP_INTERVAL_MIN_NS) s->interval_ns = TOP_INTERVAL_MIN_NS;
    wardi_text to = WARDI_TEXT(s->words), socket = WARDI_TEXT(s->socket);
    if (words != NULL) wardi_text_puts(&to, words);
    wardi_text_puts(&socket, top_fetch_socket(t->fetch));
    s->answered_ns = wardi_now_ns();
}

int wardi_top_run(const void *settings, char **args, int arg_count)
{
    const wardi_top_settings *given = settings;
    top t = {.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .status = WARDI_EXIT_FAILED};
    if (t.wake_fd < 0) {
        wardi_complain("top: %s", strerror(errno));
        return WARDI_EXIT_FAILED;
    }
    if (top_screen_fits()) t.fetch = top_fetch_new(given->socket, t.wake_fd);
    if (t.fetch != NULL) t.screen = top_screen_open();
    if (t.screen != NULL) {
        t.status = WARDI_EXIT_OK;
        begin(&t, given, arg_count > 0 ? args[0] : NULL);
        bool goes_on = take_size(&t, true);
        ask(&t);
        while (goes_on) goes_on = turn(&t);
    }
    top_screen_close(t.screen);
    top_fetch_free(t.fetch);
    top_state_done(&t.state);
    top_grid_done(&t.grid);
    return t.status;
}
