/* The terminal, and nothing else: ncurses, signals, and giving it back.
 *
 * Signals that end or stop a program are not taken as they come, but one after the other with keys:
 * so no code runs in between, and whatever they want, the terminal is put in order first. A fault
 * of our own has a handler that writes what puts it in order, and dies of the fault. */
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cli/top.h"

struct top_screen {
    SCREEN *screen;
    int signal_fd;
    int lines, columns;
    bool colours;
    sigset_t signals, before;
};

enum { PAIR_GREEN = 1, PAIR_YELLOW, PAIR_RED };

/* ---- faults ---- */

static const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
static struct sigaction faults_before[WARD_COUNT(faults)];
static struct termios terminal_before;
static char restoring[64];
static size_t restoring_length;

static void on_fault(int number)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    ssize_t written = write(STDOUT_FILENO, restoring, restoring_length);
    (void)written; /* there is nobody left to tell */
    for (size_t i = 0; i < WARD_COUNT(faults); i++)
        if (faults[i] == number) sigaction(number, &faults_before[i], NULL);
    raise(number);
}

static void keep_restoring(void)
{
    static const char *const names[] = {"sgr0", "cnorm", "rmkx", "rmcup"};
    wardi_text text = WARDI_TEXT(restoring);
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        const char *bytes = tigetstr(names[i]);
        if (bytes != NULL && bytes != (const char *)-1) wardi_text_puts(&text, bytes);
    }
    restoring_length = text.length;
    for (size_t i = 0; i < WARD_COUNT(faults); i++)
        sigaction(faults[i], &(struct sigaction){.sa_handler = on_fault, .sa_flags = SA_NODEFER},
                  &faults_before[i]);
}

static void forget_restoring(void)
{
    for (size_t i = 0; i < WARD_COUNT(faults); i++) sigaction(faults[i], &faults_before[i], NULL);
}

/* ---- opening ---- */

static bool complain(const char *why)
{
    wardi_complain("top: %s; `ward ps --watch` shows the same without one", why);
    return false;
}

bool top_screen_fits(void)
{
    const char *name = getenv("TERM");
    if (!wardi_output_is_terminal(stdin) || !wardi_output_is_terminal(stdout))
        return complain("standard input and output must be a terminal");
    if (name == NULL || name[0] == '\0') return complain("no terminal is named: TERM is not set");
    if (strcmp(name, "dumb") == 0)
        return complain("this terminal (TERM=dumb) cannot draw a screen");
    return true;
}

/* Names and reasons are UTF-8, whatever the locale is called. */
static void take_locale(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static void take_signals(top_screen *screen)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
    sigemptyset(&screen->signals);
    for (size_t i = 0; i < WARD_COUNT(numbers); i++) {
        sigaddset(&screen->signals, numbers[i]);
        signal(numbers[i], SIG_DFL); /* ncurses has taken some of them */
    }
    screen->signal_fd = signalfd(-1, &screen->signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_colours(top_screen *screen)
{
    if (!wardi_output_is_styled(stdout) || !has_colors() || start_color() == ERR) return;
    use_default_colors();
    init_pair(PAIR_GREEN, COLOR_GREEN, -1);
    init_pair(PAIR_YELLOW, COLOR_YELLOW, -1);
    init_pair(PAIR_RED, COLOR_RED, -1);
    screen->colours = true;
}

static void take_size(top_screen *screen)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        size.ws_row = (unsigned short)LINES;
        size.ws_col = (unsigned short)COLS;
    }
    resizeterm(size.ws_row, size.ws_col);
    screen->lines = size.ws_row;
    screen->columns = size.ws_col;
}

top_screen *top_screen_open(void)
{
    take_locale();
    top_screen *screen = wardi_alloc(sizeof *screen);
    if (screen == NULL || tcgetattr(STDIN_FILENO, &terminal_before) != 0) {
        wardi_complain("top: %s", screen == NULL ? "out of memory" : strerror(errno));
        wardi_free(screen);
        return NULL;
    }
    sigset_t all; /* none is missed, and no thread takes it */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &screen->before);
    screen->screen = newterm(NULL, stdout, stdin);
    if (screen->screen == NULL) {
        char words[200];
        wardi_text text = WARDI_TEXT(words);
        pthread_sigmask(SIG_SETMASK, &screen->before, NULL);
        wardi_text_printf(&text, "no terminal of this machine is called TERM=%s", getenv("TERM"));
        complain(words);
        wardi_free(screen);
        return NULL;
    }
    keep_restoring();
    take_signals(screen);
    pthread_sigmask(SIG_SETMASK, &screen->before, NULL);
    pthread_sigmask(SIG_BLOCK, &screen->signals, NULL);
    take_colours(screen);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    take_size(screen);
    return screen;
}

void top_screen_size(const top_screen *screen, int *ret_lines, int *ret_columns)
{
    *ret_lines = screen->lines;
    *ret_columns = screen->columns;
}

