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
        ("theano_today.python2", ["theano_today.runner", "theano_today.training"]),
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


# Modules whose tests are not at their own path, and why.
ELSEWHERE = {
    "theano_today.__main__": "a name without underscores: tests/theano_today/test_main.py",
    "theano_today.export.__main__": "tests/theano_today/export/test_write.py",
    "kfkd.faces": "its parts are judged by the picture: tests/kfkd/faces/test_scene.py",
    "theano_today.compat.theano.sandbox_cuda": "theano.sandbox.cuda's modules are tested by kinds "
    "of Ops: test_basic_ops.py (streams, FFT, nnet, blocks), test_blas.py (filters), "
    "test_dnn.py, test_dnn_rest.py, and tests/theano_today/compat/test_lasagne.py (pylearn2)",
    "theano_today.engine.conv_pool.find": "what the rewrite finds: "
    "tests/theano_today/engine/conv_pool/test_rewrite.py, test_unpooled.py",
    "theano_today.engine.conv_pool.padding": "what the rewrite finds: "
    "tests/theano_today/engine/conv_pool/test_rewrite.py, test_unpooled.py",
    "theano_today.python2.modules": "all of Python 2's modules together: "
    "tests/theano_today/python2/modules/test_supplied.py",
    "theano_today.engine.scan": "its parts are judged by what scans compute: "
    "tests/theano_today/engine/scan/test_loop.py",
    "theano_today.runner.ipython": "tests/theano_today/runner/test_notebook.py",
    "theano_today.setup.startup": "tests/theano_today/setup/test_always.py",
    "theano_today.torch_link.dispatch.fused": "with the harness for the host's compiler: "
    "tests/theano_today/torch_link/test_pooling.py",
    "theano_today.torch_link.dispatch.scalars": "the formulas of test_elemwise.py",
}


def has_tests(name: str) -> bool:
    """Say whether a module has its test file, or is a package: its rooms have theirs."""
    path = MODULES[name].relative_to(ROOT)
    mirrored = ROOT / "tests" / path.parent / f"test_{path.name}"
    return path.name == "__init__.py" or mirrored.is_file()


def test_tests_mirror_the_code():
    without = [name for name in MODULES if not has_tests(name)]
    assert [name for name in without if not within(name, *ELSEWHERE)] == []
    assert [e for e in ELSEWHERE if not any(within(name, e) for name in without)] == []
    for reason in ELSEWHERE.values():
        for word in reason.replace(",", " ").split():
            if word.startswith("tests/"):
                assert (ROOT / word).is_file(), word
