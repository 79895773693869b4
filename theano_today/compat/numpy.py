"""What NumPy dropped between 1.9 and 2.5.

Every alias is the replacement that NumPy's own release notes name; a name that the
installed NumPy still defines is left alone.
"""

from __future__ import annotations

import importlib
import inspect
import math
import pickle
from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat import numpy_arrays, numpy_logging, whole_floats

# Aliases of Python's own types: deprecated in 1.20, gone in 1.24.
_PYTHON_TYPES = {"bool": bool, "int": int, "float": float, "complex": complex, "object": object}
_PYTHON_TYPES |= {"str": str, "long": int, "unicode": str}

# Gone in 2.0 (NumPy 2.0 migration guide, "Main namespace"), trapz in 2.4.
_RENAMED = {
    "float_": "float64",
    "complex_": "complex128",
    "longfloat": "longdouble",
    "string_": "bytes_",
    "unicode_": "str_",
    "Inf": "inf",
    "Infinity": "inf",
    "infty": "inf",
    "NaN": "nan",
    "product": "prod",
    "cumproduct": "cumprod",
    "alltrue": "all",
    "sometrue": "any",
    "round_": "round",
    "row_stack": "vstack",
    "trapz": "trapezoid",
    "mat": "asmatrix",
    "cfloat": "complex128",
    "singlecomplex": "complex64",
    "longcomplex": "clongdouble",
    "clongfloat": "clongdouble",
    "PINF": "inf",
    # Gone in 1.18 and 1.24.
    "rank": "ndim",
    "typeDict": "sctypeDict",
    "bool8": "bool_",
    "int0": "intp",
    "uint0": "uintp",
    "object0": "object_",
}
# What numpy.lib showed of its modules, until 2.0.
_OF_LIB = (
    "angle", "append", "average", "bincount", "corrcoef", "cov", "delete", "diag", "diff",
    "digitize", "dstack", "expand_dims", "flipud", "fliplr", "gradient", "histogram", "insert",
    "interp", "kron", "median", "meshgrid", "pad", "percentile", "piecewise", "select", "split",
    "tile", "trapz", "tri", "tril", "triu", "unique", "vander", "vectorize",
)  # fmt: skip


class _Cast(dict):
    """``np.cast[dtype](values)``, gone in 2.0; the tutorial's float32() uses it.

    Theano's gradients (arcsin, arctan, deg2rad, ...) say ``np.cast[x.type](1)``: until NumPy 2.3
    anything with an attribute `dtype` was one, a str included.
    """

    def __missing__(self, dtype):
        if isinstance(named := getattr(dtype, "dtype", None), str):
            dtype = named
        return lambda values: np.asarray(values).astype(dtype)


def install() -> None:
    names = np.__dict__
    for old, python_type in _PYTHON_TYPES.items():
        if old not in names:
            setattr(np, old, python_type)
    for old, new in _RENAMED.items():
        if old not in names:
            setattr(np, old, getattr(np, new))
    if "cast" not in names:
        np.cast = _Cast()  # type: ignore[attr-defined]
    for old, function in _LOST.items():
        if old not in names:
            setattr(np, old, function)
    for name in _OF_LIB:
        if not hasattr(np.lib, name):
            setattr(np.lib, name, getattr(np, name))
    if "ComplexWarning" not in names:  # moved in 1.25, the old name gone in 2.0
        np.ComplexWarning = np.exceptions.ComplexWarning  # type: ignore[attr-defined]

    # numpy.linalg.linalg, private (_linalg) since 2.0: theano.gpuarray, which scan imports
    # whether there is a GPU or not, takes LinAlgError from it.
    hooks.supply("numpy.linalg.linalg", _fill_linalg)
    if not hasattr(np.linalg, "linalg"):  # an attribute of its package without an import of its own
        importlib.import_module("numpy.linalg.linalg")
    # ndarray.tostring, gone in 2.3: tobytes by its former name. itemset, gone in 2.0.
    whole_floats.add_to_ndarray("tostring", _to_bytes)
    whole_floats.add_to_ndarray("itemset", _set_item)
    # Gone in 2.0 as well.
    whole_floats.add_to_ndarray("ptp", _range)
    whole_floats.add_to_ndarray("newbyteorder", _in_byte_order)
    whole_floats.install()
    numpy_arrays.install()
    numpy_logging.install()
    hooks.after_import("numpy.testing", _add_tester)
    # numpy.distutils, gone from Python 3.12 on: Theano asks it for BLAS and NumPy's headers.
    hooks.supply("numpy.distutils", _fill_distutils)
    hooks.supply("numpy.distutils.__config__", _fill_config)
    hooks.supply("numpy.distutils.system_info", _fill_system_info)
    hooks.supply("numpy.distutils.misc_util", _fill_misc_util)


