/* The verdict. The steps are those of docs/health-monitoring.md, in its order and by its numbers.
 *
 * A check of a healthy component ends in healthy() and writes a dozen words: no memset, no copy. */
#include <assert.h>
#include <string.h>

#include "health/health_priv.h"

static void healthy(ward_verdict *verdict, ward_source source)
{
    verdict->health = WARD_CHILD_HEALTHY;
    verdict->source = source;
    verdict->probe_error = WARD_PROBE_OK;
    verdict->contributor_count = 0;
    verdict->duration_ns = 0;
    verdict->age_ns = 0;
    verdict->reason.length = 0;
    verdict->reason.cut = false;
    verdict->reason.text[0] = '\0';
}

static ward_contributor *contribute(ward_verdict *verdict, ward_source source,
                                    ward_child_health health, const char *bytes, size_t length)
{
    WARD_ASSERT(verdict->contributor_count < WARD_CONTRIBUTORS_MAX);
    ward_contributor *voice = &verdict->contributors[verdict->contributor_count++];
    voice->source = source;
    voice->health = health;
    size_t fits = wardi_utf8_fit(bytes, length, sizeof voice->text - 1);
    wardi_copy_short(voice->text, bytes, fits);
    voice->text[fits] = '\0';
    return voice;
}

/* The verdict is `health` for the reason that already stands in it. */
static void speak(ward_verdict *verdict, ward_source source, ward_child_health health)
{
    verdict->health = health;
    verdict->source = source;
    contribute(verdict, source, health, verdict->reason.text, verdict->reason.length);
}

void wardi_state_text(ward_state state, ward_reason *ret_reason)
{
    switch (state) {
    case WARD_STATE_CREATING:
    case WARD_STATE_STARTING: wardi_reason_set(ret_reason, "Component starting"); return;
    case WARD_STATE_STOPPING: wardi_reason_set(ret_reason, "Component stopping"); return;
    case WARD_STATE_READY:
    case WARD_STATE_TERMINATED:
    case WARD_STATE_FAILED: break;
    }
    wardi_reason_printf(ret_reason, "Component in state: %s", ward_state_name(state));
}

/* Steps 1 to 4. */
static void judge_state(const wardi_evidence *evidence, ward_verdict *verdict)
{
    healthy(verdict, WARD_SOURCE_STATE);
    ward_child_health health = WARD_CHILD_DEGRADED;
    if (evidence->state == WARD_STATE_FAILED) {
        health = WARD_CHILD_FAILED;
        if (evidence->failure != NULL)
            wardi_reason_copy(&verdict->reason, evidence->failure);
        else
            wardi_state_text(evidence->state, &verdict->reason);
    } else if (evidence->state != WARD_STATE_STARTING && !evidence->loaded) {
        health = WARD_CHILD_FAILED;
        wardi_reason_set(&verdict->reason, "WASM runtime not loaded");
    } else {
        wardi_state_text(evidence->state, &verdict->reason);
    }
    speak(verdict, WARD_SOURCE_STATE, health);
}

/* What stood before the guest became busy, with its age. Its resources were judged with it. */
static void repeat_last(const wardi_evidence *evidence, ward_verdict *verdict)
{
    healthy(verdict, WARD_SOURCE_STATE);
    const ward_verdict *last = evidence->last;
    if (last == NULL) return;
    verdict->health = last->health;
    verdict->source = last->source;
    verdict->probe_error = last->probe_error;
    /* An age of 0 would say that the answer is fresh. */
    verdict->age_ns = evidence->last_age_ns != 0 ? evidence->last_age_ns : 1;
    wardi_reason_copy(&verdict->reason, &last->reason);
    verdict->contributor_count = last->contributor_count;
    memcpy(verdict->contributors, last->contributors,
           last->contributor_count * sizeof verdict->contributors[0]);
}

/* Step 5, when the activity has lasted too long. */
static void judge_busy(const wardi_evidence *evidence, ward_verdict *verdict)
{
    healthy(verdict, WARD_SOURCE_STATE);
    char words[32];
    wardi_text duration = WARDI_TEXT(words);
    wardi_text_duration(&duration, evidence->busy_for_ns);
    wardi_reason_printf(&verdict->reason, "Busy in %s for %s",
                        evidence->busy_export != NULL ? evidence->busy_export : "the guest", words);
    speak(verdict, WARD_SOURCE_STATE, WARD_CHILD_DEGRADED);
}

