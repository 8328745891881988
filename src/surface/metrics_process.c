/* What Linux tells of this very process. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "surface/metrics_priv.h"

/* Fields of /proc/self/stat behind the program's name, which is in brackets and may hold anything:
 * proc(5) counts the first of them as the third. */
enum { FIELD_THREADS = 20, FIELD_START = 22, FIELD_VIRTUAL = 23, FIELD_RESIDENT = 24 };
enum { STAT_BYTES = 1024 };

static uint64_t field_of(const char *fields, int number)
{
    for (int i = 3; i < number && *fields != '\0'; i++) {
        fields += strcspn(fields, " ");
        fields += strspn(fields, " ");
    }
    return strtoull(fields, NULL, 10);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) return 0;
    return (uint64_t)now.tv_sec * WARDI_S + (uint64_t)now.tv_nsec;
}

/* Since the epoch. Only once: it would follow each step of the wall clock, and look like a new
 * process. */
static uint64_t start_ns(uint64_t ticks_since_boot)
{
    static uint64_t known;
    if (known != 0) return known;
    uint64_t since_boot_ns = ticks_since_boot * (WARDI_S / (uint64_t)sysconf(_SC_CLK_TCK));
    uint64_t booted_ns = clock_ns(CLOCK_BOOTTIME), now_ns = wardi_wall_ns();
    if (booted_ns < since_boot_ns || now_ns < booted_ns) return 0;
    known = now_ns - (booted_ns - since_boot_ns);
    return known;
}

/* Newer kernels say how many there are; in older ones they are counted. */
static uint64_t open_fds(void)
{
    struct stat status;
    if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) return (uint64_t)status.st_size;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) return 0;
    uint64_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* the folder's own */
}

/* The fields behind the program's name; `text` is the room for it. "": there are none. */
static const char *fields_read(char *text, size_t size)
{
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0) close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *end = strrchr(text, ')');
    return end != NULL && end[1] != '\0' ? end + 2 : "";
}

static uint64_t resident_of(const char *fields)
{
    return field_of(fields, FIELD_RESIDENT) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void metrics_process_brief(uint64_t *ret_cpu_ns, uint64_t *ret_resident_bytes)
{
    char text[STAT_BYTES];
    *ret_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    *ret_resident_bytes = resident_of(fields_read(text, sizeof text));
}

void metrics_process(uint64_t *slots)
{
    char text[STAT_BYTES];
    const char *fields = fields_read(text, sizeof text);
    if (*fields != '\0') {
        slots[HOST_PROCESS_THREADS] = field_of(fields, FIELD_THREADS);
        slots[HOST_PROCESS_VIRTUAL] = field_of(fields, FIELD_VIRTUAL);
        slots[HOST_PROCESS_RESIDENT] = resident_of(fields);
        slots[HOST_PROCESS_START_NS] = start_ns(field_of(fields, FIELD_START));
    }
    slots[HOST_PROCESS_CPU_NS] = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    slots[HOST_PROCESS_OPEN_FDS] = open_fds();
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        slots[HOST_PROCESS_MAX_FDS] = (uint64_t)limit.rlim_cur;
}
