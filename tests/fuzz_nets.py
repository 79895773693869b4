"""Random nets and their training, by the engine and by Theano's own implementations.

    python -m tests.fuzz_nets [--minutes 60] [--seed N] [--go-on]

fuzz_graphs.py draws Ops; here layers are drawn, whose graphs the engine replaces as a whole:
convolutions of all kinds with what follows them, pools, normalization, dropout, scans, sums, dense
layers, and the update rules of lasagne.updates. The reference is the same: Theano's own Python
implementations of the Ops. What differs is shortened and printed with its seed.
"""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import argparse
import random
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import lasagne
import numpy as np
import theano
import theano.tensor as T
from theano.compile.mode import OPT_FAST_COMPILE, OPT_FAST_RUN, Mode
from theano.gradient import grad_clip
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.nnet import bn
from theano.tensor.nnet.abstract_conv import conv2d_grad_wrt_inputs, get_conv_output_shape
from theano.tensor.signal.pool import Pool, pool_2d

from tests import fuzz_graphs
from tests.fuzz_graphs import Outcome
from tests.theano_graphs import engine

RULES = "sgd momentum nesterov_momentum adagrad rmsprop adadelta adam adamax".split()  # noqa: SIM905
NUMBERS = "whole", "noise", "zeros"  # mostly zeros, of either sign
# Convolutions stay abstract, or are the engine's: without a compiler Theano has others, of which
# some are wrong, and refuses what is abstract.
ABSTRACT = "conv_opts", "AbstractConvCheck"
REFERENCE = Mode("py", OPT_FAST_COMPILE.excluding(*ABSTRACT))
ALIKE = Mode("py", OPT_FAST_RUN.excluding("fusion", *ABSTRACT))  # takes three times as long
OURS = Mode("cvm", OPT_FAST_RUN.excluding(*ABSTRACT))


class Layer(NamedTuple):
    """A function of `LAYERS` of earlier values, with a seed of what it draws by itself."""

    name: str
    arguments: tuple[int, ...]
    seed: int


@dataclass(frozen=True)
class Net:
    """Images, layers of them, and what becomes of it.

    Attributes
    ----------
    dtype, shape, layout : str, (n, c, h, w), str
        Of the images; `layout` is one of fuzz_graphs.LAYOUTS.
    numbers : str
        One of NUMBERS: of images and parameters.
    layers : tuple of Layer
    rule : str
        By which the parameters are updated; empty: their gradients are returned.
    seed : int
        Of the numbers.
    moved : int
        Units of the last place, by which all numbers are moved.
    """

    dtype: str
    shape: tuple[int, ...]
    layout: str
    numbers: str
    layers: tuple[Layer, ...]
    rule: str
    seed: int
    moved: int = 0

    def __str__(self) -> str:
        lines = [f"v0 = images {self.dtype}{self.shape}, {self.layout}, {self.numbers} numbers"]
        for i, layer in enumerate(self.layers, 1):
            names = ", ".join(f"v{a}" for a in layer.arguments)
            lines.append(f"v{i} = {layer.name}({names})  # seed {layer.seed}")
        return "\n".join([*lines, f"rule: {self.rule or 'gradients'}"])


class Value(NamedTuple):
    variable: T.TensorVariable
    shape: tuple[int, ...]


class Building:
    """A net's parameters, as its layers ask for them."""

    def __init__(self, net: Net) -> None:
        self.net, self.parameters = net, []

    def numbers(self, shape, which: int) -> np.ndarray:
        rng = np.random.RandomState((self.net.seed + which) % 2**32)
        found = rng.randint(-3, 4, shape) if self.net.numbers == "whole" else rng.normal(size=shape)
        found = np.asarray(found, self.net.dtype)
        if self.net.numbers == "zeros":
            found[rng.uniform(size=shape) < 0.8] = rng.choice([0.0, -0.0])
        if self.net.moved:
            found *= found.dtype.type(1 + self.net.moved * np.finfo(found.dtype).eps)
        return found

    def parameter(self, *shape):
        v = theano.shared(self.numbers(shape, 1 + len(self.parameters)))
        self.parameters.append(v)
        return v


