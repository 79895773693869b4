"""The C code of every ScalarOp, with every dtype, against the same Op's Python code.

As one Elemwise each it would take a thousand compilations. Here the functions of many Ops stand
in one C++ file, behind what Theano includes and passes to the compiler.
"""

from __future__ import annotations

import ctypes
import itertools
import platform
import sys
from pathlib import Path

import numpy as np
import pytest

import theano_today  # noqa: F401  (first: it mends what follows)

import theano  # isort: skip
import theano.tensor as T
from theano import scalar
from theano.gof.cmodule import GCC_compiler
from theano.gof.utils import MethodNotDefined
from theano.scalar import basic, basic_scipy  # noqa: F401  (their Ops are looked for)
from theano.tensor import xlogx  # noqa: F401
from theano.tensor.elemwise import Elemwise

from theano_today.engine import elemwise as engine_elemwise

REALS = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
REALS += ["float32", "float64"]
DTYPES = [*REALS, "complex64", "complex128"]
MIXED = [
    ("int8", "uint8"), ("uint8", "int8"), ("int32", "float32"), ("float32", "int32"),
    ("int64", "float32"), ("bool", "int8"),
    ("bool", "float32"), ("float32", "float64"), ("complex64", "float32"),
    ("float64", "complex64"), ("int8", "int64"), ("uint16", "int16"), ("complex64", "uint32"),
]  # fmt: skip

# Made by these tests, one for each dtype or choice; all others exist in Theano's modules.
MADE = {
    "Cast": lambda: [basic.Cast(getattr(scalar, d), name=f"cast_{d}") for d in DTYPES],
    "InRange": lambda: [basic.InRange(*open_) for open_ in itertools.product([0, 1], [0, 1])],
}

# Compared elsewhere (test_all_c_code.py), or without C code and a formula of their own.
WITHOUT = {"Composite", "BNComposite", "SymPyCCode"}


def classes(base=basic.ScalarOp):
    """Return all kinds of scalar Ops that Theano defines C code for."""
    found = []
    for kind in base.__subclasses__():
        found += [kind, *classes(kind)]
    return [
        kind
        for kind in dict.fromkeys(found)
        if kind.__module__.startswith("theano.")
        and ".gpuarray" not in kind.__module__
        and ".tests" not in kind.__module__
        and any("c_code" in vars(c) for c in kind.__mro__ if c.__module__ != "theano.gof.op")
        and kind.__name__ not in WITHOUT
    ]


def instances(kind):
    """Return the Ops of this kind, those of Theano's modules or MADE ones."""
    if kind.__name__ in MADE:
        return MADE[kind.__name__]()
    found = []
    for name, module in sorted(sys.modules.items()):
        if name.startswith("theano.") and ".tests" not in name:
            found += [v for v in vars(module).values() if type(v) is kind and v not in found]
    return found


def dtypes_for(op):
    count = {"Switch": 3, "Clip": 3, "InRange": 3}.get(type(op).__name__, op.nin)
    if count == 1:
        return [(d,) for d in DTYPES]
    if count == 3:
        first = ["bool"] if isinstance(op, basic.Switch) else None
        return [((first or [d])[0], d, d) for d in DTYPES]
    return [*[(d, d) for d in DTYPES], *MIXED]


def values(dtype):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.array([False, True])
    if kind in "iu":
        info = np.iinfo(dtype)
        wanted = [0, 1, 2, 3, 5, 7, 12, 100, info.max, info.min + 1, -1, -2, -3, -7, -100]
        return np.array(sorted({v for v in wanted if info.min <= v <= info.max}), dtype)
    if kind == "f":
        wanted = [0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, -3.7, 0.9999, 1e-30, 88.7]
        return np.array([*wanted, -100.5, 1e10, -1e10, np.inf, -np.inf, np.nan], dtype)
    return np.array([0, 1, -1, 1j, -1j, 2 + 3j, -2 + 0.5j, 0.5 - 4j, 3], dtype)


