/* The modules that are alive: found by what they are, and by the file that this was last read from.
 */
#include "engine_priv.h"

#include <string.h>

static wardi_module **key_bucket(wardi_engine *engine, const uint8_t key[WARDI_SHA256_BYTES])
{
    return &engine->modules[key[0]];
}

static wardi_module **file_bucket(wardi_engine *engine, const source_stamp *stamp)
{
    return &engine->module_files[stamp->inode % WARD_COUNT(engine->module_files)];
}

/* A module without holders is on its way out, and not ours to hold: it waits for the lock. */
static bool retain_alive(wardi_module *module)
{
    unsigned holders = atomic_load_explicit(&module->holders, memory_order_relaxed);
    while (holders != 0)
        if (atomic_compare_exchange_weak_explicit(&module->holders, &holders, holders + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

wardi_module *alive_find(wardi_engine *engine, const uint8_t key[WARDI_SHA256_BYTES])
{
    pthread_mutex_lock(&engine->modules_lock);
    wardi_module *module = *key_bucket(engine, key);
    while (module != NULL &&
           (memcmp(module->key, key, WARDI_SHA256_BYTES) != 0 || !retain_alive(module)))
        module = module->next;
    pthread_mutex_unlock(&engine->modules_lock);
    return module;
}

wardi_module *alive_find_file(wardi_engine *engine, const source_stamp *stamp, bool metered)
{
    pthread_mutex_lock(&engine->modules_lock);
    wardi_module *module = *file_bucket(engine, stamp);
    while (module != NULL && (module->metered != metered ||
                              !source_stamp_same(&module->stamp, stamp) || !retain_alive(module)))
        module = module->next_file;
    pthread_mutex_unlock(&engine->modules_lock);
    return module;
}

void alive_add(wardi_module *module)
{
    pthread_mutex_lock(&module->engine->modules_lock);
    wardi_module **bucket = key_bucket(module->engine, module->key);
    module->next = *bucket;
    *bucket = module;
    pthread_mutex_unlock(&module->engine->modules_lock);
}

/* The lock is held. */
static void forget_file(wardi_module *module)
{
    if (!module->stamp.settled) return;
    wardi_module **link = file_bucket(module->engine, &module->stamp);
    while (*link != module) link = &(*link)->next_file;
    *link = module->next_file;
    module->stamp.settled = false;
}

void alive_stamp(wardi_module *module, const source_stamp *stamp)
{
    if (!stamp->settled) return;
    pthread_mutex_lock(&module->engine->modules_lock);
    forget_file(module);
    wardi_module **bucket = file_bucket(module->engine, stamp);
    module->stamp = *stamp;
    module->next_file = *bucket;
    *bucket = module;
    pthread_mutex_unlock(&module->engine->modules_lock);
}

void alive_remove(wardi_module *module)
{
    pthread_mutex_lock(&module->engine->modules_lock);
    forget_file(module);
    wardi_module **link = key_bucket(module->engine, module->key);
    while (*link != module) link = &(*link)->next;
    *link = module->next;
    pthread_mutex_unlock(&module->engine->modules_lock);
}
