"""theano.gradient: grad and its options, jacobian, hessian, Rop, Lop, and the Ops that steer it."""

import numpy as np
import theano
import theano.gradient
import theano.tensor
from cases import MODES, Case, Namespace, an, current, given

T = Namespace(theano.tensor, "tensor")
gradient = Namespace(theano.gradient, "gradient")
theano_ = Namespace(theano, "theano")

X = ("float64", (3,), 1, 0.2, 2)
W = ("float64", (3, 3), 2)


def cost(x, w):
    return T.sum(T.tanh(T.dot(w, x)) ** 2 + x**3)


def cases():
    f = cost
    for name, build in {
        "grad": lambda: gradient.grad(f(an(*X), an(*W)), [an(*X), an(*W)]),
        "grad of one": lambda: T.grad(f(an(*X), an(*W)), an(*X)),
        "grad of a vector": lambda: T.grad(an(*X), an(*X)),
        "grad of an int": lambda: T.grad(T.sum(an("int8", (3,))), an("int8", (3,))),
        "grad through ints": lambda: T.grad(
            T.sum(T.cast(an("int8", (3,)), "float32") ** 2), an("int8", (3,))
        ),
        "grad wrt ints in a product": lambda: T.grad(
            T.sum(an("int8", (3,)) * an("float32", (3,))), an("int8", (3,))
        ),
        "disconnected": lambda: T.grad(T.sum(an(*X)), an(*W)),
        "disconnected, ignored": lambda: T.grad(
            T.sum(an(*X)), an(*W), disconnected_inputs="ignore"
        ),
        "disconnected, warned": lambda: T.grad(T.sum(an(*X)), an(*W), disconnected_inputs="warn"),
        "disconnected, wrong word": lambda: T.grad(T.sum(an(*X)), an(*W), disconnected_inputs="x"),
        "return_disconnected": lambda: str(
            T.grad(T.sum(an(*X)), an(*W), disconnected_inputs="ignore", return_disconnected="None")
        ),
        "consider_constant": lambda: T.grad(
            f(an(*X) * 2, an(*W)), an(*W), consider_constant=[an(*X)]
        ),
        "known_grads": lambda: T.grad(None, an(*X), known_grads={T.exp(an(*X)): an(*X)}),
        "known_grads of a product": lambda: known(),
        "null_gradients": lambda: T.grad(
            T.sum(T.gammaincc(an(*X), an(*X))), an(*X), null_gradients="raise"
        ),
        "null_gradients return": lambda: str(
            T.grad(T.sum(T.gammaincc(an(*X), an(*X))), an(*X), null_gradients="return").type
        ),
        "add_names": lambda: T.grad(f(an(*X), an(*W)), an(*X), add_names=False),
        "jacobian": lambda: gradient.jacobian(T.dot(an(*W), an(*X)) ** 2, an(*X)),
        "jacobian of two": lambda: T.jacobian(T.dot(an(*W), an(*X)) ** 2, [an(*X), an(*W)]),
        "jacobian of a scalar": lambda: T.jacobian(T.sum(an(*X) ** 2), an(*X)),
        "jacobian of a matrix": lambda: T.jacobian(an(*W), an(*W)),
        "hessian": lambda: gradient.hessian(f(an(*X), an(*W)), an(*X)),
        "hessian of a matrix": lambda: T.hessian(f(an(*X), an(*W)), an(*W)),
        "Rop": lambda: gradient.Rop(T.dot(an(*W), T.exp(an(*X))), an(*X), an("float64", (3,), 5)),
        "Rop of two": lambda: T.Rop(
            [T.dot(an(*W), an(*X)), T.tanh(an(*X))],
            [an(*X), an(*W)],
            [an("float64", (3,), 5), an("float64", (3, 3), 6)],
        ),
        "Rop of a wrong shape": lambda: T.Rop(T.exp(an(*X)), an(*X), an(*W)),
        "Lop": lambda: gradient.Lop(T.dot(an(*W), T.exp(an(*X))), an(*W), an("float64", (3,), 5)),
        "Lop of two": lambda: T.Lop(
            [T.dot(an(*W), an(*X)), T.tanh(an(*X))],
            [an(*X), an(*W)],
            [an("float64", (3,), 5), an("float64", (3,), 6)],
        ),
        "consider_constant Op": lambda: steered(gradient.consider_constant),
        "T.consider_constant": lambda: steered(T.consider_constant),
        "zero_grad": lambda: steered(gradient.zero_grad),
        "disconnected_grad": lambda: steered(gradient.disconnected_grad),
        "disconnected_grad alone": lambda: T.grad(
            T.sum(gradient.disconnected_grad(an(*X))), an(*X)
        ),
        "undefined_grad": lambda: steered(gradient.undefined_grad),
        "grad_clip": lambda: steered(lambda x: gradient.grad_clip(x, -0.5, 0.5)),
        "grad_clip wrong": lambda: steered(lambda x: gradient.grad_clip(x, 0.5, -0.5)),
        "grad_scale": lambda: steered(lambda x: gradient.grad_scale(x, 300)),
        "Ops of these names": lambda: [
            gradient.zero_grad_(an(*X)),
            gradient.consider_constant_(an(*X)),
            gradient.disconnected_grad_(an(*X)),
            gradient.undefined_grad_(an(*X)),
        ],
        "grad_undefined": lambda: str(T.grad_undefined(T.exp, 0, an(*X)).type),
        "grad_not_implemented": lambda: str(T.grad_not_implemented(T.exp, 0, an(*X)).type),
        "subgraph_grad": lambda: subgraph(),
        "second derivative of a sigmoid": lambda: T.grad(
            T.sum(T.sqr(T.grad(T.sum(theano.tensor.nnet.sigmoid(an(*X))), an(*X)))), an(*X)
        ),
        "verify_grad": lambda: verified(lambda x: T.sum(T.exp(x) ** 2)),
        "verify_grad of a wrong one": lambda: verified(lambda x: T.sum(gradient.zero_grad(x) ** 2)),
        "T.verify_grad": lambda: T.verify_grad(
            T.tanh, [np.array([0.3, 0.7])], rng=np.random.RandomState(1), mode="FAST_COMPILE"
        ),
        "numeric_grad": lambda: list(
            gradient.numeric_grad(
                lambda x: float((x**2).sum()), [np.array([1.0, 2.0])], eps=1e-7
            ).gf
            and [1]
        ),
        "updates by a gradient": lambda: descent(),
        "theano.grad": lambda: theano_.grad(f(an(*X), an(*W)), [an(*X), an(*W)]),
        "theano.Rop": lambda: theano_.Rop(T.exp(an(*X)), an(*X), an("float64", (3,), 5)),
        "theano.Lop": lambda: theano_.Lop(T.exp(an(*X)), an(*X), an("float64", (3,), 5)),
        "theano.subgraph_grad": lambda: theano_.subgraph_grad.__name__,
        "theano.dot": lambda: theano_.dot(an(*W), an(*X)),
        "theano.pprint": lambda: theano_.pprint(an(*X) * 2),
        "theano.get_scalar_constant_value": lambda: theano_.get_scalar_constant_value(
            T.constant(300) + 1
        ),
        "theano.shared": lambda: [
            theano_.shared(np.zeros(2)),
            theano_.shared(300),
            theano_.shared(2.5),
        ],
        "gradient.grad_undefined": lambda: str(gradient.grad_undefined(T.exp, 0, an(*X)).type),
        "gradient.grad_not_implemented": lambda: str(
            gradient.grad_not_implemented(T.exp, 0, an(*X)).type
        ),
        "format_as": lambda: gradient.format_as(True, False, [an(*X)])[0],
    }.items():
        yield Case(
            name,
            build,
            ulps=64,
            whole=True,
            c=False,
            alone=name.startswith(("Rop", "disconn", "verify")),
        )
    for name in [
        "exp",
        "log",
        "sqrt",
        "tanh",
        "sin",
        "sqr",
        "inv",
        "abs_",
        "sigmoid",
        "softplus",
        "gammaln",
        "erf",
    ]:
        op = getattr(theano.tensor.nnet if name in ("sigmoid", "softplus") else T, name)
        yield Case(
            f"Rop of {name}",
            lambda o=op: T.Rop(o(an(*X)), an(*X), an("float64", (3,), 5)),
            ulps=64,
            c=False,
        )
        yield Case(
            f"second derivative of {name}",
            lambda o=op: T.grad(
                T.sum(T.grad(T.sum(o(an(*X))), an(*X))), an(*X), disconnected_inputs="ignore"
            ),
            ulps=256,
            whole=True,
            c=False,
        )


def known():
    y = an(*X) ** 2
    return T.grad(None, [an(*X)], known_grads={y: T.ones_like(y) * 300})


def steered(change):
    x = an(*X)
    return [T.grad(T.sum(x**2 + change(T.exp(x)) * x), x), T.sum(change(x))]


def subgraph():
    x, w1, w2 = an(*X), an(*W), an("float64", (3, 3), 3)
    hidden = T.tanh(T.dot(w1, x))
    end = T.sum(T.dot(w2, hidden) ** 2)
    params, slopes = gradient.subgraph_grad([w2], [hidden], cost=end)
    return list(params) + list(slopes)


def verified(f):
    gradient.verify_grad(
        f, [np.array([0.3, 0.7])], rng=np.random.RandomState(1), mode="FAST_COMPILE"
    )
    return "agrees"


def descent():
    w = theano.shared(np.array([1.0, -2.0, 300.0]))
    x = given(np.array([0.5, 1.0, 0.01]))
    slope = T.grad(T.sum(T.sqr(T.tanh(w * x))), w)
    step = theano.function([x], slope, updates=[(w, w - 0.1 * slope)], mode=MODES[current["way"]])
    return [step(x.tag.value) for _ in range(3)] + [w.get_value()]
