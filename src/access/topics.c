/* Who subscribes to what: a trie of patterns, one level a node, and the subscriptions of each node.
 *
 *   root ── a ── b          a.b     the node of the whole pattern has the subscriptions
 *         │    └ *  ── #    a.*.#
 *         └ #               #
 *
 * A publish follows the topic's name and `*` at each level, and takes `#` along: what it costs
 * depends on the branches that match. Children are found by one table for the whole trie, keyed by
 * the parent and the segment: guests choose the segments, so its hash has a secret key. A second
 * table has subscriptions by node and subscriber, a third one subscribers by id.
 *
 * A node lives while it has a child or a subscription; a subscriber, while it has a subscription;
 * wardi_topics_check holds the index against that. */
#include <string.h>

#include "access/access_priv.h"
#include "access/table.h"

typedef struct node node;
typedef struct subscriber subscriber;
typedef struct subscription subscription;

struct node {
    table_link link; /* first: a table's links are cast back */
    node *parent;
    node *any_one, *any_rest; /* the children `*` and `#`, which are in no table */
    subscription *first;
    uint32_t children;
    uint8_t length;
    char text[];
};

/* A subscription is in two lists. */
typedef enum list_of { OF_NODE, OF_SUBSCRIBER } list_of;

struct subscription {
    table_link link;
    node *at;
    subscriber *by;
    subscription *next[2], **back[2]; /* by list_of; `back` is what points here */
};

struct subscriber {
    table_link link;
    uint64_t id;
    subscription *first;
    size_t count;
    uint64_t visited; /* the number of the publish that came by last */
};

struct wardi_topics {
    uint64_t key[2];
    table nodes, subscriptions, subscribers;
    node *root;
    uint64_t publishes;
    bool visiting;
};

/* ---- a subscription's lists ---- */

static void list_add(subscription **first, subscription *s, list_of list)
{
    s->next[list] = *first;
    s->back[list] = first;
    if (*first != NULL) (*first)->back[list] = &s->next[list];
    *first = s;
}

static void list_remove(subscription *s, list_of list)
{
    *s->back[list] = s->next[list];
    if (s->next[list] != NULL) s->next[list]->back[list] = s->back[list];
}

/* ---- nodes ---- */

static uint64_t child_hash(const wardi_topics *t, const node *parent, segment s)
{
    uint8_t key[sizeof parent + WARDI_PATTERN_BYTES_MAX];
    memcpy(key, &parent, sizeof parent);
    memcpy(key + sizeof parent, s.text, s.length);
    return wardi_siphash(t->key, key, sizeof parent + s.length);
}

static node *child_find(const wardi_topics *t, const node *parent, segment s)
{
    if (segment_is(s, ANY_ONE)) return parent->any_one;
    if (segment_is(s, ANY_REST)) return parent->any_rest;
    table_link *link = table_first(&t->nodes, child_hash(t, parent, s));
    for (; link != NULL; link = table_next(link)) {
        node *n = (node *)link;
        if (n->parent == parent && n->length == s.length && memcmp(n->text, s.text, s.length) == 0)
            return n;
    }
    return NULL;
}

static node *child_new(wardi_topics *t, node *parent, segment s)
{
    node *n = wardi_alloc(sizeof *n + s.length);
    if (n == NULL) return NULL;
    n->parent = parent;
    n->length = (uint8_t)s.length;
    memcpy(n->text, s.text, s.length);
    if (segment_is(s, ANY_ONE))
        parent->any_one = n;
    else if (segment_is(s, ANY_REST))
        parent->any_rest = n;
    else
        table_put(&t->nodes, &n->link, child_hash(t, parent, s));
    parent->children++;
    return n;
}

/* Frees `n` and those above it, as far as nothing needs them any more. */
static void node_prune(wardi_topics *t, node *n)
{
    while (n != t->root && n->first == NULL && n->children == 0) {
        node *parent = n->parent;
        if (parent->any_one == n)
            parent->any_one = NULL;
        else if (parent->any_rest == n)
            parent->any_rest = NULL;
        else
            table_remove(&t->nodes, &n->link);
        parent->children--;
        wardi_free(n);
        n = parent;
    }
}

/* The node of a pattern, or NULL. */
static node *node_find(const wardi_topics *t, const char *pattern)
{
    node *n = t->root;
    while (n != NULL && *pattern != '\0') n = child_find(t, n, segment_next(&pattern));
    return n;
}

/* The same, made as far as it is missing; NULL: out of memory, and nothing was made. */
static node *node_make(wardi_topics *t, const char *pattern)
{
    node *n = t->root;
    while (*pattern != '\0') {
        segment s = segment_next(&pattern);
        node *child = child_find(t, n, s);
        if (child == NULL) child = child_new(t, n, s);
        if (child == NULL) {
            node_prune(t, n);
            return NULL;
        }
        n = child;
    }
    return n;
}

