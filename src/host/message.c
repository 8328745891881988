/* Messages from outside: made, sent, awaited. What a child does with them is in handle.c. */
#include "host/message.h"

#include <string.h>

#include "host/ask.h"
#include "host/host_priv.h"

uint64_t message_deadline(const ward_supervisor *s, uint64_t timeout_ns)
{
    return wardi_add_sat(wardi_sched_now(s->sched), ask_timeout(timeout_ns));
}

/* Sends and waits. WARD_OK: the message is the caller's again, and says what became of it. */
static ward_error round_trip(ward_supervisor *s, ward_child_id to, wardi_message *message,
                             uint64_t timeout_ns)
{
    uint64_t deadline_ns = message_deadline(s, timeout_ns);
    message->expiry_ns = deadline_ns;
    wardi_message_ask_thread(message);
    ward_error error = wardi_sched_send(s->sched, to, message);
    if (error == WARD_OK) return wardi_message_await(s->sched, message, deadline_ns);
    wardi_message_free(s->sched, message);
    return error;
}

ward_error ward_supervisor_find(const ward_supervisor *supervisor, const char *name,
                                ward_child_id *ret_id)
{
    ward_supervisor *s = (ward_supervisor *)(uintptr_t)supervisor;
    if (!s->started) return WARD_ERROR_STATE;
    pthread_mutex_lock(&s->lock);
    const child *found = names_find(&s->names, name);
    if (found != NULL) *ret_id = found->actor.id;
    pthread_mutex_unlock(&s->lock);
    return found != NULL ? WARD_OK : WARD_ERROR_NOT_FOUND;
}

/* ---- bytes ---- */

wardi_message *bytes_message(const uint8_t *bytes, size_t length)
{
    wardi_message *message = wardi_message_new(CHILD_BYTES);
    if (message == NULL || wardi_message_put(message, bytes, length)) return message;
    wardi_message_free(NULL, message);
    return NULL;
}

ward_error ward_supervisor_send(ward_supervisor *s, ward_child_id to, const uint8_t *bytes,
                                size_t length)
{
    wardi_message *message = bytes_message(bytes, length);
    if (message == NULL) return WARD_ERROR_NO_MEMORY;
    ward_error error = wardi_sched_send(s->sched, to, message);
    if (error != WARD_OK) wardi_message_free(s->sched, message);
    return error;
}

ward_error ward_supervisor_request(ward_supervisor *s, ward_child_id to, const uint8_t *bytes,
                                   size_t length, uint8_t *ret_bytes, size_t capacity,
                                   size_t *ret_length, uint64_t timeout_ns)
{
    wardi_message *message = bytes_message(bytes, length);
    if (message == NULL) return WARD_ERROR_NO_MEMORY;
    ward_error error = round_trip(s, to, message, timeout_ns);
    if (error != WARD_OK) return error;
    error = (ward_error)message->status;
    if (error == WARD_OK) {
        size_t fits = message->length < capacity ? message->length : capacity;
        if (fits != 0) memcpy(ret_bytes, message->payload, fits);
        if (ret_length != NULL) *ret_length = message->length;
        if (fits < message->length) error = WARD_ERROR_BUFFER_TOO_SMALL;
    }
    wardi_message_free(s->sched, message);
    return error;
}

/* ---- invoke ---- */

static void invoke_release(void *payload, size_t length)
{
    (void)length;
    wardi_free(payload);
}

ward_error ward_supervisor_invoke(ward_supervisor *s, ward_child_id to, const char *function,
                                  const ward_value *args, size_t arg_count, ward_value *ret_results,
                                  size_t *ret_count, uint64_t timeout_ns)
{
    size_t room = ret_count != NULL && ret_results != NULL ? *ret_count : 0;
    if (function == NULL || strlen(function) > WARD_INVOKE_NAME_BYTES_MAX ||
        arg_count > WARD_INVOKE_VALUES_MAX || (args == NULL && arg_count != 0))
        return WARD_ERROR_INVALID_ARGUMENT;
    invoke_call *call = wardi_alloc(sizeof *call);
    wardi_message *message = wardi_message_new(CHILD_INVOKE);
    if (call == NULL || message == NULL) {
        wardi_free(call);
        if (message != NULL) wardi_message_free(s->sched, message);
        return WARD_ERROR_NO_MEMORY;
    }
    strcpy(call->function, function);
    call->arg_count = arg_count;
    if (arg_count != 0) memcpy(call->args, args, arg_count * sizeof *args);
    call->result_count = room < WARD_INVOKE_VALUES_MAX ? room : WARD_INVOKE_VALUES_MAX;
    wardi_message_attach(message, call, sizeof *call, invoke_release);
    ward_error error = round_trip(s, to, message, timeout_ns);
    if (error != WARD_OK) return error;
    error = (ward_error)message->status;
    if (error == WARD_OK && room != 0)
        memcpy(ret_results, call->results, call->result_count * sizeof *ret_results);
    if (error == WARD_OK && ret_count != NULL) *ret_count = call->result_count;
    wardi_message_free(s->sched, message);
    return error;
}

/* ---- counts ---- */

void message_counts_of(const child *c, ward_message_counts *ret_counts)
{
    wardi_counts counts = {0};
    wardi_actor_counts(&c->actor, &counts);
    uint64_t set_aside = atomic_load_explicit(&c->set_aside_count, memory_order_relaxed);
    uint64_t again = atomic_load(&c->again) != NULL;
    uint64_t looks = atomic_load_explicit(&c->looks, memory_order_relaxed);
    uint64_t unhandled = atomic_load_explicit(&c->unhandled, memory_order_relaxed);
    uint64_t late = atomic_load_explicit(&c->expired_late, memory_order_relaxed);
    *ret_counts = (ward_message_counts){.size = sizeof *ret_counts,
                                        .sent = counts.sent + looks,
                                        .handled = counts.handled + looks - set_aside - again -
                                                   unhandled - late,
                                        .refused = counts.refused + unhandled,
                                        .dropped = counts.dropped_oldest + counts.dropped_newest,
                                        .expired = counts.expired + late,
                                        .undelivered = counts.undelivered,
                                        .pending = counts.pending + again,
                                        .set_aside = set_aside};
}

ward_error ward_supervisor_message_counts(const ward_supervisor *supervisor, const char *name,
                                          ward_message_counts *ret_counts)
{
    ward_supervisor *s = (ward_supervisor *)(uintptr_t)supervisor;
    ward_message_counts all;
    if (!s->started) return WARD_ERROR_STATE;
    pthread_mutex_lock(&s->lock);
    const child *found = names_find(&s->names, name);
    if (found != NULL) message_counts_of(found, &all);
    pthread_mutex_unlock(&s->lock);
    if (found == NULL) return WARD_ERROR_NOT_FOUND;
    all.size = ret_counts->size;
    memcpy(ret_counts, &all, ret_counts->size < sizeof all ? ret_counts->size : sizeof all);
    return WARD_OK;
}
