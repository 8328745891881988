;; A reason with four-byte characters.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\81\0e\01\0e\00\00\00\f0\9f\94\a5 disk \f0\9f\94\a5")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 21) (i64.const 32)) (i64.const 1024))))
