;; _health never comes back.
(module
  (memory (export "memory") 1)
  (func (export "_health") (result i64) (loop $forever (br $forever)) (unreachable)))
