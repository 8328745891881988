/* Whether two configurations say the same, key by key: by the table, as they were read. */
#include <string.h>

#include "cli/config.h"
#include "cli/values.h"

bool wardi_config_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    if (a_count != b_count) return false;
    for (size_t i = 0; i < a_count; i++)
        if (!wardi_config_same_text(a[i], b[i])) return false;
    return true;
}

/* ---- figures: who writes the default out says nothing new ---- */

static uint64_t whole_or_default(const wardi_key *key, uint64_t value)
{
    char advice[WARDI_ADVICE_BYTES];
    uint64_t meant = 0;
    const char *wrong = NULL;
    if (value != 0 || key->by_default == NULL) return value;
    switch (key->type) {
    case WARDI_KEY_DURATION: wrong = wardi_value_duration(key->by_default, &meant, advice); break;
    case WARDI_KEY_SIZE:
    case WARDI_KEY_SIZE32: wrong = wardi_value_size(key->by_default, &meant, advice); break;
    default: wrong = wardi_value_count(key->by_default, &meant, advice); break;
    }
    return wrong == NULL ? meant : value;
}

static double real_or_default(const wardi_key *key, double value)
{
    char advice[WARDI_ADVICE_BYTES];
    double meant = 0;
    if (value != 0 || key->by_default == NULL) return value;
    const char *wrong = key->type == WARDI_KEY_RATIO
                            ? wardi_value_ratio(key->by_default, &meant, advice)
                            : wardi_value_number(key->by_default, &meant, advice);
    return wrong == NULL ? meant : value;
}

static bool same_figure(const wardi_key *key, const char *a, const char *b)
{
    uint64_t wide[2];
    uint32_t narrow[2];
    double real[2];
    switch (key->type) {
    case WARDI_KEY_DURATION:
    case WARDI_KEY_SIZE:
    case WARDI_KEY_COUNT64:
        memcpy(&wide[0], a, sizeof wide[0]);
        memcpy(&wide[1], b, sizeof wide[1]);
        return whole_or_default(key, wide[0]) == whole_or_default(key, wide[1]);
    case WARDI_KEY_SIZE32:
    case WARDI_KEY_COUNT32:
        memcpy(&narrow[0], a, sizeof narrow[0]);
        memcpy(&narrow[1], b, sizeof narrow[1]);
        return whole_or_default(key, narrow[0]) == whole_or_default(key, narrow[1]);
    default:
        memcpy(&real[0], a, sizeof real[0]);
        memcpy(&real[1], b, sizeof real[1]);
        return real_or_default(key, real[0]) == real_or_default(key, real[1]);
    }
}

/* ---- lists ---- */

static bool same_dirs(const ward_wasi_grants *a, const ward_wasi_grants *b)
{
    if (a->preopen_count != b->preopen_count) return false;
    for (size_t i = 0; i < a->preopen_count; i++) {
        const ward_preopen *x = &a->preopens[i], *y = &b->preopens[i];
        if (!wardi_config_same_text(x->host_path, y->host_path) ||
            !wardi_config_same_text(x->guest_path, y->guest_path) || x->writable != y->writable)
            return false;
    }
    return true;
}

static bool same_grant(const ward_grant *a, const ward_grant *b)
{
    return same_texts(a->allow, a->allow_count, b->allow, b->allow_count) &&
           same_texts(a->deny, a->deny_count, b->deny, b->deny_count);
}

static bool same_list(const wardi_key *key, const wardi_config_child *a,
                      const wardi_config_child *b)
{
    const ward_child_options *x = &a->options, *y = &b->options;
    const ward_wasi_grants *p = &a->component.wasi, *q = &b->component.wasi;
    switch (key->type) {
    case WARDI_KEY_NEEDS: return same_texts(x->needs, x->need_count, y->needs, y->need_count);
    case WARDI_KEY_ARGS: return same_texts(p->args, p->arg_count, q->args, q->arg_count);
    case WARDI_KEY_ENV: return same_texts(p->env, p->env_count, q->env, q->env_count);
    case WARDI_KEY_DIRS: return same_dirs(p, q);
    case WARDI_KEY_METADATA:
        return same_texts(x->metadata, x->metadata_count, y->metadata, y->metadata_count);
    default:
        return same_grant((const ward_grant *)(const void *)((const char *)a + key->offset),
                          (const ward_grant *)(const void *)((const char *)b + key->offset));
    }
}

static bool same_tokens(const wardi_surface_remote *a, const wardi_surface_remote *b)
{
    if (a->token_count != b->token_count) return false;
    for (size_t i = 0; i < a->token_count; i++) {
        const wardi_surface_token *x = &a->tokens[i], *y = &b->tokens[i];
        if (!wardi_config_same_text(x->name, y->name) ||
            !wardi_config_same_text(x->file, y->file) || x->may != y->may)
            return false;
    }
    return true;
}

static bool same_clients(const wardi_surface_remote *a, const wardi_surface_remote *b)
{
    if (a->client_count != b->client_count) return false;
    for (size_t i = 0; i < a->client_count; i++) {
        const wardi_surface_client *x = &a->clients[i], *y = &b->clients[i];
        if (!wardi_config_same_text(x->name, y->name) || x->may != y->may) return false;
    }
    return true;
}

static bool same_surface_list(const wardi_key *key, const wardi_config *a, const wardi_config *b)
{
    const wardi_surface_options *x = &a->surfaces, *y = &b->surfaces;
    switch (key->type) {
    case WARDI_KEY_TOKENS: return same_tokens(&x->remote, &y->remote);
    case WARDI_KEY_CLIENTS: return same_clients(&x->remote, &y->remote);
    default:
        return same_texts(x->http_hosts, x->http_host_count, y->http_hosts, y->http_host_count);
    }
}

/* ---- keys ---- */

static bool same_value(const wardi_key *key, const void *a, const void *b)
{
    const char *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;
    const char *texts[2];
    ward_group_health quorums[2];
    switch (key->type) {
    case WARDI_KEY_TEXT:
    case WARDI_KEY_FILE:
        memcpy(&texts[0], x, sizeof texts[0]);
        memcpy(&texts[1], y, sizeof texts[1]);
        return wardi_config_same_text(texts[0], texts[1]);
    case WARDI_KEY_CHOICE: return memcmp(x, y, sizeof(int)) == 0;
    case WARDI_KEY_SWITCH: return memcmp(x, y, sizeof(bool)) == 0;
    case WARDI_KEY_QUORUM:
        memcpy(&quorums[0], x, sizeof quorums[0]);
        memcpy(&quorums[1], y, sizeof quorums[1]);
        return quorums[0].rule == quorums[1].rule && quorums[0].least == quorums[1].least;
    case WARDI_KEY_NEEDS:
    case WARDI_KEY_ARGS:
    case WARDI_KEY_ENV:
    case WARDI_KEY_DIRS:
    case WARDI_KEY_METADATA:
    case WARDI_KEY_NAMES:
    case WARDI_KEY_TOPICS: return same_list(key, a, b);
    case WARDI_KEY_HOSTS:
    case WARDI_KEY_TOKENS:
    case WARDI_KEY_CLIENTS: return same_surface_list(key, a, b);
    default: return same_figure(key, x, y);
    }
}

size_t wardi_config_differs(const wardi_keys *keys, size_t from, const void *a, const void *b)
{
    while (from < keys->count && same_value(&keys->items[from], a, b)) from++;
    return from;
}
