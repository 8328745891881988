/* Asking the host, on a thread of its own: it may be gone, or take its time, and keys are heard all
 * the same. One question is under way at a time, and of those that wait the newest counts. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/events.h"
#include "cli/top.h"
#include "record/record.h"

#define CALL_NS (5 * WARDI_S)
#define FREE_NS (100 * WARDI_MS)
enum { LINES_SHOWN = 12 };

struct top_fetch {
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows, up to the next remark */
    pthread_cond_t changed;
    top_query query;
    uint64_t interval_ns, due_ns;
    top_command command;
    char said[300];
    top_answer *answer; /* that nobody has taken yet */
    bool asked, ending, ended;
    /* the thread's own */
    wardi_client *client;
    top_history history;
    uint64_t total; /* rows of the last answer */
    int wake_fd;
};

/* ---- one answer ---- */

static const wardi_call plain = {.timeout_ns = CALL_NS};

static bool fail(const top_fetch *f, top_answer *a)
{
    wardi_text text = WARDI_TEXT(a->trouble);
    wardi_text_puts(&text, wardi_client_trouble(f->client));
    if (text.length == 0) wardi_text_puts(&text, "out of memory");
    return false;
}

static bool get_host(top_fetch *f, top_answer *a)
{
    json_t *host = wardi_client_json(f->client, &plain, NULL, "/api/v1/host");
    if (host == NULL) return fail(f, a);
    top_host_read(&a->host, host);
    top_history_host(&f->history, &a->host, wardi_now_ns());
    json_decref(host);
    return true;
}

typedef struct page {
    const char *which; /* "components", "groups" */
    uint64_t offset, limit;
    bool figures, in_group;
} page;

static void path_of(const top_query *query, const page *p, wardi_text *path)
{
    char escaped[WARDI_ESCAPED_BYTES];
    top_sort sort = query->sort > TOP_BY_AGE && !p->figures ? TOP_BY_CONDITION : query->sort;
    wardi_text_printf(path, "/api/v1/%s?sort=%s&offset=%llu&limit=%llu", p->which,
                      top_sort_names[sort], (unsigned long long)p->offset,
                      (unsigned long long)p->limit);
    if (query->reverse) wardi_text_puts(path, "&reverse");
    if (p->figures) wardi_text_puts(path, "&figures");
    if (p->in_group)
        wardi_text_printf(path, "&group=%s", wardi_client_escape(escaped, query->group));
    if (query->words[0] != '\0')
        wardi_text_printf(path, "&q=%s", wardi_client_escape(escaped, query->words));
}

/* Reads a page behind the rows that there are; no more than asked for. */
static bool get_page(const top_fetch *f, top_answer *a, const page *p, uint64_t *ret_total)
{
    char path[2 * WARDI_ESCAPED_BYTES + 200];
    wardi_text text = WARDI_TEXT(path);
    size_t i;
    json_t *member;
    path_of(&a->query, p, &text);
    json_t *list = wardi_client_json(f->client, &plain, NULL, "%s", path);
    if (list == NULL) return fail(f, a);
    json_array_foreach(json_object_get(list, p->which), i, member)
    {
        if (i >= p->limit || a->count >= TOP_PAGE_MAX) break;
        top_row_read(&a->rows[a->count++], member);
    }
    *ret_total = wardi_json_get_u64(list, "count");
    json_decref(list);
    return true;
}

static bool get_all(top_fetch *f, top_answer *a)
{
    bool rates = top_sort_is_rate(a->query.sort);
    bool whole = rates && f->total <= TOP_PAGE_MAX;
    page p = {.which = "components",
              .offset = whole ? 0 : a->query.offset,
              .limit = whole ? TOP_PAGE_MAX : a->query.limit,
              .figures = true};
    if (p.offset > TOP_OFFSET_MAX) p.offset = TOP_OFFSET_MAX;
    if (!get_page(f, a, &p, &a->total)) return false;
    a->offset = p.offset;
    top_history_rows(&f->history, a->rows, a->count, wardi_now_ns());
    a->by_sums = rates && a->total > a->count;
    if (rates && !a->by_sums) top_rows_sort(a->rows, a->count, a->query.sort, a->query.reverse);
    return true;
}

/* Groups first, then components, each in the order. */
static bool get_level(top_fetch *f, top_answer *a)
{
    uint64_t groups, components, offset = a->query.offset, limit = a->query.limit;
    if (offset > TOP_OFFSET_MAX) offset = TOP_OFFSET_MAX;
    page p = {.which = "groups", .offset = offset, .limit = limit, .in_group = true};
    if (!get_page(f, a, &p, &groups)) return false;
    uint64_t left = limit - a->count;
    p = (page){.which = "components",
               .offset = offset > groups ? offset - groups : 0,
               .limit = left > 0 ? left : 1, /* for how many there are */
               .figures = true,
               .in_group = true};
    size_t count = a->count;
    if (!get_page(f, a, &p, &components)) return false;
    top_history_rows(&f->history, a->rows, a->count, wardi_now_ns());
    if (left == 0) a->count = count;
    a->total = groups + components;
    a->offset = offset;
    a->by_sums = top_sort_is_rate(a->query.sort);
    return true;
}

