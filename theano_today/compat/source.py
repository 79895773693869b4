"""One expression of an old function changed, where nothing around it needs to be.

The function is compiled again from its own source and keeps its identity: what imported it, what
subclasses it and what pickled it by name sees the mended one. Lines keep their numbers, so that
tracebacks and debuggers show the right ones.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
import warnings
from collections.abc import Mapping
from types import CodeType, FunctionType

_EDITED = "__theano_today_source__"  # in an edited function: its source as it is now

_FUTURE = 0
for _feature in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _feature).compiler_flag


def edit(function: FunctionType, changes: Mapping[str, str]) -> None:
    """Replace pieces of a function's source.

    Parameters
    ----------
    function : function
        A plain function or a method taken from its class, from a file.
    changes : mapping of str to str
        What stands in the source (everywhere it does), and what replaces it.

    Raises
    ------
    ValueError
        If the source lacks a piece, as a different version of the package may.
    """
    # Two modules may each mend a piece of one function.
    source = vars(function).get(_EDITED) or textwrap.dedent(inspect.getsource(function))
    for old, new in changes.items():
        if old not in source:
            name = f"{function.__module__}.{function.__qualname__}"
            raise ValueError(
                f"the source of {name} has no {old!r}: a different version is installed"
            )
        source = source.replace(old, new)
    with warnings.catch_warnings():
        # The old packages' escape sequences: a DeprecationWarning until Python 3.11.
        warnings.filterwarnings("ignore", "(?s).*invalid escape sequence")
        function.__code__ = _compiled(source, function)
    vars(function)[_EDITED] = source


def _compiled(source: str, function: FunctionType) -> CodeType:
    old = function.__code__
    tree = ast.parse(source)
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    definition.decorator_list = []  # they were applied already
    ast.increment_lineno(tree, old.co_firstlineno - 1)
    *outer, _ = function.__qualname__.split(".")
    if outer and outer[-1] != "<locals>":
        # Inside a class of its class' name, for the sake of names that begin with two underscores.
        shell = ast.parse(f"class {outer[-1]}: pass")
        inner = shell.body[0]
        assert isinstance(inner, ast.ClassDef)
        inner.body = [definition]
        tree = shell
    flags = old.co_flags & _FUTURE
    module = compile(tree, old.co_filename, "exec", flags=flags, dont_inherit=True)
    code = _named(module, old.co_name)
    return code.replace(co_qualname=old.co_qualname)


def _named(code: CodeType, name: str) -> CodeType:
    """Return the code of the function `name` among what `code` defines."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    for constant in inner:
        if constant.co_name == name and constant.co_flags & inspect.CO_NEWLOCALS:
            return constant
    return _named(inner[0], name)