LAYERS: dict[str, Callable] = {}


def layer(function: Callable) -> Callable:
    """Enter a function of (building, random.Random, values) -> value."""
    LAYERS[function.__name__] = function
    return function


def _need(fits: bool) -> None:
    if not fits:
        raise fuzz_graphs.Skip


def _are_images(x: Value) -> None:
    _need(len(x.shape) == 4)


# ---- convolutions and what follows them --------------------------------------------------


@layer
def conv(b, draw, x):
    _are_images(x)
    filters = (
        draw.choice((1, 2, 3, 8, 17)),
        x.shape[1],
        *draw.choice(((1, 1), (2, 2), (3, 3), (3, 3), (5, 5), (3, 1), (2, 3))),
    )
    how = {
        "border_mode": draw.choice(("valid", "valid", "full", "half", (1, 2), 1)),
        "subsample": draw.choice(((1, 1), (1, 1), (2, 2), (1, 2))),
        "filter_dilation": draw.choice(((1, 1), (1, 1), (2, 2), (2, 1))),
    }
    shape = get_conv_output_shape(x.shape, filters, *how.values())
    _need(min(shape[1:]) > 0)
    z = T.nnet.conv2d(
        x.variable, b.parameter(*filters), filter_shape=filters,
        filter_flip=draw.random() < 0.7, **how,
    )  # fmt: skip
    return Value(z, shape)


@layer
def transposed(b, draw, x):
    _are_images(x)
    filters = x.shape[1], draw.choice((1, 3, 16)), *draw.choice(((2, 2), (3, 3), (4, 4)))
    step, border = draw.choice((1, 2)), draw.choice((0, 1))
    pairs = zip(x.shape[2:], filters[2:], strict=True)
    size = ((n - 1) * step + taps - 2 * border for n, taps in pairs)
    shape = x.shape[0], filters[1], *size
    _need(min(shape[1:]) > 0)
    z = conv2d_grad_wrt_inputs(
        x.variable, b.parameter(*filters), (None, *shape[1:]), filters, (border, border),
        (step, step), filter_flip=draw.random() < 0.5,
    )  # fmt: skip
    return Value(z, shape)


@layer
def biased(b, draw, x):
    _are_images(x)
    return Value(x.variable + b.parameter(x.shape[1]).dimshuffle("x", 0, "x", "x"), x.shape)


@layer
def rectified(b, draw, x):
    v = x.variable
    forms = (
        T.nnet.relu(v), T.maximum(v, 0), 0.5 * (v + abs(v)), T.switch(v > 0, v, 0),
        T.nnet.relu(v, 0.1), T.nnet.elu(v), v * (v > 0),
    )  # fmt: skip
    return Value(draw.choice(forms), x.shape)


@layer
def nonlinear(b, draw, x):
    v = x.variable
    forms = T.tanh(v), T.nnet.sigmoid(v), T.nnet.softplus(v), T.sqr(v) / 8, v / (1 + abs(v))
    return Value(draw.choice(forms), x.shape)


@layer
def pooled(b, draw, x):
    _are_images(x)
    size = draw.choice(((2, 2), (2, 2), (3, 3), (1, 2), (3, 2)))
    stride = draw.choice((None, None, (1, 1), (2, 2), (3, 1)))
    mode = draw.choice(("max", "max", "sum", "average_inc_pad", "average_exc_pad"))
    ignore, pad = draw.random() < 0.6, (0, 0)
    # With zeros around, Theano's Python finds other gradients of maxima than its C code, and
    # refuses those of the last.
    if ignore and mode in ("sum", "average_inc_pad") and draw.random() < 0.4:
        pad = tuple(draw.randrange(n) for n in size)
    settings = size, ignore, stride, pad
    shape = tuple(map(int, Pool.out_shape(x.shape, *settings)))
    _need(min(shape[1:]) > 0)
    return Value(pool_2d(x.variable, *settings, mode=mode), shape)


