"""zlib, which takes text for the bytes that it stands for, and gives what mixes with text."""

import sys
import zlib as today

from theano_today.python2.modules import vary
from theano_today.python2.strings import taking_text

compress = taking_text(today.compress)
decompress = taking_text(today.decompress)
crc32 = taking_text(today.crc32)
adler32 = taking_text(today.adler32)

vary(sys.modules[__name__], today)
