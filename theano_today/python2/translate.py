"""Python 2's source as Python 3's, by fissix (the maintained lib2to3) and rewritings of ours.

fissix knows the grammar and the forms that only look different: print, exec, raise, except,
backticks, octal numbers, tuple parameters. What depends on values becomes a call that decides
while the program runs (runtime.py): ``a / b`` becomes ``_py2.div(a, b)``.
"""

from __future__ import annotations

import functools
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from theano_today.errors import SetupError
from theano_today.python2 import classes, modules

_TARGET = "_py2_error"
RUNTIME = "_py2"  # what the functions of runtime.py are called by in translated code

_FIXERS = "exec raise throw repr ne numliterals print tuple_params paren funcattrs methodattrs"
# Only for files that the user goes on with; a program that runs has classes.build_class.
_FIXERS_KEPT = "metaclass import"

_HEADER = (
    "from theano_today.python2 import runtime as _py2\n"
    "from theano_today.python2.names import *  # Python 2's built-in functions\n"
)
_TAB = 8


class NotPython2(Exception):
    """The source is not Python 2 (and perhaps not Python).

    Attributes
    ----------
    line : int or None
        Where it stops being that.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Translation:
    """Translated source.

    Attributes
    ----------
    text : str
        Python 3.
    lines : list of int
        For each line of `text`, counted from 0, the number of the line that it came from.
    print_function : bool
        Whether print is a function there, by ``from __future__``.
    """

    text: str
    lines: list[int]
    print_function: bool


def decode(data: bytes) -> str:
    """Return source text: as its coding line says, else UTF-8, else Latin-1."""
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def translate(
    source: str,
    name: str = "<string>",
    *,
    own: Callable[[str], bool] = lambda module: False,
    kept: bool = False,
) -> Translation:
    """Translate a file of Python 2.

    Parameters
    ----------
    source : str
        As `decode` returns it.
    name : str
        The file, for fissix and messages.
    own : callable
        Whether a module is the program's own, so that its name means that module.
    kept : bool
        Whether the user goes on with the text: then it imports what it needs, and comparisons
        stay as they are.

    Raises
    ------
    NotPython2
        If it cannot be parsed as Python 2.
    SetupError
        If fissix is not installed.
    """
    text = _expand_tabs(source)
    if not text.endswith("\n"):
        text += "\n"
    tool = _tool(kept)
    try:
        tree = tool.refactor_string(text, name)
    except Exception as error:
        place = getattr(error, "context", None) or (None, (None, None))
        raise NotPython2(str(error), place[1][0]) from error
    features = tree.future_features
    _Rewriting(own, features, kept).visit(tree)
    lines = list(_origins(tree))
    translated = str(tree)
    if kept:
        translated = _with_header(translated)
    return Translation(translated, lines, "print_function" in features)


def _fissix() -> Any:
    try:
        import fissix.refactor
    except ImportError:
        raise SetupError(
            "Python 3 cannot run this program as it is, and fissix, which translates Python 2, is "
            "not installed: python -m pip install fissix, or python -m theano_today setup"
        ) from None
    return fissix


@functools.cache
def _tool(kept: bool) -> Any:
    names = _FIXERS.split() + (_FIXERS_KEPT.split() if kept else [])

    base: Any = _fissix().refactor.RefactoringTool

    class Tool(base):
        def log_error(self, message, *arguments, **options):
            raise

    return Tool([f"fissix.fixes.fix_{name}" for name in names])


def parses(source: str) -> bool:
    """Tell whether `source` can be parsed as Python 2."""
    text = _expand_tabs(source)
    tool = _tool(False)
    features = _fissix().refactor._detect_future_features(text)
    grammar = tool.grammar
    try:
        if "print_function" in features:
            tool.driver.grammar = _fissix().pygram.python_grammar_no_print_statement
        tool.driver.parse_string(text if text.endswith("\n") else text + "\n")
    except Exception:
        return False
    finally:
        tool.driver.grammar = grammar
    return True


def _expand_tabs(source: str) -> str:
    """Expand the tabs that lines are indented with, as Python 2 counted them; not in strings."""
    if "\t" not in source and "\f" not in source:
        return source
    lines = source.split("\n")
    inside = _lines_in_strings(source)
    for number, line in enumerate(lines):
        if number not in inside:
            body = line.lstrip(" \t\f")
            indent = line[: len(line) - len(body)].rpartition("\f")[2]
            lines[number] = indent.expandtabs(_TAB) + body
    return "\n".join(lines)


def _lines_in_strings(source: str) -> set[int]:
    """Return the lines, counted from 0, that begin inside of a string."""
    inside: set[int] = set()
    position, line = 0, 0
    token = re.compile(r"""#[^\n]*|'''|\"\"\"|'|"|\n""")
    while match := token.search(source, position):
        position = match.end()
        found = match.group()
        if found == "\n":
            line += 1
        elif found[0] in "'\"":
            end = re.compile(rf"\\.|{found}" + ("|\n" if len(found) == 1 else ""), re.DOTALL)
            while (closing := end.search(source, position)) and closing.group()[0] == "\\":
                position = closing.end()
            stop = closing.end() if closing else len(source)
            if closing and closing.group() == "\n":
                stop -= 1
            count = source.count("\n", match.end(), stop)
            inside.update(range(line + 1, line + count + 1))
            line += count
            position = stop
    return inside


