;; A component whose health is an empty list, which is no frame.
(component
  (core module $guest
    (memory (export "memory") 1)
    (data (i32.const 16) "\00\04\00\00\00\00\00\00") ;; the list: address 1024, length 0
    (data (i32.const 1024) "")
    (func (export "health") (result i32) (i32.const 16)))
  (core instance $instance (instantiate $guest))
  (alias core export $instance "memory" (core memory $memory))
  (func (export "health") (result (list u8))
    (canon lift (core func $instance "health") (memory $memory))))
