"""operator, with Python 2's division and its questions about types."""

import operator as today
import sys
from collections.abc import Mapping, Sequence
from numbers import Number

from theano_today.python2.division import div, idiv
from theano_today.python2.modules import vary

__all__ = ["div", "idiv"]
sequenceIncludes = today.contains


def isCallable(x):
    return callable(x)


def isSequenceType(x):
    return isinstance(x, Sequence)


def isMappingType(x):
    return isinstance(x, Mapping)


def isNumberType(x):
    return isinstance(x, Number)


def repeat(x, n):
    return x * n


def delslice(x, i, j):
    del x[i:j]


def getslice(x, i, j):
    return x[i:j]


def setslice(x, i, j, value):
    x[i:j] = value


vary(sys.modules[__name__], today)
