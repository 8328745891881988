;; The soak's guest. The first byte of a message says what to do, the rest to whom; it answers with
;; the message itself, whatever came of it:
;;   s NAME send     r NAME request    q NAME begin, then end    c NAME begin, then cancel
;;   p TOPIC publish d answer later: the one deferred before is answered "late" now
;;   z sleep 2 ms    g grow by a page  k list, log and count    o stop itself
;; and these end it, now or at the next check of its health:
;;   t trap          l loop            Z sleep for an hour       x exit with status 3
;;   w send from beyond its memory     n recur without end
;;   u be unhealthy  v trap in _health
;; A guest never waits for more than 200 ms but in Z.
(module
  (import "ward" "find" (func $find (param i32 i32) (result i32)))
  (import "ward" "send" (func $send (param i32 i32 i32) (result i32)))
  (import "ward" "request" (func $request (param i32 i32 i32 i32 i32 i64) (result i64)))
  (import "ward" "request_begin" (func $begin (param i32 i32 i32 i64) (result i64)))
  (import "ward" "request_end" (func $end (param i64 i32 i32) (result i64)))
  (import "ward" "request_cancel" (func $cancel (param i64) (result i32)))
  (import "ward" "sleep" (func $sleep (param i64) (result i32)))
  (import "ward" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (import "ward" "defer" (func $defer (result i64)))
  (import "ward" "reply" (func $reply (param i64 i32 i32) (result i32)))
  (import "ward" "log" (func $log (param i32 i32 i32 i32 i32) (result i32)))
  (import "ward" "counter" (func $counter (param i32 i32 i64) (result i32)))
  (import "ward" "list" (func $list (param i32 i32 i32) (result i64)))
  (import "ward" "stop" (func $stop (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2 8)
  (data (i32.const 16) "\81\0e\02\04\00\00\00soak") ;; a frame: Unhealthy, "soak"
  (data (i32.const 48) "hello") (data (i32.const 64) "late") (data (i32.const 80) "a line")
  (data (i32.const 96) "soak.count")
  (global $mood (mut i32) (i32.const 0))
  (global $deferred (mut i64) (i64.const 0))
  (func (export "ward_alloc") (param i32) (result i32) i32.const 1024)
  (func (export "_health") (result i32)
    (if (i32.eq (global.get $mood) (i32.const 2)) (then unreachable))
    (select (i32.const 16) (i32.const 0) (global.get $mood)))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func $recur (param i32) (result i32) (i32.add (call $recur (local.get 0)) (local.get 0)))
  (func $to (param $at i32) (param $n i32) (result i32)
    (call $find (i32.add (local.get $at) (i32.const 1)) (i32.sub (local.get $n) (i32.const 1))))
  (func $talk (param $op i32) (param $at i32) (param $n i32)
    (local $h i32) (local $r i64)
    (local.set $h (call $to (local.get $at) (local.get $n)))
    (if (i32.lt_s (local.get $h) (i32.const 0)) (then return))
    (if (i32.eq (local.get $op) (i32.const 115)) (then
      (drop (call $send (local.get $h) (i32.const 48) (i32.const 5))) return))
    (if (i32.eq (local.get $op) (i32.const 114)) (then
      (drop (call $request (local.get $h) (i32.const 48) (i32.const 5) (i32.const 4096) (i32.const 64)
        (i64.const 200000000))) return))
    (local.set $r (call $begin (local.get $h) (i32.const 48) (i32.const 5) (i64.const 100000000)))
    (if (i64.le_s (local.get $r) (i64.const 0)) (then return))
    (if (i32.eq (local.get $op) (i32.const 99)) (then (drop (call $cancel (local.get $r))) return))
    (drop (call $end (local.get $r) (i32.const 4096) (i32.const 64))))
  (func $later
    (if (i64.ne (global.get $deferred) (i64.const 0)) (then
      (drop (call $reply (global.get $deferred) (i32.const 64) (i32.const 4)))))
    (global.set $deferred (call $defer)))
  (func $die (param $op i32)
    (if (i32.eq (local.get $op) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $op) (i32.const 108)) (then (loop $forever (br $forever))))
    (if (i32.eq (local.get $op) (i32.const 90)) (then
      (drop (call $sleep (i64.const 3600000000000)))))
    (if (i32.eq (local.get $op) (i32.const 120)) (then (call $exit (i32.const 3))))
    (if (i32.eq (local.get $op) (i32.const 119)) (then
      (drop (call $send (i32.const 0) (i32.const 0x7ffffff0) (i32.const 64)))))
    (if (i32.eq (local.get $op) (i32.const 110)) (then (drop (call $recur (i32.const 1)))))
    (if (i32.eq (local.get $op) (i32.const 117)) (then (global.set $mood (i32.const 1))))
    (if (i32.eq (local.get $op) (i32.const 118)) (then (global.set $mood (i32.const 2)))))
  (func (export "handle-message") (param $at i32) (param $n i32) (result i64)
    (local $op i32)
    (local.set $op (i32.load8_u (local.get $at)))
    (if (i32.or (i32.or (i32.eq (local.get $op) (i32.const 115)) (i32.eq (local.get $op) (i32.const 114)))
                (i32.or (i32.eq (local.get $op) (i32.const 113)) (i32.eq (local.get $op) (i32.const 99))))
      (then (call $talk (local.get $op) (local.get $at) (local.get $n))))
    (if (i32.eq (local.get $op) (i32.const 112)) (then
      (drop (call $publish (i32.add (local.get $at) (i32.const 1))
        (i32.sub (local.get $n) (i32.const 1)) (i32.const 48) (i32.const 5)))))
    (if (i32.eq (local.get $op) (i32.const 100)) (then (call $later)))
    (if (i32.eq (local.get $op) (i32.const 122)) (then (drop (call $sleep (i64.const 2000000)))))
    (if (i32.eq (local.get $op) (i32.const 103)) (then (drop (memory.grow (i32.const 1)))))
    (if (i32.eq (local.get $op) (i32.const 111)) (then (drop (call $stop))))
    (if (i32.eq (local.get $op) (i32.const 107)) (then
      (drop (call $list (i32.const 0) (i32.const 8192) (i32.const 4096)))
      (drop (call $log (i32.const 3) (i32.const 80) (i32.const 6) (i32.const 0) (i32.const 0)))
      (drop (call $counter (i32.const 96) (i32.const 10) (i64.const 1)))))
    (call $die (local.get $op))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $n)) (i64.const 32))
      (i64.extend_i32_u (local.get $at)))))
