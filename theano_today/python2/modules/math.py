"""math: floor, ceil and trunc of Python 2, the first two of which gave floats.

``math.floor(7.0) / 2`` is 3.5; of a whole number it would be 3.
"""

import math as today
import sys

from theano_today.python2.modules import vary


def floor(x):
    return _whole(today.floor, x)


def ceil(x):
    return _whole(today.ceil, x)


def _whole(function, x):
    x = float(x)
    return today.copysign(float(function(x)), x) if today.isfinite(x) else x


vary(sys.modules[__name__], today)