/* ---- all about one ---- */

static void tell_lines(const top_fetch *f, FILE *to, const char *escaped)
{
    ward_log_field fields[WARD_LOG_FIELDS_MAX];
    ward_log_line line;
    ward_diag diag;
    size_t i;
    json_t *one;
    json_t *logs = wardi_client_json(f->client, &plain, NULL, "/api/v1/logs?component=%s&limit=%d",
                                     escaped, LINES_SHOWN);
    const json_t *lines = json_object_get(logs, "lines");
    if (json_array_size(lines) > 0) fputs("Its last lines:\n", to);
    json_array_foreach(lines, i, one)
    {
        line = (ward_log_line)WARD_INIT(ward_log_line);
        if (wardi_line_of_json(one, fields, &line, &diag) == WARD_OK)
            wardi_line_print(to, &line, 0);
    }
    json_decref(logs);
}

static void tell_component(const top_fetch *f, FILE *to, const char *escaped)
{
    wardi_call call = {.timeout_ns = CALL_NS, .quiet_not_found = true};
    json_t *component =
        wardi_client_json(f->client, &plain, NULL, "/api/v1/components/%s", escaped);
    json_t *evidence =
        component != NULL
            ? wardi_client_json(f->client, &call, NULL, "/api/v1/components/%s/evidence", escaped)
            : NULL;
    if (component != NULL)
        wardi_why_tell(to, component, evidence);
    else
        fprintf(to, "%s\n", wardi_client_trouble(f->client));
    json_decref(component);
    json_decref(evidence);
    tell_lines(f, to, escaped);
}

static void tell_group(const top_fetch *f, FILE *to, const char *escaped)
{
    static const char *const keys[] = {"healthy", "degraded", "failed", "ready", "given_up"};
    json_t *group = wardi_client_json(f->client, &plain, NULL, "/api/v1/groups/%s", escaped);
    const json_t *children = json_object_get(group, "children");
    const char *reason = wardi_json_get_text(group, "reason");
    if (group == NULL) {
        fprintf(to, "%s\n", wardi_client_trouble(f->client));
        return;
    }
    fprintf(to, "%s is %s", wardi_json_get_text(group, "name"),
            wardi_json_get_text(group, "condition"));
    fputs(reason[0] != '\0' ? ": " : "", to);
    wardi_output_safe(to, reason, strlen(reason));
    fprintf(to, "\n%llu components in it", (unsigned long long)wardi_json_get_u64(children, "all"));
    for (size_t i = 0; i < WARD_COUNT(keys); i++)
        fprintf(to, ", %llu %s", (unsigned long long)wardi_json_get_u64(children, keys[i]),
                keys[i]);
    fprintf(to, "; %llu must be well\n", (unsigned long long)wardi_json_get_u64(children, "least"));
    json_decref(group);
}

static void get_detail(const top_fetch *f, top_answer *a)
{
    char escaped[WARDI_ESCAPED_BYTES];
    size_t size = 0;
    if (a->query.detail[0] == '\0') return;
    FILE *to = open_memstream(&a->detail, &size);
    if (to == NULL) return;
    wardi_client_escape(escaped, a->query.detail);
    if (a->query.detail_is_group)
        tell_group(f, to, escaped);
    else
        tell_component(f, to, escaped);
    fclose(to);
}

static top_answer *answer_of(top_fetch *f, const top_query *query)
{
    top_answer *a = wardi_alloc(sizeof *a);
    if (a == NULL) return NULL;
    a->query = *query;
    a->rows = wardi_alloc_array(TOP_PAGE_MAX, sizeof *a->rows);
    if (a->rows == NULL) {
        fail(f, a);
        return a;
    }
    if (!get_host(f, a) || !(query->folded ? get_level(f, a) : get_all(f, a))) return a;
    f->total = a->total;
    get_detail(f, a);
    return a;
}

/* ---- commands ---- */

static void obey(const top_fetch *f, const top_command *command, char *ret_said, size_t size)
{
    char escaped[WARDI_ESCAPED_BYTES];
    long status = 0;
    wardi_call call = {.method = "POST", .timeout_ns = CALL_NS};
    wardi_client_escape(escaped, command->name);
    free(wardi_client_text(f->client, &call, &status, "/api/v1/%s/%s/%s",
                           command->is_group ? "groups" : "components", escaped, command->request));
    wardi_text text = wardi_text_on(ret_said, size);
    if (status / 100 == 2)
        wardi_text_printf(&text, "%s is asked for: %s", command->request, command->name);
    else
        wardi_text_printf(&text, "%s %s: %s", command->request, command->name,
                          wardi_client_trouble(f->client));
}

