;; A component of the component model, with nothing in it.
(component)
