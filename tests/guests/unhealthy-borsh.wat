;; Says it is unhealthy, in Borsh.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\81\0e\02\14\00\00\00Database unreachable")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 27) (i64.const 32)) (i64.const 1024))))
