"""Random streams by seed: RandomStreams, raw_random, MRG; their states, updates and dtypes.

Streams are exact: NumPy's RandomState and MRG's recurrence are frozen.
"""

import numpy as np
import theano
import theano.sandbox.rng_mrg
import theano.tensor
import theano.tensor.raw_random
import theano.tensor.shared_randomstreams
from cases import MODES, Case, Namespace, an, current, given, inputs_of, of_value

T = Namespace(theano.tensor, "tensor")
raw = Namespace(theano.tensor.raw_random, "tensor.raw_random")
streams = Namespace(theano.tensor.shared_randomstreams, "tensor.shared_randomstreams")
mrg = Namespace(theano.sandbox.rng_mrg, "sandbox.rng_mrg")

DRAWS = {
    "uniform": lambda r: r.uniform((2, 3)),
    "uniform of limits": lambda r: r.uniform((2, 3), -1, 300),
    "uniform float64": lambda r: r.uniform((3,), dtype="float64"),
    "uniform by vectors": lambda r: r.uniform(
        low=an("float32", (3,), 1, 0, 1), high=an("float32", (3,), 2, 1, 2)
    ),
    "uniform of a symbolic size": lambda r: r.uniform(given(np.array([2, 3]))),
    "uniform of x.shape": lambda r: r.uniform(an("float32", (2, 3)).shape),
    "normal": lambda r: r.normal((2, 3)),
    "normal of moments": lambda r: r.normal((3,), 300, 0.1),
    "normal float64": lambda r: r.normal((3,), dtype="float64"),
    "normal, an odd number": lambda r: r.normal((5,)),
    "binomial": lambda r: r.binomial((2, 3)),
    "binomial p": lambda r: r.binomial((10,), p=0.2),
    "binomial float": lambda r: r.binomial((4,), p=0.5, dtype=theano.config.floatX),
    "binomial n": lambda r: r.binomial((4,), n=300, p=0.5),
    "binomial bool": lambda r: r.binomial((4,), p=0.5, dtype="bool"),
    "binomial int8": lambda r: r.binomial((4,), p=0.5, dtype="int8"),
    "random_integers": lambda r: r.random_integers((5,), 0, 300),
    "random_integers of one": lambda r: r.random_integers((5,)),
    "poisson": lambda r: r.poisson((5,), 2.5),
    "poisson large": lambda r: r.poisson((5,), 300),
    "permutation": lambda r: r.permutation((2,), 5),
    "permutation of 300": lambda r: r.permutation(n=300),
    "choice": lambda r: r.choice((5,), 300),
    "choice without": lambda r: r.choice((3,), 5, replace=False),
    "choice of values": lambda r: r.choice(
        (3,), a=np.array([10, 20, 30]), p=np.array([0.2, 0.3, 0.5])
    ),
    "multinomial": lambda r: r.multinomial((2,), 5, [0.2, 0.3, 0.5]),
    "multinomial of rows": lambda r: r.multinomial(
        pvals=np.array([[0.2, 0.3, 0.5], [1, 0, 0]], theano.config.floatX)
    ),
    "multinomial_wo_replacement": lambda r: r.multinomial_wo_replacement(
        n=2, pvals=np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], "float32")
    ),
    "shuffle_row_elements": lambda r: r.shuffle_row_elements(an("float32", (2, 4))),
    "truncated_normal": lambda r: r.truncated_normal((4,), 0, 1),
    "gen": lambda r: r.gen(raw.uniform, (2,)),
    "dropout": lambda r: an("float32", (4, 5)) * r.binomial((4, 5), p=0.5, dtype="float32"),
}
SEEDS = (1, 234, 12345, 2**31 - 1)


