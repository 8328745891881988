/* What programs do with files, through wasi-libc: ends with status 0, or the number of the line
 * that went wrong. Its directory, /data, is empty before and after. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHECK(expression) ((expression) ? (void)0 : exit(__LINE__))

static void files(void)
{
    char line[64];
    FILE *file = fopen("/data/notes", "w+x");
    CHECK(file != NULL);
    CHECK(fopen("/data/notes", "wx") == NULL && errno == EEXIST);
    for (int i = 0; i < 5000; i++) CHECK(fprintf(file, "line %d\n", i) > 0);
    CHECK(fseek(file, 7, SEEK_SET) == 0 && ftell(file) == 7);
    CHECK(fgets(line, sizeof line, file) != NULL && strcmp(line, "line 1\n") == 0);
    CHECK(fclose(file) == 0);
    file = fopen("/data/notes", "a");
    CHECK(file != NULL && fputs("the end\n", file) >= 0 && fclose(file) == 0);
    file = fopen("/data/notes", "r");
    CHECK(file != NULL && fseek(file, -8, SEEK_END) == 0);
    CHECK(fgets(line, sizeof line, file) != NULL && strcmp(line, "the end\n") == 0);
    CHECK(fgets(line, sizeof line, file) == NULL && feof(file));
    CHECK(fputs("x", file) < 0 || fflush(file) != 0);
    fclose(file);
}

static void descriptors(void)
{
    char bytes[8] = "";
    struct stat stat;
    int file = open("/data/raw", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(file >= 0 && (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK(write(file, "0123456789", 10) == 10);
    CHECK(pread(file, bytes, 4, 3) == 4 && memcmp(bytes, "3456", 4) == 0);
    CHECK(pwrite(file, "ab", 2, 0) == 2 && lseek(file, 0, SEEK_CUR) == 10);
    CHECK(ftruncate(file, 4) == 0 && fstat(file, &stat) == 0);
    CHECK(stat.st_size == 4 && S_ISREG(stat.st_mode) && stat.st_nlink == 1);
    CHECK(fcntl(file, F_SETFL, O_APPEND) == 0 && lseek(file, 0, SEEK_SET) == 0);
    CHECK((fcntl(file, F_GETFL) & O_APPEND) != 0);
    CHECK(write(file, "!", 1) == 1 && pread(file, bytes, 8, 0) == 5);
    CHECK(memcmp(bytes, "ab23!", 5) == 0);
    struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 2000}};
    CHECK(futimens(file, times) == 0 && fstat(file, &stat) == 0);
    CHECK(stat.st_atim.tv_sec == 1000 && stat.st_atim.tv_nsec == 5 && stat.st_mtim.tv_sec == 2000);
    CHECK(fsync(file) == 0 && fdatasync(file) == 0 && close(file) == 0);
    CHECK(close(file) != 0 && errno == EBADF);
    CHECK(open("/data/raw", O_RDONLY | O_DIRECTORY) < 0 && errno == ENOTDIR);
    CHECK(open("/data/none", O_RDONLY) < 0 && errno == ENOENT);
    CHECK(open("/data", O_WRONLY) < 0 && errno == EISDIR);
    CHECK(unlink("/data/raw") == 0);
}

static void names(void)
{
    struct stat stat_of;
    char target[32] = "";
    CHECK(mkdir("/data", 0755) != 0 && errno == EEXIST);
    CHECK(mkdir("/data/d", 0755) == 0 && mkdir("/data/d/e/", 0755) == 0);
    CHECK(rename("/data/notes", "/data/d/e/notes") == 0);
    CHECK(access("/data/notes", F_OK) != 0 && access("/data/d/e/notes", R_OK) == 0);
    CHECK(symlink("d/e/notes", "/data/link") == 0);
    CHECK(readlink("/data/link", target, sizeof target) == 9);
    CHECK(strcmp(target, "d/e/notes") == 0);
    CHECK(lstat("/data/link", &stat_of) == 0 && S_ISLNK(stat_of.st_mode));
    CHECK(stat("/data/link", &stat_of) == 0 && S_ISREG(stat_of.st_mode));
    CHECK(link("/data/d/e/notes", "/data/second") == 0);
    CHECK(stat("/data/second", &stat_of) == 0 && stat_of.st_nlink == 2);
    FILE *file = fopen("/data/link", "r");
    CHECK(file != NULL && fclose(file) == 0);
    CHECK(rmdir("/data/d") != 0 && errno == ENOTEMPTY);
    CHECK(open("/data/../etc/passwd", O_RDONLY) < 0);
    CHECK(open("/etc/passwd", O_RDONLY) < 0);
    CHECK(symlink("/etc/passwd", "/data/out") != 0);
    CHECK(unlink("/data/link") == 0 && unlink("/data/second") == 0);
    CHECK(unlink("/data/d/e/notes") == 0);
    CHECK(rmdir("/data/d/e") == 0 && rmdir("/data/d") == 0);
}

static int listed(void)
{
    int count = 0;
    DIR *directory = opendir("/data");
    CHECK(directory != NULL);
    for (struct dirent *name; (name = readdir(directory)) != NULL;)
        if (name->d_name[0] != '.') count++;
    rewinddir(directory);
    CHECK(readdir(directory) != NULL);
    CHECK(closedir(directory) == 0);
    return count;
}

static void directories(void)
{
    enum { COUNT = 400 };
    char path[64];
    for (int i = 0; i < COUNT; i++) {
        sprintf(path, "/data/a-file-with-a-name-of-some-length-%d", i);
        int file = open(path, O_WRONLY | O_CREAT, 0644);
        CHECK(file >= 0 && close(file) == 0);
    }
    CHECK(listed() == COUNT);
    for (int i = 0; i < COUNT; i++) {
        sprintf(path, "/data/a-file-with-a-name-of-some-length-%d", i);
        CHECK(unlink(path) == 0);
    }
    CHECK(listed() == 0);
}

static void many(void)
{
    int opened[100], count = 0;
    int file = open("/data/x", O_WRONLY | O_CREAT, 0644);
    CHECK(file >= 0);
    while (count < 100 && (opened[count] = open("/data/x", O_RDONLY)) >= 0) count++;
    CHECK(count == 63 && errno == EMFILE);
    while (count > 0) CHECK(close(opened[--count]) == 0);
    CHECK(open("/data/x", O_RDONLY) == file + 1);
    CHECK(unlink("/data/x") == 0);
}

static void the_rest(void)
{
    unsigned char bytes[256];
    struct timespec now, later;
    CHECK(getentropy(bytes, sizeof bytes) == 0);
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec > 1500000000);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0 && clock_gettime(CLOCK_MONOTONIC, &later) == 0);
    CHECK(later.tv_sec > now.tv_sec ||
          (later.tv_sec == now.tv_sec && later.tv_nsec >= now.tv_nsec));
    CHECK(isatty(STDOUT_FILENO) == 1);
    CHECK(printf("a line\n") == 7 && fflush(stdout) == 0);
    CHECK(getchar() == 'i' && getchar() == 'n' && getchar() == EOF);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2 && strcmp(argv[1], "argument") == 0);
    CHECK(getenv("NAME") != NULL && strcmp(getenv("NAME"), "value") == 0);
    files();
    descriptors();
    names();
    directories();
    many();
    the_rest();
    return 0;
}
