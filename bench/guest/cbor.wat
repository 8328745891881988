;; Degraded("High latency") in CBOR: 51 | the same map as the JSON one
(module
  (memory (export "memory") 1)
  (data (i32.const 1024) "\51\a2\66\73\74\61\74\75\73\68\64\65\67\72\61\64\65\64\66\72\65\61\73\6f\6e\6c\48\69\67\68\20\6c\61\74\65\6e\63\79")
  (func (export "_health") (result i32) (i32.const 1024)))
