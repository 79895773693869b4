"""theano.scan and its relatives, ifelse, clone, OpFromGraph, as_op; updates and givens."""

import numpy as np
import theano
import theano.ifelse
import theano.sandbox.rng_mrg
import theano.tensor
from cases import MODES, Case, Namespace, an, current, given

theano_ = Namespace(theano, "theano")
ifelse = Namespace(theano.ifelse, "ifelse")
T = Namespace(theano.tensor, "tensor")

S = ("float32", (5, 3), 1, -1, 1)
W = ("float32", (3, 3), 2, -0.5, 0.5)
H = ("float32", (3,), 3)
IN_DEBUG_MODE = ["rnn", "rnn, last", "rnn truncated", "reduce", "two outputs", "nested"]
IN_DEBUG_MODE += ["taps of outputs", "taps -1, -3", "taps of sequences", "until", "fibonacci"]
IN_DEBUG_MODE += ["until with gradient", "updates", "shared, unnamed", "random numbers", "MRG"]
IN_DEBUG_MODE += ["gradient through states with " + kind for kind in ("random numbers", "MRG")]


def rnn(x, h, w):
    return T.tanh(x + T.dot(h, w))


def results(scanned):
    outputs, updates = scanned
    assert not updates
    return outputs


def near(name, build, gradient=True, **more):
    c = more.pop("c", False)
    debug = name in IN_DEBUG_MODE
    return Case(name, build, gradient, ulps=64, whole=True, c=c, debug=debug, **more)


