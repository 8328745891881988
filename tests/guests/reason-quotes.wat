;; A reason with quotes and backslashes.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\81\0e\01\15\00\00\00say \22no\22 \5c back\5cslash")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 28) (i64.const 32)) (i64.const 1024))))
