"""List comprehensions as Python 2 ran them: in the scope around them, their variables left behind.

Python 3 runs them in a scope of their own. In a function or a module the variables that the program
reads elsewhere are bound by ``:=``; in a class, where that is not allowed and where the names of
the class would not be seen, the comprehension becomes the loop that it was.
"""

from __future__ import annotations

import ast
from typing import Any

from theano_today.python2.bindings import free

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_OTHER_SCOPES = (*_SCOPES, ast.GeneratorExp, ast.SetComp, ast.DictComp)
_INNER = "_py2_item_"
_LIST = "_py2_list"


def let_leak(tree: ast.Module) -> ast.Module:
    """Change a tree so that the variables of its list comprehensions stay."""
    scopes = [node for node in ast.walk(tree) if isinstance(node, (*_SCOPES, ast.Module))]
    for scope in scopes:
        body: list[Any] = [scope.body] if isinstance(scope, ast.Lambda) else scope.body
        if isinstance(scope, ast.ClassDef):
            scope.body = [new for statement in body for new in _as_loops(statement, 0)]
            continue
        comprehensions: list[ast.ListComp] = []
        read: set[str] = set()
        for node in body:
            _scan(node, frozenset(), comprehensions, read)
        for comprehension in comprehensions:
            leaking = _targets(comprehension) & read
            if leaking:
                _bind_outside(comprehension, leaking)
    return tree


def _targets(comprehension: ast.ListComp) -> set[str]:
    return {name for part in comprehension.generators for name in _stored(part.target)}


def _stored(target: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _scan(node: ast.AST, bound: frozenset[str], found: list[ast.ListComp], read: set[str]) -> None:
    """Collect a scope's list comprehensions, and the names that it reads outside of theirs.

    A function in it may read the scope's own names: global variables, or those of a closure.
    """
    if isinstance(node, _OTHER_SCOPES):
        read |= free(node)
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
        read.add(node.id)
    if isinstance(node, ast.ListComp):
        found.append(node)
        bound |= _targets(node)
    for child in ast.iter_child_nodes(node):
        _scan(child, bound, found, read)


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id in self.names and isinstance(node.ctx, ast.Store):
            node.id = _INNER + node.id
        return node


def _bind_outside(comprehension: ast.ListComp, names: set[str]) -> None:
    for part in comprehension.generators:
        here = sorted(_stored(part.target) & names)
        if not here:
            continue
        part.target = _Renaming(set(here)).visit(part.target)
        bind = [
            ast.NamedExpr(ast.Name(name, ast.Store()), ast.Name(_INNER + name, ast.Load()))
            for name in here
        ]
        # A tuple that is not empty is true.
        condition = ast.copy_location(ast.Tuple(list(bind), ast.Load()), part.target)
        part.ifs.insert(0, ast.fix_missing_locations(condition))


def _as_loops(statement: ast.stmt, depth: int) -> list[ast.stmt]:
    """Return a statement of a class, before it the loops that make its lists."""
    if not isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr)):
        return [statement]
    hoisting = _Hoisting(depth)
    changed = hoisting.visit(statement)
    if not hoisting.loops:
        return [statement]
    targets: list[ast.expr] = [ast.Name(name, ast.Del()) for name in hoisting.names]
    end = ast.copy_location(ast.Delete(targets), statement)
    return [ast.fix_missing_locations(new) for new in (*hoisting.loops, changed, end)]


class _Hoisting(ast.NodeTransformer):
    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.loops: list[ast.stmt] = []
        self.names: list[str] = []

    def visit(self, node: ast.AST) -> Any:
        return node if isinstance(node, _OTHER_SCOPES) else super().visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> Any:
        name = f"{_LIST}{self.depth}_{len(self.names)}"
        self.names.append(name)
        append = ast.Attribute(ast.Name(name, ast.Load()), "append", ast.Load())
        add = ast.copy_location(ast.Expr(ast.Call(append, [node.elt], [])), node)
        body: list[ast.stmt] = _as_loops(add, self.depth + 1)
        for part in reversed(node.generators):
            for test in reversed(part.ifs):
                body = [ast.copy_location(ast.If(test, body, []), node)]
            body = [ast.copy_location(ast.For(part.target, part.iter, body, []), node)]
        empty = ast.Assign([ast.Name(name, ast.Store())], ast.List([], ast.Load()))
        self.loops += [ast.copy_location(empty, node), *body]
        return ast.copy_location(ast.Name(name, ast.Load()), node)
