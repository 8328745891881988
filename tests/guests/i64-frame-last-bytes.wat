;; The i64 form: the frame fills the very last bytes of memory.
(module
  (memory (export "memory") 1)
  (data (i32.const 65518)
    "\81\0e\01\0b\00\00\00at the edge")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 18) (i64.const 32)) (i64.const 65518))))
