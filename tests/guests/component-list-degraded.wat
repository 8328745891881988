;; A component whose health is a list of bytes: degraded, in JSON.
(component
  (core module $guest
    (memory (export "memory") 1)
    (data (i32.const 16) "\00\04\00\00\2f\00\00\00") ;; the list: address 1024, length 47
    (data (i32.const 1024) "\80\04{\22status\22:\22degraded\22,\22reason\22:\22High latency\22}")
    (func (export "health") (result i32) (i32.const 16)))
  (core instance $instance (instantiate $guest))
  (alias core export $instance "memory" (core memory $memory))
  (func (export "health") (result (list u8))
    (canon lift (core func $instance "health") (memory $memory))))
