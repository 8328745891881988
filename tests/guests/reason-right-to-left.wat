;; A reason in Arabic.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\81\0e\01\1b\00\00\00\d9\82\d8\a7\d8\b9\d8\af\d8\a9 \d8\a7\d9\84\d8\a8\d9\8a\d8\a7\d9\86\d8\a7\d8\aa")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 34) (i64.const 32)) (i64.const 1024))))