def grid(dtypes):
    axes = [values(d) for d in dtypes]
    if len(axes) == 3:
        axes = [a[:: 1 + len(a) // 9] for a in axes]
    return [np.ascontiguousarray(a.ravel()) for a in np.meshgrid(*axes, indexing="ij")]


class Case:
    """An Op with certain dtypes; its C code if it has some for these."""

    def __init__(self, op, dtypes):
        self.op, self.dtypes = op, dtypes
        self.node = op.make_node(*[scalar.Scalar(d)() for d in dtypes])
        names = [f"x{i}" for i in range(len(dtypes))]
        self.code = op.c_code(
            self.node, "node", names, ["z"], {"fail": "{PyErr_Clear(); return 1;}"}
        )

    @property
    def out(self):
        return self.node.outputs[0].type

    def __repr__(self):
        return f"{type(self.op).__name__}({self.op}) of {', '.join(self.dtypes)}"

    def function(self, name):
        """Return C++ that defines the function `name` of whole arrays."""
        types = [scalar.Scalar(d).dtype_specs()[1] for d in self.dtypes]
        out = self.out.dtype_specs()[1]
        parameters = "".join(f"{t} x{i}, " for i, t in enumerate(types))
        arguments = "".join(f"(({t}*)in[{i}])[i], " for i, t in enumerate(types))
        return f"""
            static int {name}_one({parameters} {out}& z) {{ {self.code}
                return 0; }}
            extern "C" void {name}(long n, char* failed, void** in, void* out) {{
                for (long i = 0; i < n; ++i) failed[i] = {name}_one({arguments} (({out}*)out)[i]);
            }}"""

    def by_python(self, arrays):
        node = Elemwise(self.op).make_node(*[T.TensorType(d, (False,))() for d in self.dtypes])
        node.op.prepare_node(node, None, None, "py")
        cell = [None]
        with np.errstate(all="ignore"):
            node.op.perform(node, arrays, [cell])
        return cell[0]

    def by_c(self, function, arrays):
        """Return the results, and where the C code raised an exception."""
        size = len(arrays[0])
        out, failed = np.zeros(size, self.out.dtype), np.zeros(size, "bool")
        addresses = (ctypes.c_void_p * len(arrays))(*[a.ctypes.data for a in arrays])
        function(
            ctypes.c_long(size), ctypes.c_void_p(failed.ctypes.data), addresses,
            ctypes.c_void_p(out.ctypes.data),
        )  # fmt: skip
        return out, failed


def cases(dtypes=None):
    """Return all Cases, those of all inputs in `dtypes` if given."""
    found = []
    for kind in classes():
        for op in instances(kind):
            for wanted in dtypes_for(op):
                if dtypes is None or set(wanted) <= set(dtypes):
                    try:
                        found.append(Case(op, wanted))
                    except (TypeError, NotImplementedError, MethodNotDefined):
                        continue  # Theano refuses the dtype, or leaves it to Python
    return found


def _ask(method):
    try:
        return method(GCC_compiler)
    except TypeError:
        return method()


def compiled(cases, folder: Path):
    """Return a function for each Case, in one shared library."""
    support, headers, flags = {}, {"<Python.h>": None}, {}
    for name in ("<iostream>", "<math.h>", "<numpy/arrayobject.h>", "<numpy/arrayscalars.h>"):
        headers[name] = None
    for case in cases:
        for source in (case.op, *[v.type for v in case.node.inputs + case.node.outputs]):
            for method, into in (("c_headers", headers), ("c_compile_args", flags)):
                try:
                    into.update(dict.fromkeys(_ask(getattr(source, method))))
                except MethodNotDefined:
                    continue
            try:
                support[source.c_support_code()] = None
            except MethodNotDefined:
                continue
    code = "\n".join(
        [*[f"#include {name}" for name in headers], *support]
        + [case.function(f"f{i}") for i, case in enumerate(cases)]
    )
    GCC_compiler.compile_str(
        "scalars", code, location=str(folder), py_module=False, hide_symbols=False,
        include_dirs=theano.gof.cmodule.std_include_dirs(),
        preargs=[*[a for a in GCC_compiler.compile_args() if a != "-O3"], "-O1", *flags],
    )  # fmt: skip
    library = ctypes.PyDLL(str(folder / "scalars.so"))  # with the GIL: failures set exceptions
    return [getattr(library, f"f{i}") for i in range(len(cases))]


# Not compared: the C code of these stops the process outside their domain, and its series and
# SciPy's differ by more than rounding inside. Those below differ outside their domain only.
ABORTS = {"GammaInc", "GammaIncC", "GammaU", "GammaL", "Chi2SF"}
POSITIVE = {"Psi", "TriGamma"}
FINITE = {"GammaLn", "J0", "J1", "IntDiv"}


def regular(case, arrays):
    """Return where C and Python are to agree."""
    name = type(case.op).__name__
    where = np.ones(len(arrays[0]), "bool")
    for a in arrays:
        if name in POSITIVE:
            where &= a > 0
        if name in FINITE:
            where &= np.isfinite(a)
        if name in ("Maximum", "Minimum") and a.dtype.kind in "iu":
            where &= abs(a.astype("float64")) < 2**53  # their C code goes through double, for NaN
        if isinstance(case.op, basic.Cast) and a.dtype.kind == "f":
            where &= (abs(a) < 100) & ((a >= 0) | (not case.out.dtype.startswith("u")))
    if name in ("TrueDiv", "Inv", "Log", "Log2", "Log10", "Pow") and case.out.dtype[0] == "c":
        where &= arrays[-1] != 0  # NaN or infinite, each in its own way
        where &= arrays[0] != 0
    if name == "Pow" and case.out.dtype[0] in "iu":  # goes through double
        base, exponent = (a.astype("float64") for a in arrays)
        with np.errstate(all="ignore"):
            where &= (exponent >= 0) & (exponent < 2**53)
            where &= abs(base**exponent) < np.iinfo(case.out.dtype).max
    return where


def meaningless(case):
    """Say whether the C code compares complex numbers by size, or Theano refuses the cast."""
    if not any(d.startswith("complex") for d in case.dtypes):
        return False
    if isinstance(case.op, basic.Cast):
        return not case.out.dtype.startswith("complex")
    return type(case.op).__name__ in ("InRange", "UltraFastScalarSigmoid")


def compare(wanted, folder):
    found = [
        case
        for case in cases(wanted)
        if not meaningless(case) and type(case.op).__name__ not in ABORTS
    ]
    for case, function in zip(found, compiled(found, folder), strict=True):
        arrays = grid(case.dtypes)
        where = regular(case, arrays)
        got, failed = case.by_c(function, arrays)
        if failed.any():
            assert isinstance(case.op, (basic.IntDiv, basic.Mod)), case
            np.testing.assert_array_equal(failed, arrays[1] == 0, str(case))
            where &= ~failed
        arrays = [a[where] for a in arrays]
        want, got = case.by_python(arrays), got[where]
        assert got.dtype == want.dtype, case
        if got.dtype.kind in "fc":
            name = type(case.op).__name__
            # psi and its derivative are series with few terms; J0 and J1 sway about 0.
            single = got.dtype in ("float32", "complex64") or name in POSITIVE
            np.testing.assert_allclose(
                got,
                want,
                1e-4 if single else 1e-6,
                1e-6 if name[0] == "J" else 1e-12,
                err_msg=str(case),
            )
        else:
            np.testing.assert_array_equal(got, want, str(case))


def test_of_doubles(tmp_path):
    compare(["float64"], tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("wanted", [
    ["bool", "int8", "int16", "uint16", "float32"],
    ["int32", "int64", "uint8", "uint64", "bool"],
])  # fmt: skip
def test_of_integers(wanted, tmp_path):
    """Casts between them wrap; floats are cast where they fit (`regular`)."""
    compare(wanted, tmp_path)


@pytest.mark.long
def test_of_complex_numbers(tmp_path):
    compare(["complex64", "complex128", "float32", "uint32"], tmp_path)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the processor decides")
def test_casts_of_floats_that_do_not_fit(tmp_path):
    """C leaves these open; yet the engine gives what C code does, NaN and infinities included.

    But for uint32 and uint64: AVX-512 has instructions for them that give the largest number where
    code for older processors gives what int64's leave. There only what fits is compared.
    """
    found = [
        case for d in ("float32", "float64") for case in cases([d])
        if isinstance(case.op, basic.Cast) and case.out.dtype[0] in "iu"
    ]  # fmt: skip
    assert len(found) == 16
    numbers = [np.nan, np.inf, -np.inf, 1e30, -1e30, 300, -300, 7e4, 3e9, -3e9, 5e9, 1e19, -1e19]
    numbers += [-1, -0.5, -0.0, 2.0**31, 2.0**32, 2.0**63, -(2.0**63), 255.9, 127.5, -128.5]
    for case, function in zip(found, compiled(found, tmp_path), strict=True):
        values = np.array(numbers, case.dtypes[0])
        if case.out.dtype in ("uint32", "uint64"):
            values = values[
                (values > -1) & (values < 2.0 ** (8 * np.dtype(case.out.dtype).itemsize))
            ]
            assert len(values) >= 8
        x = T.TensorType(case.dtypes[0], (False,))()
        ours = engine_elemwise.elemwise(Elemwise(case.op).make_node(x))
        want, failed = case.by_c(function, [values])
        assert not failed.any()
        with np.errstate(all="raise"):
            np.testing.assert_array_equal(ours(values)[0], want, str(case))


def test_all_ops_are_found():
    kinds = {kind.__name__ for kind in classes()}
    assert {"Add", "IntDiv", "Psi", "ScalarSigmoid", "XlogX", "MulWithoutZeros"} <= kinds
    assert len(kinds) > 80
    assert not [kind for kind in classes() if not instances(kind)]
    assert MADE.keys() <= kinds
