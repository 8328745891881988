;; The last byte of memory is 80: a prefix that never ends.
(module
  (memory (export "memory") 1)
  (data (i32.const 65535)
    "\80")
  (func (export "_health") (result i32) (i32.const 65535)))
