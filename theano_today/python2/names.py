"""Python 2's built-in functions, for translated code.

``from theano_today.python2.names import *`` puts them in place of Python 3's in a file that
``--keep`` wrote. What is not here is the same in both.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import io
import itertools
import math
import sys
from decimal import ROUND_HALF_UP, Decimal, localcontext
from types import ModuleType
from typing import Any

from theano_today.habits import rewriting
from theano_today.python2 import classes, execution, files, runtime, translate
from theano_today.python2.ordering import cmp, max, min, sorted
from theano_today.python2.strings import Bytes, string

__all__ = [
    "StandardError",
    "apply",
    "basestring",
    "buffer",
    "cmp",
    "coerce",
    "compile",
    "eval",
    "exec",
    "execfile",
    "file",
    "filter",
    "input",
    "intern",
    "isinstance",
    "long",
    "map",
    "max",
    "min",
    "oct",
    "open",
    "print",
    "range",
    "raw_input",
    "reduce",
    "reload",
    "round",
    "sorted",
    "unichr",
    "unicode",
    "xrange",
    "zip",
]

StandardError = Exception
buffer = memoryview
intern = sys.intern
long = int
open = files.open
raw_input = builtins.input
reduce = functools.reduce
unichr = chr
unicode = str
xrange = builtins.range


class _Strings(type):
    def __instancecheck__(cls, instance):
        return builtins.isinstance(instance, (str, bytes))

    def __subclasscheck__(cls, subclass):
        return issubclass(subclass, (str, bytes))


class basestring(metaclass=_Strings):
    """What str and unicode had in common."""


class _Files(type):
    def __instancecheck__(cls, instance):
        return builtins.isinstance(instance, io.IOBase)

    def __call__(cls, *arguments, **options):
        return files.open(*arguments, **options)


class file(metaclass=_Files):
    """The type of open files; called, it opens one."""


def apply(function, arguments=(), options=None):
    return function(*arguments, **(options or {}))


def coerce(a, b):
    kinds = (complex, float, int)
    kind = next(k for k in kinds if builtins.isinstance(a, k) or builtins.isinstance(b, k))
    return kind(a), kind(b)


def filter(function, sequence):
    """Return a list, or a string or tuple for one of these."""
    kept = list(builtins.filter(function, sequence))
    if builtins.isinstance(sequence, str):
        return "".join(kept)
    return tuple(kept) if builtins.isinstance(sequence, tuple) else kept


def map(function, *sequences):
    """Return a list; the longest sequence decides, and None as the function pairs the items."""
    if not sequences:
        raise TypeError("map() requires at least two args")
    if len(sequences) == 1:
        items = sequences[0]
        function = string if function is str else function
        return list(items) if function is None else [function(item) for item in items]
    rows = itertools.zip_longest(*sequences)
    return list(rows) if function is None else [function(*row) for row in rows]


def zip(*sequences):
    return list(builtins.zip(*sequences, strict=False))


def range(*arguments):
    return list(builtins.range(*arguments))


def round(number, ndigits=0):
    """Return a float; what lies half-way goes away from zero."""
    x = float(number)
    if not math.isfinite(x):
        return x
    if ndigits == 0:
        whole = math.floor(abs(x))
        return math.copysign(float(whole + (abs(x) - whole >= 0.5)), x)
    with localcontext() as context:
        context.prec = 700  # a float has fewer digits than that
        rounded = Decimal(x).quantize(Decimal(1).scaleb(-int(ndigits)), ROUND_HALF_UP)
    return float(rounded)


def oct(number):
    text = builtins.oct(number).replace("0o", "0", 1)
    return "0" if text == "00" else text


def isinstance(instance, classinfo):
    """As ever, and NumPy's int64 is an int, as it was on every 64-bit Linux and Mac."""
    if builtins.isinstance(instance, classinfo):
        return True
    if type(instance) is Bytes:
        return _has(classinfo, str)
    numpy = sys.modules.get("numpy")
    if numpy is None or not builtins.isinstance(instance, numpy.int64):
        return False
    return _has(classinfo, int)


