"""theano.sandbox.cuda.type and .var: what programs construct, and what pickles of 2015 name.

A pickle written on a machine with a GPU holds NumPy arrays: CudaNdarray's copyreg function hands
them to CudaNdarray_unpickler, GpuArray's to GpuArray_unpickler. Around them are the old back ends'
types and variables, as states of their attributes. Each class here reads such a state, checks it
and turns the object into the ordinary one of the same meaning: a shared variable of the GPU
becomes a TensorSharedVariable on a NumPy array. Pickle protocols 0 and 1 make the object without
asking the class, and protocol 2 lets others refer to it before its state arrives: so the object
changes its class when the state has come.
"""

from __future__ import annotations

import pickle

import numpy as np
import theano
from theano import gof
from theano.tensor import (
    TensorConstant,
    TensorType,
    TensorVariable,
    as_tensor_variable,
)
from theano.tensor.sharedvar import TensorSharedVariable

__all__ = [
    "CudaNdarray",
    "CudaNdarrayConstant",
    "CudaNdarraySharedVariable",
    "CudaNdarrayType",
    "CudaNdarrayVariable",
    "CudaNdarray_pickler",
    "CudaNdarray_unpickler",
    "CudaSharedVariable",
    "cuda_shared_constructor",
    "float32_shared_constructor",
    "shared_constructor",
]


def _damaged(what: str, got: object) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(
        f"damaged pickle of Theano's GPU back end: {what}, got {got!r:.200}"
    )


def _array(value: object, dtype: str | None = None) -> np.ndarray:
    if type(value) is not np.ndarray or value.dtype.hasobject:
        raise _damaged("expected a NumPy array of numbers", value)
    if dtype is not None and value.dtype != dtype:
        raise _damaged(f"expected an array of {dtype}", value)
    return value


def _state(state: object, of: str, *needed: str) -> dict:
    if not isinstance(state, dict):
        raise _damaged(f"expected the attributes of a {of} as a dict", state)
    for name in needed:
        if name not in state:
            raise _damaged(f"expected a {of} with an attribute {name!r}", sorted(map(str, state)))
    return state


class CudaNdarray:
    """``CudaNdarray(values)`` is a new float32 ndarray; so is ``CudaNdarray.zeros(shape)``."""

    def __new__(cls, values):
        return np.array(values, "float32")

    @staticmethod
    def zeros(shape):
        return np.zeros(shape, "float32")


def CudaNdarray_unpickler(npa):
    """Return `npa`, the float32 array that a pickled CudaNdarray holds.

    Raises
    ------
    pickle.UnpicklingError
        If it is not such an array.
    """
    return _array(npa, "float32")


def CudaNdarray_pickler(cnda):
    return CudaNdarray_unpickler, (np.asarray(cnda, "float32"),)


def _becomes_tensor_type(self, state: object, dtype: object) -> None:
    attributes = _state(state, "GPU type", "broadcastable")
    pattern = attributes["broadcastable"]
    if not isinstance(pattern, (tuple, list)) or not all(
        isinstance(b, (bool, int, np.bool_)) for b in pattern
    ):
        raise _damaged("expected a pattern of broadcastable axes", pattern)
    name = attributes.get("name")
    self.__class__ = TensorType
    self.__dict__.clear()
    try:
        TensorType.__init__(self, dtype, pattern, name=name)
    except TypeError:
        raise _damaged("expected the name of a dtype", dtype) from None


class CudaNdarrayType(TensorType):
    """``CudaNdarrayType(broadcastable)`` is the float32 TensorType of that pattern.

    Raises
    ------
    TypeError
        For any dtype but float32.
    """

    typenum = 11

    def __init__(self, broadcastable, name=None, dtype=None):
        if dtype is not None and dtype != "float32":
            raise TypeError(
                "CudaNdarrayType only supports dtype float32. Tried using dtype "
                f"{dtype} for variable {name}"
            )
        self.__class__ = TensorType
        TensorType.__init__(self, "float32", broadcastable, name=name)

    def __setstate__(self, state):
        _becomes_tensor_type(self, state, "float32")


class _Variable:
    """Takes the state of a variable of the old back ends."""

    def _become(self, cls: type, state: object, *needed: str) -> None:
        attributes = _state(state, "GPU variable", "type", "tag", *needed)
        # The type may still wait for its own state, if its pickle refers back to the variable.
        if not isinstance(attributes["type"], gof.Type):
            raise _damaged("expected a variable with a type of Theano's", attributes["type"])
        self.__class__ = cls
        self.__dict__.update(attributes)
        self.__dict__.setdefault("owner", None)
        self.__dict__.setdefault("index", None)
        self.__dict__.setdefault("name", None)
        if "auto_name" not in attributes:  # since Theano 0.7
            self.__dict__["auto_name"] = f"auto_{next(gof.Variable.__count__)}"


class CudaNdarrayVariable(_Variable, TensorVariable):
    def __setstate__(self, state):
        self._become(TensorVariable, state)


