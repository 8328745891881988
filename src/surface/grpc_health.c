/* grpc.health.v1.Health: how services are, and who watches which.
 *
 * A service is a component or a group by its name; "" is the host. Watched names are in a table
 * whether anybody has them or not: the unknown may come, and the known go. What happens to a name
 * marks it; before the loop waits, each marked one is looked at once, however often it has changed,
 * and those who watch it are woken if it is not as it was. What they are then sent is made when
 * HTTP/2 has room for it, and only if it differs from what they were sent before. */
#include <assert.h>
#include <string.h>

#include <grpc/health/v1/health.pb-c.h>

#include "surface/grpc.h"

typedef Grpc__Health__V1__HealthCheckRequest check_request;
typedef Grpc__Health__V1__HealthCheckResponse check_response;
typedef Grpc__Health__V1__HealthListRequest list_request;
typedef Grpc__Health__V1__HealthListResponse list_response;
typedef Grpc__Health__V1__HealthListResponse__StatusesEntry list_entry;

enum {
    NAME_BYTES_MAX = 127, /* of a component or a group: what is longer nobody will ever have */
    LIST_MAX = 100,       /* of the protocol */
    BUCKETS_MIN = 64,     /* a power of two */
    STATUS_NONE = -1      /* nothing was sent */
};

typedef struct watcher {
    grpc_call *call;
    struct watched *of; /* NULL: a name that can't be */
    int sent;           /* a view_grpc */
    struct watcher *next, *before;
} watcher;

typedef struct watched {
    struct watched *next;        /* in its bucket */
    struct watched *next_marked; /* if `marked` */
    bool marked;
    view_grpc status;
    watcher *watchers;
    uint64_t hash;
    char name[]; /* "": the host */
} watched;

struct health {
    const struct surface *of;
    view *view; /* while it is open */
    view_watcher told;
    uint64_t key[2]; /* names come over the network */
    watched **buckets;
    size_t bucket_count, count;
    uint32_t watchers;
    watched *marked;
    watched *host; /* also in its bucket; NULL: nobody watches it */
};

/* ---- how a service is ---- */

static view_grpc status_of(const health *h, const char *name)
{
    ward_reason reason;
    if (h->view == NULL) return VIEW_GRPC_SERVICE_UNKNOWN;
    if (name[0] == '\0')
        return view_host_ready(h->view) && !atomic_load(&h->of->leaving) ? VIEW_GRPC_SERVING
                                                                         : VIEW_GRPC_NOT_SERVING;
    const view_member *member = view_find(h->view, name);
    if (member == NULL) return VIEW_GRPC_SERVICE_UNKNOWN;
    return view_means(view_now(h->view, member, &reason))->grpc;
}

static check_response response_of(view_grpc status)
{
    static_assert((int)VIEW_GRPC_SERVICE_UNKNOWN ==
                      (int)GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN,
                  "a view_grpc is a ServingStatus");
    check_response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    return response;
}

/* ---- names that are watched ---- */

static uint64_t hash_of(const health *h, const char *name)
{
    return wardi_siphash(h->key, name, strlen(name));
}

static watched *watched_find(const health *h, const char *name, uint64_t hash)
{
    if (h->bucket_count == 0) return NULL;
    watched *w = h->buckets[hash & (h->bucket_count - 1)];
    while (w != NULL && (w->hash != hash || strcmp(w->name, name) != 0)) w = w->next;
    return w;
}

/* False: no memory; what there is does, but is slower. */
static bool buckets_grow(health *h)
{
    size_t count = h->bucket_count != 0 ? 2 * h->bucket_count : BUCKETS_MIN;
    watched **grown = wardi_alloc_array(count, sizeof(watched *));
    if (grown == NULL) return false;
    for (size_t i = 0; i < h->bucket_count; i++)
        for (watched *w = h->buckets[i], *next; w != NULL; w = next) {
            next = w->next;
            w->next = grown[w->hash & (count - 1)];
            grown[w->hash & (count - 1)] = w;
        }
    wardi_free(h->buckets);
    h->buckets = grown;
    h->bucket_count = count;
    return true;
}

static watched *watched_add(health *h, const char *name, uint64_t hash)
{
    if (h->count >= h->bucket_count && !buckets_grow(h) && h->bucket_count == 0) return NULL;
    size_t bytes = strlen(name) + 1;
    watched *w = wardi_alloc(sizeof *w + bytes);
    if (w == NULL) return NULL;
    memcpy(w->name, name, bytes);
    w->hash = hash;
    w->status = status_of(h, name);
    w->next = h->buckets[hash & (h->bucket_count - 1)];
    h->buckets[hash & (h->bucket_count - 1)] = w;
    h->count++;
    if (bytes == 1) h->host = w;
    return w;
}

