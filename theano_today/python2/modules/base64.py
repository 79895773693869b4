"""base64, which takes text for the bytes that it stands for, and gives what mixes with text."""

import base64 as today
import sys

from theano_today.python2.modules import vary
from theano_today.python2.strings import taking_text

b64encode = taking_text(today.b64encode)
b64decode = taking_text(today.b64decode)
standard_b64encode = taking_text(today.standard_b64encode)
standard_b64decode = taking_text(today.standard_b64decode)
urlsafe_b64encode = taking_text(today.urlsafe_b64encode)
urlsafe_b64decode = taking_text(today.urlsafe_b64decode)
b32encode = taking_text(today.b32encode)
b32decode = taking_text(today.b32decode)
b16encode = taking_text(today.b16encode)
b16decode = taking_text(today.b16decode)
encodestring = taking_text(today.encodebytes)
decodestring = taking_text(today.decodebytes)

vary(sys.modules[__name__], today)
