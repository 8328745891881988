;; A component whose health is an enum: degraded, without a reason.
(component
  (core module $guest
    (func (export "health") (result i32) (i32.const 1)))
  (core instance $instance (instantiate $guest))
  (type $plain (enum "healthy" "degraded" "unhealthy"))
  (export $status "status" (type $plain))
  (func (export "health") (result $status) (canon lift (core func $instance "health"))))
