#include "cli/bar.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define UNSEEN_NS (500 * WARDI_MS) /* what is over by then needs no line */
#define TICK_NS (100 * WARDI_MS)
enum { BAR_MIN = 6, BAR_MAX = 30, COLUMNS_MAX = 200 };

struct wardi_bar {
    pthread_t thread;
    pthread_mutex_t lock; /* guards `ending` */
    pthread_cond_t changed;
    bool ending;
    wardi_bar_look look;
    void *context;
    uint64_t began_ns;
};

/* The terminal is the process's, and so is the line. */
static pthread_mutex_t terminal = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static bool shown;

/* ---- the line ---- */

/* A file may have any name; here it has letters alone. */
static void put_plain(wardi_text *to, const char *name)
{
    for (; *name != '\0'; name++) wardi_text_add(to, *name >= ' ' && *name <= '~' ? name : "?", 1);
}

static void put_bar(wardi_text *to, const wardi_bar_state *state, size_t room)
{
    size_t width = room < BAR_MAX ? room : BAR_MAX;
    double share = (double)state->done / (double)state->most;
    size_t full = share < 1 ? (size_t)(share * (double)width) : width;
    wardi_text_puts(to, " [");
    for (size_t i = 0; i < width; i++) wardi_text_add(to, i < full ? "#" : ".", 1);
    wardi_text_puts(to, "]");
}

void wardi_bar_text(wardi_text *to, const wardi_bar_state *state, int columns, uint64_t elapsed_ns)
{
    char line[COLUMNS_MAX + 1], time[40];
    wardi_text text = WARDI_TEXT(line), behind = WARDI_TEXT(time);
    size_t most = columns < COLUMNS_MAX ? (size_t)(columns > 0 ? columns : 0) : COLUMNS_MAX;
    wardi_text_printf(&behind, " %llu s", (unsigned long long)(elapsed_ns / WARDI_S));
    wardi_text_puts(&text, state->doing);
    if (state->most != 0) {
        wardi_text_puts(&text, " ");
        wardi_text_count(&text, state->done < state->most ? state->done : state->most);
        wardi_text_puts(&text, "/");
        wardi_text_count(&text, state->most);
    }
    if (state->what != NULL) {
        wardi_text_puts(&text, " ");
        put_plain(&text, state->what);
    }
    size_t used = text.length + behind.length + 3;
    if (state->most != 0 && used + BAR_MIN <= most) put_bar(&text, state, most - used);
    if (text.length + behind.length <= most) wardi_text_puts(&text, time);
    wardi_text_add(to, line, text.length < most ? text.length : most);
}

/* ---- on the terminal ---- */

static void put(const char *bytes, size_t length)
{
    ssize_t written = write(STDERR_FILENO, bytes, length);
    (void)written; /* nobody is told: it is only for the eye */
}

void wardi_bar_hold(void)
{
    pthread_mutex_lock(&terminal);
    if (shown) put("\r\033[K", 4);
    shown = false;
}

void wardi_bar_let(void)
{
    pthread_mutex_unlock(&terminal);
}

/* One that is held back by Ctrl-S is not waited for, and another job's terminal is not written on.
 */
static bool is_ours(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0 &&
           tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static int columns_now(void)
{
    struct winsize size = {0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
    return known ? size.ws_col - 1 : 79; /* in the last one the line would break */
}

static void draw(const wardi_bar *bar, const wardi_bar_state *state)
{
    char line[COLUMNS_MAX + 16];
    wardi_text text = WARDI_TEXT(line);
    if (!is_ours()) return;
    wardi_text_puts(&text, "\r");
    wardi_bar_text(&text, state, columns_now(), wardi_now_ns() - bar->began_ns);
    wardi_text_puts(&text, "\033[K");
    pthread_mutex_lock(&terminal);
    put(line, text.length);
    shown = true;
    pthread_mutex_unlock(&terminal);
}

/* False: it is the end. */
static bool wait_until(wardi_bar *bar, uint64_t due_ns)
{
    pthread_mutex_lock(&bar->lock);
    while (!bar->ending && wardi_now_ns() < due_ns)
        wardi_cond_wait_until(&bar->changed, &bar->lock, due_ns);
    bool goes_on = !bar->ending;
    pthread_mutex_unlock(&bar->lock);
    return goes_on;
}

static void *tell(void *context)
{
    wardi_bar *bar = context;
    uint64_t due_ns = bar->began_ns + UNSEEN_NS;
    wardi_bar_state state = {0};
    while (wait_until(bar, due_ns) && bar->look(bar->context, &state)) {
        draw(bar, &state);
        due_ns = wardi_now_ns() + TICK_NS;
    }
    wardi_bar_hold();
    wardi_bar_let();
    return NULL;
}

bool wardi_bar_of_file(void *context, wardi_bar_state *ret_state)
{
    *ret_state = (wardi_bar_state){.doing = "compiling", .what = context};
    return true;
}

/* ---- life ---- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

static bool is_seen(void)
{
    const char *name = getenv("TERM");
    return wardi_output_is_terminal(stderr) && name != NULL && name[0] != '\0' &&
           strcmp(name, "dumb") != 0 && !is_set("CI");
}

wardi_bar *wardi_bar_new(wardi_bar_look look, void *context)
{
    wardi_bar *bar = is_seen() ? wardi_alloc(sizeof *bar) : NULL;
    if (bar == NULL) return NULL;
    bar->look = look;
    bar->context = context;
    bar->began_ns = wardi_now_ns();
    pthread_mutex_init(&bar->lock, NULL);
    pthread_cond_init(&bar->changed, NULL);
    if (wardi_thread_start(&bar->thread, tell, bar)) return bar;
    wardi_free(bar);
    return NULL;
}

void wardi_bar_free(wardi_bar *bar)
{
    if (bar == NULL) return;
    pthread_mutex_lock(&bar->lock);
    bar->ending = true;
    pthread_cond_signal(&bar->changed);
    pthread_mutex_unlock(&bar->lock);
    pthread_join(bar->thread, NULL);
    pthread_cond_destroy(&bar->changed);
    pthread_mutex_destroy(&bar->lock);
    wardi_free(bar);
}
