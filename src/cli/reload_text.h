/* What came of a reload, in words and as JSON. */
#ifndef WARDI_CLI_RELOAD_TEXT_H
#define WARDI_CLI_RELOAD_TEXT_H

#include <jansson.h>

#include "cli/apply.h"
#include "cli/cli.h"

/** On standard error: what failed, and what takes a restart. */
void wardi_reload_tell(const wardi_plan *plan, const wardi_applying *applied);
/** "reloaded: 2 added, 40 unchanged". */
void wardi_reload_summary(const wardi_plan *plan, const wardi_applying *applied, wardi_text *to);
/** All of it as a JSON object, to free(); NULL: out of memory. docs/surfaces.md has its keys. */
char *wardi_reload_document(const char *summary, const wardi_plan *plan,
                            const wardi_applying *applied, const wardi_mistakes *warnings);
/** {"file", "mistake_count", "mistakes": [{"line", "column", "message"}]}, likewise. */
char *wardi_reload_mistakes(const char *file, const wardi_mistakes *mistakes);
json_t *wardi_mistakes_json(const wardi_mistakes *mistakes);

#endif
