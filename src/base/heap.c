#include "base/base.h"

static void place(wardi_heap *heap, size_t at, wardi_heap_node *node)
{
    heap->nodes[at] = node;
    node->position = at + 1;
}

static void sift_up(wardi_heap *heap, size_t at, wardi_heap_node *node)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (heap->nodes[parent]->key <= node->key) break;
        place(heap, at, heap->nodes[parent]);
        at = parent;
    }
    place(heap, at, node);
}

static void sift_down(wardi_heap *heap, size_t at, wardi_heap_node *node)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count) break;
        if (child + 1 < heap->count && heap->nodes[child + 1]->key < heap->nodes[child]->key)
            child++;
        if (node->key <= heap->nodes[child]->key) break;
        place(heap, at, heap->nodes[child]);
        at = child;
    }
    place(heap, at, node);
}

bool wardi_heap_init(wardi_heap *heap, size_t capacity)
{
    *heap = (wardi_heap){.nodes = wardi_alloc_array(capacity, sizeof(wardi_heap_node *)),
                         .capacity = capacity};
    return heap->nodes != NULL;
}

void wardi_heap_done(wardi_heap *heap)
{
    wardi_free(heap->nodes);
    *heap = (wardi_heap){0};
}

void wardi_heap_put(wardi_heap *heap, wardi_heap_node *node, uint64_t key)
{
    wardi_heap_remove(heap, node);
    WARD_ASSERT(heap->count < heap->capacity);
    node->key = key;
    sift_up(heap, heap->count++, node);
}

void wardi_heap_remove(wardi_heap *heap, wardi_heap_node *node)
{
    if (node->position == 0) return;
    size_t at = node->position - 1;
    WARD_ASSERT(at < heap->count && heap->nodes[at] == node);
    node->position = 0;
    wardi_heap_node *last = heap->nodes[--heap->count];
    if (last == node) return;
    if (at > 0 && last->key < heap->nodes[(at - 1) / 2]->key)
        sift_up(heap, at, last);
    else
        sift_down(heap, at, last);
}

wardi_heap_node *wardi_heap_first(const wardi_heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}
