/* JSON for scripts: one object a line, keys in the order they were added. */
#ifndef WARDI_CLI_JSON_H
#define WARDI_CLI_JSON_H

#include <jansson.h>

#include "cli/cli.h"

/** Prints one line and gives the object back; NULL (out of memory) is said and ends the process:
 * half an answer would be worse. */
void wardi_json_print(json_t *object);
/** A text of a guest's: NUL bytes and all. Never NULL but for out of memory. */
json_t *wardi_json_reason(const ward_reason *reason);
/** A text, or null when it is NULL. What is no UTF-8 in it is replaced. */
json_t *wardi_json_text(const char *text);

#endif
