"""Runs a script or a module as Python itself would, everything active.

The program sees its own sys.argv, is ``__main__``, has its folder first on the path, ends with
its own exit code, and tracebacks begin with its own lines.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

import numpy as np

from theano_today import errors, hooks
from theano_today.compat import h5py, matplotlib_calls, numpy_arrays, pandas_names, whole_floats
from theano_today.errors import DataError, MissingFileError, UserError
from theano_today.habits import rewriting
from theano_today.python2 import detect, names, printing, translate
from theano_today.python2.program import Program, code_of_today
from theano_today.runner import float_type, warned

_OURS = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes
    ----------
    python2 : bool or None
        Whether the program is Python 2; None: its files say.
    keep : Path or None
        Where the translation is written to.
    """

    python2: bool | None = None
    keep: Path | None = None


def run_script(script: str, arguments: Sequence[str], options: Options) -> int:
    """Run a file, or a folder with a __main__.py, and return the exit code.

    Raises
    ------
    MissingFileError, DataError
        If there is no such file, or it is no program.
    """
    path = Path(script)
    if path.is_dir():
        path = path / "__main__.py"
    if not path.is_file():
        raise MissingFileError(f"{script}: no such file; give a program, -m MODULE or --help")
    data = path.read_bytes()
    if b"\0" in data:
        raise DataError(f"{script}: this is no Python program: it has zero bytes in it")
    folder = path.resolve().parent
    sys.path[0] = str(folder)
    sys.argv = [script, *arguments]
    source = translate.decode(data)
    program = _program(path, folder, options)
    return _run(program, path.absolute(), source, data, package=None)


def run_module(name: str, arguments: Sequence[str], options: Options) -> int:
    """Run a module, or a package's __main__, as ``python -m`` does; return the exit code.

    Raises
    ------
    DataError
        If there is no such module, or it has no source.
    """
    folder = Path.cwd()
    sys.path[0] = str(folder)
    top = name.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise DataError(f"-m {name}: no module of that name; the folder looked in is {folder}")
    if spec.submodule_search_locations:
        home = Path(next(iter(spec.submodule_search_locations)))
        home, inside = home, home.parent
    else:
        home, inside = Path(spec.origin or ""), Path(spec.origin or "").parent
    place = inside.joinpath(*name.split("."))
    path = place / "__main__.py" if place.is_dir() else place.with_name(place.name + ".py")
    if not path.is_file():
        raise DataError(f"-m {name}: there is no {path}")
    package = name if place.is_dir() else name.rpartition(".")[0]
    data = path.read_bytes()
    source = translate.decode(data)
    own = (
        folder
        if path.resolve().is_relative_to(folder) and "site-packages" not in path.parts
        else home
    )
    program = _program(path, inside, options, package, own)
    sys.argv = [str(path.absolute()), *arguments]
    if package:
        program.install()
        importlib.import_module(package)
    return _run(program, path.absolute(), source, data, package=package)


def _program(
    path: Path, folder: Path, options: Options, package: str = "", own: Path | None = None
) -> Program:
    python2 = options.python2
    if python2 is None:
        python2 = detect.python2_file(path, folder, package, own) is not None
    program = Program((own or folder,), python2, options.keep, asked=bool(options.python2))
    float_type.decide(path, folder, package, own)
    use_packages_of_then(program)
    return program


def use_packages_of_then(program: Program) -> None:
    """Let NumPy and pandas take what they took, before the program imports anything."""
    warned.install()
    whole_floats.wrap()
    numpy_arrays.wrap()
    numpy_arrays.wrap_load(program.has, program.python2)
    hooks.after_import("pandas", pandas_names.wrap)
    hooks.after_import("h5py", h5py.wrap)
    for name in ("matplotlib", "matplotlib.pyplot"):
        hooks.after_import(name, _wrap_matplotlib)
    if program.python2:
        # Columns of text are objects: programs ask ``dtype == object`` for them.
        hooks.after_import("pandas", _infer_objects)
    if program.python2:
        # 0.5 for np.float64(0.5), as until 2.0.
        np.set_printoptions(legacy="1.21")


