"""What notebooks take from IPython: commands that begin with % or !, and IPython.display."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from theano_today import hooks

_LINE = re.compile(
    r"^(?P<indent>[ \t]*)(?:(?P<target>[\w, ]+?)\s*=\s*)?(?P<mark>[%!])(?P<rest>.*)$"
)
_INSTALLS = re.compile(r"\s*(sudo\s+)?(pip3?|conda|apt|apt-get|easy_install|brew|yum)\b")
# Passed over without a word: they set up what the runner does anyway.
_SILENT = frozenset(
    [
        "matplotlib",
        "config",
        "load_ext",
        "reload_ext",
        "autoreload",
        "precision",
        "automagic",
    ]
)


def to_python(cell: str) -> str:
    """Return a cell with its commands as calls of ``get_ipython()``, line for line."""
    cell = cell.replace("\r\n", "\n")
    first, newline, rest = cell.lstrip("\n").partition("\n")
    if first.startswith("%%"):
        name, _, arguments = first[2:].strip().partition(" ")
        blank = "\n" * (len(cell) - len(cell.lstrip("\n")))
        if name in ("time", "timeit", "capture", "prun"):
            inner = to_python(rest)
            return f"{blank}get_ipython().note({name!r}){newline}{inner}"
        return f"{blank}get_ipython().cell_magic({name!r}, {arguments!r}, {rest!r})\n"
    return "\n".join(_lines(cell))


def _lines(cell: str) -> list[str]:
    lines = []
    inside: str | None = None  # the quotes of a string that goes on
    for line in cell.split("\n"):
        match = None if inside else _LINE.match(line)
        if match and _is_command(match):
            lines.append(_call(match))
            continue
        if not inside and re.fullmatch(r"\s*(\?{1,2}[\w.]+|[\w.]+\?{1,2})\s*", line):
            lines.append("pass")  # asks for help
            continue
        inside = _open_string(line, inside)
        lines.append(line)
    return lines


def _is_command(match: re.Match) -> bool:
    # ``x % y`` over two lines is no command: these begin with a name.
    if match["mark"] == "!":
        return True
    return bool(re.match(r"[a-zA-Z_]\w*", match["rest"]))


def _call(match: re.Match) -> str:
    rest = match["rest"]
    if match["mark"] == "!":
        quiet = bool(match["target"])
        call = f"get_ipython().{'getoutput' if quiet else 'system'}({rest.lstrip('!')!r})"
    else:
        name, _, arguments = rest.strip().partition(" ")
        call = f"get_ipython().line_magic({name!r}, {arguments.strip()!r})"
    target = f"{match['target']} = " if match["target"] else ""
    end = "" if target else ";"
    return f"{match['indent']}{target}{call}{end}"


def _open_string(line: str, inside: str | None) -> str | None:
    """Return the triple quotes that are open at a line's end."""
    for found in re.finditer(r"\\.|'''|\"\"\"|#|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", line):
        text = found.group()
        if text in ("'''", '"""'):
            inside = None if inside == text else (inside or text)
        elif text == "#" and inside is None:
            break
    return inside


