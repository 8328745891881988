/* What the messages to a child carry: between message.c, which makes them, and handle.c. */
#ifndef WARDI_HOST_MESSAGE_H
#define WARDI_HOST_MESSAGE_H

#include <stdatomic.h>

#include <ward/message.h>

#include "sched/sched.h"

typedef enum child_message {
    CHILD_HEALTH, /* empty; answered with a health and its reason */
    CHILD_BYTES,  /* the bytes; answered with the guest's */
    CHILD_INVOKE, /* an invoke_call; answered with itself */
    CHILD_TOPIC,  /* a publication */
} child_message;

/* What was published, shared by the messages to all who hear of it. */
typedef struct publication {
    _Atomic uint32_t holders;
    uint32_t topic_length, length;
    uint8_t bytes[]; /* the topic, then the rest */
} publication;

typedef struct invoke_call {
    char function[WARD_INVOKE_NAME_BYTES_MAX + 1];
    size_t arg_count, result_count; /* result_count: the room, then how many there are */
    ward_value args[WARD_INVOKE_VALUES_MAX], results[WARD_INVOKE_VALUES_MAX];
} invoke_call;

/* NULL: out of memory. */
wardi_message *bytes_message(const uint8_t *bytes, size_t length);
/* When a request that is given so long is over; 0: the default. */
uint64_t message_deadline(const ward_supervisor *s, uint64_t timeout_ns);
void health_of_message(const wardi_message *message, ward_report *ret_report);

#endif