def cases():
    scan = theano_.scan
    for name, build in {
        "map": lambda: results(theano_.map(lambda x: T.exp(x), an(*S))),
        "map of two": lambda: results(
            theano_.map(lambda x, y: x * y, [an(*S), an("float32", (4, 3))])
        ),
        "reduce": lambda: results(theano_.reduce(lambda x, a: a + T.sqr(x), an(*S), T.zeros((3,)))),
        "foldl": lambda: results(theano_.foldl(lambda x, a: 0.5 * a + x, an(*S), T.zeros((3,)))),
        "foldr": lambda: results(theano_.foldr(lambda x, a: 0.5 * a + x, an(*S), T.zeros((3,)))),
        "rnn": lambda: results(scan(rnn, an(*S), an(*H), an(*W))),
        "rnn, last": lambda: results(scan(rnn, an(*S), an(*H), an(*W)))[-1],
        "rnn backwards": lambda: results(scan(rnn, an(*S), an(*H), an(*W), go_backwards=True)),
        "rnn strict": lambda: results(scan(rnn, an(*S), an(*H), an(*W), strict=True)),
        "rnn truncated": lambda: results(scan(rnn, an(*S), an(*H), an(*W), truncate_gradient=2)),
        "rnn of a batch": lambda: results(
            scan(rnn, an("float32", (4, 2, 3)), an("float32", (2, 3)), an(*W))
        ),
        "n_steps": lambda: results(scan(lambda h, w: T.dot(h, w), None, an(*H), an(*W), n_steps=3)),
        "n_steps 200": lambda: results(scan(lambda h: h * 0.99, None, an(*H), n_steps=200))[-1],
        "n_steps symbolic": lambda: results(
            scan(lambda h: h * 2, None, an(*H), n_steps=given(np.array(4)))
        ),
        "n_steps 0": lambda: results(scan(lambda h: h * 2, None, an(*H), n_steps=0)),
        "n_steps 1": lambda: results(scan(lambda h: h * 2, None, an(*H), n_steps=1)),
        "n_steps negative": lambda: results(scan(lambda h: h * 2, None, an(*H), n_steps=-3)),
        "n_steps too many": lambda: results(scan(lambda x: x * 2, an(*S), n_steps=9)),
        "taps of outputs": lambda: results(
            scan(
                lambda a, b: a + 0.5 * b,
                None,
                dict(initial=an("float32", (2, 3)), taps=[-1, -2]),
                n_steps=5,
            )
        ),
        "taps -1, -3": lambda: results(
            scan(
                lambda a, b: a - 0.5 * b,
                None,
                dict(initial=an("float32", (3, 2)), taps=[-3, -1]),
                n_steps=5,
            )
        ),
        "taps of sequences": lambda: results(
            scan(lambda a, b, c: a + b * c, dict(input=an(*S), taps=[-1, 0, 1]))
        ),
        "taps positive of outputs": lambda: results(
            scan(lambda a: a, None, dict(initial=an(*S), taps=[1]), n_steps=2)
        ),
        "two outputs": lambda: results(
            scan(lambda x, h: [h + x, T.sum(h)], an(*S), [an(*H), None])
        ),
        "dtypes differ": lambda: results(scan(lambda x, h: h + x, an("float64", (4, 3)), an(*H))),
        "ints": lambda: results(
            scan(lambda x, h: h + x, an("int64", (4,)), T.constant(0, dtype="int64"))
        ),
        "int8 and 300": lambda: results(
            scan(lambda h: h + 300, None, T.constant(1, dtype="int64"), n_steps=3)
        ),
        "arange": lambda: results(
            scan(lambda i, x: x * i, T.arange(300)[::60], non_sequences=an("float64", (2,)))
        ),
        "until": lambda: until(),
        "until with gradient": lambda: until()[-1],
        "fibonacci": lambda: results(
            scan(
                lambda a, b: a + b,
                None,
                dict(initial=T.constant(np.array([0, 1])), taps=[-2, -1]),
                n_steps=90,
            )
        ),
        "polynomial": lambda: results(
            scan(
                lambda c, k, x: c * x**k,
                [an("float64", (4,)), T.arange(4)],
                None,
                an("float64", ()),
            )
        ).sum(),
        "power": lambda: results(
            scan(lambda p, a: p * a, None, T.ones_like(an(*H)), an(*H), n_steps=4)
        )[-1],
        "nested": lambda: results(
            scan(
                lambda x, w: results(scan(lambda h, v: T.tanh(T.dot(h, v)), None, x, w, n_steps=2))[
                    -1
                ],
                an(*S),
                None,
                an(*W),
            )
        ),
        "gradient in scan": lambda: results(
            scan(lambda i, y, x: T.grad(y[i], x), T.arange(3), None, [an(*H) ** 2, an(*H)])
        ),
        "no sequences": lambda: results(scan(lambda: 1)),
        "sequences of none": lambda: results(scan(lambda x: x, [])),
        "broadcast state": lambda: results(
            scan(
                lambda h: h + an("float32", (1, 3)),
                None,
                T.unbroadcast(T.zeros((1, 3)), 0),
                n_steps=2,
            )
        ),
        "state of another type": lambda: results(
            scan(lambda h: h + an(*W), None, an(*H), n_steps=2)
        ),
        "return_list": lambda: results(scan(lambda x: x, an(*S), return_list=True)),
        "shared non-sequence": lambda: results(
            scan(lambda x, w: x * w, an(*S), None, theano.shared(np.float32([1, 2, 3])))
        ),
        "shared, unnamed": lambda: closed_over(),
        "updates": lambda: with_updates(),
        "random numbers": lambda: with_random_numbers(),
        "gradient through random numbers": lambda: with_random_numbers(gradient=True),
        "gradient through states with random numbers": lambda: dropped_out(RANDOM_STREAMS),
        "MRG": lambda: with_random_numbers(MRG),
        "gradient through MRG": lambda: with_random_numbers(MRG, gradient=True),
        "gradient through states with MRG": lambda: dropped_out(MRG),
        "checkpoints": lambda: results(
            theano_.scan_checkpoints(
                lambda h, w: T.tanh(T.dot(h, w)), [], an(*H), an(*W), n_steps=6, save_every_N=2
            )
        ),
        "lstm": lambda: lstm(),
        "second gradient": lambda: T.grad(
            T.sum(T.sqr(T.grad(T.sum(results(scan(rnn, an(*S), an(*H), an(*W)))[-1]), an(*H)))),
            an(*H),
        ),
        "Rop": lambda: T.Rop(
            results(scan(rnn, an(*S), an(*H), an(*W))), an(*H), an("float32", (3,), 9)
        ),
        "jacobian": lambda: T.jacobian(results(scan(rnn, an(*S), an(*H), an(*W)))[-1], an(*H)),
        "ifelse": lambda: ifelse.ifelse(T.gt(an("float32", ()), 0), an(*H), an(*H) * 2),
        "ifelse of an int": lambda: [
            ifelse.ifelse(given(np.array(k, "int8")), an(*H), an(*H) * 2) for k in (0, 1, -1)
        ],
        "ifelse of lists": lambda: ifelse.ifelse(
            given(np.array(1, "int8")), [an(*H), an(*S)], [an(*H) * 2, an(*S) + 1]
        ),
        "ifelse of dtypes": lambda: ifelse.ifelse(
            given(np.array(1, "int8")), an("int8", (3,)), an(*H)
        ),
        "ifelse of constants": lambda: ifelse.ifelse(given(np.array(1, "int8")), 300, 0.5),
        "ifelse of ndims": lambda: ifelse.ifelse(given(np.array(1, "int8")), an(*H), an(*W)),
        "ifelse of a vector": lambda: ifelse.ifelse(an(*H), an(*H), an(*H)),
        "ifelse lazily": lambda: ifelse.ifelse(
            given(np.array(1, "int8")), an(*H), theano.tensor.opt.Assert()(an(*H), 0)
        ),
        "ifelse by name": lambda: ifelse.ifelse(
            condition=given(np.array(0, "int8")),
            then_branch=an(*H),
            else_branch=an(*H) + 1,
            name="n",
        ),
        "clone": lambda: theano_.clone(an(*H) * 2, replace={an(*H): an("float32", (3,), 9)}),
        "OpFromGraph": lambda: from_graph(),
        "as_op": lambda: doubled(an(*H)),
        "sparse_grad": lambda: theano_.sparse_grad(an(*W)[given(np.array([0, 1]))]),
        "givens": lambda: with_givens(),
        "updates of functions": lambda: function_updates(),
        "In with update": lambda: defaults(),
        "pp": lambda: theano_.pp(an(*H) * 2 + 1),
        "unused input": lambda: theano_.function([an(*H)], T.constant(1)),
        "missing input": lambda: theano_.function([], an(*H)),
        "duplicate input": lambda: theano_.function([an(*H), an(*H)], an(*H)),
    }.items():
        yield near(
            name,
            build,
            alone=name in ("n_steps too many", "map of two", "ifelse of a vector"),
            c="always"
            if name in ("rnn", "lstm", "until", "random numbers", "taps of outputs")
            else False,
        )


