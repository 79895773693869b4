"""Whether a program is Python 2.

A file is when Python 3 cannot parse it and Python 2 can, or when it uses, without a way around
for Python 3, a module or a name that only Python 2 has. A program is when one of its files is:
files that say nothing of it (``n / 2``) are then translated as well.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from theano_today.python2 import bindings, cache, translate
from theano_today.python2.modules import supplied

_MODULES = frozenset({*supplied.NAMES, "urllib2"}) - {"Image", "repr"}
_NAMES = frozenset(
    [
        "apply",
        "basestring",
        "buffer",
        "cmp",
        "coerce",
        "execfile",
        "file",
        "intern",
        "long",
        "raw_input",
        "reduce",
        "reload",
        "unichr",
        "unicode",
        "xrange",
        "StandardError",
    ]
)
_MAKE_LISTS = frozenset(["filter", "map", "range", "zip"])
_METHODS = frozenset(
    [
        "has_key",
        "iteritems",
        "iterkeys",
        "itervalues",
        "viewitems",
        "viewkeys",
        "viewvalues",
    ]
)
_ATTRIBUTES = {
    "sys": {"maxint", "setdefaultencoding", "exc_clear"},
    "os": {"getcwdu"},
    "string": {
        "letters", "lowercase", "uppercase", "maketrans", "join", "split", "replace", "atoi",
        "atof", "lower", "upper", "strip",
    },
    "itertools": {"izip", "imap", "ifilter", "izip_longest", "ifilterfalse"},
    "urllib": {"urlopen", "urlretrieve", "urlencode", "quote", "unquote"},
    "types": {"StringType", "ListType", "IntType", "DictType", "TupleType", "FloatType"},
    "operator": {"div", "isCallable", "isSequenceType"},
}  # fmt: skip

_ONLY_3 = (
    ast.JoinedStr,
    ast.AnnAssign,
    ast.NamedExpr,
    ast.Nonlocal,
    ast.YieldFrom,
    ast.MatMult,
    ast.AsyncFunctionDef,
    ast.AsyncFor,
    ast.AsyncWith,
    ast.Await,
)


def is_python2(source: str) -> bool:
    """Tell whether a file's source says that it is Python 2."""
    tree = parse(source)
    if tree is None:
        return _parses(source)
    return any(_signs(tree))


def is_python3(source: str) -> bool:
    """Tell whether a file cannot be Python 2: it uses what only Python 3 has."""
    tree = parse(source)
    if tree is None:
        return False
    if _prints_by_function(tree):
        return True
    for node in ast.walk(tree):
        if isinstance(node, _ONLY_3):
            return True
        if isinstance(node, ast.arguments):
            everything = [*node.args, *node.posonlyargs, *node.kwonlyargs]
            if node.kwonlyargs or node.posonlyargs or any(a.annotation for a in everything):
                return True
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            return True
        if isinstance(node, ast.Raise) and node.cause is not None:
            return True
        if isinstance(node, ast.ClassDef) and node.keywords:
            return True
    return False


def _parses(source: str) -> bool:
    return cache.kept(lambda: translate.parses(source), "parses", source)


