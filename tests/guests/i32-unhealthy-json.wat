;; The i32 form: the address of a JSON frame, other bytes behind it.
(module
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\80\04{\22status\22:\22unhealthy\22,\22reason\22:\22r\22}\00garbage")
  (func (export "_health") (result i32) (i32.const 1024)))
