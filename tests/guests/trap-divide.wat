;; _health divides by zero.
(module
  (memory (export "memory") 1)
  (func (export "_health") (result i64)
    (i64.div_u (i64.const 1) (i64.load (i32.const 0)))))
