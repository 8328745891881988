;; The prefix in the other spelling: 00 51.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\00Q\a2fstatusiunhealthyfreasonar")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 29) (i64.const 32)) (i64.const 1024))))