def _has(classinfo, kind):
    if builtins.isinstance(classinfo, tuple):
        return any(_has(one, kind) for one in classinfo)
    return classinfo is kind


def input(prompt=""):
    """Evaluate what is typed, where it is called."""
    frame = sys._getframe(1)
    prepare(frame.f_globals)
    return builtins.eval(
        _code(builtins.input(prompt), "<string>", "eval"), frame.f_globals, frame.f_locals
    )


def execfile(path, globals=None, locals=None, /):
    """Run a file, Python 2 or 3, where it is called or in the given namespaces."""
    frame = sys._getframe(1)
    here = globals is None
    where = frame.f_globals if here else globals
    local = (frame.f_locals if here else where) if locals is None else locals
    prepare(where)
    builtins.exec(execution.compile_file(path), where, local)


def reload(module: Any) -> Any:
    """Import again; ``reload(sys)``, done for setdefaultencoding, changes nothing."""
    if getattr(module, "__python2__", False) or module is sys:
        return module
    if not builtins.isinstance(module, ModuleType):
        raise TypeError("reload() argument must be module")
    return importlib.reload(module)


@functools.lru_cache(maxsize=256)
def _compiled(source: str, filename: str, mode: str) -> Any:
    return execution.compile_text(source, filename, mode)


def _code(source: Any, filename: str, mode: str) -> Any:
    if isinstance(source, (bytes, bytearray)):
        source = translate.decode(bytes(source))
    if not isinstance(source, str):
        return source
    if mode == "eval":
        source = source.strip()
    try:
        return _compiled(source, filename, mode)
    except translate.NotPython2:
        return builtins.compile(source, filename, mode, dont_inherit=True)


def exec(source, globals=None, locals=None, /, **options):
    if isinstance(source, tuple):  # exec(code, globals) was a statement, too
        source, globals, locals = (*source, None, None)[:3]
    frame = sys._getframe(1)
    here = globals is None
    where = frame.f_globals if here else globals
    local = (frame.f_locals if here else where) if locals is None else locals
    prepare(where)
    builtins.exec(_code(source, "<string>", "exec"), where, local, **options)


def eval(source, globals=None, locals=None, /):
    frame = sys._getframe(1)
    here = globals is None
    where = frame.f_globals if here else globals
    local = (frame.f_locals if here else where) if locals is None else locals
    prepare(where)
    return builtins.eval(_code(source, "<string>", "eval"), where, local)


def compile(source, filename, mode, *arguments, **options):
    if isinstance(source, (str, bytes)) and mode in ("exec", "eval"):
        return _code(source, filename, mode)
    return builtins.compile(source, filename, mode, *arguments, **options)


def print(*values, **options):
    builtins.print(*map(string, values), **options)


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    """Import as Python 2: a module of the package that imports comes first."""
    package = (globals or {}).get("__package__")
    if not level and package and "absolute_import" not in (globals or {}):
        sibling = f"{package}.{name.partition('.')[0]}"
        if _is_module(sibling):
            return builtins.__import__(name, globals, locals, fromlist, 1)
    return builtins.__import__(name, globals, locals, fromlist, level)


def _is_module(name: str) -> bool:
    from importlib.util import find_spec

    if name in sys.modules:
        return sys.modules[name] is not None
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


BUILTINS: dict[str, Any] = vars(builtins) | {name: globals()[name] for name in __all__}
BUILTINS |= {"__build_class__": classes.build_class, "__import__": _import}


def prepare(namespace: dict[str, Any]) -> None:
    """Let code that runs in `namespace` see Python 2's built-in functions."""
    namespace["__builtins__"] = BUILTINS
    # Here, not among the built-in functions: cloudpickle takes along what a function's module has.
    namespace.setdefault(translate.RUNTIME, runtime)
    rewriting.prepare(namespace, python2=True)
