#include "cli/reload.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/reload_text.h"

/* What has gone is told by an event; one that was lost for want of memory is made good by a look.
 */
#define LOOK_NS WARDI_S

/* What came of one: `document` is its own. */
typedef struct outcome {
    ward_error error;
    ward_diag diag;
    char *document;
} outcome;

struct wardi_reload {
    wardi_reload_options options;
    const wardi_config *started;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    wardi_config *in_force;      /* replaced by the thread alone */
    uint64_t asked, begun, over; /* rounds: one that is asked for is over when `over` is there */
    bool by_signal;              /* SIGHUP asked for the next, and from whom: */
    uid_t uid;
    pid_t pid;
    bool open, ending;
    outcome last;
};

/* ---- for whoever asks ---- */

void wardi_reload_ask(wardi_reload *r, uid_t uid, pid_t pid)
{
    pthread_mutex_lock(&r->lock);
    r->by_signal = true;
    r->uid = uid;
    r->pid = pid;
    r->asked++;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static ward_error leaving(ward_diag *ret_diag)
{
    return wardi_fail(ret_diag, WARD_ERROR_STATE, "Ward is stopping, and reloads nothing any more");
}

/* With the lock held. */
static ward_error take_outcome(const wardi_reload *r, char **ret_document, ward_diag *ret_diag)
{
    char *document = r->last.document != NULL ? strdup(r->last.document) : NULL;
    if (r->last.error == WARD_OK && document == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "reloaded, but out of memory to say so");
    *ret_document = document;
    *ret_diag = r->last.diag;
    return r->last.error;
}

ward_error wardi_reload_wait(void *reload, char **ret_document, ward_diag *ret_diag)
{
    wardi_reload *r = reload;
    pthread_mutex_lock(&r->lock);
    uint64_t mine = ++r->asked;
    pthread_cond_broadcast(&r->changed);
    while (r->over < mine && !r->ending) pthread_cond_wait(&r->changed, &r->lock);
    ward_error error =
        r->over >= mine ? take_outcome(r, ret_document, ret_diag) : leaving(ret_diag);
    pthread_mutex_unlock(&r->lock);
    return error;
}

void wardi_reload_take(wardi_reload *r, const ward_event *event)
{
    bool goes = event->kind == WARD_EVENT_REMOVED || event->kind == WARD_EVENT_GROUP;
    if (!goes) return;
    pthread_mutex_lock(&r->lock);
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

uint64_t wardi_reload_begun(wardi_reload *r, bool *ret_over)
{
    pthread_mutex_lock(&r->lock);
    uint64_t begun = r->begun;
    *ret_over = r->over == r->begun;
    pthread_mutex_unlock(&r->lock);
    return begun;
}

const wardi_config *wardi_reload_hold(wardi_reload *r)
{
    pthread_mutex_lock(&r->lock);
    return r->in_force;
}

void wardi_reload_let_go(wardi_reload *r)
{
    pthread_mutex_unlock(&r->lock);
}

/* ---- one reload ---- */

static bool is_ending(void *context)
{
    wardi_reload *r = context;
    pthread_mutex_lock(&r->lock);
    bool ending = r->ending;
    pthread_mutex_unlock(&r->lock);
    return ending;
}

static bool await(void *context, bool (*is_gone)(const wardi_applying *a, const char *name),
                  const wardi_applying *a, const char *name)
{
    wardi_reload *r = context;
    pthread_mutex_lock(&r->lock);
    while (!r->ending && !is_gone(a, name))
        wardi_cond_wait_until(&r->changed, &r->lock, wardi_now_ns() + LOOK_NS);
    bool goes_on = !r->ending;
    pthread_mutex_unlock(&r->lock);
    return goes_on;
}

static void record(const wardi_reload *r, const char *words)
{
    ward_supervisor_record(r->options.supervisor, "", words);
}

/* Who asks over the control socket is told of by the surface. */
static void record_signal(const wardi_reload *r, uid_t uid, pid_t pid)
{
    char words[200];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_puts(&text, "reload, by SIGHUP of ");
    wardi_text_user(&text, uid, pid);
    record(r, words);
}

static outcome refuse(const wardi_reload *r, ward_error error, const ward_diag *diag,
                      const wardi_mistakes *mistakes)
{
    char words[sizeof *diag + 100];
    wardi_text text = WARDI_TEXT(words);
    outcome refused = {.error = error, .diag = *diag};
    if (error == WARD_ERROR_CONFIG) {
        wardi_mistakes_print(stderr, r->options.file, mistakes);
        refused.document = wardi_reload_mistakes(r->options.file, mistakes);
        wardi_fail(&refused.diag, error, "%s: %zu mistake%s", r->options.file, mistakes->count,
                   mistakes->count == 1 ? "" : "s");
    }
    wardi_text_printf(&text, "not reloaded: %s; all goes on as it was", refused.diag.text);
    wardi_complain("%s", words);
    record(r, words);
    return refused;
}

static void put_in_force(wardi_reload *r, wardi_config *now)
{
    pthread_mutex_lock(&r->lock);
    wardi_config *old = r->in_force;
    r->in_force = now;
    pthread_mutex_unlock(&r->lock);
    if (old != r->started) wardi_config_free(old);
}

/* Takes `now`. */
static outcome apply(wardi_reload *r, wardi_config *now)
{
    char words[300];
    wardi_text text = WARDI_TEXT(words);
    wardi_plan plan;
    ward_diag diag = {.text = "out of memory"};
    wardi_applying applying = {
        .supervisor = r->options.supervisor, .await = await, .ending = is_ending, .context = r};
    wardi_apply_look(r->options.supervisor, r->in_force);
    if (wardi_plan_make(r->started, r->in_force, now, &plan) != WARD_OK) {
        wardi_config_free(now);
        return refuse(r, WARD_ERROR_NO_MEMORY, &diag, NULL);
    }
    wardi_apply(&applying, &plan);
    outcome done = {.error = WARD_OK};
    if (is_ending(r)) {
        done.error = leaving(&done.diag);
    } else {
        wardi_reload_summary(&plan, &applying, &text);
        wardi_reload_tell(&plan, &applying);
        if (applying.failure_count != 0)
            wardi_warn("%s", words);
        else
            wardi_note("%s", words);
        record(r, words);
        done.document = wardi_reload_document(words, &plan, &applying, &now->warnings);
    }
    wardi_apply_done(&applying);
    wardi_plan_done(&plan);
    put_in_force(r, now);
    return done;
}

static outcome reload(wardi_reload *r)
{
    wardi_config *now = NULL;
    wardi_mistakes mistakes = {0};
    ward_diag diag = {0};
    outcome done;
    ward_error error = wardi_config_read(r->options.file, &now, &mistakes, &diag);
    if (error == WARD_OK) wardi_plan_check(r->started, now, &mistakes);
    if (mistakes.count != 0) error = WARD_ERROR_CONFIG;
    if (error == WARD_OK) {
        wardi_warnings_print(stderr, r->options.file, &now->warnings);
        wardi_config_stamp(now);
        done = apply(r, now);
    } else {
        done = refuse(r, error, &diag, &mistakes);
        wardi_config_free(now);
    }
    wardi_mistakes_done(&mistakes);
    return done;
}

/* ---- the thread ---- */

/* With the lock held, which is given up meanwhile. */
static void one_round(wardi_reload *r)
{
    uint64_t round = r->asked;
    bool by_signal = r->by_signal;
    uid_t uid = r->uid;
    pid_t pid = r->pid;
    r->by_signal = false;
    r->begun = round;
    pthread_mutex_unlock(&r->lock);
    r->options.changed(r->options.context);
    if (by_signal) record_signal(r, uid, pid);
    outcome done = reload(r);
    pthread_mutex_lock(&r->lock);
    free(r->last.document);
    r->last = done;
    r->over = round;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    r->options.changed(r->options.context);
    pthread_mutex_lock(&r->lock);
}

static void *reload_all(void *context)
{
    wardi_reload *r = context;
    pthread_setname_np(pthread_self(), "ward-reload");
    pthread_mutex_lock(&r->lock);
    while (!r->ending) {
        if (r->open && r->asked > r->over)
            one_round(r);
        else
            pthread_cond_wait(&r->changed, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- life ---- */

wardi_reload *wardi_reload_new(const wardi_reload_options *options)
{
    wardi_reload *r = wardi_alloc(sizeof *r);
    if (r != NULL) {
        r->options = *options;
        r->started = r->in_force = options->config;
        pthread_mutex_init(&r->lock, NULL);
        pthread_cond_init(&r->changed, NULL);
        if (pthread_create(&r->thread, NULL, reload_all, r) == 0) return r;
    }
    wardi_complain("run: no memory or no thread for reloading");
    wardi_free(r);
    wardi_config_free(options->config);
    return NULL;
}

void wardi_reload_open(wardi_reload *r)
{
    pthread_mutex_lock(&r->lock);
    r->open = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void wardi_reload_end(wardi_reload *r)
{
    if (r == NULL) return;
    pthread_mutex_lock(&r->lock);
    r->ending = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

bool wardi_reload_join(wardi_reload *r)
{
    struct timespec limit;
    if (r == NULL) return true;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    return pthread_timedjoin_np(r->thread, NULL, &limit) == 0;
}

void wardi_reload_free(wardi_reload *r)
{
    if (r == NULL) return;
    if (r->in_force != r->started) wardi_config_free(r->in_force);
    wardi_config_free((wardi_config *)(uintptr_t)r->started);
    free(r->last.document);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    wardi_free(r);
}
