;; A component whose health is a number, which is none of the accepted types.
(component
  (core module $guest
    (func (export "health") (result i32) (i32.const 0)))
  (core instance $instance (instantiate $guest))
  (func (export "health") (result u32) (canon lift (core func $instance "health"))))