@layer
def dropped(b, draw, x):
    streams = MRG_RandomStreams(draw.randrange(1, 2**30))
    mask = streams.binomial(x.variable.shape, p=0.5, dtype=draw.choice((b.net.dtype, "int8")))
    return Value(x.variable * 2 * T.cast(mask, b.net.dtype), x.shape)


@layer
def normalized(b, draw, x):
    _are_images(x)
    v, channels = x.variable, x.shape[1]
    gamma, beta = b.parameter(channels), b.parameter(channels)
    if draw.random() < 0.3:
        return Value(bn.batch_normalization_train(v, gamma, beta, "spatial")[0], x.shape)
    mean, variance = v.mean((0, 2, 3)), v.var((0, 2, 3))
    spread = (p.dimshuffle("x", 0, "x", "x") for p in (mean, T.inv(T.sqrt(variance + 1e-2))))
    mean, scale = spread
    z = (v - mean) * (gamma.dimshuffle("x", 0, "x", "x") * scale)
    return Value(z + beta.dimshuffle("x", 0, "x", "x"), x.shape)


@layer
def channels_last(b, draw, x):
    _are_images(x)
    order = draw.choice(((0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 3, 2)))
    return Value(x.variable.dimshuffle(*order), tuple(x.shape[k] for k in order))


@layer
def padded(b, draw, x):
    _are_images(x)
    n, c, h, w = x.shape
    top, left = draw.randrange(3), draw.randrange(3)
    shape = n, c, h + top + 1, w + left
    zeros = T.zeros((x.variable.shape[0], *shape[1:]), b.net.dtype)
    return Value(T.set_subtensor(zeros[:, :, top : top + h, left : left + w], x.variable), shape)


@layer
def cropped(b, draw, x):
    _need(len(x.shape) > 1 and x.shape[-1] > 1)
    step = draw.choice((1, -1, 2))
    length = len(range(x.shape[-1])[1:] if step == 1 else range(x.shape[-1])[::step])
    v = x.variable[..., 1:] if step == 1 else x.variable[..., ::step]
    return Value(v, (*x.shape[:-1], length))


# ---- several values ----------------------------------------------------------------------


@layer
def joined(b, draw, x, y):
    _need(len(x.shape) > 0)
    axis = draw.randrange(len(x.shape))
    fits = [n for k, n in enumerate(x.shape) if k != axis]
    _need(len(x.shape) == len(y.shape) and fits == [n for k, n in enumerate(y.shape) if k != axis])
    shape = [n + (y.shape[axis] if k == axis else 0) for k, n in enumerate(x.shape)]
    return Value(T.concatenate([x.variable, y.variable], axis), tuple(shape))


@layer
def combined(b, draw, x, y):
    _need(x.shape == y.shape and x is not y)  # Theano fails at switch(v > v, ...)
    v, w = x.variable, y.variable
    forms = v + w, v * w, v - 2 * w, T.maximum(v, w), T.switch(v > w, v, w) * 0.5
    return Value(draw.choice(forms), x.shape)


# ---- vectors and matrices ----------------------------------------------------------------


@layer
def dense(b, draw, x):
    _need(len(x.shape) > 1)
    features, units = int(np.prod(x.shape[1:])), draw.choice((1, 4, 16, 33))
    _need(0 < features < 3000)
    v = x.variable.flatten(2) if len(x.shape) > 2 else x.variable
    z = T.dot(v, b.parameter(features, units)) + b.parameter(units)
    return Value(z, (x.shape[0], units))


@layer
def classified(b, draw, x):
    _need(len(x.shape) == 2 and x.shape[0] > 0)
    return Value(T.nnet.softmax(x.variable), x.shape)


@layer
def summed(b, draw, x):
    count = len(x.shape)
    _need(count > 0)
    axes = tuple(k for k in range(count) if draw.random() < 0.6) or (count - 1,)
    v, left = x.variable, tuple(n for k, n in enumerate(x.shape) if k not in axes)
    exact = draw.random() < 0.3
    if exact:
        v = T.cast(v > draw.choice((0, 0.5)), draw.choice(("int32", "int64", "int8", "bool")))
    extreme = all(x.shape[k] for k in axes) and not exact
    function = draw.choice((T.sum, T.mean, T.max, T.min) if extreme else (T.sum,))
    z = function(v, axis=axes if draw.random() < 0.8 or left else None)
    return Value(T.cast(z, b.net.dtype), left)


