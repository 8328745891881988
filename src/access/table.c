#include "access/table.h"

enum { CAPACITY_MIN = 16 };

bool table_init(table *t)
{
    *t = (table){.chains = wardi_alloc_array(CAPACITY_MIN, sizeof(table_link *))};
    if (t->chains != NULL) t->capacity = CAPACITY_MIN;
    return t->chains != NULL;
}

void table_done(table *t)
{
    wardi_free(t->chains);
}

static table_link **chain_of(const table *t, uint64_t hash)
{
    return &t->chains[hash & (t->capacity - 1)];
}

static table_link *with_hash(table_link *link, uint64_t hash)
{
    while (link != NULL && link->hash != hash) link = link->next;
    return link;
}

table_link *table_first(const table *t, uint64_t hash)
{
    return with_hash(*chain_of(t, hash), hash);
}

table_link *table_next(const table_link *link)
{
    return with_hash(link->next, link->hash);
}

/* Twice the chains; without memory they get longer, and the next one that is put in tries again. */
static void grow(table *t)
{
    table old = *t;
    table_link **chains = wardi_alloc_array(2 * old.capacity, sizeof *chains);
    if (chains == NULL) return;
    t->chains = chains;
    t->capacity = 2 * old.capacity;
    for (size_t i = 0; i < old.capacity; i++) {
        for (table_link *link = old.chains[i], *next; link != NULL; link = next) {
            next = link->next;
            table_link **chain = chain_of(t, link->hash);
            link->next = *chain;
            *chain = link;
        }
    }
    wardi_free(old.chains);
}

void table_put(table *t, table_link *link, uint64_t hash)
{
    if (t->count >= t->capacity) grow(t);
    table_link **chain = chain_of(t, hash);
    *link = (table_link){.next = *chain, .hash = hash};
    *chain = link;
    t->count++;
}

void table_remove(table *t, table_link *link)
{
    table_link **at = chain_of(t, link->hash);
    while (*at != link) at = &(*at)->next;
    *at = link->next;
    t->count--;
}
