;; _health never comes back, and grows its memory as long as it may.
(module
  (memory (export "memory") 1)
  (func (export "_health") (result i64)
    (loop $forever (drop (memory.grow (i32.const 16))) (br $forever)) (unreachable)))
