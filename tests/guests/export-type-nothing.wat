;; _health returns nothing.
(module
  (memory (export "memory") 1)
  (func (export "_health")))
