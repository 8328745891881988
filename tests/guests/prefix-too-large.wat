;; The frame is 80 five times: a prefix longer than there are.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\80\80\80\80\80")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 5) (i64.const 32)) (i64.const 1024))))
