/* A hash table of objects that carry their own link: putting in never fails, since the table only
 * has to grow to stay fast. Chains are singly linked. */
#ifndef WARDI_ACCESS_TABLE_H
#define WARDI_ACCESS_TABLE_H

#include "base/base.h"

typedef struct table_link {
    struct table_link *next;
    uint64_t hash;
} table_link;

typedef struct table {
    table_link **chains;
    size_t capacity; /* a power of two */
    size_t count;
} table;

/* False: out of memory. */
bool table_init(table *t);
void table_done(table *t);
/* The first with that hash, and the next after it; NULL: there is none. */
table_link *table_first(const table *t, uint64_t hash);
table_link *table_next(const table_link *link);
void table_put(table *t, table_link *link, uint64_t hash);
void table_remove(table *t, table_link *link);

#endif
