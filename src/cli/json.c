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
