#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/bar.h"
#include "cli/cli.h"

static bool styled_out, styled_err;
static bool journal_out, journal_err; /* connected to systemd's journal */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

bool wardi_output_is_terminal(FILE *to)
{
    return isatty(fileno(to)) != 0;
}

bool wardi_output_is_styled(FILE *to)
{
    return to == stdout ? styled_out : to == stderr && styled_err;
}

void wardi_output_plain(void)
{
    styled_out = styled_err = false;
}

/* Whoever closed a stream means nothing to be written there, but the next file to be opened would
 * take its number: the cache, or what tells of signals. A null device that is opened the wrong way
 * round keeps the place, and reads and writes go on failing. */
static void streams_keep(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
        int way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (open("/dev/null", way | O_CLOEXEC) < 0) return;
    }
}

/* "DEVICE:INODE" of what it has connected; another stream may have been redirected since. */
static bool is_journal(FILE *stream)
{
    const char *of = getenv("JOURNAL_STREAM");
    struct stat at;
    char here[48];
    if (of == NULL || fstat(fileno(stream), &at) != 0) return false;
    wardi_text text = WARDI_TEXT(here);
    wardi_text_printf(&text, "%ju:%ju", (uintmax_t)at.st_dev, (uintmax_t)at.st_ino);
    return strcmp(of, here) == 0;
}

void wardi_output_init(void)
{
    streams_keep();
    const char *terminal = getenv("TERM");
    bool dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
    bool styled = !dumb && !is_set("NO_COLOR") && !is_set("WARD_NO_COLOR");
    styled_out = styled && wardi_output_is_terminal(stdout);
    styled_err = styled && wardi_output_is_terminal(stderr);
    journal_out = is_journal(stdout);
    journal_err = is_journal(stderr);
    /* A reader that is gone shows as EPIPE where it is dealt with. */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

wardi_style wardi_style_of(ward_child_health health)
{
    switch (health) {
    case WARD_CHILD_HEALTHY: return WARDI_GREEN;
    case WARD_CHILD_DEGRADED: return WARDI_YELLOW;
    case WARD_CHILD_FAILED: return WARDI_RED;
    }
    return WARDI_PLAIN;
}

/* Of a well-formed character: C1 controls, and what overrides or isolates writing direction. */
static bool is_harmful(const unsigned char *bytes, size_t length)
{
    if (length == 1) return bytes[0] < 0x20 || bytes[0] == 0x7f;
    if (length == 2) return bytes[0] == 0xc2 && bytes[1] < 0xa0;
    if (length != 3 || bytes[0] != 0xe2) return false;
    bool overrides = bytes[1] == 0x80 && bytes[2] >= 0xaa && bytes[2] <= 0xae;
    bool isolates = bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9;
    return overrides || isolates;
}

static void put_escaped(FILE *to, const unsigned char *bytes, size_t length)
{
    if (length == 1 && bytes[0] == '\n')
        fputs("\\n", to);
    else if (length == 1 && bytes[0] == '\t')
        fputs("\\t", to);
    else
        for (size_t i = 0; i < length; i++) fprintf(to, "\\x%02x", bytes[i]);
}

static void put_safe(FILE *to, const char *bytes, size_t length, bool lines)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
    while (at < end) {
        size_t step = wardi_utf8_length(at, (size_t)(end - at));
        bool as_it_is = step != 0 && !is_harmful(at, step);
        if (as_it_is || (lines && *at == '\n'))
            fwrite(at, 1, step, to);
        else
            put_escaped(to, at, step == 0 ? 1 : step);
        at += step == 0 ? 1 : step;
    }
}

void wardi_output_safe(FILE *to, const char *bytes, size_t length)
{
    put_safe(to, bytes, length, false);
}

void wardi_output_lines(FILE *to, const char *text)
{
    put_safe(to, text, strlen(text), true);
}

void wardi_output_styled(FILE *to, wardi_style style, const char *text)
{
    static const char *const codes[] = {
        [WARDI_PLAIN] = "",         [WARDI_BOLD] = "\033[1m",    [WARDI_DIM] = "\033[2m",
        [WARDI_GREEN] = "\033[32m", [WARDI_YELLOW] = "\033[33m", [WARDI_RED] = "\033[31m",
    };
    bool styled = wardi_output_is_styled(to) && style != WARDI_PLAIN;
    if (styled) fputs(codes[style], to);
    wardi_output_safe(to, text, strlen(text));
    if (styled) fputs("\033[0m", to);
}

void wardi_output_level(FILE *to, wardi_level level)
{
    if (to == stdout ? journal_out : to == stderr && journal_err) fprintf(to, "<%d>", (int)level);
}

/* What a message says may be a guest's: names of imports, or a reason. Each of its lines is one of
 * the journal's, with a level of its own. */
static void say(wardi_level level, const char *format, va_list args)
{
    char message[sizeof(ward_diag) + 400];
    wardi_text text = WARDI_TEXT(message);
    wardi_text_vprintf(&text, format, args);
    wardi_bar_hold();
    flockfile(stderr);
    wardi_output_level(stderr, level);
    wardi_output_styled(stderr, WARDI_BOLD, "ward: ");
    for (const char *line = message; line != NULL;) {
        const char *end = strchr(line, '\n');
        size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
        wardi_output_safe(stderr, line, length);
        fputc('\n', stderr);
        line = end != NULL ? end + 1 : NULL;
        if (line != NULL) wardi_output_level(stderr, level);
    }
    funlockfile(stderr);
    wardi_bar_let();
}

void wardi_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(WARDI_LEVEL_ERROR, format, args);
    va_end(args);
}

void wardi_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(WARDI_LEVEL_WARNING, format, args);
    va_end(args);
}

void wardi_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(WARDI_LEVEL_INFO, format, args);
    va_end(args);
}

/* Once a write failed, stdio forgets why: a pipe without a reader still tells. */
static bool reader_is_gone(int cause)
{
    struct pollfd pipe = {.fd = fileno(stdout)};
    return cause == EPIPE || (poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0);
}

int wardi_output_finish(int status, int on_failure)
{
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    int cause = errno;
    if (!failed || reader_is_gone(cause)) return status;
    wardi_complain("cannot write to standard output: %s",
                   cause != 0 ? strerror(cause) : "an earlier write failed");
    return on_failure;
}
