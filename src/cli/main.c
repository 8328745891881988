#include "cli/cli.h"

int main(int arg_count, char **args)
{
    return wardi_cli_main(arg_count, args);
}
