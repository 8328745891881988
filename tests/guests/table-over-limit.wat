;; Needs a table of 200,000 elements; the default limit is 100,000.
(module
  (table 200000 funcref)
  (memory (export "memory") 1)
  (func (export "_health") (result i64) (i64.const 0)))
