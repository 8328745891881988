;; The i32 form: the address of a Borsh frame, other bytes behind it.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\81\0e\01\0c\00\00\00High latency\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff"
    "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")
  (func (export "_health") (result i32) (i32.const 1024)))
