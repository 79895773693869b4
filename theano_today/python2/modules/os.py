"""os, with getcwdu and the commands that subprocess replaced; fdopen makes Python 2's files."""

import os as today
import subprocess
import sys
from types import ModuleType

from theano_today.python2 import files
from theano_today.python2.modules import vary

getcwdu = today.getcwd


def fdopen(fd, mode="r", buffering=-1):
    return files.open(fd, mode, buffering)


def _walk_path(top, function, argument):
    """os.path.walk, which os.walk replaced."""
    names = today.listdir(top)
    function(argument, top, names)
    for name in names:
        full = today.path.join(top, name)
        if today.path.isdir(full) and not today.path.islink(full):
            _walk_path(full, function, argument)


path = ModuleType("os.path")
path.walk = _walk_path  # type: ignore[attr-defined]
vary(path, today.path)


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
