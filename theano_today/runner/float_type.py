"""Which floatX a program gets that does not say.

Stock Theano's floatX is float64; this project's is float32, which graphs on a GPU and the engine
want. A program that names floatX, or float32 anywhere, was written with either in mind. One that
names neither was written on a machine without a .theanorc: its arrays are float64 throughout, and
with floatX=float32 they do not fit its variables. The runner can read the program: it then takes
float64. THEANO_FLAGS=floatX=..., or the floatX of a .theanorc, has the last word.
"""

from __future__ import annotations

import configparser
import io
import os
import tokenize
from collections.abc import Sequence
from pathlib import Path

from theano_today.python2 import detect, translate
from theano_today.setup.theano_flags import parse, unparse

# One of these names in a program's source, or in its strings, settles it: float32.
_NAMES = ("floatX", "float32", "fmatrix", "fvector", "fscalar", "ftensor3", "ftensor4", "theanorc")
_PACKAGES = ("theano", "lasagne", "nolearn", "keras", "blocks", "pylearn2", "pymc3")


def decide(script: Path, folder: Path, package: str = "", own: Path | None = None) -> str | None:
    """Set floatX=float64 in THEANO_FLAGS if the program asks for it by its silence.

    Parameters
    ----------
    script, folder, package, own
        The program, as in detect.python2_file.

    Returns
    -------
    str or None
        The floatX that was set.
    """
    return _set(wants_float64(sources(script, folder, package, own)))


def decide_for(text: str, folder: Path) -> str | None:
    """Do the same for source that is no file: a notebook's cells."""
    return _set(wants_float64([text, *_own_files([(text, "")], folder, folder)]))


def _set(float64: bool) -> str | None:
    flags = parse(os.environ.get("THEANO_FLAGS", ""))
    wanted = "float64" if float64 else None
    if "floatX" in flags or (wanted := _theanorc() or wanted) is None:
        return None
    flags["floatX"] = wanted
    os.environ["THEANO_FLAGS"] = unparse(flags)
    return wanted


def _theanorc() -> str | None:
    """Return the floatX of the user's .theanorc."""
    files = os.environ.get("THEANORC", "~/.theanorc").split(os.pathsep)
    reader = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        reader.read([Path(file).expanduser() for file in files], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return None
    return reader.get("global", "floatX", fallback=None)


def wants_float64(texts: Sequence[str]) -> bool:
    """Tell whether a program, given as its files, uses Theano and names no type of float."""
    codes = [without_comments(text) for text in texts]
    if any(name in code for code in codes for name in _NAMES):
        return False
    return any(name in code for code in codes for name in _PACKAGES)


def sources(script: Path, folder: Path, package: str = "", own: Path | None = None) -> list[str]:
    """Return the source of a program's own files, as far as its imports name them."""
    try:
        text = translate.decode(script.read_bytes())
    except OSError:
        return []
    return [text, *_own_files([(text, package)], folder, own or folder)]


def _own_files(waiting: list[tuple[str, str]], folder: Path, own: Path) -> list[str]:
    seen: set[Path] = set()
    found = []
    while waiting:
        text, inside = waiting.pop(0)
        for name in _imports(text, inside):
            for path, package in detect.files_of(folder, name):
                if path not in seen and path.is_relative_to(own):
                    seen.add(path)
                    found.append(translate.decode(path.read_bytes()))
                    waiting.append((found[-1], package))
    return found


def _imports(text: str, package: str) -> list[str]:
    tree = detect.parse(text)
    if tree is not None:
        return list(detect.names_imported(tree, package))
    # Python 2: its import statements, line by line, are Python 3's as well.
    names: list[str] = []
    for line in text.split("\n"):
        if line.lstrip().startswith(("import ", "from ")):
            tree = detect.parse(line.strip().rstrip("(\\, ").replace("import (", "import "))
            if tree is None and line.lstrip().startswith("from "):
                tree = detect.parse(f"import {line.split()[1].lstrip('.') or 'sys'}")
            if tree is not None:
                names += detect.names_imported(tree, package)
    return names


def without_comments(text: str) -> str:
    """Return source without its comments; all of it if it cannot be read."""
    kept = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type != tokenize.COMMENT:
                kept.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        return text
    return " ".join(kept)