def parse(source: str) -> ast.Module | None:
    """Parse a file as Python 3; None if it is not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
            compile(source, "<source>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return None
    return tree


def _prints_by_function(tree: ast.Module) -> bool:
    """Tell whether print is called with sep, end, file or flush, and is no function by import."""
    features = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    ]
    return "print_function" not in features and any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and node.keywords
        for node in ast.walk(tree)
    )


def _signs(tree: ast.Module) -> Iterator[str]:
    """Yield the names of Python 2 that a file uses outside of any `if` or `try` made for both."""
    own = _own_names(tree)
    modules = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    yield from _lists_by_name(tree, own)
    for node in _unguarded(tree):
        yield from _lists_by_name(node, own)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in _MODULES)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if node.module in _MODULES:
                yield node.module or ""
            gone = _ATTRIBUTES.get(node.module or "", set())
            yield from (alias.name for alias in node.names if alias.name in gone)
        elif isinstance(node, ast.ExceptHandler) and _names_the_error(node.type):
            yield "except"
        elif isinstance(node, ast.Name) and node.id in _NAMES and node.id not in own:
            yield node.id
        elif isinstance(node, ast.Attribute):
            value = node.value
            module = modules.get(value.id) if isinstance(value, ast.Name) else None
            if module and node.attr in _ATTRIBUTES.get(module, ()):
                yield f"{module}.{node.attr}"
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _METHODS:
            yield node.func.attr  # type: ignore[attr-defined]
        else:
            yield from _lists(node, own)
            yield from _whole_quotients(node, own)


def _whole_quotients(node: ast.AST, bound: set[str]) -> Iterator[str]:
    """Yield "/" where range gets a quotient, which is never whole in Python 3.

    As an index it says nothing: NumPy took floats then.
    """
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id != "range" or "range" in bound:
            return
        if any(isinstance(a, ast.BinOp) and isinstance(a.op, ast.Div) for a in node.args):
            yield "/"


def _lists(node: ast.AST, bound: set[str]) -> Iterator[str]:
    """Yield the functions whose result a node uses as a list, where Python 3 would raise."""
    used: list[ast.expr] = []
    names = _MAKE_LISTS - {"range"}  # whose len() and items Python 3 knows
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        used, names = [node.left, node.right], _MAKE_LISTS
    elif isinstance(node, ast.Subscript):
        used = [node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        used = node.args
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "shuffle":
        used, names = node.args[:1], _MAKE_LISTS
    for value in used:
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            name = value.func.id
            if name in names - bound:
                yield name


# What uses an iterator up.
_USE_UP = frozenset(
    ["all", "any", "dict", "enumerate", "list", "max", "min", "set", "sorted", "sum"]
)
_BRANCHES = (ast.If, ast.Try, ast.While, ast.IfExp, ast.FunctionDef, ast.ClassDef, ast.Lambda)


def _lists_by_name(block: ast.AST, bound: set[str]) -> Iterator[str]:
    """Yield map and the like whose result has a name and is used as a list, or used up twice.

    ``n = map(len, rows); w = max(n); x.fill(list(n))`` fills in nothing in Python 3.
    """
    statements = getattr(block, "body", None)
    if not isinstance(statements, list):
        return
    for place, statement in enumerate(statements):
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            continue
        target, value = statement.targets[0], statement.value
        if not isinstance(target, ast.Name) or not isinstance(value, ast.Call):
            continue
        maker = getattr(value.func, "id", "")
        if maker not in _MAKE_LISTS - {"range"} - bound:
            continue
        used_up = 0
        for later in statements[place + 1 :]:
            for node in _always(later):
                if _is_list_by_name(node, target.id):
                    yield maker
                used_up += _uses_up(node, target.id)
            if target.id in bindings.bound(ast.Module([later], [])):
                break
        if used_up > 1:
            yield maker


def _always(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through what is evaluated whenever a statement is."""
    yield node
    if not isinstance(node, _BRANCHES):
        for child in ast.iter_child_nodes(node):
            yield from _always(child)


def _is_named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)


def _is_list_by_name(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_named(node.value, name)
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    return getattr(node.func, "id", "") == "len" and _is_named(node.args[0], name)


def _uses_up(node: ast.AST, name: str) -> bool:
    if isinstance(node, (ast.For, ast.comprehension)):
        return _is_named(node.iter, name)
    called = isinstance(node, ast.Call) and getattr(node.func, "id", "") in _USE_UP
    return called and any(_is_named(a, name) for a in node.args)  # type: ignore[attr-defined]


def _names_the_error(caught: ast.expr | None) -> bool:
    """Tell whether ``except E, e`` means Python 2's; since 3.14 it catches both."""
    if not isinstance(caught, ast.Tuple) or len(caught.elts) != 2:
        return False
    first, second = caught.elts
    if (caught.lineno, caught.col_offset) != (first.lineno, first.col_offset):
        return False  # in parentheses
    return not isinstance(second, ast.Name) or second.id[:1].islower()


def _own_names(tree: ast.Module) -> set[str]:
    names = bindings.bound(tree)
    if any(isinstance(node, ast.alias) and node.name == "*" for node in ast.walk(tree)):
        # six.moves, a compat module of the program's own: anything may come from there.
        names |= _NAMES | _MAKE_LISTS
    return names


def _unguarded(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through a tree, but for what is written for Python 2 and 3."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Try) and _handles_absence(child):
            for rest in (*child.orelse, *child.finalbody):
                yield rest
                yield from _unguarded(rest)
            continue
        if isinstance(child, (ast.If, ast.IfExp)) and _asks_version(child.test):
            continue
        yield child
        yield from _unguarded(child)


def _handles_absence(node: ast.Try) -> bool:
    wanted = {"ImportError", "ModuleNotFoundError", "NameError", "AttributeError", "Exception"}
    for handler in node.handlers:
        if handler.type is None:
            return True
        if wanted & {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)}:
            return True
    return False


def _asks_version(test: ast.AST) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute) and node.attr in (
            "version_info",
            "PY2",
            "PY3",
            "hexversion",
        ):
            return True
        if isinstance(node, ast.Name) and node.id.upper() in ("PY2", "PY3"):
            return True
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "hasattr"
        ):
            return True
    return False


