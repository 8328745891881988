/* One compilation in a process of its own: both ends of it.
 *
 * What a module asks of the compiler can't be told from its looks: a few hundred kilobytes can take
 * gigabytes and minutes, and a fault of the compiler's ends its process. So it runs where the
 * kernel bounds it. The order goes there in a memory file that is its standard input; the image
 * comes back in one that is its standard output, header last: an image without is none, whatever
 * the exit status, which an application that reaps every child may have taken. */
#include "engine_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY_DEFAULT (UINT64_C(2) << 30)
#define TIMEOUT_DEFAULT_NS (60 * WARDI_S)
/* Above every kind of source: the image is an error, its number on top and its words the binary. */
#define KIND_ERROR 1000u
#define VERSION "ward " WARD_VERSION ", wasmtime " WASMTIME_VERSION

#ifdef __SANITIZE_ADDRESS__
static const bool sanitized = true; /* it maps terabytes for itself */
#else
static const bool sanitized = false;
#endif

static const char order_magic[8] = "wardord\n";

typedef struct compile_order {
    char magic[8];
    char version[56]; /* both ends are of one build, or nothing fits */
    uint64_t memory_bytes_max;
    int32_t parent;
    uint32_t kind, profile, metered;
} compile_order; /* the module follows */

/* ---- the other end: in the process that compiles ---- */

static bool write_at(int descriptor, const void *bytes, size_t length, off_t at)
{
    for (const char *from = bytes; length != 0;) {
        ssize_t put = pwrite(descriptor, from, length, at);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        from += put;
        at += put;
        length -= (size_t)put;
    }
    return true;
}

static int answer(const image_header *header, const void *rest, size_t length)
{
    if (write_at(STDOUT_FILENO, rest, length, sizeof *header) &&
        write_at(STDOUT_FILENO, header, sizeof *header, 0))
        return 0;
    fprintf(stderr, "cannot answer: %s\n", strerror(errno));
    return 1;
}

static int answer_image(const module_image *image)
{
    image_header header;
    memcpy(&header, image->bytes, sizeof header);
    return answer(&header, image->bytes + sizeof header, image->length - sizeof header);
}

static int answer_error(ward_error error, const char *words)
{
    size_t length = strlen(words);
    image_header header = module_image_header(KIND_ERROR + (uint32_t)error, length, 0);
    return answer(&header, words, length);
}

static const compile_order *order_take(size_t *ret_length)
{
    struct stat info;
    if (fstat(STDIN_FILENO, &info) != 0 || info.st_size < (off_t)sizeof(compile_order)) return NULL;
    const compile_order *order =
        mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, STDIN_FILENO, 0);
    if (order == MAP_FAILED || memcmp(order->magic, order_magic, sizeof order_magic) != 0)
        return NULL;
    *ret_length = (size_t)info.st_size - sizeof *order;
    return order;
}

/* Bounded, behind those who serve, and gone when the host is. */
static void confine(const compile_order *order)
{
    struct rlimit none = {0}, memory = {order->memory_bytes_max, order->memory_bytes_max};
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != order->parent) _exit(1);
    setpriority(PRIO_PROCESS, 0, 5);
    setrlimit(RLIMIT_CORE, &none);
    if (!sanitized) setrlimit(RLIMIT_DATA, &memory);
}

int wardi_compiler_main(void)
{
    size_t length;
    const compile_order *order = order_take(&length);
    if (order == NULL) {
        fputs("libward starts this, with an order on its standard input\n", stderr);
        return 1;
    }
    if (strncmp(order->version, VERSION, sizeof order->version) != 0) {
        fprintf(stderr, "it is of " VERSION "; libward is of %.*s\n", (int)sizeof order->version,
                order->version);
        return 1;
    }
    confine(order);
    memory_pool pool = {.profile = (ward_memory_profile)order->profile};
    bool parallel = compile_threads_fit(compile_threads_wanted(0));
    wasm_engine_t *engine =
        wasm_engine_new_with_config(engine_config_new(&pool, order->metered != 0, parallel));
    module_image image;
    ward_diag diag;
    ward_error error = module_image_compile(engine, (source_kind)order->kind,
                                            (const uint8_t *)(order + 1), length, &image, &diag);
    return error == WARD_OK ? answer_image(&image) : answer_error(error, diag.text);
}

