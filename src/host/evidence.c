/* Evidence of the end of a run: taken by the child's actor before anything is torn down, kept for
 * whoever asks. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/history.h"

enum { KEPT_MAX = 4096, CORE_DUMPS_KEPT = 3 };

/* ---- the core dump ---- */

/* One of a few names a child, so that a child that dies every minute fills no disk. */
static void dump_name(const child *c, uint64_t number, wardi_text *path)
{
    wardi_text_printf(path, "%s/%s.%llu.coredump.wasm", c->supervisor->core_dump_directory, c->name,
                      (unsigned long long)(number % CORE_DUMPS_KEPT));
}

static ward_error dump_write(child *c, const char *path, ward_diag *ret_diag)
{
    wardi_coredump_facts facts;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: %s", path, strerror(errno));
    ward_error error = wardi_component_coredump(c->component, file, &facts, ret_diag);
    if (close(file) != 0 && error == WARD_OK)
        error = wardi_fail(ret_diag, WARD_ERROR_IO, "%s: %s", path, strerror(errno));
    if (error != WARD_OK) unlink(path);
    return error;
}

static void dump(child *c, ward_evidence *evidence)
{
    wardi_text path = WARDI_TEXT(evidence->core_dump);
    if (c->component == NULL || c->supervisor->core_dump_directory == NULL) return;
    dump_name(c, evidence->number, &path);
    ward_error error =
        path.cut ? wardi_fail(&evidence->core_dump_diag, WARD_ERROR_INVALID_ARGUMENT,
                              "the name of a core dump is longer than %zu bytes", path.capacity)
                 : dump_write(c, evidence->core_dump, &evidence->core_dump_diag);
    if (error != WARD_OK) evidence->core_dump[0] = '\0';
}

/* ---- taking ---- */

static void tell_component(const child *c, ward_evidence *evidence)
{
    ward_figures figures = WARD_INIT(ward_figures);
    ward_component_last_trap(c->component, &evidence->trap);
    if (evidence->trap.at_ns < c->began_ns) evidence->trap = (ward_trap){0}; /* of a run before */
    ward_component_figures(c->component, &figures);
    evidence->memory_bytes = figures.memory_bytes;
    evidence->memory_bytes_max = figures.memory_bytes_max;
    evidence->fuel_per_call = figures.fuel_per_call;
    if (evidence->cause == WARD_CAUSE_START || evidence->cause == WARD_CAUSE_START_TIMEOUT)
        return; /* the rest is of the last run that was up */
    evidence->fuel_peak = figures.fuel_peak;
    evidence->uptime_ns = figures.uptime_ns;
}

static void tell(child *c, const ward_reason *reason, ward_cause cause, uint64_t detected_ns,
                 ward_evidence *evidence)
{
    wardi_counts counts;
    wardi_actor_counts(&c->actor, &counts);
    *evidence = (ward_evidence){.size = sizeof *evidence,
                                .number = ++c->ends,
                                .wall_ns = wardi_wall_ns(),
                                .cause = cause,
                                .state = child_state(c),
                                .health = c->trend.health,
                                .detected_ns = detected_ns,
                                .messages_handled = counts.handled,
                                .messages_waiting = (uint32_t)counts.pending};
    wardi_text name = WARDI_TEXT(evidence->component), version = WARDI_TEXT(evidence->version);
    wardi_text_puts(&name, c->name);
    wardi_text_puts(&version, c->version);
    wardi_reason_copy(&evidence->reason, reason);
    if (c->component != NULL) tell_component(c, evidence);
    history_tell(c, evidence);
    dump(c, evidence);
}

uint64_t evidence_take(child *c, const ward_reason *reason, ward_cause cause, uint64_t detected_ns)
{
    ward_supervisor *s = c->supervisor;
    evidence_record *record = wardi_alloc(sizeof *record);
    if (record == NULL) {
        pthread_mutex_lock(&s->lock);
        c->ends++;
        s->evidence_lost++;
        pthread_mutex_unlock(&s->lock);
        return 0;
    }
    tell(c, reason, cause, detected_ns, &record->evidence);
    uint64_t number = record->evidence.number;
    if (s->on_evidence != NULL) s->on_evidence(s->evidence_context, &record->evidence);
    pthread_mutex_lock(&s->lock);
    evidence_drop(c);
    record->owner = c;
    record->link = s->evidence_last;
    *s->evidence_last = record;
    s->evidence_last = &record->next;
    c->evidence = record;
    if (s->evidence_kept++ == KEPT_MAX) evidence_drop(s->evidence_first->owner);
    pthread_mutex_unlock(&s->lock);
    return number;
}

