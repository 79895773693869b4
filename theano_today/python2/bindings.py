"""Which names a piece of a program binds, and which it takes from around it."""

from __future__ import annotations

import ast


def bound(tree: ast.AST) -> set[str]:
    """Return the names that code binds anywhere within, those of attributes not among them.

    ``import a.b`` binds a; what ``import *`` binds nobody knows.
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias) and node.name != "*":
            names.add((node.asname or node.name).partition(".")[0])
    return names


def free(tree: ast.AST) -> set[str]:
    """Return the names that code reads and does not bind, or says are global."""
    read, outer = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            outer.update(node.names)
    return read & outer | read - bound(tree)
