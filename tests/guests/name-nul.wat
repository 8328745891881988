;; The name of an export may hold a NUL: to whoever reads it as a C text it is another name.
(module
  (memory (export "memory") 1)
  (func (export "_start\00") unreachable)
  (func (export "_health\00") (result i32) unreachable))
