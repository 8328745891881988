;; Exports no health function: healthy while Ready.
(module (memory (export "memory") 1))
