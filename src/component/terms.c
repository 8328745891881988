/* What components of equal options have in common. A fleet is made in a row, so the last terms that
 * were made are the ones to look at; to find older ones too would cost a table, and save nothing.
 */
#include <string.h>

#include "component/component_priv.h"

/* Taking and dropping happen when components are made and freed: never on the path of a check. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static component_terms *latest; /* holds nothing: who drops the last hold clears it */

static bool same_path(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_policy(const ward_health_policy *a, const ward_health_policy *b)
{
    for (int i = 0; i < WARD_RESOURCES_MAX; i++)
        if (a->resources[i].degraded_at != b->resources[i].degraded_at ||
            a->resources[i].unhealthy_at != b->resources[i].unhealthy_at)
            return false;
    return a->timeout_ns == b->timeout_ns && a->busy_after_ns == b->busy_after_ns &&
           a->frame_bytes_max == b->frame_bytes_max && a->on_trap == b->on_trap &&
           a->on_malformed == b->on_malformed && a->resource_window_ns == b->resource_window_ns;
}

/* Field by field: what is between them says nothing. */
static bool same(const component_terms *a, const component_terms *b)
{
    return a->limits.memory_bytes_max == b->limits.memory_bytes_max &&
           a->limits.table_elements_max == b->limits.table_elements_max &&
           a->limits.fuel_per_call == b->limits.fuel_per_call &&
           a->start_timeout_ns == b->start_timeout_ns && a->stop_timeout_ns == b->stop_timeout_ns &&
           same_policy(&a->policy, &b->policy) && same_path(a->path, b->path);
}

static component_terms *terms_new(const component_terms *wanted)
{
    component_terms *made = wardi_memdup(wanted, sizeof *wanted);
    if (made == NULL) return NULL;
    made->holders = 0;
    made->wants_resources = wardi_health_wants_resources(&wanted->policy);
    if (wanted->path == NULL) return made;
    made->path = wardi_strdup(wanted->path);
    if (made->path != NULL) return made;
    wardi_free(made);
    return NULL;
}

const component_terms *wardi_terms_take(const component_terms *wanted)
{
    pthread_mutex_lock(&lock);
    component_terms *terms = latest;
    if (terms == NULL || !same(terms, wanted)) terms = terms_new(wanted);
    if (terms != NULL) {
        terms->holders++;
        latest = terms;
    }
    pthread_mutex_unlock(&lock);
    return terms;
}

void wardi_terms_drop(const component_terms *terms)
{
    if (terms == NULL) return;
    component_terms *own = (component_terms *)(uintptr_t)terms; /* its holders are no part of it */
    pthread_mutex_lock(&lock);
    bool last = --own->holders == 0;
    if (last && latest == own) latest = NULL;
    pthread_mutex_unlock(&lock);
    if (!last) return;
    wardi_free(own->path);
    wardi_free(own);
}
