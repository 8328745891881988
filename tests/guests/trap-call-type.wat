;; _health calls through a table with another type.
(module
  (type $number (func (result i64)))
  (table funcref (elem $nothing))
  (memory (export "memory") 1)
  (func $nothing)
  (func (export "_health") (result i64) (call_indirect (type $number) (i32.const 0))))