void top_screen_close(top_screen *screen)
{
    if (screen == NULL) return;
    endwin();
    forget_restoring();
    delscreen(screen->screen);
    close(screen->signal_fd);
    wardi_free(screen);
}

/* ---- showing ---- */

static attr_t attributes_of(const top_screen *screen, unsigned style)
{
    static const attr_t colours[] = {
        [WARDI_GREEN] = COLOR_PAIR(PAIR_GREEN),
        [WARDI_YELLOW] = COLOR_PAIR(PAIR_YELLOW),
        [WARDI_RED] = COLOR_PAIR(PAIR_RED),
    };
    unsigned base = style & 0xf;
    attr_t attributes = (style & TOP_REVERSE) != 0 ? A_REVERSE : A_NORMAL;
    if (base == WARDI_BOLD || (style & TOP_STRONG) != 0) attributes |= A_BOLD;
    if (base == WARDI_DIM) attributes |= A_DIM;
    if (base >= WARDI_GREEN && screen->colours) attributes |= colours[base];
    return attributes;
}

void top_screen_show(top_screen *screen, const top_grid *grid, bool anew)
{
    if (anew) clearok(stdscr, TRUE);
    for (int line = 0; line < grid->lines; line++) {
        const top_cell *cells = &grid->cells[line * grid->columns];
        move(line, 0);
        for (int i = 0; i < grid->columns; i++) {
            attrset((int)attributes_of(screen, cells[i].style));
            addstr(cells[i].text);
        }
    }
    attrset(A_NORMAL);
    refresh();
}

/* ---- waiting ---- */

static int key_of(int key)
{
    switch (key) {
    case KEY_UP: return TOP_KEY_UP;
    case KEY_DOWN: return TOP_KEY_DOWN;
    case KEY_PPAGE: return TOP_KEY_PAGE_UP;
    case KEY_NPAGE: return TOP_KEY_PAGE_DOWN;
    case KEY_HOME: return TOP_KEY_HOME;
    case KEY_END: return TOP_KEY_END;
    case KEY_LEFT: return TOP_KEY_LEFT;
    case KEY_RIGHT: return TOP_KEY_RIGHT;
    case KEY_ENTER:
    case '\r':
    case '\n': return TOP_KEY_ENTER;
    case 27: return TOP_KEY_ESCAPE;
    case KEY_BACKSPACE:
    case 127:
    case 8: return TOP_KEY_BACKSPACE;
    case 12: return TOP_KEY_REDRAW;
    default: return key;
    }
}

/* Gives the terminal back, stops, and takes it again when somebody lets it go on. */
static top_wait stop(top_screen *screen)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGTSTP);
    def_prog_mode();
    endwin();
    raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL); /* here it stops */
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    reset_prog_mode();
    take_size(screen);
    return TOP_WAIT_BACK;
}

static top_wait take_signal(top_screen *screen, int *ret_number)
{
    struct signalfd_siginfo info;
    if (read(screen->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return TOP_WAIT_NOTHING;
    *ret_number = (int)info.ssi_signo;
    switch (info.ssi_signo) {
    case SIGTSTP: return stop(screen);
    case SIGCONT: /* whoever has stopped it did not ask */
        reset_prog_mode();
        take_size(screen);
        return TOP_WAIT_BACK;
    case SIGWINCH: take_size(screen); return TOP_WAIT_RESIZED;
    default: return TOP_WAIT_END;
    }
}

static top_wait take_key(int *ret_key)
{
    int key = getch();
    if (key == ERR || key == KEY_RESIZE) return TOP_WAIT_NOTHING;
    *ret_key = key_of(key);
    return TOP_WAIT_KEY;
}

/* There is something to read, and it is nothing: the terminal is gone. */
static bool has_ended(const struct pollfd *input)
{
    int waiting = 0;
    if ((input->revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return true;
    return (input->revents & POLLIN) != 0 && ioctl(input->fd, FIONREAD, &waiting) == 0 &&
           waiting == 0;
}

top_wait top_screen_wait(top_screen *screen, int wake_fd, int timeout_ms, int *ret_key)
{
    struct pollfd waits[] = {{.fd = screen->signal_fd, .events = POLLIN},
                             {.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = wake_fd, .events = POLLIN}};
    uint64_t count;
    /* What ncurses has read already does not show in the descriptor. */
    if (take_key(ret_key) == TOP_WAIT_KEY) return TOP_WAIT_KEY;
    if (poll(waits, WARD_COUNT(waits), timeout_ms) <= 0) return TOP_WAIT_NOTHING;
    if ((waits[0].revents & POLLIN) != 0) return take_signal(screen, ret_key);
    if (has_ended(&waits[1])) {
        *ret_key = SIGHUP;
        return TOP_WAIT_END;
    }
    if ((waits[1].revents & POLLIN) != 0) return take_key(ret_key);
    if ((waits[2].revents & POLLIN) == 0) return TOP_WAIT_NOTHING;
    return read(wake_fd, &count, sizeof count) > 0 ? TOP_WAIT_ANSWER : TOP_WAIT_NOTHING;
}
