/* Everything that the SDK offers of module `ward`, for tests/sdk/test_host.c; C and C++, with and
 * without libc. The first letter of a message says what to do, the rest is a name; the answer is
 * the result, and what came with it. */
#include <ward_guest.h>

static char name[64], came[512], answer[600];
static int64_t deferred;

WARD_GUEST_INBOX(1024)

/* What this run has open: their end outlives no run. */
static int64_t request;

static int64_t ask(const char *whom)
{
    int32_t to = ward_find(whom);
    int64_t result = ward_request(to, ward_text("?"), came, sizeof came - 1, 5000000000);
    came[result > 0 && result < (int64_t)sizeof came ? result : 0] = 0;
    return result;
}

static int64_t ask_in_two(const char *whom)
{
    request = ward_request_begin(ward_find(whom), ward_text("?"), 0);
    if (request < 0) return request;
    int64_t result = ward_request_end(request, came, sizeof came - 1);
    came[result > 0 && result < (int64_t)sizeof came ? result : 0] = 0;
    return result;
}

static int64_t ask_and_cancel(const char *whom)
{
    request = ward_request_begin(ward_find(whom), ward_text("?"), 0);
    if (request < 0) return request;
    int32_t code = ward_request_cancel(request);
    return code != WARD_CODE_OK ? code : ward_request_end(request, came, sizeof came);
}

/* "k" to whom, in 1 ms; another never. */
static int64_t sends_later(const char *whom)
{
    int64_t timer = ward_send_after(3600000000000, WARD_SELF, ward_text("never"));
    if (timer < 0) return timer;
    int32_t code = ward_cancel_timer(timer);
    if (code == WARD_CODE_OK && ward_cancel_timer(timer) != WARD_CODE_NOT_FOUND) code = -100;
    timer = ward_send_after(1000000, ward_find(whom), ward_text("k"));
    return timer < 0 ? timer : code;
}

static int64_t logs(const char *what)
{
    static const ward_field fields[] = {{"order", "4711"}, {"zone", "north"}};
    int32_t code = ward_log(WARD_LOG_WARN, "%s of %d", what, 7);
    return code != WARD_CODE_OK ? code
                                : ward_log_with(WARD_LOG_ERROR, fields, 2, "%s failed", what);
}

static int64_t measures(const char *what)
{
    int32_t code = ward_counter("jobs_total", 3);
    if (code == WARD_CODE_OK) code = ward_gauge("queue", 2.5);
    if (code == WARD_CODE_OK) code = ward_histogram("seconds", 0.25);
    return code != WARD_CODE_OK ? code : ward_counter(what, 1);
}

static int64_t passes_time(void)
{
    int64_t wall = ward_now(), began = ward_monotonic_now();
    uint64_t chance[2] = {0, 0};
    int32_t code = ward_sleep(2000000);
    if (code == WARD_CODE_OK) code = ward_random(chance, sizeof chance);
    if (code != WARD_CODE_OK || chance[0] == chance[1]) return code - 100;
    return ward_now() >= wall && ward_monotonic_now() - began >= 2000000;
}

static int64_t lists(void)
{
    uint32_t next = 77;
    int32_t length = ward_list(0, came, sizeof came, &next);
    return length < 0 ? length : (int64_t)next;
}

static int64_t subscribes(const char *what)
{
    int32_t code = ward_subscribe(what);
    if (code == WARD_CODE_OK) code = ward_unsubscribe(what);
    return code != WARD_CODE_OK ? code : ward_subscribe(what);
}

static int64_t answers_now(void)
{
    return ward_reply(ward_correlation(), ward_text("now"));
}

static int64_t does(char letter)
{
    came[0] = 0;
    switch (letter) {
    case 'f': return ward_find(name);
    case 's': return ward_send(ward_find(name), ward_text("k"));
    case 'r': return ask(name);
    case 'q': return ask_in_two(name);
    case 'x': return ask_and_cancel(name);
    case 'w': return sends_later(name);
    case 'n': return ward_sender(came, sizeof came);
    case 'a': return answers_now();
    case 'd': return deferred = ward_defer();
    case 'y': return ward_reply(deferred, ward_text("late"));
    case 'p': return ward_publish(name, ward_text("k"));
    case 'b': return subscribes(name);
    case 'l': return logs(name);
    case 'c': return measures(name);
    case 't': return passes_time();
    case 'i': return ward_self(came, sizeof came);
    case 'm': return ward_metadata(name, came, 5); /* four and a NUL */
    case 'k': return lists();
    case 'e': return ward_last_error(came, sizeof came);
    case 'o': return ward_stop();
    default: return ward_topic(came, sizeof came);
    }
}

WARD_GUEST_CALL("handle-message", handle)(const uint8_t *bytes, uint32_t length)
{
    static char topic[64];
    if (length == 1 && bytes[0] == 'k') { /* sent or published by another of us: keeps the topic */
        topic[0] = '-';
        ward_topic(topic + 1, sizeof topic - 1);
        return ward_bytes_of(NULL, 0);
    }
    if (length == 1 && bytes[0] == '?') return ward_text(topic[0] != 0 ? topic : "nothing");
    ward_format(name, sizeof name, "%.*s", (int)length - 1, (const char *)bytes + 1);
    long long result = does((char)bytes[0]);
    return ward_bytes_of(answer, ward_format(answer, sizeof answer, "%lld %s", result, came));
}

#ifdef __wasi__
int main(void)
{
    return 0;
}
#endif
