/* One call of the health export, and what to make of what comes back. Never fails: whatever goes
 * wrong is the probe's error. */
#include <assert.h>
#include <string.h>

#include "component/component_priv.h"

/* A frame with a length of its own is read no further than the widest window: a guest must not
 * hold a check with a frame of gigabytes. */
enum { FRAME_LENGTH_MAX = 65536 };

static void probe_fail(wardi_probe *probe, ward_probe_error error, uint64_t detail)
{
    probe->error = error;
    probe->detail = detail;
    probe->trap_cause = NULL;
}

static ward_probe_error frame_error(ward_error error)
{
    switch (error) {
    case WARD_OK: return WARD_PROBE_OK;
    case WARD_ERROR_FRAME_EMPTY: return WARD_PROBE_PREFIX_EMPTY;
    case WARD_ERROR_FRAME_TRUNCATED: return WARD_PROBE_PREFIX_TRUNCATED;
    case WARD_ERROR_FRAME_TOO_LARGE: return WARD_PROBE_PREFIX_TOO_LARGE;
    case WARD_ERROR_FRAME_UNSUPPORTED: return WARD_PROBE_PREFIX_UNSUPPORTED;
    default: return WARD_PROBE_PAYLOAD;
    }
}

static void read_frame(wardi_probe *probe, const uint8_t *bytes, size_t length)
{
    uint64_t code = 0;
    ward_error error = wardi_frame_decode(bytes, length, &probe->report, &code);
    if (WARD_UNLIKELY(error != WARD_OK)) probe_fail(probe, frame_error(error), code);
}

static void say_healthy(wardi_probe *probe)
{
    probe->report.status = WARD_HEALTH_HEALTHY;
    probe->report.reason.length = 0;
    probe->report.reason.cut = false;
    probe->report.reason.text[0] = '\0';
}

/* ---- core modules ---- */

/* 0 and -1: nothing more to say. Above 0: where a frame stands that ends itself. */
static void read_i32(const ward_component *component, wardi_probe *probe, int32_t value)
{
    if (value == 0 || value == -1) {
        say_healthy(probe);
        return;
    }
    if (WARD_UNLIKELY(value < 0)) {
        probe_fail(probe, WARD_PROBE_RETURN_VALUE, (uint64_t)(int64_t)value);
        return;
    }
    uint8_t *memory;
    size_t length, at = (size_t)value;
    bool inside = wardi_instance_memory(wardi_instance_of(component), &memory, &length);
    if (WARD_UNLIKELY(!inside || at >= length)) {
        probe_fail(probe, WARD_PROBE_POINTER, at);
        return;
    }
    size_t window = component->terms->policy.frame_bytes_max;
    read_frame(probe, memory + at, length - at < window ? length - at : window);
}

/* 0: nothing to say. Else the length above, the address below. */
static void read_i64(const ward_component *component, wardi_probe *probe, uint64_t value)
{
    if (value == 0) {
        say_healthy(probe);
        return;
    }
    uint8_t *memory;
    size_t end, at = (size_t)(value & UINT32_MAX), length = (size_t)(value >> 32);
    bool inside = wardi_instance_memory(wardi_instance_of(component), &memory, &end);
    if (WARD_UNLIKELY(!inside || at > end || length > end - at)) {
        probe_fail(probe, WARD_PROBE_POINTER, at);
        return;
    }
    read_frame(probe, memory + at, length < FRAME_LENGTH_MAX ? length : FRAME_LENGTH_MAX);
}

/* ---- components ---- */

static void read_case(wardi_probe *probe, const wardi_component_answer *answer,
                      const uint8_t *bytes, ward_trap *scratch)
{
    for (int status = 0; status < WARD_HEALTH_COUNT; status++) {
        if (strcmp(answer->case_name, ward_health_name((ward_health)status)) != 0) continue;
        probe->report.status = (ward_health)status;
        ward_reason *reason = &probe->report.reason;
        size_t fits = wardi_utf8_fit((const char *)bytes, answer->length, WARD_REASON_BYTES_MAX);
        memcpy(reason->text, bytes, fits);
        reason->text[fits] = '\0';
        reason->length = (uint16_t)fits;
        reason->cut = answer->cut || fits < answer->length;
        return;
    }
    probe_fail(probe, WARD_PROBE_PAYLOAD, 0);
    static_assert(sizeof scratch->cause >= sizeof answer->case_name, "the case fits");
    strcpy(scratch->cause, answer->case_name);
    probe->trap_cause = scratch->cause;
}

static ward_error ask_component(ward_component *component, wardi_probe *probe, ward_trap *trap)
{
    uint8_t bytes[WARD_FRAME_BYTES_MAX];
    wardi_component_answer answer;
    ward_error error = wardi_call_component(
        wardi_instance_of(component), &component->known[WARDI_KNOWN_HEALTH],
        component->terms->policy.timeout_ns, bytes, sizeof bytes, &answer, trap, NULL);
    if (error != WARD_OK) return error;
    if (answer.shape == WARDI_RESULT_LIST_U8)
        read_frame(probe, bytes, answer.length);
    else
        read_case(probe, &answer, bytes, trap);
    return WARD_OK;
}

/* ---- both ---- */

static void ended(ward_component *component, wardi_probe *probe, ward_error error, ward_trap *trap)
{
    if (error == WARD_ERROR_DEADLINE) {
        probe_fail(probe, WARD_PROBE_TIMEOUT, 0);
    } else {
        probe_fail(probe, WARD_PROBE_TRAP, 0);
        probe->trap_cause = wardi_ends_guest(error) ? trap->cause : ward_error_text(error);
    }
    wardi_guest_left(component, wardi_health_export_name(component), probe->duration_ns, error,
                     trap);
}

void wardi_probe_run(ward_component *component, wardi_probe *ret_probe, ward_trap *trap)
{
    wardi_probe *probe = ret_probe;
    probe->called = true;
    probe->error = WARD_PROBE_OK;
    uint64_t bits = 0;
    ward_health_form form = component->health_form;
    bool core = form == WARD_HEALTH_FORM_I32 || form == WARD_HEALTH_FORM_I64;
    uint64_t began = wardi_ticks();
    atomic_store_explicit(&component->busy_since_ticks, began, memory_order_relaxed);
    ward_error error =
        WARD_LIKELY(core)
            ? wardi_call_probe(wardi_instance_of(component), &component->known[WARDI_KNOWN_HEALTH],
                               began, component->terms->policy.timeout_ns, &bits, trap)
            : ask_component(component, probe, trap);
    uint64_t finished = wardi_ticks();
    probe->duration_ns = wardi_ticks_span_ns(began, finished);
    atomic_store_explicit(&component->verdict_at_ticks, finished, memory_order_relaxed);
    if (WARD_UNLIKELY(error != WARD_OK)) {
        ended(component, probe, error, trap);
        return;
    }
    if (form == WARD_HEALTH_FORM_I32) read_i32(component, probe, (int32_t)bits);
    if (form == WARD_HEALTH_FORM_I64) read_i64(component, probe, bits);
    wardi_guest_left(component, NULL, probe->duration_ns, WARD_OK, NULL);
}
