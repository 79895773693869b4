"""Every public name of Lasagne and nolearn.lasagne, and of theano.tensor what they use.

The names come from the installed packages' own modules (catalogue.py); test_complete.py fails for
a name that no test here is decorated with. Numbers are compared with NumPy.
"""
