"""pickle as cPickle (see there): the two differed in speed alone."""

import pickle as today
import sys

from theano_today.python2.modules import vary
from theano_today.python2.modules.cPickle import Pickler, Unpickler, dump, dumps, load, loads

__all__ = ["Pickler", "Unpickler", "dump", "dumps", "load", "loads"]

vary(sys.modules[__name__], today)
