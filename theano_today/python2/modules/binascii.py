"""binascii, which takes text for the bytes that it stands for, and gives what mixes with text."""

import binascii as today
import sys

from theano_today.python2.modules import vary
from theano_today.python2.strings import taking_text

hexlify = taking_text(today.hexlify)
unhexlify = taking_text(today.unhexlify)
b2a_hex = taking_text(today.b2a_hex)
a2b_hex = taking_text(today.a2b_hex)
b2a_base64 = taking_text(today.b2a_base64)
a2b_base64 = taking_text(today.a2b_base64)
crc32 = taking_text(today.crc32)

vary(sys.modules[__name__], today)
