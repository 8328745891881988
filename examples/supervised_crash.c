/* A supervised crash: a message that its receiver can't stand. Whoever asked is told, the receiver
 * starts again, and the message is set aside for a person to look at.
 *
 *     cc supervised_crash.c $(pkg-config --cflags --libs ward) -o supervised_crash
 *     ./supervised_crash FOLDER_OF_THE_GUESTS */
#include "talk.h"

static void show_end(const talk *t)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    ward_set_aside set_aside[1];
    size_t count = 1;
    if (t->error || ward_supervisor_child(t->supervisor, "divider", &status) ||
        ward_supervisor_set_aside(t->supervisor, "divider", set_aside, &count))
        return;
    printf("restarts after a crash: %u\n", status.restarts_by_cause[WARD_CAUSE_CRASH]);
    for (size_t i = 0; i < count; i++)
        printf("set aside: \"%.*s\" from %s\n", (int)set_aside[i].byte_count,
               (const char *)set_aside[i].bytes, set_aside[i].header.sender);
}

int main(int argc, char **argv)
{
    const ward_grants asker = {.send = ALLOW("divider")};
    const ward_grants divider = {.called_by = ALLOW("asker")};
    static const char *const divisors[] = {"4", "0", "5"};
    talk t;
    talk_open(&t, argc, argv);
    talk_add(&t, "asker", "asker", NULL, &asker);
    talk_add(&t, "divider", "divider", NULL, &divider);
    talk_start(&t);
    for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++)
        printf("100 / %s: %s\n", divisors[i], talk_ask(&t, "asker", divisors[i]));
    show_end(&t);
    return talk_close(&t);
}
