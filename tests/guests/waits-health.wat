;; _health sleeps for 50 ms in poll_oneoff, then is healthy.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; one subscription at 64: the monotonic clock (1), relative, 50000000 ns
  (data (i32.const 80) "\01")
  (data (i32.const 88) "\80\f0\fa\02\00\00\00\00")
  (func (export "_health") (result i64)
    (if (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512))
      (then (unreachable)))
    (i64.const 0)))