class Shell:
    """What ``get_ipython()`` returns.

    Attributes
    ----------
    namespace : dict
        The notebook's.
    run_source : callable
        Executes source, given a name for it, in the namespace.
    """

    def __init__(self, namespace: dict[str, Any], run_source: Callable[[str, str], None]) -> None:
        self.namespace, self.run_source = namespace, run_source
        self.user_ns = namespace
        self.cell = 0
        namespace["get_ipython"] = lambda: self
        namespace.setdefault("display", _display)

    def line_magic(self, name: str, arguments: str) -> Any:
        method = getattr(self, f"_{name}", None)
        if method is not None:
            return method(arguments)
        if name not in _SILENT:
            self.note(name)
        return None

    run_line_magic = line_magic

    def magic(self, line: str) -> Any:
        """Run a command as one string, which exported notebooks of the time call."""
        name, _, arguments = line.strip().lstrip("%").partition(" ")
        return self.line_magic(name, arguments.strip())

    def note(self, name: str) -> None:
        if name not in ("time", "timeit", "capture", "prun"):
            print(f"cell {self.cell}: %{name} is passed over", file=sys.stderr)

    def cell_magic(self, name: str, arguments: str, body: str) -> None:
        if name in ("bash", "sh", "script"):
            self.system(body)
        elif name in ("writefile", "file"):
            words = shlex.split(arguments)
            with Path(words[-1]).open("a" if "-a" in words else "w") as file:
                file.write(body)
        else:
            print(f"cell {self.cell}: %%{name} is passed over", file=sys.stderr)

    run_cell_magic = cell_magic

    def system(self, command: str) -> None:
        if _INSTALLS.match(command):
            print(f"cell {self.cell}: !{command.strip()} is passed over", file=sys.stderr)
            return
        sys.stdout.flush()
        done = subprocess.run(
            self._filled(command),
            shell=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        print(done.stdout, end="")

    def getoutput(self, command: str) -> list[str]:
        done = subprocess.run(self._filled(command), shell=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.splitlines()

    def _filled(self, command: str) -> str:
        """Put in variables, which commands name as {expression} and $name."""

        def value(match: re.Match) -> str:
            try:
                return str(eval(match[1], self.namespace))
            except Exception:
                return match[0]

        command = re.sub(r"(?<!\$)\{([^{}]+)\}", value, command)
        known = self.namespace
        return re.sub(r"\$(\w+)", lambda m: str(known[m[1]]) if m[1] in known else m[0], command)

    def _pylab(self, arguments: str) -> None:
        self.run_source(
            "import numpy\nimport matplotlib\nfrom matplotlib import pylab, mlab, pyplot\n"
            "np = numpy\nplt = pyplot\nfrom pylab import *\nfrom numpy import *",
            "%pylab",
        )

    def _time(self, statement: str) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.run_source(statement, "%time")
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        print(f"CPU time: {cpu:.3g} s, wall time: {wall:.3g} s")

    def _timeit(self, statement: str) -> None:
        words = re.sub(r"^(\s*-\w+\s*\d*)*\s*", "", statement)
        took = timeit.timeit(lambda: self.run_source(words + ";", "%timeit"), number=3) / 3
        print(f"{took:.3g} s per loop (mean of 3)")

    def _cd(self, folder: str) -> None:
        os.chdir(Path(folder.strip("'\"") or "~").expanduser())
        print(Path.cwd())

    def _pwd(self, arguments: str) -> str:
        return str(Path.cwd())

    def _ls(self, arguments: str) -> None:
        self.system(f"ls {arguments}")

    def _env(self, arguments: str) -> None:
        name, _, value = arguments.replace(" ", "=", 1).partition("=")
        if value:
            os.environ[name.strip()] = value.strip()

    _set_env = _env

    def _run(self, arguments: str) -> None:
        words = [w for w in shlex.split(arguments) if w not in ("-i", "-t", "-n")]
        before, sys.argv = sys.argv, words
        try:
            self.run_source(Path(words[0]).read_text(encoding="utf-8"), words[0])
        finally:
            sys.argv = before

    def _load_ext(self, name: str) -> None:
        if name.strip() not in ("theano_today", "autoreload"):
            print(f"cell {self.cell}: %load_ext {name} is passed over", file=sys.stderr)


def _display(*values: Any, **options: Any) -> None:
    for value in values:
        print(repr(value))


class _Shown:
    """HTML, an image and the like, which a terminal shows by name only."""

    def __init__(self, data: Any = None, *arguments: Any, **options: Any) -> None:
        self.data = data
        self.filename = options.get("filename")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


_KINDS = [
    "Audio", "HTML", "Image", "JSON", "Javascript", "Latex", "Markdown", "Math", "Pretty", "SVG",
    "YouTubeVideo",
]  # fmt: skip
# Where IPython is not installed. matplotlib lets this one and newer ones alone.
_VERSION = (8, 24, 0)


def supply(shell: Shell) -> None:
    """Let notebooks import of IPython what they need, from here.

    Where it is installed, too: its own get_ipython knows no session here and returns None. What it
    has beside these names stays its own, and so does what today's packages are told: matplotlib
    takes no notice of a notebook.
    """

    def get_ipython() -> Shell | None:
        from theano_today.compat.whole_floats import is_of_today

        return None if is_of_today(sys._getframe(1)) else shell

    def submodule(name: str) -> ModuleType:
        if name not in ("core", "display"):
            raise AttributeError(f"module 'IPython' has no attribute {name!r}")
        return importlib.import_module(f"IPython.{name}")

    names: dict[str, Any] = {kind: type(kind, (_Shown,), {}) for kind in _KINDS}
    names |= dict.fromkeys(("display", "display_html", "display_png", "display_svg"), _display)
    names["clear_output"] = lambda *arguments, **options: None
    names["set_matplotlib_formats"] = lambda *formats, **options: None

    def fill(module: ModuleType) -> None:
        module.__dict__["get_ipython"] = get_ipython
        if "version_info" not in module.__dict__:  # not installed
            module.__dict__.update(version_info=_VERSION, __version__=".".join(map(str, _VERSION)))
            module.__dict__["__getattr__"] = submodule

    def fill_display(module: ModuleType) -> None:
        module.__dict__.update(names)

    hooks.supply("IPython.core", lambda module: None)
    filled = {
        "IPython": fill,
        "IPython.display": fill_display,
        "IPython.core.display": fill_display,
    }
    for name, function in filled.items():
        hooks.supply(name, function)
        hooks.after_import(name, function)
