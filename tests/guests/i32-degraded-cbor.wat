;; The i32 form: the address of a CBOR frame, other bytes behind it.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "Q\a2fstatushdegradedfreasonar\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff"
    "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")
  (func (export "_health") (result i32) (i32.const 1024)))
