;; A component whose health is a variant with a reason.
(component
  (core module $guest
    (memory (export "memory") 1)
    ;; case 1; the reason: address 1024, length 12
    (data (i32.const 16) "\01\00\00\00\00\04\00\00\0c\00\00\00")
    (data (i32.const 1024) "High latency")
    (func (export "health") (result i32) (i32.const 16)))
  (core instance $instance (instantiate $guest))
  (alias core export $instance "memory" (core memory $memory))
  (type $plain (variant (case "healthy") (case "degraded" string) (case "unhealthy" string)))
  (export $status "status" (type $plain))
  (func (export "health") (result $status)
    (canon lift (core func $instance "health") (memory $memory))))
