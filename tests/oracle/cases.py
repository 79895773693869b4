"""What the programs here are made of: cases, their inputs, and a record of what each case gives.

Runs unchanged on Python 3.9 with NumPy 1.19 (the judge, see `.ci/oracle`) and on today's. A case
builds some variables; the record holds each variable's type, its value, and the gradient with
respect to every float input, or the class of the exception and when it was raised.
"""

import inspect
import logging
import warnings
import zlib

import numpy as np
import theano
import theano.tensor as tt
from records import plain
from theano.compile.debugmode import DebugMode

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float16", "float32", "float64", "complex64", "complex128"]
FLOATS = ["float32", "float64"]

GROUP = 40  # cases that share a compiled function
# None: Theano's default mode. "debug" compares what each optimisation replaces with what it puts
# there, and each node's results in memory of all kinds.
MODES = {"python": "FAST_COMPILE", "c": None, "debug": DebugMode(stability_patience=2)}
C_SHARE = 16
current = {"way": "python"}  # for cases that compile functions of their own

used = set()  # names of the namespaces below that cases have asked for


class Namespace:
    """A module of Theano's that remembers which of its names were used."""

    def __init__(self, module, label):
        self._module, self._label = module, label

    def __getattr__(self, name):
        if not name.startswith("__"):
            used.add(self._label + "." + name)
        return getattr(self._module, name)


class Case:
    """A name, and a function that returns a variable, or a list of them, or plain values.

    Parameters
    ----------
    gradient : bool
        Also take the gradient of the sum of squares of all float results.
    ulps : int
        How far float results may be from the judge's, in units of the last place: of each
        number, or with `whole` of the largest number of the result.
    alone : bool
        Compile this case in a function of its own (if it is expected to raise, say).
    c : bool, "always" or "only"
        Whether the C code that it runs is its own. One in C_SHARE of these is recorded in the
        default mode as well, since each is compiled for a second or more; "always" is. "only"
        has no Python code, as a convolution.
    debug : bool
        Record it in DebugMode as well.
    """

    def __init__(
        self, name, build, gradient=False, ulps=4, whole=False, alone=False, c=True, debug=False
    ):
        self.name, self.build, self.gradient = name, build, gradient
        self.ulps, self.whole, self.alone = ulps, whole, alone
        self.ways = ["python"] if c != "only" else []
        if c in ("always", "only") or (c and zlib.crc32(name.encode()) % C_SHARE == 0):
            self.ways.append("c")
        if debug:
            self.ways.append("debug")


def numbers(dtype, shape, seed=0, low=-4, high=4):
    """Values of `dtype`, evenly spread from `low` to `high`, the same ones for the same `seed`."""
    drawn = np.random.RandomState(seed).random_sample(shape) * (high - low) + low
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.asarray(drawn > (high + low) / 2)
    if dtype.kind == "c":
        other = np.random.RandomState(seed + 1000).random_sample(shape) * (high - low) + low
        return np.asarray(drawn + 1j * other).astype(dtype)
    if dtype.kind == "u":
        return np.asarray(np.floor(abs(drawn))).astype(dtype)
    if dtype.kind == "i":
        return np.asarray(np.floor(drawn)).astype(dtype)
    return np.asarray(drawn).astype(dtype)


_inputs = {}


def given(value, broadcastable=None, name=None):
    """An input of the compiled function that has this value."""
    value = np.asarray(value)
    pattern = (False,) * value.ndim if broadcastable is None else tuple(broadcastable)
    variable = tt.TensorType(str(value.dtype), pattern)(name)
    variable.tag.value = value
    return variable


def an(dtype, shape, seed=0, low=-4, high=4, broadcastable=None):
    """An input of random values (see `numbers`); the same arguments give the same variable."""
    key = (dtype, shape, seed, low, high, broadcastable)
    if key not in _inputs:
        _inputs[key] = given(numbers(dtype, shape, seed, low, high), broadcastable)
    return _inputs[key]


def of_value(variable, value):
    """An input of any type that has this value."""
    variable.tag.value = value
    return variable


