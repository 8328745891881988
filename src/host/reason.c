/* Reasons that are kept: as much memory as they have words. */
#include <string.h>

#include "host/host_priv.h"

static const char lost_text[] = "its words are lost for want of memory";
static kept_reason lost = {.length = sizeof lost_text - 1, .text = lost_text};

static kept_reason *copy_of(const ward_reason *reason)
{
    if (reason->length == 0) return NULL;
    kept_reason *copy = wardi_alloc(sizeof *copy + reason->length + 1);
    if (copy == NULL) return &lost;
    char *text = (char *)(copy + 1);
    memcpy(text, reason->text, (size_t)reason->length + 1);
    *copy = (kept_reason){.length = reason->length, .cut = reason->cut, .text = text};
    return copy;
}

void reason_drop(kept_reason **kept)
{
    if (*kept != &lost) wardi_free(*kept);
    *kept = NULL;
}

void reason_keep(kept_reason **kept, const ward_reason *reason)
{
    kept_reason *copy = copy_of(reason); /* first: it may be of what is kept */
    reason_drop(kept);
    *kept = copy;
}

void reason_get(const kept_reason *kept, ward_reason *ret_reason)
{
    *ret_reason = (ward_reason){0};
    if (kept == NULL) return;
    ret_reason->length = kept->length;
    ret_reason->cut = kept->cut;
    memcpy(ret_reason->text, kept->text, (size_t)kept->length + 1);
}

const char *reason_text(const kept_reason *kept)
{
    return kept != NULL ? kept->text : "";
}
