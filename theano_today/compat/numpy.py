"""What NumPy dropped between 1.9 and 2.5.

Every alias is the replacement that NumPy's own release notes name; a name that the
installed NumPy still defines is left alone.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat import whole_floats

# Aliases of Python's own types: deprecated in 1.20, gone in 1.24.
_PYTHON_TYPES = {"bool": bool, "int": int, "float": float, "complex": complex, "object": object}
_PYTHON_TYPES |= {"str": str, "long": int, "unicode": str}

# Gone in 2.0 (NumPy 2.0 migration guide, "Main namespace"), in1d and trapz in 2.4.
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
    "in1d": "isin",
    "trapz": "trapezoid",
}


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
    if "asscalar" not in names:  # gone in 1.23
        np.asscalar = lambda a: np.asarray(a).item()  # type: ignore[attr-defined]
    if "sctype2char" not in names:  # gone in 2.0; Theano's Elemwise asks it about float32
        np.sctype2char = lambda sctype: np.dtype(sctype).char  # type: ignore[attr-defined]
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
    whole_floats.install()
    # numpy.distutils, gone from Python 3.12 on: Theano asks it for BLAS and NumPy's headers.
    hooks.supply("numpy.distutils", _fill_distutils)
    hooks.supply("numpy.distutils.__config__", _fill_config)
    hooks.supply("numpy.distutils.system_info", _fill_system_info)
    hooks.supply("numpy.distutils.misc_util", _fill_misc_util)


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
