;; _health traps.
(module
  (memory (export "memory") 1)
  (func (export "_health") (result i64) (unreachable)))
