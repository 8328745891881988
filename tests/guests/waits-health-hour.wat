;; _health sleeps for an hour: the time-out reaches it there as well.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; one subscription at 64: the monotonic clock (1), relative, 3600000000000 ns
  (data (i32.const 80) "\01")
  (data (i32.const 88) "\00\a0\b80F\03\00\00")
  (func (export "_health") (result i64)
    (if (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512))
      (then (unreachable)))
    (i64.const 0)))
