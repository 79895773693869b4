"""A Python 2 program's own modules are translated as they are imported.

Its own are the files of its folder, and packages that lie where sys.path leads: in a folder of
PYTHONPATH, or one that the program adds, ``sys.path.append("..")``. Each such package is Python 2
or not by its own files; where these do not say, packages in folders that the program adds are what
the program is. Examples often stand beside or within the package that they show.

Installed packages are translated if some of their files are Python 2 and their metadata names no
Python 3: pip installs Python 2 without a word. Of those that name it, a file is that Python 3
cannot parse.
"""

from __future__ import annotations

import ast
import functools
import importlib.abc
import importlib.machinery
import os
import re
import sys
import sysconfig
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from theano_today import hooks
from theano_today.atomic import atomic_write
from theano_today.errors import DataError
from theano_today.habits import rewriting
from theano_today.python2 import cache, detect, execution, modules, names, translate

_OURS = Path(__file__).resolve().parents[1]  # a checkout may lie in the program's folder
_FOREIGN = ("site-packages", "dist-packages")
_REVIVED = ("lasagne", "nolearn", "theano")  # a checkout of these is mended, not translated


class Program:
    """What the runner knows of the program that it runs.

    Attributes
    ----------
    folders : tuple of Path
        Whose files are the program's own: what is below, but for environments
        (site-packages) in them.
    python2 : bool
        Whether all of its files are Python 2, as far as they can be.
    keep : Path or None
        Where translated files are written to.
    asked : bool
        Whether the user said that all is Python 2, which packages elsewhere then are, too.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        python2: bool,
        keep: Path | None = None,
        asked: bool = False,
    ) -> None:
        self.folders = tuple(folder.absolute() for folder in folders)
        self.python2 = python2
        self.keep = keep
        self.asked = asked
        self.said = False
        self.translated: list[Path] = []
        self._packages: dict[Path, bool] = {}
        self._known: dict[Path, bool] = {}
        self._environment = frozenset(map(os.path.abspath, sys.path))

    def owns(self, path: Path) -> bool:
        """Tell whether a file is the program's own."""
        return self._inside(path) is not None

    def has(self, path: Path) -> bool:
        """Tell whether a file is the program's own, or of a package of its time elsewhere."""
        return self.owns(path) or self.package_of(path) is not None

    def _inside(self, path: Path) -> Path | None:
        """Return a file's path below the program's folder; None if it is not in it."""
        if path.resolve().is_relative_to(_OURS):
            return None
        # A link to a file elsewhere counts as well.
        for place in (Path(os.path.abspath(path)), path.resolve()):  # noqa: PTH100  (keeps links)
            for folder in self.folders:
                for top in (folder, folder.resolve()):
                    if place.is_relative_to(top):
                        inside = place.relative_to(top)
                        foreign = any(part in _FOREIGN for part in inside.parts)
                        return None if foreign else inside
        return None

    def package_of(self, path: Path) -> Path | None:
        """Return what `top_of` does, but None for an installed package that knows Python 3."""
        top = self.top_of(path)
        return None if top is None or self._knows_python3(top) else top

    def top_of(self, path: Path) -> Path | None:
        """Return the top package, or the module, of a file in some folder of sys.path.

        None if the file is the program's own, or belongs to Python.
        """
        path = Path(os.path.abspath(path))  # noqa: PTH100  (keeps links)
        if path.resolve().is_relative_to(_OURS):
            return None
        for entry in sys.path:
            folder = Path(os.path.abspath(entry))  # noqa: PTH100
            if not path.is_relative_to(folder):
                continue
            inside = path.relative_to(folder)
            if any(name in _FOREIGN for name in inside.parts):
                continue
            top = folder / inside.parts[0]
            if top.stem in _REVIVED or (_PYTHONS & {path, *path.parents} and not _is_site(folder)):
                return None
            return top
        return None

    def _knows_python3(self, top: Path) -> bool:
        """Tell whether a package is installed, and its metadata names Python 3."""
        if top not in self._known:
            folder = top.parent
            site = _is_site(folder) or any(folder.glob("*.dist-info"))
            self._known[top] = site and _names_python3(top)
        return self._known[top]

    def _is_python2(self, path: Path) -> bool:
        """Tell whether a file is Python 2 if it says nothing of it."""
        package = None if self.owns(path) else self.package_of(path)
        if package is None:
            return self.python2
        if package not in self._packages:
            folder = str(package.parent)
            silent = folder not in self._environment or (self.asked and not _is_site(folder))
            self._packages[package] = detect.python2_package(
                package, otherwise=silent and self.python2, suspects=not self.python2
            )
        return self._packages[package]

    def owns_module(self, name: str) -> bool:
        """Tell whether a name of Python 2's library is a module of the program's own."""
        top = name.partition(".")[0]
        return any(
            (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()
            for folder in self.folders
        )

    def code_of(self, path: Path, source: str) -> CodeType | None:
        """Return the code of a file of Python 2, or None if it is Python 3."""
        if self._is_python2(path):
            if detect.is_python3(source):
                return None
        elif detect.parse(source) is not None:
            return None
        own = lambda name: self.owns_module(name) or (path.parent / f"{name}.py").is_file()  # noqa: E731
        try:
            owned = sorted(filter(own, modules.VARIANTS))
            code = cache.kept(
                lambda: execution.compile_text(source, str(path), own=own), str(path), source, owned
            )
        except translate.NotPython2 as error:
            self._blame(path, source, error)
            return None
        self.say(path)
        if not self.owns(path) and (package := self.package_of(path)) is not None:
            self._packages[package] = True
        if self.keep is not None:
            self._write(path, source, own)
        self.translated.append(path)
        return code

    def _blame(self, path: Path, source: str, error: translate.NotPython2) -> None:
        """Raise a SyntaxError where the file stops being Python 2, if that is its mistake.

        Raises
        ------
        SyntaxError
            If Python 3 does not even come so far.
        """
        try:
            compile(source, str(path), "exec", dont_inherit=True)
        except SyntaxError as newer:
            if error.line is not None and error.line > (newer.lineno or 0):
                text = source.split("\n")[error.line - 1]
                where = (str(path), error.line, None, text)
                raise SyntaxError("invalid syntax (Python 2)", where) from None

    def say(self, path: Path) -> None:
        """Say once that a translation runs."""
        if not self.said:
            self.said = True
            where = f"; the translation goes to {self.keep}" if self.keep else ""
            print(f"{path.name}: Python 2, translated as it runs{where}", file=sys.stderr)

    def _write(self, path: Path, source: str, own: Any) -> None:
        text = translate.translate(source, str(path), own=own, kept=True).text
        found = self._inside(path)
        if found is None:
            package = self.top_of(path)
            assert package is not None
            found = Path(os.path.abspath(path)).relative_to(package.parent)  # noqa: PTH100
        assert self.keep is not None
        keep_text(self.keep / found, text)

    def install(self) -> None:
        """Translate this program's modules from now on, and no other's."""
        sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, _Finder)]
        hooks.put_behind(_Finder(self))


