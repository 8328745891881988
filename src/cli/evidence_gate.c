/* Which ends people are shown. */
#include <string.h>

#include "cli/evidence.h"

/* Instances of one component are told apart by a number that says nothing. */
static size_t base_length(const ward_evidence *evidence, bool instance)
{
    const char *dot = instance ? strrchr(evidence->component, '.') : NULL;
    return dot != NULL ? (size_t)(dot - evidence->component) : strlen(evidence->component);
}

/* Of who ended, why, and where its guest was then: not of what differs from time to time. */
static uint64_t signature_of(const ward_evidence *evidence, bool instance)
{
    static const uint64_t key[2] = {0};
    const ward_trap *trap = &evidence->trap;
    char words[1024];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_add(&text, evidence->component, base_length(evidence, instance));
    wardi_text_printf(&text, "\n%d %d\n%s\n%s", (int)evidence->cause, (int)trap->error,
                      trap->export_name, trap->cause);
    for (uint32_t i = 0; i < trap->frame_count; i++)
        wardi_text_printf(&text, "\n%u %u", trap->frames[i].function_index,
                          trap->frames[i].function_offset);
    return wardi_siphash(key, words, text.length);
}

static const wardi_evidence_shown *find_alike(const wardi_evidence_gate *gate, uint64_t signature,
                                              uint64_t now_ns)
{
    for (size_t i = 0; i < WARDI_EVIDENCE_SHOWN_KEPT && i < gate->shown_count; i++) {
        const wardi_evidence_shown *shown = &gate->shown[i];
        if (shown->signature == signature && now_ns - shown->at_ns < WARDI_EVIDENCE_AGAIN_NS)
            return shown;
    }
    return NULL;
}

/* Whether as many as may be were shown just now: then the oldest of them is young. */
static bool is_burst(const wardi_evidence_gate *gate, uint64_t now_ns)
{
    if (gate->shown_count < WARDI_EVIDENCE_BURST) return false;
    uint64_t oldest = (gate->shown_count - WARDI_EVIDENCE_BURST) % WARDI_EVIDENCE_SHOWN_KEPT;
    return now_ns - gate->shown[oldest].at_ns < WARDI_EVIDENCE_BURST_NS;
}

static void hold_back(wardi_evidence_gate *gate, const wardi_evidence_shown *alike, uint64_t now_ns)
{
    if (gate->alike + gate->many == 0) gate->held_back_at_ns = now_ns;
    if (alike == NULL) {
        gate->many++;
        return;
    }
    bool as_before = gate->alike == 0 || gate->like_ns == alike->wall_ns;
    gate->like_ns = as_before ? alike->wall_ns : 0;
    gate->alike++;
}

bool wardi_evidence_asks(wardi_evidence_gate *gate, const ward_evidence *evidence, bool instance,
                         uint64_t now_ns)
{
    uint64_t signature = signature_of(evidence, instance);
    const wardi_evidence_shown *alike = find_alike(gate, signature, now_ns);
    if (alike != NULL || is_burst(gate, now_ns)) {
        hold_back(gate, alike, now_ns);
        return false;
    }
    gate->shown[gate->shown_count++ % WARDI_EVIDENCE_SHOWN_KEPT] = (wardi_evidence_shown){
        .signature = signature, .at_ns = now_ns, .wall_ns = evidence->wall_ns};
    return true;
}

uint64_t wardi_evidence_said_due_ns(const wardi_evidence_gate *gate)
{
    if (gate->alike + gate->many == 0) return UINT64_MAX;
    return wardi_add_sat(gate->held_back_at_ns, WARDI_EVIDENCE_SAID_NS);
}