static void watched_remove(health *h, watched *w)
{
    watched **link = &h->buckets[w->hash & (h->bucket_count - 1)];
    while (*link != w) link = &(*link)->next;
    *link = w->next;
    h->count--;
    if (h->host == w) h->host = NULL;
    wardi_free(w);
}

static void mark(health *h, watched *w)
{
    if (w == NULL || w->marked) return;
    w->marked = true;
    w->next_marked = h->marked;
    h->marked = w;
}

/* ---- what happens to them ---- */

static void mark_member(health *h, const view_member *member)
{
    if (h->count != 0 && member != NULL)
        mark(h, watched_find(h, member->name, hash_of(h, member->name)));
}

static health *health_of(view_watcher *told)
{
    return (health *)((char *)told - offsetof(health, told));
}

static void on_changed(view_watcher *told, const ward_event *event, view_member *member,
                       view_condition was)
{
    (void)event;
    (void)was;
    mark_member(health_of(told), member);
}

static void on_gone(view_watcher *told, view_member *member)
{
    mark_member(health_of(told), member);
}

void health_look(health *h)
{
    for (size_t i = 0; i < h->bucket_count; i++)
        for (watched *w = h->buckets[i]; w != NULL; w = w->next) mark(h, w);
}

static void look_at(health *h, watched *w)
{
    view_grpc now = status_of(h, w->name);
    if (now == w->status) return;
    w->status = now;
    for (watcher *each = w->watchers; each != NULL; each = each->next) grpc_call_wake(each->call);
}

void health_settle(health *h)
{
    mark(h, h->host); /* it takes nothing to look at it */
    while (h->marked != NULL) {
        watched *w = h->marked;
        h->marked = w->next_marked;
        w->marked = false;
        if (w->watchers != NULL)
            look_at(h, w);
        else
            watched_remove(h, w);
    }
}

/* ---- Watch ---- */

/* Ends the call when there is no memory. */
static watched *watch_name(health *h, grpc_call *call, const char *name)
{
    uint64_t hash = hash_of(h, name);
    watched *w = watched_find(h, name, hash);
    if (w == NULL) w = watched_add(h, name, hash);
    if (w == NULL) grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "no memory to watch it");
    return w;
}

static bool may_watch(health *h, grpc_call *call)
{
    grpc *g = grpc_call_server(call);
    uint32_t max = grpc_limits_of(g)->watches_max;
    if (h->watchers >= max) (void)grpc_make_room(g);
    if (h->watchers < max) return true;
    grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "there are as many streams as may be");
    return false;
}

static void watch(grpc_call *call, const char *name)
{
    health *h = grpc_health(grpc_call_server(call));
    watched *w = NULL;
    if (!may_watch(h, call)) return;
    if (name != NULL && (w = watch_name(h, call, name)) == NULL) return;
    watcher *own = wardi_alloc(sizeof *own);
    if (own == NULL) {
        mark(h, w); /* nobody may watch it */
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "no memory to watch it");
        return;
    }
    *own = (watcher){.call = call, .of = w, .sent = STATUS_NONE};
    if (w != NULL) {
        own->next = w->watchers;
        if (own->next != NULL) own->next->before = own;
        w->watchers = own;
    }
    h->watchers++;
    grpc_call_data_set(call, own);
    grpc_call_stays(call);
    grpc_call_wake(call);
}

static void watch_room(grpc_call *call)
{
    watcher *own = grpc_call_data(call);
    if (own == NULL) return;
    view_grpc now = own->of != NULL ? own->of->status : VIEW_GRPC_SERVICE_UNKNOWN;
    if (own->sent == (int)now) return;
    own->sent = (int)now;
    check_response response = response_of(now);
    grpc_call_reply(call, &response.base);
}

static void watch_gone(grpc_call *call)
{
    watcher *own = grpc_call_data(call);
    if (own == NULL) return;
    watched *w = own->of;
    if (own->next != NULL) own->next->before = own->before;
    if (own->before != NULL)
        own->before->next = own->next;
    else if (w != NULL)
        w->watchers = own->next;
    wardi_free(own);
    grpc_health(grpc_call_server(call))->watchers--;
    /* If nobody else watches it, it goes when it is looked at next. */
    if (w != NULL && w->watchers == NULL) mark(grpc_health(grpc_call_server(call)), w);
}

/* ---- requests ---- */

