;; JSON with a status that is none.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\80\04{\22status\22:\22great\22}")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 20) (i64.const 32)) (i64.const 1024))))