def keep_text(target: Path, text: str) -> None:
    """Write a translated file.

    Raises
    ------
    DataError
        If the file is there, and other than this: the program itself, or what the user made of an
        earlier translation.
    """
    if target.exists() and target.read_text(encoding="utf-8", errors="replace") != text:
        raise DataError(
            f"{target} exists, and is not overwritten by a translation; give --keep an empty folder"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as file:
        file.write(text.encode("utf-8"))


def _is_site(folder: Path | str) -> bool:
    return Path(folder).name in _FOREIGN


def _names_python3(top: Path) -> bool:
    """Tell whether an installed package is for Python 3, or does not say what it is."""
    info = _metadata(top.parent).get(top.stem)
    for name in ("METADATA", "PKG-INFO"):
        if info is not None and (info / name).is_file():
            text = (info / name).read_text(encoding="utf-8", errors="replace")
            return _PYTHON_3.search(text.partition("\n\n")[0]) is not None
    return True


@functools.cache
def _metadata(folder: Path) -> dict[str, Path]:
    """Return where the packages of a folder have their metadata, by the names they import by."""
    found = {}
    for info in folder.glob("*.*-info"):
        names = [info.name.partition("-")[0]]
        if (info / "top_level.txt").is_file():
            names += (info / "top_level.txt").read_text(encoding="utf-8").split()
        found.update(dict.fromkeys(names, info))
    return found


_PYTHON_3 = re.compile(r"Python :: 3|Requires-Python:.*3\.")

# Asked before the finder below is there: sysconfig imports a module of its own for it.
_PYTHONS = frozenset(
    Path(folder) for name in ("stdlib", "platstdlib") if (folder := sysconfig.get_path(name))
)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, program: Program) -> None:
        self.program = program

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        if not spec.origin:
            return None
        path = Path(spec.origin)
        if self.program.owns(path) or self.program.package_of(path) is not None:
            spec.loader = _Loader(name, spec.origin, self.program)
        elif self.program.python2 and self.program.top_of(path) is not None:
            spec.loader = _InstalledLoader(name, spec.origin, self.program)
        else:
            return None
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, program: Program) -> None:
        super().__init__(name, path)
        self.program = program

    def exec_module(self, module: ModuleType) -> None:
        path = Path(self.path)
        source = translate.decode(path.read_bytes())
        code = self.program.code_of(path, source)
        if code is not None:
            names.prepare(module.__dict__)
        elif self.program.owns(path):
            code = code_of_today(path.read_bytes(), str(path))
            rewriting.prepare(module.__dict__)
        else:
            super().exec_module(module)
            return
        exec(code, module.__dict__)


class _InstalledLoader(_Loader):
    """For packages that say they know Python 3, which not all of their files need do."""

    def exec_module(self, module: ModuleType) -> None:
        try:
            importlib.machinery.SourceFileLoader.exec_module(self, module)
        except SyntaxError as error:
            if error.filename != self.path:
                raise  # an import's inside this module
            super().exec_module(module)


def code_of_today(source: bytes | str, name: str) -> CodeType:
    """Compile a file of Python 3, with NumPy's habits of the time (habits.rewriting).

    Raises
    ------
    SyntaxError, ValueError
        As compile does.
    """

    def make() -> CodeType:
        tree = ast.parse(source, name)
        return compile(rewriting.rewrite(tree), name, "exec", dont_inherit=True)

    return cache.kept(make, "today", name, source)
