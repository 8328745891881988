;; A component whose health never comes back.
(component
  (core module $guest
    (func (export "health") (result i32) (loop $forever (br $forever)) (unreachable)))
  (core instance $instance (instantiate $guest))
  (type $plain (enum "healthy" "degraded" "unhealthy"))
  (export $status "status" (type $plain))
  (func (export "health") (result $status) (canon lift (core func $instance "health"))))