# ---- scans -------------------------------------------------------------------------------


@layer
def recurrent(b, draw, x):
    _are_images(x)
    n, steps, features = x.shape[0], x.shape[1], x.shape[2] * x.shape[3]
    _need(0 < features < 60 and steps < 9)
    units = draw.choice((1, 3, 16, 17))
    sequence = x.variable.reshape((x.variable.shape[0], steps, features)).dimshuffle(1, 0, 2)
    before = draw.random() < 0.5  # the products of all steps taken at once
    kind = draw.choice(("simple", "gates", "two states", "two steps back", "counted"))
    gates = {"gates": 3, "two states": 4}.get(kind, 1)
    # A quarter: where tanh is nearly 1, rounding decides how much of its slope is left.
    w, u, bias = (b.parameter(*shape, gates * units) / 4 for shape in [(features,), (units,), ()])
    if before:
        sequence = T.dot(sequence, w) + bias
    clipped, masked = draw.random() < 0.3, draw.random() < 0.4

    def gate(z, k):
        return z[:, k * units : (k + 1) * units]

    def step(z, mask, *states):
        z = z if before else T.dot(z, w) + bias
        h = states[-1]
        back = T.dot(h, u)
        if clipped:
            back = grad_clip(back, -1, 1)
        if kind == "gates":
            reset, keep = T.nnet.sigmoid(gate(z + back, 0)), T.nnet.sigmoid(gate(z + back, 1))
            new = [keep * h + (1 - keep) * T.tanh(gate(z, 2) + reset * gate(back, 2))]
        elif kind == "two states":
            z += back
            inner = T.nnet.sigmoid(gate(z, 0)) * states[0] + T.nnet.sigmoid(gate(z, 1)) * T.tanh(
                gate(z, 2)
            )
            new = [inner, T.nnet.sigmoid(gate(z, 3)) * T.tanh(inner)]
        elif kind == "two steps back":
            new = [T.tanh(z + back) - 0.5 * states[0]]
        else:
            new = [T.nnet.relu(z + back) / 4]
        if masked:
            new = [
                T.switch(mask, one, old) for one, old in zip(new, states[-len(new) :], strict=True)
            ]
        return new

    batch = x.variable.shape[0]
    if draw.random() < 0.5:
        initial = T.zeros((batch, units), b.net.dtype)
    else:
        initial = T.alloc(b.parameter(units), batch, units)
    taps = initial
    if kind == "two steps back":
        taps = {"initial": T.stack([initial, initial * 2]), "taps": [-2, -1]}
    mask = T.neq(x.variable.reshape((batch, steps, features))[:, :, :1].dimshuffle(1, 0, 2), 0)
    mask = T.addbroadcast(mask, 2)
    more = {}
    if draw.random() < 0.3:
        more["truncate_gradient"] = draw.choice((1, 2, 20))
    found, _ = theano.scan(
        step, sequences=[sequence, mask],
        outputs_info=[initial, initial] if kind == "two states" else [taps],
        go_backwards=draw.random() < 0.3, strict=False, **more,
    )  # fmt: skip
    h = found[-1] if isinstance(found, list) else found
    if draw.random() < 0.5:
        _need(steps > 0)
        return Value(h[-1], (n, units))
    return Value(h.dimshuffle(1, 0, 2), (n, steps, units))


@layer
def accumulated(b, draw, x):
    """A scan over rows that sums, or counts, or stops."""
    _need(len(x.shape) > 1 and x.shape[0] > 0)
    start = T.zeros(x.variable.shape[1:], b.net.dtype)
    factor = T.constant(0.5, dtype=b.net.dtype)
    until = draw.random() < 0.3
    several = draw.random() < 0.5

    def step(row, total, *rest):
        new = total * factor + row
        values = [new, row.sum(), T.sqr(new)] if several else [new]
        if until:
            return values, theano.scan_module.until(new.sum() > 1e6)
        return values

    found, _ = theano.scan(
        step, sequences=x.variable, outputs_info=[start, None, None] if several else [start]
    )
    found = found if isinstance(found, list) else [found]
    total = sum(v.sum() for v in found[1:]) if several else 0
    return Value(found[0][-1] + T.cast(total, b.net.dtype), x.shape[1:])


