;; The prefix ff ff 03 names a codec that is none: 0xffff.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\ff\ff\03\00\00")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 5) (i64.const 32)) (i64.const 1024))))