void evidence_drop(child *c)
{
    ward_supervisor *s = c->supervisor;
    evidence_record *record = c->evidence;
    if (record == NULL) return;
    *record->link = record->next;
    if (record->next != NULL)
        record->next->link = record->link;
    else
        s->evidence_last = record->link;
    s->evidence_kept--;
    c->evidence = NULL;
    wardi_free(record);
}

ward_error ward_supervisor_evidence(const ward_supervisor *supervisor, const char *name,
                                    ward_evidence *ret_evidence)
{
    ward_supervisor *s = (ward_supervisor *)(uintptr_t)supervisor;
    size_t size = ret_evidence->size;
    if (size > sizeof *ret_evidence) size = sizeof *ret_evidence;
    pthread_mutex_lock(&s->lock);
    const child *found = names_find(&s->names, name);
    const evidence_record *record = found != NULL ? found->evidence : NULL;
    if (record != NULL) memcpy(ret_evidence, &record->evidence, size);
    pthread_mutex_unlock(&s->lock);
    ret_evidence->size = size;
    return record != NULL ? WARD_OK : WARD_ERROR_NOT_FOUND;
}

/* ---- messages that are set aside ---- */

void set_aside(child *c, const wardi_message *message, uint32_t deaths, const ward_reason *reason)
{
    ward_supervisor *s = c->supervisor;
    const history *h = c->history;
    ward_set_aside kept = {.deaths = deaths};
    if (h != NULL && h->entry_count != 0)
        history_header(c, &h->entries[(h->entry_count - 1) % WARD_EVIDENCE_MESSAGES], &kept.header);
    const uint8_t *bytes;
    uint32_t length;
    message_bytes(message, &bytes, &length);
    kept.byte_count = length < WARD_SET_ASIDE_BYTES ? length : WARD_SET_ASIDE_BYTES;
    if (kept.byte_count != 0) memcpy(kept.bytes, bytes, kept.byte_count);
    char words[WARD_REASON_BYTES_MAX + 1];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_printf(&text, "a message of %u bytes from %s that ended it: %s", length,
                      kept.header.sender[0] != '\0' ? kept.header.sender : "the application",
                      reason->text);
    pthread_mutex_lock(&s->lock);
    if (c->set_aside == NULL) c->set_aside = wardi_alloc(sizeof *c->set_aside);
    if (c->set_aside != NULL)
        c->set_aside->messages[c->set_aside->count++ % WARD_SET_ASIDE_KEPT] = kept;
    atomic_fetch_add_explicit(&c->set_aside_count, 1, memory_order_relaxed);
    event_push(s, event_of(c, WARD_EVENT_SET_ASIDE), words);
    pthread_mutex_unlock(&s->lock);
}

ward_error ward_supervisor_set_aside(const ward_supervisor *supervisor, const char *name,
                                     ward_set_aside *ret_messages, size_t *ret_count)
{
    ward_supervisor *s = (ward_supervisor *)(uintptr_t)supervisor;
    size_t count = 0;
    pthread_mutex_lock(&s->lock);
    const child *found = names_find(&s->names, name);
    const set_aside_list *list = found != NULL ? found->set_aside : NULL;
    uint64_t kept = list != NULL ? list->count : 0;
    if (kept > WARD_SET_ASIDE_KEPT) kept = WARD_SET_ASIDE_KEPT;
    for (; count < kept && count < *ret_count; count++)
        ret_messages[count] = list->messages[(list->count - 1 - count) % WARD_SET_ASIDE_KEPT];
    pthread_mutex_unlock(&s->lock);
    if (found == NULL) return WARD_ERROR_NOT_FOUND;
    *ret_count = count;
    return WARD_OK;
}
