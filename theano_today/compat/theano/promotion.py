"""Theano's constants and casts, under the promotion rules of NumPy 2.

Since NumPy 2.0 (NEP 50, and the end of what 1.24 deprecated):

- ``np.asarray(300, "int8")`` raises OverflowError, where it wrapped to 44. Theano finds the
  smallest integer type of a constant by trying int8, int16, int32 and int64 in turn, and takes
  OverflowError for "larger than int64": 300 would become uint64, and what it meets float64.
- A Python float that meets a float32 is rounded to float32 first. Theano finds the smallest float
  type of a constant by ``x == np.asarray(x, dtype)``, which is then always True: with
  floatX=float64, 0.1 would become float32.
- Lists of unequal lengths are refused with ValueError (1.24), where they became an array of
  objects, which Theano refuses with TypeError: as_tensor_variable and others rely on that.
- A cast that overflows warns, and raises under ``np.errstate(all="raise")``.

So Theano's own ``_asarray`` wraps as C does, and its comparisons are made in float64. In its
Python code the same rules meet:

- Cast and Elemwise, whose Python code computes on Python's numbers and converts the results;
- Composite, which mixes them with NumPy's: ``1000 * np.int8(2)`` was an int64 and is an int8 now;
- where a fixed number is put into an array of any type: two rewrites that want -1 in an unsigned
  one, bitwise_and of nothing, and numbers that DebugMode fills memory with.
"""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from theano_today import hooks
from theano_today.compat.source import edit


def install() -> None:
    hooks.after_import("theano.misc.safe_asarray", _mend_asarray)
    hooks.after_import("theano.scalar.basic", _mend_constants)
    hooks.after_import("theano.scalar.basic", _mend_scalar_filter)
    hooks.after_import("theano.scalar.basic", _mend_cast_and_mul)
    hooks.after_import("theano.scalar.basic", _mend_composite)
    hooks.after_import("theano.tensor.elemwise", _mend_elemwise)
    hooks.after_import("theano.tensor.elemwise", _mend_identity)
    hooks.after_import("theano.tensor.opt", _mend_minus_one)
    hooks.after_import("theano.tensor.basic", _mend_alloc_empty)
    hooks.after_import("theano.compile.debugmode", _mend_preallocated)
    hooks.after_import("theano.sandbox.multinomial", _mend_choice)


def wrapped(values, dtype, beyond_long: bool = True) -> np.ndarray:
    """Integers converted as by C's cast: modulo 2 to the number of bits.

    Parameters
    ----------
    values : int, float, or nested sequence or array of them
        Of any size. Floats are cut off towards 0 first.
    dtype : dtype
        An integer type.
    beyond_long : bool
        Whether to convert integers as well that NumPy before 2.0 refused: what fits neither int64
        nor, where `dtype` is uint32 or uint64, uint64.

    Returns
    -------
    ndarray of `dtype`, of the shape of `values`

    Raises
    ------
    OverflowError
        Such an integer, with ``beyond_long=False``; infinity.
    """
    given = np.asarray(values, dtype=object)
    if not beyond_long:
        limit = 2**64 if np.dtype(dtype) in (np.dtype("uint32"), np.dtype("uint64")) else 2**63
        if not all(-(2**63) <= int(number) < limit for number in given.ravel().tolist()):
            raise OverflowError("Python int too large to convert to C long")
    try:
        return given.astype("int64").astype(dtype)
    except OverflowError:
        result = np.empty(given.shape, "uint64")
        for index, value in np.ndenumerate(given):
            result[index] = int(value) % 2**64
        return result.astype(dtype)


