/* Publish and subscribe: one says what happens, whoever wants to hears of it, and neither knows the
 * other.
 *
 *     cc fan_out.c $(pkg-config --cflags --libs ward) -o fan_out
 *     ./fan_out FOLDER_OF_THE_GUESTS */
#include "talk.h"

int main(int argc, char **argv)
{
    const ward_grants sensor = {.publish = ALLOW("house.#")};
    const ward_grants listener = {.subscribe = ALLOW("house.#")};
    static const char *const listeners[] = {"display", "heating", "archive"};
    static const char *const news[] = {"house.kitchen.temperature 23", "house.kitchen.light on",
                                       "house.door open", "garage.door open"};
    talk t;
    talk_open(&t, argc, argv);
    talk_add(&t, "sensor", "sensor", NULL, &sensor);
    talk_add(&t, "display", "listener", "topics=house.kitchen.*", &listener);
    talk_add(&t, "heating", "listener", "topics=house.*.temperature", &listener);
    talk_add(&t, "archive", "listener", "topics=house.#", &listener);
    talk_start(&t);
    /* Who hears is who has started and subscribed: whoever answers has. */
    for (int i = 0; i < 3; i++) talk_ask(&t, listeners[i], "");
    for (int i = 0; i < 4; i++) printf("%-29s %s\n", news[i], talk_ask(&t, "sensor", news[i]));
    for (int i = 0; i < 3; i++) printf("%s: %s\n", listeners[i], talk_ask(&t, listeners[i], ""));
    return talk_close(&t);
}
