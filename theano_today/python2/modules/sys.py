"""sys, with maxint and the names of the last exception."""

import sys as today

from theano_today.python2.modules import Variant, vary

maxint = today.maxsize


def setdefaultencoding(name):
    """Do nothing: text is text."""


def exc_clear():
    """Do nothing: an exception is over when its handler is."""


def setcheckinterval(interval):
    today.setswitchinterval(interval / 100000)


def getcheckinterval():
    return int(today.getswitchinterval() * 100000)


class _Sys(Variant):
    exc_type = property(lambda self: today.exc_info()[0])
    exc_value = property(lambda self: today.exc_info()[1])
    exc_traceback = property(lambda self: today.exc_info()[2])


vary(today.modules[__name__], today)
today.modules[__name__].__class__ = _Sys
