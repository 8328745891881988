/* What the examples of components that talk share: a supervisor, its components, and questions to
 * them. */
#ifndef TALK_H
#define TALK_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <ward/ward.h>

/* One or more names or patterns. */
#define ALLOW(...)                                                                                 \
    {                                                                                              \
        .allow = (const char *const[]){__VA_ARGS__},                                               \
        .allow_count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)           \
    }

typedef struct talk {
    const char *folder; /* of the guests */
    ward_host *host;
    ward_supervisor *supervisor;
    ward_error error; /* the first; after it nothing more is done */
    ward_diag diag;
} talk;

/* A component `name` of the guest `guest`.wasm; metadata is "key=value", or NULL. */
static inline void talk_add(talk *t, const char *name, const char *guest, const char *metadata,
                            const ward_grants *grants)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.wasm", t->folder, guest);
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = name;
    component.path = path;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.component = &component;
    options.grants = grants;
    options.metadata = &metadata;
    options.metadata_count = metadata != NULL;
    if (!t->error) t->error = ward_supervisor_add(t->supervisor, &options, &t->diag);
}

static inline void talk_open(talk *t, int argc, char **argv)
{
    *t = (talk){.folder = argc > 1 ? argv[1] : "."};
    t->error = ward_host_open(NULL, &t->host, &t->diag);
    if (!t->error) t->error = ward_supervisor_new(t->host, NULL, &t->supervisor, &t->diag);
}

/* Starts them all. A message that comes before its component has started waits in the mailbox. */
static inline void talk_start(talk *t)
{
    if (!t->error) t->error = ward_supervisor_start(t->supervisor, &t->diag);
}

/* Asks, and returns the answer, or why there is none. */
static inline const char *talk_ask(talk *t, const char *name, const char *question)
{
    static char answer[256];
    size_t length = 0;
    ward_child_id id = 0;
    if (t->error) return "";
    ward_error error = ward_supervisor_find(t->supervisor, name, &id);
    if (!error)
        error =
            ward_supervisor_request(t->supervisor, id, (const uint8_t *)question, strlen(question),
                                    (uint8_t *)answer, sizeof answer - 1, &length, 0);
    if (error) return ward_error_text(error);
    answer[length] = '\0';
    return answer;
}

/* Stops them all; the exit status of the program. */
static inline int talk_close(talk *t)
{
    if (!t->error) t->error = ward_supervisor_stop(t->supervisor, 0, &t->diag);
    if (t->error) fprintf(stderr, "%s\n", t->diag.text);
    ward_supervisor_free(t->supervisor);
    ward_host_close(t->host);
    return t->error != WARD_OK;
}

#endif
