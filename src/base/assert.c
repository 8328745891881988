#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void wardi_assert_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr,
            "ward: a bug in Ward itself: %s does not hold at %s:%d. Please report it with what led "
            "here.\n",
            expression, file, line);
    abort();
}
