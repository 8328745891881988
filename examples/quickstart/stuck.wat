;; Healthy four times, then its health check never comes back.
(module
  (memory (export "memory") 1)
  (global $checks (mut i32) (i32.const 0))
  (func $health (export "_health") (result i64)
    (global.set $checks (i32.add (global.get $checks) (i32.const 1)))
    (if (i32.gt_u (global.get $checks) (i32.const 4))
      (then (loop $forever (br $forever))))
    (i64.const 0)))