/* ---- subscribers and subscriptions ---- */

static uint64_t subscriber_hash(const wardi_topics *t, uint64_t id)
{
    return wardi_siphash(t->key, &id, sizeof id);
}

static subscriber *subscriber_find(const wardi_topics *t, uint64_t id)
{
    table_link *link = table_first(&t->subscribers, subscriber_hash(t, id));
    while (link != NULL && ((subscriber *)link)->id != id) link = table_next(link);
    return (subscriber *)link;
}

static subscriber *subscriber_make(wardi_topics *t, uint64_t id)
{
    subscriber *who = subscriber_find(t, id);
    if (who != NULL) return who;
    who = wardi_alloc(sizeof *who);
    if (who == NULL) return NULL;
    who->id = id;
    table_put(&t->subscribers, &who->link, subscriber_hash(t, id));
    return who;
}

static void subscriber_prune(wardi_topics *t, subscriber *who)
{
    if (who == NULL || who->first != NULL) return;
    table_remove(&t->subscribers, &who->link);
    wardi_free(who);
}

static uint64_t subscription_hash(const wardi_topics *t, const node *at, const subscriber *by)
{
    const void *key[2] = {at, by};
    return wardi_siphash(t->key, key, sizeof key);
}

static subscription *subscription_find(const wardi_topics *t, const node *at, const subscriber *by)
{
    table_link *link = table_first(&t->subscriptions, subscription_hash(t, at, by));
    for (; link != NULL; link = table_next(link)) {
        subscription *s = (subscription *)link;
        if (s->at == at && s->by == by) return s;
    }
    return NULL;
}

/* False: out of memory. */
static bool subscription_make(wardi_topics *t, node *at, subscriber *by)
{
    if (subscription_find(t, at, by) != NULL) return true;
    subscription *s = wardi_alloc(sizeof *s);
    if (s == NULL) return false;
    s->at = at;
    s->by = by;
    by->count++;
    list_add(&at->first, s, OF_NODE);
    list_add(&by->first, s, OF_SUBSCRIBER);
    table_put(&t->subscriptions, &s->link, subscription_hash(t, at, by));
    return true;
}

/* Its subscriber stays, for the caller to prune. */
static void subscription_end(wardi_topics *t, subscription *s)
{
    table_remove(&t->subscriptions, &s->link);
    list_remove(s, OF_NODE);
    list_remove(s, OF_SUBSCRIBER);
    s->by->count--;
    node_prune(t, s->at);
    wardi_free(s);
}

/* ---- the index ---- */

wardi_topics *wardi_topics_new(uint64_t seed)
{
    wardi_topics *t = wardi_alloc(sizeof *t);
    if (t == NULL) return NULL;
    wardi_rng rng;
    wardi_rng_init(&rng, seed);
    t->key[0] = wardi_rng_next(&rng);
    t->key[1] = wardi_rng_next(&rng);
    t->root = wardi_alloc(sizeof *t->root);
    if (t->root != NULL && table_init(&t->nodes) && table_init(&t->subscriptions) &&
        table_init(&t->subscribers))
        return t;
    wardi_topics_free(t);
    return NULL;
}

void wardi_topics_free(wardi_topics *topics)
{
    if (topics == NULL) return;
    for (size_t i = 0; i < topics->subscribers.capacity; i++) {
        for (table_link *link; (link = topics->subscribers.chains[i]) != NULL;)
            wardi_topics_unsubscribe_all(topics, ((subscriber *)link)->id);
    }
    wardi_free(topics->root);
    table_done(&topics->nodes);
    table_done(&topics->subscriptions);
    table_done(&topics->subscribers);
    wardi_free(topics);
}

ward_error wardi_topics_subscribe(wardi_topics *topics, const char *pattern, uint64_t id,
                                  ward_diag *ret_diag)
{
    WARD_ASSERT(!topics->visiting);
    const char *fault = wardi_access_fault(pattern, WARDI_TOPIC_PATTERN);
    if (fault != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "cannot subscribe to this pattern: %s", fault);
    node *at = node_make(topics, pattern);
    subscriber *by = at != NULL ? subscriber_make(topics, id) : NULL;
    if (by != NULL && subscription_make(topics, at, by)) return WARD_OK;
    if (at != NULL) node_prune(topics, at);
    subscriber_prune(topics, by);
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a subscription");
}

