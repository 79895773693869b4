"""scan's loop without Python: its inner graph becomes a program that the kernels run.

- formulas.py: an Elemwise as a list of the kernels' elementwise functions
- program.py: the inner graph, for arrays of given shapes, as views, chains, products and sums
- keep.py: a scan hands to its gradient what that would compute again
- gradients.py: arrays of all steps that run backwards are not copied for that
- loop.py: which scans run so, and what they need of a call

What is not covered (any other Op, outputs that the step updates as shared variables, profiles)
runs as before: compat/theano/scan_loop.py, on Theano's own inner function.
"""
