;; The i32 form returns an address with its sign bit set: no address at all.
(module
  (memory (export "memory") 1)
  (func (export "_health") (result i32) (i32.const -2147483648)))
