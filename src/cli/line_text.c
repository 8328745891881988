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

static json_t *head_json(const ward_log_line *line, const char *event)
{
    return json_pack("{s:o, s:s, s:o}", "time", wardi_event_time_json(line->wall_ns), "event",
                     event, "component", wardi_json_text(line->component));
}

void wardi_line_print_json(const ward_log_line *line)
{
    json_t *object = head_json(line, "log"), *fields = json_object();
    for (size_t i = 0; i < line->field_count; i++)
        json_object_set_new(fields, line->fields[i].key, wardi_json_text(line->fields[i].value));
    json_object_set_new(object, "level", json_string(ward_log_level_name(line->level)));
    json_object_set_new(object, "text", wardi_json_text(line->text));
    json_object_set_new(object, "fields", fields);
    wardi_json_print(object);
}

void wardi_line_print_suppressed_json(const ward_log_line *line)
{
    json_t *object = head_json(line, "log_suppressed");
    json_object_set_new(object, "count", json_integer((json_int_t)line->suppressed));
    wardi_json_print(object);
}
