"""itertools, with the iterators that became the built-in functions."""

import builtins
import itertools as today
import sys

from theano_today.python2.modules import vary

izip_longest = today.zip_longest
ifilterfalse = today.filterfalse
izip = builtins.zip


def imap(function, *sequences):
    if function is None:
        return builtins.zip(*sequences, strict=False)
    return builtins.map(function, *sequences)


def ifilter(predicate, iterable):
    return builtins.filter(predicate, iterable)


vary(sys.modules[__name__], today)
