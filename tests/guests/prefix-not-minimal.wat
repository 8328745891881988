;; The varint d1 80 00: 0x51, longer than need be.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\d1\80\00\a1fstatusghealthy")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 19) (i64.const 32)) (i64.const 1024))))
