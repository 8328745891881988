;; The prefix in the other spelling: 02 00.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\02\00{\22status\22:\22healthy\22}")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 22) (i64.const 32)) (i64.const 1024))))
