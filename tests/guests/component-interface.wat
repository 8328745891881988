;; A component whose health stands in the interface of the AirsSys WIT, as a binding generator writes it.
(component
  (core module $guest (func (export "health") (result i32) (i32.const 2)))
  (core instance $instance (instantiate $guest))
  (type $status (enum "healthy" "degraded" "unhealthy"))
  (func $health (result $status) (canon lift (core func $instance "health")))
  (component $lifecycle
    (import "status" (type $t (eq $status)))
    (import "check" (func $check (result $t)))
    (export $e "health-status" (type $t))
    (export "health" (func $check) (func (result $e))))
  (instance $exported
    (instantiate $lifecycle (with "status" (type $status)) (with "check" (func $health))))
  (export "airssys:core/component-lifecycle@1.0.0" (instance $exported)))
