/* A guest that does as it is told, for tests of what guests ask of their host. */
#ifndef ACTOR_KIT_H
#define ACTOR_KIT_H

#include "host_kit.h"

/* A guest that does as its message says, one letter and the rest, and answers with the result as
 * eight bytes, and what it got behind them:
 *   f NAME  find                      s NAME  find, then send "SENT"
 *   r NAME  find, then request "ASK"  q ...   begin, end the same
 *   z       sleep 20 ms               n       who sent this message
 *   p TOPIC publish "NEWS"            b PATTERN  subscribe
 *   d       defer                     y       reply "late" to what was deferred
 *   e       last_error                w       send from wild memory
 *   m NAME  metadata                  i       self
 *   l       log at level 3 "line"     c NAME  counter + 2
 *   k       list from 0               x       request_cancel 77
 *   t       trap                      a       the last of anything else: bytes, then topic
 * Anything else is remembered for `a`, and answered as it came. */
static const char actor[] =
    "(module"
    " (import \"ward\" \"find\" (func $find (param i32 i32) (result i32)))"
    " (import \"ward\" \"send\" (func $send (param i32 i32 i32) (result i32)))"
    " (import \"ward\" \"request\""
    "   (func $request (param i32 i32 i32 i32 i32 i64) (result i64)))"
    " (import \"ward\" \"request_begin\" (func $begin (param i32 i32 i32 i64) (result i64)))"
    " (import \"ward\" \"request_end\" (func $end (param i64 i32 i32) (result i64)))"
    " (import \"ward\" \"request_cancel\" (func $cancel (param i64) (result i32)))"
    " (import \"ward\" \"sleep\" (func $sleep (param i64) (result i32)))"
    " (import \"ward\" \"sender\" (func $sender (param i32 i32) (result i32)))"
    " (import \"ward\" \"topic\" (func $topic (param i32 i32) (result i32)))"
    " (import \"ward\" \"publish\" (func $publish (param i32 i32 i32 i32) (result i32)))"
    " (import \"ward\" \"subscribe\" (func $subscribe (param i32 i32) (result i32)))"
    " (import \"ward\" \"defer\" (func $defer (result i64)))"
    " (import \"ward\" \"reply\" (func $reply (param i64 i32 i32) (result i32)))"
    " (import \"ward\" \"last_error\" (func $error (param i32 i32) (result i32)))"
    " (import \"ward\" \"metadata\" (func $metadata (param i32 i32 i32 i32) (result i32)))"
    " (import \"ward\" \"self\" (func $self (param i32 i32) (result i32)))"
    " (import \"ward\" \"log\" (func $log (param i32 i32 i32 i32 i32) (result i32)))"
    " (import \"ward\" \"counter\" (func $counter (param i32 i32 i64) (result i32)))"
    " (import \"ward\" \"list\" (func $list (param i32 i32 i32) (result i64)))"
    " (import \"ward\" \"stop\" (func $stop (result i32)))"
    " (memory (export \"memory\") 2)"
    " (data (i32.const 16) \"SENT\") (data (i32.const 32) \"ASK\") (data (i32.const 48) \"NEWS\")"
    " (data (i32.const 64) \"late\") (data (i32.const 80) \"line\")"
    " (data (i32.const 96) \"\\6b\\00\\76\\00\")" /* k NUL v NUL */
    " (global $kept (mut i32) (i32.const 0)) (global $deferred (mut i64) (i64.const 0))"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
    /* result, and length bytes behind it */
    " (func $say (param $result i64) (param $length i32) (result i64)"
    "   (i64.store (i32.const 4096) (local.get $result))"
    "   (if (i32.lt_s (local.get $length) (i32.const 0)) (then (local.set $length (i32.const 0))))"
    "   (i64.or (i64.shl (i64.extend_i32_u (i32.add (local.get $length) (i32.const 8)))"
    "                    (i64.const 32)) (i64.const 4096)))"
    " (func $say32 (param i32) (result i64)"
    "   (call $say (i64.extend_i32_s (local.get 0)) (i32.const 0)))"
    " (func $text (param i32) (result i64)"
    "   (call $say (i64.extend_i32_s (local.get 0)) (local.get 0)))"
    " (func (export \"handle-message\") (param $at i32) (param $n i32) (result i64)"
    "   (local $op i32) (local $h i32) (local $w i64)"
    "   (local.set $op (i32.load8_u (local.get $at)))"
    "   (local.set $at (i32.add (local.get $at) (i32.const 1)))"
    "   (local.set $n (i32.sub (local.get $n) (i32.const 1)))"
    "   (if (i32.eq (local.get $op) (i32.const 102)) (then" /* f */
    "     (return (call $say32 (call $find (local.get $at) (local.get $n))))))"
    "   (if (i32.eq (local.get $op) (i32.const 115)) (then" /* s */
    "     (local.set $h (call $find (local.get $at) (local.get $n)))"
    "     (if (i32.lt_s (local.get $h) (i32.const 0)) (then (return (call $say32 (local.get $h)))))"
    "     (return (call $say32 (call $send (local.get $h) (i32.const 16) (i32.const 4))))))"
    "   (if (i32.eq (local.get $op) (i32.const 114)) (then" /* r */
    "     (local.set $h (call $find (local.get $at) (local.get $n)))"
    "     (if (i32.lt_s (local.get $h) (i32.const 0)) (then (return (call $say32 (local.get $h)))))"
    "     (local.set $w (call $request (local.get $h) (i32.const 32) (i32.const 3)"
    "       (i32.const 4104) (i32.const 200) (i64.const 3000000000)))"
    "     (return (call $say (local.get $w) (i32.wrap_i64 (local.get $w))))))"
    "   (if (i32.eq (local.get $op) (i32.const 113)) (then" /* q */
    "     (local.set $h (call $find (local.get $at) (local.get $n)))"
    "     (local.set $w (call $begin (local.get $h) (i32.const 32) (i32.const 3)"
    "       (i64.const 3000000000)))"
    "     (if (i64.gt_s (local.get $w) (i64.const 0)) (then"
    "       (local.set $w (call $end (local.get $w) (i32.const 4104) (i32.const 200)))))"
    "     (return (call $say (local.get $w) (i32.wrap_i64 (local.get $w))))))"
    "   (if (i32.eq (local.get $op) (i32.const 122)) (then" /* z */
    "     (return (call $say32 (call $sleep (i64.const 20000000))))))"
    "   (if (i32.eq (local.get $op) (i32.const 110)) (then" /* n */
    "     (return (call $text (call $sender (i32.const 4104) (i32.const 200))))))"
    "   (if (i32.eq (local.get $op) (i32.const 112)) (then" /* p */
    "     (return (call $say32 (call $publish (local.get $at) (local.get $n) (i32.const 48)"
    "       (i32.const 4))))))"
    "   (if (i32.eq (local.get $op) (i32.const 98)) (then" /* b */
    "     (return (call $say32 (call $subscribe (local.get $at) (local.get $n))))))"
    "   (if (i32.eq (local.get $op) (i32.const 100)) (then" /* d */
    "     (global.set $deferred (call $defer))"
    "     (return (call $say (global.get $deferred) (i32.const 0)))))"
    "   (if (i32.eq (local.get $op) (i32.const 121)) (then" /* y */
    "     (return (call $say32 (call $reply (global.get $deferred) (i32.const 64)"
    "       (i32.const 4))))))"
    "   (if (i32.eq (local.get $op) (i32.const 101)) (then" /* e */
    "     (return (call $text (call $error (i32.const 4104) (i32.const 200))))))"
    "   (if (i32.eq (local.get $op) (i32.const 119)) (then" /* w */
    "     (return (call $say32 (call $send (i32.const 0) (i32.const 131070) (i32.const 4))))))"
    "   (if (i32.eq (local.get $op) (i32.const 109)) (then" /* m */
    "     (return (call $text (call $metadata (local.get $at) (local.get $n) (i32.const 4104)"
    "       (i32.const 200))))))"
    "   (if (i32.eq (local.get $op) (i32.const 105)) (then" /* i */
    "     (return (call $text (call $self (i32.const 4104) (i32.const 200))))))"
    "   (if (i32.eq (local.get $op) (i32.const 108)) (then" /* l */
    "     (return (call $say32 (call $log (i32.const 3) (i32.const 80) (i32.const 4)"
    "       (i32.const 96) (i32.const 4))))))"
    "   (if (i32.eq (local.get $op) (i32.const 99)) (then" /* c */
    "     (return (call $say32 (call $counter (local.get $at) (local.get $n) (i64.const 2))))))"
    "   (if (i32.eq (local.get $op) (i32.const 107)) (then" /* k */
    "     (local.set $w (call $list (i32.const 0) (i32.const 4104) (i32.const 200)))"
    "     (return (call $say (local.get $w) (i32.wrap_i64 (local.get $w))))))"
    "   (if (i32.eq (local.get $op) (i32.const 120)) (then" /* x */
    "     (return (call $say32 (call $cancel (i64.const 77))))))"
    "   (if (i32.eq (local.get $op) (i32.const 111)) (then" /* o */
    "     (return (call $say32 (call $stop)))))"
    "   (if (i32.eq (local.get $op) (i32.const 116)) (then unreachable))" /* t */
    "   (if (i32.eq (local.get $op) (i32.const 97)) (then" /* a, of what was kept and its topic */
    "     (memory.copy (i32.const 4104) (i32.const 2048) (global.get $kept))"
    "     (return (call $text (global.get $kept)))))"
    "   (local.set $at (i32.sub (local.get $at) (i32.const 1)))"
    "   (local.set $n (i32.add (local.get $n) (i32.const 1)))"
    "   (memory.copy (i32.const 2048) (local.get $at) (local.get $n))"
    "   (global.set $kept (i32.add (local.get $n) (call $topic"
    "     (i32.add (i32.const 2048) (local.get $n)) (i32.const 100))))"
    "   (i64.or (i64.shl (i64.extend_i32_u (local.get $n)) (i64.const 32))"
    "     (i64.extend_i32_u (local.get $at)))))";

