"""os, with getcwdu and the commands that subprocess replaced; fdopen makes Python 2's files."""

import os as today
import subprocess
import sys

from theano_today.python2 import files
from theano_today.python2.modules import vary

getcwdu = today.getcwd


def fdopen(fd, mode="r", buffering=-1):
    return files.open(fd, mode, buffering)


def popen2(command, mode="t", bufsize=-1):
    p = _start(command)
    return p.stdin, p.stdout


def popen3(command, mode="t", bufsize=-1):
    p = _start(command, stderr=subprocess.PIPE)
    return p.stdin, p.stdout, p.stderr


def popen4(command, mode="t", bufsize=-1):
    p = _start(command, stderr=subprocess.STDOUT)
    return p.stdin, p.stdout


def _start(command, **options):
    pipe = subprocess.PIPE
    shell = isinstance(command, str)
    return subprocess.Popen(command, shell=shell, stdin=pipe, stdout=pipe, text=True, **options)


vary(sys.modules[__name__], today)
