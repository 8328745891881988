;; No WebAssembly at all.
Once upon a time there was a component.