static ward_child_health fallback_health(ward_fallback fallback)
{
    switch (fallback) {
    case WARD_FALLBACK_DEGRADED: return WARD_CHILD_DEGRADED;
    case WARD_FALLBACK_FAILED: return WARD_CHILD_FAILED;
    case WARD_FALLBACK_DEFAULT:
    case WARD_FALLBACK_STATE: break;
    }
    return WARD_CHILD_HEALTHY;
}

/* Step 7, when the guest gave no answer that counts. A time-out has no policy: it is Degraded. */
static void judge_probe_error(const wardi_probe *probe, const ward_health_policy *policy,
                              ward_verdict *verdict)
{
    verdict->probe_error = probe->error;
    wardi_probe_error_text(probe, policy->timeout_ns, &verdict->reason);
    if (probe->error == WARD_PROBE_TIMEOUT) {
        speak(verdict, WARD_SOURCE_PROBE, WARD_CHILD_DEGRADED);
        return;
    }
    ward_fallback fallback =
        probe->error == WARD_PROBE_TRAP ? policy->on_trap : policy->on_malformed;
    speak(verdict, WARD_SOURCE_POLICY, fallback_health(fallback));
    if (verdict->health == WARD_CHILD_HEALTHY) wardi_reason_set(&verdict->reason, "");
}

/* Steps 6 and 7. */
static void judge_probe(const wardi_probe *probe, const ward_health_policy *policy,
                        ward_verdict *verdict)
{
    if (probe == NULL || !probe->called) {
        healthy(verdict, WARD_SOURCE_STATE);
        return;
    }
    healthy(verdict, WARD_SOURCE_PROBE);
    verdict->duration_ns = probe->duration_ns;
    if (WARD_UNLIKELY(probe->error != WARD_PROBE_OK)) {
        judge_probe_error(probe, policy, verdict);
        return;
    }
    if (probe->report.status == WARD_HEALTH_HEALTHY) return;
    wardi_reason_copy(&verdict->reason, &probe->report.reason);
    speak(verdict, WARD_SOURCE_PROBE, ward_child_health_from(probe->report.status));
}

/* Steps 8 and 9. Every resource that is not well is heard; only a worse one takes the verdict. */
static void add_resources(const wardi_resource_evidence *found, const ward_health_policy *policy,
                          ward_verdict *verdict)
{
    for (int i = 0; i < WARD_RESOURCE_COUNT; i++) {
        ward_resource resource = (ward_resource)i;
        char words[120];
        wardi_text text = WARDI_TEXT(words);
        ward_child_health health = wardi_resource_judge(resource, found, policy, &text);
        if (health == WARD_CHILD_HEALTHY) continue;
        contribute(verdict, WARD_SOURCE_RESOURCE, health, words, text.length)->resource = resource;
        if (health <= verdict->health) continue;
        verdict->health = health;
        verdict->source = WARD_SOURCE_RESOURCE;
        wardi_reason_set(&verdict->reason, words);
    }
}
static_assert(WARD_CHILD_HEALTHY < WARD_CHILD_DEGRADED && WARD_CHILD_DEGRADED < WARD_CHILD_FAILED,
              "worse is greater");

void wardi_health_judge(const wardi_evidence *evidence, const ward_health_policy *policy,
                        ward_verdict *ret_verdict)
{
    if (WARD_UNLIKELY(evidence->state != WARD_STATE_READY || !evidence->loaded)) {
        judge_state(evidence, ret_verdict);
        return;
    }
    if (WARD_UNLIKELY(evidence->busy)) {
        if (evidence->busy_for_ns < policy->busy_after_ns) {
            repeat_last(evidence, ret_verdict);
            return;
        }
        judge_busy(evidence, ret_verdict);
    } else {
        judge_probe(evidence->probe, policy, ret_verdict);
    }
    if (evidence->resources != NULL) add_resources(evidence->resources, policy, ret_verdict);
}
