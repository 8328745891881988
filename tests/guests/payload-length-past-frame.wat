;; Borsh whose reason claims 1000 bytes and has 5: cut, and no error.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\81\0e\01\e8\03\00\00short")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 12) (i64.const 32)) (i64.const 1024))))
