/* Lists of components and groups: written as they are read, so that a million of them needs no more
 * memory than one. */
#include <string.h>
#include <strings.h>

#include "surface/http_api.h"
#include "surface/http_priv.h"

enum {
    SHOWN_AT_ONCE = 64,
    LOOKED_AT_ONCE = 4096, /* of which none may be shown */
    PENDING_MAX = 4 << 20, /* of a reader that is slower than members come and go */
};

typedef struct list {
    view_watcher watcher; /* first */
    struct surface *surface;
    bool groups;
    int condition;   /* -1: any */
    char group[128]; /* in which they are; with any_group: wherever */
    bool any_group;
    char words[128];         /* in their names; "": any */
    size_t next;             /* in the view */
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
    http_json_close(&l->pending, '}');
    l->last = m;
    l->left--;
}

/* Whoever goes leaves its place to the last of all, which would be overlooked. */
static void on_gone(view_watcher *watcher, view_member *m)
{
    list *l = (list *)watcher;
    const view *v = l->surface->view;
    const view_member *moved = view_at(v, view_count(v) - 1);
    if (l->last == m) l->last = NULL;
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
    /* White space: others have their turn before the search goes on. */
    if (shown == 0) http_text_puts(&l->pending, "\n");
}

static void show_end(list *l)
{
    bool more = l->left == 0 && l->next < view_count(l->surface->view) && l->last != NULL;
    http_text_puts(&l->pending, "],\"next\":");
    if (more)
        http_text_printf(&l->pending, "\"%s\"", l->last->name);
    else
        http_text_puts(&l->pending, "null");
    http_text_puts(&l->pending, "}\n");
}

static void fill(list *l)
{
    l->pending.length = l->sent = 0;
    if (!l->begun) http_text_printf(&l->pending, "{\"%s\":[", l->groups ? "groups" : "components");
    l->begun = true;
    show_some(l);
    if (l->ended) show_end(l);
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
    http_text_done(&l->pending);
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
                read_page(request, l);
    if (!read) {
        wardi_free(l);
        return;
    }
    view_watch(l->surface->view, &l->watcher);
    http_answer_stream(request, "application/json", on_read, l, on_done);
}
