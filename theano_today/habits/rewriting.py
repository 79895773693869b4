"""Which expressions of a program's own files are rewritten, so that values.py is asked.

``x[key]`` becomes ``indexed(x)[key]``, unless the key cannot be a float or a list; ``-x`` becomes
``-negated(x)``, unless x is arithmetic; ``float(x)`` becomes ``float(number(x))``; in ``df[a][b] =
v`` and ``df[a].fillna(0, inplace=True)`` ``df[a]`` becomes ``column(df, a)``. Order of evaluation,
lines and columns stay.

``a * b`` becomes ``_then_mult(a, b)``, ``a += b`` ``a = _then_iadd(a, b)``, ``np.maximum(a, b)``
``_then_called(np.maximum)(a, b)``: promotion.py and functions.py say why. Whole numbers by name,
text and constants that every dtype holds are left out. Functions for numba, which cannot call
these, are left as they are.

Programs index lists and dicts in their inner loops. So the question whether `x` is an array is
asked in the expression itself where `x` is a name: ``(x[key] if type(x) is not array else
item(x, key))``. That costs some nanoseconds, and a call some dozens.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from theano_today.habits import functions, promotion, values

_OPERATORS = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mult",
    ast.Div: "div",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitOr: "bitor",
    ast.BitXor: "bitxor",
    ast.BitAnd: "bitand",
}
_COMPARISONS = {
    ast.Lt: "lt",
    ast.LtE: "lte",
    ast.Gt: "gt",
    ast.GtE: "gte",
    ast.Eq: "eq",
    ast.NotEq: "noteq",
}
_ARITHMETIC = [*_OPERATORS.values(), *(f"i{name}" for name in _OPERATORS.values())]

# What rewritten files see of values.py, promotion.py and functions.py.
_NAMES = {
    f"_then_{name}": getattr(promotion, name) for name in (*_ARITHMETIC, *_COMPARISONS.values())
} | {
    "_then_called": functions.called,
    "_then_type": type,
    "_then_slice": slice,
    "_then_array": np.ndarray,
    "_then_item": values.item,
    "_then_indexed": values.indexed,
    "_then_negated": values.negated,
    "_then_number": values.number,
    "_then_formatted": values.formatted,
    "_then_column": values.column,
    "_then_attribute": values.attribute,
}
_NAMES_PYTHON2 = _NAMES | {
    "_then_item": values.item_of_python2,
    "_then_indexed": values.indexed_of_python2,
    "_then_compared": values.compared,
    "_then_column": functools.partial(values.column, indexed=values.indexed_of_python2),
    "_then_attribute": functools.partial(values.attribute, indexed=values.indexed_of_python2),
}

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)
_WHOLE = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.LShift, ast.RShift)
_WHOLE += (ast.BitAnd, ast.BitOr, ast.BitXor)  # type: ignore[assignment]
# Functions and methods whose result is no float and no list.
_RETURN_WHOLE = frozenset(
    [
        "int", "len", "ord", "hash", "id", "str", "repr", "long",
        "argsort", "argmax", "argmin", "nonzero", "where", "flatnonzero", "permutation", "randint",
        "lower", "upper", "strip", "join", "format", "randrange", "find", "index", "count",
    ]
)  # fmt: skip
# What makes code of a function's text, or of its bytecode, for which all names must be known.
_COMPILED = frozenset(["jit", "njit", "vectorize", "guvectorize", "autojit"])
_TEXT = (ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.DictComp)
_RETURN_TEXT = frozenset(
    [
        "str", "repr", "join", "format", "strip", "upper", "lower", "list", "set",
        "formatted", "joined", "string",
    ]
)  # fmt: skip
_RETURN_ANYTHING = frozenset(["where", "permutation"])
_COUNT = frozenset(["range", "xrange"])
_NUMBERS = frozenset(["float", "int", "complex", "long"])


def rewrite(tree: Any, python2: bool = False) -> Any:
    """Return a file's tree, rewritten; the namespace that it runs in needs `prepare`."""
    return _Rewriting(python2).visit(tree)


def prepare(namespace: dict[str, Any], python2: bool = False) -> None:
    """Let rewritten code run in a namespace."""
    # Here, not among the built-in functions: cloudpickle takes along what a function's module has.
    namespace.update(_NAMES_PYTHON2 if python2 else _NAMES)


