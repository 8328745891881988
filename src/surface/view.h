/* view: who is there and how they are, as the surfaces' thread sees it.
 *
 * Folded from the stream of events by one thread, which alone touches it: so whatever is shown over
 * HTTP, gRPC or the socket comes from the same place, in the same order. What changes without an
 * event (figures, a guest that is held up at this moment) is asked of the host by id, without a
 * lock: view_child_status. */
#ifndef SURFACE_VIEW_H
#define SURFACE_VIEW_H

#include <ward/observe.h>

#include "core/core.h"

/* One state, every surface: the table is in view.c. */
typedef enum view_condition {
    VIEW_STARTING, /* not up yet: created, starting, or waits for what it needs */
    VIEW_HEALTHY,
    VIEW_DEGRADED,
    VIEW_UNREADY,   /* up and well enough, and yet not ready: a need, a full mailbox */
    VIEW_UNHEALTHY, /* failed, restarting, or given up */
    VIEW_STOPPED,   /* stopped by an operator, or ended as it should */
} view_condition;
enum { VIEW_CONDITIONS = 6 };

typedef enum view_grpc {
    VIEW_GRPC_UNKNOWN,
    VIEW_GRPC_SERVING,
    VIEW_GRPC_NOT_SERVING,
    VIEW_GRPC_SERVICE_UNKNOWN
} view_grpc;

/* What a condition is on each surface. */
typedef struct view_meaning {
    const char *name;        /* "healthy", … */
    bool ready;              /* /readyz answers ok */
    bool counts;             /* it counts for the readiness of what it is part of */
    bool alive;              /* /livez of this very component answers ok */
    view_grpc grpc;          /* grpc.health.v1 */
    const char *docker;      /* "healthy", "unhealthy", "starting", "none" */
    const char *health_json; /* "pass", "warn", "fail"; NULL: left out */
} view_meaning;

const view_meaning *view_means(view_condition condition);

/* A child or a group. It stays at its address until it is removed. */
typedef struct view_member {
    const char *name, *version, *group; /* group "": at the top */
    ward_child_id id;                   /* 0: a group */
    bool is_group, instance, native;
    uint32_t instances; /* of a group that a component is */
    ward_restart restart;
    uint64_t interval_ns;
    ward_state state;         /* of a child */
    ward_child_health health; /* after rise and fall; of a group, by its rule */
    bool ready, flapping, given_up;
    bool started_once;            /* has been ready at least once */
    const char *reason;           /* why it is not healthy or not ready; "" */
    uint64_t since_wall_ns;       /* of its condition */
    uint64_t changed_sequence;    /* the event that made it so */
    ward_cause last_cause;        /* of the last restart or end */
    uint64_t restart_due_wall_ns; /* while it waits to be restarted; 0: it does not */
    uint64_t evidence;            /* the number of the last evidence; 0: none */
    view_condition condition;
    struct view_member *top_next, *top_previous; /* of those in no group: see view_top */
    size_t place;                                /* in view.members */
    uint64_t round;                              /* of view_sync, in which it was there */
    uint64_t born; /* its number in the order in which they came into the view */
} view_member;

typedef struct view view;

/* Told after each change of a member, once it is applied, and of events that change nobody (then
 * `member` may be NULL: the host's own). `was` is the condition before. */
typedef struct view_watcher {
    void (*changed)(struct view_watcher *watcher, const ward_event *event, view_member *member,
                    view_condition was);
    void (*gone)(struct view_watcher *watcher, view_member *member); /* it is about to be freed */
    struct view_watcher *next;
} view_watcher;

view *view_new(const ward_supervisor *supervisor);
void view_free(view *v);
/* Takes all members anew from the host: at the beginning, and when events were lost. False: no
 * memory for all of them; it may be tried again. */
bool view_sync(view *v);
/* The same in shares, of which others have their turns in between: begins anew; then a share of
 * some milliseconds. True: there is more to do. Events may be applied meanwhile. */
void view_sync_begin(view *v);
bool view_sync_some(view *v);
/* There was memory for all of them. */
bool view_is_whole(const view *v);
void view_apply(view *v, const ward_event *event);
void view_watch(view *v, view_watcher *watcher);
void view_unwatch(view *v, view_watcher *watcher);

/* NULL: there is none. A component and a group of one name are never both there, but for the
 * instances of a component, whose group has its name. */
view_member *view_find_child(view *v, const char *name);
view_member *view_find_group(view *v, const char *name);
/* Either. */
view_member *view_find(view *v, const char *name);
size_t view_count(const view *v);
/* How many members there ever were: see view_member.born. */
uint64_t view_born(const view *v);
/* In no order; an index is good until the next change. */
view_member *view_at(const view *v, size_t index);

/* The first member that is in no group; its top_next is the next. */
view_member *view_top(const view *v);

/* The condition of the member now: of a child that is held up at this moment, with that.
 * `ret_reason` receives why it is not healthy or not ready, or "". */
view_condition view_now(const view *v, const view_member *member, ward_reason *ret_reason);
/* The same, by what is known of a child already. */
view_condition view_judge(const view_member *member, const ward_child_status *status);
/* Everything that the host knows of a child now. False: it is gone. */
bool view_child_status(const view *v, const view_member *member, ward_child_status *ret_status);
/* How many components, and how many groups, are in this condition. O(1). */
size_t view_counted(const view *v, bool groups, view_condition condition);
/* Each member at the top that counts is ready, and all of them are known. O(1). */
bool view_host_ready(const view *v);
const ward_supervisor *view_supervisor(const view *v);

#endif