static const char *const anybody[] = {"#"};
static const char *const news[] = {"news.#"};
static const ward_grants all = {.send = {anybody, 1, NULL, 0},
                                .called_by = {anybody, 1, NULL, 0},
                                .publish = {news, 1, NULL, 0},
                                .subscribe = {news, 1, NULL, 0},
                                .list = {anybody, 1, NULL, 0}};

static inline void add_actor_with(const char *name, const ward_grants *grants,
                                  ward_child_options options)
{
    static const char *const metadata[] = {"zone=north", "zo=short"};
    options.interval_ns = 3600 * WARDI_S;
    options.grants = grants;
    options.metadata = metadata;
    options.metadata_count = 2;
    options.log_rate = 3;
    options.backoff.initial_ns = MS;
    add((child_spec){.name = name, .wat = actor, .options = options}, NULL);
}

static inline void add_actor(const char *name, const ward_grants *grants)
{
    add_actor_with(name, grants, (ward_child_options)WARD_INIT(ward_child_options));
}

static inline void start_actors(const ward_grants *grants)
{
    add_actor("a", grants);
    add_actor("b", grants);
    add_actor("c", grants);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    wait_for(0, "b", WARD_EVENT_READY, true);
    wait_for(0, "c", WARD_EVENT_READY, true);
}

/* What the guest answered: its result, and the bytes behind it as text. */
static char said[256];
static inline ward_error tell(const char *to, const char *message, int64_t *ret_result)
{
    uint8_t answer[sizeof said + 8] = {0};
    size_t length = 0;
    ward_error error =
        ward_supervisor_request(supervisor, id_of(to), (const uint8_t *)message, strlen(message),
                                answer, sizeof answer - 1, &length, PATIENCE_NS);
    if (error != WARD_OK) return error;
    memcpy(ret_result, answer, 8);
    snprintf(said, sizeof said, "%s", length > 8 ? (const char *)answer + 8 : "");
    return WARD_OK;
}

static inline int64_t does(const char *who, const char *message)
{
    int64_t result = 0;
    assert_int_equal(tell(who, message, &result), WARD_OK);
    return result;
}

static inline void wait_until_kept(const char *who, const char *what)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    do {
        assert_true(wardi_now_ns() < patience);
        does(who, "a");
    } while (strcmp(said, what) != 0);
}

#endif