def until():
    def step(x, h):
        h = h + x
        return h, theano.scan_module.until(T.sum(h) > 3)

    return results(theano_.scan(step, an("float32", (8, 3), 4, 0, 1), T.zeros((3,), "float32")))


def closed_over():
    w = theano.shared(np.float32([1, 2, 3]))
    return results(theano_.scan(lambda x: x * w, an(*S)))


def with_updates():
    count = theano.shared(np.int64(0))
    outputs, updates = theano_.scan(lambda x: (x * 2, {count: count + 300}), an(*S))
    function = theano.function([an(*S)], outputs, updates=updates, mode=MODES[current["way"]])
    return [
        function(an(*S).tag.value),
        count.get_value(),
        function(an(*S).tag.value),
        count.get_value(),
    ]


RANDOM_STREAMS = theano.tensor.shared_randomstreams.RandomStreams
MRG = theano.sandbox.rng_mrg.MRG_RandomStreams


def with_random_numbers(kind=RANDOM_STREAMS, gradient=False):
    w = theano.shared(np.float32([1, 2, 3]))
    streams = kind(234)
    outputs, updates = theano_.scan(
        lambda h: h * w + streams.uniform((3,)), None, T.zeros((3,)), n_steps=3
    )
    if gradient:
        outputs = T.grad(T.sum(T.sqr(outputs)), w)
    function = theano.function([], outputs, updates=updates, mode=MODES[current["way"]])
    return [function(), function()]


def dropped_out(kind):
    streams, x, w = kind(234), theano.tensor.fmatrix(), theano.tensor.fmatrix()
    outputs, updates = theano_.scan(
        lambda x, h, w: rnn(x, h * streams.uniform((3,)), w), x, T.zeros((3,), "float32"), w
    )
    gradient = T.grad(T.sum(T.sqr(outputs[-1])), [x, w])
    function = theano.function([x, w], gradient, updates=updates, mode=MODES[current["way"]])
    return [function(an(*S).tag.value, an(*W).tag.value) for _ in range(2)]


def lstm():
    w, u = an("float32", (3, 8), 5, -0.5, 0.5), an("float32", (2, 8), 6, -0.5, 0.5)
    sigmoid = theano.tensor.nnet.sigmoid

    def step(x, h, c):
        z = T.dot(x, w) + T.dot(h, u)
        i, f, o, g = z[:, :2], z[:, 2:4], z[:, 4:6], z[:, 6:]
        c = sigmoid(f) * c + sigmoid(i) * T.tanh(g)
        return sigmoid(o) * T.tanh(c), c

    x = an("float32", (4, 2, 3), 7)
    return results(theano_.scan(step, x, [T.zeros((2, 2), "float32"), T.zeros((2, 2), "float32")]))


def from_graph():
    x, y = theano.tensor.fvectors("x", "y")
    op = theano_.OpFromGraph([x, y], [x * T.exp(y), x + 300])
    return op(an(*H), an("float32", (3,), 9))


@theano_.as_op(itypes=[theano.tensor.fvector], otypes=[theano.tensor.fvector])
def doubled(x):
    return x * np.float32(2)


def with_givens():
    x, y = theano.tensor.fvectors("x", "y")
    mode = MODES[current["way"]]
    return [
        theano.function([y], x * 2, givens={x: y + 300}, mode=mode)([1, 2]),
        theano.function([], x * 2, givens=[(x, np.float32([1, 2]))], mode=mode)(),
    ]


def function_updates():
    a, b = theano.shared(1), theano.shared(300.5)
    f = theano.function([], [a, b], updates=[(a, a + 300), (b, b * a)], mode=MODES[current["way"]])
    return f() + f() + [a.get_value(), b.get_value(), str(a.type), str(b.type)]


def defaults():
    x, s = theano.tensor.dscalars("x", "s")
    f = theano.function(
        [theano_.In(x, value=2), theano_.In(s, value=300.0, update=s + x)],
        s * x,
        mode=MODES[current["way"]],
    )
    return [f(), f(5), f(), f.container["s"].value if hasattr(f, "container") else f["s"]]
