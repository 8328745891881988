/* What marks a symbol as public, and how option structs stay compatible.
 *
 * Every public symbol starts with `ward_`; everything else is local to the library. Objects are
 * opaque handles. Option structs open with `size`: set it with WARD_INIT, and zero every field that
 * should keep its default. A library that is newer than the header reads only as much as the
 * caller's `size` covers, so that fields may be appended. */
#ifndef WARD_EXPORT_H
#define WARD_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
/** Marks what the library shows. */
#define WARD_API __attribute__((visibility("default")))
/** Lets the compiler check a format and its arguments. */
#define WARD_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define WARD_API
#define WARD_PRINTF(format_at, args_at)
#endif

/** Initialiser of a sized option struct: `ward_host_options o = WARD_INIT(ward_host_options);` */
#ifdef __cplusplus
#define WARD_INIT(type) ward_init_sized<type>()
template <typename T> inline T ward_init_sized()
{
    T value = {};
    value.size = sizeof(T);
    return value;
}
#else
#define WARD_INIT(type)                                                                            \
    {                                                                                              \
        .size = sizeof(type)                                                                       \
    }
#endif

#endif