def _sort_first(a):
    copy = np.array(a, subok=True)
    copy.sort(0)
    return copy


def _as_float_array(a, dtype=np.float64):
    dtype = np.dtype(dtype)
    return np.asarray(a, np.float64 if not issubclass(dtype.type, np.inexact) else dtype)


def _common_type(array_types, scalar_types):
    """Return the type that NumPy 1 found: a scalar's only if it is of another kind."""
    arrays, scalars = (
        np.result_type(*types) if types else None
        for types in (list(map(np.dtype, array_types)), list(map(np.dtype, scalar_types)))
    )
    if arrays is None or scalars is None:
        return scalars if arrays is None else arrays
    kinds = "buifcmMSUVO"
    larger = kinds.index(scalars.kind) > kinds.index(arrays.kind)
    return np.promote_types(scalars, arrays) if larger else arrays


def _in_flat(ar1, ar2, assume_unique=False, invert=False, **more):
    # isin keeps the shape.
    return np.isin(np.ravel(ar1), ar2, assume_unique, invert, **more)


# By the name that is gone: with 1.23 asscalar, alen; with 2.4 in1d; with 2.0 all others.
_LOST: dict[str, object] = {
    "asscalar": lambda a: np.asarray(a).item(),
    "alen": lambda a: len(np.atleast_1d(a)),
    "msort": _sort_first,
    "in1d": _in_flat,
    "asfarray": _as_float_array,
    "find_common_type": _common_type,
    "sctype2char": lambda sctype: np.dtype(sctype).char,  # Theano's Elemwise asks about float32
    "obj2sctype": lambda rep, default=None: default if rep is None else np.dtype(rep).type,
    "issctype": lambda rep: isinstance(rep, type) and issubclass(rep, np.generic),
    "issubsctype": lambda a, b: issubclass(np.dtype(a).type, np.dtype(b).type),
    "loads": pickle.loads,
    "math": math,
    "source": lambda object, output=None: print(inspect.getsource(object), file=output),
    "NINF": -np.inf,
    "NZERO": -0.0,
    "PZERO": 0.0,
    "sctypes": {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64, np.longdouble],
        "complex": [np.complex64, np.complex128, np.clongdouble],
        "others": [bool, object, bytes, str, np.void],
    },
}


def _range(self, axis=None, out=None, keepdims=False):
    return np.ptp(self, axis, out, keepdims)


def _in_byte_order(self, new_order="S"):
    return self.view(self.dtype.newbyteorder(new_order))


def _to_bytes(self, order="C"):
    return self.tobytes(order)


def _set_item(self, *arguments):
    *index, value = arguments
    if len(index) == 1 and not isinstance(index[0], tuple):
        self.flat[index[0]] = value
    elif index:
        self[index[0] if len(index) == 1 else tuple(index)] = value
    elif self.size == 1:
        self[(0,) * self.ndim] = value
    else:
        raise ValueError("can only convert an array of size 1 to a Python scalar")


class _Tester:
    """``test = Tester().test`` in a package's __init__, which PyMC3 and others have."""

    def __init__(self, package=None, raise_warnings="release", depth=0):
        self.package = package

    def test(self, *arguments, **options):
        raise NotImplementedError(
            "numpy.testing.Tester ran tests by nose, and left NumPy in 1.25; run them by pytest"
        )

    bench = test


def _add_tester(testing: ModuleType) -> None:
    if not hasattr(testing, "Tester"):
        testing.Tester = _Tester  # type: ignore[attr-defined]


def _fill_linalg(module: ModuleType) -> None:
    module.__dict__.update({name: getattr(np.linalg, name) for name in np.linalg.__all__})


def _fill_distutils(module: ModuleType) -> None:
    # The real package has these two as attributes without an import of their own.
    from numpy.distutils import __config__, misc_util  # noqa: F401


def _fill_config(module: ModuleType) -> None:
    module.show = lambda: None  # type: ignore[attr-defined]
    module.get_info = lambda name: {}  # type: ignore[attr-defined]


def _fill_system_info(module: ModuleType) -> None:
    class system_info:
        verbosity = 0

    module.system_info = system_info  # type: ignore[attr-defined]
    module.get_info = lambda *args, **kwargs: {}  # type: ignore[attr-defined]


def _fill_misc_util(module: ModuleType) -> None:
    module.get_numpy_include_dirs = lambda: [np.get_include()]  # type: ignore[attr-defined]
