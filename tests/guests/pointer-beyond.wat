;; The i32 form: far beyond the end of memory.
(module
  (memory (export "memory") 1)
  (func (export "_health") (result i32) (i32.const 2147483647)))
