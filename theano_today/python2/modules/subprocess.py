"""subprocess, whose check_output gives text."""

import subprocess as today
import sys

from theano_today.python2 import files
from theano_today.python2.modules import vary


def check_output(*arguments, **options):
    return files.to_text(today.check_output(*arguments, **options))


vary(sys.modules[__name__], today)
