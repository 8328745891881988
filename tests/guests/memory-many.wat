;; A module may have several memories, and a composed component has.
(module
  (memory (export "memory") 1)
  (memory 1)
  (memory 1)
  (func (export "_health") (result i32) i32.const 0))