# ---- drawing -----------------------------------------------------------------------------


def draw_net(seed: int, layers: int = 6) -> Net:
    """Return the net of this seed."""
    draw = random.Random(seed)
    shape = (
        draw.choice((0, 1, 2, 3, 5, 5)), draw.choice((1, 2, 3, 5, 16, 17)),
        draw.choice((1, 2, 4, 7, 8, 11)), draw.choice((1, 3, 4, 7, 8, 9)),
    )  # fmt: skip
    net = Net(
        "float64" if draw.random() < 0.15 else "float32", shape, draw.choice(fuzz_graphs.LAYOUTS),
        draw.choice(("whole", "whole", "noise", "noise", "noise", "zeros")), (),
        draw.choice(RULES) if draw.random() < 0.4 else "", draw.randrange(2**31),
    )  # fmt: skip
    building = Building(net)
    values = [_images(net)]
    made: list[Layer] = []
    for _ in range(20 * layers):
        if len(made) == layers:
            break
        name = draw.choice(sorted(LAYERS))
        count = LAYERS[name].__code__.co_argcount - 2
        # The last value most often, so that stages follow each other
        arguments = tuple(
            len(values) - 1 if draw.random() < 0.75 else draw.randrange(len(values))
            for _ in range(count)
        )
        candidate = Layer(name, arguments, draw.randrange(2**20))
        before = len(building.parameters)
        try:
            values.append(_apply(candidate, building, values))
        except (fuzz_graphs.Skip, NotImplementedError):
            del building.parameters[before:]
        else:
            made.append(candidate)
    return replace(net, layers=tuple(made))


def _images(net: Net) -> Value:
    return Value(T.TensorType(net.dtype, (False,) * 4)("images"), net.shape)


def _apply(drawn: Layer, building: Building, values: list[Value]) -> Value:
    arguments = [values[a] for a in drawn.arguments]
    made = LAYERS[drawn.name](building, random.Random(drawn.seed), *arguments)
    _need(made.variable.dtype == building.net.dtype and made.variable.ndim == len(made.shape))
    _need(int(np.prod(made.shape)) < 40_000)
    return made


# ---- running -----------------------------------------------------------------------------


def run(net: Net, mode: Mode, how: str, calls: int = 2) -> Outcome:
    """Return what the calls of a net's function gave, with the engine `how`."""
    building, values = Building(net), [_images(net)]
    for drawn in net.layers:
        values.append(_apply(drawn, building, values))
    used = {a for drawn in net.layers for a in drawn.arguments}
    leaves = [v.variable for i, v in enumerate(values) if i not in used]
    loss = sum(T.sqr(v).sum() / 4 for v in leaves)
    parameters, images = building.parameters, values[0].variable
    outputs, updates = [*leaves, loss], {}
    if net.rule and parameters:
        rate = theano.shared(np.asarray(0.01, net.dtype))
        how_fast = {} if net.rule == "adadelta" else {"learning_rate": rate}
        updates = getattr(lasagne.updates, net.rule)(loss, parameters, **how_fast)
    else:
        wanted = [images, *parameters]
        outputs += T.grad(loss, wanted, disconnected_inputs="ignore")
    with engine(how):
        function = theano.function([images], outputs, updates=updates, mode=mode)
    given = fuzz_graphs._laid_out(building.numbers(net.shape, 0), net.layout)
    before = given.copy()
    # adam's bias correction is in float32 in any case.
    outcome = Outcome([], net.dtype == "float64" and not net.rule)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(calls):
            found = [*function(given), *(v.get_value() for v in updates)]
            outcome.results.append([np.array(a) for a in found])
    outcome.exact = [False] * len(found)
    if not np.array_equal(given, before, equal_nan=True):
        raise fuzz_graphs.Changed("the images were changed")
    for array, copy in zip(found[: len(outputs)], outcome.results[-1], strict=False):
        if not np.array_equal(array, copy, equal_nan=True):
            raise fuzz_graphs.Changed("a result was changed")
    return outcome