def _origins(tree: Any) -> Iterator[int]:
    """Yield the original line of each line of ``str(tree)``."""
    found: dict[int, int] = {}
    line = 0
    for leaf in tree.leaves():
        line += leaf.prefix.count("\n")
        if leaf.lineno and str(leaf.value).strip():
            found.setdefault(line, leaf.lineno)
        line += str(leaf.value).count("\n")
    last = 1
    for number in range(line + 1):
        last = found.get(number, last)
        yield last


def _with_header(text: str) -> str:
    """Put the imports behind the docstring and the imports from __future__."""
    import ast

    at = 0
    for position, statement in enumerate(ast.parse(text).body):
        docstring = (
            position == 0
            and isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not (docstring or future):
            break
        at = statement.end_lineno or at
    lines = text.split("\n")
    if not at:
        at = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "\n".join([*lines[:at], _HEADER.rstrip("\n"), *lines[at:]])


def _escape(match: re.Match) -> str:
    return f"\\{match[0]}" if match[1] in "uUN" else match[0]


class _Rewriting:
    """Our own rewritings of fissix's tree, from the leaves up."""

    def __init__(self, own: Callable[[str], bool], features: frozenset[str], kept: bool) -> None:
        from fissix import fixer_util, pytree
        from fissix.pgen2 import token
        from fissix.pygram import python_symbols

        self.own, self.kept = own, kept
        self.division, self.unicode = "division" in features, "unicode_literals" in features
        self.symbols, self.token = python_symbols, token
        self.Node, self.Leaf = pytree.Node, pytree.Leaf
        self.Name = fixer_util.Name

    def visit(self, tree: Any) -> None:
        for node in list(tree.post_order()):
            kind = node.type
            if kind == self.token.STRING:
                self._literal(node)
            elif kind in (self.symbols.import_name, self.symbols.import_from):
                self._import(node)
            elif kind == self.symbols.classdef and self.kept:
                self._class(node)
            elif kind == self.symbols.print_stmt and str(node).split() == ["print", "()"]:
                # fissix takes it for a call.
                node.replace(self.Name("print(())", prefix=node.prefix))
            elif kind == self.symbols.except_clause:
                self._except(node)
            elif kind == self.symbols.lambdef:
                self._lambda(node)
            elif kind == self.symbols.power:
                self._power(node)
            elif kind == self.symbols.term and not self.division:
                self._term(node)
            elif kind == self.symbols.expr_stmt and not self.division:
                self._augmented(node)

    # ---- building

    def _call(self, function: str, *arguments: Any, prefix: str = "") -> Any:
        """Return the tree of ``_py2.function(arguments)``."""
        children: list[Any] = []
        for position, argument in enumerate(arguments):
            if position:
                children.append(self.Leaf(self.token.COMMA, ","))
                if not argument.prefix.strip():
                    argument.prefix = argument.prefix or " "
            elif not argument.prefix.strip(" "):
                argument.prefix = ""
            children.append(argument)
        inside = [self.Node(self.symbols.arglist, children)] if children else []
        return self._call_of(function, inside, prefix)

    def _call_of(self, function: str, inside: list[Any], prefix: str) -> Any:
        trailer, leaf = self.symbols.trailer, self.Leaf
        return self.Node(
            self.symbols.power,
            [
                self.Name(RUNTIME, prefix=prefix),
                self.Node(trailer, [leaf(self.token.DOT, "."), self.Name(function)]),
                self.Node(
                    trailer, [leaf(self.token.LPAR, "("), *inside, leaf(self.token.RPAR, ")")]
                ),
            ],
        )

    def _string(self, value: str) -> Any:
        return self.Leaf(self.token.STRING, repr(value))

    def _group(self, children: list[Any], kind: int) -> Any:
        for child in children:
            child.remove()
        return children[0] if len(children) == 1 else self.Node(kind, children)

    # ---- literals

    def _literal(self, node: Any) -> None:
        node.value = re.sub(r"^([uU])([rR])", r"\2", node.value)
        prefix = re.match("[a-zA-Z]*", node.value)[0].lower()  # type: ignore[index]
        if not prefix and not self.unicode:
            # ``\\u``, ``\\U`` and ``\\N`` meant nothing but in Unicode's literals.
            node.value = re.sub(r"\\(.)", _escape, node.value, flags=re.DOTALL)

    # ---- imports

    def _variant(self, name: str) -> bool:
        return name in modules.VARIANTS and not self.own(name)

    def _import(self, node: Any) -> None:
        if node.type == self.symbols.import_from:
            source = node.children[1]
            if source.type == self.token.NAME and self._variant(source.value):
                source.value = f"{modules.PREFIX}.{source.value}"
            return
        as_type = self.symbols.dotted_as_name
        for leaf in list(node.leaves()):
            parent = leaf.parent
            as_name = parent.type == self.symbols.dotted_as_name
            if leaf.type != self.token.NAME or not self._variant(leaf.value):
                continue
            if parent.type == self.symbols.dotted_name:
                # ``import os.path`` binds os.
                if str(parent).strip() == "os.path" and parent.parent.type != as_type:
                    parent.replace(self.Name(f"{modules.PREFIX}.os as os", prefix=parent.prefix))
                continue
            if as_name and parent.children[2] is leaf:
                continue
            if leaf is node.children[0]:
                continue
            new = f"{modules.PREFIX}.{leaf.value}"
            leaf.value = new if as_name else f"{new} as {leaf.value}"
            leaf.changed()

    # ---- classes of files that the user goes on with

    def _class(self, node: Any) -> None:
        """Decorate a class with special methods of Python 2; a run has classes.build_class."""
        body = node.children[-1].children
        functions = [child for child in body if child.type == self.symbols.funcdef]
        old = {*classes.RENAMED, *classes.OTHERS}
        if any(function.children[1].value in old for function in functions):
            leaf = node.children[0]
            indent = " " * leaf.column
            leaf.value = f"@{RUNTIME}.two_to_three\n{indent}{leaf.value}"

    # ---- except E, target:

    def _except(self, node: Any) -> None:
        if len(node.children) != 4 or node.children[2].type != self.token.COMMA:
            return
        comma, target = node.children[2:]
        comma.replace(self.Name("as", prefix=" "))
        if target.type == self.token.NAME:
            target.prefix = target.prefix or " "
            return
        # ``except E, (a, b)`` unpacks the arguments; ``except E, self.error`` assigns.
        text = str(target).strip()
        value = f"{_TARGET}.args" if text[0] in "([" else _TARGET
        target.replace(self.Name(_TARGET, prefix=" "))
        suite = node.next_sibling.next_sibling
        end, first = "; ", suite
        if suite.type == self.symbols.suite:
            end, first = "\n" + suite.children[1].value, suite.children[2]
        leaf = next(first.leaves())
        leaf.value = f"{text} = {value}{end}{leaf.value}"

    # ---- lambda (a, b), c: a + b + c

    def _lambda(self, node: Any) -> None:
        """Rewrite tuples among a lambda's parameters; a tuple alone is fissix's."""
        from fissix.fixes import fix_tuple_params

        parameters, body = node.children[1], node.children[-1]
        if parameters.type != self.symbols.varargslist:
            return
        for parameter in list(parameters.children):
            if parameter.type != self.symbols.vfpdef:
                continue
            names = fix_tuple_params.find_params(fix_tuple_params.simplify_args(parameter))
            if isinstance(names, str):
                parameter.replace(self.Name(names, prefix=parameter.prefix))
                continue
            name = fix_tuple_params.tuple_name(names)
            places = fix_tuple_params.map_to_index(names, d={})
            parameter.replace(self.Name(name, prefix=parameter.prefix))
            for leaf in list(body.leaves()):
                attribute = getattr(leaf.prev_sibling, "value", "") == "."
                if leaf.type == self.token.NAME and leaf.value in places and not attribute:
                    items = [item.clone() for item in places[leaf.value]]
                    value = [self.Name(name, prefix=leaf.prefix), *items]
                    if leaf is body:
                        body = self.Node(self.symbols.power, value)
                        leaf.replace(body)
                    else:
                        leaf.replace(self.Node(self.symbols.power, value))

    # ---- division

    def _term(self, node: Any) -> None:
        if not any(child.type == self.token.SLASH for child in node.children):
            return
        prefix = node.prefix
        node.prefix = ""
        children = list(node.children)
        for child in children:
            child.remove()
        left = children[0]
        pending = [left]  # operands and operators since the last call
        for operation, right in zip(children[1::2], children[2::2], strict=True):
            if operation.type == self.token.SLASH:
                whole = pending[0] if len(pending) == 1 else self.Node(self.symbols.term, pending)
                # A comment or a line break before the operator stays where it was.
                right.prefix = (operation.prefix.rstrip(" ") + right.prefix) or " "
                pending = [self._call("div", whole, right)]
            else:
                pending += [operation, right]
        new = pending[0] if len(pending) == 1 else self.Node(self.symbols.term, pending)
        new.prefix = prefix
        node.replace(new)

    def _augmented(self, node: Any) -> None:
        if len(node.children) != 3 or node.children[1].type != self.token.SLASHEQUAL:
            return
        target, operation, value = node.children
        value.remove()
        value.prefix = ""
        if value.type in (self.symbols.testlist, self.symbols.testlist_star_expr):
            value = self._parenthesised(value)
        plain = not any(
            leaf.type == self.token.LPAR or leaf.value == "lambda" for leaf in target.leaves()
        )
        if plain:
            operation.value, operation.type = "=", self.token.EQUAL
            same = target.clone()
            same.prefix = ""
            node.append_child(self._call("idiv", same, value, prefix=" "))
            return
        # The target is evaluated once.
        prefix = target.prefix
        *owner, last = list(target.children)
        if target.type != self.symbols.power or last.type != self.symbols.trailer:
            operation.value, operation.type = "=", self.token.EQUAL
            node.append_child(self._call("idiv", target.clone(), value, prefix=" "))
            return
        before = self._group(owner, self.symbols.power)
        before.prefix = ""
        if last.children[0].value == ".":
            new = self._call("idiv_attribute", before, self._string(last.children[1].value), value)
        else:
            last.remove()
            key = self.Node(
                self.symbols.power,
                [
                    self.Name(RUNTIME),
                    self.Node(
                        self.symbols.trailer,
                        [self.Leaf(self.token.DOT, "."), self.Name("key")],
                    ),
                    last,
                ],
            )
            new = self._call("idiv_item", before, key, value)
        new.prefix = prefix
        node.replace(new)

    def _parenthesised(self, node: Any) -> Any:
        leaf = self.Leaf
        return self.Node(
            self.symbols.atom, [leaf(self.token.LPAR, "("), node, leaf(self.token.RPAR, ")")]
        )

    # ---- methods

    def _power(self, node: Any) -> None:
        """Rewrite each ``.name(...)`` and ``.name`` that Python 2 understood differently."""
        children = list(node.children)
        if not any(child.type == self.symbols.trailer for child in children):
            return
        prefix = node.prefix
        done: list[Any] = [children[0]]
        position, changed = 1, False
        first = children[0]
        is_call = len(children) > 1 and self._is_call(children[1])
        if first.type == self.token.NAME and first.value == "unicode" and is_call:
            arguments = self._without_commas(children[1])
            if len(arguments) > 1:
                for one in arguments:
                    one.remove()
                done = [self._call("unicode", *arguments)]
                position, changed = 2, True
        while position < len(children):
            child = children[position]
            name = self._attribute(child)
            following = children[position + 1] if position + 1 < len(children) else None
            called = following is not None and self._is_call(following)
            new = None if name is None else self._method(name, done, child, following, called)
            if new is None:
                done.append(child)
                position += 1
                continue
            changed = True
            done = [new]
            position += 2 if called else 1
        if not changed:
            return
        for child in done:
            if child.parent is node:
                child.remove()
        new = done[0] if len(done) == 1 else self.Node(self.symbols.power, done)
        new.prefix = prefix
        node.replace(new)

    def _method(self, name: str, done: list, child: Any, following: Any, called: bool) -> Any:
        def owner() -> Any:
            for one in done:
                one.remove()
            whole = done[0] if len(done) == 1 else self.Node(self.symbols.power, list(done))
            whole.prefix = ""
            return whole

        if not called:
            if name == "divide" and not self.division and len(done) == 1:
                return self._call("divide_of", owner())
            if name == "message" and not self._is_target(child):
                return self._call("message", owner())
            return None
        arguments = self._without_commas(following)
        if name == "divide" and not self.division and len(done) == 1:
            function = self._call("divide_of", owner())
            following.remove()
            return self.Node(self.symbols.power, [function, following])
        if not arguments:
            if name in ("keys", "items", "values"):
                for one in (child, following):
                    one.remove()
                whole = owner()
                parts = [*whole.children] if whole.type == self.symbols.power else [whole]
                for one in parts:
                    one.remove()
                return self._call(
                    "listed", self.Node(self.symbols.power, [*parts, child, following])
                )
            for before, function in (("iter", "iterated"), ("view", "viewed")):
                kind = name.removeprefix(before)
                if name.startswith(before) and kind in ("keys", "items", "values"):
                    return self._call(function, owner(), self._string(kind))
            if name == "next":
                return self._call("next", owner())
        if (name == "has_key" and len(arguments) == 1) or name in (
            "encode",
            "decode",
            "sort",
            "translate",
        ):
            for one in arguments:
                one.remove()
            return self._call(name, owner(), *arguments)
        return None

    def _attribute(self, trailer: Any) -> str | None:
        if trailer.type != self.symbols.trailer or trailer.children[0].type != self.token.DOT:
            return None
        return getattr(trailer.children[1], "value", None)

    def _is_call(self, trailer: Any) -> bool:
        return trailer.type == self.symbols.trailer and trailer.children[0].type == self.token.LPAR

    def _arguments(self, trailer: Any) -> list[Any]:
        inside = trailer.children[1:-1]
        if inside and inside[0].type == self.symbols.arglist:
            return list(inside[0].children)
        return list(inside)

    def _without_commas(self, trailer: Any) -> list[Any]:
        """Return the arguments of a call; ``*more`` and ``**more`` count as one each."""
        return [a for a in self._arguments(trailer) if a.type != self.token.COMMA]

    def _is_target(self, trailer: Any) -> bool:
        """Tell whether an attribute is assigned to, or deleted."""
        node = trailer.parent
        if node is None or node.children[-1] is not trailer:
            return False
        while node.parent is not None:
            statement = node.parent
            if statement.type == self.symbols.del_stmt:
                return True
            if statement.type == self.symbols.expr_stmt:
                equals = [
                    position
                    for position, child in enumerate(statement.children)
                    if getattr(child, "value", "").endswith("=") and child.type != self.token.STRING
                ]
                return bool(equals) and statement.children.index(node) < equals[-1]
            node = statement
        return False
