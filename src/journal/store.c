/* The open file. Who may write it is decided by a lock on a file beside it, not by SQLite's locks:
 * a lock of flock(2) goes with its holder, kill -9 or not, and keeps out a second journal of the
 * same process too, while readers, who need SQLite's own, are let in. The lock file stays behind;
 * it has the number of the process that holds it, for people. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal_priv.h"

enum { BUSY_MS = 2000, CACHE_KIB = 8192 };

static const char *const suffixes[STORE_FILES] = {"", "-wal", "-lock"};

static void path_with(const store *s, size_t file, char *to)
{
    wardi_text text = wardi_text_on(to, JOURNAL_PATH_BYTES);
    wardi_text_printf(&text, "%s%s", s->path, suffixes[file]);
}

/* ---- words ---- */

static const char *way_out(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL: return ": free some room on its disk, or set a smaller journal";
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return ": move it away, and a new one is begun";
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ": another process has locked it; end it";
    default: return "";
    }
}

ward_error store_fail(sqlite3 *db, const char *path, const char *what, ward_diag *ret_diag)
{
    int code = db != NULL ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    int number = db != NULL ? sqlite3_system_errno(db) : 0;
    bool by_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    const char *words = db != NULL ? sqlite3_errmsg(db) : "out of memory";
    if (by_system && number != 0) words = strerror(number);
    return wardi_fail(ret_diag,
                      (code & 0xff) == SQLITE_NOMEM ? WARD_ERROR_NO_MEMORY : WARD_ERROR_IO,
                      "%s: %s: %s%s", path, what, words, way_out(code));
}

bool store_undo(store *s, const char *what, ward_diag *ret_diag)
{
    s->is_sound = (sqlite3_errcode(s->db) & 0xff) == SQLITE_FULL;
    store_fail(s->db, s->path, what, ret_diag);
    if (!sqlite3_get_autocommit(s->db)) store_do(s, ROLLBACK);
    return false;
}

/* ---- statements ---- */

bool store_do(store *s, action what)
{
    sqlite3_stmt *prepared = s->statements[what];
    int code = sqlite3_step(prepared);
    while (code == SQLITE_ROW) code = sqlite3_step(prepared); /* of a pragma */
    sqlite3_reset(prepared);
    return code == SQLITE_DONE;
}

uint64_t store_number(store *s, action what, uint64_t otherwise)
{
    sqlite3_stmt *prepared = s->statements[what];
    uint64_t number = otherwise;
    if (sqlite3_step(prepared) == SQLITE_ROW) number = (uint64_t)sqlite3_column_int64(prepared, 0);
    sqlite3_reset(prepared);
    return number;
}

uint64_t store_bytes_used(store *s)
{
    uint64_t pages = store_number(s, PAGE_COUNT, 0), unused = store_number(s, FREE_PAGES, 0);
    return (pages - unused) * s->page_bytes;
}

uint64_t store_bytes_log(const store *s)
{
    return s->log_pages * s->page_bytes;
}

uint64_t store_log_bytes_max(const store *s)
{
    const uint64_t most = UINT64_C(32) << 20, part = s->bytes_max / 8 * 3;
    return part < most ? part : most;
}