class _Rewriting(ast.NodeTransformer):
    def __init__(self, python2: bool) -> None:
        self.python2 = python2
        self.whole: list[frozenset[str]] = [frozenset()]

    # ---- scopes: which names are whole numbers throughout

    def visit_Module(self, node: ast.Module) -> Any:
        return self._within(node, node.body)

    def visit_FunctionDef(self, node: Any) -> Any:
        if any(_name(n) in _COMPILED for d in node.decorator_list for n in ast.walk(d)):
            return node
        # Annotations are no indices.
        returns, node.returns = getattr(node, "returns", None), None
        self._within(node, node.body)
        node.returns = returns
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return self._within(node, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        return self._within(node, [node.body])

    def _within(self, node: Any, body: list[Any]) -> Any:
        self.whole.append(whole_names(node, body))
        self.generic_visit(node)
        self.whole.pop()
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_arg(self, node: ast.arg) -> Any:
        return node

    # ---- columns of pandas

    def visit_Expr(self, node: ast.Expr) -> Any:
        """Rewrite ``df[a].fillna(0, inplace=True)``."""
        call = node.value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and any(k.arg == "inplace" for k in call.keywords)
        ):
            column = self._column(call.func.value)
            if column is not None:
                call.func.value = column
                call.args = [self.visit(argument) for argument in call.args]
                for keyword in call.keywords:
                    keyword.value = self.visit(keyword.value)
                return node
        self.generic_visit(node)
        return node

    def _column(self, node: ast.expr) -> ast.expr | None:
        """Return the call for what may be a column of a DataFrame, ``df[a]`` or ``df.a``."""
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            text = isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
            if text or not is_whole(node.slice, self.whole[-1]):
                key = _as_value(self.visit(node.slice))
                return self._call("column", self.visit(node.value), key)
        if isinstance(node, ast.Attribute) and _name(node.value) not in ("", "self", "cls"):
            name = ast.copy_location(ast.Constant(node.attr), node)
            return self._call("attribute", self.visit(node.value), name)
        return None

    # ---- expressions

    def _call(self, name: str, *arguments: ast.expr, like: ast.expr | None = None) -> ast.Call:
        place = like or arguments[0]
        function = _named(name, place)
        return ast.copy_location(ast.Call(function, list(arguments), []), place)

    def _if_array(self, x: ast.expr, otherwise: ast.expr, then: ast.expr) -> ast.expr:
        kind = self._call("type", copy.copy(x))
        test = ast.Compare(kind, [ast.IsNot()], [_named("array", x)])
        return ast.copy_location(ast.IfExp(ast.copy_location(test, x), otherwise, then), otherwise)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        whole = is_whole(node.slice, self.whole[-1])
        column = self._column(node.value) if isinstance(node.ctx, ast.Store) else None
        if column is not None:
            node.value, node.slice = column, self.visit(node.slice)
            return node
        self.generic_visit(node)
        if whole or isinstance(node.value, (ast.Constant, ast.Dict, ast.List)):
            return node
        if not isinstance(node.value, ast.Name):
            node.value = self._call("indexed", node.value)
        elif isinstance(node.ctx, ast.Load) and not _holds_index(node.slice):
            key = _as_value(copy.deepcopy(node.slice))
            return self._if_array(node.value, node, self._call("item", copy.copy(node.value), key))
        else:
            there = self._call("indexed", copy.copy(node.value))
            node.value = self._if_array(node.value, node.value, there)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        plain = isinstance(node.operand, ast.Constant) or is_whole(node.operand, self.whole[-1])
        if isinstance(node.operand, ast.BinOp):
            plain = not isinstance(node.operand.op, (ast.BitAnd, ast.BitOr, ast.BitXor))
        if isinstance(node.operand, (ast.Compare, ast.BoolOp)):
            plain = False
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and not plain:
            node.operand = self._call("negated", node.operand)
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        name, function = _name(node.func), node.func
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
            of_math = isinstance(function, ast.Attribute) and _name(function.value) == "math"
            of_number = isinstance(function, ast.Name) and name in _NUMBERS
            if (of_number or of_math) and not isinstance(node.args[0], ast.Constant):
                node.args[0] = self._call("number", node.args[0])
        known = functions.OF_ONE if len(node.args) == 1 else functions.OF_OTHERS
        if name in known and not (name == "sum" and isinstance(function, ast.Attribute)):
            node.func = self._call("called", function)
        elif isinstance(function, ast.Attribute) and name == "reshape" and node.args:
            sizes = node.args
            if len(sizes) == 1 and isinstance(sizes[0], (ast.Tuple, ast.List)):
                sizes = sizes[0].elts
            if not all(is_whole(size, self.whole[-1]) for size in sizes):
                function.value = self._call("indexed", function.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        arithmetic = type(node.op) in _OPERATORS and self._asks(node.left, node.right)
        self.generic_visit(node)
        text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
        if isinstance(node.op, ast.Mod) and text:
            return self._call("formatted", node.left, node.right, like=node)
        if arithmetic:
            return self._call(_OPERATORS[type(node.op)], node.left, node.right, like=node)
        return node

    def _asks(self, *operands: ast.expr) -> bool:
        """Tell whether one of two operands may be NumPy's, and no whole numbers both."""
        if any(map(_is_text, operands)) or all(map(_is_constant, operands)):
            return False
        return not all(
            is_whole(operand, self.whole[-1])
            and not any(_name(n) in _RETURN_ANYTHING for n in ast.walk(operand))
            for operand in operands
        )

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """Rewrite ``a += b`` where a is a name, or an item or an attribute by names."""
        name = _OPERATORS.get(type(node.op))
        if name and _is_plain(node.target) and self._asks(node.target, node.value):
            value: Any = copy.deepcopy(node.target)
            for part in ast.walk(value):
                if isinstance(part, ast.expr) and getattr(part, "ctx", None):
                    part.ctx = ast.Load()  # type: ignore[attr-defined]
            call = self._call(
                f"i{name}", self.visit(value), self.visit(node.value), like=node.value
            )
            return ast.copy_location(ast.Assign([self.visit(node.target)], call), node)
        self.generic_visit(node)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        left, right = node.left, node.comparators[0]
        single = len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS
        exact = _is_exact(left) or _is_exact(right) or not self._asks(left, right)
        self.generic_visit(node)
        if not single:
            return node
        left, right = node.left, node.comparators[0]
        if self.python2 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            value = right.value if isinstance(right, ast.Constant) else 0
            if (value is None or type(value) is str) and not isinstance(left, ast.Constant):
                node.left = self._call("compared", left)
                return node
        if exact:
            return node
        return self._call(_COMPARISONS[type(node.ops[0])], left, right, like=node)


def _named(name: str, place: ast.AST) -> ast.Name:
    return ast.copy_location(ast.Name(f"_then_{name}", ast.Load()), place)


def _holds_index(key: ast.expr) -> bool:
    """Tell whether an index is too large to stand there twice, or does something to names."""
    return any(
        isinstance(n, (ast.Subscript, ast.NamedExpr, ast.Lambda, ast.Yield, ast.comprehension))
        for n in ast.walk(key)
    )


def _as_value(key: ast.expr) -> ast.expr:
    """Return an index as an expression: slices by slice()."""
    if isinstance(key, ast.Slice):
        ends = [key.lower, key.upper, key.step]
        nothing = ast.copy_location(ast.Constant(None), key)
        call = ast.Call(_named("slice", key), [end or copy.copy(nothing) for end in ends], [])
        return ast.copy_location(call, key)
    if isinstance(key, ast.Tuple):
        key.elts = [_as_value(item) for item in key.elts]
    return key


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _is_text(node: ast.expr) -> bool:
    """Tell whether an operand is text, or a list or the like."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    if isinstance(node, ast.Call):
        return _name(node.func) in _RETURN_TEXT
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
        return _is_text(node.left) or (isinstance(node.op, ast.Add) and _is_text(node.right))
    return isinstance(node, _TEXT)


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand)
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Constant)


def _is_exact(node: ast.expr) -> bool:
    """Tell whether comparing with a constant is the same in any dtype."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    if not isinstance(node, ast.Constant):
        return False
    value = node.value
    if isinstance(value, (int, float)):
        return abs(value) <= 2048 and float(np.float16(value)) == value
    return not isinstance(value, complex)


def _is_plain(target: ast.AST) -> bool:
    """Tell whether evaluating a target twice is evaluating it once."""
    if isinstance(target, ast.Subscript):
        return _is_plain(target.value) and _is_plain(target.slice)
    if isinstance(target, ast.Attribute):
        return _is_plain(target.value)
    if isinstance(target, ast.Slice):
        ends = (target.lower, target.upper, target.step)
        return all(end is None or _is_plain(end) for end in ends)
    if isinstance(target, (ast.Tuple, ast.List)):
        return all(map(_is_plain, target.elts))
    if isinstance(target, ast.UnaryOp):
        return _is_plain(target.operand)
    return isinstance(target, (ast.Name, ast.Constant))


def is_whole(node: ast.expr, names: frozenset[str]) -> bool:
    """Tell whether an index is certainly no float, and no list that stood for a tuple."""
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, (float, complex))
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Slice):
        ends = (node.lower, node.upper, node.step)
        return all(end is None or is_whole(end, names) for end in ends)
    if isinstance(node, ast.Tuple):
        return all(is_whole(item, names) for item in node.elts)
    if isinstance(node, ast.List):
        return all(not _may_be_part(item) and is_whole(item, names) for item in node.elts)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, (ast.USub, ast.UAdd)) and is_whole(node.operand, names)
    if isinstance(node, ast.BinOp):
        whole = is_whole(node.left, names) and is_whole(node.right, names)
        return isinstance(node.op, _WHOLE) and whole
    if isinstance(node, ast.Call):
        return _name(node.func) in _RETURN_WHOLE or _is_quotient(node, names)
    if isinstance(node, ast.Subscript):
        return _name(node.value) == "shape"
    return isinstance(node, ast.JoinedStr) or _name(node) == "newaxis"


