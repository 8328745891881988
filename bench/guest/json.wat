;; Degraded("High latency") in JSON: 80 04 | {"status":"degraded","reason":"High latency"}
(module
  (memory (export "memory") 1)
  (data (i32.const 1024) "\80\04\7b\22\73\74\61\74\75\73\22\3a\22\64\65\67\72\61\64\65\64\22\2c\22\72\65\61\73\6f\6e\22\3a\22\48\69\67\68\20\6c\61\74\65\6e\63\79\22\7d")
  (func (export "_health") (result i32) (i32.const 1024)))
