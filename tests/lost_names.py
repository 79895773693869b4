"""What the old packages use of NumPy, SciPy, scikit-learn and Python that today's lack or changed.

    python tests/lost_names.py            prints one finding a line: kind, what, where
    python tests/lost_names.py --uses     and every name that they use, lost or not, as kind "uses"

It reads the installed source of theano, lasagne and nolearn (without their tests and Theano's GPU
back end), resolves every name that belongs to another package and asks the package that is
installed for it. `import theano_today` must not have run in the process: it supplies the names.

Kinds of findings:

- name: a module, function or attribute of a module that is not there
- warns: one that is there, and warns when it is looked at
- call: arguments that the function does not take any more
- method: a method or attribute that arrays, dicts, ... do not have any more, whatever it is called
  on (the type is not known)
- index: a list that may hold slices as an index
- changed: a function that gives something else than it did (`CHANGED` says what and since when)
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("theano", "lasagne", "nolearn")
OTHERS = {"numpy", "scipy", "sklearn", "pandas", "joblib", "tabulate"} | sys.stdlib_module_names

# Methods and attributes that are gone, with what they were of. Names that others still have (split,
# sort) would find nothing but noise.
METHODS = {
    **dict.fromkeys(["tostring", "itemset", "newbyteorder", "ptp"], "numpy.ndarray"),
    **dict.fromkeys(["ndincr"], "numpy.ndindex"),
    **dict.fromkeys(["get_data", "get_strides", "get_as_parameter"], "numpy.ndarray.ctypes"),
    **dict.fromkeys(["has_key", "iteritems", "itervalues", "iterkeys"], "dict"),
    **dict.fromkeys(["getrow", "getcol", "asfptype", "getH", "get_shape", "getmaxprint"], "sparse"),
    **dict.fromkeys(["assertEquals", "assertItemsEqual", "assertRaisesRegexp"], "unittest"),
    **dict.fromkeys(["isAlive", "setDaemon"], "threading.Thread"),
    **dict.fromkeys(["getchildren", "im_func", "im_self", "func_code", "func_name"], "python 2"),
    # Deprecated, gone before long: what writes to them is found by its assignment.
    **dict.fromkeys(["resize"], "numpy.ndarray, deprecated in 2.5"),
}
ASSIGNED = {"shape": "deprecated in NumPy 2.5", "strides": "in 2.4", "dtype": "in 2.5"}

# From the release notes of NumPy 1.20 to 2.5 and SciPy 1.6 to 1.18 and Python's "What's new": what
# has the same name and arguments, and another result.
CHANGED = {
    "numpy.unique": "2.0: the inverse has the input's shape; 1.21: NaNs are equal",
    "numpy.fft": "2.0: float32 in, complex64 out",
    "numpy.linalg.eig": "2.5: always complex",
    "numpy.linalg.eigvals": "2.5: always complex",
    "numpy.linalg.solve": "2.0: b of one dimension only is a vector",
    "numpy.linalg.lstsq": "2.0: rcond=None is another number",
    "numpy.linalg.qr": "2.0: mode 'full', 'economic' are gone",
    "numpy.argsort": "1.25: another order of equal elements",
    "numpy.partition": "1.25: another order",
    "numpy.argpartition": "1.25: another order",
    "numpy.cross": "2.5: no vectors of two dimensions",
    "numpy.fromstring": "2.3: no binary mode",
    "numpy.bincount": "2.5: no floats; 2.3: minlength=None",
    "numpy.where": "2.5: no integers out of range",
    "numpy.percentile": "2.4: interpolation is method",
    "numpy.fix": "deprecated in 2.5",
    "numpy.typename": "deprecated in 2.5",
    "numpy.ma.round_": "deprecated in 2.5",
    "numpy.testing.assert_warns": "deprecated in 2.4",
    "numpy.testing.suppress_warnings": "deprecated in 2.4",
    "numpy.finfo": "2.5: None is refused",
    "numpy.can_cast": "2.0: no values any more, dtypes only",
    "numpy.result_type": "2.0: values do not count",
    "numpy.promote_types": "2.0: no strings and numbers",
    "numpy.asscalar": "1.23: gone",
    "numpy.copy": "2.0: of copy=False",
    "copy.copy": "NumPy 1.24: of a RandomState, the same state",
    "scipy.linalg.solve": "1.15: stacks; 1.17: looks at the structure of A",
    "scipy.linalg.eigh": "1.5: eigvals, turbo and type are gone",
    "scipy.sparse.isspmatrix": "1.11: False for sparse arrays",
    "scipy.misc": "1.12: empty; 2.0: gone",
    "scipy.stats.chisqprob": "1.0: gone",
    "random.sample": "3.11: no sets",
    "random.shuffle": "3.11: no function of random numbers",
    "inspect.getargspec": "3.11: gone",
    "hashlib.md5": "of str",
    "time.clock": "3.8: gone",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Yield the name from the package's folder on, and the tree, of every file that counts."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None, package
        folder = Path(spec.origin).parent
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(folder.parent).as_posix()
            if "/gpuarray/" in name or path.name.startswith("test_") or "/tests/" in name:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # escape sequences
                yield name, ast.parse(path.read_text(encoding="utf-8"))


class Unresolved(Exception):
    """No such name; the message is the part that is missing."""


def resolve(dotted: str):
    """Return what a dotted name means today.

    Raises
    ------
    Unresolved
        If a module or an attribute of one does not exist. Attributes of classes and instances are
        not followed.
    """
    parts = dotted.split(".")
    value: object = None
    for number, part in enumerate(parts):
        whole = ".".join(parts[: number + 1])
        if number and not isinstance(value, types.ModuleType):
            return None
        if number and hasattr(value, part):
            value = getattr(value, part)
            continue
        try:
            value = importlib.import_module(whole)
        except (ImportError, AttributeError, RuntimeError):
            raise Unresolved(whole) from None
    return value


class _File:
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.names: dict[str, str] = {}  # what an imported name stands for
        self.imported: list[tuple[str, int]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    if top in OTHERS:
                        self.names[alias.asname or top] = alias.name if alias.asname else top
                        self.imported.append((alias.name, node.lineno))
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                if node.module.partition(".")[0] not in OTHERS | {"__future__"}:
                    continue
                for alias in node.names:
                    whole = node.module + ("" if alias.name == "*" else f".{alias.name}")
                    self.names[alias.asname or alias.name] = whole
                    self.imported.append((whole, node.lineno))

    def dotted(self, node: ast.expr) -> str | None:
        """Return the whole name of ``np.linalg.eig`` or of an imported ``eig``."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in self.names:
            return ".".join([self.names[node.id], *reversed(parts)])
        return None

    def used(self) -> Iterator[tuple[str, int]]:
        yield from self.imported
        inner = {id(n.value) for n in ast.walk(self.tree) if isinstance(n, ast.Attribute)}
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Attribute, ast.Name)) and id(node) not in inner:
                name = self.dotted(node)
                if name is not None:
                    yield name, node.lineno

    def findings(self) -> Iterator[tuple[str, str, int]]:
        """Yield kind, what and line."""
        for name, line in self.used():
            yield from ((kind, what, line) for kind, what in _about(name))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                if self.dotted(node) is None:
                    yield "method", node.attr, node.lineno
            elif isinstance(node, ast.Call):
                if refused := self._refused(node):
                    yield "call", refused, node.lineno
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute) and target.attr in ASSIGNED:
                        yield "method", f"{ast.unparse(target)} =", node.lineno
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for index in _list_indices(node):
                    yield "index", ast.unparse(index), index.lineno

    def _refused(self, call: ast.Call) -> str | None:
        name = self.dotted(call.func)
        if name is None or any(isinstance(a, ast.Starred) for a in call.args):
            return None
        if any(keyword.arg is None for keyword in call.keywords):
            return None
        try:
            function = resolve(name)
        except Unresolved:
            return None  # found already
        if not callable(function):
            return None
        try:
            signature = inspect.signature(function)
        except (ValueError, TypeError):
            return None  # written in C, without one
        try:
            signature.bind(*call.args, **{k.arg: k.value for k in call.keywords if k.arg})
        except TypeError as error:
            return f"{name}: {error}"
        return None


