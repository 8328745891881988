;; _health ends the guest with proc_exit(0), which is no answer.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_health") (result i64) (call $exit (i32.const 0)) (unreachable)))
