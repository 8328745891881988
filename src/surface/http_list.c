/* Lists of components and groups: written as they are read, so that a million of them needs no more
 * memory than one. In an order, a page of it: all are looked at first, a few at a time. */
#include <string.h>
#include <strings.h>

#include "surface/http_api.h"
#include "surface/http_priv.h"
#include "surface/ranking.h"

enum {
    SHOWN_AT_ONCE = 64,
    LOOKED_AT_ONCE = 4096, /* of which none may be shown */
    PENDING_MAX = 4 << 20, /* of a reader that is slower than members come and go */
    RANKED_AT_ONCE = 16,   /* before the clock is looked at */
    PAGE_DEFAULT = 100,
    PAGE_MAX = 1000, /* in an order, which is kept in memory until it is sent */
    OFFSET_MAX = 10000,
};
/* A probe waits for no more than this, and a few members of each list. */
#define RANK_STEP_NS (200 * WARDI_US)

typedef struct list {
    view_watcher watcher; /* first */
    struct surface *surface;
    bool groups;
    int condition;   /* -1: any */
    char group[128]; /* in which they are; with any_group: wherever */
    bool any_group;
    char words[128];      /* in their names; "": any */
    bool figures;         /* and the figures of each */
    bool ordered, ranked; /* a page in an order; and it is known who is on it */
    ranking_by by;
    ranking page;
    uint64_t offset;         /* of the page */
    uint64_t count;          /* of all that it is a page of */
    size_t next;             /* in the view; once it is ranked, on the page */
    uint64_t left;           /* to be shown at most */
    const view_member *last; /* that was shown; NULL: none, or it is gone */
    http_text pending;
    size_t sent; /* of it */
    bool begun, first_shown, ended;
} list;

static bool shows(const list *l, const view_member *m)
{
    if (m->is_group != l->groups) return false;
    if (!l->any_group && strcmp(m->group, l->group) != 0) return false;
    if (l->condition >= 0 && (int)m->condition != l->condition) return false;
    return l->words[0] == '\0' || strcasestr(m->name, l->words) != NULL;
}

static void show(list *l, const view_member *m)
{
    if (l->first_shown) http_text_puts(&l->pending, ",\n");
    l->first_shown = true;
    http_text_puts(&l->pending, "{"); /* no comma of its own */
    http_member_summary(&l->pending, l->surface->view, m);
    if (l->figures) http_member_figures(&l->pending, l->surface->view, m);
    http_json_close(&l->pending, '}');
    l->last = m;
    l->left--;
}

/* ---- a page in an order ---- */

static uint64_t latency_of(const ward_figures *own)
{
    return own->probes != 0 ? own->probe_ns_total / own->probes : 0;
}

static uint64_t figure_of(const list *l, const view_member *m)
{
    const ward_supervisor *supervisor = view_supervisor(l->surface->view);
    ward_child_figures figures = WARD_INIT(ward_child_figures);
    if (ward_supervisor_figures(supervisor, m->id, &figures) != WARD_OK) return 0;
    switch (l->by) {
    case RANKING_MAILBOX: return figures.mailbox_waiting;
    case RANKING_MESSAGES: return figures.messages.handled;
    case RANKING_LATENCY: return latency_of(&figures.component);
    case RANKING_MEMORY: return figures.component.memory_bytes;
    default: return figures.inside_ns;
    }
}

static uint64_t restarts_of(const list *l, const view_member *m)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    return view_child_status(l->surface->view, m, &status) ? status.restarts : 0;
}

static uint64_t key_of(const list *l, const view_member *m)
{
    ward_reason reason;
    switch (l->by) {
    case RANKING_NAME: return 0;
    case RANKING_CONDITION: return ranking_of_condition(view_now(l->surface->view, m, &reason));
    case RANKING_AGE: return ranking_of_most(m->since_wall_ns);
    case RANKING_RESTARTS: return ranking_of_most(restarts_of(l, m));
    default: return ranking_of_most(figure_of(l, m));
    }
}

static void rank(list *l, const view_member *m)
{
    if (!shows(l, m)) return;
    l->count++;
    ranking_offer(&l->page, m, key_of(l, m));
}

