;; One of a ring. The first eight bytes of a message are how often it is still to be handled: it is
;; passed on to the one that the metadata names, and the last time to "sink".
(module
  (import "ward" "find" (func $find (param i32 i32) (result i32)))
  (import "ward" "send" (func $send (param i32 i32 i32) (result i32)))
  (import "ward" "metadata" (func $metadata (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 16) "peersink")
  (global $peer (mut i32) (i32.const -1))
  (func (export "ward_alloc") (param i32) (result i32) i32.const 1024)
  (func (export "handle-message") (param $at i32) (param $length i32) (result i64)
    (local $left i64)
    (if (i32.lt_s (global.get $peer) (i32.const 0)) (then
      (global.set $peer (call $find (i32.const 32)
        (call $metadata (i32.const 16) (i32.const 4) (i32.const 32) (i32.const 128))))))
    (local.set $left (i64.sub (i64.load (local.get $at)) (i64.const 1)))
    (i64.store (local.get $at) (local.get $left))
    (if (i32.lt_s (call $send (call $next (local.get $left)) (local.get $at) (local.get $length))
                  (i32.const 0))
      (then unreachable))
    (i64.const 0))
  (func $next (param $left i64) (result i32)
    (if (i64.eqz (local.get $left)) (then (return (call $find (i32.const 20) (i32.const 4)))))
    (global.get $peer)))
