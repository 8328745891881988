/* Lines that components log, for people and for scripts. What a guest says stays on its line. */
#include <string.h>

#include "cli/events.h"
#include "cli/json.h"

/* ---- for people ---- */

static wardi_style style_of(ward_log_level level)
{
    switch (level) {
    case WARD_LOG_TRACE:
    case WARD_LOG_DEBUG: return WARDI_DIM;
    case WARD_LOG_INFO: return WARDI_PLAIN;
    case WARD_LOG_WARN: return WARDI_YELLOW;
    case WARD_LOG_ERROR: return WARDI_RED;
    }
    return WARDI_PLAIN;
}

wardi_level wardi_line_level(const ward_log_line *line)
{
    switch (line->level) {
    case WARD_LOG_TRACE:
    case WARD_LOG_DEBUG: return WARDI_LEVEL_DEBUG;
    case WARD_LOG_INFO: return WARDI_LEVEL_INFO;
    case WARD_LOG_WARN: return WARDI_LEVEL_WARNING;
    case WARD_LOG_ERROR: return WARDI_LEVEL_ERROR;
    }
    return WARDI_LEVEL_INFO;
}

/* In quotes where it would run into its neighbours. */
static void print_part(FILE *to, const char *part)
{
    if (part[0] != '\0' && strpbrk(part, " \"=") == NULL) {
        wardi_output_safe(to, part, strlen(part));
        return;
    }
    fputc('"', to);
    for (size_t length; *part != '\0'; part += length) {
        length = strcspn(part, "\"\\");
        wardi_output_safe(to, part, length);
        if (part[length] == '\0') break;
        fprintf(to, "\\%c", part[length++]);
    }
    fputc('"', to);
}

static void print_head(FILE *to, const ward_log_line *line, int name_width)
{
    wardi_event_print_time(to, line->wall_ns);
    fprintf(to, "  %-*s  ", name_width, line->component);
}

void wardi_line_print(FILE *to, const ward_log_line *line, int name_width)
{
    print_head(to, line, name_width);
    fputs("log ", to);
    wardi_output_styled(to, style_of(line->level), ward_log_level_name(line->level));
    fputs(": ", to);
    wardi_output_safe(to, line->text, strlen(line->text));
    for (size_t i = 0; i < line->field_count; i++) {
        fputc(' ', to);
        print_part(to, line->fields[i].key);
        fputc('=', to);
        print_part(to, line->fields[i].value);
    }
    fputc('\n', to);
}

void wardi_line_print_suppressed(FILE *to, const ward_log_line *line, int name_width)
{
    char words[80];
    wardi_text text = WARDI_TEXT(words);
    print_head(to, line, name_width);
    wardi_text_printf(&text, "%llu line%s kept back", (unsigned long long)line->suppressed,
                      line->suppressed == 1 ? "" : "s");
    fputs("log: ", to);
    wardi_output_styled(to, WARDI_YELLOW, words);
    fputs(": more than `limits.log_rate` in a second\n", to);
}

/* ---- for scripts ---- */

void wardi_line_print_json(const ward_log_line *line)
{
    wardi_json_print(wardi_line_json(line));
}

void wardi_line_print_suppressed_json(const ward_log_line *line)
{
    wardi_json_print(wardi_line_json_suppressed(line));
}
