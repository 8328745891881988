;; The frame is 80 alone: a prefix that never ends.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\80")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 1) (i64.const 32)) (i64.const 1024))))
