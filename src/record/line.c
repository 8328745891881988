#include "record/record_priv.h"

static json_t *head_json(const ward_log_line *line, const char *event)
{
    return json_pack("{s:o, s:s, s:o}", "time", wardi_json_time(line->wall_ns), "event", event,
                     "component", wardi_json_text(line->component));
}

json_t *wardi_line_json(const ward_log_line *line)
{
    json_t *object = head_json(line, "log"), *fields = json_object();
    for (size_t i = 0; i < line->field_count; i++)
        json_object_set_new(fields, line->fields[i].key, wardi_json_text(line->fields[i].value));
    json_object_set_new(object, "level", json_string(ward_log_level_name(line->level)));
    json_object_set_new(object, "text", wardi_json_text(line->text));
    json_object_set_new(object, "fields", fields);
    return object;
}

json_t *wardi_line_json_suppressed(const ward_log_line *line)
{
    json_t *object = head_json(line, "log_suppressed");
    json_object_set_new(object, "count", number_json(line->suppressed));
    return object;
}
