/* record: events and evidence as JSON documents, and back: one form for the journal, the surfaces,
 * and what `ward` prints for scripts. Knows neither where they come from nor where they go. */
#ifndef WARDI_RECORD_H
#define WARDI_RECORD_H

#include <jansson.h>
#include <ward/evidence.h>

#include "core/core.h"

#endif
