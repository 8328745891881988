;; _health reads beyond its memory.
(module
  (memory (export "memory") 1)
  (func (export "_health") (result i64) (i64.load (i32.const 65529))))
