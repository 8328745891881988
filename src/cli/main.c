#include <stdio.h>

#include "cli/cli.h"

int main(int arg_count, char **args)
{
    int compiled = ward_compiler_main(arg_count, args);
    if (compiled >= 0) return compiled;
    /* A message in one piece: lines of the events, on standard output, may stand beside it. */
    setvbuf(stderr, NULL, _IOLBF, 0);
    return wardi_cli_main(arg_count, args);
}
