/* Request and reply: a client asks a server, does not wait for ever, and can't be drawn into a
 * circle of components that wait for each other.
 *
 *     cc request_reply.c $(pkg-config --cflags --libs ward) -o request_reply
 *     ./request_reply FOLDER_OF_THE_GUESTS */
#include "talk.h"

int main(int argc, char **argv)
{
    const ward_grants client = {.send = ALLOW("server"), .called_by = ALLOW("server")};
    const ward_grants server = {.send = ALLOW("client"), .called_by = ALLOW("client")};
    static const char *const questions[] = {"bread", "caviar", "unicorn", "advice"};
    talk t;
    talk_open(&t, argc, argv);
    talk_add(&t, "client", "client", NULL, &client);
    talk_add(&t, "server", "server", NULL, &server);
    talk_start(&t);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        printf("%-8s %s\n", questions[i], talk_ask(&t, "client", questions[i]));
    return talk_close(&t);
}
