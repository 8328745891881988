/* What is said on standard error, for tests; takes no low descriptor meanwhile. */
#ifndef TEST_STDERR_KIT_H
#define TEST_STDERR_KIT_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct stderr_kit {
    int file, saved;
    char text[2000];
} stderr_kit;

static inline void stderr_begin(stderr_kit *kit)
{
    fflush(stderr);
    enum { OUT_OF_THE_WAY = 100 };
    int file = memfd_create("stderr", MFD_CLOEXEC);
    kit->file = fcntl(file, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
    kit->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
    close(file);
    dup2(kit->file, STDERR_FILENO);
}

/** What was said since, which lives in the kit. */
static inline const char *stderr_end(stderr_kit *kit)
{
    fflush(stderr);
    dup2(kit->saved, STDERR_FILENO);
    ssize_t length = pread(kit->file, kit->text, sizeof kit->text - 1, 0);
    kit->text[length < 0 ? 0 : length] = '\0';
    close(kit->saved);
    close(kit->file);
    return kit->text;
}

#endif
