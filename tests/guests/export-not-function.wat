;; _health is exported, and is no function.
(module
  (memory (export "memory") 1)
  (global (export "_health") i32 (i32.const 1024)))
