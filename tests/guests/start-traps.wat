;; The start section traps.
(module
  (memory (export "memory") 1)
  (func $start (unreachable))
  (start $start)
  (func (export "_health") (result i64) (i64.const 0)))
