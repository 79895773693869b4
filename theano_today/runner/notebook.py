"""``python -m theano_today notebook.ipynb``: the code cells in order, figures to files.

Notebooks of formats 3 and 4 are read as they are; those of Python 2 are translated. Figures go
to the folder NAME_figures beside the notebook, as PNG files named after their cells. As in a
notebook, a cell's last expression is shown. Of IPython's own commands those that set up figures,
time statements, run shell commands, change folders and run programs are understood; others, and
the installation of packages, are passed over, which a line on stderr says.
"""

from __future__ import annotations

import ast
import json
import linecache
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from theano_today.errors import DataError, MissingFileError
from theano_today.habits import rewriting
from theano_today.python2 import detect, execution, names, translate
from theano_today.python2.program import Program, keep_text
from theano_today.runner import float_type, ipython, run
from theano_today.runner.run import Options


def run_notebook(file: str, arguments: Sequence[str], options: Options) -> int:
    """Run a notebook and return the exit code: 1 if a cell fails, which ends the run.

    Raises
    ------
    MissingFileError, DataError
        If there is no such file, or it is no notebook.
    """
    path = Path(file)
    cells, says_python2 = read(path)
    folder = path.resolve().parent
    sys.path[0] = str(folder)
    sys.argv = [file, *arguments]
    sources = [ipython.to_python(cell) for cell in cells]
    python2 = options.python2
    if python2 is None:
        python2 = says_python2 or any(detect.is_python2(source) for source in sources)
    program = Program((folder,), python2, options.keep, asked=bool(options.python2))
    program.install()
    float_type.decide_for("\n".join(sources), folder)
    run.use_packages_of_then(program)
    if python2:
        run.fork_by_default()
        program.say(path)
        if options.keep is not None:
            _write(path, sources, options.keep, program)
    return _Session(path, program).run(sources)


def read(path: Path) -> tuple[list[str], bool]:
    """Return the sources of a notebook's code cells, and whether it says it is Python 2.

    Raises
    ------
    MissingFileError, DataError
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: this is no notebook: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise DataError(f"{path}: this is no notebook: it has no nbformat")
    version = content["nbformat"]
    if version not in (3, 4):
        raise DataError(f"{path}: nbformat {version}; formats 3 and 4 can be read")
    sheets = content.get("worksheets", []) if version == 3 else [content]
    cells = [cell for sheet in sheets for cell in sheet.get("cells", [])]
    code = []
    for cell in cells:
        if cell.get("cell_type") != "code":
            continue
        text = cell.get("input" if version == 3 else "source", "")
        code.append("".join(text) if isinstance(text, list) else text)
    return code, _says_python2(content.get("metadata", {}))


def _says_python2(metadata: dict) -> bool:
    language = metadata.get("language_info", {})
    if "version" in language:
        return str(language["version"]).startswith("2")
    kernel = metadata.get("kernelspec", {})
    if kernel.get("name", "") in ("python2", "python3"):
        return kernel["name"] == "python2"
    return False


def _write(path: Path, sources: list[str], keep: Path, program: Program) -> None:
    text = "\n\n".join(f"# cell {n}\n{source}" for n, source in enumerate(sources, 1))
    done = translate.translate(text + "\n", str(path), own=program.owns_module, kept=True)
    keep_text(keep / f"{path.stem}.py", done.text)


class _Session:
    """The cells' common namespace, which is ``__main__``."""

    def __init__(self, path: Path, program: Program) -> None:
        self.path, self.program = path, program
        self.figures = path.resolve().parent / f"{path.stem}_figures"
        self.main = ModuleType("__main__")
        vars(self.main).update(__package__=None, __spec__=None, __loader__=None)
        if program.python2:
            names.prepare(vars(self.main))
        else:
            rewriting.prepare(vars(self.main))
        self.ipython = ipython.Shell(vars(self.main), self._run_source)
        ipython.supply(self.ipython)

    def run(self, sources: list[str]) -> int:
        sys.modules["__main__"] = self.main
        _use_files_for_figures()
        for number, source in enumerate(sources, 1):
            name = f"{self.path.name}, cell {number}"
            self.ipython.cell = number
            try:
                self._run_source(source, name)
            except (SystemExit, KeyboardInterrupt):
                self._save_figures(number)
                raise
            except BaseException:
                self._save_figures(number)
                run.report(*sys.exc_info())
                return 1
            self._save_figures(number)
        return 0

    def _run_source(self, source: str, name: str) -> None:
        """Execute a cell; show the value of an expression at its end."""
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        tree = self._tree(source, name)
        last: Any = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
            statement = tree.body.pop()
            last = ast.Expression(statement.value)
        exec(compile(tree, name, "exec", dont_inherit=True), vars(self.main))
        if last is not None:
            value = eval(compile(last, name, "eval", dont_inherit=True), vars(self.main))
            if value is not None:
                vars(self.main)["_"] = value
                print(repr(value))

    def _tree(self, source: str, name: str) -> Any:
        if self.program.python2 and not detect.is_python3(source):
            try:
                return execution.parse_text(source, name, own=self.program.owns_module)
            except translate.NotPython2:
                pass
        return rewriting.rewrite(ast.parse(source, name))

    def _save_figures(self, number: int) -> None:
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for count, figure in enumerate(map(pyplot.figure, pyplot.get_fignums()), 1):
            self.figures.mkdir(exist_ok=True)
            target = self.figures / f"cell{number:03}_{count}.png"
            figure.savefig(target, bbox_inches="tight")
            print(f"figure: {target}", file=sys.stderr)
        pyplot.close("all")


def _use_files_for_figures() -> None:
    # A notebook draws into itself; there is no window to wait for.
    os.environ["MPLBACKEND"] = "Agg"
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:
        matplotlib.use("Agg")
