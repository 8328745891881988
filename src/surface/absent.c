/* Until http and grpc are here; then this file goes. */
#include "surface/surface_priv.h"

#define ABSENT(name)                                                                               \
    __attribute__((weak)) struct name *name##_new(struct surface *s)                               \
    {                                                                                              \
        (void)s;                                                                                   \
        return wardi_alloc(sizeof(void *));                                                        \
    }                                                                                              \
    static bool name##_enter(void *c, int fd, peer *p)                                             \
    {                                                                                              \
        (void)c;                                                                                   \
        (void)fd;                                                                                  \
        (void)p;                                                                                   \
        return false;                                                                              \
    }                                                                                              \
    static void name##_expel(void *c, peer *p)                                                     \
    {                                                                                              \
        (void)c;                                                                                   \
        (void)p;                                                                                   \
    }                                                                                              \
    __attribute__((weak)) protocol name##_protocol(struct name *n)                                 \
    {                                                                                              \
        return (protocol){name##_enter, name##_expel, n};                                          \
    }                                                                                              \
    __attribute__((weak)) bool name##_open(struct name *n)                                         \
    {                                                                                              \
        (void)n;                                                                                   \
        return true;                                                                               \
    }                                                                                              \
    __attribute__((weak)) void name##_close(struct name *n)                                        \
    {                                                                                              \
        (void)n;                                                                                   \
    }                                                                                              \
    __attribute__((weak)) void name##_free(struct name *n)                                         \
    {                                                                                              \
        wardi_free(n);                                                                             \
    }
ABSENT(http)
ABSENT(grpc)
__attribute__((weak)) uint64_t wardi_journal_run(const wardi_journal *journal)
{
    (void)journal;
    return 1;
}
__attribute__((weak)) ward_error wardi_journal_open(const wardi_journal_options *o,
                                                    wardi_journal **r, ward_diag *d)
{
    (void)o;
    (void)d;
    *r = NULL;
    return WARD_OK;
}
__attribute__((weak)) void wardi_journal_take(void *j, const ward_event *e)
{
    (void)j;
    (void)e;
}
__attribute__((weak)) bool wardi_journal_close(wardi_journal *j, uint64_t t)
{
    (void)j;
    (void)t;
    return true;
}
__attribute__((weak)) ward_error wardi_journal_read(const wardi_journal_query *q, ward_diag *d)
{
    (void)q;
    (void)d;
    return WARD_ERROR_NOT_FOUND;
}