static void rank_some(list *l)
{
    const view *v = l->surface->view;
    uint64_t until_ns = wardi_now_ns() + RANK_STEP_NS / l->surface->http->ranked;
    while (l->next < view_count(v) && wardi_now_ns() < until_ns)
        for (int i = 0; i < RANKED_AT_ONCE && l->next < view_count(v); i++)
            rank(l, view_at(v, l->next++));
    if (l->next < view_count(v)) return;
    if (l->offset > l->page.count) l->offset = l->page.count;
    l->next = (size_t)l->offset;
    ranking_sort(&l->page, l->next);
    l->ranked = true;
    l->surface->http->ranked--;
}

static void show_some_ranked(list *l)
{
    for (int shown = 0; shown < SHOWN_AT_ONCE && l->next < l->page.count; l->next++) {
        const view_member *m = l->page.entries[l->next].member;
        if (m == NULL) continue; /* gone since then */
        show(l, m);
        shown++;
    }
    l->ended = l->next == l->page.count;
}

static void on_gone_ranked(list *l, const view_member *m, const view_member *moved)
{
    if (l->ranked) {
        for (size_t i = l->next; i < l->page.count; i++)
            if (l->page.entries[i].member == m) l->page.entries[i].member = NULL;
        return;
    }
    if (m->place >= l->next) return;
    if (shows(l, m)) l->count--;
    ranking_forget(&l->page, m);
    if (moved->place >= l->next) rank(l, moved);
}

/* ---- all, as they come ---- */

/* Whoever goes leaves its place to the last of all, which would be overlooked. */
static void on_gone(view_watcher *watcher, view_member *m)
{
    list *l = (list *)watcher;
    const view *v = l->surface->view;
    const view_member *moved = view_at(v, view_count(v) - 1);
    if (l->last == m) l->last = NULL;
    if (l->ordered) {
        on_gone_ranked(l, m, moved);
        return;
    }
    if (l->ended || m->place >= l->next || moved->place < l->next) return;
    if (l->left > 0 && shows(l, moved)) show(l, moved);
}

static void show_some(list *l)
{
    const view *v = l->surface->view;
    int shown = 0;
    for (int looked = 0; looked < LOOKED_AT_ONCE && shown < SHOWN_AT_ONCE; looked++) {
        if (l->next >= view_count(v) || l->left == 0) {
            l->ended = true;
            return;
        }
        const view_member *m = view_at(v, l->next++);
        if (!shows(l, m)) continue;
        show(l, m);
        shown++;
    }
}

static void show_end(list *l)
{
    bool more = l->left == 0 && l->next < view_count(l->surface->view) && l->last != NULL;
    http_text_puts(&l->pending, "],\"next\":");
    if (more && !l->ordered)
        http_text_printf(&l->pending, "\"%s\"", l->last->name);
    else
        http_text_puts(&l->pending, "null");
    if (l->ordered) http_json_key_u64(&l->pending, "count", l->count);
    http_text_puts(&l->pending, "}\n");
}

static void fill(list *l)
{
    l->pending.length = l->sent = 0;
    if (!l->begun) http_text_printf(&l->pending, "{\"%s\":[", l->groups ? "groups" : "components");
    l->begun = true;
    if (!l->ordered)
        show_some(l);
    else if (l->ranked)
        show_some_ranked(l);
    else
        rank_some(l);
    if (l->ended) show_end(l);
    /* White space: others have their turn before the search goes on. */
    if (l->pending.length == 0) http_text_puts(&l->pending, "\n");
}

static ssize_t on_read(void *context, uint64_t position, char *to, size_t room)
{
    list *l = context;
    (void)position;
    if (l->sent == l->pending.length) {
        if (l->ended) return MHD_CONTENT_READER_END_OF_STREAM;
        fill(l);
    }
    /* The reader sees that the document has no end. */
    if (l->pending.failed || l->pending.length > PENDING_MAX)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t length = l->pending.length - l->sent;
    if (length > room) length = room;
    memcpy(to, l->pending.bytes + l->sent, length);
    l->sent += length;
    return (ssize_t)length;
}

static void on_done(void *context)
{
    list *l = context;
    view_unwatch(l->surface->view, &l->watcher);
    if (l->ordered && !l->ranked) l->surface->http->ranked--;
    http_text_done(&l->pending);
    ranking_done(&l->page);
    wardi_free(l);
}

/* ---- what is asked for ---- */

static bool read_condition(http_request *request, list *l)
{
    const char *name = http_target_param(&request->target, "condition");
    l->condition = -1;
    if (name == NULL) return true;
    for (int c = 0; c < VIEW_CONDITIONS; c++)
        if (strcmp(view_means((view_condition)c)->name, name) == 0) l->condition = c;
    if (l->condition >= 0) return true;
    http_problem(request, MHD_HTTP_BAD_REQUEST,
                 "condition is starting, healthy, degraded, unready, unhealthy or stopped.");
    return false;
}

