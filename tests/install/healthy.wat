(module
  (memory (export "memory") 1)
  (func (export "_health") (result i32) i32.const 0))