def _about(name: str) -> Iterator[tuple[str, str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            resolve(name)
        except Unresolved as missing:
            yield "name", str(missing)
            return
    if any("deprecat" in str(w.message).lower() for w in caught):
        yield "warns", name
    parts = name.split(".")
    for number in range(len(parts)):
        if (start := ".".join(parts[: number + 1])) in CHANGED:
            yield "changed", start


def _list_indices(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.Subscript]:
    """Yield ``x[names]`` where the function has made `names` a list, and ``x[[...]]``.

    Where the index is a list of numbers or the indexed thing is a symbolic variable it is right:
    the type of neither is known here.
    """
    lists = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _is_list(node.value):
            lists |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript):
            index = node.slice
            if _is_list(index) or (isinstance(index, ast.Name) and index.id in lists):
                yield node


def _is_list(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_list(node.left) or _is_list(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id == "list"
    return isinstance(node, (ast.List, ast.ListComp))


def main() -> None:
    if "theano_today" in sys.modules:
        sys.exit("theano_today is imported: it supplies the names that this is to find")
    uses = "--uses" in sys.argv[1:]
    for path, tree in sources():
        file = _File(tree)
        for kind, what, line in sorted(set(file.findings())):
            print(f"{kind}\t{what}\t{path}:{line}")
        if uses:
            for name in sorted({name for name, _ in file.used()}):
                print(f"uses\t{name}\t{path}")


if __name__ == "__main__":
    main()
