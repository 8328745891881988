#include "cli/json.h"

#include <stdlib.h>

void wardi_json_print(json_t *object)
{
    char *line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (line == NULL) {
        wardi_complain("out of memory");
        exit(WARDI_EXIT_UNKNOWN);
    }
    puts(line);
    free(line);
}

json_t *wardi_json_reason(const ward_reason *reason)
{
    return json_stringn(reason->text, reason->length);
}

json_t *wardi_json_text(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}