/* ---- this end: files ---- */

typedef struct compiler_run {
    int order, answer; /* memory files */
    int words[2];      /* a pipe for what it says on standard error */
    pid_t process;
    bool late;
    char said[400]; /* its first words */
    size_t said_length;
} compiler_run;

/* Standard streams may be closed in an application: our files must not take their place. */
static int above_standard(int descriptor)
{
    if (descriptor < 0 || descriptor > STDERR_FILENO) return descriptor;
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(descriptor);
    return moved;
}

static bool files_open(compiler_run *run)
{
    run->order = above_standard(memfd_create("ward-order", MFD_CLOEXEC));
    run->answer = above_standard(memfd_create("ward-image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (pipe2(run->words, O_CLOEXEC | O_NONBLOCK) == 0)
        for (int i = 0; i < 2; i++) run->words[i] = above_standard(run->words[i]);
    return run->order >= 0 && run->answer >= 0 && run->words[0] >= 0 && run->words[1] >= 0;
}

static void files_close(const compiler_run *run)
{
    const int all[] = {run->order, run->answer, run->words[0], run->words[1]};
    for (size_t i = 0; i < WARD_COUNT(all); i++)
        if (all[i] >= 0) close(all[i]);
}

static bool order_put(const compiler_run *run, const compile_input *input,
                      const compiler_options *options)
{
    compile_order order = {.version = VERSION,
                           .memory_bytes_max = options->memory_bytes_max,
                           .parent = getpid(),
                           .kind = (uint32_t)input->kind,
                           .profile = (uint32_t)input->profile,
                           .metered = input->metered};
    memcpy(order.magic, order_magic, sizeof order_magic);
    return write_at(run->order, &order, sizeof order, 0) &&
           write_at(run->order, input->bytes, input->length, sizeof order);
}

/* ---- this end: the process ---- */

static int process_spawn(compiler_run *run, const char *program)
{
    char *const args[] = {(char *)(uintptr_t) "ward-compile",
                          (char *)(uintptr_t)WARDI_COMPILER_ARGUMENT, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, run->order, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, run->answer, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, run->words[1], STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0); /* a terminal's ^C is for the host alone */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawn(&run->process, program, &files, &attributes, args, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

/* Keeps the first of what it says: a reason comes before its backtrace. */
static bool words_read(compiler_run *run)
{
    char chunk[4096];
    ssize_t got = read(run->words[0], chunk, sizeof chunk);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    size_t room = sizeof run->said - run->said_length;
    size_t more = (size_t)got < room ? (size_t)got : room;
    memcpy(run->said + run->said_length, chunk, more);
    run->said_length += more;
    return got != 0;
}

/* Until it has closed its standard error, by ending. */
static void process_watch(compiler_run *run, uint64_t deadline_ns)
{
    struct pollfd words = {.fd = run->words[0], .events = POLLIN};
    for (;;) {
        uint64_t now_ns = wardi_now_ns();
        bool late = now_ns >= deadline_ns && !run->late;
        if (late) {
            run->late = true;
            kill(run->process, SIGKILL);
        }
        uint64_t left_ms = run->late ? 1000 : (deadline_ns - now_ns) / WARDI_MS + 1;
        int told = poll(&words, 1, left_ms < 1000 ? (int)left_ms : 1000);
        if (told > 0 && !words_read(run)) return;
    }
}

/* ---- this end: what came back ---- */

static bool image_take(const compiler_run *run, module_image *ret_image)
{
    struct stat info;
    module_image image = {.mapped = true};
    /* Nobody can change it any more: it is going to be run. */
    if (fcntl(run->answer, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0 ||
        fstat(run->answer, &info) != 0 || info.st_size == 0)
        return false;
    image.length = (size_t)info.st_size;
    image.bytes = mmap(NULL, image.length, PROT_READ, MAP_PRIVATE, run->answer, 0);
    if (image.bytes == MAP_FAILED) return false;
    if (module_image_open(&image)) {
        *ret_image = image;
        return true;
    }
    module_image_drop(&image);
    return false;
}

/* An image that is an error instead. */
static ward_error error_take(module_image *image, ward_diag *ret_diag)
{
    image_header header;
    memcpy(&header, image->bytes, sizeof header);
    if (header.kind < KIND_ERROR) return WARD_OK;
    int length = image->binary_length < 900 ? (int)image->binary_length : 900;
    ward_error error = wardi_fail(ret_diag, (ward_error)(header.kind - KIND_ERROR), "%.*s", length,
                                  (const char *)image->binary);
    module_image_drop(image);
    return error;
}

static ward_error too_large(const compiler_options *options, ward_diag *ret_diag)
{
    char words[32];
    wardi_text limit = WARDI_TEXT(words);
    wardi_text_size(&limit, options->memory_bytes_max);
    return wardi_fail(ret_diag, WARD_ERROR_LIMIT_COMPILE,
                      ": compiling it takes more than %s of memory: raise compile_memory_max "
                      "(host.compile_memory), or make its functions smaller",
                      words);
}

static ward_error too_slow(const compiler_options *options, ward_diag *ret_diag)
{
    char words[32];
    wardi_text limit = WARDI_TEXT(words);
    wardi_text_duration(&limit, options->timeout_ns);
    return wardi_fail(ret_diag, WARD_ERROR_LIMIT_COMPILE,
                      ": compiling it takes longer than %s: raise compile_timeout_ns "
                      "(host.compile_timeout), or make its functions smaller",
                      words);
}

/* It ended without an answer: out of memory, or by a fault of its own. Rust's words tell the first,
 * and where there was none for them either, that it had come near the limit. */
static ward_error tell_end(const compiler_run *run, const compiler_options *options, int status,
                           const struct rusage *usage, ward_diag *ret_diag)
{
    static const char *const marks[] = {"memory allocation of", "Cannot allocate memory",
                                        "Out of memory", "os error 12"};
    if (run->late) return too_slow(options, ret_diag);
    for (size_t i = 0; i < WARD_COUNT(marks); i++)
        if (memmem(run->said, run->said_length, marks[i], strlen(marks[i])) != NULL)
            return too_large(options, ret_diag);
    uint64_t peak = (uint64_t)usage->ru_maxrss * 1024;
    if (WIFSIGNALED(status) && peak > options->memory_bytes_max / 4 * 3)
        return too_large(options, ret_diag);
    size_t length = run->said_length;
    while (length != 0 && run->said[length - 1] == '\n') length--;
    return wardi_fail(ret_diag, WARD_ERROR_COMPILE, ": the compiler (%s) ended with %s %d: %.*s",
                      options->program, WIFSIGNALED(status) ? "signal" : "status",
                      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (int)length,
                      run->said);
}

static ward_error run_process(compiler_run *run, const compile_input *input,
                              const compiler_options *options, compile_pool *pool, compile_job *job,
                              module_image *ret_image, ward_diag *ret_diag)
{
    if (!files_open(run) || !order_put(run, input, options))
        return wardi_fail(ret_diag, WARD_ERROR_IO, ": cannot hand it to a compiler: %s",
                          strerror(errno));
    int failed = process_spawn(run, options->program);
    if (failed != 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO, ": cannot start the compiler %s: %s",
                          options->program, strerror(failed));
    int status = 0;
    struct rusage usage = {0};
    close(run->words[1]);
    run->words[1] = -1;
    compile_job_began(pool, job, run->process);
    process_watch(run, wardi_add_sat(wardi_now_ns(), options->timeout_ns));
    compile_job_reap(pool, job, &status, &usage);
    if (image_take(run, ret_image)) return error_take(ret_image, ret_diag);
    return tell_end(run, options, status, &usage, ret_diag);
}

void compiler_options_resolve(compiler_options *options)
{
    if (options->memory_bytes_max == 0) options->memory_bytes_max = MEMORY_DEFAULT;
    if (options->timeout_ns == 0) options->timeout_ns = TIMEOUT_DEFAULT_NS;
}

ward_error compiler_compile(const compile_input *input, const compiler_options *options,
                            compile_pool *pool, compile_job *job, module_image *ret_image,
                            ward_diag *ret_diag)
{
    compiler_run run = {.order = -1, .answer = -1, .words = {-1, -1}};
    ward_error error = run_process(&run, input, options, pool, job, ret_image, ret_diag);
    files_close(&run);
    return error;
}
