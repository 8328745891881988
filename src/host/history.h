/* What a child has been through lately, and the evidence that is made of it at the end of a run. */
#ifndef WARDI_HOST_HISTORY_H
#define WARDI_HOST_HISTORY_H

#include <ward/evidence.h>

#include "host/host_priv.h"

/* One message; times are ticks, which cost the least. */
typedef struct history_entry {
    wardi_actor_id sender;
    uint64_t correlation, began_ticks, took_ns;
    uint32_t length;
    uint8_t kind, outcome; /* ward_message_kind, ward_error */
    bool over;
    char what[WARD_EVIDENCE_WHAT_BYTES];
} history_entry;
static_assert(WARD_ERROR_REPLY_TIMEOUT < 256, "an error fits");

/* Made when there is something to keep: a child that is well and gets no messages has none. Its
 * actor alone touches it, but for what is set aside. */
typedef struct history history;
struct history {
    uint64_t entry_count, line_count, change_count; /* ever; the last ones are kept */
    history_entry entries[WARD_EVIDENCE_MESSAGES];
    ward_evidence_line *lines; /* NULL: none was logged */
    ward_evidence_change changes[WARD_EVIDENCE_CHANGES];
};

/* Evidence that is kept: in the child, and in the supervisor's list of them, oldest first. Under
 * the supervisor's lock. */
typedef struct evidence_record evidence_record;
struct evidence_record {
    evidence_record *next, **link; /* link: what points here */
    child *owner;
    ward_evidence evidence;
};

/* Under the supervisor's lock. */
typedef struct set_aside_list set_aside_list;
struct set_aside_list {
    uint64_t count;
    ward_set_aside messages[WARD_SET_ASIDE_KEPT];
};

void history_header(const child *c, const history_entry *entry, ward_message_header *ret_header);

#endif
