#include "cli/run_progress.h"

#include <stdlib.h>
#include <string.h>

#include "host/host.h"

/* What can't be started, for want of what it needs, is not waited for. */
#define STILL_NS (15 * WARDI_S)

/* ---- what is looked at ---- */

/* It has been compiled, or taken from the cache. */
static bool is_loaded(const wardi_run_progress *p, const char *component)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    return ward_supervisor_child(p->supervisor, component, &status) != WARD_OK ||
           (status.state != WARD_STATE_CREATING && status.state != WARD_STATE_STARTING);
}

/* Those that are loaded come to the front, and are not asked for again: they may be restarted. */
static void look_at_modules(wardi_run_progress *p, wardi_bar_state *ret_state)
{
    for (size_t i = p->loaded; i < p->module_count; i++) {
        char name[WARDI_INSTANCE_BYTES];
        if (!is_loaded(p, p->modules[i])) continue;
        memcpy(name, p->modules[i], sizeof name);
        memcpy(p->modules[i], p->modules[p->loaded], sizeof name);
        memcpy(p->modules[p->loaded++], name, sizeof name);
    }
    *ret_state =
        (wardi_bar_state){.doing = "compiling", .done = p->loaded, .most = p->module_count};
}

static bool look(void *context, wardi_bar_state *ret_state)
{
    wardi_run_progress *p = context;
    uint64_t now_ns = wardi_now_ns();
    uint64_t up = atomic_load_explicit(&p->up, memory_order_relaxed);
    if (atomic_load(&p->stopped)) return false;
    if (!atomic_load(&p->added)) {
        *ret_state = (wardi_bar_state){.doing = "adding", .what = p->words};
        return true;
    }
    bool compiles = wardi_host_compiles(p->host);
    if (up != p->seen || compiles || p->moved_ns == 0) p->moved_ns = now_ns;
    p->seen = up;
    if (!compiles && (up >= p->components || now_ns - p->moved_ns > STILL_NS)) return false;
    *ret_state = (wardi_bar_state){.doing = "starting", .done = up, .most = p->components};
    if (compiles) look_at_modules(p, ret_state);
    return true;
}

/* ---- modules ---- */

static int by_path(const void *a, const void *b)
{
    const wardi_config_child *const *one = a, *const *other = b;
    return strcmp((*one)->component.path, (*other)->component.path);
}

/* Components that have the same file are told apart from it once. */
static void keep_modules(wardi_run_progress *p, const wardi_config *config)
{
    size_t count = config->child_count;
    const wardi_config_child **all = wardi_alloc_array(count + 1, sizeof(wardi_config_child *));
    p->modules = wardi_alloc_array(count + 1, sizeof *p->modules);
    for (size_t i = 0; i < count && all != NULL; i++) all[i] = &config->children[i];
    if (all != NULL) qsort((void *)all, count, sizeof(wardi_config_child *), by_path);
    for (size_t i = 0; i < count && all != NULL && p->modules != NULL; i++) {
        char name[WARDI_INSTANCE_BYTES];
        if (i > 0 && by_path(&all[i - 1], &all[i]) == 0) continue;
        wardi_text to = WARDI_TEXT(p->modules[p->module_count]);
        wardi_text_puts(&to, wardi_config_instance(name, all[i], 0));
        p->module_count++;
    }
    wardi_free((void *)all);
}

/* ---- life ---- */

void wardi_run_progress_begin(wardi_run_progress *p, const wardi_config *config)
{
    wardi_text words = WARDI_TEXT(p->words);
    for (size_t i = 0; i < config->child_count; i++)
        p->components += wardi_config_instances(&config->children[i]);
    wardi_text_count(&words, p->components);
    wardi_text_puts(&words, p->components == 1 ? " component" : " components");
    p->progress = wardi_bar_new(look, p);
    if (p->progress != NULL) keep_modules(p, config);
}

void wardi_run_progress_added(wardi_run_progress *p, const ward_host *host,
                              const ward_supervisor *supervisor)
{
    p->host = host;
    p->supervisor = supervisor;
    atomic_store(&p->added, true);
}

void wardi_run_progress_end(wardi_run_progress *p)
{
    atomic_store(&p->stopped, true);
    wardi_bar_free(p->progress);
    wardi_free(p->modules);
    p->progress = NULL;
    p->modules = NULL;
    p->module_count = 0;
}
