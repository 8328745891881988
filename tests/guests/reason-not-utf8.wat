;; A reason that is not UTF-8: replaced, never passed on.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\81\0e\01\08\00\00\00ok \ff\fe ok")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 15) (i64.const 32)) (i64.const 1024))))
