"""Theano's variables and types where a dtype is wanted: ``T.zeros((2,), dtype=x)``.

np.dtype(x) took what has an attribute dtype, be it a string, until NumPy 2.3. Theano's own code
relies on it (theano.gradient.zero_grad and consider_constant hand a variable to zeros_like), and
so do programs that say ``np.zeros(3, dtype=shared_variable)``. Now NumPy refuses strings there, but
from 2.4 on asks for __numpy_dtype__: variables and types have one.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from theano_today import hooks


def install() -> None:
    hooks.after_import("theano.scalar.basic", _scalars)
    hooks.after_import("theano.tensor.type", _tensor_types)
    hooks.after_import("theano.tensor.var", _tensors)
    hooks.after_import("theano.sparse.type", _sparse_types)
    hooks.after_import("theano.sparse.basic", _sparse)


def _give(*classes: type) -> None:
    def numpy_dtype(self) -> np.dtype:
        return np.dtype(self.dtype)

    for each in classes:
        each.__numpy_dtype__ = property(numpy_dtype)  # type: ignore[attr-defined]


def _scalars(basic: ModuleType) -> None:
    _give(basic.Scalar, basic._scalar_py_operators)


def _tensor_types(tensor_type: ModuleType) -> None:
    _give(tensor_type.TensorType)


def _tensors(var: ModuleType) -> None:
    _give(var._tensor_py_operators)


def _sparse_types(sparse_type: ModuleType) -> None:
    _give(sparse_type.SparseType)


def _sparse(basic: ModuleType) -> None:
    _give(basic._sparse_py_operators)
