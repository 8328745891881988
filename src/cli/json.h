/* JSON for scripts: one object a line, keys in the order they were added. */
#ifndef WARDI_CLI_JSON_H
#define WARDI_CLI_JSON_H

#include "cli/cli.h"
#include "record/record.h"

/** Prints one line and gives the object back; NULL (out of memory) is said and ends the process:
 * half an answer would be worse. */
void wardi_json_print(json_t *object);

#endif