def run(cases, way):
    """The records of all `cases`, by name: lists, dicts, strings and numbers only."""
    records, built = {}, []
    current["way"] = way
    if way != "c":
        theano.config.mode = "FAST_COMPILE"  # of the functions inside scan as well
    if way == "debug":
        theano.gof.Op.make_c_thunk = _no_c_code  # it compiles a hundred modules for a scan
    for case in cases:
        if case.name in records:
            raise ValueError(f"two cases are called {case.name!r}")
        records[case.name] = record = {}
        if case.ulps != 4 or case.whole:
            record["ulps"] = [case.ulps, "largest" if case.whole else "each"]
        try:
            results = case.build()
        except Exception as error:
            record["raises"] = ["built", type(error).__name__]
            continue
        results = results if isinstance(results, (list, tuple)) else [results]
        if not any(isinstance(r, theano.gof.Variable) for r in results):
            record["is"] = [plain(r) for r in results]
            continue
        results = [r if isinstance(r, theano.gof.Variable) else tt.constant(r) for r in results]
        record["types"] = [str_of_type(r.type) for r in results]
        slopes = _slopes(case, results, record)
        built.append((case, results, slopes))
    for alone in (False, True):
        part = [b for b in built if b[0].alone == alone]
        size = 1 if alone or way == "debug" else GROUP
        for first in range(0, len(part), size):
            _call(part[first : first + size], records, way)
    return records


def _no_c_code(self, node, *_):
    # DebugMode(check_c_code=False) knows no scan, in Theano 1.0.5.
    raise NotImplementedError


def _slopes(case, results, record):
    if not case.gradient:
        return []
    try:
        floats = [r for r in results if getattr(r, "dtype", "").startswith("float")]
        if not floats:
            return []
        cost = sum(tt.sum(tt.sqr(r)) for r in floats)
        wrt = [v for v in inputs_of(results) if v.dtype.startswith("float")]
        slopes = tt.grad(cost, wrt, disconnected_inputs="ignore")
    except Exception as error:
        record["gradient raises"] = type(error).__name__
        return []
    record["gradient types"] = [str_of_type(s.type) for s in slopes]
    return slopes


def inputs_of(variables):
    return [v for v in theano.gof.graph.inputs(variables) if hasattr(v.tag, "value")]


def _call(group, records, way):
    outputs = [v for _, results, slopes in group for v in results + slopes]
    inputs = inputs_of(outputs)
    when = "compiled"
    try:
        function = theano.function(
            [theano.In(v, borrow=False) for v in inputs],
            [theano.Out(v) for v in outputs],
            mode=MODES[way],
            on_unused_input="ignore",
        )
        when = "called"
        values = function(*[v.tag.value for v in inputs])
    except Exception as error:
        if len(group) > 1:
            half = len(group) // 2
            _call(group[:half], records, way)
            _call(group[half:], records, way)
            return
        case, results, slopes = group[0]
        if slopes:  # is it the gradient's doing?
            _call([(case, results, [])], records, way)
            if "raises" not in records[case.name]:
                records[case.name]["gradient raises"] = type(error).__name__
        else:
            records[case.name]["raises"] = [when, type(error).__name__]
        return
    for case, results, slopes in group:
        record = records[case.name]
        record["values"] = [plain(values.pop(0)) for _ in results]
        if slopes:
            record["gradient"] = [plain(values.pop(0)) for _ in slopes]


def str_of_type(type_):
    """dtype and broadcastable pattern, such as 'float32 (False, True)'; others by class."""
    if hasattr(type_, "broadcastable") and not hasattr(type_, "format"):
        return "{} {}".format(type_.dtype, "".join("01"[b] for b in type_.broadcastable))
    if hasattr(type_, "format"):
        return f"{type_.format} {type_.dtype}"
    return type(type_).__name__


def public_names(module, label):
    """The functions and Ops that a module offers, and Lasagne's classes.

    Of a package (theano, theano.tensor, ...) all that it imports from its own modules, of a module
    what it defines. Classes of Theano's are what its functions are made of.
    """
    package = (label.split(".")[0] == "lasagne" and "lasagne") or "theano"
    whole = hasattr(module, "__path__")
    names = []
    for name, value in sorted(vars(module).items()):
        if name.startswith("_") or inspect.ismodule(value) or not callable(value):
            continue
        if inspect.isbuiltin(value) or isinstance(value, theano.scalar.ScalarOp):
            continue
        if isinstance(value, theano.gof.Type) and module is not theano.tensor:
            continue
        written = inspect.isfunction(value) or inspect.isclass(value)
        home = value.__module__ if written else module.__name__
        # What `import theano_today` put in the place of a function is the module's own as well.
        mended = home.startswith("theano_today.") and name != "copy"  # the copy module's
        if not mended and not home.startswith(package if whole else module.__name__):
            continue
        if inspect.isclass(value) and package == "theano":
            continue
        known = [getattr(m, name, None) for m in (theano.tensor, theano.tensor.nnet)]
        if not whole and any(value is k for k in known):
            continue
        names.append(name)
    return names


def quiet():
    """No warnings: today's packages and those of 2020 have different ones."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    logging.getLogger("theano").setLevel(logging.CRITICAL)