/* ---- the thread ---- */

typedef struct errand {
    top_query query;
    top_command command;
} errand;

/* Waits until something is to be done. False: it is the end. */
static bool next(top_fetch *f, errand *ret_errand)
{
    pthread_mutex_lock(&f->lock);
    while (!f->ending && f->command.request == NULL && (!f->asked || wardi_now_ns() < f->due_ns))
        wardi_cond_wait_until(&f->changed, &f->lock, f->asked ? f->due_ns : UINT64_MAX);
    bool goes_on = !f->ending;
    *ret_errand = (errand){f->query, f->command};
    f->command.request = NULL;
    f->due_ns = UINT64_MAX; /* unless it is asked again meanwhile */
    pthread_mutex_unlock(&f->lock);
    return goes_on;
}

static void hand_over(top_fetch *f, top_answer *answer, const char *said)
{
    uint64_t one = 1;
    pthread_mutex_lock(&f->lock);
    if (answer != NULL) {
        top_answer_free(f->answer);
        f->answer = answer;
    }
    wardi_text text = WARDI_TEXT(f->said);
    if (said[0] != '\0') wardi_text_puts(&text, said);
    if (f->due_ns == UINT64_MAX) f->due_ns = wardi_add_sat(wardi_now_ns(), f->interval_ns);
    pthread_mutex_unlock(&f->lock);
    ssize_t written = write(f->wake_fd, &one, sizeof one);
    (void)written; /* where it is full, somebody is awake already */
}

static void *fetch(void *context)
{
    top_fetch *f = context;
    errand e;
    while (next(f, &e)) {
        char said[300] = "";
        if (e.command.request != NULL) obey(f, &e.command, said, sizeof said);
        hand_over(f, answer_of(f, &e.query), said);
    }
    pthread_mutex_lock(&f->lock);
    f->ended = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- life ---- */

top_fetch *top_fetch_new(const char *socket, int wake_fd)
{
    top_fetch *f = wardi_alloc(sizeof *f);
    if (f == NULL) {
        wardi_complain("top: out of memory");
        return NULL;
    }
    f->wake_fd = wake_fd;
    f->interval_ns = UINT64_MAX;
    f->client = wardi_client_new(socket, "top");
    json_t *host =
        f->client != NULL ? wardi_client_json(f->client, &plain, NULL, "/api/v1/host") : NULL;
    if (host != NULL) { /* somebody is there; from now on the screen says if not */
        json_decref(host);
        wardi_client_quiet(f->client);
        pthread_mutex_init(&f->lock, NULL);
        pthread_cond_init(&f->changed, NULL);
        if (wardi_thread_start(&f->thread, fetch, f)) return f;
        wardi_complain("top: no thread for asking");
    }
    wardi_client_free(f->client);
    wardi_free(f);
    return NULL;
}

void top_fetch_ask(top_fetch *f, const top_query *query, uint64_t interval_ns)
{
    pthread_mutex_lock(&f->lock);
    f->query = *query;
    f->interval_ns = interval_ns;
    f->due_ns = 0;
    f->asked = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

void top_fetch_order(top_fetch *f, const top_command *command)
{
    pthread_mutex_lock(&f->lock);
    f->command = *command;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

top_answer *top_fetch_take(top_fetch *f, char *ret_said, size_t size)
{
    wardi_text text = wardi_text_on(ret_said, size);
    pthread_mutex_lock(&f->lock);
    top_answer *answer = f->answer;
    f->answer = NULL;
    wardi_text_puts(&text, f->said);
    f->said[0] = '\0';
    pthread_mutex_unlock(&f->lock);
    return answer;
}

const char *top_fetch_socket(const top_fetch *f)
{
    return wardi_client_socket(f->client);
}

void top_fetch_free(top_fetch *f)
{
    struct timespec until;
    if (f == NULL) return;
    pthread_mutex_lock(&f->lock);
    f->ending = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)FREE_NS;
    until.tv_sec += until.tv_nsec / (long)WARDI_S;
    until.tv_nsec %= (long)WARDI_S;
    /* A host that does not answer is not waited for: the thread goes down with the process. */
    if (pthread_clockjoin_np(f->thread, NULL, CLOCK_MONOTONIC, &until) != 0) return;
    top_answer_free(f->answer);
    top_history_done(&f->history);
    wardi_client_free(f->client);
    wardi_free(f);
}