/* Calls `serve` with the name that a request is about; NULL: one that nobody can have. */
static void with_name(grpc_call *call, const uint8_t *bytes, size_t length,
                      void (*serve)(grpc_call *call, const char *name))
{
    check_request *request =
        grpc__health__v1__health_check_request__unpack(&grpc_allocator, length, bytes);
    if (request == NULL) {
        grpc_call_end(call, GRPC_INTERNAL, "the message is no HealthCheckRequest");
        return;
    }
    size_t name_length = 0;
    (void)wire_string_find(bytes, length, 1, &name_length);
    bool possible = name_length <= NAME_BYTES_MAX && name_length == strlen(request->service);
    serve(call, possible ? request->service : NULL);
    grpc__health__v1__health_check_request__free_unpacked(request, &grpc_allocator);
}

static void check(grpc_call *call, const char *name)
{
    health *h = grpc_health(grpc_call_server(call));
    view_grpc status = name != NULL ? status_of(h, name) : VIEW_GRPC_SERVICE_UNKNOWN;
    if (status == VIEW_GRPC_SERVICE_UNKNOWN) {
        grpc_call_end(call, GRPC_NOT_FOUND, "there is no component or group of this name");
        return;
    }
    check_response response = response_of(status);
    grpc_call_reply(call, &response.base);
    grpc_call_end(call, GRPC_OK, NULL);
}

static void check_requested(grpc_call *call, const uint8_t *bytes, size_t length)
{
    with_name(call, bytes, length, check);
}

static void watch_requested(grpc_call *call, const uint8_t *bytes, size_t length)
{
    with_name(call, bytes, length, watch);
}

/* All names in one message, and the host's. */
typedef struct listing {
    check_response responses[LIST_MAX];
    list_entry entries[LIST_MAX];
    list_entry *pointers[LIST_MAX];
    size_t count;
} listing;

static void listing_add(listing *l, const char *name, view_grpc status)
{
    static char host[] = "";
    size_t at = l->count++;
    l->responses[at] = response_of(status);
    l->entries[at] = (list_entry)GRPC__HEALTH__V1__HEALTH_LIST_RESPONSE__STATUSES_ENTRY__INIT;
    l->entries[at].key = name[0] != '\0' ? (char *)(uintptr_t)name : host;
    l->entries[at].value = &l->responses[at];
    l->pointers[at] = &l->entries[at];
}

static void list(grpc_call *call, const health *h)
{
    listing l = {.count = 0};
    list_response response = GRPC__HEALTH__V1__HEALTH_LIST_RESPONSE__INIT;
    listing_add(&l, "", status_of(h, ""));
    for (size_t i = 0; h->view != NULL && i < view_count(h->view); i++) {
        ward_reason reason;
        const view_member *member = view_at(h->view, i);
        listing_add(&l, member->name, view_means(view_now(h->view, member, &reason))->grpc);
    }
    response.n_statuses = l.count;
    response.statuses = l.pointers;
    grpc_call_reply(call, &response.base);
    grpc_call_end(call, GRPC_OK, NULL);
}

static void list_requested(grpc_call *call, const uint8_t *bytes, size_t length)
{
    const health *h = grpc_health(grpc_call_server(call));
    list_request *request =
        grpc__health__v1__health_list_request__unpack(&grpc_allocator, length, bytes);
    if (request == NULL)
        grpc_call_end(call, GRPC_INTERNAL, "the message is no HealthListRequest");
    else if (h->view != NULL && view_count(h->view) >= LIST_MAX)
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED,
                      "there are more than 100 services: ask for each by Check or Watch");
    else
        list(call, h);
    grpc__health__v1__health_list_request__free_unpacked(request, &grpc_allocator);
}

const grpc_method health_methods[] = {
    {.path = "/grpc.health.v1.Health/Check", .request = check_requested},
    {.path = "/grpc.health.v1.Health/List", .request = list_requested},
    {.path = "/grpc.health.v1.Health/Watch",
     .listens = true,
     .request = watch_requested,
     .room = watch_room,
     .gone = watch_gone},
    {.path = NULL}};

/* ---- its life ---- */

health *health_new(const struct surface *s)
{
    health *h = wardi_alloc(sizeof *h);
    if (h == NULL) return NULL;
    h->of = s;
    h->key[0] = wardi_rng_seed();
    h->key[1] = wardi_rng_seed();
    h->told = (view_watcher){.changed = on_changed, .gone = on_gone};
    return h;
}

void health_open(health *h)
{
    h->view = h->of->view;
    view_watch(h->view, &h->told);
}

void health_close(health *h)
{
    view_unwatch(h->view, &h->told);
    h->view = NULL;
}

void health_free(health *h)
{
    if (h == NULL) return;
    for (size_t i = 0; i < h->bucket_count; i++)
        for (watched *w = h->buckets[i], *next; w != NULL; w = next) {
            WARD_ASSERT(w->watchers == NULL);
            next = w->next;
            wardi_free(w);
        }
    wardi_free(h->buckets);
    wardi_free(h);
}
