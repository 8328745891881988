/* Reasons that are kept: as much memory as they have words. */
#include <string.h>

#include "host/host_priv.h"

static const char lost_text[] = "its words are lost for want of memory";
static kept_reason lost = {.length = sizeof lost_text - 1, .text = lost_text};

static kept_reason *copy_of(const ward_reason *reason)
{
    kept_reason *copy = wardi_alloc(sizeof *copy + reason->length + 1);
    if (copy == NULL) return &lost;
    char *text = (char *)(copy + 1);
    memcpy(text, reason->text, (size_t)reason->length + 1);
    *copy = (kept_reason){.length = reason->length, .cut = reason->cut, .text = text};
    return copy;
}

/* Whoever reads announces itself, then loads the place; whoever replaces writes the place, then
 * looks whether anybody is announced. Sequentially consistent, so one of them sees the other: a
 * reason goes when nobody who could have it is there. */
static void replace(ward_supervisor *s, reason_place *place, kept_reason *with)
{
    kept_reason *old = atomic_exchange(place, with);
    if (old != NULL && old != &lost) {
        old->next = s->reasons_replaced;
        s->reasons_replaced = old;
    }
    if (atomic_load(&s->reason_readers) == 0) reasons_done(s);
}

void reasons_done(ward_supervisor *s)
{
    while (s->reasons_replaced != NULL) {
        kept_reason *gone = s->reasons_replaced;
        s->reasons_replaced = gone->next;
        wardi_free(gone);
    }
}

void reason_drop(ward_supervisor *s, reason_place *place)
{
    if (atomic_load_explicit(place, memory_order_relaxed) != NULL) replace(s, place, NULL);
}

void reason_free(reason_place *place)
{
    kept_reason *kept = atomic_load_explicit(place, memory_order_relaxed);
    if (kept != &lost) wardi_free(kept);
}

void reason_keep(ward_supervisor *s, reason_place *place, const ward_reason *reason)
{
    if (reason->length == 0)
        reason_drop(s, place);
    else
        replace(s, place, copy_of(reason));
}

void reason_get(ward_supervisor *s, const reason_place *place, ward_reason *ret_reason)
{
    *ret_reason = (ward_reason){0};
    atomic_fetch_add(&s->reason_readers, 1);
    const kept_reason *kept = atomic_load(place);
    if (kept != NULL) {
        ret_reason->length = kept->length;
        ret_reason->cut = kept->cut;
        memcpy(ret_reason->text, kept->text, (size_t)kept->length + 1);
    }
    atomic_fetch_sub(&s->reason_readers, 1);
}

const char *reason_text(const reason_place *place)
{
    const kept_reason *kept = atomic_load_explicit(place, memory_order_relaxed);
    return kept != NULL ? kept->text : "";
}
