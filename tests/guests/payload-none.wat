;; A Borsh prefix and nothing behind it.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\81\0e")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 2) (i64.const 32)) (i64.const 1024))))
