;; Healthy, and looks into its memory to say so: each instance has a page of its own.
(module
  (memory (export "memory") 1 1)
  (data (i32.const 1024) "\00\00\00\00 of one page, a guest uses this much at least")
  (func (export "_health") (result i32) (i32.load (i32.const 1024))))
