/* What commands have in common: somebody has given them who may, and they are told of before they
 * are carried out. */
#ifndef SURFACE_HTTP_COMMAND_H
#define SURFACE_HTTP_COMMAND_H

#include "surface/http.h"

/* The first member of each. */
typedef struct command {
    http_work work;
    ward_supervisor *supervisor;
    ward_child_id id; /* of a component */
    char name[128];   /* "": it is about the whole */
    http_who who;
    uid_t uid; /* over the socket */
    pid_t pid;
    char address[HTTP_ADDRESS_BYTES]; /* over TLS */
    ward_error error;
    ward_diag diag;
} command;

/* NULL: there is no memory, and that is answered. */
void *http_command_new(http_request *request, size_t size, const view_member *m,
                       void (*run)(http_work *work));
/* "restart, by ada (uid 1000, pid 4711)", "restart, by token ops (192.0.2.7:51234)", as an event.
 * On a thread of the pool: user names may come from afar. `outcome` NULL: it is yet to be done. */
void http_command_tell(const command *c, const char *what, const char *outcome);

#endif
