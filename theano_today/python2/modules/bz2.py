"""bz2, which takes text for the bytes that it stands for, and gives what mixes with text."""

import bz2 as today
import sys

from theano_today.python2.modules import vary
from theano_today.python2.strings import taking_text

compress = taking_text(today.compress)
decompress = taking_text(today.decompress)

vary(sys.modules[__name__], today)
