;; The i64 form: the highest address there is.
(module
  (memory (export "memory") 1)
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 19) (i64.const 32)) (i64.const 4294967295))))
