;; Text that is WebAssembly, but not valid: an i32 where an i64 belongs.
(module
  (func (export "_health") (result i64) (i32.const 0)))
