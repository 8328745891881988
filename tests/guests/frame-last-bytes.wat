;; The i32 form: the frame fills the very last bytes of memory.
(module
  (memory (export "memory") 1)
  (data (i32.const 65518)
    "\81\0e\01\0b\00\00\00at the edge")
  (func (export "_health") (result i32) (i32.const 65518)))