static bool prepare(store *s)
{
    static const char *const texts[STATEMENT_COUNT] = {
        /* REPLACE: of a file that was taken back from a copy, some may be there already. */
        [INSERT_EVENT] = "INSERT OR REPLACE INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                         " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, 0)",
        [INSERT_LOST] = "INSERT OR REPLACE INTO events VALUES (?1, ?2, ?3, -1, '', '', '', 0, 0, 0,"
                        " 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?4)",
        [INSERT_EVIDENCE] = "INSERT OR REPLACE INTO evidence VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        [END_RUN] = "UPDATE runs SET ended_wall_ns = ?2 WHERE run = ?1",
        [BEGIN] = "BEGIN IMMEDIATE",
        [COMMIT] = "COMMIT",
        [ROLLBACK] = "ROLLBACK",
        [PAGE_COUNT] = "PRAGMA page_count",
        [FREE_PAGES] = "PRAGMA freelist_count",
        [OLDEST] = "SELECT run, sequence, wall_ns FROM events WHERE (run, sequence) > (?1, ?2)"
                   " ORDER BY run, sequence LIMIT ?3",
        [NTH_OLDEST] = "SELECT run, sequence FROM events ORDER BY run, sequence LIMIT 1 OFFSET ?1",
        [NTH_NEWEST] = "SELECT run, sequence FROM events ORDER BY run DESC, sequence DESC"
                       " LIMIT 1 OFFSET ?1",
        [DELETE_EVENTS] = "DELETE FROM events WHERE (run, sequence) <= (?1, ?2)",
        [DELETE_EVIDENCE] = "DELETE FROM evidence WHERE (run, sequence) <= (?1, ?2)",
        [DELETE_RUNS] = "DELETE FROM runs WHERE run < ?1 AND run < ?2",
        [SHRINK] = "PRAGMA incremental_vacuum(256)",
    };
    for (int i = 0; i < STATEMENT_COUNT; i++)
        if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i],
                               NULL) != SQLITE_OK)
            return false;
    return true;
}

/* ---- files ---- */

static file_id file_id_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) return (file_id){0};
    return (file_id){status.st_dev, status.st_ino};
}

bool store_is_in_place(const store *s)
{
    for (size_t i = 0; i < STORE_FILES; i++) {
        char path[JOURNAL_PATH_BYTES];
        path_with(s, i, path);
        file_id now = file_id_of(path);
        if (now.inode != s->files[i].inode || now.device != s->files[i].device) return false;
    }
    return true;
}

/* One level: a whole path made of a typing mistake helps nobody. */
static ward_error make_directory(const store *s, ward_diag *ret_diag)
{
    char path[JOURNAL_PATH_BYTES];
    wardi_text text = WARDI_TEXT(path);
    wardi_text_puts(&text, s->path);
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return WARD_OK;
    *slash = '\0';
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: its directory %s can't be made: %s", s->path,
                      path, strerror(errno));
}

static ward_error refuse(const store *s, const char *path, int file, ward_diag *ret_diag)
{
    char holder[24] = "";
    ssize_t length = pread(file, holder, sizeof holder - 1, 0);
    if (length > 0) holder[strcspn(holder, "\n")] = '\0';
    return wardi_fail(ret_diag, WARD_ERROR_STATE,
                      "%s: process %s writes it already (it holds %s): stop that one, or name "
                      "another file",
                      s->path, length > 0 ? holder : "(unknown)", path);
}

static ward_error take_lock(store *s, ward_diag *ret_diag)
{
    char path[JOURNAL_PATH_BYTES], holder[24];
    path_with(s, 2, path);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: it can't be opened: %s", path,
                          strerror(errno));
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        ward_error error = errno == EWOULDBLOCK
                               ? refuse(s, path, file, ret_diag)
                               : wardi_fail(ret_diag, WARD_ERROR_IO, "%s: it can't be locked: %s",
                                            path, strerror(errno));
        close(file);
        return error;
    }
    wardi_text text = WARDI_TEXT(holder);
    wardi_text_printf(&text, "%d\n", (int)getpid());
    /* For people only: on a full disk they must do without. */
    if (ftruncate(file, 0) != 0 || pwrite(file, holder, text.length, 0) < 0) errno = 0;
    s->lock = file;
    return WARD_OK;
}

/* SQLite would let everybody read it. Only a file that was not there is opened here: closing one
 * that SQLite has open as well would give up its locks. */
static ward_error make_file(const store *s, ward_diag *ret_diag)
{
    int file = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) close(file);
    if (file >= 0 || errno == EEXIST) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: it can't be made: %s", s->path,
                      strerror(errno));
}

/* ---- opening ---- */

static int note_log(void *context, sqlite3 *db, const char *name, int pages)
{
    store *s = context;
    (void)db, (void)name;
    s->log_pages = (uint64_t)pages;
    if (s->unsynced_since_ns == 0) s->unsynced_since_ns = wardi_now_ns();
    return SQLITE_OK;
}

/* What is empty is told first that pages can be given back: once there are tables it is too late.
 */
