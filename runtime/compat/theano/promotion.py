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

So Theano's own ``_asarray`` wraps as C does, and its comparisons are made in float64.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from runtime.compat import hooks


def install() -> None:
    hooks.after_import("theano.misc.safe_asarray", _mend_asarray)
    hooks.after_import("theano.scalar.basic", _mend_constants)
    hooks.after_import("theano.scalar.basic", _mend_scalar_filter)


def wrapped(values, dtype) -> np.ndarray:
    """Integers converted as by C's cast and NumPy before 2.0: modulo 2 to the number of bits.

    Parameters
    ----------
    values : int, float, or nested sequence of them
        Floats are cut off towards 0 first.
    dtype : dtype
        An integer type.

    Returns
    -------
    ndarray of `dtype`, of the shape of `values`

    Raises
    ------
    OverflowError
        A value fits neither int64 nor, where `dtype` is uint32 or uint64, uint64. So did NumPy.
    """
    dtype = np.dtype(dtype)
    # NumPy read what becomes uint32 or uint64 as an unsigned C long where that was possible.
    limit = 2**64 if dtype in (np.dtype("uint32"), np.dtype("uint64")) else 2**63
    bits = 8 * dtype.itemsize
    given = np.asarray(values, dtype=object)
    result = np.empty(given.shape, dtype=f"uint{bits}")
    for index, value in np.ndenumerate(given):
        number = int(value)
        if not -(2**63) <= number < limit:
            raise OverflowError("Python int too large to convert to C long")
        result[index] = number % 2**bits
    return result.view(dtype)


def asarray(values, dtype) -> np.ndarray:
    """``np.asarray(values, dtype)`` as NumPy 1 did it: integers wrap, and nothing warns."""
    dtype = np.dtype(dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        try:
            return np.asarray(values, dtype=dtype)
        except OverflowError:
            if dtype.kind not in "iu":
                raise
            return wrapped(values, dtype)


def _mend_asarray(safe_asarray: ModuleType) -> None:
    original = safe_asarray._asarray

    def _asarray(a, dtype, order=None):
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            try:
                return original(a, dtype, order)
            except OverflowError:
                if np.dtype(dtype).kind not in "iu":
                    raise
                return original(wrapped(a, dtype), dtype, order)

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
            found = asarray(x, dtype)
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
        # NumPy's numbers have types of their own, and convert and compare as ever.
        if strict or type(data) not in (int, float, complex):
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                return original(self, data, strict, allow_downcast)
        try:
            converted = asarray(data, self.dtype)[()]
            if (
                allow_downcast
                or (allow_downcast is None and type(data) is float and self.dtype == config.floatX)
                or np.asarray(data) == converted
            ):
                return converted
            raise TypeError(
                f"Value cannot accurately be converted to dtype ({self.dtype}) and "
                "allow_downcast is not True"
            )
        except Exception as error:
            raise TypeError(
                f"Could not convert {type(data)} (value={data}) to {self.dtype}", error
            ) from error

    basic.Scalar.filter = filter
