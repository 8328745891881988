/* Sums over many components that never fall, though components leave: a counter that falls has been
 * reset, says Prometheus, and all of what is left would count as if it had just happened. */
#include <string.h>

#include "surface/metrics_priv.h"

/* In order of their names. Returns where it is, or belongs. */
static size_t place_of(const metrics_sums *sums, const char *name)
{
    size_t low = 0, high = sums->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(sums->list[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const metrics_sums *sums, size_t place, const char *name)
{
    return place < sums->count && strcmp(sums->list[place]->name, name) == 0;
}

static bool reserve(metrics_sums *sums)
{
    if (sums->count < sums->room) return true;
    size_t room = sums->room != 0 ? 2 * sums->room : 16;
    metrics_sum **grown = wardi_grow((void *)sums->list, sums->room * sizeof(metrics_sum *),
                                     room * sizeof(metrics_sum *));
    if (grown == NULL) return false;
    sums->list = grown;
    sums->room = room;
    return true;
}

static metrics_sum *sum_of(metrics_sums *sums, const char *name)
{
    size_t place = place_of(sums, name);
    if (is_at(sums, place, name)) return sums->list[place];
    if (!reserve(sums)) return NULL;
    size_t length = strlen(name) + 1;
    metrics_sum *made = wardi_alloc(sizeof *made + length);
    if (made == NULL) return NULL;
    made->name = memcpy(made + 1, name, length);
    metrics_sum **at = sums->list + place;
    memmove((void *)(at + 1), (const void *)at, (sums->count - place) * sizeof(metrics_sum *));
    *at = made;
    sums->count++;
    return made;
}

void metrics_sums_keep(metrics_sums *sums, const char *name, uint64_t *slots, bool late)
{
    metrics_sum *sum = sum_of(sums, name);
    if (sum == NULL) return; /* no memory: for once it may fall */
    uint64_t *counters = slots + SLOT_COUNTERS;
    for (size_t i = 0; i < SLOT_COUNT - SLOT_COUNTERS; i++) {
        uint64_t now = counters[i];
        if (late && now < sum->last[i]) now = sum->last[i];
        if (now < sum->last[i]) sum->base[i] += sum->last[i] - now;
        sum->last[i] = now;
        counters[i] = sum->base[i] + now;
    }
}

void metrics_sums_forget(metrics_sums *sums, const char *name)
{
    size_t place = place_of(sums, name);
    if (!is_at(sums, place, name)) return;
    metrics_sum **at = sums->list + place;
    wardi_free(*at);
    sums->count--;
    memmove((void *)at, (const void *)(at + 1), (sums->count - place) * sizeof(metrics_sum *));
}

void metrics_sums_done(metrics_sums *sums)
{
    for (size_t i = 0; i < sums->count; i++) wardi_free(sums->list[i]);
    wardi_free((void *)sums->list);
    *sums = (metrics_sums){0};
}