def failure(net: Net) -> str:
    """Say what is wrong with a net; an empty string if nothing is."""
    want, got = (_tried(net, *how) for how in [(REFERENCE, "stock"), (OURS, "fused")])
    if isinstance(want, Exception) and isinstance(got, Exception):
        return ""  # of one step, scan's gradient has arrays of negative lengths
    if isinstance(want, Exception) or isinstance(got, Exception):
        return f"{type(got).__name__}: expected {want!r:.500}\ngot      {got!r:.500}"
    said = fuzz_graphs.difference(want, got)
    if said:  # the optimizer makes a number of NaN in some gradients, as of elu
        want = run(net, ALIKE, "stock")
        said = fuzz_graphs.difference(want, got)
    if said and not _overflows(want) and not _is_sensitive(net, want):
        return f"engine: {said}"
    return ""


def _overflows(outcome: Outcome) -> bool:
    """Tell whether the order of sums decides which of them are infinite, and which NaN."""
    arrays = [a for call in outcome.results for a in call if a.dtype.kind == "f"]
    return any(
        np.any(np.isfinite(a) & (abs(a) > 0.01 * np.sqrt(np.finfo(a.dtype).max))) for a in arrays
    )


def _tried(net: Net, mode: Mode, how: str) -> Outcome | Exception:
    try:
        return run(net, mode, how)
    except Exception as error:
        return error


def _is_sensitive(net: Net, want: Outcome) -> bool:
    """Say whether the reference gives something else for numbers that are a little off.

    So it does where rounding decides which pixel is the largest, or divides what is nothing by
    its own size, as adam does.
    """
    if net.numbers == "whole" and all(drawn.name in EXACT for drawn in net.layers) and not net.rule:
        return False
    return any(
        fuzz_graphs.difference(want, run(replace(net, moved=units), ALIKE, "stock"))
        for units in (1, -1, 4)
    )


# Of whole numbers their sums are exact.
EXACT = {"conv", "transposed", "biased", "pooled", "channels_last", "padded", "cropped", "joined"}


def shortened(net: Net, kind: str) -> Net:
    """Leave out layers and whatever is not needed for the failure."""
    while True:
        for shorter in _shorter(net):
            try:
                if failure(shorter).startswith(kind):
                    net = shorter
                    break
            except fuzz_graphs.Skip:
                continue
        else:
            return net


def _shorter(net: Net) -> Iterator[Net]:
    for k in reversed(range(len(net.layers))):
        place = k + 1
        used = {a for drawn in net.layers for a in drawn.arguments}
        instead = net.layers[k].arguments[0]  # what it was computed from
        if place in used and net.layers[k].name in ("conv", "dense", "recurrent"):
            continue

        def moved(a, place=place, instead=instead):
            return instead if a == place else a - (a > place)

        rest = [drawn._replace(arguments=tuple(map(moved, drawn.arguments)))
                for i, drawn in enumerate(net.layers) if i != k]  # fmt: skip
        yield replace(net, layers=tuple(rest))
    if net.rule:
        yield replace(net, rule="")
    if net.layout != "plain":
        yield replace(net, layout="plain")


# ---- the loop ----------------------------------------------------------------------------


def rounds(seeds: Iterable[int]) -> tuple[int, str]:
    """Try seeds until one fails; return how many were right before, and what is wrong."""
    done = 0
    for seed in seeds:
        net = draw_net(seed)
        said = failure(net)
        if said:
            short = shortened(net, said.split(":")[0])
            return done, f"seed {seed}\n{short}\n{failure(short)}\n"
        done += 1
    return done, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--go-on", action="store_true", help="behind failures")
    options = parser.parse_args()
    with fuzz_graphs.strictly(), np.printoptions(threshold=50, edgeitems=2):
        return fuzz_graphs.go_on("nets", rounds, options)


if __name__ == "__main__":
    sys.exit(main())
