"""``python -m theano_today SCRIPT``: runs a program of the time as it is.

`run.py` runs scripts and modules, `notebook.py` notebooks, `float_type.py` decides on floatX,
`check.py` prints what this machine has.
"""
