#include "record/record_priv.h"

static const char *level_name_of(int value)
{
    return ward_log_level_name((ward_log_level)value);
}

static const char *document_of(int value)
{
    return value == 0 ? "log" : "unknown";
}

static size_t read_fields(reader *r, ward_log_field *fields)
{
    const json_t *value = read_value(r, "fields", REQUIRED);
    if (value == NULL) return 0;
    if (!json_is_object(value) || json_object_size(value) > WARD_LOG_FIELDS_MAX) {
        read_fail(r, "fields", "an object of at most 16 texts");
        return 0;
    }
    size_t count = 0;
    json_t *object = (json_t *)(uintptr_t)value;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const json_t *text = json_object_iter_value(at);
        fields[count].key = json_object_iter_key(at);
        if (!json_is_string(text)) read_fail(r, "fields", "an object of texts alone");
        fields[count++].value = json_is_string(text) ? json_string_value(text) : "";
    }
    return count;
}

ward_error wardi_line_of_json(const json_t *document, ward_log_field *fields,
                              ward_log_line *ret_line, ward_diag *ret_diag)
{
    reader r = {.object = document, .place = "", .what = "line", .diag = ret_diag};
    ward_log_line line = {.size = sizeof line, .component = "", .text = "", .fields = fields};
    int level = 0, kind = 0;
    read_name(&r, "event", REQUIRED, document_of, &kind);
    read_time(&r, "time", REQUIRED, &line.wall_ns);
    read_borrowed(&r, "component", REQUIRED, &line.component);
    read_name(&r, "level", REQUIRED, level_name_of, &level);
    read_borrowed(&r, "text", REQUIRED, &line.text);
    line.level = (ward_log_level)level;
    line.field_count = read_fields(&r, fields);
    if (r.error == WARD_OK) *ret_line = line;
    return r.error;
}
