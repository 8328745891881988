;; The prefix in the other spelling: 07 01.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\07\01\01\01\00\00\00r")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 8) (i64.const 32)) (i64.const 1024))))
