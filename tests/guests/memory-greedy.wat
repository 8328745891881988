;; Takes 16 MiB at each check; from the limit on its growths are refused.
(module
  (memory (export "memory") 1)
  (func (export "_health") (result i64)
    (drop (memory.grow (i32.const 256)))
    (i64.const 0)))