static bool read_group(http_request *request, list *l)
{
    const char *name = http_target_param(&request->target, "group");
    l->any_group = name == NULL;
    if (name == NULL) return true;
    wardi_text group = WARDI_TEXT(l->group);
    wardi_text_puts(&group, name);
    if (*name == '\0' || view_find_group(l->surface->view, name) != NULL) return true;
    http_problem(request, MHD_HTTP_NOT_FOUND, "There is no group \"%.128s\".", name);
    return false;
}

static bool read_words(http_request *request, list *l)
{
    const char *words = http_target_param(&request->target, "q");
    wardi_text to = WARDI_TEXT(l->words);
    if (words == NULL) return true;
    wardi_text_puts(&to, words);
    if (!to.cut) return true;
    http_problem(request, MHD_HTTP_BAD_REQUEST, "q has 127 bytes at most, as names have.");
    return false;
}

static bool read_page(http_request *request, list *l)
{
    const char *limit = http_target_param(&request->target, "limit");
    const char *after = http_target_param(&request->target, "after");
    l->left = UINT64_MAX;
    if (limit != NULL && (!http_number_read(limit, UINT32_MAX, &l->left) || l->left == 0)) {
        http_problem(request, MHD_HTTP_BAD_REQUEST, "limit is a number from 1.");
        return false;
    }
    if (after == NULL) return true;
    view *v = l->surface->view;
    const view_member *m = l->groups ? view_find_group(v, after) : view_find_child(v, after);
    if (m != NULL) {
        l->next = m->place + 1;
        return true;
    }
    http_problem(request, MHD_HTTP_CONFLICT,
                 "\"%.128s\" is not there any more: begin again without after.", after);
    return false;
}

static bool refuse(http_request *request, const char *why)
{
    http_problem(request, MHD_HTTP_BAD_REQUEST, "%s", why);
    return false;
}

static bool read_page_in_order(http_request *request, list *l)
{
    const http_target *target = &request->target;
    const char *limit = http_target_param(target, "limit");
    const char *offset = http_target_param(target, "offset");
    if (http_target_param(target, "after") != NULL)
        return refuse(request, "With sort, pages begin at an offset, not after a name.");
    l->left = PAGE_DEFAULT;
    if (limit != NULL && (!http_number_read(limit, PAGE_MAX, &l->left) || l->left == 0))
        return refuse(request, "With sort, limit is a number from 1 to 1000.");
    if (offset != NULL && !http_number_read(offset, OFFSET_MAX, &l->offset))
        return refuse(request, "offset is a number up to 10000; reverse reaches the other end.");
    bool reverse = http_target_param(target, "reverse") != NULL;
    if (ranking_init(&l->page, (size_t)(l->offset + l->left), reverse)) return true;
    http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
    return false;
}

static bool read_order(http_request *request, list *l)
{
    const http_target *target = &request->target;
    const char *sort = http_target_param(target, "sort");
    l->figures = http_target_param(target, "figures") != NULL;
    if (sort == NULL) {
        if (http_target_param(target, "offset") != NULL ||
            http_target_param(target, "reverse") != NULL)
            return refuse(request, "offset and reverse go with sort.");
        return read_page(request, l);
    }
    l->ordered = true;
    if (!ranking_by_of(sort, &l->by))
        return refuse(request, "sort is name, condition, age, restarts, mailbox, messages, "
                               "latency, memory or cpu.");
    if (l->groups && l->by >= RANKING_RESTARTS)
        return refuse(request, "Groups are sorted by name, condition or age.");
    return read_page_in_order(request, l);
}

void http_api_list(http_request *request)
{
    list *l = wardi_alloc(sizeof *l);
    if (l == NULL) {
        http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
        return;
    }
    l->surface = request->http->surface;
    l->groups = request->route->detail != 0;
    l->watcher.gone = on_gone;
    bool read = read_condition(request, l) && read_group(request, l) && read_words(request, l) &&
                read_order(request, l);
    if (!read) {
        wardi_free(l);
        return;
    }
    l->surface->http->ranked += l->ordered;
    view_watch(l->surface->view, &l->watcher);
    http_answer_stream(request, "application/json", on_read, l, on_done);
}
