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