class CudaNdarrayConstant(_Variable, TensorConstant):
    """``CudaNdarrayConstant(type, values)`` is a constant of ordinary Theano."""

    def __new__(cls, type=None, data=None, name=None):
        if type is None:  # as pickle calls it
            return object.__new__(cls)
        return TensorConstant(type, CudaNdarray(data), name=name)

    def __setstate__(self, state):
        data = _state(state, "GPU constant", "data")["data"]
        _array(data)
        self._become(TensorConstant, state, "data")


class CudaNdarraySharedVariable(_Variable, TensorSharedVariable):
    """``CudaNdarraySharedVariable(name, type, value, strict)`` is an ordinary shared variable."""

    def __new__(cls, name=None, type=None, value=None, strict=None, **more):
        if type is None:
            return object.__new__(cls)
        if more.get("container") is None:
            value = CudaNdarray(value)
        return TensorSharedVariable(name, type, value, strict, **more)

    def __setstate__(self, state):
        self._become_shared(state)

    def _become_shared(self, state):
        container = _state(state, "GPU shared variable", "container")["container"]
        if not isinstance(container, gof.Container):
            raise _damaged("expected a shared variable with a container of Theano's", container)
        storage = container.__dict__.get("storage")
        if not isinstance(storage, list) or len(storage) != 1:
            raise _damaged("expected a shared variable that holds one value", storage)
        container.__dict__.setdefault("readonly", False)
        container.__dict__.setdefault("strict", False)
        container.__dict__.setdefault("allow_downcast", None)
        container.__dict__.setdefault("name", state.get("name"))
        value = _array(storage[0])
        expected = getattr(container.__dict__.get("type"), "broadcastable", None)
        if expected is not None and value.ndim != len(expected):
            raise _damaged(f"expected a value of {len(expected)} axes", value.shape)
        self._become(TensorSharedVariable, state, "container")


CudaSharedVariable = CudaNdarraySharedVariable


def cuda_shared_constructor(
    value, name=None, strict=False, allow_downcast=None, borrow=False, broadcastable=None,
    target="gpu",
):  # fmt: skip
    """Return a shared variable of float32, whatever dtype `value` has.

    Raises
    ------
    TypeError
        If `strict`, and `value` is not a float32 array; if `target` is not "gpu".
    """
    if not strict:
        value = np.asarray(value, "float32")
    return float32_shared_constructor(
        value, name, strict, allow_downcast, borrow, broadcastable, target
    )


def float32_shared_constructor(
    value, name=None, strict=False, allow_downcast=None, borrow=False, broadcastable=None,
    target="gpu",
):  # fmt: skip
    """Return a shared variable of the float32 array `value`.

    Raises
    ------
    TypeError
        If it is not such an array; if `target` is not "gpu".
    """
    if target != "gpu":
        raise TypeError(f"expected target='gpu', got {target!r}")
    if not isinstance(value, np.ndarray) or value.dtype != np.float32:
        got = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"float32 ndarray required, got {got}")
    return theano.shared(
        value, name, strict, allow_downcast, borrow=borrow, broadcastable=broadcastable
    )


shared_constructor = float32_shared_constructor


def as_cuda_ndarray_variable(x):
    """Return `x` as a variable of ordinary Theano."""
    return as_tensor_variable(x)


def read_gpuarray_pickles(module) -> None:
    """Let the pickles of theano.gpuarray load where there is no pygpu, as NumPy-backed objects.

    `module` is theano.gpuarray.type. With pygpu nothing changes.
    """
    if module.pygpu is not None:
        return

    def GpuArray_unpickler(npa, ctx_name):
        """Return `npa`, the array that a pickled GpuArray holds."""
        return _array(npa)

    # Pickles of 2016 name the function by its module; theirs says "pygpu not found".
    GpuArray_unpickler.__module__ = module.__name__
    module.GpuArray_unpickler = GpuArray_unpickler

    def read_type(self, state):
        _becomes_tensor_type(self, state, _state(state, "GPU type", "dtype")["dtype"])

    def read_shared(self, state):
        CudaNdarraySharedVariable._become_shared(self, state)

    def read_variable(self, state):
        _Variable._become(self, TensorVariable, state)

    def read_constant(self, state):
        _array(_state(state, "GPU constant", "data")["data"])
        _Variable._become(self, TensorConstant, state)

    for cls, read in (
        (module.GpuArrayType, read_type),
        (module.GpuArraySharedVariable, read_shared),
        (module.GpuArrayVariable, read_variable),
        (module.GpuArrayConstant, read_constant),
    ):
        cls.__setstate__ = read
    for cls in (module.GpuArraySharedVariable, module.GpuArrayVariable, module.GpuArrayConstant):
        cls._become = _Variable._become


def read_gpuarray_zips(pkl_utils) -> None:
    """The same for the arrays of theano.misc.pkl_utils.dump, which keeps them in a zip file."""
    from theano import gpuarray

    if gpuarray.pygpu is not None:
        return
    original = pkl_utils.PersistentNdarrayLoad.__call__

    def __call__(self, persid):
        kind, _, name = persid.partition(".")
        if kind != "gpuarray" or name in self.cache:
            return original(self, persid)
        with self.zip_file.open(name) as file:
            pickle.load(file)  # the name of the GPU comes first
            self.cache[name] = np.lib.format.read_array(file)
        return self.cache[name]

    pkl_utils.PersistentNdarrayLoad.__call__ = __call__
