;; _start ends with proc_exit(0), as every Go command does: a good end.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 0)) (unreachable))
  (func (export "_health") (result i64) (i64.const 0)))
