;; A component whose health traps: its instance can not be entered again.
(component
  (core module $guest
    (func (export "health") (result i32) (unreachable)))
  (core instance $instance (instantiate $guest))
  (type $plain (enum "healthy" "degraded" "unhealthy"))
  (export $status "status" (type $plain))
  (func (export "health") (result $status) (canon lift (core func $instance "health"))))
