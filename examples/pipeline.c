/* A pipeline: source -> transform -> sink. Each sends to the one that its metadata names, and is
 * granted nothing else.
 *
 *     cc pipeline.c $(pkg-config --cflags --libs ward) -o pipeline
 *     ./pipeline FOLDER_OF_THE_GUESTS */
#include "talk.h"

int main(int argc, char **argv)
{
    const ward_grants source = {.send = ALLOW("transform")};
    const ward_grants transform = {.send = ALLOW("sink"), .called_by = ALLOW("source")};
    const ward_grants sink = {.called_by = ALLOW("transform")};
    talk t;
    talk_open(&t, argc, argv);
    talk_add(&t, "source", "source", "next=transform", &source);
    talk_add(&t, "transform", "transform", "next=sink", &transform);
    talk_add(&t, "sink", "sink", NULL, &sink);
    talk_start(&t);
    printf("source: %s\n", talk_ask(&t, "source", "the quick brown fox"));

    /* The source has sent them all; the sink has them when the last one is there. */
    const struct timespec moment = {.tv_nsec = 1000000};
    const char *words = "";
    for (int i = 0; i < 10000 && !t.error && strstr(words, "FOX") == NULL; i++) {
        nanosleep(&moment, NULL);
        words = talk_ask(&t, "sink", "");
    }
    printf("sink: %s\n", words);
    return talk_close(&t);
}