def cases():
    for kind, make in (
        ("RandomStreams", lambda s: streams.RandomStreams(s)),
        ("MRG", lambda s: mrg.MRG_RandomStreams(s)),
    ):
        for name, draw in DRAWS.items():
            for seed in SEEDS[: 2 if name != "uniform" else 4]:
                yield Case(
                    "%s(%d) %s" % (kind, seed, name),
                    lambda m=make, d=draw, s=seed, k=kind: drawn(m(s), d),
                    ulps=8 if kind == "MRG" and "normal" in name else 0,
                    c="always"
                    if kind == "MRG"
                    and seed == 234
                    and name in ("uniform", "normal", "binomial", "multinomial of rows")
                    else False,
                )
        yield Case(f"{kind} of several", lambda m=make: several(m(7)), ulps=8)
        yield Case(f"{kind} seeded again", lambda m=make: seeded(m(7)), ulps=8)
        yield Case(
            f"{kind} without updates",
            lambda m=make: [
                theano.function(
                    [], m(5).normal((2,)), no_default_updates=True, mode="FAST_COMPILE"
                )()
                for _ in range(2)
            ],
            ulps=8,
        )
        yield Case(f"{kind} drawn twice", lambda m=make: twice(m(5)), ulps=8)
        yield Case(f"{kind} gradient", lambda m=make: gradient(m(9)), ulps=8)
        yield Case("{} of seed {}".format(kind, "a"), lambda m=make: m("a").uniform((2,)))
        yield Case(f"{kind} of seed 0", lambda m=make: drawn(m(0), DRAWS["uniform"]))
    yield Case("MRG of its own seed", lambda: drawn(mrg.MRG_RandomStreams(), DRAWS["uniform"]))
    yield Case(
        "MRG of six seeds",
        lambda: drawn(mrg.MRG_RandomStreams([1, 2, 3, 4, 5, 6]), DRAWS["uniform"]),
    )
    yield Case("MRG of wrong seeds", lambda: mrg.MRG_RandomStreams([1, 2, 3]))
    yield Case(
        "MRG nstreams",
        lambda: [
            theano.function(
                [], mrg.MRG_RandomStreams(3).uniform((7,), nstreams=n), mode="FAST_COMPILE"
            )()
            for n in (1, 3, 7)
        ],
    )
    yield Case("MRG rstate", lambda: np.asarray(mrg.MRG_RandomStreams(300).rstate))
    yield Case(
        "guess_n_streams",
        lambda: [mrg.guess_n_streams((3, 500), warn=False), mrg.guess_n_streams(10**6, warn=False)],
    )
    yield Case(
        "multMatVect",
        lambda: [
            np.asarray(
                mrg.multMatVect(
                    np.arange(1, 7).astype("int32"), mrg.A1p72, mrg.M1, mrg.A2p72, mrg.M2
                )
            )
        ],
        c=False,
    )
    yield Case(
        "ff",
        lambda: [
            np.asarray(mrg.ff_2p134(np.arange(1, 7).astype("int32"))),
            np.asarray(mrg.ff_2p72(np.arange(1, 7).astype("int32"))),
        ],
    )
    yield Case(
        "matVecModM", lambda: np.asarray(mrg.matVecModM(mrg.A1p72, np.array([1, 2, 3]), mrg.M1))
    )
    yield Case("mrg_next_value", next_values)
    for name in (
        "uniform",
        "normal",
        "binomial",
        "random_integers",
        "poisson",
        "permutation",
        "choice",
        "multinomial",
    ):
        yield Case(f"raw_random.{name}", lambda n=name: raws(n), ulps=0)
    for name, arguments in {
        "permutation": (np.array(5), (2,)),
        "random_integers": (0, 300, (4,)),
        "choice": (np.array(5), True, None, (4,)),
        "multinomial": (np.array(5), np.array([0.5, 0.5]), (2,)),
    }.items():
        yield Case(
            f"{name}_helper",
            lambda n=name, a=arguments: getattr(raw, n + "_helper")(np.random.RandomState(1), *a),
            c=False,
        )
    yield Case(
        "shuffle_row_elements",
        lambda: drawn(streams.RandomStreams(3), DRAWS["shuffle_row_elements"]),
    )
    yield Case("get_value, set_value", states)
    yield Case(
        "randomstate_constructor",
        lambda: str(streams.randomstate_constructor(np.random.RandomState(1)).type),
        c=False,
    )
    yield Case("random_state_type", lambda: str(raw.random_state_type()))


def drawn(generator, draw):
    """What three calls give, so that the updates count."""
    variable = draw(generator)
    inputs = inputs_of([variable])
    function = theano.function(inputs, variable, mode=way())
    results = [function(*[v.tag.value for v in inputs]) for _ in range(3)]
    return [variable.dtype, variable.ndim] + results


def way():
    return MODES[current["way"]]


def several(generator):
    draws = [generator.uniform((2,)), generator.normal((2,)), generator.uniform((3,))]
    function = theano.function([], draws, mode=way())
    return function() + function()


def twice(generator):
    drawn = generator.uniform((2,))
    function = theano.function([], [drawn, drawn + 1, drawn - drawn], mode=way())
    return function() + function()


def seeded(generator):
    drawn = generator.uniform((2,))
    function = theano.function([], drawn, mode=way())
    before = function()
    generator.seed(300)
    after = function()
    generator.seed(7)
    return [before, after, function()]


def gradient(generator):
    w = theano.shared(np.ones(3, theano.config.floatX))
    cost = T.sum(T.sqr(w * generator.uniform((3,)) + generator.normal((3,))))
    function = theano.function([], T.grad(cost, w), mode=way())
    return [function(), function()]


def raws(name):
    state = of_value(raw.random_state_type(), np.random.RandomState(7))
    arguments = {"multinomial": ((2,), 5, [0.5, 0.5]), "permutation": ((2,), 4)}.get(
        name, ((2, 3),)
    )
    after, draws = getattr(raw, name)(state, *arguments)
    _, more = getattr(raw, name)(after, *arguments)
    function = theano.function([theano.In(state, borrow=False)], [draws, more], mode=way())
    rng = np.random.RandomState(7)
    return function(rng) + function(rng) + [rng.random_sample(2)]


def next_values():
    state, after = np.arange(1, 7).astype("int32"), np.zeros(6, "int32")
    return [mrg.mrg_next_value(state, after), after]


def states():
    generator = streams.RandomStreams(11)
    draws = generator.uniform((2,))
    function = theano.function([], draws, mode=way())
    state = draws.rng.get_value(borrow=False)
    first = function()
    draws.rng.set_value(state)
    again = function()
    draws.rng.set_value(state, borrow=True)
    return [first, again, function(), state.random_sample(2), function()]
