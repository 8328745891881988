/* Accept headers: whatever they say, the answer is one of the content types that there are, and the
 * format belongs to it; and what garbage around a header may not change. */
#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TEXT_1 "text/plain; version=1.0.0; charset=utf-8"
#define TEXT "text/plain; version=0.0.4; charset=utf-8"

static bool one_of(const char *type, const char *base)
{
    static const char *const tails[] = {"", "; escaping=allow-utf-8", "; escaping=underscores",
                                        "; escaping=values"};
    if (strncmp(type, base, strlen(base)) != 0) return false;
    for (size_t i = 0; i < WARD_COUNT(tails); i++)
        if (strcmp(type + strlen(base), tails[i]) == 0) return true;
    return false;
}

static void check(wardi_accepted a)
{
    if (a.format == WARDI_EXPOSITION_OPENMETRICS)
        WARD_ASSERT(one_of(a.content_type, OPEN));
    else
        WARD_ASSERT(one_of(a.content_type, TEXT_1) || strcmp(a.content_type, TEXT) == 0);
}

/* With something before and behind it. */
static wardi_accepted among(const char *before, const char *text, const char *behind)
{
    size_t room = strlen(before) + strlen(text) + strlen(behind) + 1;
    char *all = malloc(room);
    WARD_ASSERT(all != NULL);
    strcpy(all, before);
    strcat(all, text);
    strcat(all, behind);
    wardi_accepted a = wardi_accept(all);
    check(a);
    free(all);
    return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    WARD_ASSERT(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    wardi_accepted alone = wardi_accept(text);
    check(alone);
    /* Equal answers are one text: they are compared by where they are. */
    wardi_accepted after = among("image/png, application/json;q=0.9,", text, "");
    WARD_ASSERT(after.content_type == alone.content_type);
    /* A quote that is left open swallows what is behind it, so this only where there is none. */
    if (strchr(text, '"') == NULL) {
        wardi_accepted before = among("", text, ",text/html;q=1.000, */*;q=0");
        WARD_ASSERT(before.content_type == alone.content_type);
        wardi_accepted first = among("application/openmetrics-text;q=1,", text, "");
        WARD_ASSERT(first.format == WARDI_EXPOSITION_OPENMETRICS);
    }
    free(text);
    return 0;
}
