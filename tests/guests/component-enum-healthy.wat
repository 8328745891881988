;; A component whose health is an enum: healthy.
(component
  (core module $guest
    (func (export "health") (result i32) (i32.const 0)))
  (core instance $instance (instantiate $guest))
  (type $plain (enum "healthy" "degraded" "unhealthy"))
  (export $status "status" (type $plain))
  (func (export "health") (result $status) (canon lift (core func $instance "health"))))