static subscription *subscription_of(const wardi_topics *t, const char *pattern, uint64_t id)
{
    if (wardi_access_fault(pattern, WARDI_TOPIC_PATTERN) != NULL) return NULL;
    const node *at = node_find(t, pattern);
    const subscriber *by = subscriber_find(t, id);
    return at != NULL && by != NULL ? subscription_find(t, at, by) : NULL;
}

bool wardi_topics_unsubscribe(wardi_topics *topics, const char *pattern, uint64_t id)
{
    WARD_ASSERT(!topics->visiting);
    subscription *s = subscription_of(topics, pattern, id);
    if (s == NULL) return false;
    subscriber *by = s->by;
    subscription_end(topics, s);
    subscriber_prune(topics, by);
    return true;
}

bool wardi_topics_has(const wardi_topics *topics, const char *pattern, uint64_t id)
{
    return subscription_of(topics, pattern, id) != NULL;
}

size_t wardi_topics_unsubscribe_all(wardi_topics *topics, uint64_t id)
{
    WARD_ASSERT(!topics->visiting);
    subscriber *by = subscriber_find(topics, id);
    size_t count = by != NULL ? by->count : 0;
    for (size_t i = 0; i < count; i++) subscription_end(topics, by->first);
    subscriber_prune(topics, by);
    return count;
}

size_t wardi_topics_count(const wardi_topics *topics, uint64_t id)
{
    const subscriber *by = subscriber_find(topics, id);
    return by != NULL ? by->count : 0;
}

/* ---- publishing ---- */

typedef struct visitor {
    wardi_topics *topics;
    void (*visit)(void *context, uint64_t id);
    void *context;
} visitor;

static void visit_subscribers(const visitor *v, const node *n)
{
    if (n == NULL) return;
    for (subscription *s = n->first; s != NULL; s = s->next[OF_NODE]) {
        if (s->by->visited == v->topics->publishes) continue;
        s->by->visited = v->topics->publishes;
        v->visit(v->context, s->by->id);
    }
}

/* `n` matches what stands before `topic`. As deep as the topic at most. */
static void visit_below(const visitor *v, const node *n, const char *topic)
{
    if (n == NULL) return;
    visit_subscribers(v, n->any_rest);
    if (*topic == '\0') {
        visit_subscribers(v, n);
        return;
    }
    segment s = segment_next(&topic);
    visit_below(v, n->any_one, topic);
    visit_below(v, child_find(v->topics, n, s), topic);
}

ward_error wardi_topics_publish(wardi_topics *topics, const char *topic,
                                void (*visit)(void *context, uint64_t id), void *context,
                                ward_diag *ret_diag)
{
    WARD_ASSERT(!topics->visiting);
    const char *fault = wardi_access_fault(topic, WARDI_TOPIC);
    if (fault != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "cannot publish to this topic: %s",
                          fault);
    visitor v = {topics, visit, context};
    topics->visiting = true;
    topics->publishes++;
    visit_below(&v, topics->root, topic);
    topics->visiting = false;
    return WARD_OK;
}

/* ---- what holds ---- */

static const char *check_subscription(const wardi_topics *t, const subscription *s)
{
    if (*s->back[OF_NODE] != s || *s->back[OF_SUBSCRIBER] != s) return "a list leads both ways";
    if (subscription_find(t, s->at, s->by) != s) return "a subscription is found by its two ends";
    if (s->at->first == NULL) return "a subscription is in its node's list";
    for (const node *n = s->at; n != t->root; n = n->parent) {
        segment name = {.text = n->text, .length = n->length};
        if (child_find(t, n->parent, name) != n) return "a node is found by its name";
        if (n->parent->children == 0) return "a node is counted";
    }
    return NULL;
}

const char *wardi_topics_check(const wardi_topics *topics)
{
    size_t subscriptions = 0, subscribers = 0;
    for (size_t i = 0; i < topics->subscribers.capacity; i++) {
        for (table_link *link = topics->subscribers.chains[i]; link != NULL; link = link->next) {
            const subscriber *who = (subscriber *)link;
            size_t count = 0;
            for (const subscription *s = who->first; s != NULL; s = s->next[OF_SUBSCRIBER]) {
                const char *broken = check_subscription(topics, s);
                if (broken != NULL) return broken;
                if (s->by != who) return "a subscription is in its subscriber's list";
                count++;
            }
            if (count == 0 || count != who->count)
                return "a subscriber's subscriptions are counted";
            subscribers++;
            subscriptions += count;
        }
    }
    if (subscribers != topics->subscribers.count) return "subscribers are counted";
    if (subscriptions != topics->subscriptions.count) return "subscriptions are counted";
    bool empty = topics->root->children == 0 && topics->nodes.count == 0;
    return subscriptions != 0 || empty ? NULL : "no node is left without subscriptions";
}
