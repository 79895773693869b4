"""Compiles translated source so that tracebacks are the original's, and what only a run needs.

Line numbers are those of the file that the user wrote, whose lines Python then shows. Columns
would be those of the translation: each line stands for itself as a whole, without carets.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from theano_today.habits import rewriting
from theano_today.python2 import bindings, comprehensions, translate

_COMPARISONS: dict[type, str] = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}
_NEW_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_CAUGHT = "_py2_caught"
# Types that are called with one argument, by what does it in runtime.py.
_CALLED = {
    "str": "string",
    "unicode": "string_unicode",
    "bytes": "string_bytes",
    "bytearray": "string_bytearray",
}


def compile_text(
    source: str, filename: str, mode: str = "exec", *, own: Callable[[str], bool] | None = None
) -> CodeType:
    """Compile Python 2's source.

    Raises
    ------
    NotPython2
        If it is not Python 2.
    SyntaxError
        If the translation cannot be compiled; the line is the original's.
    """
    tree = parse_text(source, filename, mode, own=own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(tree, filename, mode, dont_inherit=True)


def parse_text(
    source: str, filename: str, mode: str = "exec", *, own: Callable[[str], bool] | None = None
) -> Any:
    """Return the tree that `compile_text` compiles."""
    done = translate.translate(source, filename, own=own or (lambda name: False))
    text = done.text.strip() if mode == "eval" else done.text
    translated = True  # whether lines are still the translation's
    try:
        with warnings.catch_warnings():
            # About ``x is 3`` and "\\d": nobody is to mend them.
            warnings.simplefilter("ignore")
            tree = ast.parse(text, filename, mode)
            tree = _for_the_run(tree, source, done)
            translated = False
            compile(tree, filename, mode, dont_inherit=True)
    except SyntaxError as error:
        if error.lineno and translated:
            error.lineno = done.lines[min(error.lineno, len(done.lines)) - 1]
        lines = source.split("\n")
        inside = error.lineno and error.lineno <= len(lines)
        error.text = lines[error.lineno - 1] if error.lineno and inside else None
        error.end_lineno, error.offset, error.end_offset = error.lineno, None, None
        raise
    return tree


def compile_file(path: Any, own: Callable[[str], bool] | None = None) -> CodeType:
    """Compile a file that may be Python 2 or 3; what cannot be parsed as 2 is taken as 3."""
    source = translate.decode(Path(path).read_bytes())
    try:
        return compile_text(source, str(path), own=own)
    except translate.NotPython2:
        return compile(source, str(path), "exec", dont_inherit=True)


def _for_the_run(tree: Any, source: str, done: translate.Translation) -> Any:
    if isinstance(tree, ast.Module):
        tree = comprehensions.let_leak(tree)
    tree = _Declarations().visit(tree)
    tree = _Semantics(done.print_function, bindings.bound(tree)).visit(tree)
    tree = rewriting.rewrite(tree, python2=True)
    tree = ast.fix_missing_locations(tree)
    origins = done.lines
    lines = source.split("\n")
    widths = [len(line.encode("utf-8", "replace")) for line in lines]
    indents = [len(line) - len(line.lstrip()) for line in lines]
    node: Any
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            here = origins[min(node.lineno, len(origins)) - 1]
            node.lineno = node.end_lineno = here
            inside = here <= len(lines)
            node.col_offset = indents[here - 1] if inside else 0
            node.end_col_offset = max(widths[here - 1] if inside else 0, node.col_offset)
    return tree


class _Declarations(ast.NodeTransformer):
    """``global x`` behind a use of x, which Python 2 warned of: moved to the scope's beginning."""

    def visit_Module(self, node: ast.Module) -> Any:
        self._moved(node, keep=False)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: Any) -> Any:
        self._moved(node, keep=True)
        return self.generic_visit(node)

    visit_ClassDef = visit_FunctionDef

    def _moved(self, scope: Any, keep: bool) -> None:
        names: list[str] = []

        class Taken(ast.NodeTransformer):
            def visit_Global(self, node: ast.Global) -> Any:
                names.extend(name for name in node.names if name not in names)
                return ast.copy_location(ast.Pass(), node)

            def visit_FunctionDef(self, node: Any) -> Any:
                return node

            visit_ClassDef = visit_Lambda = visit_FunctionDef

        scope.body = [Taken().visit(statement) for statement in scope.body]
        if names and keep:  # a module's own say nothing
            start = 1 if ast.get_docstring(scope, clean=False) is not None else 0
            place = scope.body[min(start, len(scope.body) - 1)]
            scope.body.insert(start, ast.copy_location(ast.Global(names), place))


