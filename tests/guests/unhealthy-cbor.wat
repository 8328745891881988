;; Says it is unhealthy, in CBOR.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "Q\a2fstatusiunhealthyfreasontDatabase unreachable")
  ;; length << 32 | address
  (func (export "_health") (result i64)
    (i64.or (i64.shl (i64.const 47) (i64.const 32)) (i64.const 1024))))
