;; _initialize runs and _start does not, when both are there.
(module
  (memory (export "memory") 1)
  (func (export "_initialize"))
  (func (export "_start") (unreachable))
  (func (export "_health") (result i64) (i64.const 0)))
