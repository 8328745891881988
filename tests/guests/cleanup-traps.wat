;; _cleanup traps: the component ends Terminated all the same.
(module
  (memory (export "memory") 1)
  (func (export "_cleanup") (unreachable))
  (func (export "_health") (result i64) (i64.const 0)))
