;; _start ends with proc_exit(3): a start that failed.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 3)) (unreachable))
  (func (export "_health") (result i64) (i64.const 0)))