static ward_error configure(store *s, ward_diag *ret_diag)
{
    int version;
    ward_error error = schema_check(s->db, s->path, schema_version, &version, ret_diag);
    if (error != WARD_OK) return error;
    char settings[256];
    wardi_text text = WARDI_TEXT(settings);
    wardi_text_printf(&text,
                      "%s PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                      " PRAGMA cache_size = -%d; PRAGMA wal_autocheckpoint = 0;"
                      " PRAGMA journal_size_limit = %llu;",
                      version == 0 ? "PRAGMA auto_vacuum = INCREMENTAL;" : "", CACHE_KIB,
                      (unsigned long long)store_log_bytes_max(s));
    if (sqlite3_exec(s->db, settings, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(s->db, s->path, "it can't be prepared for writing", ret_diag);
    sqlite3_wal_hook(s->db, note_log, s);
    return schema_migrate(s->db, s->path, schema_steps, schema_version, ret_diag);
}

static uint64_t ask(store *s, const char *sql, bool *ret_well)
{
    sqlite3_stmt *statement = NULL;
    uint64_t number = 0;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)s->run);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)s->started_wall_ns);
        sqlite3_bind_text(statement, 3, ward_version(), -1, SQLITE_STATIC);
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) number = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) *ret_well = false;
    return number;
}

/* The run goes on in a file that knows it, and else is a new one of that file. */
static bool begin_run(store *s)
{
    bool well = true;
    uint64_t known = ask(s, "SELECT run FROM runs WHERE run = ?1 AND started_wall_ns = ?2", &well);
    s->last_sequence = 0;
    if (known != 0)
        s->last_sequence = ask(s,
                               "SELECT sequence + max(lost, 1) - 1 FROM events WHERE run = ?1"
                               " ORDER BY sequence DESC LIMIT 1",
                               &well);
    if (known != 0 || !well) return well;
    uint64_t last = ask(s, "SELECT max(run) FROM runs", &well);
    if (s->run <= last) s->run = last + 1;
    ask(s, "INSERT INTO runs VALUES (?1, ?2, NULL, ?3)", &well);
    return well;
}

static ward_error open_all(store *s, ward_diag *ret_diag)
{
    ward_error error = make_directory(s, ret_diag);
    if (error == WARD_OK) error = take_lock(s, ret_diag);
    if (error == WARD_OK) error = make_file(s, ret_diag);
    if (error != WARD_OK) return error;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
        return store_fail(s->db, s->path, "it can't be opened", ret_diag);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    error = configure(s, ret_diag);
    if (error != WARD_OK) return error;
    if (!prepare(s) || !store_do(s, BEGIN) || !schema_name(s->db) || !begin_run(s) ||
        !store_do(s, COMMIT))
        return store_fail(s->db, s->path, "it can't be written", ret_diag);
    return WARD_OK;
}

ward_error store_init(store *s, const char *path, uint64_t bytes_max, ward_diag *ret_diag)
{
    enum { SUFFIX_BYTES = 8 };
    *s = (store){.bytes_max = bytes_max, .lock = -1, .page_bytes = 4096};
    s->started_wall_ns = wardi_wall_ns();
    wardi_text text = wardi_text_on(s->path, sizeof s->path - SUFFIX_BYTES);
    wardi_text_puts(&text, path);
    if (!text.cut && text.length != 0) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "the path of the journal has %s",
                      text.cut ? "too many bytes" : "no byte");
}

ward_error store_open(store *s, ward_diag *ret_diag)
{
    ward_error error = open_all(s, ret_diag);
    if (error != WARD_OK) {
        store_close(s);
        return error;
    }
    for (size_t i = 0; i < STORE_FILES; i++) {
        char path[JOURNAL_PATH_BYTES];
        path_with(s, i, path);
        s->files[i] = file_id_of(path);
    }
    s->scanned = (place){0};
    s->checkpoint_after_ns = 0;
    s->is_sound = true;
    return WARD_OK;
}

void store_close(store *s)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) sqlite3_finalize(s->statements[i]);
    memset(s->statements, 0, sizeof s->statements);
    sqlite3_close(s->db);
    s->db = NULL;
    if (s->lock >= 0) close(s->lock);
    s->lock = -1;
    s->log_pages = s->unsynced_since_ns = 0;
}