def _run(program: Program, path: Path, source: str, data: bytes, package: str | None) -> int:
    program.install()
    main = ModuleType("__main__")
    vars(main).update(
        __file__=str(path), __package__=package, __spec__=None, __cached__=None, __loader__=None
    )
    if program.python2:
        fork_by_default()
    try:
        code = program.code_of(path, source)
        if code is None:
            code = code_of_today(data, str(path))
            rewriting.prepare(vars(main))
        else:
            names.prepare(vars(main))
        if program.keep is not None and not program.translated:
            print(f"{path.name}: not Python 2, nothing to translate", file=sys.stderr)
    except SyntaxError:
        report(*sys.exc_info())
        return 1
    sys.modules["__main__"] = main
    try:
        return execute(code, main)
    finally:
        printing.end_line()


def _wrap_matplotlib(module: ModuleType) -> None:
    matplotlib_calls.wrap(sys.modules["matplotlib"])


def _infer_objects(pandas: ModuleType) -> None:
    with contextlib.suppress(KeyError, AttributeError):  # pandas before 2.1
        pandas.set_option("future.infer_string", False)


def execute(code: CodeType, main: ModuleType) -> int:
    """Execute the program's code; an exception is shown as Python shows it, and gives 1."""
    try:
        exec(code, vars(main))
    except SystemExit:
        raise
    except KeyboardInterrupt:
        _show_at_the_end(*sys.exc_info())
        raise
    except UserError as error:
        print(errors.one_line(error), file=sys.stderr)
        return error.exit_code
    except BaseException:
        report(*sys.exc_info())
        return 1
    return 0


def _show_at_the_end(kind: Any, error: Any, trace: TracebackType | None) -> None:
    # Python ends the process, since it does so by the signal; the traceback is the program's.
    hook = sys.excepthook

    def show(*_: object) -> None:
        sys.excepthook = hook
        report(kind, error, trace)

    sys.excepthook = show


def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a traceback that begins with the program's own lines."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    _cut_helpers(trace)
    error = error.with_traceback(trace)
    if getattr(sys.excepthook, "_handles_user_errors", False):
        # Nobody else's hook; Python's own does not find the lines of notebooks.
        traceback.print_exception(kind, error, trace)
        _say_hint(error)
        return
    try:
        sys.excepthook(kind, error, trace)
    except SystemExit:
        raise
    except Exception:
        traceback.print_exception(kind, error, trace)
    _say_hint(error)


def _say_hint(error: BaseException) -> None:
    hint = _hint(error)
    if hint:
        print(hint, file=sys.stderr)


def _cut_helpers(trace: TracebackType | None) -> None:
    """End a traceback with the program's line where it called a function of python2's."""
    last = None
    step = trace
    while step is not None:
        if not step.tb_frame.f_code.co_filename.startswith(warned.HELPERS):
            last = step
        step = step.tb_next
    if last is not None:
        last.tb_next = None


# What Python 3 says of lists that are none any more, of whole floats, and of bytes.
_SIGNS_OF_2 = re.compile(
    r"'float' object cannot be interpreted|slice indices must be integers"
    r"|'?(map|filter|zip|range|dict_keys|dict_values|dict_items)'? object"
    r"|object of type '(map|filter|zip)'"
    r"|(?i:not) \"(map|filter|zip|range|dict_keys|dict_values|dict_items)\""
    r"|'(map|filter|zip|dict_keys|dict_values|dict_items)'( and|$)"
    r"|bytes-like object is required, not 'str'|expected str instance, bytes found"
)


def _hint(error: BaseException) -> str | None:
    known = any(getattr(getattr(f, "program", None), "python2", False) for f in sys.meta_path)
    if known:
        return None  # it was translated
    if isinstance(error, (TypeError, AttributeError)) and _SIGNS_OF_2.search(str(error)):
        return (
            "If this program is Python 2, where 7 / 2 is 3 and map makes a list: "
            "python -m theano_today --python2 ..."
        )
    return None


def fork_by_default() -> None:
    # Python 2's only way to start processes; since 3.14 another one is the default, which would
    # import the program anew, untranslated.
    import multiprocessing

    if "fork" in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method("fork", force=True)
        hooks.after_import("joblib.parallel", _use_multiprocessing)


def _use_multiprocessing(parallel: ModuleType) -> None:
    # joblib's default until 2017; its workers of today import the program's modules anew, too.
    parallel.DEFAULT_BACKEND = "multiprocessing"  # type: ignore[attr-defined]