def _imports_neighbours(tree: ast.Module, path: Path) -> bool:
    """Tell whether a package's file imports a module beside it by the module's name alone.

    If there is no other module of that name, Python 3 could not import it.
    """
    if not (path.parent / "__init__.py").is_file():
        return False
    names: set[str] = set()
    for node in _unguarded(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if node.module == "__future__" and any(a.name == "absolute_import" for a in node.names):
                return False
            names.add((node.module or "").partition(".")[0])
    return any(_lies_in(path.parent, name) and not _is_importable(name) for name in names)


def _lies_in(folder: Path, name: str) -> bool:
    place = folder / name
    return place.with_name(f"{name}.py").is_file() or (place / "__init__.py").is_file()


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def names_imported(tree: ast.Module, package: str = "") -> Iterator[str]:
    """Yield the full names that a file imports, and those that Python 2 took them for."""
    for node in ast.walk(tree):
        found: list[str] = []
        base = package
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package else []
            above = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            stem = ".".join(filter(None, [above, node.module or ""]))
            found = [stem, *(f"{stem}.{alias.name}".strip(".") for alias in node.names)]
            base = "" if node.level else package
        for name in found:
            yield name
            if base:
                yield f"{base}.{name}"


def python2_file(
    script: Path, folder: Path, package: str = "", own: Path | None = None
) -> Path | None:
    """Return the first file of a program that says that it is Python 2, or None.

    Followed are imports of files below `own`, whose names begin at `folder`; by default these
    are the same.
    """
    own = own or folder
    waiting, seen = [(script, package)], {script}
    while waiting:
        path, package = waiting.pop(0)
        try:
            source = translate.decode(path.read_bytes())
        except OSError:
            continue
        tree = parse(source)
        if tree is None:
            if _parses(source):
                return path
            continue
        if any(_signs(tree)) or _imports_neighbours(tree, path):
            return path
        for name in names_imported(tree, package):
            for found, inside in files_of(folder, name):
                if found not in seen and found.is_relative_to(own):
                    seen.add(found)
                    waiting.append((found, inside))
    return None


# What hardly a file of Python 2 is without, and few of Python 3 have.
_SUSPECT = re.compile(
    rb"\bprint +[^(\s=]|\b(xrange|raw_input|basestring|unicode|execfile)\b|<>"
    rb"|\.(iter(items|keys|values)|has_key)\(|\b(cPickle|cStringIO|urllib2|Queue|ConfigParser)\b"
    rb"|\bexcept [\w.]+ *, *\w+ *:|\braise \w+ *,|\bfrom itertools import .*\bi(zip|map)\b"
)


def python2_package(top: Path, otherwise: bool, suspects: bool = False) -> bool:
    """Tell whether a package, or a module, is Python 2: the first file decides that says so.

    `otherwise` is the answer where no file is certainly Python 2 or Python 3. With `suspects`
    only files are parsed that look like Python 2.
    """
    answer = otherwise
    for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if suspects and not _SUSPECT.search(data):
            continue
        source = translate.decode(data)
        tree = parse(source)
        if is_python2(source) or (tree is not None and _imports_neighbours(tree, path)):
            return True
        answer = answer and not is_python3(source)
    return answer


def files_of(folder: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Yield the files below `folder` that ``import name`` executes, each with its package."""
    parts = name.split(".")
    if parts[0] == "theano_today":
        return  # a checkout in the program's folder
    for count in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:count])
        if (place / "__init__.py").is_file():
            yield place / "__init__.py", ".".join(parts[:count])
        elif place.with_name(place.name + ".py").is_file():
            yield place.with_name(place.name + ".py"), ".".join(parts[: count - 1])
