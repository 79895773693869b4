"""The house's arrows: scripts -> kfkd -> theano_today, never back, and no circles."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("theano_today", "kfkd")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "build_shim" not in path.parts
}


def names_imported(name: str) -> set[str]:
    """Return the full names that a module imports, functions' own imports included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def modules_imported(name: str) -> set[str]:
    """Return which of `MODULES` a module imports; not the packages that it is in itself."""
    found = {other for other in names_imported(name) if other in MODULES and other != name}
    deeper = {other for other in found if any(within(o, other) and o != other for o in found)}
    return {other for other in found - deeper if not within(name, other)}


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in a circle, or an empty list."""
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        path.append(name)
        for other in sorted(graph[name]):
            if found := visit(other):
                return found
        path.pop()
        done.add(name)
        return []

    return next((found for name in graph if (found := visit(name))), [])


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_circles():
    """An import within a function counts: it hides a circle, it does not end it."""
    assert circle({name: modules_imported(name) for name in MODULES}) == []


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("theano_today", ["kfkd"]),
        ("theano_today.engine", ["theano_today.training", "theano_today.torch_link"]),
        ("theano_today.torch_link", ["theano_today.training"]),
        ("kfkd", ["net2", "load", "plot_results"]),
    ],
)
def test_arrows(room, forbidden):
    wrong = [
        f"{name} imports {other}"
        for name in MODULES
        if within(name, room)
        for other in names_imported(name)
        if within(other, *forbidden)
    ]
    assert not wrong