def converted(values, dtype, beyond_long: bool = True) -> np.ndarray:
    """``np.asarray(values, dtype)`` where integers wrap and nothing warns.

    Parameters
    ----------
    values : array_like
    dtype : dtype
    beyond_long : bool
        As for `wrapped`.

    Raises
    ------
    OverflowError
        As `wrapped` does.
    """
    dtype = np.dtype(dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        try:
            return np.asarray(values, dtype=dtype)
        except OverflowError:
            if dtype.kind not in "iu":
                raise
        return wrapped(values, dtype, beyond_long)


def _mend_asarray(safe_asarray: ModuleType) -> None:
    original = safe_asarray._asarray

    def _asarray(a, dtype, order=None):
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            try:
                return original(a, dtype, order)
            except OverflowError:
                return original(converted(a, dtype, beyond_long=False), dtype, order)

    _asarray.__doc__ = original.__doc__
    safe_asarray._asarray = _asarray  # type: ignore[attr-defined]


def _mend_constants(basic: ModuleType) -> None:
    from theano import config

    original = basic.NumpyAutocaster.__call__

    def __call__(self, x):
        if config.cast_policy != "custom" or not isinstance(x, float) or hasattr(x, "dtype"):
            return original(self, x)
        if config.floatX in self.dtypes and config.floatX != "float64":
            return original(self, x)
        exact = np.asarray(x, dtype="float64")
        for dtype in self.dtypes:
            if dtype == "float16" and config.floatX != "float16":
                continue
            found = converted(x, dtype)
            # Two arrays: a Python float would be rounded to the array's type beforehand.
            if exact == found:
                break
        return found

    basic.NumpyAutocaster.__call__ = __call__

    convert_original = basic.convert

    def convert(x, dtype=None):
        try:
            return convert_original(x, dtype)
        except ValueError:
            if dtype is not None or not isinstance(x, (list, tuple)):
                raise
            return np.array(x, dtype=object)  # for the caller to refuse, with TypeError

    convert.__doc__ = convert_original.__doc__
    basic.convert = convert  # type: ignore[attr-defined]


def _mend_scalar_filter(basic: ModuleType) -> None:
    from theano import config

    original = basic.Scalar.filter

    def filter(self, data, strict=False, allow_downcast=None):
        # NumPy's numbers have types of their own, and convert and compare as they always did.
        if strict or type(data) not in (int, float, complex):
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                return original(self, data, strict, allow_downcast)
        try:
            number = converted(data, self.dtype, beyond_long=False)[()]
            if (
                allow_downcast
                or (allow_downcast is None and type(data) is float and self.dtype == config.floatX)
                or np.asarray(data) == number
            ):
                return number
            raise TypeError(
                f"Value cannot accurately be converted to dtype ({self.dtype}) and "
                "allow_downcast is not True"
            )
        except Exception as error:
            raise TypeError(
                f"Could not convert {type(data)} (value={data}) to {self.dtype}", error
            ) from error

    basic.Scalar.filter = filter


def _mend_cast_and_mul(basic: ModuleType) -> None:
    def cast(self, input):
        try:
            return self.ctor(input)
        except OverflowError:
            return converted(input, self.o_type.dtype)[()]

    multiply = basic.Mul.impl

    def mul(self, *inputs):
        # NumPy would take 2**63 and 3 for floats.
        if all(type(factor) is int for factor in inputs):
            return math.prod(inputs)
        return multiply(self, *inputs)

    basic.Cast.impl = cast
    basic.Mul.impl = mul


def _mend_elemwise(elemwise: ModuleType) -> None:
    def called(op, ufunc, arguments, options):
        if not isinstance(op.scalar_op, elemwise.scalar.Cast):
            return ufunc(*arguments, **options)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return ufunc(*arguments, **options)

    elemwise._called = called  # type: ignore[attr-defined]
    elemwise._converted = converted  # type: ignore[attr-defined]
    edit(
        elemwise.Elemwise.perform,
        {
            "ufunc(*ufunc_args, **ufunc_kwargs)": "_called(self, ufunc, ufunc_args, ufunc_kwargs)",
            "np.asarray(variable, dtype=nout.dtype)": "_converted(variable, nout.dtype)",
            "np.asarray(variable, nout.dtype)": "_converted(variable, nout.dtype)",
            "odat[...] = variable": "odat[...] = _converted(variable, nout.dtype)",
        },
    )


def _strong(value, dtype: str):
    """A number of a Composite, as it was under NumPy 1: floats in float64, integers in int64.

    What does not fit `dtype` wraps, as in the C code.
    """
    kind = np.dtype(dtype).kind
    if kind in "iu":
        return np.dtype("uint64" if dtype == "uint64" else "int64").type(wrapped(value, dtype))
    return {"b": np.bool_, "f": np.float64, "c": np.complex128}[kind](value)


def _mend_composite(basic: ModuleType) -> None:
    def init_py_impls(self):
        computed: dict = {}

        def given(i, dtype):
            return lambda inputs: _strong(inputs[i], dtype)

        def compute(variable):
            if variable not in computed:
                computed[variable] = made(variable)
            return computed[variable]

        def made(variable):
            dtype = variable.type.dtype
            if variable.owner is None:
                constant = _strong(variable.data, dtype)
                return lambda inputs: constant
            impl = variable.owner.op.impl
            parts = [compute(part) for part in variable.owner.inputs]
            return lambda inputs: _strong(impl(*[part(inputs) for part in parts]), dtype)

        def result(variable):
            number, of = np.dtype(variable.type.dtype).type, compute(variable)
            return lambda inputs: number(of(inputs))

        for i, variable in enumerate(self.fgraph.inputs):
            computed[variable] = given(i, variable.type.dtype)
        self._impls = [result(variable) for variable in self.fgraph.outputs]

    basic.Composite.init_py_impls = init_py_impls


def _mend_minus_one(opt: ModuleType) -> None:
    edit(opt.local_neg_to_mul.transform, {"np.array(-1,": "theano._asarray(-1,"})
    edit(opt.local_mul_specialize.transform, {"np.asarray(-1,": "theano._asarray(-1,"})


def _mend_identity(elemwise: ModuleType) -> None:
    # That of bitwise_and is -1.
    number = "self.scalar_op.identity"
    edit(
        elemwise.CAReduce.perform,
        {f"variable.fill({number})": f"variable.fill(_converted({number}, acc_dtype))"},
    )


def _mend_alloc_empty(basic: ModuleType) -> None:
    edit(
        basic.AllocEmpty.debug_perform,
        {"fill(-123456789)": "fill(np.asarray(-123456789).astype(self.dtype))"},
    )


def _mend_preallocated(debugmode: ModuleType) -> None:
    edit(
        debugmode._get_preallocated_maps,
        {"new_buf[...] = def_val\n": "new_buf[...] = np.asarray(def_val).astype(new_buf.dtype)\n"},
    )


def _mend_choice(multinomial: ModuleType) -> None:
    edit(
        multinomial.ChoiceFromUniform.perform,
        {"-1 * np.ones(": "np.asarray(-1).astype(odtype) * np.ones("},
    )