class _Semantics(ast.NodeTransformer):
    """What runs differently though it is written alike.

    The print statement, floats as text, comparisons of anything with anything, generators that end
    by StopIteration, and the names of exceptions, which stay bound when the handler is over.
    """

    def __init__(self, print_function: bool, bound: set[str]) -> None:
        self.print_function = print_function
        # Names that are the program's own are not Python's types.
        self.called = {name: _CALLED[name] for name in _CALLED.keys() - bound}

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "print" and not self.print_function:
            runtime = ast.Name(translate.RUNTIME, ast.Load())
            node.func = ast.copy_location(
                ast.Attribute(runtime, "print_statement", ast.Load()), node.func
            )
        elif isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
            name = self.called.get(node.func.id)
            if name and not isinstance(node.args[0], ast.Starred):
                self._call_runtime(node, name)
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            node.args.insert(0, node.func.value)
            self._call_runtime(node, "format")
        elif _is_join(node):
            node.args.insert(0, node.func.value)  # type: ignore[attr-defined]
            self._call_runtime(node, "joined")
        return node

    def _call_runtime(self, node: ast.Call, name: str) -> None:
        runtime = ast.Name(translate.RUNTIME, ast.Load())
        node.func = ast.copy_location(ast.Attribute(runtime, name, ast.Load()), node.func)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Mod) or not _is_text(node.left):
            return node
        call = ast.Call(node, [node.left, node.right], [])
        self._call_runtime(call, "formatted")
        return ast.copy_location(call, node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        within = len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn))
        if within and isinstance(node.comparators[0], ast.Constant):
            call = ast.Call(node.left, [node.left], [])
            self._call_runtime(call, "member")
            node.left = ast.copy_location(call, node.left)
            return node
        if not any(type(op) in _COMPARISONS for op in node.ops):
            return node
        values = [node.left, *node.comparators]
        if len(node.ops) == 1:
            function = _COMPARISONS[type(node.ops[0])]
        elif all(map(_simple, values[2:])):
            # Evaluating all of them first is the same then.
            function = "chain"
            values.insert(0, ast.Constant(" ".join(type(op).__name__ for op in node.ops)))
        else:
            return node
        runtime = ast.Name(translate.RUNTIME, ast.Load())
        call = ast.Call(ast.Attribute(runtime, function, ast.Load()), values, [])
        return ast.copy_location(call, node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self.generic_visit(node)
        if not _yields(node):
            return node
        start = 1 if ast.get_docstring(node, clean=False) is not None else 0
        body = node.body[start:]
        if not body:
            return node
        end = ast.ExceptHandler(ast.Name("StopIteration", ast.Load()), None, [ast.Return(None)])
        guarded = ast.Try(body, [end], [], [])
        node.body[start:] = [ast.copy_location(guarded, body[0])]
        parts: list[Any] = [end, *end.body, end.type]
        for one in parts:
            ast.copy_location(one, body[0])
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        self.generic_visit(node)
        if node.name is None:
            return node
        bind = ast.Assign([ast.Name(node.name, ast.Store())], ast.Name(_CAUGHT, ast.Load()))
        node.name = _CAUGHT
        node.body.insert(0, ast.copy_location(bind, node))
        return node


def _is_join(node: ast.Call) -> bool:
    named = isinstance(node.func, ast.Attribute) and node.func.attr == "join"
    return named and len(node.args) == 1 and not node.keywords


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _simple(value: ast.expr) -> bool:
    """Tell whether nothing happens when an expression is evaluated."""
    if isinstance(value, ast.UnaryOp):
        return _simple(value.operand)
    if isinstance(value, ast.Call):
        of_len = isinstance(value.func, ast.Name) and value.func.id == "len"
        return of_len and all(map(_simple, value.args))
    if isinstance(value, ast.Attribute):
        return _simple(value.value)
    return isinstance(value, (ast.Constant, ast.Name))


def _yields(function: ast.FunctionDef) -> bool:
    waiting: list[Any] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, _NEW_SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
    return False
