;; No health export: healthy while Ready.
(module
  (memory (export "memory") 1))