def _may_be_part(item: ast.expr) -> bool:
    # What is whole, but made a tuple of a list: None, ..., text, a slice by name.
    if isinstance(item, ast.Constant):
        return not isinstance(item.value, int)
    return isinstance(item, (ast.List, ast.Tuple)) or _name(item) == "newaxis"


def _is_quotient(node: ast.Call, names: frozenset[str]) -> bool:
    # ``_py2.div(a, b)`` of whole numbers.
    function = node.func
    if not isinstance(function, ast.Attribute) or _name(function.value) != "_py2":
        return False
    return function.attr in ("div", "idiv") and all(is_whole(a, names) for a in node.args)


def whole_names(scope: ast.AST, body: list[Any]) -> frozenset[str]:
    """Return the names that are bound in a scope, and to whole numbers only."""
    bound: dict[str, list[ast.expr | None]] = {}  # None: to anything

    def bind(target: ast.AST, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            bound.setdefault(target.id, []).append(value)
            return
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.setdefault(node.id, []).append(None)

    for name in _parameters(scope):
        bound.setdefault(name, []).append(None)
    for node in _inside(body):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                bind(target, node.value)
        elif isinstance(node, ast.AugAssign):
            whole = isinstance(node.op, _WHOLE)
            bind(node.target, node.value if whole else None)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            _bind_loop(node, bind)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            for name in node.names:
                bound.setdefault(name, []).append(None)
        elif isinstance(node, _NAMED) and node.name:
            bound.setdefault(node.name, []).append(None)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                bound.setdefault((alias.asname or alias.name).partition(".")[0], []).append(None)
        else:
            for other in _other_targets(node):
                bind(other, None)
    if isinstance(scope, ast.Module):
        for node in ast.walk(scope):
            if isinstance(node, ast.Global):
                for name in node.names:
                    bound.setdefault(name, []).append(None)
    names = frozenset(bound)
    while True:
        kept = frozenset(
            n for n in names if all(v is not None and is_whole(v, names) for v in bound[n])
        )
        kept = frozenset(n for n in kept if not any(isinstance(v, ast.List) for v in bound[n]))
        if kept == names:
            return names
        names = kept


def _bind_loop(node: Any, bind: Any) -> None:
    one = ast.Constant(1)
    call = node.iter if isinstance(node.iter, ast.Call) else None
    counted = call is not None and _name(call.func) in _COUNT
    numbered = call is not None and _name(call.func) == "enumerate" and len(call.args) == 1
    if counted:
        bind(node.target, one)
    elif numbered and isinstance(node.target, ast.Tuple) and len(node.target.elts) == 2:
        bind(node.target.elts[0], one)
        bind(node.target.elts[1], None)
    else:
        bind(node.target, None)


def _other_targets(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return [item.optional_vars for item in node.items if item.optional_vars is not None]
    if isinstance(node, (ast.NamedExpr, ast.AnnAssign)):
        return [node.target]
    if isinstance(node, (ast.MatchAs, ast.MatchStar)):
        return [ast.Name(node.name, ast.Store())] if node.name else []
    if isinstance(node, ast.MatchMapping):
        return [ast.Name(node.rest, ast.Store())] if node.rest else []
    return list(node.targets) if isinstance(node, ast.Delete) else []


def _parameters(scope: Any) -> Iterator[str]:
    arguments = getattr(scope, "args", None)
    if isinstance(arguments, ast.arguments):
        for node in ast.walk(arguments):
            if isinstance(node, ast.arg):
                yield node.arg


def _inside(body: list[Any]) -> Iterator[ast.AST]:
    """Yield the nodes of a scope, without those of the scopes in it."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
